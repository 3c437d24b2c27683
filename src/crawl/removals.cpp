#include "grit/crawl/removals.hpp"

#include "grit/archive/names.hpp"
#include "grit/base/kill_point.hpp"
#include "grit/base/low_priority.hpp"
#include "grit/store/error.hpp"
#include "grit/store/opt_out_rows.hpp"

#include <map>
#include <string_view>
#include <utility>

namespace grit::crawl {
namespace {

// Rows of one transaction: results of the crawl wait for it.
constexpr std::size_t kRowsAtOnce = 500;
// Rows that are looked at in one reading transaction: some milliseconds.
constexpr std::size_t kRowsPerLook = 10'000;

}  // namespace

Removals::Removals(store::Env& env, store::Writer& writer, archive::Layout& layout, const Logger& log)
    : env_(env), writer_(writer), layout_(layout), log_(log) {}

Removals::~Removals() { stop(); }

Checked<DueFiles> Removals::remove_due(const std::function<bool()>& stopping) {
    DueFiles done;
    std::string from;
    for (bool more = true; more && !stopping();) {
        const std::lock_guard lock(turn_);
        const auto portion = next(from);
        if (!portion) {
            return portion.error();
        }
        if (auto removed = remove(*portion, done); !removed) {
            return removed.error();
        }
        more = !portion->is_last;
    }
    return done;
}

// The due ones from a path on, which is moved on.
Checked<Removals::Portion> Removals::next(std::string& from) {
    Portion portion;
    std::size_t looked = 0;
    std::string behind;
    const auto visit = [&](std::string_view path, store::Removal removal) {
        if (portion.due.size() == kRowsAtOnce || looked++ == kRowsPerLook) {
            behind = path;
            portion.is_last = false;
            return false;
        }
        if (removal == store::Removal::due) {
            portion.due.emplace_back(path);
        }
        return true;
    };
    const auto txn = env_.read();
    const auto walked = txn ? store::for_each_removal(*txn, visit, from) : Result<void>(txn.error());
    if (!walked) {
        return store::unreadable(walked.error());
    }
    from = std::move(behind);
    return portion;
}

// A volume at a time: one that is out, or goes out meanwhile, has nothing to do with the others.
Checked<void> Removals::remove(const Portion& portion, DueFiles& done) {
    std::map<std::string, std::vector<std::string>, std::less<>> by_volume;
    for (const std::string& path : portion.due) {
        by_volume[std::string(archive::volume_of(path))].push_back(path);
    }
    std::vector<std::string> gone;
    Checked<void> trouble;
    for (auto& [volume, paths] : by_volume) {
        const auto removed = layout_.remove(paths);
        if (removed) {
            gone.insert(gone.end(), paths.begin(), paths.end());
        } else if (!layout_.is_out(paths.front())) {
            trouble = removed;
        } else {
            done.left += paths.size();
            if (done.why_left.find(removed.error().what) == std::string::npos) {
                done.why_left += (done.why_left.empty() ? "" : "; ") + removed.error().what;
            }
        }
    }
    if (!gone.empty()) {
        kill_point("removal.synced");
        if (auto erased = erase_rows(gone); !erased) {
            return erased;
        }
        done.removed += gone.size();
    }
    return trouble;
}

Checked<void> Removals::erase_rows(std::span<const std::string> paths) {
    const auto written = writer_.transact([&](store::WriteTxn& txn) -> Result<void> {
        for (const std::string& path : paths) {
            const auto removal = store::get_removal(txn, path);
            if (!removal || *removal != store::Removal::due) {
                continue;  // not read any more, or somebody has given it up meanwhile: it is looked at again then
            }
            if (const auto erased = store::delete_removal(txn, path); !erased) {
                return erased;
            }
        }
        return {};
    });
    return written ? Checked<void>() : Checked<void>(store::unwritable(written.error()));
}

// Beside everything else ---------------------------------------------------------------------------------------------

void Removals::begin() {
    const std::lock_guard lock(mutex_);
    if (stopping_) {
        return;
    }
    wanted_ = true;
    if (!thread_.joinable()) {
        thread_ = std::thread([this] { run(); });
    }
    change_.notify_all();
}

void Removals::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    change_.notify_all();
    if (thread_.joinable()) {
        thread_.join();
    }
}

void Removals::run() {
    give_way_to_others();
    const auto stopping = [this] {
        const std::lock_guard lock(mutex_);
        return stopping_;
    };
    while (true) {
        {
            std::unique_lock lock(mutex_);
            change_.wait(lock, [this] { return stopping_ || wanted_; });
            if (stopping_) {
                return;
            }
            wanted_ = false;
        }
        const auto done = remove_due(stopping);
        if (!done) {
            log_.error("removals.failed", {{"problem", done.error().what}});  // until the next time, or the next start
        } else if (done->removed + done->left > 0) {
            log_.info("removals.done", {{"removed", done->removed}, {"left", done->left}, {"why_left", done->why_left}});
        }
    }
}

}  // namespace grit::crawl
