#include "job_watch.hpp"

#include <fmt/format.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): sigtimedwait is POSIX's

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <ctime>
#include <ostream>
#include <utility>

#include "text.hpp"

namespace grit::ctl {
namespace json = boost::json;

namespace {

constexpr std::chrono::milliseconds kLookAgain{200};
constexpr std::chrono::seconds kBetweenLines{10};

sigset_t held() {
    sigset_t set{};
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

}  // namespace

std::string progress_bar(double share, std::size_t columns) {
    const auto done = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * static_cast<double>(columns));
    return "[" + std::string(done, '#') + std::string(columns - done, '.') + "]";
}

std::uint64_t number_in(const json::object& state, std::string_view name) { return count_of(member(state, name)); }

std::string text_in(const json::object& state, std::string_view name) { return text_of(member(state, name)); }

double share_of(double part, double whole) { return whole > 0 ? part / whole : 0; }

std::string time_left(double share, double seconds) {
    if (share < 0.01 || seconds < 2) {
        return {};
    }
    return fmt::format("  {} left", duration(static_cast<std::uint64_t>(seconds * (1 - share) / share)));
}

void print_state(const Output& output, const json::object& answer, const std::string& for_people) {
    output.out << (output.json ? json::serialize(answer) + "\n" : for_people);
}

Ended stop_job(const Client& client, const Output& output, const std::string& target) {
    const auto state = object_of(client.remove(target));
    if (!state) {
        return state.error();
    }
    const std::string now = text_in(*state, "state");
    print_state(output, *state, now == "running" ? "it ends in a moment\n" : fmt::format("none is under way; the last one: {}\n", now));
    return {};
}

Failure job_failed(const json::object& state) {
    const bool stopped = text_in(state, "state") == "stopped";
    return Failure{ExitCode::failed, stopped ? "it was stopped before its end" : printable(text_in(state, "problem")), {}};
}

Fallible<json::object> object_of(Fallible<json::value> answer) {
    if (!answer) {
        return answer.error();
    }
    if (!answer->is_object()) {
        return Failure{ExitCode::failed, "gritd's answer is no JSON object: " + json::serialize(*answer), {}};
    }
    return std::move(answer->get_object());
}

HeldSignals::HeldSignals() {
    const sigset_t set = held();
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

HeldSignals::~HeldSignals() {
    const sigset_t set = held();
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

bool HeldSignals::came_within(std::chrono::milliseconds time) const {
    const sigset_t set = held();
    const timespec limit{time.count() / 1000, (time.count() % 1000) * 1'000'000};
    return sigtimedwait(&set, nullptr, &limit) > 0;
}

void ProgressLine::show(const std::string& text) {
    const auto now = std::chrono::steady_clock::now();
    if (output_.json || (!output_.terminal && now < next_)) {
        return;
    }
    next_ = now + kBetweenLines;
    if (output_.terminal) {
        output_.out << "\r\x1b[2K" << text.substr(0, output_.columns - 1) << std::flush;  // Erase the line (EL).
        drawn_ = true;
    } else {
        output_.out << text << '\n' << std::flush;
    }
}

void ProgressLine::end() {
    if (std::exchange(drawn_, false)) {
        output_.out << "\r\x1b[2K" << std::flush;
    }
}

Fallible<json::object> run_job(const Client& client, const Output& output, const std::string& target,
                               const json::object& body, const std::function<std::string(const json::object&)>& line) {
    const HeldSignals signals;
    ProgressLine progress(output);
    auto state = object_of(client.post(target, body));
    bool ended = false;
    while (state && text_of(member(*state, "state")) == "running") {
        progress.show(line(*state));
        const bool interrupted = signals.came_within(kLookAgain);
        if (interrupted && std::exchange(ended, true)) {
            progress.end();
            return Failure{ExitCode::failed, "interrupted; the daemon is about to end it", {}};
        }
        state = object_of(interrupted ? client.remove(target) : client.get(target));
    }
    progress.end();
    return state;
}

}  // namespace grit::ctl
