#include "render_status.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "grit/base/outcome.hpp"
#include "grit/base/quantity.hpp"
#include "text.hpp"

namespace grit::ctl {
namespace json = boost::json;

namespace {

constexpr std::size_t kOutcomesShown = 4;
constexpr std::size_t kMaxBar = 40;

struct Progress {
    std::uint64_t settled = 0;
    std::uint64_t done = 0;
    std::uint64_t all = 0;
};

Progress progress_of(const json::object& status) {
    const auto records = [&](std::string_view name) { return count_of(member(status, "records", name)); };
    Progress progress;
    progress.done = records("done");
    progress.settled = progress.done + records("gone");
    progress.all = progress.settled + records("pending") + records("in_flight") + records("waiting");
    return progress;
}

// ANSI colours (ECMA-48 SGR).
std::string colored(const std::string& text, std::string_view state, bool color) {
    if (!color) {
        return text;
    }
    const int code = state == "running" || state == "ingesting" ? 32 : state == "paused" ? 33 : 36;
    return fmt::format("\x1b[1;{}m{}\x1b[0m", code, text);
}

std::string eta(const json::object& status) {
    const json::value* seconds = member(status, "eta_seconds");
    return seconds != nullptr && seconds->is_number() ? "ETA " + duration(count_of(seconds)) : "ETA unknown";
}

std::string head(const json::object& status, bool color) {
    const std::string state = printable(text_of(member(status, "state")));
    std::string line = fmt::format("{}  {}   since {}", printable(text_of(member(status, "instance"))),
                                   colored(state, state, color), duration(count_of(member(status, "uptime_seconds"))));
    const std::uint64_t reloaded = count_of(member(status, "config", "reloaded_at"));
    if (const std::string file = text_of(member(status, "config", "file")); !file.empty()) {
        line += "   config " + printable(file);
    }
    if (reloaded > count_of(member(status, "since"))) {
        line += fmt::format(" (reloaded {})", local_time(static_cast<std::int64_t>(reloaded)));
    }
    return line + "\n";
}

std::string rates(const json::object& status) {
    return fmt::format("{} img/s   {} fetches/s   {}/s", rate(real_of(member(status, "rate", "stored_per_second"))),
                       rate(real_of(member(status, "rate", "fetches_per_second"))),
                       format_byte_size(count_of(member(status, "rate", "bytes_per_second"))));
}

std::string input(const json::object& status) {
    std::string line = grouped(count_of(member(status, "input", "lines"))) + " lines read";
    if (const std::uint64_t bad = count_of(member(status, "input", "quarantined")); bad > 0) {
        line += ", " + grouped(bad) + " of them unusable";
    }
    const json::value* complete = member(status, "input", "complete");
    if (complete != nullptr && complete->is_bool() && complete->get_bool()) {
        return line + ", complete";
    }
    const std::uint64_t total = count_of(member(status, "input", "bytes_total"));
    return total > 0 ? line + ", " + percent(count_of(member(status, "input", "bytes_read")), total) + " of the input"
                     : line + ", more to come";
}

std::string stored(const json::object& status) {
    const std::uint64_t total = count_of(member(status, "volume", "total_bytes"));
    const std::uint64_t free = std::min(total, count_of(member(status, "volume", "free_bytes")));
    return fmt::format("{} in {} images   volume {} used ({} free)   state {}",
                       format_byte_size(count_of(member(status, "stored_bytes"))),
                       grouped(count_of(member(status, "outcomes", "stored"))), percent(total - free, total),
                       format_byte_size(free), format_byte_size(count_of(member(status, "state_store", "used_bytes"))));
}

std::string hosts(const json::object& status) {
    const auto count = [&](std::string_view name) { return count_of(member(status, "hosts", name)); };
    const auto of = [&](std::string_view name) { return grouped(count(name)); };
    const std::string waiting = grouped(count("parked") + count("site") + count("domain"));
    return fmt::format("{} active, {} ready, {} waiting their turn, {} backing off, {} down, {} finished of {}",
                       of("active"), of("ready"), waiting, of("backoff"), of("down"), of("finished"), of("known"));
}

// The host that bounds the crawl; empty while there is none.
std::string longest(const json::object& status) {
    const json::value* host = member(status, "longest_host");
    if (host == nullptr || !host->is_object()) {
        return {};
    }
    const json::object& longest = host->get_object();
    return fmt::format("{}, {} lines left, ETA {}", printable(text_of(member(longest, "name"))),
                       grouped(count_of(member(longest, "remaining"))), duration(count_of(member(longest, "eta_seconds"))));
}

// The outcomes by number of records, the most first; those that are no failure left out on demand.
std::vector<std::pair<std::uint64_t, std::string>> top_outcomes(const json::object& status, bool failures_only,
                                                                std::uint64_t& all) {
    std::vector<std::pair<std::uint64_t, std::string>> top;
    const json::value* outcomes = member(status, "outcomes");
    if (outcomes == nullptr || !outcomes->is_object()) {
        return top;
    }
    for (const auto& [key, value] : outcomes->get_object()) {
        const std::string name(key);
        all += count_of(&value);
        const auto known = outcome_named(name);
        if (!failures_only || !known || disposition_of(*known) != Disposition::done) {
            top.emplace_back(count_of(&value), name);
        }
    }
    std::sort(top.begin(), top.end(), [](const auto& a, const auto& b) {
        return a.first != b.first ? a.first > b.first : a.second < b.second;
    });
    top.resize(std::min(top.size(), kOutcomesShown));
    return top;
}

std::string outcomes(const json::object& status, bool failures_only) {
    std::uint64_t all = 0;
    std::string line;
    for (const auto& [count, name] : top_outcomes(status, failures_only, all)) {
        if (count > 0) {
            line += (line.empty() ? "" : "  ") + printable(name) + " " + percent(count, all);
        }
    }
    return line.empty() ? "nothing" : line;
}

// "volume b out: is mounted read-only": the crawl goes on without it.
std::string volumes_not_in_use(const json::object& status) {
    std::string text;
    const json::value* volumes = member(status, "volumes");
    if (volumes == nullptr || !volumes->is_array()) {
        return text;
    }
    for (const json::value& one : volumes->get_array()) {
        const std::string state = one.is_object() ? text_of(member(one.get_object(), "state")) : "in_use";
        if (state != "in_use") {
            text += fmt::format("{}volume {} {}: {}", text.empty() ? "" : "; ", printable(text_of(member(one.get_object(), "name"))),
                                printable(state), printable(text_of(member(one.get_object(), "why"))));
        }
    }
    return text;
}

std::string note(const json::object& status) {
    const std::string state = text_of(member(status, "state"));
    const std::string reason = printable(text_of(member(status, "pause_reason")));
    const std::string in_flight = grouped(count_of(member(status, "records", "in_flight")));
    if (state == "paused") {
        return (reason.empty() ? "paused" : "paused: " + reason) + ". Go on with: gritctl resume";
    }
    if (state == "draining") {
        return "draining: nothing new is begun; ends when " + in_flight + " in flight are done";
    }
    if (state == "starting" || state == "stopped") {
        return state;
    }
    const std::string problem = printable(text_of(member(status, "input", "problem")));
    if (!problem.empty()) {
        return "the input is not read on: " + problem;
    }
    const std::string volumes = volumes_not_in_use(status);
    return reason.empty() ? volumes.empty() ? "none" : volumes : reason;
}

std::string progress(const json::object& status) {
    const Progress now = progress_of(status);
    return fmt::format("{} / {} ({})   {} ok   {}", grouped(now.settled), grouped(now.all),
                       percent(now.settled, now.all), percent(now.done, now.settled), eta(status));
}

std::string bar(const Progress& now, std::size_t columns) {
    const std::size_t width = std::min(kMaxBar, columns > 50 ? columns - 40 : std::size_t{10});
    const double share = now.all == 0 ? 0.0 : static_cast<double>(now.settled) / static_cast<double>(now.all);
    const auto full = std::min(width, static_cast<std::size_t>(share * static_cast<double>(width)));
    return "[" + std::string(full, '#') + std::string(width - full, '-') + "]";
}

// Cut to the terminal's width, since a line that wraps would spoil the redrawing. Not inside a character of UTF-8.
std::string cut(std::string line, std::size_t columns) {
    if (line.size() >= columns) {
        std::size_t end = columns - 1;
        while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xc0U) == 0x80U) {
            --end;
        }
        line.resize(end);
    }
    return line + "\n";
}

}  // namespace

