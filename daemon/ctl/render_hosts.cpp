#include "render_hosts.hpp"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <vector>

#include "text.hpp"

namespace grit::ctl {
namespace json = boost::json;

namespace {

// "100ms", "1.5s", "30s", "1h".
std::string interval(std::uint64_t ms) {
    if (ms < 1000) {
        return fmt::format("{}ms", ms);
    }
    return ms < 60'000 && ms % 1000 != 0 ? fmt::format("{:.1f}s", static_cast<double>(ms) / 1000) : duration(ms / 1000);
}

std::string count(const json::object& host, std::string_view name) {
    return grouped(count_of(member(host, name)));
}

std::vector<std::string> row_of(const json::object& host) {
    const bool has_work = count_of(member(host, "remaining")) > 0;
    const std::uint64_t next_in = count_of(member(host, "next_in_ms"));
    return {printable(text_of(member(host, "name"))),
            printable(text_of(member(host, "state"))),
            count(host, "remaining"),
            count(host, "open_requests"),
            interval(count_of(member(host, "interval_ms"))),
            has_work && next_in > 0 ? interval(next_in) : "-",
            has_work ? duration(count_of(member(host, "eta_seconds"))) : "-",
            count(host, "stored"),
            count(host, "failed")};
}

}  // namespace

std::string render_hosts(const json::array& hosts) {
    if (hosts.empty()) {
        return "none\n";
    }
    std::vector<std::vector<std::string>> rows{
        {"HOST", "STATE", "LEFT", "OPEN", "EVERY", "NEXT IN", "ETA", "STORED", "FAILED"}};
    for (const json::value& host : hosts) {
        if (host.is_object()) {
            rows.push_back(row_of(host.get_object()));
        }
    }
    return table(rows);
}

}  // namespace grit::ctl
