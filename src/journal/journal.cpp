#include "grit/journal/journal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <boost/json/array.hpp>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "grit/base/file_descriptor.hpp"
#include "grit/base/kill_point.hpp"
#include "grit/base/version.hpp"
#include "grit/journal/data.hpp"
#include "grit/journal/error.hpp"
#include "grit/journal/files.hpp"
#include "grit/metrics/metrics.hpp"
#include "grit/store/shard_rows.hpp"
#include "sealer.hpp"

namespace grit::journal {
namespace json = boost::json;

namespace {

constexpr mode_t kFileMode = 0640;
constexpr int kFormat = 1;

}  // namespace

int FileCalls::write(int descriptor, std::string_view bytes, std::size_t& written) {
    const ssize_t result = ::write(descriptor, bytes.data(), bytes.size());
    written = result > 0 ? static_cast<std::size_t>(result) : 0;
    return result < 0 ? errno : 0;
}

int FileCalls::sync(int descriptor) { return ::fdatasync(descriptor) == 0 ? 0 : errno; }

Journal::Journal(Options options, store::Env& env, metrics::Metrics& metrics, const Clock& clock, const Logger& log,
                 std::unique_ptr<FileCalls> calls)
    : options_(std::move(options)),
      env_(env),
      metrics_(metrics),
      clock_(clock),
      log_(log),
      calls_(calls ? std::move(calls) : std::make_unique<FileCalls>()) {}

Journal::~Journal() {
    sealer_.reset();
    if (descriptor_ >= 0) {
        ::close(descriptor_);
    }
}

std::string Journal::path_of(std::uint64_t number, bool sealed) const {
    return (options_.folder / name_of(JournalFile{number, sealed})).string();
}

// In a transaction ----------------------------------------------------------------------------------------------------

Result<void> Journal::stage(const store::Txn& txn, std::span<const std::string> lines) {
    const auto mark = store::get_journal_mark(txn);
    if (!mark) {
        return mark.error();
    }
    if (lines.empty()) {
        return {};
    }
    if (descriptor_ < 0) {
        if (const auto begun = begin_file(*mark); !begun) {
            return begun;
        }
    }
    const std::uint64_t base = mark->file == number_ ? mark->bytes : 0;
    std::uint64_t seq = mark->next_seq;
    std::string text;
    if (base == 0) {
        auto first = header(txn, *mark);
        if (!first) {
            return first.error();
        }
        text = std::move(*first);
        ++seq;
    }
    for (const std::string& line : lines) {
        text += whole_line(seq++, line);
    }
    counted_.store(base, std::memory_order_relaxed);
    const bool goes_on = base == base_ && mark->next_seq == base_seq_ && text.starts_with(staged_);
    if (!goes_on || size_ != base_ + staged_.size()) {
        if (const auto cut = cut_back(base); !cut) {
            return cut;
        }
        base_seq_ = mark->next_seq;
    }
    staged_lines_ = seq - mark->next_seq;
    return append(std::string_view(text).substr(staged_.size()));
}

Result<void> Journal::write(store::WriteTxn& txn, std::span<const std::string> lines) {
    if (const auto staged = stage(txn, lines); !staged || lines.empty()) {
        return staged;
    }
    if (const auto synced = sync(); !synced) {
        return synced;
    }
    store::JournalMark mark;
    mark.file = number_;
    mark.bytes = base_ + staged_.size();
    mark.next_seq = base_seq_ + staged_lines_;
    if (const auto put = store::put_journal_mark(txn, mark); !put) {
        return put;
    }
    metrics_.journal_lines.add(staged_lines_);
    metrics_.journal_bytes.add(staged_.size());
    return {};
}

// What every file says of itself: a rebuild that lacks an older file still knows what was blocked, and which ordinals
// the lines of the inputs have.
Result<std::string> Journal::header(const store::Txn& txn, const store::JournalMark& mark) const {
    json::array inputs;
    const auto walked = store::for_each_input(txn, [&inputs](store::InputId id, const store::InputRow& row) {
        inputs.push_back(data_of(id, row));
        return true;
    });
    const auto blocks = store::get_block_rows(txn);
    const auto totals = store::get_totals(txn);
    if (!walked || !blocks || !totals) {
        return !walked ? walked.error() : !blocks ? blocks.error() : totals.error();
    }
    json::array blocked;
    for (const store::BlockRow& row : *blocks) {
        blocked.push_back(data_of(row));
    }
    Line line;
    line.kind = Kind::begin;
    line.time_ms = begun_ms_;
    line.data = {{"format", kFormat},
                 {"dataset", env_.dataset_id()},
                 {"gritd", version()},
                 {"previous_file", mark.file},
                 {"previous_bytes", mark.bytes},
                 {"next_ordinal", totals->next_ordinal},
                 {"inputs", std::move(inputs)},
                 {"blocks", std::move(blocked)}};
    if (const auto layout = store::get_layout(txn)) {
        line.data["layout"] = *layout;
    }
    if (const auto under_way = store::get_opt_out(txn)) {
        line.data["opt_out"] = data_of(*under_way);
    }
    return whole_line(mark.next_seq, text_of(line));
}

// The file --------------------------------------------------------------------------------------------------------

Result<void> Journal::begin_file(const store::JournalMark& mark) {
    const std::uint64_t number = std::max(last_number_, mark.file) + 1;
    // Whatever has that name was never committed: the state would name it.
    descriptor_ = ::open(path_of(number, false).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, kFileMode);
    if (descriptor_ < 0) {
        const int error = errno;
        metrics_.journal_failures.add();
        log_.error("journal.not_begun", {{"file", path_of(number, false)}, {"error", std::generic_category().message(error)}});
        return errc_of_errno(error);
    }
    number_ = last_number_ = number;
    begun_ms_ = clock_.wall_now().time_since_epoch().count();
    opened_.store(clock_.now(), std::memory_order_relaxed);
    size_ = base_ = base_seq_ = 0;
    staged_.clear();
    named_ = durable_ = false;
    return {};
}

Result<void> Journal::cut_back(std::uint64_t bytes) {
    staged_.clear();
    durable_ = false;
    if (size_ != bytes && ::ftruncate(descriptor_, static_cast<off_t>(bytes)) != 0) {
        const int error = errno;
        abandon();
        return errc_of_errno(error);
    }
    size_ = base_ = bytes;
    return {};
}

Result<void> Journal::append(std::string_view text) {
    while (!text.empty()) {
        std::size_t written = 0;
        const int error = calls_->write(descriptor_, text, written);
        size_ += written;
        if (error != 0 && error != EINTR) {
            metrics_.journal_failures.add();
            log_.error("journal.not_written", {{"file", path_of(number_, false)}, {"error", std::generic_category().message(error)}});
            static_cast<void>(cut_back(base_));  // if that fails, too, the next one begins another file
            return errc_of_errno(error);
        }
        staged_ += text.substr(0, written);
        text.remove_prefix(written);
        durable_ = false;
    }
    kill_point("journal.written");
    return {};
}

Result<void> Journal::sync() {
    if (durable_) {
        return {};
    }
    const SteadyTime before = clock_.now();
    int error = calls_->sync(descriptor_);
    if (error == 0 && !named_) {
        error = sync_folder(options_.folder);
    }
    metrics_.journal_sync_duration.observe(clock_.now() - before);
    if (error != 0) {
        metrics_.journal_failures.add();
        log_.error("journal.not_synced", {{"file", path_of(number_, false)}, {"error", std::generic_category().message(error)}});
        abandon();
        return errc_of_errno(error);
    }
    named_ = durable_ = true;
    kill_point("journal.synced");
    return {};
}

void Journal::distrust() {
    if (descriptor_ >= 0 && !staged_.empty() && !durable_) {
        abandon();
    }
}

// The next line goes into another file: a disk that has refused a sync would say that all is well when asked again. What
// is committed of this one was durable before.
void Journal::abandon() {
    ::close(std::exchange(descriptor_, -1));
    opened_.store(SteadyTime::max(), std::memory_order_relaxed);
    counted_.store(0, std::memory_order_relaxed);
    staged_.clear();
    if (base_ == 0) {
        // Its number is used again: should a power cut bring it back, its name is the other's.
        ::unlink(path_of(number_, false).c_str());
        --last_number_;
    } else {
        sealer_->add(number_, base_);
    }
    number_ = 0;
}

// Sealing -------------------------------------------------------------------------------------------------------------

bool Journal::seal_due() const {
    const SteadyTime opened = opened_.load(std::memory_order_relaxed);
    return opened != SteadyTime::max() && (counted_.load(std::memory_order_relaxed) >= options_.seal_bytes ||
                                           clock_.now() - opened >= options_.seal_after);
}

void Journal::seal_if_due() {
    if (descriptor_ < 0) {
        return;
    }
    const auto mark = [this]() -> Result<store::JournalMark> {
        const auto txn = env_.read();
        return txn ? store::get_journal_mark(*txn) : Result<store::JournalMark>(txn.error());
    }();
    if (!mark) {
        return;  // whoever needs the state will say so
    }
    counted_.store(mark->file == number_ ? mark->bytes : 0, std::memory_order_relaxed);
    if (seal_due() && mark->file == number_) {
        seal(mark->bytes);
    }
}

void Journal::seal(std::uint64_t bytes) {
    ::close(std::exchange(descriptor_, -1));
    opened_.store(SteadyTime::max(), std::memory_order_relaxed);
    counted_.store(0, std::memory_order_relaxed);
    staged_.clear();
    sealer_->add(std::exchange(number_, 0), bytes);
}

void Journal::close() {
    if (descriptor_ >= 0) {
        const auto txn = env_.read();
        const auto mark = txn ? store::get_journal_mark(*txn) : Result<store::JournalMark>(txn.error());
        if (mark && mark->file == number_) {
            seal(mark->bytes);
        } else if (mark) {
            base_ = 0;  // nothing of it was committed
            abandon();
        }
    }
    sealer_->drain();
}

Result<void> mark_gap(store::WriteTxn& txn) {
    auto mark = store::get_journal_mark(txn);
    if (!mark || mark->file == 0) {
        return mark ? Result<void>() : Result<void>(mark.error());
    }
    ++mark->next_seq;
    return store::put_journal_mark(txn, *mark);
}

}  // namespace grit::journal
