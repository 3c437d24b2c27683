#include "request_body.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <initializer_list>
#include <utility>

#include "grit/base/quantity.hpp"
#include "query.hpp"

namespace grit::admin {
namespace {

constexpr std::size_t kMaxReasonBytes = 512;
// What is drawn is known in memory, some 32 bytes each; beyond it all images are the better choice.
constexpr std::int64_t kMaxSample = 1'000'000;

using Names = std::initializer_list<std::string_view>;

Reply wrong(std::string_view field, std::string_view expected) {
    return problem(400, fmt::format("\"{}\" has to be {}", field, expected));
}

// The body as an object with none but the known fields.
std::variant<json::object, Reply> parse_object(std::string_view body, Names known) {
    if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) {
        return json::object();
    }
    ErrorCode error;
    json::value value = json::parse(json::string_view(body.data(), body.size()), error);
    if (error || !value.is_object()) {
        return problem(400, error ? "the body is no JSON: " + error.message() : "the body has to be a JSON object");
    }
    for (const auto& field : value.get_object()) {
        const std::string_view name(field.key().data(), field.key().size());
        if (std::find(known.begin(), known.end(), name) == known.end()) {
            return problem(400, fmt::format("unknown field \"{}\"", name),
                           known.size() == 0 ? std::string("this request takes none") : "it takes: " + joined(known));
        }
    }
    return std::move(value.get_object());
}

std::string_view text_of(const json::value& value) {
    const auto& text = value.get_string();
    return {text.data(), text.size()};
}

std::string outcome_hint() {
    std::string hint = "outcomes are:";
    for (const Outcome outcome : kAllOutcomes) {
        hint.append(" ").append(name_of(outcome));
    }
    return hint;
}

std::variant<std::vector<Outcome>, Reply> parse_outcomes(const json::value* value) {
    if (value == nullptr || !value->is_array() || value->get_array().empty()) {
        return wrong("outcomes", "a list of at least one outcome");
    }
    std::vector<Outcome> outcomes;
    for (const auto& item : value->get_array()) {
        const auto outcome = item.is_string() ? outcome_named(text_of(item)) : std::nullopt;
        if (!outcome) {
            return problem(400, fmt::format("\"outcomes\" holds {}, which is no outcome", json::serialize(item)),
                           outcome_hint());
        }
        if (disposition_of(*outcome) == Disposition::done) {
            return problem(
                400, fmt::format("\"outcomes\" holds \"{}\": what is stored is not asked again", name_of(*outcome)));
        }
        outcomes.push_back(*outcome);
    }
    return outcomes;
}

// `reason` of a block: it becomes part of records and of logs. nullptr is none.
std::variant<std::string, Reply> block_reason(const json::value* reason) {
    if (reason == nullptr) {
        return std::string();
    }
    const bool fits = reason->is_string() && reason->get_string().size() <= politeness::kMaxBlockReason;
    const auto is_control = [](char c) { return (c >= '\0' && c < ' ') || c == '\x7f'; };
    if (!fits || std::any_of(reason->get_string().begin(), reason->get_string().end(), is_control)) {
        return wrong("reason", fmt::format("a line of at most {} bytes", politeness::kMaxBlockReason));
    }
    return std::string(text_of(*reason));
}

std::variant<bool, Reply> flag(const json::object& fields, std::string_view name) {
    const json::value* value = fields.if_contains(name);
    if (value != nullptr && !value->is_bool()) {
        return wrong(name, "true or false");
    }
    return value != nullptr && value->get_bool();
}

}  // namespace

