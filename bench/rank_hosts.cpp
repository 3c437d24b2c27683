// What an operator's `hosts --sort` costs a shard: the longest slice of the walk over so many hosts, which is how long
// its loop stands still, and the whole walk; beside sorting all hosts at once, as a peer. Prints one JSON line.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include "grit/frontier/frontier.hpp"
#include "manual_clock.hpp"
#include "temp_folder.hpp"

namespace grit::bench {
namespace {

using frontier::HostOrder;
using frontier::HostRanking;

// As in Supervisor.
constexpr std::size_t kHostsPerSlice = 20'000;

// CPU time of this thread: on a busy machine wall time says more about the others.
double cpu_ms() {
    std::timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

struct Cost {
    double longest_slice_ms = 0;
    double whole_ms = 0;
};

Cost walk(const frontier::Frontier& frontier, HostOrder order, std::size_t limit) {
    Cost cost;
    const double begin = cpu_ms();
    HostRanking ranking(frontier::HostQuery{order, limit, std::nullopt});
    for (std::optional<std::size_t> from = 0; from;) {
        const double slice = cpu_ms();
        from = frontier.rank(ranking, *from, kHostsPerSlice);
        cost.longest_slice_ms = std::max(cost.longest_slice_ms, cpu_ms() - slice);
    }
    const double last = cpu_ms();
    if (frontier.ranked(ranking).empty()) {
        std::abort();
    }
    cost.longest_slice_ms = std::max(cost.longest_slice_ms, cpu_ms() - last);
    cost.whole_ms = cpu_ms() - begin;
    return cost;
}

// The peer: all views, sorted.
double sort_all(const frontier::Frontier& frontier, std::size_t hosts) {
    const double begin = cpu_ms();
    if (frontier.largest(hosts).empty()) {
        std::abort();
    }
    return cpu_ms() - begin;
}

}  // namespace
}  // namespace grit::bench

int main(int argc, char** argv) {
    using namespace grit;
    std::uint32_t hosts = 1'500'000;
    std::size_t limit = 20;
    CLI::App app("What ranking hosts costs");
    app.add_option("--hosts", hosts)->capture_default_str();
    app.add_option("--limit", limit)->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    const test::TempFolder folder;
    auto env = store::Env::open(folder.path()).value();
    test::ManualClock clock;
    std::string log_text;
    const Logger log(LogLevel::warning, log_text);
    frontier::HostTable table;
    const politeness::HostClasses classes;
    politeness::SitePolicies sites{0, {.robots = false, .tdmrep = false}};
    frontier::Frontier frontier(*env, table, classes, sites, clock, log);
    std::uint64_t state = 1;
    for (std::uint32_t host = 1; host <= hosts; ++host) {
        const std::string name = "host" + std::to_string(host) + ".example";
        table.load(host, name, name, 0);
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;  // Knuth's MMIX
        frontier.add_lines(host, 1, static_cast<std::uint32_t>(1 + (state >> 33U) % 1000));
    }
    std::printf("{\"bench\": \"rank_hosts\", \"hosts\": %u, \"limit\": %zu", hosts, limit);
    const auto show = [&](const char* name, frontier::HostOrder order) {
        const bench::Cost cost = bench::walk(frontier, order, limit);
        std::printf(", \"%s\": {\"longest_slice_ms\": %.2f, \"whole_ms\": %.1f}", name, cost.longest_slice_ms, cost.whole_ms);
    };
    show("remaining", frontier::HostOrder::remaining);
    show("eta", frontier::HostOrder::eta);
    show("errors", frontier::HostOrder::errors);
    show("pace", frontier::HostOrder::pace);
    double load = 0;
    getloadavg(&load, 1);
    std::printf(", \"sort_all_ms\": %.0f, \"load\": %.2f}\n", bench::sort_all(frontier, hosts), load);
    return 0;
}
