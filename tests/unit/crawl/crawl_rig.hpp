// A frontier, a committer, a state and images on disk: the crawl without its network.
#pragma once

#include "grit/archive/layout.hpp"
#include "grit/archive/tar.hpp"
#include "grit/crawl/committer.hpp"
#include "grit/journal/journal.hpp"
#include "grit/journal/reader.hpp"
#include "grit/media/digest.hpp"
#include "grit/metrics/metrics.hpp"
#include "grit/store/shard_rows.hpp"

#include "frontier_rig.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <set>

namespace grit::crawl::test {

using frontier::Lease;
using frontier::Task;
using frontier::TaskPtr;
using politeness::Answer;

/// The machine's file system, whose calls that change something can be made to fail.
class FaultyFileSystem final : public archive::RealFileSystem {
  public:
    /// The n-th call from now (from 1) fails, and so do the `more` after it.
    void fail(int n, int error, int more = 0) {
        first_ = calls_ + n;
        last_ = first_ + more;
        error_ = error;
    }
    void heal() { last_ = -1; }
    [[nodiscard]] int calls() const { return calls_; }
    /// Called before and after each call that changes something, with its number.
    std::function<void(int)> on_call;

    int create(const std::string& path, mode_t mode, int& fd) override {
        return around([&] { return RealFileSystem::create(path, mode, fd); });
    }
    int write(int fd, std::span<const std::byte> bytes, std::size_t& written) override {
        return around([&] { return RealFileSystem::write(fd, bytes, written); });
    }
    int rename(const std::string& from, const std::string& to) override {
        return around([&] { return RealFileSystem::rename(from, to); });
    }
    int unlink(const std::string& path) override {
        return around([&] { return RealFileSystem::unlink(path); });
    }
    int make_folder(const std::string& path, mode_t mode) override {
        return around([&] { return RealFileSystem::make_folder(path, mode); });
    }
    int sync_volume(int fd) override {
        return around([&] { return RealFileSystem::sync_volume(fd); });
    }
    int open_file(const std::string& path, bool to_write, int& fd) override {
        return around([&] { return RealFileSystem::open_file(path, to_write, fd); });
    }
    int read_at(int fd, std::uint64_t offset, std::span<std::byte> bytes, std::size_t& count) override {
        return around([&] { return RealFileSystem::read_at(fd, offset, bytes, count); });
    }
    int write_at(int fd, std::uint64_t offset, std::span<const std::byte> bytes, std::size_t& written) override {
        // The last byte is missing from what was written before it failed, or died.
        const auto torn = bytes.first(bytes.size() - 1);
        return around([&] { return RealFileSystem::write_at(fd, offset, bytes, written); },
                      [&] { return RealFileSystem::write_at(fd, offset, torn, written); });
    }
    int sync_data(int fd) override {
        return around([&] { return RealFileSystem::sync_data(fd); });
    }
    int truncate(int fd, std::uint64_t size) override {
        return around([&] { return RealFileSystem::truncate(fd, size); });
    }

  private:
    template <class Call>
    int around(Call call) {
        return around(call, [] {});
    }
    template <class Call, class Torn>
    int around(Call call, Torn torn) {
        const int number = ++calls_;
        if (number >= first_ && number <= last_) {
            static_cast<void>(torn());
            return error_;
        }
        if (on_call) {
            on_call(2 * number - 1);
        }
        const int result = call();
        if (on_call) {
            on_call(2 * number);
        }
        return result;
    }
    std::atomic<int> calls_{0};
    std::atomic<int> first_{0};
    std::atomic<int> last_{-1};
    std::atomic<int> error_{EIO};
};

/// The journal's calls, which can be made to fail.
class FaultyFileCalls final : public journal::FileCalls {
  public:
    /// The n-th call from now (from 1) fails, and so do the `more` after it. A write that fails has written half.
    void fail(int n, int error, int more = 0) {
        first_ = calls_ + n;
        last_ = first_ + more;
        error_ = error;
    }
    [[nodiscard]] int calls() const { return calls_; }
    /// Called before and after each call, with its number.
    std::function<void(int)> on_call;

