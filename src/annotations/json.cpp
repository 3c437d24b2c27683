// Everything that uses simdjson, and only its basic calls, which have not changed from 3.0 to 3.12.
//
// Each line is parsed on its own, within its own bounds: simdjson's iterate_many crashes on an unclosed line and loses
// a whole batch to one bad byte. The DOM parser is used rather than On-Demand since it checks all of a line: On-Demand
// walking every value to the same end reached 1.2 M lines/s on GRIT's lines, the DOM 2.1 M lines/s.
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "grit/annotations/record.hpp"
#include "json_line.hpp"
#include "line_splitter.hpp"

namespace grit::annotations {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

static_assert(kLinePadding >= simdjson::SIMDJSON_PADDING);

std::string_view trimmed(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
    return text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
}

// In words of our own: simdjson's differ from version to version.
std::string reason_of(simdjson::error_code error, std::string_view line) {
    if (line.find('\0') != std::string_view::npos) {
        return "a NUL byte";
    }
    const std::string_view inner = trimmed(line);
    switch (error) {
        case simdjson::UTF8_ERROR:
            return "not valid UTF-8";
        case simdjson::UNCLOSED_STRING:
            return "broken JSON: a string is not closed";
        case simdjson::UNESCAPED_CHARS:
            return "broken JSON: a control character in a string";
        case simdjson::DEPTH_ERROR:
            return "broken JSON: nested too deep";
        default:
            break;
    }
    if (!inner.starts_with('{')) {
        return "not a JSON object";
    }
    if (!inner.ends_with('}')) {
        return "broken JSON: the object is not closed";
    }
    switch (error) {
        case simdjson::STRING_ERROR:
            return "broken JSON: a bad escape in a string";
        case simdjson::NUMBER_ERROR:
            return "broken JSON: a bad number, or one beyond 64 bits";
        default:
            return "broken JSON";
    }
}

/// A parser that grows with the longest line and is never given a line without padding.
class LineParser {
  public:
    /// @param padded kLinePadding bytes may be read behind it.
    Checked<simdjson::dom::object> parse(std::string_view padded) {
        if (is_blank(padded)) {
            return Problem{"a blank line"};
        }
        if (padded.size() > dom_.capacity()) {
            const auto error = dom_.allocate(std::bit_ceil(std::max(padded.size(), kLeastCapacity)));
            if (error != simdjson::SUCCESS) {
                throw std::bad_alloc();
            }
        }
        line_ = padded;
        element root;
        if (const auto error = dom_.parse(padded.data(), padded.size(), false).get(root); error != simdjson::SUCCESS) {
            return Problem{reason_of(error, padded)};
        }
        simdjson::dom::object object;
        if (root.get(object) != simdjson::SUCCESS) {
            return Problem{"not a JSON object"};
        }
        return object;
    }

    /// The same for a line without padding: copies it.
    Checked<simdjson::dom::object> parse_unpadded(std::string_view line) {
        copy_.assign(line);
        copy_.append(kLinePadding, '\0');
        return parse(std::string_view(copy_).substr(0, line.size()));
    }

    /// The text of a string, of a number (its digits as written), of true and false. Nothing for anything else.
    std::optional<std::string_view> text_of(element value, std::string_view name) {
        std::string_view text;
        switch (value.type()) {
            case element_type::STRING:
                return value.get(text) == simdjson::SUCCESS ? std::optional(text) : std::nullopt;
            case element_type::BOOL:
                return value.get_bool().value_unsafe() ? "true" : "false";
            case element_type::INT64:
            case element_type::UINT64:
            case element_type::DOUBLE:
                return number_as_written(name);
            default:
                return std::nullopt;
        }
    }

    /// Of the line parsed last.
    std::optional<std::vector<RawField>> raw_fields() {
        simdjson::ondemand::document document;
        simdjson::ondemand::object object;
        if (on_demand_.iterate(line_.data(), line_.size(), line_.size() + kLinePadding).get(document) !=
                simdjson::SUCCESS ||
            document.get_object().get(object) != simdjson::SUCCESS) {
            return std::nullopt;
        }
        std::vector<RawField> fields;
        for (auto field : object) {
            std::string_view key;
            simdjson::ondemand::value value;
            if (field.unescaped_key().get(key) != simdjson::SUCCESS) {
                return std::nullopt;
            }
            const std::string name(key);
            std::string_view raw;
            if (field.value().get(value) != simdjson::SUCCESS || !raw_of(value, raw)) {
                return std::nullopt;
            }
            fields.push_back(RawField{name, std::string(trimmed(raw))});
        }
        return fields;
    }

  private:
    static constexpr std::size_t kLeastCapacity = std::size_t{16} << 10;

