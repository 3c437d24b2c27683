// Makes a state look like that of a crawl in its later part: the lines of its first runs are settled, with a record, a
// row of url_to_path and one of content each, and the hosts' rows were written anew since, in any order, so that they
// lie all over the file. Writes in the order of the keys, which a crawl can not, so that it takes a minute instead of a
// day; the rows are as a crawl writes them, their URLs are made up. For start_up; no images are made.
#include "grit/store/tables.hpp"
#include "grit/store/writer.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace grit;

struct Host {
    HostId id = kNoHost;
    std::uint64_t settled = 0;
    std::string name;
};

class Settler {
  public:
    Settler(const std::string& dir, double share)
        : env_(store::Env::open(dir).value()), writer_(*env_, clock_), share_(share) {}

    std::uint64_t run() {
        count();
        by_name_ = order_by([this](std::size_t a, std::size_t b) { return hosts_[a].name + '/' < hosts_[b].name + '/'; });
        by_chance_ = order_by([](std::size_t, std::size_t) { return false; });
        std::shuffle(by_chance_.begin(), by_chance_.end(), random_);
        records_ = {&hosts_, nullptr};
        urls_ = {&hosts_, &by_name_};
        for (RunId run = 1; run <= last_run_; ++run) {
            writer_.transact([&](store::WriteTxn& txn) { return settle(txn, run); }).value();
        }
        return total_;
    }

  private:
    // Goes through the settled lines of all hosts, host by host.
    struct Walk {
        const std::vector<Host>* hosts = nullptr;
        const std::vector<std::size_t>* order = nullptr;
        std::size_t at = 0;
        std::uint64_t line = 0;

        [[nodiscard]] const Host& host() const { return (*hosts)[order == nullptr ? at : (*order)[at]]; }
        // @return false at the end; else host() and line are the next.
        bool next() {
            for (; at < hosts->size(); ++at, line = 0) {
                if (line < host().settled) {
                    ++line;
                    return true;
                }
            }
            return false;
        }
    };

    void count() {
        const store::ReadTxn txn = env_->read().value();
        const store::Totals totals = store::get_totals(txn).value();
        last_run_ = static_cast<RunId>(static_cast<double>(totals.next_run - 1) * share_);
        std::vector<std::uint64_t> settled(totals.next_host);
        store::for_each_run(txn, [&](RunId run, const std::vector<store::RunHost>& lines) {
            for (const store::RunHost& entry : lines) {
                settled[entry.host] += entry.lines;
                total_ += entry.lines;
            }
            return run < last_run_;
        }).value();
        store::for_each_host(txn, [&](HostId id, const store::HostRow& row) {
            hosts_.push_back(Host{id, settled[id], row.name});
            return true;
        }).value();
    }

    template <class Less>
    [[nodiscard]] std::vector<std::size_t> order_by(const Less& less) const {
        std::vector<std::size_t> order(hosts_.size());
        for (std::size_t i = 0; i < order.size(); ++i) {
            order[i] = i;
        }
        std::sort(order.begin(), order.end(), less);
        return order;
    }

    // One part of the work, in one transaction.
    Result<void> settle(store::WriteTxn& txn, RunId run) {
        const auto upto = [&](std::uint64_t all) { return all * run / last_run_; };
        if (const auto done = erase_run(txn, run); !done) {
            return done;
        }
        const std::uint64_t lines = upto(total_) - upto_before(total_, run);
        for (std::uint64_t i = 0; i < lines; ++i) {
            if (const auto done = add_line(txn); !done) {
                return done;
            }
        }
        for (std::uint64_t i = upto_before(hosts_.size(), run); i < upto(hosts_.size()); ++i) {
            if (const auto done = update_host(txn, hosts_[by_chance_[i]]); !done) {
                return done;
            }
        }
        auto totals = store::get_totals(txn);
        if (!totals) {
            return totals.error();
        }
        totals->outcomes[index_of(Outcome::stored)] += lines;
        totals->stored_bytes += lines * kImageBytes;
        return store::put_totals(txn, *totals);
    }

    [[nodiscard]] std::uint64_t upto_before(std::uint64_t all, RunId run) const { return all * (run - 1) / last_run_; }