    int write(int descriptor, std::string_view bytes, std::size_t& written) override {
        return around([&](bool fails) {
            return FileCalls::write(descriptor, fails ? bytes.substr(0, bytes.size() / 2) : bytes, written);
        });
    }
    int sync(int descriptor) override {
        return around([&](bool fails) { return fails ? 0 : FileCalls::sync(descriptor); });
    }

  private:
    template <class Call>
    int around(Call call) {
        const int number = ++calls_;
        const bool fails = number >= first_ && number <= last_;
        if (on_call) {
            on_call(2 * number - 1);
        }
        const int result = call(fails);
        if (on_call) {
            on_call(2 * number);
        }
        return fails ? error_.load() : result;
    }
    std::atomic<int> calls_{0};
    std::atomic<int> first_{0};
    std::atomic<int> last_{-1};
    std::atomic<int> error_{EIO};
};

/// Keeps what a commit says until the test looks.
class Listener final : public CommitListener {
  public:
    void committed(const std::vector<Acknowledgement>& some) override {
        const std::lock_guard lock(mutex_);
        done.insert(done.end(), some.begin(), some.end());
    }
    void lines_back(const std::vector<LinesBack>& some) override {
        const std::lock_guard lock(mutex_);
        returned.insert(returned.end(), some.begin(), some.end());
    }
    void bounced(std::vector<TaskPtr> tasks) override {
        const std::lock_guard lock(mutex_);
        std::move(tasks.begin(), tasks.end(), std::back_inserter(back));
    }
    void fault(Outcome outcome, const std::string&) override {
        const std::lock_guard lock(mutex_);
        faults.push_back(outcome);
    }
    std::vector<Acknowledgement> done;
    std::vector<LinesBack> returned;
    std::vector<TaskPtr> back;
    std::vector<Outcome> faults;

  private:
    std::mutex mutex_;
};

class CrawlRig : public frontier::test::FrontierRig {
  protected:
    /// @param layout  as the config names it; shards are sealed with two images.
    explicit CrawlRig(std::filesystem::path dir = {}, std::string layout = "files")
        : FrontierRig(std::move(dir)), layout_name_(std::move(layout)) {
        open_depot();
        open_journal();
        open_committer();
    }
    ~CrawlRig() override {
        frontier_.reset();
        committer_.reset();
    }

    void open_depot() {
        depot_.reset();
        auto system = std::make_unique<FaultyFileSystem>();
        system_ = system.get();
        archive::DepotOptions options;
        options.root = (dir_ / "images").string();
        options.dataset_id = env_->dataset_id();
        auto opened = archive::Depot::open(options, std::move(system));
        ASSERT_TRUE(opened) << opened.error().what;
        depot_ = std::move(*opened);
        archive::TarOptions shards;
        shards.shard_images = 2;
        layout_ = archive::make_layout(layout_name_, *depot_, shards);
    }
    void open_journal() {
        journal_.reset();
        auto calls = std::make_unique<FaultyFileCalls>();
        calls_ = calls.get();
        journal::JournalOptions options;
        options.folder = dir_ / "outcomes";
        auto opened = journal::Journal::open(std::move(options), *env_, metrics_, clock_, log_, std::move(calls));
        ASSERT_TRUE(opened) << opened.error().what;
        journal_ = std::move(*opened);
    }
    void open_committer() {
        Committer::Options options;
        options.journal = journal_.get();
        committer_ = std::make_unique<Committer>(writer_, *layout_, hosts_, metrics_, clock_, log_, listener_, options);
        const store::ReadTxn txn = env_->read().value();
        ASSERT_TRUE(committer_->load(txn));
    }

