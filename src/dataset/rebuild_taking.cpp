#include "rebuild_taking.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>
#include <variant>

#include "grit/annotations/reader.hpp"
#include "grit/archive/image_reader.hpp"
#include "grit/store/opt_out_rows.hpp"
#include "grit/url/canonical_url.hpp"
#include "rebuild_problems.hpp"
#include "rebuild_sidecar.hpp"

namespace grit::dataset {
namespace {

// An annotation has 4 MiB at most (annotations::Reader), and what is added to it is small.
constexpr std::uint64_t kMaxSidecar = std::uint64_t{16} << 20;
// Images that wait for an input, some 300 bytes each.
constexpr std::size_t kMostWaiting = 500'000;
constexpr std::string_view kDetail = "taken over from its file by a rebuild";

// @return nothing if it can not be read.
std::optional<std::string> text_of(const archive::Extent& at) {
    auto reader = archive::ImageReader::open(at);
    if (!reader || at.size > kMaxSidecar) {
        return std::nullopt;
    }
    std::string text(static_cast<std::size_t>(at.size), '\0');
    for (std::size_t done = 0; done < text.size();) {
        const auto count = reader->read(std::as_writable_bytes(std::span(text)).subspan(done));
        if (!count || *count == 0) {
            return std::nullopt;
        }
        done += *count;
    }
    return text;
}

}  // namespace

Checked<void> RebuildTaking::take(std::span<const LooseImage> some) {
    std::vector<std::string> let_go;
    std::vector<const LooseImage*> beside;
    const bool has_sidecars = parts_.layout.sidecars() != archive::Sidecars::none;
    for (const LooseImage& image : some) {
        if (parts_.replay.was_let_go(image.ordinal)) {
            let_go.push_back(image.location);
        } else if (has_sidecars) {
            beside.push_back(&image);
        } else {
            waiting_.push_back(image);
        }
    }
    if (auto removed = let_go.empty() ? Checked<void>() : remove(let_go); !removed) {
        return removed;
    }
    if (waiting_.size() >= kMostWaiting) {
        return take_by_inputs();
    }
    return beside.empty() ? Checked<void>() : take_by_sidecars(beside);
}

Checked<void> RebuildTaking::remove(const std::vector<std::string>& locations) {
    if (auto removed = parts_.layout.remove(locations); !removed) {
        return removed;
    }
    for (const std::string& location : locations) {
        parts_.telling.list("removed", location, {}, "its record was deleted before");
    }
    parts_.report.removed += locations.size();
    return {};
}

// By sidecars ---------------------------------------------------------------------------------------------------------

Checked<void> RebuildTaking::take_by_sidecars(std::span<const LooseImage* const> some) {
    std::vector<Candidate> candidates;
    for (const LooseImage* image : some) {
        if (auto found = by_sidecar(*image)) {
            candidates.push_back(std::move(*found));
        } else if (auto left = leave(*image, found.error().what); !left) {
            return left;
        }
    }
    const auto taken = put(candidates);
    if (!taken) {
        return taken.error();
    }
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        if (auto left = (*taken)[i] ? Checked<void>() : leave(*candidates[i].image, "its URL has another record"); !left) {
            return left;
        }
    }
    return {};
}

Checked<RebuildTaking::Candidate> RebuildTaking::by_sidecar(const LooseImage& image) const {
    if (!image.sidecar) {
        return Problem{"it has no sidecar"};
    }
    const auto text = text_of(*image.sidecar);
    if (!text) {
        return Problem{"its sidecar can not be read"};
    }
    auto record = record_of_sidecar(parts_.layout.sidecars(), *text);
    if (!record) {
        return record.error();
    }
    const store::Sha256 told = record->sha256;
    auto found = record->ordinal == image.ordinal ? candidate(image, std::move(*record)) : Problem{"its sidecar is of another image"};
    return !found || found->record.sha256 == told ? std::move(found) : Problem{"its bytes are not those that its sidecar tells of"};
}

// @param record  what somebody says of it; what its bytes say is added.
Checked<RebuildTaking::Candidate> RebuildTaking::candidate(const LooseImage& image, store::Record record) const {
    const auto url = url::canonicalize(record.url);
    if (!url) {
        return Problem{"its URL can not be asked for: " + url.error().message()};
    }
    const auto look = look_at_image(image.at);
    if (!look) {
        return look.error();
    }
    if (!look->is_whole) {
        return Problem{"it is no whole image"};
    }
    const std::int64_t now_ms = parts_.clock.wall_now().time_since_epoch().count();
    record.first_ms = record.first_ms != 0 ? record.first_ms : now_ms;
    record.last_ms = record.last_ms != 0 ? record.last_ms : now_ms;
    record.size = image.at.size;
    record.image_type = look->type;
    record.width = look->width;
    record.height = look->height;
    record.sha256 = look->sha256;
    record.location = image.location;
    record.detail = kDetail;
    return Candidate{&image, {parts_.replay.host(url->host), url->hash()}, std::string(url->host), std::move(record)};
}

