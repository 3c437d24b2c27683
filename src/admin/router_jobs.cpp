// Routes of the long jobs that run beside the crawl: begun, looked at and ended.
#include <optional>
#include <utility>
#include <variant>

#include "request_body.hpp"
#include "router.hpp"

namespace grit::admin {
namespace {

Reply ok(json::value body, unsigned status = 200) {
    Reply reply;
    reply.status = status;
    reply.body = std::move(body);
    return reply;
}

Reply state_or_none(std::optional<json::object> state, std::string_view what) {
    return state ? ok(std::move(*state))
                 : problem(404, std::string("no ").append(what).append(" was asked for since the daemon's start"));
}

// Answers with the job's state, or with why it was not begun.
Answer begun(Checked<json::object> state) {
    return state ? ok(std::move(*state), 202) : problem(409, state.error().what);
}

}  // namespace

Answer Router::verify(const Target& target, const Call& call) const {
    if (auto unknown = target.unknown_param({})) {
        return std::move(*unknown);
    }
    auto request = parse_verify(call.body);
    if (auto* refused = std::get_if<Reply>(&request)) {
        return std::move(*refused);
    }
    auto& wanted = std::get<VerifyRequest>(request);
    wanted.by_uid = call.uid;
    return begun(backend_.verify(wanted));
}

Answer Router::stop_verify(const Target& target, const Call& call) const {
    if (auto unknown = target.unknown_param({})) {
        return std::move(*unknown);
    }
    Reply body = check_no_body(call.body);
    return body.status != 200 ? body : state_or_none(backend_.stop_verify(), "verify");
}

Answer Router::verify_state(const Target& target, const Call& /*call*/) const {
    if (auto unknown = target.unknown_param({})) {
        return std::move(*unknown);
    }
    return state_or_none(backend_.verify_state(), "verify");
}

Answer Router::volumes(const Target& target, const Call& /*call*/) const {
    if (auto unknown = target.unknown_param({})) {
        return std::move(*unknown);
    }
    return ok(json::object{{"volumes", backend_.volumes()}});
}

Answer Router::give_up_volume(const Target& target, const Call& call) const {
    if (auto unknown = target.unknown_param({})) {
        return std::move(*unknown);
    }
    auto name = parse_volume(call.body);
    if (auto* refused = std::get_if<Reply>(&name)) {
        return std::move(*refused);
    }
    return begun(backend_.give_up_volume(std::get<std::string>(name), call.uid));
}

Answer Router::backup(const Target& target, const Call& call) const {
    if (auto unknown = target.unknown_param({})) {
        return std::move(*unknown);
    }
    auto request = parse_backup(call.body);
    if (auto* refused = std::get_if<Reply>(&request)) {
        return std::move(*refused);
    }
    auto& wanted = std::get<BackupRequest>(request);
    wanted.by_uid = call.uid;
    return begun(backend_.backup(wanted));
}

Answer Router::stop_backup(const Target& target, const Call& call) const {
    if (auto unknown = target.unknown_param({})) {
        return std::move(*unknown);
    }
    Reply body = check_no_body(call.body);
    return body.status != 200 ? body : state_or_none(backend_.stop_backup(), "backup");
}

Answer Router::adopt(const Target& target, const Call& call) const {
    if (auto unknown = target.unknown_param({})) {
        return std::move(*unknown);
    }
    auto request = parse_adopt(call.body);
    if (auto* refused = std::get_if<Reply>(&request)) {
        return std::move(*refused);
    }
    auto& wanted = std::get<AdoptRequest>(request);
    wanted.by_uid = call.uid;
    return begun(backend_.adopt(wanted));
}

Answer Router::stop_adopt(const Target& target, const Call& call) const {
    if (auto unknown = target.unknown_param({})) {
        return std::move(*unknown);
    }
    Reply body = check_no_body(call.body);
    return body.status != 200 ? body : state_or_none(backend_.stop_adopt(), "adoption");
}

Answer Router::adopt_state(const Target& target, const Call& /*call*/) const {
    if (auto unknown = target.unknown_param({})) {
        return std::move(*unknown);
    }
    return state_or_none(backend_.adopt_state(), "adoption");
}

Answer Router::backup_state(const Target& target, const Call& /*call*/) const {
    if (auto unknown = target.unknown_param({})) {
        return std::move(*unknown);
    }
    return state_or_none(backend_.backup_state(), "backup");
}

}  // namespace grit::admin
