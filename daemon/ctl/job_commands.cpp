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

std::string verify_line(const json::object& state) {
    const double seconds = real_of(member(state, "seconds"));
    const double share = share_of(static_cast<double>(number_in(state, "checked")), static_cast<double>(number_in(state, "images_total")));
    const auto speed = static_cast<std::uint64_t>(share_of(static_cast<double>(number_in(state, "bytes_read")), seconds));
    return fmt::format("{} {:>6}  {} / {} images  {}/s  {} broken{}", progress_bar(share, kBarColumns),
                       percent(number_in(state, "checked"), number_in(state, "images_total")), grouped(number_in(state, "checked")),
                       grouped(number_in(state, "images_total")), format_byte_size(speed), grouped(number_in(state, "broken")),
                       time_left(share, seconds));
}

std::string backup_line(std::uint64_t written, std::uint64_t total, double seconds) {
    const double share = share_of(static_cast<double>(written), static_cast<double>(total));
    return fmt::format("{} {:>6}  {} / {}{}", progress_bar(share, kBarColumns), percent(written, total),
                       format_byte_size(written), format_byte_size(total), time_left(share, seconds));
}

std::string verify_summary(const json::object& state) {
    const double seconds = real_of(member(state, "seconds"));
    const std::uint64_t bytes = number_in(state, "bytes_read");
    std::string text = fmt::format("{} images checked, {} in {} ({}/s)\n", grouped(number_in(state, "checked")), format_byte_size(bytes),
                                   duration(static_cast<std::uint64_t>(seconds)),
                                   format_byte_size(static_cast<std::uint64_t>(share_of(static_cast<double>(bytes), seconds))));
    if (text_in(state, "state") == "stopped") {
        text += "stopped before the end\n";
    }
    if (const std::uint64_t rows = number_in(state, "damaged_rows"); rows > 0) {
        text += fmt::format("{} rows of the state can not be understood: the log has them\n", grouped(rows));
    }
    if (const std::uint64_t out = number_in(state, "on_volumes_out"); out > 0) {
        text += fmt::format("{} are on volumes that are out: nothing is said of them (gritctl volumes)\n", grouped(out));
    }
    if (const std::uint64_t left = number_in(state, "files_left"); left > 0) {
        text += fmt::format("{} broken files are on volumes that are out: they are removed when those are back\n", grouped(left));
    }
    if (number_in(state, "broken") == 0) {
        return text + "nothing is broken\n";
    }
    text += fmt::format("{} are broken: {} missing, {} of a wrong size, {} of wrong bytes, {} with a damaged tar header, {} unreadable\n",
                        grouped(number_in(state, "broken")), grouped(number_in(state, "missing")), grouped(number_in(state, "wrong_size")),
                        grouped(number_in(state, "wrong_digest")), grouped(number_in(state, "wrong_header")),
                        grouped(number_in(state, "unreadable")));
    if (const std::uint64_t again = number_in(state, "requeued"); again > 0) {
        text += fmt::format("{} URLs will be asked again\n", grouped(again));
    }
    return text + fmt::format("list: {}\n", printable(text_in(state, "list")));
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
    print_state(output, json::object{{"state", "done"}, {"dir", folder}, {"bytes_written", *bytes}},
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
    if (text_in(*state, "state") == "failed") {
        return job_failed(*state);
    }
    print_state(output, *state, verify_summary(*state));
    const std::uint64_t broken = number_in(*state, "broken");
    if (broken > 0 && (!command.repair || number_in(*state, "requeued") < broken)) {
        return Failure{ExitCode::failed, fmt::format("{} images are broken", grouped(broken)),
                       command.repair ? "those that were not asked for again are in the list: what the system said is beside them"
                                      : "gritctl verify --repair asks for them again"};
    }
    return text_in(*state, "state") == "stopped" ? Ended(job_failed(*state)) : Ended();
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
        return backup_line(number_in(state, "bytes_written"), number_in(state, "bytes_total"), real_of(member(state, "seconds")));
    };
    const auto state = run_job(client, output, "/v1/backup", json::object{{"dir", folder}}, line);
    if (!state) {
        Failure failure = state.error();
        if (failure.code == ExitCode::not_running) {
            failure.hint = "start it, or back up without it: --config FILE names the dataset's config";
        }
        return failure;
    }
    if (text_in(*state, "state") != "done") {
        return job_failed(*state);
    }
    print_state(output, *state, fmt::format("{}: {} in {}, {} files\n", printable(folder), format_byte_size(number_in(*state, "bytes_written")),
                                      duration(number_in(*state, "seconds")), grouped(number_in(*state, "files"))));
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
    print_state(output, json::object{{"dir", *folder}, {"bytes_before", done->first}, {"bytes_after", done->second}},
          fmt::format("{}: {} before, {} after\n", *folder, format_byte_size(done->first), format_byte_size(done->second)));
    return {};
}

}  // namespace grit::ctl
