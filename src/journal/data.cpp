#include "grit/journal/data.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <string>
#include <utility>

#include "grit/media/digest.hpp"

namespace grit::journal {
namespace json = boost::json;

namespace {

template <class T>
void take(const json::object& data, std::string_view name, T& out) {
    const json::value* value = data.if_contains(name);
    if (value == nullptr) {
        return;
    }
    if constexpr (std::is_same_v<T, std::string>) {
        out = value->is_string() ? std::string(value->get_string()) : out;
    } else if constexpr (std::is_same_v<T, bool>) {
        out = value->is_bool() ? value->get_bool() : out;
    } else {
        boost::system::error_code error;
        const T number = value->to_number<T>(error);
        out = error ? out : number;
    }
}

// Objects of an array; nothing where there is none.
template <class Take>
void for_each_object(const json::object& data, std::string_view name, Take take_one) {
    const json::value* value = data.if_contains(name);
    if (value == nullptr || !value->is_array()) {
        return;
    }
    for (const json::value& one : value->get_array()) {
        if (one.is_object()) {
            take_one(one.get_object());
        }
    }
}

std::string_view name_of_end(std::uint8_t gone_as) {
    const auto outcome = outcome_of_number(gone_as);
    return outcome ? name_of(*outcome) : std::string_view();
}

}  // namespace

json::object data_of(store::InputId id, const store::InputRow& row) {
    json::array extents;
    for (const store::OrdinalExtent& extent : row.extents) {
        extents.push_back(json::object{{"line", extent.first_line}, {"ordinal", extent.first_ordinal}, {"lines", extent.lines}});
    }
    return json::object{{"input", id},
                        {"path", row.path},
                        {"size_bytes", row.size_bytes},
                        {"first_block_bytes", row.first_block_bytes},
                        {"first_block_sha256", media::hex(row.first_block_digest)},
                        {"byte_offset", row.byte_offset},
                        {"line", row.line},
                        {"done", row.done},
                        {"extents", std::move(extents)}};
}

NumberedInput input_of(const json::object& data) {
    NumberedInput input;
    std::string digest;
    take(data, "input", input.id);
    take(data, "path", input.row.path);
    take(data, "size_bytes", input.row.size_bytes);
    take(data, "first_block_bytes", input.row.first_block_bytes);
    take(data, "first_block_sha256", digest);
    input.row.first_block_digest = media::parse_sha256(digest).value_or(store::Sha256{});
    take(data, "byte_offset", input.row.byte_offset);
    take(data, "line", input.row.line);
    take(data, "done", input.row.done);
    for_each_object(data, "extents", [&](const json::object& one) {
        store::OrdinalExtent& extent = input.row.extents.emplace_back();
        take(one, "line", extent.first_line);
        take(one, "ordinal", extent.first_ordinal);
        take(one, "lines", extent.lines);
    });
    return input;
}

json::object data_of(const store::BlockRow& row) {
    return json::object{{"kind", row.kind}, {"value", row.value}, {"reason", row.reason}, {"since_ms", row.since_ms}, {"by_uid", row.by_uid}};
}

store::BlockRow block_of(const json::object& data) {
    store::BlockRow row;
    take(data, "kind", row.kind);
    take(data, "value", row.value);
    take(data, "reason", row.reason);
    take(data, "since_ms", row.since_ms);
    take(data, "by_uid", row.by_uid);
    return row;
}

json::object data_of(const store::OptOutRow& row) {
    return json::object{{"domain", row.domain},   {"reason", row.reason},   {"by_uid", row.by_uid},
                        {"delete", row.erase},    {"began_ms", row.began_ms}, {"list", row.list},
                        {"listed", row.listed},   {"deleted", row.deleted}, {"files_removed", row.files_removed},
                        {"files_kept", row.files_kept}, {"freed_bytes", row.freed_bytes}};
}

store::OptOutRow opt_out_of(const json::object& data) {
    store::OptOutRow row;
    take(data, "domain", row.domain);
    take(data, "reason", row.reason);
    take(data, "by_uid", row.by_uid);
    take(data, "delete", row.erase);
    take(data, "began_ms", row.began_ms);
    take(data, "list", row.list);
    take(data, "listed", row.listed);
    take(data, "deleted", row.deleted);
    take(data, "files_removed", row.files_removed);
    take(data, "files_kept", row.files_kept);
    take(data, "freed_bytes", row.freed_bytes);
    return row;
}

json::object manners_data_of(const store::HostRow& row) {
    json::array origins;
    for (const store::OriginRow& origin : row.origins) {
        origins.push_back(json::object{{"https", origin.https}, {"port", origin.port}, {"attempts", origin.attempts},
                                       {"as", name_of(origin.as)}, {"gone", origin.gone}, {"due_ms", origin.due_ms}});
    }
    return json::object{{"not_before_ms", row.not_before_ms},
                        {"interval_ms", row.interval_ms},
                        {"backoff_level", row.backoff_level},
                        {"down_attempts", row.down_attempts},
                        {"gone_as", name_of_end(row.gone_as)},
                        {"gone_ms", row.gone_ms},
                        {"gone_lines", row.gone_lines},
                        {"ceiling_ms", row.ceiling_ms},
                        {"answers_since_refusal", row.answers_since_refusal},
                        {"near_ceiling", row.near_ceiling},
                        {"origins", std::move(origins)}};
}

void take_manners(const json::object& data, store::HostRow& row) {
    std::string gone_as;
    take(data, "not_before_ms", row.not_before_ms);
    take(data, "interval_ms", row.interval_ms);
    take(data, "backoff_level", row.backoff_level);
    take(data, "down_attempts", row.down_attempts);
    take(data, "gone_as", gone_as);
    take(data, "gone_ms", row.gone_ms);
    take(data, "ceiling_ms", row.ceiling_ms);
    take(data, "answers_since_refusal", row.answers_since_refusal);
    take(data, "near_ceiling", row.near_ceiling);
    const auto outcome = outcome_named(gone_as);
    row.gone_as = outcome ? static_cast<std::uint8_t>(*outcome) : store::kNotGone;
    row.origins.clear();
    for_each_object(data, "origins", [&](const json::object& one) {
        store::OriginRow& origin = row.origins.emplace_back();
        std::string as;
        take(one, "https", origin.https);
        take(one, "port", origin.port);
        take(one, "attempts", origin.attempts);
        take(one, "as", as);
        take(one, "gone", origin.gone);
        take(one, "due_ms", origin.due_ms);
        origin.as = outcome_named(as).value_or(origin.as);
    });
}

bool manners_differ(const store::HostRow& a, const store::HostRow& b) {
    const auto held = [](const store::HostRow& row) { return row.backoff_level > 0 || row.down_attempts > 0; };
    const bool strained = a.interval_ms > 0 && b.interval_ms >= a.interval_ms + a.interval_ms / 2;
    return strained || a.backoff_level != b.backoff_level || a.down_attempts != b.down_attempts || a.gone_as != b.gone_as ||
           a.ceiling_ms != b.ceiling_ms || a.origins != b.origins || (held(b) && a.not_before_ms != b.not_before_ms);
}

}  // namespace grit::journal