std::variant<politeness::Block, Reply> parse_block_request(std::string_view body) {
    auto parsed = parse_object(body, {"kind", "value", "reason"});
    if (auto* refused = std::get_if<Reply>(&parsed)) {
        return std::move(*refused);
    }
    const auto& fields = std::get<json::object>(parsed);
    std::optional<politeness::BlockKind> kind;
    if (const json::value* name = fields.if_contains("kind")) {
        kind = name->is_string() ? politeness::block_kind_named(text_of(*name)) : std::nullopt;
        if (!kind) {
            return wrong("kind", "\"host\", \"domain\", \"cidr\" or \"pattern\"");
        }
    }
    const json::value* value = fields.if_contains("value");
    if (value == nullptr || !value->is_string()) {
        return wrong("value", "a host, a domain, a CIDR or a URL pattern");
    }
    auto block = politeness::parse_block(kind, text_of(*value));
    if (!block) {
        return problem(400, block.error().what);
    }
    auto reason = block_reason(fields.if_contains("reason"));
    if (auto* refused = std::get_if<Reply>(&reason)) {
        return std::move(*refused);
    }
    block->reason = std::move(std::get<std::string>(reason));
    return std::move(*block);
}

std::variant<OptOutRequest, Reply> parse_opt_out(std::string_view body) {
    auto parsed = parse_object(body, {"domain", "reason", "delete", "dry_run"});
    if (auto* refused = std::get_if<Reply>(&parsed)) {
        return std::move(*refused);
    }
    const auto& fields = std::get<json::object>(parsed);
    const json::value* domain = fields.if_contains("domain");
    if (domain == nullptr || !domain->is_string()) {
        return wrong("domain", "the name of a domain");
    }
    auto block = politeness::parse_block(politeness::BlockKind::domain, text_of(*domain));
    if (!block) {
        return problem(400, block.error().what);
    }
    auto reason = block_reason(fields.if_contains("reason"));
    auto erase = flag(fields, "delete");
    auto dry_run = flag(fields, "dry_run");
    for (Reply* refused : {std::get_if<Reply>(&reason), std::get_if<Reply>(&erase), std::get_if<Reply>(&dry_run)}) {
        if (refused != nullptr) {
            return std::move(*refused);
        }
    }
    return OptOutRequest{std::move(block->value), std::move(std::get<std::string>(reason)), std::get<bool>(erase), std::get<bool>(dry_run)};
}

namespace {

std::optional<std::string> absolute_path(const json::object& fields, std::string_view name) {
    const json::value* path = fields.if_contains(name);
    const bool fits = path != nullptr && path->is_string() && path->get_string().starts_with('/') &&
                      path->get_string().find('\0') == json::string::npos;
    return fits ? std::optional(std::string(text_of(*path))) : std::nullopt;
}

}  // namespace

std::variant<VerifyRequest, Reply> parse_verify(std::string_view body) {
    auto parsed = parse_object(body, {"sample", "repair"});
    if (auto* refused = std::get_if<Reply>(&parsed)) {
        return std::move(*refused);
    }
    const auto& fields = std::get<json::object>(parsed);
    auto repair = flag(fields, "repair");
    if (auto* refused = std::get_if<Reply>(&repair)) {
        return std::move(*refused);
    }
    VerifyRequest request;
    request.repair = std::get<bool>(repair);
    if (const json::value* sample = fields.if_contains("sample")) {
        if (!sample->is_int64() || sample->get_int64() < 1 || sample->get_int64() > kMaxSample) {
            return wrong("sample", fmt::format("a number from 1 to {}", kMaxSample));
        }
        request.sample = static_cast<std::uint64_t>(sample->get_int64());
    }
    return request;
}

std::variant<BackupRequest, Reply> parse_backup(std::string_view body) {
    auto parsed = parse_object(body, {"dir"});
    if (auto* refused = std::get_if<Reply>(&parsed)) {
        return std::move(*refused);
    }
    auto dir = absolute_path(std::get<json::object>(parsed), "dir");
    if (!dir) {
        return wrong("dir", "an absolute path");
    }
    return BackupRequest{std::move(*dir), 0};
}

