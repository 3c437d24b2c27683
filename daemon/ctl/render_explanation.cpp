#include "render_explanation.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>

#include "text.hpp"

namespace grit::ctl {
namespace json = boost::json;

namespace {

std::string line(std::string_view name, const std::string& text) { return fmt::format("{:<8}{}\n", name, text); }

// "2026-11-23 10:02:00, in 3h12m", or "... ago" of the past.
std::string moment(std::uint64_t at, std::uint64_t now) {
    const std::string time = local_time(static_cast<std::int64_t>(at));
    return at > now ? fmt::format("{}, in {}", time, duration(at - now)) : fmt::format("{}, {} ago", time, duration(now - at));
}

std::string paragraph(std::string_view name, const json::object& reason, std::uint64_t now) {
    std::string text = line(name, printable(text_of(member(reason, "why"))));
    if (const std::uint64_t since = count_of(member(reason, "since")); since > 0) {
        text += line("", "since " + moment(since, now));
    }
    if (const std::uint64_t until = count_of(member(reason, "until")); until > 0) {
        text += line("", "until " + moment(until, now));
    }
    if (const std::string remedy = text_of(member(reason, "remedy")); !remedy.empty()) {
        text += line("", "what would change it: " + printable(remedy));
    }
    return text;
}

std::string host(const json::object& explanation) {
    std::string text = printable(text_of(member(explanation, "host")));
    if (const std::string state = text_of(member(explanation, "host_state")); !state.empty()) {
        text += fmt::format(" ({}, {} left)", printable(state), grouped(count_of(member(explanation, "host_remaining"))));
    }
    return text;
}

}  // namespace

std::string render_explanation(const json::object& explanation) {
    const std::uint64_t now = count_of(member(explanation, "now"));
    std::string text = line("url", printable(text_of(member(explanation, "url"))));
    if (!text_of(member(explanation, "host")).empty()) {
        text += line("host", host(explanation));
    }
    const json::value* reasons = member(explanation, "reasons");
    if (reasons == nullptr || !reasons->is_array()) {
        return text + line("why", printable(text_of(member(explanation, "why"))));
    }
    std::string_view name = "why";
    for (const json::value& reason : reasons->get_array()) {
        if (reason.is_object()) {
            text += paragraph(name, reason.get_object(), now);
            name = "and";
        }
    }
    const json::value* not_before = member(explanation, "not_before");
    if (const std::uint64_t at = count_of(not_before); at > now) {
        text += line("so", "not before " + moment(at, now));
    }
    return text;
}

}  // namespace grit::ctl
