// LMDB over a long run, by the committer and the store that the daemon has, in an empty folder:
//
//   growth   results come steadily (--rate) while the map begins small and has to grow again and again, and readers look
//            at it all the time; then the same with a map that is large enough, to compare with
//   retries  URLs fail again and again: each update removes a row of `retries`, adds one, and rewrites the record and its
//            host (--updates), as fast as they go; how large does the file get?
//   reader   the last part of the same with a reader that is never closed, to compare with
//
// Prints one JSON line.
#include "committer_rig.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace grit;
using namespace grit::bench;

struct Settings {
    std::string dir;
    double seconds = 60;
    unsigned rate = 2'000;
    std::uint64_t map_bytes = std::uint64_t{1} << 20;
    std::uint64_t updates = 10'000'000;
    std::uint64_t urls = 1'000'000;
    unsigned hosts = 100'000;
    std::uint64_t with_reader = 200'000;
};

// Results at a steady rate. @return a JSON object.
std::string grow(const Settings& settings, const std::string& name, std::uint64_t map_bytes) {
    Rig rig(std::filesystem::path(settings.dir) / name, map_bytes);
    std::uint64_t map = rig.env().stats().map_bytes;
    unsigned grown = 0;
    std::uint64_t number = 0;
    Looker looker(rig.env());
    std::vector<double> submit_ms = submit_steadily(rig, settings.rate, settings.hosts, number, [&](auto since) {
        const std::uint64_t now = rig.env().stats().map_bytes;
        grown += now != map ? 1 : 0;
        map = now;
        return since < std::chrono::duration<double>(settings.seconds);
    });
    const Quantiles looks = looker.stop();
    std::uint64_t records = 0;
    {
        const store::ReadTxn txn = rig.env().read().value();
        records = txn.count(store::Table::records).value();
    }
    return fmt::format(R"({{"results": {}, "recorded": {}, "faults": {}, "map_grew_times": {}, "map_mb_at_end": {}, "look_ms": {}, )"
                       R"("tick_ms": {}, "between_commits_ms": {}}})",
                       number, records, rig.listener().faults(), grown, map >> 20, json_of(looks), json_of(quantiles_of(submit_ms)),
                       json_of(rig.listener().between()));
}

/// URLs that fail again and again.
class Retries {
  public:
    Retries(const Settings& settings, Rig& rig) : settings_(settings), rig_(rig), due_ms_(settings.urls) {
        for (std::uint64_t i = 0; i < settings.urls; ++i) {
            order_.push_back(i);
        }
    }

    // So many updates. @return megabytes of the file every tenth of the way.
    std::vector<std::uint64_t> run(std::uint64_t updates) {
        std::vector<std::uint64_t> megabytes;
        for (std::uint64_t done = 0; done < updates; ++done) {
            if (at_ == order_.size()) {
                wait_below(0);  // whoever was last may be the next
                std::shuffle(order_.begin(), order_.end(), random_);
                at_ = 0;
            }
            fail(order_[at_++]);
            if (++submitted_ % 2'000 == 0) {
                rig_.committer().tick();
                wait_below(4'000);
            }
            if ((done + 1) % (updates / 10) == 0) {
                wait_below(0);
                megabytes.push_back(rig_.env().stats().file_bytes >> 20);
            }
        }
        return megabytes;
    }

  private:
    void fail(std::uint64_t url) {
        crawl::Settlement result;
        result.task = rig_.task(url, settings_.hosts);
        result.outcome = Outcome::timeout_first_byte;
        result.detail = "nothing came within 15s";
        if (due_ms_[url] != 0) {
            result.task->retry = store::RetryKey{due_ms_[url], {result.task->home, result.task->hash}};
        }
        due_ms_[url] = rig_.wall_ms() + std::uniform_int_distribution<std::int64_t>(60'000, 86'400'000)(random_);
        result.retry_at_ms = due_ms_[url];
        rig_.committer().submit(std::move(result));
    }
    void wait_below(std::size_t most) {
        while (rig_.committer().uncommitted() > most) {
            rig_.committer().tick();
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }

    const Settings& settings_;
    Rig& rig_;
    std::vector<std::int64_t> due_ms_;  // 0: not tried yet
    std::vector<std::uint64_t> order_;
    std::size_t at_ = 0;
    std::uint64_t submitted_ = 0;
    std::mt19937_64 random_{11};
};

std::string retry(const Settings& settings) {
    Rig rig(std::filesystem::path(settings.dir) / "retries", 0);
    Retries retries(settings, rig);
    static_cast<void>(retries.run(settings.urls));  // each once
    const std::uint64_t first = rig.env().stats().file_bytes >> 20;
    const auto begin = std::chrono::steady_clock::now();
    const std::vector<std::uint64_t> megabytes = retries.run(settings.updates);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    std::uint64_t waiting = 0;
    std::uint64_t after = 0;
    {
        const store::ReadTxn held = rig.env().read().value();
        waiting = held.count(store::Table::retries).value();
        static_cast<void>(retries.run(settings.with_reader));
        after = rig.env().stats().file_bytes >> 20;
    }
    return fmt::format(R"({{"urls": {}, "updates": {}, "per_second": {:.0f}, "rows_at_end": {}, "faults": {}, "file_mb_first": {}, )"
                       R"("file_mb_each_tenth": [{}], "between_commits_ms": {}, "with_a_reader_held": {{"updates": {}, "file_mb": {}}}}})",
                       settings.urls, settings.updates, static_cast<double>(settings.updates) / seconds, waiting,
                       rig.listener().faults(), first, fmt::join(megabytes, ", "), json_of(rig.listener().between()),
                       settings.with_reader, after);
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("The state over a long run: growth of its map, and of its file under steady retries.");
    Settings settings;
    app.add_option("--dir", settings.dir, "an empty folder on the disk to be measured")->required();
    app.add_option("--seconds", settings.seconds, "of each part with steady results")->capture_default_str();
    app.add_option("--rate", settings.rate, "results per second")->capture_default_str();
    app.add_option("--map", settings.map_bytes, "bytes of the map that has to grow")->capture_default_str();
    app.add_option("--updates", settings.updates)->capture_default_str()->check(CLI::Range(10, 1'000'000'000));
    app.add_option("--urls", settings.urls, "that wait for a retry at a time")->capture_default_str()->check(CLI::Range(10, 100'000'000));
    app.add_option("--hosts", settings.hosts)->capture_default_str()->check(CLI::Range(1, 10'000'000));
    app.add_option("--with-reader", settings.with_reader, "updates beside a reader that is never closed")
        ->capture_default_str()
        ->check(CLI::Range(10, 1'000'000'000));
    CLI11_PARSE(app, argc, argv);
    try {
        const std::string growing = grow(settings, "growing", settings.map_bytes);
        const std::string large = grow(settings, "large", 0);
        const std::string retries = retry(settings);
        fmt::print(R"({{"bench": "long_run", "rate": {}, "growing": {}, "large_enough": {}, "retries": {}}})" "\n", settings.rate,
                   growing, large, retries);
    } catch (const std::exception& error) {
        fmt::print(stderr, "long_run: {}\n", error.what());
        return 1;
    }
    return 0;
}
