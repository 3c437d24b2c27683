#include "block_commands.hpp"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <chrono>
#include <thread>

#include "grit/base/quantity.hpp"
#include "job_watch.hpp"
#include "render_fields.hpp"
#include "text.hpp"

namespace grit::ctl {
namespace json = boost::json;

namespace {

constexpr std::chrono::milliseconds kLookAgain{200};

bool is_kind(const std::string& word) {
    return word == "host" || word == "domain" || word == "cidr" || word == "pattern";
}

// Of "VALUE" or "KIND VALUE".
struct Meant {
    std::string kind;  // empty: by its look
    std::string value;
};

Fallible<Meant> meant_by(const std::vector<std::string>& words) {
    if (words.size() == 1) {
        return Meant{{}, words[0]};
    }
    if (words.size() != 2 || !is_kind(words[0])) {
        return Failure{ExitCode::usage, fmt::format("\"{}\" is no kind of block", words.empty() ? "" : words[0]),
                       "the kinds are host, domain, cidr and pattern; a pattern needs quotes in the shell"};
    }
    return Meant{words[0], words[1]};
}

std::string name_in(const json::object& answer) {
    return printable(text_of(member(answer, "kind")) + " " + text_of(member(answer, "value")));
}

std::string count_in(const json::object& state, std::string_view name) { return grouped(count_of(member(state, name))); }

std::string summary_of(const json::object& state, const OptOutCommand& command) {
    const std::string domain = printable(text_of(member(state, "domain")));
    std::string text = fmt::format("{} images are stored from {}\n", count_in(state, "listed"), domain);
    if (!command.dry_run) {
        text += fmt::format("{} is blocked: nothing is asked of it any more\n", domain);
    }
    if (command.erase && !command.dry_run) {
        text += fmt::format("{} records deleted, {} files removed ({})\n", count_in(state, "deleted"),
                            count_in(state, "files_removed"), format_byte_size(count_of(member(state, "freed_bytes"))));
        if (const std::uint64_t kept = count_of(member(state, "files_kept")); kept > 0) {
            text += fmt::format("{} files stay: other domains have the same images, and their records name the files\n", grouped(kept));
        }
    } else if (command.erase) {
        text += "nothing was blocked or deleted: this was a dry run\n";
    }
    return text + fmt::format("list: {}\n", printable(text_of(member(state, "list"))));
}

}  // namespace

Ended block(const Client& client, const Output& output, const std::vector<std::string>& words, const std::string& reason) {
    const auto meant = meant_by(words);
    if (!meant) {
        return meant.error();
    }
    json::object body{{"value", meant->value}};
    if (!meant->kind.empty()) {
        body["kind"] = meant->kind;
    }
    if (!reason.empty()) {
        body["reason"] = reason;
    }
    const auto answer = object_of(client.post("/v1/blocks", body));
    if (!answer) {
        return answer.error();
    }
    print_state(output, *answer, fmt::format("blocked: {}\n", name_in(*answer)));
    return {};
}

Ended unblock(const Client& client, const Output& output, const std::vector<std::string>& words) {
    const auto meant = meant_by(words);
    if (!meant) {
        return meant.error();
    }
    std::string target = "/v1/blocks?value=" + percent_encoded(meant->value);
    if (!meant->kind.empty()) {
        target += "&kind=" + meant->kind;
    }
    const auto answer = object_of(client.remove(target));
    if (!answer) {
        return answer.error();
    }
    print_state(output, *answer,
          fmt::format("no longer blocked: {}\n{} URLs that it had ended will be asked again\n", name_in(*answer),
                      count_in(*answer, "requeued")));
    return {};
}

Ended show_blocks(const Client& client, const Output& output) {
    const auto answer = object_of(client.get("/v1/blocks"));
    if (!answer) {
        return answer.error();
    }
    const json::value* blocks = member(*answer, "blocks");
    const bool some = blocks != nullptr && blocks->is_array() && !blocks->get_array().empty();
    print_state(output, *answer, some ? render_rows(blocks->get_array()) : "nothing is blocked\n");
    return {};
}

Ended opt_out(const Client& client, const Output& output, const OptOutCommand& command) {
    json::object body{{"domain", command.domain}, {"delete", command.erase}, {"dry_run", command.dry_run}};
    if (!command.reason.empty()) {
        body["reason"] = command.reason;
    }
    auto state = object_of(client.post("/v1/optout", body));
    while (state && text_of(member(*state, "state")) == "running") {
        std::this_thread::sleep_for(kLookAgain);
        state = object_of(client.get("/v1/optout"));
    }
    if (!state) {
        return state.error();
    }
    if (text_of(member(*state, "state")) != "done") {
        return Failure{ExitCode::failed, printable(text_of(member(*state, "problem"))),
                       "what was begun goes on with the daemon's next start; the domain stays blocked"};
    }
    print_state(output, *state, summary_of(*state, command));
    return {};
}

}  // namespace grit::ctl
