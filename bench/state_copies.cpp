// What a backup costs the running crawl, and what compaction gives back: a state of --fill records, into which results are then
// committed at a steady rate, first alone and then until a backup beside them is done, while readers look; then the state is
// compacted. Prints one JSON line.
#include "grit/dataset/state_copy.hpp"

#include "committer_rig.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace grit;
using namespace grit::bench;

struct Settings {
    std::string dir;
    std::uint64_t fill = 3'000'000;
    unsigned rate = 2'000;
    unsigned hosts = 100'000;
    double seconds = 20;  // alone
};

double seconds_since(SteadyTime begin) { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); }

// Records as of images that are stored, with a row of the map each, in the order of their keys; their URLs are made up.
void fill(const Settings& settings) {
    const SystemClock clock;
    const auto env = store::Env::open(std::filesystem::path(settings.dir) / "state", {}).value();
    store::Writer writer(*env, clock);
    constexpr std::uint64_t kAtOnce = 20'000;
    for (std::uint64_t done = 0; done < settings.fill; done += kAtOnce) {
        const auto put_some = [&](store::WriteTxn& txn) -> Result<void> {
            for (std::uint64_t i = done; i < std::min(settings.fill, done + kAtOnce); ++i) {
                store::Record record;
                record.url = fmt::format("https://filled.example.org/wp-content/uploads/2018/02/photo-{:012}.jpg", i);
                record.ordinal = i;
                record.outcome = Outcome::stored;
                record.http_status = 200;
                record.attempts = 1;
                record.location = fmt::format("{:05}/{:09}.jpg", i / 10'000, i);
                record.size = 50'000 + i;
                auto put = store::put_record(txn, store::RecordKey{static_cast<HostId>(1'000'000 + i / 1'000), UrlHash{i, i}}, record);
                put = put ? store::put_url_to_path(txn, record.url, record.location) : put;
                if (!put) {
                    return put;
                }
            }
            return {};
        };
        writer.transact(put_some).value();
    }
}

std::string phase(const Rig& rig, const std::vector<double>& ticks, Looker& looker) {
    return fmt::format(R"("faults": {}, "look_ms": {}, "tick_ms": {}, "between_commits_ms": {})", rig.listener().faults(),
                       json_of(looker.stop()), json_of(quantiles_of(ticks)), json_of(rig.listener().between()));
}

std::string alone(const Settings& settings, std::uint64_t& number) {
    Rig rig(settings.dir, 0);
    Looker looker(rig.env());
    const auto ticks = submit_steadily(rig, settings.rate, settings.hosts, number, [&](auto since) {
        return since < std::chrono::duration<double>(settings.seconds);
    });
    return phase(rig, ticks, looker);
}

std::string beside_a_backup(const Settings& settings, std::uint64_t& number) {
    Rig rig(settings.dir, 0);
    Looker looker(rig.env());
    const std::uint64_t before = rig.env().stats().file_bytes;
    const std::uint64_t first = number;
    std::atomic<bool> done{false};
    std::uint64_t bytes = 0;
    double took = 0;
    std::string problem;
    std::thread backup([&] {
        const auto begin = std::chrono::steady_clock::now();
        setpriority(PRIO_PROCESS, 0, 19);  // of this thread: gritd's gives way, too
        const auto copied = dataset::back_up_state(rig.env(), std::filesystem::path(settings.dir) / "backup", SystemClock().wall_now(),
                                                   [](const dataset::CopyProgress&) { return true; });
        took = seconds_since(begin);
        bytes = copied ? *copied : 0;
        problem = copied ? "" : copied.error().what;
        done = true;
    });
    const auto ticks = submit_steadily(rig, settings.rate, settings.hosts, number, [&](auto) { return !done; });
    backup.join();
    if (!problem.empty()) {
        throw std::runtime_error(problem);
    }
    return fmt::format(R"("seconds": {:.1f}, "backup_mb": {}, "results": {}, "file_mb_before": {}, "file_mb_after": {}, {})", took, bytes >> 20,
                       number - first, before >> 20, rig.env().stats().file_bytes >> 20, phase(rig, ticks, looker));
}

std::string compact(const Settings& settings) {
    const auto begin = std::chrono::steady_clock::now();
    const auto sizes = dataset::compact_state(std::filesystem::path(settings.dir) / "state", [](const dataset::CopyProgress&) { return true; });
    if (!sizes) {
        throw std::runtime_error(sizes.error().what);
    }
    return fmt::format(R"("seconds": {:.1f}, "mb_before": {}, "mb_after": {})", seconds_since(begin), sizes->first >> 20, sizes->second >> 20);
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("A backup beside the running crawl, and compaction.");
    Settings settings;
    app.add_option("--dir", settings.dir, "an empty folder on the disk to be measured")->required();
    app.add_option("--fill", settings.fill, "records to begin with")->capture_default_str();
    app.add_option("--rate", settings.rate, "results per second")->capture_default_str();
    app.add_option("--hosts", settings.hosts)->capture_default_str()->check(CLI::Range(1, 10'000'000));
    app.add_option("--seconds", settings.seconds, "of results without a backup, to compare with")->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    try {
        fill(settings);
        std::uint64_t number = settings.fill;
        const std::string before = alone(settings, number);
        const std::string beside = beside_a_backup(settings, number);
        fmt::print(R"({{"bench": "state_copies", "rate": {}, "alone": {{{}}}, "backup": {{{}}}, "compaction": {{{}}}}})" "\n", settings.rate,
                   before, beside, compact(settings));
    } catch (const std::exception& error) {
        fmt::print(stderr, "state_copies: {}\n", error.what());
        return 1;
    }
    return 0;
}
