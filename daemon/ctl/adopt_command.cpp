#include "adopt_command.hpp"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>
#include <ostream>

#include "grit/dataset/waiting_adoptions.hpp"
#include "job_watch.hpp"
#include "local_dataset.hpp"
#include "text.hpp"

namespace grit::ctl {
namespace json = boost::json;

namespace {

constexpr const char* kTarget = "/v1/adopt";
constexpr std::size_t kBarColumns = 24;

std::string progress_of(const json::object& state) {
    if (text_in(state, "task") == "forget") {
        return fmt::format("{} forgotten, {} left", grouped(number_in(state, "forgotten")), grouped(number_in(state, "left")));
    }
    const std::uint64_t done = number_in(state, "shards_done");
    const std::uint64_t all = number_in(state, "shards");
    const double share = share_of(static_cast<double>(done), static_cast<double>(all));
    return fmt::format("{} {:>6}  {} / {} shards  {} images{}", progress_bar(share, kBarColumns), percent(done, all), grouped(done),
                       grouped(all), grouped(number_in(state, "images")), time_left(share, real_of(member(state, "seconds"))));
}

std::string noted(const json::object& state) {
    std::string text = fmt::format("{} images of {} will be taken over when their URLs' turn comes: leave the folder until then\n",
                                   grouped(number_in(state, "images")), printable(text_in(state, "dir")));
    if (!text_in(state, "failures").empty()) {
        text += fmt::format("{} failures are final, {} URLs are asked for again\n", grouped(number_in(state, "final_failures")),
                            grouped(number_in(state, "open_failures")));
    }
    const std::uint64_t damaged = number_in(state, "damaged");
    const std::uint64_t imageless = number_in(state, "imageless");
    const std::uint64_t bad_urls = number_in(state, "bad_urls");
    if (damaged + imageless + bad_urls > 0) {
        text += fmt::format("{} entries are of no use: {} can not be read, {} have no image, {} no URL that can be asked for\n",
                            grouped(damaged + imageless + bad_urls), grouped(damaged), grouped(imageless), grouped(bad_urls));
    }
    if (const std::uint64_t shards = number_in(state, "damaged_shards"); shards > 0) {
        text += fmt::format("{} shards can not be read: the log says why\n", grouped(shards));
    }
    return text;
}

std::string left(const json::object& state) {
    const std::uint64_t rows = number_in(state, "left");
    return rows == 0 ? "nothing is left to be taken over: the old folder is not needed any more\n"
                     : fmt::format("{} URLs are noted and wait for their turn; --waiting lists their shards, --forget gives them up\n", grouped(rows));
}

// Since the daemon's start.
std::string taken(const json::object& state) {
    const json::value* counts = state.if_contains("taken");
    if (counts == nullptr || !counts->is_object()) {
        return {};
    }
    const auto count = [&](std::string_view name) { return grouped(number_in(counts->get_object(), name)); };
    std::string text = fmt::format("since the daemon's start: {} share their blocks with the old file, {} are another name of it, {} were copied, {} "
                                   "were refused and asked for, {} can not be read now and wait\n",
                                   count("cloned"), count("linked"), count("copied"), count("refused"), count("held"));
    const std::string pause = text_in(state, "pause_reason");
    return pause.empty() ? text : text + fmt::format("the crawl is paused: {}\n", printable(pause));
}

std::string summary(const json::object& state) {
    const std::string task = text_in(state, "task");
    if (task == "forget") {
        return fmt::format("{} noted URLs are forgotten: should they ever come, they are asked for\n", grouped(number_in(state, "forgotten")));
    }
    return task == "note" ? noted(state) : std::string();
}

Ended show(const Client& client, const Output& output) {
    const auto state = object_of(client.get(kTarget));
    if (!state) {
        return state.error();
    }
    print_state(output, *state, summary(*state) + taken(*state) + left(*state));
    return {};
}

Ended list_waiting(const Output& output, const std::string& config) {
    const auto state = open_state(config);
    if (!state) {
        return state.error();
    }
    const auto waiting = dataset::waiting_adoptions(*state->env);
    if (!waiting) {
        return Failure{ExitCode::failed, waiting.error().what, {}};
    }
    json::array shards;
    std::string text;
    for (const auto& [shard, images] : waiting->images) {
        shards.push_back(json::object{{"shard", shard}, {"images", images}});
        text += fmt::format("{}\t{}\n", images, printable(shard));
    }
    print_state(output, json::object{{"shards", std::move(shards)}, {"failures", waiting->failures}},
              text + fmt::format("{} shards of the old folder are still needed; {} final failures wait, too\n",
                                 grouped(waiting->images.size()), grouped(waiting->failures)));
    return {};
}

json::object order_of(const AdoptCommand& command) {
    if (command.forget) {
        return json::object{{"forget", true}, {"force", command.force}};
    }
    const auto absolute = [](const std::string& path) { return std::filesystem::absolute(path).lexically_normal().string(); };
    json::object order{{"dir", absolute(command.folder)}};
    if (!command.failures.empty()) {
        order["failures"] = absolute(command.failures);
    }
    if (command.no_hard_links) {
        order["hard_links"] = false;
    }
    return order;
}

}  // namespace

Ended adopt(const Client& client, const Output& output, const AdoptCommand& command) {
    if (command.stop) {
        return stop_job(client, output, kTarget);
    }
    if (command.waiting) {
        return list_waiting(output, command.config);
    }
    if (command.folder.empty() && !command.forget) {
        return show(client, output);
    }
    const auto state = run_job(client, output, kTarget, order_of(command), progress_of);
    if (!state) {
        return state.error();
    }
    if (text_in(*state, "state") != "done") {
        return job_failed(*state);
    }
    print_state(output, *state, summary(*state));
    return {};
}

}  // namespace grit::ctl