    static Result<void> erase_run(store::WriteTxn& txn, RunId run) {
        std::vector<store::QueueKey> keys;
        const auto walked = store::for_each(
            txn, store::Table::queue,
            [&](std::string_view key, std::string_view) {
                keys.push_back(store::parse_queue_key(key).value());
                return keys.back().run == run;
            },
            store::queue_key({run, 0, 0}));
        for (const store::QueueKey& key : keys) {
            if (const auto done = key.run == run ? store::erase_block(txn, key) : Result<bool>(true); !done) {
                return done.error();
            }
        }
        return walked;
    }

    Result<void> add_line(store::WriteTxn& txn) {
        if (!records_.next() || !urls_.next()) {
            return {};
        }
        const std::string location = fmt::format("{:05}/{:09}.jpg", line_ / 10'000, line_);
        store::Record record;
        record.ordinal = line_;
        record.http_status = 200;
        record.attempts = 1;
        record.first_ms = record.last_ms = 1'700'000'000'000 + static_cast<std::int64_t>(line_);
        record.size = kImageBytes;
        record.image_type = 1;
        record.width = record.height = 640;
        fill(record.sha256, line_);
        record.location = location;
        record.url = url_of(records_);
        const UrlHash hash{UINT64_MAX / records_.host().settled * (records_.line - 1) + (random_() & 0xff), random_()};
        auto done = txn.append(store::Table::records, store::record_key({records_.host().id, hash}), store::encode(record));
        if (done) {
            done = txn.append(store::Table::url_to_path, url_of(urls_), location);
        }
        if (done) {
            const auto* digest = reinterpret_cast<const char*>(record.sha256.data());
            done = txn.append(store::Table::content, std::string_view(digest, record.sha256.size()), location);
        }
        ++line_;
        return done;
    }

    // Ascending over the lines.
    void fill(store::Sha256& digest, std::uint64_t line) {
        const std::uint64_t high = UINT64_MAX / (total_ + 1) * line;
        for (std::size_t i = 0; i < digest.size(); ++i) {
            digest[i] = static_cast<std::byte>(i < 8 ? high >> (56 - 8 * i) : random_());
        }
    }

    static std::string url_of(const Walk& walk) {
        return fmt::format("https://{}/wp-content/uploads/2018/02/photo-{:012}.jpg", walk.host().name, walk.line);
    }

    Result<void> update_host(store::WriteTxn& txn, const Host& host) const {
        auto row = store::get_host(txn, host.id);
        if (!row) {
            return row.error();
        }
        row->taken = row->stored = host.settled;
        row->cursor_run = host.settled > 0 ? last_run_ + 1 : 0;
        row->interval_ms = host.settled > 0 ? 100 : 0;
        return store::put_host(txn, host.id, *row);
    }

    static constexpr std::uint64_t kImageBytes = 96'000;

    SystemClock clock_;
    std::unique_ptr<store::Env> env_;
    store::Writer writer_;
    double share_;
    std::mt19937_64 random_{7};
    RunId last_run_ = 0;
    std::uint64_t total_ = 0;
    std::uint64_t line_ = 0;
    std::vector<Host> hosts_;
    std::vector<std::size_t> by_name_;
    std::vector<std::size_t> by_chance_;
    Walk records_;
    Walk urls_;
};

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("Settles the first runs of a state, as if they had been crawled.");
    std::string dir;
    double share = 0.67;
    app.add_option("--state", dir, "folder of the state; no gritd may use it")->required();
    app.add_option("--share", share, "of the runs")->capture_default_str()->check(CLI::Range(0.0, 1.0));
    CLI11_PARSE(app, argc, argv);
    try {
        const auto begin = std::chrono::steady_clock::now();
        const std::uint64_t lines = Settler(dir, share).run();
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
        fmt::print(R"({{"bench": "settle_state", "lines": {}, "seconds": {:.1f}}})" "\n", lines, took.count());
    } catch (const std::exception& error) {
        fmt::print(stderr, "settle_state: {}\n", error.what());
        return 1;
    }
    return 0;
}
