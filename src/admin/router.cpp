#include "router.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "grit/admin/server.hpp"
#include "grit/base/version.hpp"
#include "request_body.hpp"

namespace grit::admin {

/// One line of the table of routes.
struct Route {
    std::string_view method;
    std::string_view path;  ///< A last segment "*" stands for one of any name.
    Answer (Router::*answer)(const Target&, const Call&) const;
    std::string_view action = {};   ///< Set for calls that change something.
    std::string_view methods = {};  ///< All of the path's, where there are several.

    [[nodiscard]] bool matches(const Target& target) const;
    static const std::array<Route, 32> kAll;
};

const std::array<Route, 32> Route::kAll{{
    {"GET", "v1/version", &Router::version},
    {"GET", "v1/status", &Router::status},
    {"GET", "v1/stats", &Router::stats},
    {"GET", "v1/record", &Router::record},
    {"GET", "v1/explain", &Router::explain},
    {"GET", "v1/hosts", &Router::hosts},
    {"GET", "v1/hosts/*", &Router::host},
    {"GET", "v1/events", &Router::events},
    {"GET", "v1/export/url-to-path", &Router::export_url_to_path},
    {"POST", "v1/pause", &Router::pause, "pause"},
    {"POST", "v1/resume", &Router::resume, "resume"},
    {"POST", "v1/drain", &Router::drain, "drain"},
    {"POST", "v1/stop", &Router::stop, "stop"},
    {"POST", "v1/reload", &Router::reload, "reload"},
    {"POST", "v1/retry", &Router::retry, "retry"},
    {"POST", "v1/log-level", &Router::log_level, "log_level"},
    {"GET", "v1/blocks", &Router::blocks, {}, "GET, POST, DELETE"},
    {"POST", "v1/blocks", &Router::block, "block", "GET, POST, DELETE"},
    {"DELETE", "v1/blocks", &Router::unblock, "unblock", "GET, POST, DELETE"},
    {"GET", "v1/optout", &Router::opt_out_state, {}, "GET, POST"},
    {"POST", "v1/optout", &Router::opt_out, "optout", "GET, POST"},
    {"GET", "v1/verify", &Router::verify_state, {}, "GET, POST, DELETE"},
    {"POST", "v1/verify", &Router::verify, "verify", "GET, POST, DELETE"},
    {"DELETE", "v1/verify", &Router::stop_verify, "stop_verify", "GET, POST, DELETE"},
    {"GET", "v1/volumes", &Router::volumes},
    {"POST", "v1/volumes/lost", &Router::give_up_volume, "volume_lost"},
    {"GET", "v1/backup", &Router::backup_state, {}, "GET, POST, DELETE"},
    {"POST", "v1/backup", &Router::backup, "backup", "GET, POST, DELETE"},
    {"DELETE", "v1/backup", &Router::stop_backup, "stop_backup", "GET, POST, DELETE"},
    {"GET", "v1/adopt", &Router::adopt_state, {}, "GET, POST, DELETE"},
    {"POST", "v1/adopt", &Router::adopt, "adopt", "GET, POST, DELETE"},
    {"DELETE", "v1/adopt", &Router::stop_adopt, "stop_adopt", "GET, POST, DELETE"},
}};

bool Route::matches(const Target& target) const {
    std::string_view rest = path;
    for (const std::string& segment : target.segments) {
        const std::string_view wanted = rest.substr(0, rest.find('/'));
        if (wanted.empty() || (wanted != "*" && wanted != segment)) {
            return false;
        }
        rest.remove_prefix(std::min(rest.size(), wanted.size() + 1));
    }
    return rest.empty();
}

namespace {

constexpr std::size_t kDefaultHosts = 20;
constexpr std::size_t kMaxHosts = 10'000;

Reply ok(json::value body, unsigned status = 200) {
    Reply reply;
    reply.status = status;
    reply.body = std::move(body);
    return reply;
}

Reply unknown_path(std::string_view target) {
    return problem(404, fmt::format("there is no {}", target),
                   "the paths are in docs/admin_api.md; GET /v1/status is one");
}

// `?url=`, or a 400.
std::variant<std::string, Reply> wanted_url(const Target& target) {
    if (auto unknown = target.unknown_param({"url"})) {
        return std::move(*unknown);
    }
    const auto url = target.param("url");
    if (!url || url->empty()) {
        return problem(400, "the query parameter \"url\" is missing", "ask with ?url= and the URL percent-encoded");
    }
    return std::string(*url);
}

std::optional<std::size_t> parse_limit(std::string_view text) {
    std::size_t limit = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
    if (error != std::errc() || end != text.data() + text.size() || limit == 0 || limit > kMaxHosts) {
        return std::nullopt;
    }
    return limit;
}

Reply record_of(Backend& backend, const std::string& url) {
    auto found = backend.record(url);
    if (!found) {
        return problem(500, found.error().what);
    }
    if (!*found) {
        return problem(404, fmt::format("the dataset has no {}", url),
                       "URLs are matched as the annotation writes them, or in canonical form");
    }
    return ok(std::move(**found));
}

}  // namespace

Routed Router::route(const Call& call) const {
    const auto target = parse_target(call.target);
    if (!target) {
        return {problem(400, "the request target is no valid path and query", "percent-encode what is in the query"),
                {}};
    }
    const Route* other_method = nullptr;
    for (const Route& route : Route::kAll) {
        if (!route.matches(*target)) {
            continue;
        }
        if (route.method == call.method) {
            return {(this->*route.answer)(*target, call), route.action};
        }
        other_method = &route;
    }
    if (other_method == nullptr) {
        return {unknown_path(call.target.substr(0, call.target.find('?'))), {}};
    }
    const std::string_view methods = other_method->methods.empty() ? other_method->method : other_method->methods;
    Reply reply = problem(405, fmt::format("/{} is asked with {}", other_method->path, methods));
    reply.allow = methods;
    return {std::move(reply), {}};
}

Answer Router::version(const Target& target, const Call& /*call*/) const {
    if (auto unknown = target.unknown_param({})) {
        return std::move(*unknown);
    }
    return ok(json::object{{"daemon", grit::version()}, {"api", kApiVersion}});
}

Answer Router::status(const Target& target, const Call& /*call*/) const {
    if (auto unknown = target.unknown_param({})) {
        return std::move(*unknown);
    }
    return ok(backend_.status());
}

Answer Router::stats(const Target& target, const Call& /*call*/) const {
    if (auto unknown = target.unknown_param({})) {
        return std::move(*unknown);
    }
    return ok(backend_.stats());
}

Answer Router::record(const Target& target, const Call& /*call*/) const {
    const auto url = wanted_url(target);
    if (const auto* refused = std::get_if<Reply>(&url)) {
        return *refused;
    }
    return WorkWanted{[&backend = backend_, wanted = std::get<std::string>(url)] { return record_of(backend, wanted); }};
}

Answer Router::explain(const Target& target, const Call& /*call*/) const {
    const auto url = wanted_url(target);
    if (const auto* refused = std::get_if<Reply>(&url)) {
        return *refused;
    }
    auto explained = backend_.explain(std::get<std::string>(url));
    return explained ? ok(std::move(*explained)) : problem(500, explained.error().what);
}

Answer Router::hosts(const Target& target, const Call& /*call*/) const {
    if (auto unknown = target.unknown_param({"sort", "limit", "state"})) {
        return std::move(*unknown);
    }
    const auto sort = host_sort_named(target.param("sort").value_or("remaining"));
    if (!sort) {
        return problem(400, fmt::format("\"sort\" can not be \"{}\"", *target.param("sort")),
                       "it can be: remaining, errors, stored, eta, pace");
    }
    std::optional<std::size_t> limit = kDefaultHosts;
    if (const auto text = target.param("limit")) {
        limit = parse_limit(*text);
    }
    if (!limit) {
        return problem(400, fmt::format("\"limit\" has to be a number from 1 to {}", kMaxHosts));
    }
    HostsQuery query{*sort, *limit, {}};
    if (const auto state = target.param("state")) {
        const auto known = std::find(kHostStates.begin(), kHostStates.end(), *state);
        if (known == kHostStates.end()) {
            return problem(400, fmt::format("\"state\" can not be \"{}\"", *state),
                           fmt::format("it can be: {}", fmt::join(kHostStates, ", ")));
        }
        query.state = *known;
    }
    return WorkWanted{[&backend = backend_, query] {
        auto found = backend.hosts(query);
        return found ? ok(json::object{{"hosts", std::move(*found)}, {"sort", name_of(query.sort)}})
                     : problem(503, found.error().what, "ask again in a moment");
    }};
}

Answer Router::host(const Target& target, const Call& /*call*/) const {
    if (auto unknown = target.unknown_param({})) {
        return std::move(*unknown);
    }
    const std::string& name = target.segments.back();
    auto found = backend_.host(name);
    if (!found) {
        return problem(404, fmt::format("the dataset has no host {}", name),
                       "hosts are named in lower case, without a port");
    }
    return ok(std::move(*found));
}

Answer Router::events(const Target& target, const Call& /*call*/) const {
    if (auto unknown = target.unknown_param({"types"})) {
        return std::move(*unknown);
    }
    const auto types = target.param("types");
    if (!types) {
        return EventsWanted{};
    }
    EventsWanted wanted{false, false};
    for (std::string_view rest = *types; !rest.empty();) {
        const std::string_view type = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(rest.size(), type.size() + 1));
        if (type != "progress" && type != "state") {
            return problem(400, fmt::format("\"types\" holds \"{}\"", type), "it is a list of: progress, state");
        }
        (type == "progress" ? wanted.progress : wanted.state) = true;
    }
    return wanted;
}

