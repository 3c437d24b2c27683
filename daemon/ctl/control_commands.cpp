#include "control_commands.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <functional>
#include <ostream>

#include "grit/base/version.hpp"
#include "render_explanation.hpp"
#include "render_fields.hpp"
#include "render_hosts.hpp"
#include "render_status.hpp"
#include "text.hpp"

namespace grit::ctl {
namespace json = boost::json;

namespace {

using Render = std::function<std::string(const json::object&)>;

// Prints an answer: as it is for programs, rendered for people.
Ended print(const Output& output, const Fallible<json::value>& answer, const Render& render) {
    if (!answer) {
        return answer.error();
    }
    if (!answer->is_object()) {
        return Failure{ExitCode::failed, "gritd's answer is no JSON object: " + json::serialize(*answer), {}};
    }
    if (output.json) {
        output.out << json::serialize(*answer) << '\n';
    } else {
        output.out << render(answer->get_object());
    }
    return {};
}

Render saying(std::string text) {
    return [text = std::move(text)](const json::object&) { return text + "\n"; };
}

}  // namespace

Ended show_status(const Client& client, const Output& output) {
    return print(output, client.get("/v1/status"),
                 [&](const auto& status) { return render_status(status, output.color); });
}

Ended show_stats(const Client& client, const Output& output) {
    return print(output, client.get("/v1/stats"), render_fields);
}

Ended show_version(const Client& client, const Output& output) {
    const std::string own = fmt::format("gritctl {} ({}, {})", grit::version(), grit::commit(), grit::compiler());
    if (!output.json) {
        output.out << own << '\n';
    }
    return print(output, client.get("/v1/version"), [](const json::object& version) {
        return fmt::format("gritd   {} (API {})\n", printable(text_of(member(version, "daemon"))),
                           printable(text_of(member(version, "api"))));
    });
}

Ended show_record(const Client& client, const Output& output, const std::string& url) {
    return print(output, client.get("/v1/record?url=" + percent_encoded(url)), render_fields);
}

Ended show_explanation(const Client& client, const Output& output, const std::string& url) {
    return print(output, client.get("/v1/explain?url=" + percent_encoded(url)), render_explanation);
}

Ended show_hosts(const Client& client, const Output& output, const std::string& sort, std::size_t limit,
                 const std::string& state) {
    std::string target = fmt::format("/v1/hosts?sort={}&limit={}", percent_encoded(sort), limit);
    if (!state.empty()) {
        target += "&state=" + percent_encoded(state);
    }
    return print(output, client.get(target), [](const json::object& answer) {
        const json::value* hosts = member(answer, "hosts");
        return hosts != nullptr && hosts->is_array() ? render_hosts(hosts->get_array()) : std::string();
    });
}

Ended show_host(const Client& client, const Output& output, const std::string& name) {
    return print(output, client.get("/v1/hosts/" + percent_encoded(name)), render_fields);
}

Ended pause(const Client& client, const Output& output, const std::string& reason) {
    json::object body;
    if (!reason.empty()) {
        body["reason"] = reason;
    }
    return print(output, client.post("/v1/pause", body), saying("paused: nothing new is begun until gritctl resume"));
}

Ended resume(const Client& client, const Output& output) {
    return print(output, client.post("/v1/resume", json::object()),
                 [](const json::object& answer) { return printable(text_of(member(answer, "state"))) + "\n"; });
}

Ended drain(const Client& client, const Output& output) {
    return print(output, client.post("/v1/drain", json::object()),
                 saying("draining: gritd ends when what is in flight is done (gritctl watch shows it)"));
}

Ended stop(const Client& client, const Output& output) {
    return print(output, client.post("/v1/stop", json::object()), saying("stopping"));
}

Ended reload(const Client& client, const Output& output) {
    return print(output, client.post("/v1/reload", json::object()),
                 [](const json::object& answer) { return "config reloaded\n" + render_fields(answer); });
}

Ended set_log_level(const Client& client, const Output& output, const std::string& level) {
    return print(output, client.post("/v1/log-level", json::object{{"level", json::string(level)}}),
                 saying("log level is " + level));
}

Ended retry(const Client& client, const Output& output, const RetryRequest& request) {
    json::array outcomes;
    for (const std::string& outcome : request.outcomes) {
        outcomes.emplace_back(json::string(outcome));
    }
    json::object body{{"outcomes", std::move(outcomes)}, {"dry_run", request.dry_run}};
    if (!request.host.empty()) {
        body["host"] = request.host;
    }
    if (!request.since.empty()) {
        body["since"] = request.since;
    }
    // It reads all records: minutes at hundreds of millions.
    constexpr std::chrono::hours kLongestRetry{1};
    return print(output, client.patient(kLongestRetry).post("/v1/retry", body), [&](const json::object& answer) {
        return fmt::format("{} URLs {}\n", grouped(count_of(member(answer, "requeued"))),
                           request.dry_run ? "would be asked again" : "will be asked again");
    });
}

}  // namespace grit::ctl
