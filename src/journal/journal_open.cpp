// What a start makes of the files that are there.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>

#include "compress.hpp"
#include "first_line.hpp"
#include "grit/base/file_descriptor.hpp"
#include "grit/base/quantity.hpp"
#include "grit/journal/files.hpp"
#include "grit/journal/journal.hpp"
#include "grit/store/error.hpp"
#include "older_state.hpp"
#include "sealer.hpp"

namespace grit::journal {
namespace {

constexpr mode_t kFolderMode = 0750;

Problem failed(const std::string& path, std::string_view doing, int error) {
    return Problem{fmt::format("outcome journal: {} can not be {}: {}", path, doing, std::generic_category().message(error))};
}

std::string text_of(const boost::json::object& data, std::string_view name) {
    const auto* value = data.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::optional<std::uint64_t> number_of(const boost::json::object& data, std::string_view name) {
    const auto* value = data.if_contains(name);
    boost::system::error_code error;
    const auto number = value != nullptr ? value->to_number<std::uint64_t>(error) : 0;
    return value == nullptr || error ? std::nullopt : std::optional(number);
}

}  // namespace

Checked<std::unique_ptr<Journal>> Journal::open(Options options, store::Env& env, metrics::Metrics& metrics, const Clock& clock,
                                                const Logger& log, std::unique_ptr<FileCalls> calls) {
    std::unique_ptr<Journal> journal(new Journal(std::move(options), env, metrics, clock, log, std::move(calls)));
    if (auto prepared = journal->prepare(); !prepared) {
        return prepared.error();
    }
    return journal;
}

Checked<void> Journal::prepare() {
    int error = ::mkdir(options_.folder.c_str(), kFolderMode) == 0 ? 0 : errno;
    error = error == 0 ? sync_folder(options_.folder.parent_path()) : error;
    if (error != 0 && error != EEXIST) {
        return failed(options_.folder.string(), "made", error);
    }
    auto files = list_files(options_.folder);
    if (!files) {
        return Problem{"outcome journal: " + files.error().what};
    }
    const auto mark = [this]() -> Result<store::JournalMark> {
        const auto txn = env_.read();
        return txn ? store::get_journal_mark(*txn) : Result<store::JournalMark>(txn.error());
    }();
    if (!mark) {
        return store::unreadable(mark.error());
    }
    auto checked = check_dataset(*files);
    checked = checked ? check_age(*files, *mark) : checked;
    if (!checked) {
        return checked;
    }
    if (files = list_files(options_.folder); !files) {  // some may have been set aside
        return Problem{"outcome journal: " + files.error().what};
    }
    sealer_ = std::make_unique<Sealer>(options_.folder, metrics_, log_);
    bool sealed_before = false;  // the same number, sealed: listed behind the plain one
    std::optional<Line> next;    // what the file behind says of itself
    for (auto file = files->rbegin(); file != files->rend(); ++file) {
        ::unlink((path_of(file->number, true) + ".part").c_str());
        auto begin = first_line_of(path_of(file->number, file->sealed), file->sealed);
        if (file->sealed) {
            sealed_before = true;
        } else if (std::exchange(sealed_before, false) && std::prev(file)->number == file->number) {
            ::unlink(path_of(file->number, false).c_str());
        } else {
            const bool told = next && number_of(next->data, "previous_file") == file->number;
            const auto committed = told ? number_of(next->data, "previous_bytes") : std::nullopt;
            if (auto taken = take_over(file->number, *mark, committed); !taken) {
                return taken;
            }
        }
        next = begin && file->number <= mark->file ? std::move(begin) : std::nullopt;
        // One that was never committed is gone, and its number is used again: no crash leaves a file behind the next one.
        last_number_ = file->number <= mark->file ? std::max(last_number_, file->number) : last_number_;
    }
    if (last_number_ < mark->file) {
        log_.error("journal.file_missing", {{"file", path_of(mark->file, false)}});
    }
    return {};
}

// A file that is not sealed: the one that the state names goes on, older ones are sealed, newer ones never were.
Checked<void> Journal::take_over(std::uint64_t number, const store::JournalMark& mark, std::optional<std::uint64_t> committed) {
    const std::string path = path_of(number, false);
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
        return failed(path, "looked at", errno);
    }
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (number > mark.file) {
        ::unlink(path.c_str());
        return {};
    }
    if (number < mark.file || size < mark.bytes) {
        if (number == mark.file) {
            log_.error("journal.shorter_than_counted", {{"file", path}, {"bytes", size}, {"counted", mark.bytes}});
        }
        sealer_->add(number, std::min(size, committed.value_or(size)));
        return {};
    }
    descriptor_ = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    if (descriptor_ < 0 || ::ftruncate(descriptor_, static_cast<off_t>(mark.bytes)) != 0) {
        return failed(path, "opened for writing", errno);
    }
    if (size > mark.bytes) {
        log_.info("journal.cut_back", {{"file", path}, {"bytes", size - mark.bytes}});
    }
    number_ = number;
    size_ = base_ = mark.bytes;
    base_seq_ = mark.next_seq;
    named_ = true;
    counted_ = mark.bytes;
    opened_ = clock_.now();
    return {};
}

Checked<void> Journal::check_age(const std::vector<JournalFile>& files, const store::JournalMark& mark) {
    const auto backup = [this]() -> Result<std::int64_t> {
        const auto txn = env_.read();
        return txn ? store::get_backup_time(*txn) : Result<std::int64_t>(boost::system::in_place_error, txn.error());
    }();
    if (!backup && backup.error() != store::Errc::not_found) {
        return store::unreadable(backup.error());
    }
    const auto newer = find_newer(options_.folder, files, mark, backup.has_value());
    if (!newer) {
        return {};
    }
    if (options_.older_state) {
        log_.warning("journal.older_state", {{"what", *newer}});
        return set_aside_newer(options_.folder, files, mark, clock_.wall_now());
    }
    const std::string whose = backup ? fmt::format("is a backup of {}", format_utc(*backup)) : "seems to be an old copy (is its volume mounted?)";
    return Problem{fmt::format("the state in {} {}, older than its outcome journal. Put the newer one back; or move its data.mdb away and "
                               "run `gritctl rebuild`, which loses nothing; or give up what came since, blocks and opt-outs too: start "
                               "once with `gritd run --older-state`. Nothing was touched. {}",
                               env_.folder().string(), whose, *newer)};
}

Checked<void> Journal::check_dataset(const std::vector<JournalFile>& files) const {
    for (const JournalFile& file : files) {
        const std::string path = path_of(file.number, file.sealed);
        const auto begin = first_line_of(path, file.sealed);
        const std::string dataset = begin ? text_of(begin->data, "dataset") : std::string();
        if (!dataset.empty() && dataset != env_.dataset_id()) {
            return Problem{fmt::format("outcome journal: {} is of another dataset ({}; this state is {}). If that dataset's state was lost, "
                                       "`gritctl rebuild` restores it from its journal; else choose another journal.dir",
                                       path, dataset, env_.dataset_id())};
        }
    }
    return {};
}

}  // namespace grit::journal
