#include "nearest_name.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace grit::config {
namespace {

// Longer names are no slips of ours (the longest key has 23 bytes); also bounds the work.
constexpr std::size_t kMaxNameBytes = 64;

std::string folded(std::string_view name) {
    std::string out(name);
    for (char& c : out) {
        c = c == '-' ? '_' : (c >= 'A' && c <= 'Z') ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return out;
}

// Optimal string alignment distance.
std::size_t edits_between(const std::string& a, const std::string& b) {
    using Row = std::array<std::size_t, kMaxNameBytes + 1>;
    std::array<Row, 3> rows{};  // Of i-2, i-1 and i, in turn.
    for (std::size_t j = 0; j <= b.size(); ++j) {
        rows[0][j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        const Row& above = rows[(i - 1) % 3];
        Row& row = rows[i % 3];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, replaced});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = std::min(row[j], rows[(i - 2) % 3][j - 2] + 1);
            }
        }
    }
    return rows[a.size() % 3][b.size()];
}

}  // namespace

std::optional<std::string_view> nearest_name(std::string_view name, std::span<const std::string_view> known) {
    if (name.size() > kMaxNameBytes) {
        return std::nullopt;
    }
    const std::string wanted = folded(name);
    std::optional<std::string_view> best;
    std::size_t best_edits = std::max<std::size_t>(2, name.size() / 3) + 1;
    for (const std::string_view candidate : known) {
        const std::size_t edits = edits_between(wanted, folded(candidate));
        // As many edits as the name has characters would make any name out of any other.
        if (edits < best_edits && edits < std::max(wanted.size(), candidate.size())) {
            best = candidate;
            best_edits = edits;
        }
    }
    return best;
}

}  // namespace grit::config
