#include "rebuild_numbers.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "grit/annotations/inputs.hpp"
#include "grit/annotations/reader.hpp"
#include "grit/url/canonical_url.hpp"
#include "rebuild_problems.hpp"

namespace grit::dataset {
namespace {

// A reading transaction is held for so many lines.
constexpr std::uint64_t kLinesAtOnce = 10'000;
// Of one input: lines with a URL that an earlier line has speak for something else each. Bounds memory.
constexpr std::size_t kMostVotes = 100'000;

}  // namespace

Checked<void> RebuildNumbers::find(const std::vector<std::string>& inputs, const std::function<bool(std::uint64_t)>& on_count) {
    const auto paths = annotations::expand_inputs(inputs);
    if (!paths) {
        return paths.error();
    }
    Checked<void> all;
    for (const std::string& path : *paths) {
        auto looked = path == "-" ? Checked<void>() : look_at(path, on_count);
        all = all && !looked ? looked : all;
    }
    note();
    return all;
}

Checked<void> RebuildNumbers::look_at(const std::string& path, const std::function<bool(std::uint64_t)>& on_count) {
    auto source = annotations::ByteSource::open(path);
    if (!source) {
        return source.error();
    }
    annotations::Reader::Options how;
    how.url_field = url_field_;
    how.accept_unfinished_tail = true;
    annotations::Reader reader(std::move(*source), std::move(how));
    std::map<Ordinal, Votes> votes;
    for (bool more = true; more;) {
        const auto txn = env_.read();
        if (!txn) {
            return new_state_unreadable(txn.error());
        }
        for (std::uint64_t i = 0; more && i < kLinesAtOnce; ++i) {
            const auto event = reader.next();
            if (!event) {
                return event.error();
            }
            more = !std::holds_alternative<annotations::End>(*event);
            lines_ += more ? 1 : 0;
            if (const auto* line = std::get_if<annotations::Line>(&*event)) {
                vote(*txn, line->raw_url, line->line, votes);
            }
        }
        if (!on_count(lines_)) {
            return rebuild_ended();
        }
    }
    const auto most = std::max_element(votes.begin(), votes.end(), [](const auto& a, const auto& b) { return a.second.count < b.second.count; });
    if (most == votes.end()) {
        return {};
    }
    Found& found = found_.emplace_back();
    found.votes = most->second.count;
    found.row.path = path;
    const annotations::FirstBlock block = reader.first_block();
    found.row.first_block_bytes = block.length;
    found.row.first_block_digest = block.sha256;
    found.row.extents = {store::OrdinalExtent{0, most->first, most->second.last_line + 1}};
    return {};
}

void RebuildNumbers::vote(const store::Txn& txn, std::string_view raw_url, std::uint64_t line, std::map<Ordinal, Votes>& votes) const {
    const auto url = url::canonicalize(raw_url);
    const auto host = url ? replay_.known_host(url->host) : std::nullopt;
    const auto record = host ? store::get_record(txn, {*host, url->hash()}) : Result<store::Record>(make_error_code(store::Errc::not_found));
    if (!record || record->ordinal < line) {
        return;
    }
    const Ordinal first = record->ordinal - line;
    if (votes.size() < kMostVotes || votes.contains(first)) {
        Votes& one = votes[first];
        ++one.count;
        one.last_line = line;
    }
}

// No ordinal is that of two lines: of inputs that contradict each other the one with more images is believed.
void RebuildNumbers::note() {
    std::sort(found_.begin(), found_.end(), [](const Found& a, const Found& b) { return a.votes > b.votes; });
    std::vector<store::OrdinalExtent> taken;
    for (Found& one : found_) {
        const store::OrdinalExtent extent = one.row.extents.front();
        const bool is_free = std::none_of(taken.begin(), taken.end(), [&extent](const store::OrdinalExtent& other) {
            return extent.first_ordinal < other.first_ordinal + other.lines && other.first_ordinal < extent.first_ordinal + extent.lines;
        });
        if (is_free) {
            taken.push_back(extent);
            replay_.raise_next_ordinal(extent.first_ordinal + extent.lines);
            replay_.inputs().emplace(static_cast<store::InputId>(replay_.inputs().size()), std::move(one.row));
        }
    }
}

}  // namespace grit::dataset