    /// As FrontierRig::add, and counted.
    void add_counted(const std::vector<std::string>& urls) {
        add(urls);
        ASSERT_TRUE(writer_.transact([&](store::WriteTxn& txn) {
            store::Totals totals = store::get_totals(txn).value();
            totals.lines += urls.size();
            totals.next_ordinal = next_ordinal_;
            totals.next_run = next_run_;
            return store::put_totals(txn, totals);
        }));
    }

    /// The next task, its request over.
    TaskPtr take() {
        for (int i = 0; i < 100; ++i, pass_interval()) {
            if (auto lease = ask()) {
                TaskPtr task = frontier_->finish(std::move(*lease), Answer::good, Milliseconds(10));
                ++task->attempts;
                task->first_ms = wall_ms();
                return task;
            }
        }
        ADD_FAILURE() << "nobody may be asked";
        return nullptr;
    }

    void expect_idle() {
        pass_interval();
        EXPECT_FALSE(ask());
    }

    fetch::Image image(std::string_view bytes, media::ImageType type = media::ImageType::jpeg) {
        fetch::Image made{depot_->create(), bytes.size(), {}, type, 4, 3};
        media::Digest digest;
        const auto span = std::as_bytes(std::span(bytes));
        digest.update(span);
        made.sha256 = digest.finish();
        const auto written = made.file.append(span);
        EXPECT_TRUE(written) << (written ? "" : written.error().message());
        EXPECT_TRUE(made.file.close());
        return made;
    }

    static Settlement settlement(TaskPtr task, Outcome outcome) {
        Settlement made;
        made.task = std::move(task);
        made.outcome = outcome;
        return made;
    }
    void settle(TaskPtr task, Outcome outcome, std::optional<std::int64_t> retry_at_ms = std::nullopt) {
        Settlement made = settlement(std::move(task), outcome);
        made.retry_at_ms = retry_at_ms;
        committer_->submit(std::move(made));
    }
    void store_image(TaskPtr task, std::string_view bytes) {
        Settlement made = settlement(std::move(task), Outcome::stored);
        made.image = image(bytes);
        committer_->submit(std::move(made));
    }

