#include "grit/crawl/verify.hpp"

#include "grit/base/quantity.hpp"
#include "grit/store/error.hpp"
#include "grit/store/tables.hpp"
#include "verify_work.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

namespace grit::crawl {
namespace {

constexpr Milliseconds kLookAgain{20};

// "20261123T050000.123Z.jsonl"
std::string list_name(std::int64_t began_ms) {
    std::string time = format_utc(began_ms);
    std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
    return time + ".jsonl";
}

}  // namespace

Verify::Verify(Parts parts) : parts_(std::move(parts)) {}

Verify::~Verify() { stop(); }

Checked<void> Verify::begin(const VerifyOrder& order) {
    VerifyState state;
    {
        const auto txn = parts_.env.read();
        const auto totals = txn ? store::get_totals(*txn) : Result<store::Totals>(txn.error());
        if (!totals) {
            return store::unreadable(totals.error());
        }
        state.images_total = totals->outcomes[index_of(Outcome::stored)];
        state.bytes_total = totals->stored_bytes;
    }
    state.order = order;
    // As many as there are is a walk, in the order of the disk.
    state.order.sample = order.sample < state.images_total ? order.sample : 0;
    if (state.order.resumed) {
        state.images_total = state.bytes_total = 0;
    } else if (state.order.sample > 0) {
        state.images_total = state.order.sample;
        state.bytes_total = 0;
    }
    state.began_ms = parts_.clock.wall_now().time_since_epoch().count();
    state.list = (parts_.env.folder() / "verify" / list_name(state.began_ms)).string();
    state.running = true;
    return job_.begin(std::move(state), "a verify is under way: one at a time (gritctl verify --stop ends it)",
                      [this](VerifyState given) { Work(*this, std::move(given)).run(); });
}

bool Verify::running() const {
    const auto last = state();
    return last && last->running;
}

std::optional<VerifyState> Verify::state() const { return job_.state(); }

void Verify::cancel() { job_.cancel(); }

void Verify::interrupt() { job_.interrupt(); }

void Verify::stop() { job_.stop(); }

void Verify::Work::publish() {
    state_.seconds = std::chrono::duration<double>(owner_.parts_.clock.now() - began_).count();
    owner_.job_.publish(state_);
}

// @return false if it was stopped meanwhile.
bool Verify::Work::wait_until_recorded() {
    const std::uint64_t submitted = owner_.parts_.submitted();
    while (owner_.parts_.recorded() < submitted) {
        if (stopping()) {
            return false;
        }
        std::this_thread::sleep_for(kLookAgain);
    }
    return true;
}

}  // namespace grit::crawl
