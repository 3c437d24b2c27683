#include "grit/journal/line.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <fmt/format.h>

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <utility>

#include "grit/base/quantity.hpp"
#include "grit/base/utc.hpp"
#include "grit/media/digest.hpp"
#include "grit/media/image_type.hpp"
#include "json_text.hpp"

namespace grit::journal {
namespace json = boost::json;

namespace {

constexpr std::array<std::pair<Kind, std::string_view>, 16> kKinds{{
    {Kind::broken, "broken"},
    {Kind::begin, "begin"},
    {Kind::result, "result"},
    {Kind::retry, "retry"},
    {Kind::opt_out, "opt_out"},
    {Kind::refused, "refused"},
    {Kind::found, "found"},
    {Kind::duplicate, "duplicate"},
    {Kind::lost, "lost"},
    {Kind::quarantined, "quarantined"},
    {Kind::input, "input"},
    {Kind::host, "host"},
    {Kind::block, "block"},
    {Kind::unblock, "unblock"},
    {Kind::opt_out_begun, "opt_out_begun"},
    {Kind::opt_out_ended, "opt_out_ended"},
}};

bool has_line(Kind kind) { return has_record(kind) || kind == Kind::duplicate || kind == Kind::lost || kind == Kind::quarantined; }

std::string end_of(std::string_view line) {
    return fmt::format(",\"check\":\"{:08x}\"}}\n", XXH32(line.data(), line.size(), 0));
}

// Writing -------------------------------------------------------------------------------------------------------------

// Fields one behind the other; null where there is nothing.
class Fields {
  public:
    explicit Fields(std::string& out) : out_(out) {}

    Fields& text(std::string_view name, std::string_view value) {
        begin(name);
        if (value.empty()) {
            out_ += "null";
        } else {
            append_quoted(out_, value);
        }
        return *this;
    }
    Fields& number(std::string_view name, bool there, std::uint64_t value) {
        begin(name);
        if (there) {
            append_number(out_, value);
        } else {
            out_ += "null";
        }
        return *this;
    }
    Fields& time(std::string_view name, std::int64_t ms) { return text(name, ms != 0 ? format_utc(ms) : std::string()); }

  private:
    void begin(std::string_view name) {
        out_ += std::exchange(first_, false) ? "\"" : ",\"";
        out_ += name;
        out_ += "\":";
    }
    std::string& out_;
    bool first_ = true;
};

// Reading -------------------------------------------------------------------------------------------------------------

// The fields of an object, by name; what is of another type is noted.
class Object {
  public:
    explicit Object(const json::object& object) : object_(object) {}

    std::string text(std::string_view name) {
        const json::value* value = find(name);
        if (value != nullptr && !value->is_string()) {
            complain(name);
        }
        return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
    }
    std::optional<std::uint64_t> number(std::string_view name) {
        const json::value* value = find(name);
        if (value == nullptr) {
            return std::nullopt;
        }
        if (!value->is_int64() || value->get_int64() < 0) {
            if (value->is_uint64()) {
                return value->get_uint64();
            }
            complain(name);
            return std::nullopt;
        }
        return static_cast<std::uint64_t>(value->get_int64());
    }
    template <class T>
    T small(std::string_view name) {
        const std::uint64_t value = number(name).value_or(0);
        if (!std::in_range<T>(value)) {
            complain(name);
        }
        return static_cast<T>(value);
    }
    std::int64_t time(std::string_view name) {
        const std::string value = text(name);
        const auto ms = value.empty() ? std::optional<std::int64_t>(0) : parse_utc(value);
        if (!ms) {
            complain(name);
        }
        return ms.value_or(0);
    }
    void complain(std::string_view name) { bad_ = bad_.empty() ? std::string(name) : bad_; }
    [[nodiscard]] const std::string& bad() const { return bad_; }

