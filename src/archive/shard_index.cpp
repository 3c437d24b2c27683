#include "grit/archive/shard_index.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

namespace grit::archive {
namespace {

constexpr std::string_view kVersion = "v1.2 ";
// No file system has longer files; sums of two such numbers are numbers.
constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 62;

// Takes what stands before the next blank.
std::string_view take_word(std::string_view& line) {
    const std::size_t end = std::min(line.find(' '), line.size());
    const std::string_view word = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    return word;
}

bool take_number(std::string_view& line, std::uint64_t& number) {
    const std::string_view word = take_word(line);
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    return error == std::errc() && end == word.data() + word.size();
}

}  // namespace

SampleName sample_name(std::string_view member) {
    const std::size_t dot = std::min(member.find('.', member.rfind('/') + 1), member.size());
    return {member.substr(0, dot), member.substr(std::min(dot + 1, member.size()))};
}

std::optional<ShardIndex> ShardIndex::parse(std::string_view text) {
    ShardIndex index;
    std::uint64_t samples = 0;
    bool has_head = false;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        if (end == std::string_view::npos) {
            return std::nullopt;  // cut short
        }
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end + 1);
        if (!std::exchange(has_head, true)) {
            if (!line.starts_with(kVersion)) {
                return std::nullopt;
            }
            line.remove_prefix(kVersion.size());
            if (!take_number(line, samples)) {
                return std::nullopt;
            }
            continue;
        }
        while (!line.empty()) {
            TarMember member;
            static_cast<void>(take_word(line));  // the extension: the name has it
            const bool has_numbers = take_number(line, member.offset) && take_number(line, member.size);
            if (!has_numbers || member.offset < kTarBlock || member.offset % kTarBlock != 0 || member.offset > kMaxFileBytes ||
                member.size > kMaxFileBytes) {
                return std::nullopt;
            }
            member.name = take_word(line);
            index.add(std::move(member));
        }
    }
    const bool is_one = has_head && index.size() == samples && !index.overlaps();
    return is_one ? std::optional(std::move(index)) : std::nullopt;
}

bool ShardIndex::overlaps() const {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> pieces;  // from the header on, to the end
    for (const auto& [key, sample] : samples_) {
        for (const TarMember& member : sample.members) {
            pieces.emplace_back(member.offset - kTarBlock, member.offset + tar_padded(member.size));
        }
    }
    std::sort(pieces.begin(), pieces.end());
    return std::adjacent_find(pieces.begin(), pieces.end(), [](const auto& a, const auto& b) { return a.second > b.first; }) != pieces.end();
}

std::vector<std::string> ShardIndex::keys() const {
    std::vector<std::pair<std::uint64_t, std::string>> ordered;
    ordered.reserve(samples_.size());
    for (const auto& [key, sample] : samples_) {
        ordered.emplace_back(sample.order, key);
    }
    std::sort(ordered.begin(), ordered.end());
    std::vector<std::string> keys;
    keys.reserve(ordered.size());
    for (auto& [order, key] : ordered) {
        keys.push_back(std::move(key));
    }
    return keys;
}

std::string ShardIndex::text() const {
    std::string out = fmt::format("{}{}\n", kVersion, samples_.size());
    for (const std::string& key : keys()) {
        std::string_view between;
        for (const TarMember& member : samples_.at(key).members) {
            fmt::format_to(std::back_inserter(out), "{}{} {} {} {}", between, sample_name(member.name).extension, member.offset,
                           member.size, member.name);
            between = " ";
        }
        out += '\n';
    }
    return out;
}

void ShardIndex::add(TarMember member) {
    Sample& sample = samples_[std::string(sample_name(member.name).key)];
    if (sample.members.empty()) {
        sample.order = next_order_++;
    }
    sample.members.push_back(std::move(member));
}

void ShardIndex::erase(std::string_view key) {
    samples_.erase(std::string(key));
}

void ShardIndex::cut(std::uint64_t bytes) {
    for (auto sample = samples_.begin(); sample != samples_.end();) {
        auto& members = sample->second.members;
        std::erase_if(members, [bytes](const TarMember& member) { return member.offset >= bytes; });
        sample = members.empty() ? samples_.erase(sample) : std::next(sample);
    }
}

std::size_t ShardIndex::drop_torn(std::uint64_t bytes) {
    return std::erase_if(samples_, [bytes](const auto& one) {
        const auto& members = one.second.members;
        return std::any_of(members.begin(), members.end(), [bytes](const TarMember& member) {
            return member.offset > bytes || tar_padded(member.size) > bytes - member.offset;
        });
    });
}

std::uint64_t ShardIndex::end() const {
    std::uint64_t end = 0;
    for (const auto& [key, sample] : samples_) {
        for (const TarMember& member : sample.members) {
            end = std::max(end, member.offset + tar_padded(member.size));
        }
    }
    return end;
}

void ShardIndex::clear() {
    samples_.clear();
}

const TarMember* ShardIndex::find(std::string_view name) const {
    const auto sample = samples_.find(std::string(sample_name(name).key));
    if (sample == samples_.end()) {
        return nullptr;
    }
    const auto& members = sample->second.members;
    const auto found = std::find_if(members.begin(), members.end(), [&](const TarMember& one) { return one.name == name; });
    return found == members.end() ? nullptr : &*found;
}

std::vector<TarMember> ShardIndex::sample(std::string_view key) const {
    const auto found = samples_.find(std::string(key));
    return found == samples_.end() ? std::vector<TarMember>() : found->second.members;
}

}  // namespace grit::archive
