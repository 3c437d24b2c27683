#include "job_commands.hpp"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>
#include <optional>
#include <ostream>
#include <utility>

#include "grit/base/clock.hpp"
#include "grit/base/quantity.hpp"
#include "grit/dataset/state_copy.hpp"
#include "grit/store/damage_guard.hpp"
#include "grit/store/lock.hpp"
#include "job_watch.hpp"
#include "local_dataset.hpp"
#include "text.hpp"

namespace grit::ctl {
namespace json = boost::json;

namespace {

constexpr std::size_t kBarColumns = 24;

std::uint64_t number(const json::object& state, std::string_view name) { return count_of(member(state, name)); }

double share_of(double part, double whole) { return whole > 0 ? part / whole : 0; }

// "3m12s left", or nothing while that is anybody's guess.
std::string time_left(double share, double seconds) {
    if (share < 0.01 || seconds < 2) {
        return {};
    }
    return fmt::format("  {} left", duration(static_cast<std::uint64_t>(seconds * (1 - share) / share)));
}

std::string verify_line(const json::object& state) {
    const double seconds = real_of(member(state, "seconds"));
    const double share = share_of(static_cast<double>(number(state, "checked")), static_cast<double>(number(state, "images_total")));
    const auto speed = static_cast<std::uint64_t>(share_of(static_cast<double>(number(state, "bytes_read")), seconds));
    return fmt::format("{} {:>6}  {} / {} images  {}/s  {} broken{}", progress_bar(share, kBarColumns),
                       percent(number(state, "checked"), number(state, "images_total")), grouped(number(state, "checked")),
                       grouped(number(state, "images_total")), format_byte_size(speed), grouped(number(state, "broken")),
                       time_left(share, seconds));
}

std::string backup_line(std::uint64_t written, std::uint64_t total, double seconds) {
    const double share = share_of(static_cast<double>(written), static_cast<double>(total));
    return fmt::format("{} {:>6}  {} / {}{}", progress_bar(share, kBarColumns), percent(written, total),
                       format_byte_size(written), format_byte_size(total), time_left(share, seconds));
}

std::string verify_summary(const json::object& state) {
    const double seconds = real_of(member(state, "seconds"));
    const std::uint64_t bytes = number(state, "bytes_read");
    std::string text = fmt::format("{} images checked, {} in {} ({}/s)\n", grouped(number(state, "checked")), format_byte_size(bytes),
                                   duration(static_cast<std::uint64_t>(seconds)),
                                   format_byte_size(static_cast<std::uint64_t>(share_of(static_cast<double>(bytes), seconds))));
    if (text_of(member(state, "state")) == "stopped") {
        text += "stopped before the end\n";
    }
    if (const std::uint64_t rows = number(state, "damaged_rows"); rows > 0) {
        text += fmt::format("{} rows of the state can not be understood: the log has them\n", grouped(rows));
    }
    if (const std::uint64_t out = number(state, "on_volumes_out"); out > 0) {
        text += fmt::format("{} are on volumes that are out: nothing is said of them (gritctl volumes)\n", grouped(out));
    }
    if (number(state, "broken") == 0) {
        return text + "nothing is broken\n";
    }
    text += fmt::format("{} are broken: {} missing, {} of a wrong size, {} of wrong bytes, {} unreadable\n",
                        grouped(number(state, "broken")), grouped(number(state, "missing")), grouped(number(state, "wrong_size")),
                        grouped(number(state, "wrong_digest")), grouped(number(state, "unreadable")));
    if (const std::uint64_t again = number(state, "requeued"); again > 0) {
        text += fmt::format("{} URLs will be asked again\n", grouped(again));
    }
    return text + fmt::format("list: {}\n", printable(text_of(member(state, "list"))));
}

std::string adopt_line(const json::object& state) {
    const std::uint64_t done = number(state, "shards_done");
    const std::uint64_t all = number(state, "shards");
    const double share = share_of(static_cast<double>(done), static_cast<double>(all));
    return fmt::format("{} {:>6}  {} / {} shards  {} images{}", progress_bar(share, kBarColumns), percent(done, all), grouped(done),
                       grouped(all), grouped(number(state, "images")), time_left(share, real_of(member(state, "seconds"))));
}

std::string adopt_summary(const json::object& state) {
    std::string text = fmt::format("{} images of {} will be taken over when their URLs' turn comes: leave the folder until then\n",
                                   grouped(number(state, "images")), printable(text_of(member(state, "dir"))));
    if (!text_of(member(state, "failures")).empty()) {
        text += fmt::format("{} failures are final, {} URLs are asked for again\n", grouped(number(state, "final_failures")),
                            grouped(number(state, "open_failures")));
    }
    const std::uint64_t unused = number(state, "damaged") + number(state, "imageless") + number(state, "bad_urls");
    if (unused > 0) {
        text += fmt::format("{} entries are of no use: {} can not be read, {} have no image, {} no URL that can be asked for\n", grouped(unused),
                            grouped(number(state, "damaged")), grouped(number(state, "imageless")), grouped(number(state, "bad_urls")));
    }
    if (const std::uint64_t shards = number(state, "damaged_shards"); shards > 0) {
        text += fmt::format("{} shards can not be read: the log says why\n", grouped(shards));
    }
    return text;
}

void print(const Output& output, const json::object& answer, const std::string& for_people) {
    output.out << (output.json ? json::serialize(answer) + "\n" : for_people);
}

Ended stop_job(const Client& client, const Output& output, const std::string& target) {
    const auto state = object_of(client.remove(target));
    if (!state) {
        return state.error();
    }
    const std::string now = text_of(member(*state, "state"));
    print(output, *state, now == "running" ? "it ends in a moment\n" : fmt::format("none is under way; the last one: {}\n", now));
    return {};
}

Failure job_failed(const json::object& state) {
    const bool stopped = text_of(member(state, "state")) == "stopped";
    return Failure{ExitCode::failed, stopped ? "it was stopped before its end" : printable(text_of(member(state, "problem"))), {}};
}

Ended backup_locally(const Output& output, const std::string& folder, const std::string& config) {
    auto state = open_state(config);
    if (!state) {
        return state.error();
    }
    const SystemClock clock;
    const SteadyTime began = clock.now();
    const HeldSignals signals;
    ProgressLine line(output);
    const auto look = [&](const dataset::CopyProgress& now) {
        line.show(backup_line(now.bytes_written, now.bytes_total, std::chrono::duration<double>(clock.now() - began).count()));
        return !signals.came_within(std::chrono::milliseconds(0));
    };
    const auto bytes = dataset::back_up_state(*state->env, folder, clock.wall_now(), look);
    line.end();
    if (!bytes) {
        return Failure{ExitCode::failed, bytes.error().what, fmt::format("nothing was left in {}", folder)};
    }
    print(output, json::object{{"state", "done"}, {"dir", folder}, {"bytes_written", *bytes}},
          fmt::format("{}: {}\n", folder, format_byte_size(*bytes)));
    return {};
}

}  // namespace

Ended verify(const Client& client, const Output& output, const VerifyCommand& command) {
    if (command.stop) {
        return stop_job(client, output, "/v1/verify");
    }
    json::object body{{"repair", command.repair}};
    if (command.sample > 0) {
        body["sample"] = command.sample;
    }
    const auto state = run_job(client, output, "/v1/verify", body, verify_line);
    if (!state) {
        return state.error();
    }
    if (text_of(member(*state, "state")) == "failed") {
        return job_failed(*state);
    }
    print(output, *state, verify_summary(*state));
    const std::uint64_t broken = number(*state, "broken");
    if (broken > 0 && (!command.repair || number(*state, "requeued") < broken)) {
        return Failure{ExitCode::failed, fmt::format("{} images are broken", grouped(broken)),
                       command.repair ? "those that were not asked for again are in the list: what the system said is beside them"
                                      : "gritctl verify --repair asks for them again"};
    }
    return text_of(member(*state, "state")) == "stopped" ? Ended(job_failed(*state)) : Ended();
}

Ended backup(const Client& client, const Output& output, const BackupCommand& command) {
    if (command.stop) {
        return stop_job(client, output, "/v1/backup");
    }
    const std::string folder = std::filesystem::absolute(command.folder).lexically_normal().string();
    if (!command.config.empty()) {
        return backup_locally(output, folder, command.config);
    }
    const auto line = [](const json::object& state) {
        return backup_line(number(state, "bytes_written"), number(state, "bytes_total"), real_of(member(state, "seconds")));
    };
    const auto state = run_job(client, output, "/v1/backup", json::object{{"dir", folder}}, line);
    if (!state) {
        Failure failure = state.error();
        if (failure.code == ExitCode::not_running) {
            failure.hint = "start it, or back up without it: --config FILE names the dataset's config";
        }
        return failure;
    }
    if (text_of(member(*state, "state")) != "done") {
        return job_failed(*state);
    }
    print(output, *state, fmt::format("{}: {} in {}, {} files\n", printable(folder), format_byte_size(number(*state, "bytes_written")),
                                      duration(number(*state, "seconds")), grouped(number(*state, "files"))));
    return {};
}

Ended adopt(const Client& client, const Output& output, const AdoptCommand& command) {
    if (command.stop) {
        return stop_job(client, output, "/v1/adopt");
    }
    const auto absolute = [](const std::string& path) { return std::filesystem::absolute(path).lexically_normal().string(); };
    json::object body{{"dir", absolute(command.folder)}};
    if (!command.failures.empty()) {
        body["failures"] = absolute(command.failures);
    }
    const auto state = run_job(client, output, "/v1/adopt", body, adopt_line);
    if (!state) {
        return state.error();
    }
    if (text_of(member(*state, "state")) != "done") {
        return job_failed(*state);
    }
    print(output, *state, adopt_summary(*state));
    return {};
}

Ended compact(const Output& output, const std::string& config) {
    const auto folder = state_folder(config);
    if (!folder) {
        return folder.error();
    }
    const auto lock = store::StateLock::acquire(*folder);
    if (!lock) {
        return Failure{ExitCode::failed, lock.error().what, "stop it first: a state is compacted while nobody writes it"};
    }
    const store::DamageGuard guard(*folder, store::DamageGuard::Options{"gritctl", static_cast<int>(ExitCode::failed), false});
    const HeldSignals signals;
    ProgressLine line(output);
    const auto look = [&](const dataset::CopyProgress& now) {
        line.show(backup_line(now.bytes_written, now.bytes_total, 0));
        return !signals.came_within(std::chrono::milliseconds(0));
    };
    const auto done = dataset::compact_state(*folder, look);
    line.end();
    if (!done) {
        return Failure{ExitCode::failed, done.error().what, "the state was not touched"};
    }
    print(output, json::object{{"dir", *folder}, {"bytes_before", done->first}, {"bytes_after", done->second}},
          fmt::format("{}: {} before, {} after\n", *folder, format_byte_size(done->first), format_byte_size(done->second)));
    return {};
}

}  // namespace grit::ctl