    static bool raw_of(simdjson::ondemand::value& value, std::string_view& raw) {
        simdjson::ondemand::json_type type{};
        if (value.type().get(type) != simdjson::SUCCESS) {
            return false;
        }
        if (type == simdjson::ondemand::json_type::array) {
            simdjson::ondemand::array array;
            return value.get_array().get(array) == simdjson::SUCCESS && array.raw_json().get(raw) == simdjson::SUCCESS;
        }
        if (type == simdjson::ondemand::json_type::object) {
            simdjson::ondemand::object object;
            return value.get_object().get(object) == simdjson::SUCCESS && object.raw_json().get(raw) == simdjson::SUCCESS;
        }
        raw = value.raw_json_token();
        return true;
    }

    // The DOM keeps no spelling, so the line is asked once more. It is known to be good JSON here.
    std::optional<std::string_view> number_as_written(std::string_view name) {
        simdjson::ondemand::document document;
        simdjson::ondemand::object object;
        if (on_demand_.iterate(line_.data(), line_.size(), line_.size() + kLinePadding).get(document) !=
                simdjson::SUCCESS ||
            document.get_object().get(object) != simdjson::SUCCESS) {
            return std::nullopt;
        }
        std::optional<std::string_view> last;
        for (auto field : object) {
            std::string_view key;
            simdjson::ondemand::value value;
            if (field.unescaped_key().get(key) != simdjson::SUCCESS || field.value().get(value) != simdjson::SUCCESS) {
                return std::nullopt;
            }
            if (key == name) {
                last = trimmed(value.raw_json_token());
            }
        }
        return last;
    }

    simdjson::dom::parser dom_;
    simdjson::ondemand::parser on_demand_;
    std::string copy_;
    std::string_view line_;
};

Problem wrong_type(std::string_view field, std::string_view wanted) {
    return Problem{fmt::format("\"{}\" is not {}", field, wanted)};
}

// A number without a fraction, however it is written, within [low, high].
template <class Integer>
std::optional<Integer> whole_number(element value) {
    if (std::int64_t number = 0; value.get(number) == simdjson::SUCCESS) {
        return std::in_range<Integer>(number) ? std::optional(static_cast<Integer>(number)) : std::nullopt;
    }
    double number = 0;
    // Beyond 2^53 a double is no count any more.
    if (value.get(number) != simdjson::SUCCESS || std::nearbyint(number) != number || std::fabs(number) > 0x1p53 ||
        !std::in_range<Integer>(static_cast<std::int64_t>(number))) {
        return std::nullopt;
    }
    return static_cast<Integer>(number);
}

std::optional<Span> span_of(element row) {
    simdjson::dom::array values;
    if (row.get(values) != simdjson::SUCCESS || values.size() != 7) {
        return std::nullopt;
    }
    Span span;
    std::size_t column = 0;
    double* const doubles[] = {&span.x_min, &span.y_min, &span.x_max, &span.y_max, &span.score};
    for (const element value : values) {
        if (column < 2) {
            const auto offset = whole_number<std::uint32_t>(value);
            if (!offset) {
                return std::nullopt;
            }
            (column == 0 ? span.start : span.end) = *offset;
        } else if (value.get(*doubles[column - 2]) != simdjson::SUCCESS) {
            return std::nullopt;
        }
        ++column;
    }
    return span;
}

Checked<std::vector<Span>> spans_of(element list, std::string_view field) {
    constexpr std::string_view kWanted = "a list of [start, end, x_min, y_min, x_max, y_max, score]";
    simdjson::dom::array rows;
    if (list.get(rows) != simdjson::SUCCESS) {
        return wrong_type(field, kWanted);
    }
    std::vector<Span> spans;
    for (const element row : rows) {
        const auto span = span_of(row);
        if (!span) {
            return wrong_type(field, kWanted);
        }
        spans.push_back(*span);
    }
    return spans;
}

}  // namespace

