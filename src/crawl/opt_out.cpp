#include "grit/crawl/opt_out.hpp"

#include "grit/base/kill_point.hpp"
#include "grit/base/quantity.hpp"
#include "journal_lines.hpp"
#include "opt_out_work.hpp"

#include "grit/journal/data.hpp"
#include "grit/store/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace grit::crawl {
namespace {

constexpr Milliseconds kLookAgain{20};
constexpr Milliseconds kTryAgain{5'000};
// Of a domain, in the name of a file: NAME_MAX is 255.
constexpr std::size_t kMaxNameBytes = 200;

// "example.org-20261123T050000.123Z.jsonl"
std::string list_name(const std::string& domain, std::int64_t began_ms, bool dry_run) {
    std::string time = format_utc(began_ms);
    std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
    return fmt::format("{}-{}{}.jsonl", domain.substr(0, kMaxNameBytes), time, dry_run ? "-dry-run" : "");
}

}  // namespace

OptOut::OptOut(Parts parts) : parts_(std::move(parts)) {}

OptOut::~OptOut() { stop(); }

Checked<void> OptOut::resume() {
    auto row = [this]() -> Result<store::OptOutRow> {
        const auto txn = parts_.env.read();
        return txn ? store::get_opt_out(*txn) : Result<store::OptOutRow>(txn.error());
    }();
    if (!row) {
        return row.error() == store::Errc::not_found
                   ? Checked<void>()
                   : Checked<void>(Problem{"the opt-out under way can not be read: " + row.error().message()});
    }
    parts_.log.info("optout.resumed", {{"domain", row->domain}, {"deleted", row->deleted}});
    start(std::move(*row), false);
    return {};
}

Checked<void> OptOut::begin(const OptOutOrder& order) {
    if (running()) {
        return Problem{fmt::format("the opt-out of {} is under way: one at a time", state()->row.domain)};
    }
    store::OptOutRow row;
    row.domain = order.domain;
    row.reason = order.reason;
    row.by_uid = order.by_uid;
    row.erase = order.erase;
    row.began_ms = parts_.clock.wall_now().time_since_epoch().count();
    row.list = list_name(row.domain, row.began_ms, order.dry_run);
    if (!order.dry_run) {
        const std::vector<std::string> lines{data_line(journal::Kind::opt_out_begun, journal::data_of(row), row.began_ms)};
        const auto written = parts_.writer.transact([&](store::WriteTxn& txn) {
            const auto put = store::put_opt_out(txn, row);
            return put ? write_lines(parts_.journal, txn, lines) : put;
        });
        if (!written) {
            return store::unwritable(written.error());
        }
    }
    kill_point("optout.noted");
    parts_.log.info("optout.begun", {{"domain", row.domain}, {"delete", row.erase}, {"dry_run", order.dry_run}, {"uid", row.by_uid}});
    start(std::move(row), order.dry_run);
    return {};
}

void OptOut::start(store::OptOutRow row, bool dry_run) {
    if (thread_.joinable()) {
        thread_.join();  // of the last one, which has ended
    }
    {
        const std::lock_guard lock(mutex_);
        state_ = OptOutState{row, dry_run, true, (parts_.env.folder() / "optouts" / row.list).string(), {}, false};
    }
    auto work = std::make_shared<Work>(*this, std::move(row), dry_run);
    thread_ = std::thread([this, work] { run(*work); });
}

// What is in the way (a full disk, a volume that is out) may pass: it is tried again until it is done.
void OptOut::run(Work& work) {
    std::string told;
    while (true) {
        const Checked<bool> done = work.go_on();
        if (done && *done) {
            const store::OptOutRow& row = work.row();
            parts_.log.info("optout.done", {{"domain", row.domain}, {"listed", row.listed}, {"deleted", row.deleted},
                                            {"files_removed", row.files_removed}, {"files_kept", row.files_kept}});
            publish(work, false, {});
            return;
        }
        if (!done) {
            if (std::exchange(told, done.error().what) != told) {  // for days, maybe
                parts_.log.error("optout.hindered", {{"domain", work.row().domain}, {"problem", told}});
            }
            publish(work, !work.dry_run(), told);
        }
        if (!done && work.dry_run()) {
            return;
        }
        if (!wait_to_try_again()) {
            return;
        }
    }
}

bool OptOut::wait(Milliseconds time) {
    std::unique_lock lock(mutex_);
    return !wake_.wait_for(lock, time, [this] { return stopping_; });
}

bool OptOut::wait_to_try_again() {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, kTryAgain, [this] { return stopping_ || try_again_; });
    try_again_ = false;
    return !stopping_;
}

void OptOut::try_again() {
    {
        const std::lock_guard lock(mutex_);
        try_again_ = true;
    }
    wake_.notify_all();
}

bool OptOut::Work::wait_until_recorded() {
    const std::uint64_t submitted = owner_.parts_.submitted();
    while (owner_.parts_.recorded() < submitted) {
        if (!owner_.wait(kLookAgain)) {
            return false;
        }
    }
    return true;
}

void OptOut::publish(const Work& work, bool running, std::string problem) {
    const std::lock_guard lock(mutex_);
    state_->row = work.row();
    state_->only_files_left = work.only_files_left();
    state_->running = running;
    state_->problem = std::move(problem);
}

bool OptOut::running() const {
    const std::lock_guard lock(mutex_);
    return state_ && state_->running;
}

std::optional<OptOutState> OptOut::state() const {
    const std::lock_guard lock(mutex_);
    return state_;
}

void OptOut::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) {
        thread_.join();
    }
}

}  // namespace grit::crawl