Answer Router::export_url_to_path(const Target& target, const Call& /*call*/) const {
    if (auto unknown = target.unknown_param({"format"})) {
        return std::move(*unknown);
    }
    const auto format = dataset::format_named(target.param("format").value_or("jsonl"));
    if (!format) {
        return problem(400, fmt::format("\"format\" can not be \"{}\"", *target.param("format")),
                       "it can be: json, csv, jsonl");
    }
    auto source = backend_.export_url_to_path(*format);
    if (!source) {
        return problem(500, source.error().what);
    }
    return ExportWanted{std::move(*source), dataset::media_type_of(*format)};
}

Answer Router::pause(const Target& target, const Call& call) const {
    if (auto unknown = target.unknown_param({})) {
        return std::move(*unknown);
    }
    auto reason = parse_reason(call.body);
    if (auto* refused = std::get_if<Reply>(&reason)) {
        return std::move(*refused);
    }
    backend_.pause(std::get<std::string>(reason));
    return state_reply(200);
}

Answer Router::resume(const Target& target, const Call& call) const {
    return act(target, call, 200, &Backend::resume);
}

// 202: the daemon has begun, and the events tell when it is done (RFC 9110 section 15.3.3).
Answer Router::drain(const Target& target, const Call& call) const {
    return act(target, call, 202, &Backend::drain);
}

