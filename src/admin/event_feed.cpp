#include "event_feed.hpp"

#include <boost/json/serialize.hpp>
#include <utility>

namespace grit::admin {
namespace {

std::string text_at(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace

EventFeed::EventFeed(Backend& backend, EventsWanted wanted, Milliseconds heartbeat)
    : backend_(backend), wanted_(wanted), heartbeat_(heartbeat) {}

std::string EventFeed::due(SteadyTime now) {
    std::string lines;
    json::object status = backend_.status();
    std::string state = text_at(status, "state");
    if (wanted_.state && state != last_state_) {
        append(lines, "state", {{"from", last_state_}, {"to", state}, {"reason", text_at(status, "pause_reason")}});
    }
    last_state_ = std::move(state);
    if (wanted_.progress) {
        append(lines, "progress", {{"status", std::move(status)}});
    }
    if (lines.empty() && now - last_line_ >= heartbeat_) {
        append(lines, "heartbeat", {});
    }
    if (!lines.empty()) {
        last_line_ = now;
    }
    return lines;
}

std::string EventFeed::end() {
    std::string lines;
    append(lines, "end", {{"status", backend_.status()}});
    return lines;
}

void EventFeed::append(std::string& lines, std::string_view event, json::object fields) {
    json::object line;
    line["event"] = event;
    line["seq"] = ++seq_;
    for (auto& field : fields) {
        line[field.key()] = std::move(field.value());
    }
    lines.append(json::serialize(line)).push_back('\n');
}

}  // namespace grit::admin