bool is_blank(std::string_view text) {
    return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

class JsonLine::Impl {
  public:
    Impl(std::string url_field, std::string id_field)
        : url_field_(std::move(url_field)), id_field_(std::move(id_field)) {}

    Checked<Fields> parse(std::string_view padded) {
        const auto object = parser_.parse(padded);
        if (!object) {
            return object.error();
        }
        std::optional<element> url;
        std::optional<element> id;
        for (const auto field : *object) {
            if (field.key == url_field_) {
                url = field.value;
            }
            if (field.key == id_field_) {
                id = field.value;
            }
        }
        if (!url || url->is_null()) {
            return Problem{fmt::format("no \"{}\"", url_field_)};
        }
        Fields fields;
        if (url->get(fields.url) != simdjson::SUCCESS) {
            return wrong_type(url_field_, "a string");
        }
        fields.id = id ? id_text(*id) : std::string_view();
        return fields;
    }

  private:
    std::string_view id_text(element id) {
        // The usual case without another look at the line: a JSON integer has one spelling, but for "-0".
        if (std::int64_t number = 0;
            id.type() == element_type::INT64 && id.get(number) == simdjson::SUCCESS && number != 0) {
            const auto end = fmt::format_to_n(digits_, sizeof(digits_), "{}", number).out;
            return {digits_, static_cast<std::size_t>(end - digits_)};
        }
        return parser_.text_of(id, id_field_).value_or(std::string_view());
    }

    std::string url_field_;
    std::string id_field_;
    LineParser parser_;
    char digits_[24] = {};
};

JsonLine::JsonLine(std::string url_field, std::string id_field)
    : impl_(std::make_unique<Impl>(std::move(url_field), std::move(id_field))) {}
JsonLine::~JsonLine() = default;
Checked<JsonLine::Fields> JsonLine::parse(std::string_view padded) {
    return impl_->parse(padded);
}

class GritParser::Impl {
  public:
    Checked<GritRecord> parse(std::string_view line) {
        const auto object = parser_.parse_unpadded(line);
        if (!object) {
            return object.error();
        }
        GritRecord record;
        bool has_url = false;
        for (const auto field : *object) {
            if (field.value.is_null()) {
                continue;
            }
            if (const auto set = assign(record, field.key, field.value); !set) {
                return set.error();
            }
            has_url = has_url || field.key == "url";
        }
        if (!has_url) {
            return Problem{"no \"url\""};
        }
        return record;
    }

  private:
    Checked<void> assign(GritRecord& record, std::string_view name, element value) {
        if (name == "url") {
            return text(record.url, name, value);
        }
        if (name == "caption") {
            return text(record.caption, name, value);
        }
        if (name == "key") {
            const auto key = parser_.text_of(value, name);
            return key ? (record.key = *key, Checked<void>()) : wrong_type(name, "a string");
        }
        if (name == "id") {
            record.id = whole_number<std::int64_t>(value);
            return record.id ? Checked<void>() : wrong_type(name, "a whole number");
        }
        if (name == "clip_similarity_vitb32") {
            return number(record.clip_b32, name, value);
        }
        if (name == "clip_similarity_vitl14") {
            return number(record.clip_l14, name, value);
        }
        if (name == "width") {
            return pixels(record.width, name, value);
        }
        if (name == "height") {
            return pixels(record.height, name, value);
        }
        if (name == "noun_chunks") {
            return spans(record.noun_chunks, name, value);
        }
        return name == "ref_exps" ? spans(record.ref_exps, name, value) : Checked<void>();
    }

    static Checked<void> text(std::string& into, std::string_view name, element value) {
        std::string_view found;
        if (value.get(found) != simdjson::SUCCESS) {
            return wrong_type(name, "a string");
        }
        into = found;
        return {};
    }
    static Checked<void> number(double& into, std::string_view name, element value) {
        return value.get(into) == simdjson::SUCCESS ? Checked<void>() : wrong_type(name, "a number");
    }
    static Checked<void> pixels(std::uint32_t& into, std::string_view name, element value) {
        const auto found = whole_number<std::uint32_t>(value);
        into = found.value_or(0);
        return found ? Checked<void>() : wrong_type(name, "a whole number of pixels");
    }
    static Checked<void> spans(std::vector<Span>& into, std::string_view name, element value) {
        auto found = spans_of(value, name);
        if (!found) {
            return found.error();
        }
        into = std::move(*found);
        return {};
    }

    LineParser parser_;
};

GritParser::GritParser() : impl_(std::make_unique<Impl>()) {}
GritParser::~GritParser() = default;
GritParser::GritParser(GritParser&&) noexcept = default;
GritParser& GritParser::operator=(GritParser&&) noexcept = default;
Checked<GritRecord> GritParser::parse(std::string_view line) {
    return impl_->parse(line);
}

Checked<GritRecord> parse_grit_record(std::string_view line) {
    return GritParser().parse(line);
}

class FieldReader::Impl {
  public:
    explicit Impl(std::vector<std::string> names) : names_(std::move(names)), values_(names_.size()) {}

    Checked<std::span<const std::optional<std::string>>> read(std::string_view line) {
        const auto object = parser_.parse_unpadded(line);
        if (!object) {
            return object.error();
        }
        std::fill(values_.begin(), values_.end(), std::nullopt);
        for (const auto field : *object) {
            for (std::size_t i = 0; i < names_.size(); ++i) {
                if (field.key == names_[i]) {
                    values_[i] = parser_.text_of(field.value, names_[i]);
                }
            }
        }
        return std::span<const std::optional<std::string>>(values_);
    }

  private:
    std::vector<std::string> names_;
    std::vector<std::optional<std::string>> values_;
    LineParser parser_;
};

Checked<std::vector<RawField>> raw_fields_of(std::string_view line) {
    LineParser parser;
    if (const auto object = parser.parse_unpadded(line); !object) {
        return object.error();
    }
    auto fields = parser.raw_fields();
    return fields ? Checked<std::vector<RawField>>(std::move(*fields)) : Problem{"broken JSON"};
}

FieldReader::FieldReader(std::vector<std::string> names) : impl_(std::make_unique<Impl>(std::move(names))) {}
FieldReader::~FieldReader() = default;
FieldReader::FieldReader(FieldReader&&) noexcept = default;
FieldReader& FieldReader::operator=(FieldReader&&) noexcept = default;
Checked<std::span<const std::optional<std::string>>> FieldReader::read(std::string_view line) {
    return impl_->read(line);
}

}  // namespace grit::annotations
