// The committer and the store as the daemon has them, in an empty folder, for benches that hand results in.
#pragma once

#include "grit/archive/depot.hpp"
#include "grit/archive/layout.hpp"
#include "grit/crawl/committer.hpp"
#include "grit/metrics/metrics.hpp"
#include "grit/store/env.hpp"
#include "grit/store/tables.hpp"
#include "grit/store/writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace grit::bench {

using Milli = std::chrono::duration<double, std::milli>;

struct Quantiles {
    double median = 0;
    double p99 = 0;
    double longest = 0;
};

inline Quantiles quantiles_of(std::vector<double> values) {
    if (values.empty()) {
        return {};
    }
    std::sort(values.begin(), values.end());
    return {values[values.size() / 2], values[values.size() * 99 / 100], values.back()};
}

inline std::string json_of(const Quantiles& q) {
    return fmt::format(R"({{"median": {:.2f}, "p99": {:.2f}, "longest": {:.2f}}})", q.median, q.p99, q.longest);
}

/// What the supervisor does with acknowledgements, and a note of when they came.
class Listener final : public crawl::CommitListener {
  public:
    void committed(const std::vector<crawl::Acknowledgement>& done) override {
        const auto now = std::chrono::steady_clock::now();
        const std::lock_guard lock(mutex_);
        results_ += done.size();
        if (last_) {
            between_ms_.push_back(Milli(now - *last_).count());
        }
        last_ = now;
    }
    void lines_back(const std::vector<crawl::LinesBack>&) override {}
    void bounced(std::vector<frontier::TaskPtr>) override { ++faults_; }
    void fault(Outcome, const std::string& what) override {
        fmt::print(stderr, "bench: {}\n", what);
        ++faults_;
    }

    [[nodiscard]] std::uint64_t results() const {
        const std::lock_guard lock(mutex_);
        return results_;
    }
    [[nodiscard]] Quantiles between() const {
        const std::lock_guard lock(mutex_);
        return quantiles_of(between_ms_);
    }
    [[nodiscard]] unsigned faults() const { return faults_; }

  private:
    mutable std::mutex mutex_;
    std::uint64_t results_ = 0;
    std::optional<SteadyTime> last_;
    std::vector<double> between_ms_;
    std::atomic<unsigned> faults_{0};
};

/// A state, and all that a committer needs around it.
class Rig {
  public:
    Rig(const std::filesystem::path& dir, std::uint64_t map_bytes)
        : env_(open(dir, map_bytes)),
          writer_(std::make_unique<store::Writer>(*env_, clock_)),
          depot_(open_depot(dir)),
          layout_(archive::make_files_layout(*depot_)),
          committer_(std::make_unique<crawl::Committer>(*writer_, *layout_, hosts_, metrics_, clock_, log_, listener_,
                                                        crawl::Committer::Options{})) {}
    ~Rig() { committer_->finish(); }
    Rig(const Rig&) = delete;
    Rig& operator=(const Rig&) = delete;

    frontier::TaskPtr task(std::uint64_t number, unsigned hosts) {
        const std::string name = fmt::format("h{}.example.org", number % hosts);
        auto made = std::make_unique<frontier::Task>();
        made->raw_url = fmt::format("https://{}/wp-content/uploads/2018/02/photo-{:012}.jpg", name, number);
        made->url = url::canonicalize(made->raw_url).value();
        made->home = hosts_.find_or_add(name);
        made->hash = made->url.hash();
        made->ordinal = number;
        made->attempts = 1;
        return made;
    }

    [[nodiscard]] store::Env& env() { return *env_; }
    [[nodiscard]] crawl::Committer& committer() { return *committer_; }
    [[nodiscard]] const Listener& listener() const { return listener_; }
    [[nodiscard]] std::int64_t wall_ms() const { return clock_.wall_now().time_since_epoch().count(); }

  private:
    static std::unique_ptr<store::Env> open(const std::filesystem::path& dir, std::uint64_t map_bytes) {
        std::filesystem::create_directories(dir);
        store::EnvOptions options;
        if (map_bytes > 0) {
            options.initial_map_bytes = map_bytes;
        }
        return store::Env::open(dir / "state", options).value();
    }
    std::unique_ptr<archive::Depot> open_depot(const std::filesystem::path& dir) {
        archive::DepotOptions options;
        options.root = std::filesystem::absolute(dir / "images").string();
        options.dataset_id = env_->dataset_id();
        return archive::Depot::open(options).value();
    }

    SystemClock clock_;
    Logger log_{LogLevel::warning};
    metrics::Metrics metrics_{clock_.wall_now()};
    frontier::HostTable hosts_;
    Listener listener_;
    std::unique_ptr<store::Env> env_;
    std::unique_ptr<store::Writer> writer_;
    std::unique_ptr<archive::Depot> depot_;
    std::unique_ptr<archive::Layout> layout_;
    std::unique_ptr<crawl::Committer> committer_;
};

/// Looks into the state again and again, as shards do, and notes how long each look took.
class Looker {
  public:
    explicit Looker(store::Env& env) : env_(env), thread_([this] { look(); }) {}
    ~Looker() { stop(); }
    Looker(const Looker&) = delete;
    Looker& operator=(const Looker&) = delete;

    Quantiles stop() {
        stopping_ = true;
        if (thread_.joinable()) {
            thread_.join();
        }
        return quantiles_of(took_ms_);
    }

  private:
    void look() {
        std::mt19937_64 random(3);
        while (!stopping_) {
            const auto begin = std::chrono::steady_clock::now();
            {
                const store::ReadTxn txn = env_.read().value();
                const store::RecordKey key{static_cast<HostId>(random() % 1'000 + 1), UrlHash{random(), random()}};
                static_cast<void>(store::get_record(txn, key));
            }
            took_ms_.push_back(Milli(std::chrono::steady_clock::now() - begin).count());
            std::this_thread::sleep_for(std::chrono::microseconds(500));
        }
    }

    store::Env& env_;
    std::vector<double> took_ms_;
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

/// Results at a steady rate, handed in as the supervisor does, each of a new URL. @return how long each tick took, in ms.
template <class GoesOn>
std::vector<double> submit_steadily(Rig& rig, unsigned rate, unsigned hosts, std::uint64_t& number, const GoesOn& goes_on) {
    std::vector<double> took_ms;
    const std::uint64_t first = number;
    const auto begin = std::chrono::steady_clock::now();
    for (auto tick = begin; goes_on(tick - begin);) {
        tick += std::chrono::milliseconds(25);  // the supervisor's
        std::this_thread::sleep_until(tick);
        const auto due = first + static_cast<std::uint64_t>(std::chrono::duration<double>(tick - begin).count() * rate);
        const auto before = std::chrono::steady_clock::now();
        for (; number < due; ++number) {
            crawl::Settlement result;
            result.task = rig.task(number, hosts);
            result.outcome = Outcome::http_not_found;
            result.http_status = 404;
            rig.committer().submit(std::move(result));
        }
        rig.committer().tick();
        took_ms.push_back(Milli(std::chrono::steady_clock::now() - before).count());
    }
    rig.committer().finish();
    return took_ms;
}

}  // namespace grit::bench
