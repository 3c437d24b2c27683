// What it costs to park a host and to find it again: the timer wheel beside a binary heap, at so many parked hosts.
//
// Steady state: time goes on by a millisecond; whoever is due is parked again for a random time of up to 30 s. A tenth
// of the hosts is in back-off for up to a day. Prints one JSON line.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <optional>
#include <queue>
#include <random>
#include <utility>
#include <vector>

#include "grit/frontier/timer_wheel.hpp"

namespace grit::bench {
namespace {

struct Heap {
    using Entry = std::pair<SteadyTime, std::uint32_t>;
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue;

    void add(std::uint32_t item, SteadyTime at) { queue.emplace(at, item); }
    std::optional<std::uint32_t> take_due(SteadyTime now) {
        if (queue.empty() || queue.top().first > now) {
            return std::nullopt;
        }
        const std::uint32_t item = queue.top().second;
        queue.pop();
        return item;
    }
};

struct Cost {
    double fill_ns = 0;   // per host
    double event_ns = 0;  // taken out and parked again
    std::uint64_t events = 0;
};

template <class Queue>
Cost measure(Queue& queue, std::uint32_t hosts, std::uint64_t events, SteadyTime now) {
    std::minstd_rand random(3);
    const auto wait = [&](std::uint32_t host) {
        return std::chrono::nanoseconds(host % 10 == 0 ? random() % 86'400 * 1'000'000'000ULL
                                                       : 1 + random() % 30'000 * 1'000'000ULL);
    };
    const auto begin = std::chrono::steady_clock::now();
    for (std::uint32_t host = 0; host < hosts; ++host) {
        queue.add(host, now + wait(host));
    }
    const auto filled = std::chrono::steady_clock::now();
    Cost cost;
    while (cost.events < events) {
        now += std::chrono::milliseconds(1);
        while (const auto host = queue.take_due(now)) {
            queue.add(*host, now + wait(*host));
            ++cost.events;
        }
    }
    const auto end = std::chrono::steady_clock::now();
    cost.fill_ns = std::chrono::duration<double, std::nano>(filled - begin).count() / hosts;
    cost.event_ns = std::chrono::duration<double, std::nano>(end - filled).count() / static_cast<double>(cost.events);
    return cost;
}

}  // namespace
}  // namespace grit::bench

int main(int argc, char** argv) {
    std::uint32_t hosts = 1'000'000;
    std::uint64_t events = 5'000'000;
    CLI::App app("Parking hosts: timer wheel beside binary heap");
    app.add_option("--hosts", hosts)->capture_default_str();
    app.add_option("--events", events)->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    const grit::SteadyTime now{std::chrono::hours(1)};
    grit::bench::Cost heap_cost;
    {
        grit::bench::Heap heap;
        heap_cost = grit::bench::measure(heap, hosts, events, now);
    }
    grit::frontier::TimerWheel wheel(now);
    const grit::bench::Cost wheel_cost = grit::bench::measure(wheel, hosts, events, now);
    double load = 0;
    getloadavg(&load, 1);
    std::printf(
        "{\"bench\": \"parked_queue\", \"hosts\": %u, \"events\": %llu, \"wheel\": {\"park_ns\": %.0f, \"event_ns\": "
        "%.0f}, "
        "\"heap\": {\"park_ns\": %.0f, \"event_ns\": %.0f}, \"load\": %.2f}\n",
        hosts, static_cast<unsigned long long>(wheel_cost.events), wheel_cost.fill_ns, wheel_cost.event_ns,
        heap_cost.fill_ns, heap_cost.event_ns, load);
    return 0;
}