    /// One commit, whether it works or not; the frontier hears of it.
    void commit() {
        pass(Milliseconds(1'000));
        committer_->tick();
        writer_.drain();
        tell_frontier();
    }
    void acknowledge(const Acknowledgement& one) {
        if (one.duplicate) {
            frontier_->acknowledge_duplicate(one.home, one.line);
        } else {
            frontier_->acknowledge(one.home, one.hash, one.line);
        }
    }
    void tell_frontier() {
        for (const Acknowledgement& one : std::exchange(listener_.done, {})) {
            if (one.home != kNoHost) {
                acknowledge(one);
            }
        }
        for (const LinesBack& back : std::exchange(listener_.returned, {})) {
            frontier_->lines_back(back.host, back.lines, back.first_run);
        }
        for (frontier::Verdict& verdict : frontier_->take_verdicts()) {
            Settlement made = settlement(std::move(verdict.task), verdict.outcome);
            made.detail = std::move(verdict.detail);
            if (verdict.again_in) {
                made.retry_at_ms = wall_ms() + verdict.again_in->count();
            }
            committer_->submit(std::move(made));
        }
        note_host_ends();
    }
    void note_host_ends() {
        for (const frontier::HostEnd& end : frontier_->take_host_ends()) {
            note(end.host, end.lines);
        }
    }
    void note(HostId host, std::uint64_t ended = 0) {
        committer_->note(host, note_of(*frontier_, host, ended));
    }

    /// What Supervisor::load does about a crash.
    void clean_up_after_crash() {
        ASSERT_TRUE(depot_->sweep_temporaries());
        const std::vector<std::string> intents = store::get_intents(env_->read().value()).value();
        std::vector<archive::ShardMark> marks;
        ASSERT_TRUE(store::for_each_shard(env_->read().value(), [&](std::uint32_t shard, const store::ShardRow& row) {
            marks.push_back(archive::ShardMark{shard, row.bytes, row.samples, row.sealed});
            return true;
        }));
        const auto restored = layout_->restore(intents, marks);
        ASSERT_TRUE(restored) << restored.error().what;
        EXPECT_TRUE(restored->damaged.empty());
        ASSERT_TRUE(writer_.transact([](store::WriteTxn& txn) { return store::put_intents(txn, {}); }));
    }

    // What the state says ---------------------------------------------------------------------------------------------

    store::Totals totals() { return store::get_totals(env_->read().value()).value(); }
    std::uint64_t outcomes(Outcome outcome) { return totals().outcomes[index_of(outcome)]; }
    store::Record record_of(const std::string& url) {
        const auto canonical = url::canonicalize(url).value();
        const auto found = store::get_record(env_->read().value(), {id(canonical.host), canonical.hash()});
        EXPECT_TRUE(found) << url;
        return found ? *found : store::Record();
    }
    std::string path_of(const std::string& url) {
        const auto found = store::get_url_to_path(env_->read().value(), url);
        return found ? *found : "(none)";
    }
    std::int64_t wall_ms() const { return clock_.wall_now().time_since_epoch().count(); }

    /// Each line is in one place: it has an outcome, waits for a retry, or is pending; and what is counted is there.
    void expect_nothing_lost() {
        const store::ReadTxn txn = env_->read().value();
        const store::Totals totals = store::get_totals(txn).value();
        std::uint64_t queued = 0;
        ASSERT_TRUE(store::for_each_run(txn, [&](RunId, const std::vector<store::RunHost>& hosts) {
            for (const store::RunHost& host : hosts) {
                queued += host.lines;
            }
            return true;
        }));
        std::uint64_t taken = 0;
        std::uint64_t ended = 0;  // with their hosts: they are in the blocks
        std::uint64_t left = 0;
        store::BlockCodec codec;
        ASSERT_TRUE(store::for_each_host(txn, [&](HostId host, const store::HostRow& row) {
            taken += row.taken;
            ended += row.gone_lines;
            EXPECT_TRUE(row.gone_lines == 0 || row.gone_as != store::kNotGone) << row.name;
            for (RunId run = 0; run < next_run_; ++run) {
                auto key = store::next_block(txn, host, run, 0);
                for (; key; key = store::next_block(txn, host, run, key->block + 1)) {
                    EXPECT_GE(run, row.cursor_run) << "the cursor has passed a block that is not finished";
                    left += store::get_block(txn, codec, *key, row.name).value().size() -
                            store::get_progress(txn, *key).value().count();
                }
            }
            return true;
        }));
        const std::uint64_t waiting = txn.count(store::Table::retries).value();
        std::uint64_t settled = 0;
        for (const std::uint64_t count : totals.outcomes) {
            settled += count;
        }
        EXPECT_EQ(queued - taken + ended, left) << "lines that are not taken, or ended with their host, are in the blocks";
        EXPECT_EQ(settled + waiting + left - ended, totals.lines - totals.quarantined);
        EXPECT_EQ(committer_->waiting(), waiting);
        std::uint64_t records_waiting = 0;
        ASSERT_TRUE(store::for_each_record(txn, [&](const store::RecordKey&, const store::Record& record) {
            records_waiting += record.waiting ? 1 : 0;
            return true;
        }));
        EXPECT_EQ(records_waiting, waiting);
    }

    /// What the journal says, as far as the state counts it; without the lines that begin its files.
    std::vector<journal::Line> journal_lines() {
        std::vector<journal::Line> lines;
        const auto mark = store::get_journal_mark(env_->read().value()).value();
        const auto take = [&](journal::Line& line, std::uint64_t) {
            if (line.kind != journal::Kind::begin && line.seq < mark.next_seq) {
                lines.push_back(std::move(line));
            }
            return true;
        };
        auto report = journal::read_journal(dir_ / "outcomes", take);
        // A file that is sealed meanwhile has another name when its turn comes.
        for (int again = 0; report && report->missing > 0 && again < 100; ++again) {
            lines.clear();
            report = journal::read_journal(dir_ / "outcomes", take);
        }
        EXPECT_TRUE(report);
        EXPECT_EQ(report->missing, 0u);
        EXPECT_LE(mark.next_seq - 1, report->last_seq) << "a line is missing at the end";
        return lines;
    }

    /// The last line of each record says what the record does, and every record has one.
    void expect_journal_agrees() {
        std::map<std::string, store::Record> told;
        for (const journal::Line& line : journal_lines()) {
            if (journal::has_record(line.kind)) {
                told.insert_or_assign(line.record.url, line.record);
            }
        }
        const store::ReadTxn txn = env_->read().value();
        std::size_t records = 0;
        ASSERT_TRUE(store::for_each_record(txn, [&](const store::RecordKey&, const store::Record& record) {
            ++records;
            store::Record known = told[record.url];
            known.last_ms = record.last_ms;  // of a retry it is the time of the operator's order
            EXPECT_EQ(known, record) << record.url;
            return true;
        }));
        EXPECT_EQ(told.size(), records) << "a line of what never happened";
    }

    /// Every image below the root, by its location, and its size.
    std::map<std::string, std::uint64_t> images_on_disk() {
        namespace fs = std::filesystem;
        std::map<std::string, std::uint64_t> found;
        for (const auto& entry : fs::recursive_directory_iterator((dir_ / "images").string())) {
            const std::string path = fs::relative(entry.path(), (dir_ / "images").string()).string();
            if (!entry.is_regular_file() || path.starts_with(".gritd") || path.ends_with(".idx")) {
                continue;
            }
            if (!path.ends_with(".tar")) {
                found.emplace(path, entry.file_size());
                continue;
            }
            archive::RealFileSystem system;
            int descriptor = -1;
            EXPECT_EQ(system.open_file(entry.path(), false, descriptor), 0);
            EXPECT_TRUE(archive::for_each_tar_member(system, descriptor, entry.file_size(), [&](const archive::TarMember& member) {
                if (!member.name.ends_with(".json")) {
                    EXPECT_TRUE(found.emplace(path + "#" + member.name, member.size).second) << member.name << " twice";
                }
                return true;
            }));
            system.close(descriptor);
        }
        return found;
    }

    /// No record names a missing image, no image is without a record, nothing is left over.
    /// @param waits_for_journal  a group whose images are published may wait for its records.
    void expect_images_agree(bool temporaries_gone = true, bool waits_for_journal = false) {
        const store::ReadTxn txn = env_->read().value();
        std::map<std::string, std::uint64_t> on_disk = images_on_disk();
        std::set<std::string> named;
        ASSERT_TRUE(store::for_each_record(txn, [&](const store::RecordKey&, const store::Record& record) {
            if (!record.location.empty()) {
                named.insert(record.location);
                EXPECT_TRUE(on_disk.contains(record.location)) << record.location;
                EXPECT_EQ(on_disk[record.location], record.size);
                const auto found = layout_->find(record.location);
                EXPECT_TRUE(found && found->size == record.size) << record.location;
            }
            return true;
        }));
        const auto intents = store::get_intents(txn).value();
        const bool may_intend = waits_for_journal && !intents.empty();
        EXPECT_TRUE(may_intend || named.size() == on_disk.size()) << "an image without a record";
        EXPECT_TRUE(may_intend || intents.empty());
        if (temporaries_gone) {
            EXPECT_TRUE(std::filesystem::is_empty(dir_ / "images/.gritd/tmp"));
        }
    }

    metrics::Metrics metrics_{WallTime(std::chrono::seconds(1'700'000'000))};
    FaultyFileSystem* system_ = nullptr;
    std::string layout_name_;
    std::unique_ptr<archive::Depot> depot_;
    std::unique_ptr<archive::Layout> layout_;
    FaultyFileCalls* calls_ = nullptr;
    std::unique_ptr<journal::Journal> journal_;
    Listener listener_;
    std::unique_ptr<Committer> committer_;
};

}  // namespace grit::crawl::test