Answer Router::stop(const Target& target, const Call& call) const {
    return act(target, call, 202, &Backend::stop);
}

Answer Router::act(const Target& target, const Call& call, unsigned status, void (Backend::*action)()) const {
    if (auto unknown = target.unknown_param({})) {
        return std::move(*unknown);
    }
    Reply body = check_no_body(call.body);
    if (body.status != 200) {
        return body;
    }
    (backend_.*action)();
    return state_reply(status);
}

Answer Router::reload(const Target& target, const Call& call) const {
    if (auto unknown = target.unknown_param({})) {
        return std::move(*unknown);
    }
    Reply body = check_no_body(call.body);
    if (body.status != 200) {
        return body;
    }
    auto reloaded = backend_.reload();
    if (!reloaded) {
        return problem(422, reloaded.error().what, "the old config stays in force; correct the file and reload again");
    }
    return ok(std::move(*reloaded));
}

Answer Router::retry(const Target& target, const Call& call) const {
    if (auto unknown = target.unknown_param({})) {
        return std::move(*unknown);
    }
    const auto filter = parse_retry(call.body);
    if (const auto* refused = std::get_if<Reply>(&filter)) {
        return *refused;
    }
    return WorkWanted{[&backend = backend_, chosen = std::get<RetryFilter>(filter)] {
        auto result = backend.retry(chosen);
        return result ? ok(std::move(*result)) : problem(409, result.error().what);
    }};
}

Answer Router::blocks(const Target& target, const Call& /*call*/) const {
    if (auto unknown = target.unknown_param({})) {
        return std::move(*unknown);
    }
    return ok(json::object{{"blocks", backend_.blocks()}});
}

Answer Router::block(const Target& target, const Call& call) const {
    if (auto unknown = target.unknown_param({})) {
        return std::move(*unknown);
    }
    auto block = parse_block_request(call.body);
    if (auto* refused = std::get_if<Reply>(&block)) {
        return std::move(*refused);
    }
    auto& wanted = std::get<politeness::Block>(block);
    wanted.by_uid = call.uid;
    auto result = backend_.block(wanted);
    return result ? ok(std::move(*result)) : problem(409, result.error().what);
}

Answer Router::unblock(const Target& target, const Call& call) const {
    if (auto unknown = target.unknown_param({"value", "kind"})) {
        return std::move(*unknown);
    }
    Reply body = check_no_body(call.body);
    if (body.status != 200) {
        return body;
    }
    const auto value = target.param("value");
    if (!value || value->empty()) {
        return problem(400, "the query parameter \"value\" is missing", "GET /v1/blocks lists what is blocked");
    }
    std::optional<politeness::BlockKind> kind;
    if (const auto name = target.param("kind")) {
        kind = politeness::block_kind_named(*name);
        if (!kind) {
            return problem(400, fmt::format("\"kind\" can not be \"{}\"", *name), "it can be: host, domain, cidr, pattern");
        }
    }
    auto result = backend_.unblock(kind, std::string(*value));
    if (!result) {
        return problem(409, result.error().what);
    }
    if (!*result) {
        return problem(404, fmt::format("{} is not blocked", *value), "gritctl blocks lists what is");
    }
    return WorkWanted{[&backend = backend_, block = **result] {
        const auto requeued = backend.ask_again(block);
        return requeued ? ok(json::object{{"kind", politeness::name_of(block.kind)}, {"value", block.value}, {"requeued", *requeued}})
                        : problem(409, requeued.error().what, "the block holds no more: gritctl retry asks again for what it had ended");
    }};
}

Answer Router::log_level(const Target& target, const Call& call) const {
    if (auto unknown = target.unknown_param({})) {
        return std::move(*unknown);
    }
    const auto level = parse_log_level(call.body);
    if (const auto* refused = std::get_if<Reply>(&level)) {
        return *refused;
    }
    backend_.set_log_level(std::get<LogLevel>(level));
    return ok(json::object{{"level", name_of(std::get<LogLevel>(level))}});
}

Reply Router::state_reply(unsigned status) const {
    const json::object now = backend_.status();
    json::object body;
    for (const char* name : {"state", "pause_reason"}) {
        if (const json::value* value = now.if_contains(name)) {
            body[name] = *value;
        }
    }
    return ok(std::move(body), status);
}

}  // namespace grit::admin
