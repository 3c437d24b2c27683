// A frontier over a real state, with a clock that the test moves.
#pragma once

#include "grit/frontier/frontier.hpp"
#include "grit/frontier/run_builder.hpp"
#include "grit/store/tables.hpp"
#include "grit/store/writer.hpp"

#include "manual_clock.hpp"
#include "temp_folder.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace grit::frontier::test {

using politeness::Answer;

inline constexpr std::array<Milliseconds, 2> kDownSchedule{Milliseconds(60'000), Milliseconds(600'000)};

class FrontierRig : public ::testing::Test {
  protected:
    /// @param dir  a state of an earlier life; empty: a fresh one that goes with the rig.
    explicit FrontierRig(std::filesystem::path dir = {})
        : folder_(dir.empty() ? std::make_unique<grit::test::TempFolder>() : nullptr),
          dir_(folder_ ? folder_->path() : std::move(dir)), env_(store::Env::open(dir_).value()), writer_(*env_, clock_) {
        manners_.down_schedule = kDownSchedule;
        take_over();
        begin(false);
    }

    /// The hosts and counters of an earlier life.
    void take_over() {
        const store::ReadTxn txn = env_->read().value();
        ASSERT_TRUE(store::for_each_host(txn, [this](HostId id, const store::HostRow& row) {
            hosts_.load(id, row.name, row.domain, row.partition);
            return true;
        }));
        const store::Totals totals = store::get_totals(txn).value();
        next_run_ = totals.next_run;
        next_ordinal_ = totals.next_ordinal;
    }

    /// A frontier as after a start, from what the state says.
    void begin(bool with_robots) {
        begin(politeness::ObeyedFiles{with_robots, false});
    }
    void begin(politeness::ObeyedFiles obeyed) {
        frontier_.reset();
        sites_ = politeness::SitePolicies(1 << 20, obeyed);
        frontier_ = std::make_unique<Frontier>(*env_, hosts_, classes_, sites_, clock_, log_);
        const store::ReadTxn txn = env_->read().value();
        const QueueCensus census = QueueCensus::take(txn).value();
        ASSERT_TRUE(store::for_each_host(txn, [&](HostId id, const store::HostRow& row) {
            frontier_->load_host(id, row, census.of(id));
            return true;
        }));
    }

    /// Brings a run with these URLs ("host/path", scheme http unless given), in this order.
    void add(const std::vector<std::string>& urls) {
        RunBuilder builder;
        for (const std::string& url : urls) {
            const std::string full = url.find("://") == std::string::npos ? "http://" + url : url;
            builder.add(hosts_.find_or_add(url::canonicalize(full).value().host), next_ordinal_++, full);
        }
        builder.sort();
        const RunId run = next_run_++;
        const std::vector<HostId> fresh = hosts_.take_unsaved();
        ASSERT_TRUE(writer_.transact([&](store::WriteTxn& txn) -> Result<void> {
            if (const auto saved = save_hosts(txn, fresh, hosts_); !saved) {
                return saved;
            }
            return builder.write(txn, run, hosts_);
        }));
        for (const store::RunHost& host : builder.hosts()) {
            frontier_->add_lines(host.host, run, host.lines);
        }
    }

    void add_numbered(const std::string& host, int count) {
        std::vector<std::string> urls;
        for (int i = 0; i < count; ++i) {
            urls.push_back(host + "/" + std::to_string(i) + ".jpg");
        }
        add(urls);
    }

    /// What is leased now, sent at once; nothing if nobody may be asked.
    std::optional<Lease> ask() {
        auto lease = frontier_->lease();
        if (lease) {
            EXPECT_TRUE(frontier_->may_send(*lease));
        }
        return lease;
    }

    /// The text of the next URL, whose request then ends well and is recorded; "" if nobody may be asked.
    std::string fetch() {
        auto lease = ask();
        if (!lease) {
            return {};
        }
        const TaskPtr task = frontier_->finish(std::move(*lease), Answer::good, Milliseconds(10));
        record(*task, Outcome::http_not_found);
        return task->url.text;
    }

    /// The record of that task is committed, and the frontier told so.
    void record(const Task& task, Outcome outcome) {
        commit_only(task, outcome);
        frontier_->acknowledge(task.home, task.hash, task.line);
    }

    void commit_only(const Task& task, Outcome outcome) {
        ASSERT_TRUE(writer_.transact([&](store::WriteTxn& txn) -> Result<void> {
            store::Record record;
            record.outcome = outcome;
            record.url = task.raw_url;
            if (const auto put = store::put_record(txn, store::RecordKey{task.home, task.hash}, record); !put) {
                return put;
            }
            return task.line ? settle_line(txn, *task.line) : Result<void>();
        }));
    }

    static Result<void> settle_line(store::WriteTxn& txn, const LineRef& line) {
        auto row = store::get_host(txn, line.block.host);
        auto progress = store::get_progress(txn, line.block);
        if (!row || !progress) {
            return row ? progress.error() : row.error();
        }
        ++row->taken;
        progress->set(line.entry);
        if (const auto put = store::put_host(txn, line.block.host, *row); !put) {
            return put;
        }
        return store::put_progress(txn, line.block, *progress);
    }

    /// How many lines ended with their hosts since the last call.
    std::uint64_t ended() {
        std::uint64_t lines = 0;
        for (const HostEnd& end : frontier_->take_host_ends()) {
            lines += end.lines;
        }
        return lines;
    }

    void pass(Milliseconds time) { clock_.advance(time); }
    void pass_interval() { pass(manners_.min_interval); }
    HostId id(std::string_view name) { return hosts_.find_or_add(name); }
    HostView view(std::string_view name) { return frontier_->view(id(name)).value(); }

    /// What the counters say must agree with what the hosts say.
    void expect_counts_agree() {
        const FrontierCounts counts = frontier_->counts();
        std::uint64_t remaining = 0;
        std::uint64_t open = 0;
        for (const HostView& host : frontier_->largest(counts.known)) {
            remaining += host.remaining;
            open += host.open;
        }
        EXPECT_EQ(counts.remaining, remaining);
        EXPECT_EQ(counts.open, open);
        EXPECT_EQ(counts.known, counts.ready + counts.active + counts.parked + counts.site + counts.domain +
                                    counts.backoff + counts.down + counts.finished);
    }

    std::unique_ptr<grit::test::TempFolder> folder_;  // of a fresh state
    std::filesystem::path dir_;
    grit::test::ManualClock clock_;
    std::string log_text_;
    Logger log_{LogLevel::warning, log_text_};
    std::unique_ptr<store::Env> env_;
    store::Writer writer_;
    HostTable hosts_;
    politeness::HostClasses classes_;
    politeness::Manners& manners_ = classes_.own();
    politeness::SitePolicies sites_{1 << 20, {false, false}};
    std::unique_ptr<Frontier> frontier_;
    RunId next_run_ = 1;
    Ordinal next_ordinal_ = 0;
};

}  // namespace grit::frontier::test