std::variant<AdoptRequest, Reply> parse_adopt(std::string_view body) {
    auto parsed = parse_object(body, {"dir", "failures", "hard_links", "forget", "force"});
    if (auto* refused = std::get_if<Reply>(&parsed)) {
        return std::move(*refused);
    }
    const auto& fields = std::get<json::object>(parsed);
    AdoptRequest request;
    request.hard_links = !fields.contains("hard_links");
    for (const auto& [name, value] : {std::pair("hard_links", &request.hard_links), std::pair("forget", &request.forget), std::pair("force", &request.force)}) {
        auto set = flag(fields, name);
        if (auto* refused = std::get_if<Reply>(&set)) {
            return std::move(*refused);
        }
        *value = *value || std::get<bool>(set);
    }
    if (request.forget) {
        return fields.contains("dir") ? std::variant<AdoptRequest, Reply>(wrong("dir", "left out with \"forget\"")) : request;
    }
    auto dir = absolute_path(fields, "dir");
    if (!dir) {
        return wrong("dir", "an absolute path");
    }
    auto failures = fields.contains("failures") ? absolute_path(fields, "failures") : std::optional<std::string>(std::string());
    if (!failures) {
        return wrong("failures", "an absolute path");
    }
    request.folder = std::move(*dir);
    request.failures = std::move(*failures);
    return request;
}

std::variant<std::string, Reply> parse_volume(std::string_view body) {
    auto parsed = parse_object(body, {"volume"});
    if (auto* refused = std::get_if<Reply>(&parsed)) {
        return std::move(*refused);
    }
    const json::value* volume = std::get<json::object>(parsed).if_contains("volume");
    if (volume == nullptr || !volume->is_string() || volume->get_string().empty()) {
        return wrong("volume", "the name of a volume");
    }
    return std::string(text_of(*volume));
}

std::variant<std::string, Reply> parse_reason(std::string_view body) {
    auto parsed = parse_object(body, {"reason"});
    if (auto* refused = std::get_if<Reply>(&parsed)) {
        return std::move(*refused);
    }
    const json::value* reason = std::get<json::object>(parsed).if_contains("reason");
    if (reason == nullptr) {
        return std::string();
    }
    if (!reason->is_string() || reason->get_string().size() > kMaxReasonBytes) {
        return wrong("reason", fmt::format("a text of at most {} bytes", kMaxReasonBytes));
    }
    return std::string(text_of(*reason));
}

std::variant<LogLevel, Reply> parse_log_level(std::string_view body) {
    auto parsed = parse_object(body, {"level"});
    if (auto* refused = std::get_if<Reply>(&parsed)) {
        return std::move(*refused);
    }
    const json::value* level = std::get<json::object>(parsed).if_contains("level");
    const auto named = level != nullptr && level->is_string() ? log_level_named(text_of(*level)) : std::nullopt;
    if (!named) {
        return wrong("level", "\"debug\", \"info\", \"warning\" or \"error\"");
    }
    return *named;
}

std::variant<RetryFilter, Reply> parse_retry(std::string_view body) {
    auto parsed = parse_object(body, {"outcomes", "host", "since", "dry_run"});
    if (auto* refused = std::get_if<Reply>(&parsed)) {
        return std::move(*refused);
    }
    const auto& fields = std::get<json::object>(parsed);
    auto outcomes = parse_outcomes(fields.if_contains("outcomes"));
    if (auto* refused = std::get_if<Reply>(&outcomes)) {
        return std::move(*refused);
    }
    RetryFilter filter;
    filter.outcomes = std::move(std::get<std::vector<Outcome>>(outcomes));
    if (const json::value* host = fields.if_contains("host")) {
        if (!host->is_string() || host->get_string().empty()) {
            return wrong("host", "the name of a host");
        }
        filter.host = std::string(text_of(*host));
    }
    if (const json::value* since = fields.if_contains("since")) {
        filter.since = since->is_string() ? parse_duration(text_of(*since)) : std::nullopt;
        if (!filter.since) {
            return wrong("since", "a duration, such as \"2h\" or \"30m\"");
        }
    }
    if (const json::value* dry_run = fields.if_contains("dry_run")) {
        if (!dry_run->is_bool()) {
            return wrong("dry_run", "true or false");
        }
        filter.dry_run = dry_run->get_bool();
    }
    return filter;
}

Reply check_no_body(std::string_view body) {
    auto parsed = parse_object(body, {});
    if (auto* refused = std::get_if<Reply>(&parsed)) {
        return std::move(*refused);
    }
    return Reply{};
}

}  // namespace grit::admin
