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

// Answers with the job's state, or with why it was not begun.
Answer begun(Checked<json::object> state) {
    return state ? ok(std::move(*state), 202) : problem(409, state.error().what);
}

// Of those that have begun since the start: `what` says which, `hint` where older ones are told of.
Reply state_or_none(std::optional<json::object> state, std::string_view what, std::string_view hint = {}) {
    return state ? ok(std::move(*state))
                 : problem(404, std::string("no ").append(what).append(" was asked for since the daemon's start"), hint);
}

// Begins what the body asks for, in the name of who asks.
template <class Request, class Begin>
Answer begin_job(const Target& target, const Call& call, std::variant<Request, Reply> (*parse)(std::string_view), const Begin& begin) {
    if (auto unknown = target.unknown_param({})) {
        return std::move(*unknown);
    }
    auto request = parse(call.body);
    if (auto* refused = std::get_if<Reply>(&request)) {
        return std::move(*refused);
    }
    auto& wanted = std::get<Request>(request);
    wanted.by_uid = call.uid;
    return begun(begin(wanted));
}

// Looks at a job, or ends it.
template <class State>
Answer job_state(const Target& target, const Call& call, const State& state, std::string_view what, std::string_view hint = {}) {
    if (auto unknown = target.unknown_param({})) {
        return std::move(*unknown);
    }
    Reply body = check_no_body(call.body);
    return body.status != 200 ? body : state_or_none(state(), what, hint);
}

}  // namespace

Answer Router::opt_out(const Target& target, const Call& call) const {
    return begin_job(target, call, &parse_opt_out, [this](const OptOutRequest& wanted) { return backend_.opt_out(wanted); });
}

Answer Router::opt_out_state(const Target& target, const Call& call) const {
    return job_state(target, call, [this] { return backend_.opt_out_state(); }, "opt-out", "optouts.jsonl in the state folder has those before");
}

Answer Router::verify(const Target& target, const Call& call) const {
    return begin_job(target, call, &parse_verify, [this](const VerifyRequest& wanted) { return backend_.verify(wanted); });
}

Answer Router::stop_verify(const Target& target, const Call& call) const {
    return job_state(target, call, [this] { return backend_.stop_verify(); }, "verify");
}

Answer Router::verify_state(const Target& target, const Call& call) const {
    return job_state(target, call, [this] { return backend_.verify_state(); }, "verify");
}

Answer Router::backup(const Target& target, const Call& call) const {
    return begin_job(target, call, &parse_backup, [this](const BackupRequest& wanted) { return backend_.backup(wanted); });
}

Answer Router::stop_backup(const Target& target, const Call& call) const {
    return job_state(target, call, [this] { return backend_.stop_backup(); }, "backup");
}

Answer Router::backup_state(const Target& target, const Call& call) const {
    return job_state(target, call, [this] { return backend_.backup_state(); }, "backup");
}

Answer Router::adopt(const Target& target, const Call& call) const {
    return begin_job(target, call, &parse_adopt, [this](const AdoptRequest& wanted) { return backend_.adopt(wanted); });
}

Answer Router::stop_adopt(const Target& target, const Call& call) const {
    return job_state(target, call, [this] { return backend_.stop_adopt(); }, "adoption");
}

Answer Router::adopt_state(const Target& target, const Call& call) const {
    return job_state(target, call, [this] { return backend_.adopt_state(); }, "adoption");
}

Answer Router::volumes(const Target& target, const Call& /*call*/) const {
    if (auto unknown = target.unknown_param({})) {
        return std::move(*unknown);
    }
    return ok(json::object{{"volumes", backend_.volumes()}});
}

// It becomes a verify, of the volume that is given up.
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

}  // namespace grit::admin