std::string render_status(const json::object& status, bool color) {
    const auto line = [](std::string_view name, const std::string& text) {
        return fmt::format("    {:<9} {}\n", name, text);
    };
    const std::string longest_host = longest(status);
    return head(status, color) + line("progress", progress(status)) + line("rate", rates(status)) +
           line("input", input(status)) + line("stored", stored(status)) + line("hosts", hosts(status)) +
           (longest_host.empty() ? "" : line("longest", longest_host)) + line("failing", outcomes(status, true)) + line("note", note(status));
}

std::string render_watch(const json::object& status, bool color, std::size_t columns) {
    const Progress now = progress_of(status);
    const std::string state = printable(text_of(member(status, "state")));
    const std::string first = fmt::format("{}  {}   since {}", printable(text_of(member(status, "instance"))), state,
                                          duration(count_of(member(status, "uptime_seconds"))));
    std::string top = cut(first, columns);
    // Coloured after the cut: escape sequences take no columns.
    if (const auto at = top.find(state); color && !state.empty() && at != std::string::npos) {
        top.replace(at, state.size(), colored(state, state, color));
    }
    const std::string counts = fmt::format("{} {:>6}  {} / {}", bar(now, columns), percent(now.settled, now.all),
                                           grouped(now.settled), grouped(now.all));
    return top + cut("  " + counts, columns) + cut("  " + rates(status) + "   " + eta(status), columns) +
           cut("  outcomes  " + outcomes(status, false), columns) + cut("  hosts     " + hosts(status), columns) +
           cut("  note      " + note(status), columns);
}

std::string render_line(const json::object& status) {
    const Progress now = progress_of(status);
    const std::string state = printable(text_of(member(status, "state")));
    const std::string reason = printable(text_of(member(status, "pause_reason")));
    return fmt::format("{} {} {}/{} ({}) {} {} failing: {}{}", printable(text_of(member(status, "instance"))), state,
                       now.settled, now.all, percent(now.settled, now.all), rates(status), eta(status),
                       outcomes(status, true), reason.empty() ? "" : " note: " + reason);
}

}  // namespace grit::ctl
