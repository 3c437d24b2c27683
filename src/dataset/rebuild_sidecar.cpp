#include "rebuild_sidecar.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <vector>

#include "grit/annotations/record.hpp"
#include "grit/base/utc.hpp"
#include "grit/media/digest.hpp"

namespace grit::dataset {
namespace json = boost::json;

namespace {

// What a field with that name has; of several the last, as JSON parsers take it.
json::value value_of(const std::vector<annotations::RawField>& fields, std::string_view name) {
    const auto found = std::find_if(fields.rbegin(), fields.rend(), [name](const annotations::RawField& one) { return one.name == name; });
    boost::system::error_code broken;
    return found == fields.rend() ? json::value() : json::parse(found->value, broken);
}

std::string text_of(const json::value& value) { return value.is_string() ? std::string(value.get_string()) : std::string(); }

json::value member(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    return value == nullptr ? json::value() : *value;
}

template <class Number>
Number number_of(const json::value& value) {
    boost::system::error_code other;
    const auto number = value.to_number<Number>(other);
    return other ? Number{} : number;
}

std::optional<Ordinal> ordinal_of_key(const std::string& key) {
    Ordinal ordinal = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), ordinal);
    return error == std::errc() && end == key.data() + key.size() ? std::optional(ordinal) : std::nullopt;
}

Checked<store::Record> complete(store::Record record, const std::optional<Ordinal>& ordinal, const std::string& sha256) {
    const auto digest = media::parse_sha256(sha256);
    if (record.url.empty() || !ordinal || !digest) {
        return Problem{"its sidecar lacks a URL, a number or a digest"};
    }
    record.outcome = Outcome::stored;
    record.ordinal = *ordinal;
    record.sha256 = *digest;
    record.attempts = std::max<std::uint8_t>(record.attempts, 1);
    return record;
}

// Its field "gritd" (docs/layouts.md).
Checked<store::Record> of_annotated(const std::vector<annotations::RawField>& fields) {
    const json::value value = value_of(fields, "gritd");
    const json::object* own = value.if_object();
    if (own == nullptr) {
        return Problem{"its sidecar has no field \"gritd\""};
    }
    store::Record record;
    record.url = text_of(member(*own, "url"));
    record.final_url = text_of(member(*own, "final_url"));
    record.http_status = number_of<std::uint16_t>(member(*own, "status"));
    record.attempts = number_of<std::uint8_t>(member(*own, "attempts"));
    record.first_ms = record.last_ms = parse_utc(text_of(member(*own, "fetched"))).value_or(0);
    const json::value ordinal = member(*own, "ordinal");
    boost::system::error_code other;
    const auto number = ordinal.to_number<Ordinal>(other);
    return complete(std::move(record), other ? std::nullopt : std::optional(number), text_of(member(*own, "sha256")));
}

Checked<store::Record> of_img2dataset(const std::vector<annotations::RawField>& fields) {
    store::Record record;
    record.url = text_of(value_of(fields, "url"));
    return complete(std::move(record), ordinal_of_key(text_of(value_of(fields, "key"))), text_of(value_of(fields, "sha256")));
}

}  // namespace

Checked<store::Record> record_of_sidecar(archive::Sidecars form, std::string_view text) {
    const auto fields = annotations::raw_fields_of(text);
    if (!fields) {
        return Problem{"its sidecar: " + fields.error().what};
    }
    switch (form) {
        case archive::Sidecars::annotated:
            return of_annotated(*fields);
        case archive::Sidecars::img2dataset:
            return of_img2dataset(*fields);
        case archive::Sidecars::none:
            break;
    }
    return Problem{"images of this layout have no sidecars"};
}

}  // namespace grit::dataset
