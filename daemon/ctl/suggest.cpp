#include "suggest.hpp"

#include <algorithm>

namespace grit::ctl {
namespace {

// Optimal string alignment distance (Damerau-Levenshtein without repeated edits).
std::size_t edits_between(std::string_view a, std::string_view b) {
    std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i) {
        for (std::size_t j = 0; j <= b.size(); ++j) {
            if (i == 0 || j == 0) {
                cost[i][j] = i + j;
                continue;
            }
            const std::size_t replace = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, replace});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
            }
        }
    }
    return cost[a.size()][b.size()];
}

}  // namespace

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& known) {
    constexpr std::size_t kLongestWord = 64;  // The cost is its square.
    if (word.size() > kLongestWord) {
        return std::nullopt;
    }
    std::optional<std::string> best;
    std::size_t fewest = std::max<std::size_t>(1, word.size() / 3);
    for (const std::string& candidate : known) {
        const std::size_t edits = edits_between(word, candidate);
        if (edits <= fewest && (!best || edits < fewest)) {
            best = candidate;
            fewest = edits;
        }
    }
    return best;
}

}  // namespace grit::ctl
