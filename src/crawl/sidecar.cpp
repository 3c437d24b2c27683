#include "sidecar.hpp"

#include "grit/annotations/record.hpp"
#include "grit/base/quantity.hpp"
#include "grit/media/digest.hpp"
#include "grit/media/image_type.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace grit::crawl {
namespace json = boost::json;

namespace {

// Names that img2dataset takes for itself; a column of an annotation with one of them is left out.
constexpr std::array<std::string_view, 14> kTaken{"key",           "caption",        "url",           "width",  "height",
                                                  "original_width", "original_height", "status",       "exif",   "md5",
                                                  "sha256",        "sha512",         "error_message", "gritd"};

json::value or_null(std::uint32_t number) { return number == 0 ? json::value() : json::value(number); }

json::object record_of(const Settlement& settlement, WallTime now) {
    const frontier::Task& task = *settlement.task;
    const fetch::Image& image = *settlement.image;
    return json::object{{"url", task.raw_url},
                        {"final_url", task.hops > 0 ? json::value(task.url.text) : json::value()},
                        {"ordinal", task.ordinal},
                        {"outcome", name_of(settlement.outcome)},
                        {"status", settlement.http_status},
                        {"fetched", format_utc(now.time_since_epoch().count())},
                        {"attempts", task.attempts},
                        {"sha256", media::hex(image.sha256)},
                        {"bytes", image.size},
                        {"media_type", media::media_type_of(image.type)},
                        {"width", or_null(image.width)},
                        {"height", or_null(image.height)}};
}

// The annotation's own text, with one field more: nothing in it is read and written anew.
std::string annotated(std::string_view line, const Settlement& settlement, WallTime now) {
    const std::string record = json::serialize(record_of(settlement, now));
    const std::size_t end = line.rfind('}');
    const std::size_t begin = line.find('{');
    if (end == std::string_view::npos || begin == std::string_view::npos || begin > end) {
        return fmt::format("{{\"url\": {}, \"gritd\": {}}}\n", json::serialize(json::string(settlement.task->raw_url)), record);
    }
    std::string_view fields = line.substr(begin, end - begin);
    fields = fields.substr(0, fields.find_last_not_of(" \t\r\n") + 1);
    return fmt::format("{}{}\"gritd\": {}}}\n", fields, fields.size() == 1 ? "" : ", ", record);
}

// What json.dump(..., indent=4) makes of these fields, but that lists are not spread over lines.
std::string indented(const std::vector<annotations::RawField>& fields) {
    std::string text = "{";
    std::string_view between = "\n";
    for (const annotations::RawField& field : fields) {
        text += fmt::format("{}    {}: {}", std::exchange(between, ",\n"), json::serialize(json::string(field.name)), field.value);
    }
    return text + "\n}";
}

std::optional<std::string> caption_of(std::string_view line) {
    annotations::FieldReader reader({"caption"});
    const auto found = reader.read(line);
    return found ? (*found)[0] : std::nullopt;
}

// Loaders of image and caption (open_clip's) pass over a sample without a .txt.
std::vector<archive::Companion> annotated_companions(std::string_view line, const Settlement& settlement, WallTime now) {
    std::vector<archive::Companion> made{{"json", annotated(line, settlement, now)}};
    if (auto caption = caption_of(line)) {
        made.push_back({"txt", std::move(*caption)});
    }
    return made;
}

// The fields and their order are those of img2dataset's writer.
std::vector<archive::Companion> as_img2dataset(std::string_view line, const Settlement& settlement) {
    const fetch::Image& image = *settlement.image;
    std::vector<annotations::RawField> fields;
    std::string caption = "null";
    bool has_caption = false;
    if (auto own = annotations::raw_fields_of(line)) {
        for (annotations::RawField& field : *own) {
            if (field.name == "caption") {
                has_caption = true;
                caption = std::move(field.value);
            } else if (std::find(kTaken.begin(), kTaken.end(), field.name) == kTaken.end()) {
                fields.push_back(std::move(field));
            }
        }
    }
    const auto add = [&fields](std::string name, const json::value& value) {
        fields.push_back(annotations::RawField{std::move(name), json::serialize(value)});
    };
    if (has_caption) {
        fields.push_back(annotations::RawField{"caption", caption});
    }
    add("url", json::value(settlement.task->raw_url));
    add("key", json::value(fmt::format("{:09}", settlement.task->ordinal)));
    add("status", "success");
    add("error_message", nullptr);
    for (const char* prefix : {"", "original_"}) {
        add(fmt::format("{}width", prefix), or_null(image.width));
        add(fmt::format("{}height", prefix), or_null(image.height));
    }
    add("sha256", json::value(media::hex(image.sha256)));
    std::vector<archive::Companion> made{{"json", indented(fields)}};
    if (has_caption) {
        made.push_back({"txt", caption_of(line).value_or("")});
    }
    return made;
}

}  // namespace

std::vector<archive::Companion> companions_of(archive::Sidecars form, std::string_view line, const Settlement& image,
                                              WallTime now) {
    switch (form) {
        case archive::Sidecars::none:
            break;
        case archive::Sidecars::annotated:
            return annotated_companions(line, image, now);
        case archive::Sidecars::img2dataset:
            return as_img2dataset(line, image);
    }
    return {};
}

}  // namespace grit::crawl
