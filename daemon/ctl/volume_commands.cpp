#include "volume_commands.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <vector>

#include "grit/base/clock.hpp"
#include "grit/base/quantity.hpp"
#include "grit/store/env.hpp"
#include "grit/store/lock.hpp"
#include "grit/store/volume_rows.hpp"
#include "grit/store/writer.hpp"
#include "job_watch.hpp"
#include "local_dataset.hpp"
#include "text.hpp"

namespace grit::ctl {
namespace json = boost::json;

namespace {

std::string size_in(const json::object& volume, std::string_view name) {
    const json::value* value = member(volume, name);
    return value == nullptr || value->is_null() ? "-" : format_byte_size(count_of(value));
}

// Below the table: why, and what can not be read meanwhile.
std::string words_of(const json::object& volume) {
    const std::string name = printable(text_of(member(volume, "name")));
    std::string words;
    if (const std::string why = printable(text_of(member(volume, "why"))); !why.empty()) {
        words += fmt::format("{}: {}\n", name, why);
    }
    const std::string state = text_of(member(volume, "state"));
    const json::value* held = state == "out" || state == "lost" ? member(volume, "held") : nullptr;
    if (held != nullptr && held->is_object()) {
        const std::string list = printable(text_of(member(held->get_object(), "list")));
        words += fmt::format("{}: held {} images{}\n", name, grouped(count_of(member(held->get_object(), "records"))),
                             list.empty() ? ", the list is being written" : ": " + list);
    }
    return words;
}

Fallible<std::string> note_as_lost(const std::string& name, const std::string& config) {
    const auto folder = state_folder(config);
    if (!folder) {
        return folder.error();
    }
    const auto lock = store::StateLock::acquire(*folder);
    if (!lock) {
        return Failure{ExitCode::failed, lock.error().what, "leave --config out to tell the gritd that runs"};
    }
    const auto env = store::Env::open(*folder);
    if (!env) {
        return Failure{ExitCode::failed, env.error().what, {}};
    }
    const SystemClock clock;
    store::Writer writer(**env, clock);
    const auto noted = writer.transact([&](store::WriteTxn& txn) { return store::mark_volume_lost(txn, name); });
    if (!noted && noted.error() == store::Errc::not_found) {
        return Failure{ExitCode::not_found, fmt::format("the dataset has no volume \"{}\"", name), {}};
    }
    if (!noted) {
        return Failure{ExitCode::failed, noted.error().message(), {}};
    }
    return fmt::format("{} counts as lost. The next start of gritd asks again for all that it held; take it out of "
                       "storage.volumes\n",
                       name);
}

}  // namespace

std::string render_volumes(const json::array& volumes) {
    std::vector<std::vector<std::string>> rows{{"VOLUME", "STATE", "FREE", "OF", "ROOT"}};
    std::string words;
    for (const json::value& one : volumes) {
        if (!one.is_object()) {
            continue;
        }
        const json::object& volume = one.get_object();
        rows.push_back({printable(text_of(member(volume, "name"))), printable(text_of(member(volume, "state"))),
                        size_in(volume, "free_bytes"), size_in(volume, "total_bytes"),
                        printable(text_of(member(volume, "root")))});
        words += words_of(volume);
    }
    return table(rows) + words;
}

Ended show_volumes(const Client& client, const Output& output) {
    const auto answer = object_of(client.get("/v1/volumes"));
    if (!answer) {
        return answer.error();
    }
    const json::value* volumes = member(*answer, "volumes");
    print_state(output, *answer, render_volumes(volumes != nullptr && volumes->is_array() ? volumes->get_array() : json::array()));
    return {};
}

Ended give_up_volume(const Client& client, const Output& output, const std::string& name, const std::string& config) {
    if (!config.empty()) {
        const auto noted = note_as_lost(name, config);
        if (!noted) {
            return noted.error();
        }
        print_state(output, json::object{{"volume", name}, {"state", "lost"}}, *noted);
        return {};
    }
    const auto state = object_of(client.post("/v1/volumes/lost", json::object{{"volume", name}}));
    if (!state) {
        return state.error();
    }
    print_state(output, *state, fmt::format("{} counts as lost. All that it held is asked for again, beside the crawl; take it out of "
                                      "storage.volumes before the next start\n",
                                      printable(name)));
    return {};
}

}  // namespace grit::ctl