// By inputs -----------------------------------------------------------------------------------------------------------

// The journal knows which lines of which inputs have these ordinals; an input that begins as it did tells their URLs.
Checked<void> RebuildTaking::take_by_inputs() {
    Wanted wanted;
    for (std::size_t i = 0; i < waiting_.size(); ++i) {
        wanted.emplace(waiting_[i].ordinal, i);
    }
    taken_.assign(waiting_.size(), false);
    for (const auto& [id, input] : parts_.replay.inputs()) {
        if (auto read = waiting_.empty() ? Checked<void>() : take_by_input(input, wanted); !read) {
            parts_.report.problems.push_back("images without a line: " + read.error().what);
        }
    }
    for (std::size_t i = 0; i < waiting_.size(); ++i) {
        if (auto left = taken_[i] ? Checked<void>() : leave(waiting_[i], "no line tells of it, nor an input"); !left) {
            return left;
        }
    }
    waiting_.clear();
    return {};
}

Checked<void> RebuildTaking::take_by_input(const store::InputRow& input, const Wanted& wanted) {
    if (input.path == "-" || input.extents.empty()) {
        return {};
    }
    auto source = annotations::ByteSource::open(input.path);
    if (!source) {
        return source.error();
    }
    annotations::Reader::Options how;
    how.url_field = parts_.url_field;
    how.accept_unfinished_tail = true;
    annotations::Reader reader(std::move(*source), std::move(how));
    bool checked = false;
    auto extent = input.extents.begin();
    while (extent != input.extents.end()) {
        const auto event = reader.next();
        if (!event) {
            return event.error();
        }
        if (!std::exchange(checked, true) && input.first_block_bytes > 0 &&
            !reader.begins_with(annotations::FirstBlock{input.first_block_bytes, input.first_block_digest})) {
            return Problem{input.path + " does not begin as it did: it is another file now"};
        }
        if (std::holds_alternative<annotations::End>(*event)) {
            return {};
        }
        const auto* line = std::get_if<annotations::Line>(&*event);
        const std::uint64_t number = line != nullptr ? line->line : std::get<annotations::BadLine>(*event).line;
        while (extent != input.extents.end() && number >= extent->first_line + extent->lines) {
            ++extent;
        }
        if (line == nullptr || extent == input.extents.end() || number < extent->first_line) {
            continue;
        }
        const auto found = wanted.find(extent->first_ordinal + (number - extent->first_line));
        if (found != wanted.end() && !taken_[found->second]) {
            const auto taken = take_by_url(waiting_[found->second], line->raw_url);
            if (!taken) {
                return taken.error();
            }
            taken_[found->second] = *taken;
        }
    }
    return {};
}

Checked<bool> RebuildTaking::take_by_url(const LooseImage& image, std::string_view raw_url) {
    store::Record record;
    record.outcome = Outcome::stored;
    record.ordinal = image.ordinal;
    record.url = raw_url;
    record.attempts = 1;
    auto found = candidate(image, std::move(record));
    if (!found) {
        return false;
    }
    const auto taken = put(std::span(&*found, 1));
    return taken ? Checked<bool>(taken->front()) : Checked<bool>(taken.error());
}

// Records -------------------------------------------------------------------------------------------------------------

Checked<std::vector<bool>> RebuildTaking::put(std::span<const Candidate> some) {
    std::vector<bool> is_new;
    const auto written = parts_.writer.transact([&](store::WriteTxn& txn) -> Result<void> {
        is_new.clear();
        for (const Candidate& one : some) {
            const auto known = store::get_record(txn, one.key);
            is_new.push_back(!known || (known->location.empty() && known->outcome != Outcome::opted_out));
            if (const auto put = is_new.back() ? store::put_record(txn, one.key, one.record) : Result<void>(); !put) {
                return put;
            }
        }
        return {};
    });
    if (!written) {
        return new_state_unwritable(written.error());
    }
    for (std::size_t i = 0; i < some.size(); ++i) {
        if (!is_new[i]) {
            continue;
        }
        parts_.replay.raise_next_ordinal(some[i].record.ordinal + 1);
        journal::Line line;
        line.kind = journal::Kind::found;
        line.host = some[i].host;
        line.record = some[i].record;
        parts_.telling.tell(line);
        parts_.telling.list("found", some[i].record.location, some[i].record.url, {});
        ++parts_.report.found;
    }
    return is_new;
}

// No new image gets its number, nor, in a shard, its key.
Checked<void> RebuildTaking::leave(const LooseImage& image, std::string_view why) {
    parts_.telling.list("unknown", image.location, {}, why);
    parts_.replay.raise_next_ordinal(image.ordinal + 1);
    ++parts_.report.unknown;
    const std::string claim = parts_.layout.claim_of(image.location);
    if (claim == image.location) {
        return {};
    }
    const auto kept = parts_.writer.transact([&](store::WriteTxn& txn) { return store::put_removal(txn, claim, store::Removal::kept); });
    return kept ? Checked<void>() : new_state_unwritable(kept.error());
}

}  // namespace grit::dataset