  private:
    [[nodiscard]] const json::value* find(std::string_view name) const {
        const json::value* value = object_.if_contains(name);
        return value == nullptr || value->is_null() ? nullptr : value;
    }
    const json::object& object_;
    std::string bad_;
};

std::uint8_t image_type_named(std::string_view media_type) {
    for (std::uint8_t type = 1; type <= static_cast<std::uint8_t>(media::ImageType::ico); ++type) {
        if (media::media_type_of(static_cast<media::ImageType>(type)) == media_type) {
            return type;
        }
    }
    return 0;
}

void read_record(Object& from, Line& line) {
    store::Record& record = line.record;
    line.ordinal = from.number("ordinal");
    record.ordinal = line.ordinal.value_or(0);
    record.url = from.text("url");
    if (const std::string name = from.text("outcome"); !name.empty()) {
        const auto outcome = outcome_named(name);
        if (!outcome) {
            from.complain("outcome");
        }
        record.outcome = outcome.value_or(Outcome::store_error);
    } else if (has_record(line.kind)) {
        from.complain("outcome");
    }
    record.http_status = from.small<std::uint16_t>("status");
    record.attempts = from.small<std::uint8_t>("attempts");
    record.first_ms = from.time("first_time");
    record.last_ms = line.time_ms;
    record.due_ms = from.time("retry_at");
    record.waiting = record.due_ms != 0;
    record.size = from.number("size").value_or(0);
    record.image_type = image_type_named(from.text("type"));
    record.width = from.small<std::uint32_t>("width");
    record.height = from.small<std::uint32_t>("height");
    if (const std::string hex = from.text("sha256"); !hex.empty()) {
        const auto digest = media::parse_sha256(hex);
        if (!digest) {
            from.complain("sha256");
        }
        record.sha256 = digest.value_or(store::Sha256{});
    }
    record.location = from.text("path");
    record.final_url = from.text("final_url");
    record.detail = from.text("detail");
}

}  // namespace

std::string_view name_of(Kind kind) noexcept {
    const auto found = std::find_if(kKinds.begin(), kKinds.end(), [&](const auto& one) { return one.first == kind; });
    return found == kKinds.end() ? "unknown" : found->second;
}

std::optional<Kind> kind_named(std::string_view name) noexcept {
    const auto found = std::find_if(kKinds.begin(), kKinds.end(), [&](const auto& one) { return one.second == name; });
    return found == kKinds.end() ? std::nullopt : std::optional(found->first);
}

bool has_record(Kind kind) noexcept {
    return kind == Kind::result || kind == Kind::retry || kind == Kind::broken || kind == Kind::opt_out || kind == Kind::refused || kind == Kind::found;
}

std::string text_of(const Line& line) {
    const store::Record& record = line.record;
    const bool is_record = has_record(line.kind);
    const bool has_image = !record.location.empty();
    std::string out;
    out.reserve(640);
    Fields fields(out);
    fields.text("kind", name_of(line.kind)).time("time", line.time_ms);
    fields.number("ordinal", has_line(line.kind), record.ordinal);
    fields.text("url", record.url).text("host", line.host);
    fields.text("outcome", is_record ? name_of(record.outcome) : std::string_view());
    fields.number("status", record.http_status != 0, record.http_status);
    fields.number("attempts", is_record, record.attempts);
    fields.time("first_time", record.first_ms).time("retry_at", record.waiting ? record.due_ms : 0);
    fields.number("size", has_image, record.size);
    fields.text("type", has_image ? media::media_type_of(static_cast<media::ImageType>(record.image_type)) : std::string_view());
    fields.number("width", has_image, record.width).number("height", has_image, record.height);
    fields.text("sha256", record.sha256 != store::Sha256{} ? media::hex(record.sha256) : std::string());
    fields.text("path", record.location).text("final_url", record.final_url).text("detail", record.detail);
    fields.text("data", line.data.empty() ? std::string() : json::serialize(line.data));
    return out;
}

std::string whole_line(std::uint64_t seq, std::string_view text) {
    std::string line = fmt::format("{{\"seq\":{},{}", seq, text);
    line += end_of(line);
    return line;
}

Checked<Line> parse_line(std::string_view text) {
    while (text.ends_with('\n')) {
        text.remove_suffix(1);
    }
    const std::size_t checked = text.rfind(",\"check\"");
    if (checked == std::string_view::npos || std::string(text.substr(checked)) + "\n" != end_of(text.substr(0, checked))) {
        return Problem{"it is damaged: its check is another one"};
    }
    boost::system::error_code error;
    const json::value value = json::parse(text, error);
    if (error || !value.is_object()) {
        return Problem{"it is no JSON object"};
    }
    Object from(value.get_object());
    Line line;
    line.seq = from.number("seq").value_or(0);
    const std::string kind = from.text("kind");
    const auto known = kind_named(kind);
    if (!known || line.seq == 0) {
        return Problem{known ? "it has no seq" : fmt::format("its kind \"{}\" is not known: a newer gritd may have written it", kind)};
    }
    line.kind = *known;
    line.time_ms = from.time("time");
    line.host = from.text("host");
    read_record(from, line);
    if (const std::string data = from.text("data"); !data.empty()) {
        const json::value parsed = json::parse(data, error);
        if (error || !parsed.is_object()) {
            from.complain("data");
        } else {
            line.data = parsed.get_object();
        }
    }
    if (!from.bad().empty()) {
        return Problem{fmt::format("its field \"{}\" can not be read", from.bad())};
    }
    return line;
}

}  // namespace grit::journal
