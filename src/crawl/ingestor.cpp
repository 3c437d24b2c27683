#include "grit/crawl/ingestor.hpp"

#include "journal_lines.hpp"
#include "ordinals.hpp"
#include "quarantine.hpp"

#include "grit/annotations/inputs.hpp"
#include "grit/base/kill_point.hpp"
#include "grit/frontier/run_builder.hpp"
#include "grit/journal/data.hpp"
#include "grit/journal/error.hpp"
#include "grit/metrics/metrics.hpp"
#include "grit/store/error.hpp"
#include "grit/store/line_blocks.hpp"
#include "grit/url/canonical_url.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <fmt/format.h>

#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>
#include <utility>
#include <variant>

namespace grit::crawl {
namespace {

// Runs on their way into the state while the next one is read.
constexpr std::size_t kRunsInCommit = 1;
// A run that grows slowly (a pipe) goes out at the next line after this.
constexpr std::chrono::seconds kLongestRun{2};
constexpr std::chrono::seconds kRetryCommit{1};
// Lines that the state keeps may take so many times the memory of a run's URLs: shorter runs would make more of them.
constexpr std::size_t kLineShare = 2;

// Told in the journal alone.
std::int64_t wall_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

// A line whose URL can not be asked for: it has its outcome at once.
struct RefusedLine {
    Ordinal ordinal;
    std::string url;
    Outcome outcome;
    std::string reason;
};

struct Ingestor::Run {
    frontier::RunBuilder builder;
    std::vector<RefusedLine> refused;
    std::vector<std::string> journal_lines;  // of quarantined lines
    store::LineBlocks kept;  // the lines themselves, if the state keeps them
    Ordinal next_ordinal = 0;  // if the next line follows on the last
    std::uint64_t lines = 0;
    std::uint64_t quarantined = 0;
    std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();
};

struct Ingestor::RunJob final : store::WriteJob {
    Ingestor* ingestor = nullptr;
    std::unique_ptr<Run> batch;
    store::InputId input_id = 0;
    store::InputRow input;
    std::uint64_t quarantine_bytes = 0;
    Ordinal next_ordinal = 0;
    std::vector<HostId> new_hosts;
    RunId run_id = 0;
    std::int64_t now_ms = 0;
    std::vector<std::string> journal_lines;  // of one try

    void run(store::WriteSession& session) override;
    [[nodiscard]] Result<void> write(store::WriteTxn& txn);
    [[nodiscard]] Result<void> refuse(store::WriteTxn& txn, const RefusedLine& line, store::Totals& totals);
};

void Ingestor::RunJob::run(store::WriteSession& session) {
    batch->builder.sort();
    kill_point("ingest.sorted");
    const auto written = session.transact([this](store::WriteTxn& txn) { return write(txn); });
    if (!written) {
        // The run is in memory and must not be lost: it is tried again, but not here, where all commits have to pass.
        ingestor->commit_failed(std::make_unique<RunJob>(std::move(*this)), written.error());
        return;
    }
    kill_point("ingest.committed");
    if (!batch->builder.empty()) {
        ingestor->on_run_(run_id, batch->builder.hosts());
    }
    const std::lock_guard lock(ingestor->mutex_);
    ingestor->came_again(input_id, input);
    --ingestor->in_commit_;
    ingestor->changed_.notify_all();
}

Result<void> Ingestor::RunJob::write(store::WriteTxn& txn) {
    auto totals = store::get_totals(txn);
    if (!totals) {
        return totals.error();
    }
    journal_lines = batch->journal_lines;
    totals->lines += batch->lines;
    totals->quarantined += batch->quarantined;
    totals->quarantine_bytes = quarantine_bytes;
    totals->next_ordinal = next_ordinal;
    for (const RefusedLine& line : batch->refused) {
        if (const auto done = refuse(txn, line, *totals); !done) {
            return done;
        }
    }
    if (const auto done = frontier::save_hosts(txn, new_hosts, ingestor->hosts_); !done) {
        return done;
    }
    if (!new_hosts.empty()) {
        totals->next_host = std::max(totals->next_host, new_hosts.back() + 1);
    }
    if (!batch->builder.empty()) {
        if (const auto done = batch->builder.write(txn, run_id, ingestor->hosts_); !done) {
            return done;
        }
        totals->next_run = run_id + 1;
    }
    if (const auto done = batch->kept.write(txn); !done) {
        return done;
    }
    if (const auto done = store::put_input(txn, input_id, input); !done) {
        return done;
    }
    if (const auto done = store::put_totals(txn, *totals); !done) {
        return done;
    }
    journal_lines.push_back(data_line(journal::Kind::input, journal::data_of(input_id, input), now_ms));
    return write_lines(ingestor->options_.journal, txn, journal_lines);
}

Result<void> Ingestor::RunJob::refuse(store::WriteTxn& txn, const RefusedLine& line, store::Totals& totals) {
    const store::RecordKey key{kNoHost, url::hash_of_text(line.url)};
    const auto known = store::has_record(txn, key);
    if (!known) {
        return known.error();
    }
    if (*known) {
        ++totals.outcomes[grit::index_of(Outcome::duplicate_url)];
        journal_lines.push_back(duplicate_line({}, line.url, line.ordinal, now_ms));
        return {};
    }
    ++totals.outcomes[grit::index_of(line.outcome)];
    store::Record record;
    record.outcome = line.outcome;
    record.ordinal = line.ordinal;
    record.url = line.url;
    record.detail = line.reason;
    journal_lines.push_back(record_line(journal::Kind::refused, {}, record, now_ms));
    return store::put_record(txn, key, record);
}

Ingestor::Ingestor(Options options, store::Env& env, store::Writer& writer, frontier::HostTable& hosts,
                   metrics::Metrics& metrics, const Logger& log, OnRun on_run)
    : options_(std::move(options)),
      env_(env),
      writer_(writer),
      hosts_(hosts),
      metrics_(metrics),
      log_(log),
      on_run_(std::move(on_run)),
      quarantine_(std::make_unique<Quarantine>()) {
    progress_.reads_again = options_.keep_lines;  // until it is known
}

Ingestor::~Ingestor() { stop(); }

void Ingestor::start() {
    thread_ = std::thread([this] { work(); });
}

void Ingestor::rescan() {
    const std::lock_guard lock(mutex_);
    rescan_ = true;
    progress_.complete = false;
    changed_.notify_all();
}

void Ingestor::stop() {
    stopping_ = true;
    {
        const std::lock_guard lock(mutex_);
        changed_.notify_all();
    }
    if (thread_.joinable()) {
        thread_.join();
    }
    quarantine_->close();
}

IngestProgress Ingestor::progress() const {
    const std::lock_guard lock(mutex_);
    return progress_;
}

// The thread ----------------------------------------------------------------------------------------------------------

void Ingestor::work() {
    while (!stopping_) {
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [this] { return rescan_ || stopping_; });
            if (stopping_) {
                return;
            }
            rescan_ = false;
            progress_.problem.clear();
        }
        // From the state each time: what an earlier look read and could not commit is read again as if for the first time.
        auto loaded = load_inputs();
        while (!loaded && wait_out_fault(Outcome::store_error, loaded.error().what)) {
            loaded = load_inputs();
        }
        const auto done = loaded ? read_inputs() : loaded;
        wait_for_commits(0);
        if (!done) {
            log_.error("ingest.failed", {{"problem", done.error().what}});
        }
        const std::lock_guard lock(mutex_);
        progress_.reads_again = false;
        if (!done) {
            progress_.problem = done.error().what;
        }
        progress_.complete = done.has_value() && !stopping_ && !rescan_;
    }
}

Checked<void> Ingestor::load_inputs() {
    {
        const auto txn = env_.read();
        if (!txn) {
            return store::unreadable(txn.error());
        }
        const auto totals = store::get_totals(*txn);
        if (!totals) {
            return Problem{"the state's counters can not be read: " + totals.error().message()};
        }
        totals_ = *totals;
        inputs_.clear();
        const auto walked = store::for_each_input(*txn, [this](store::InputId id, const store::InputRow& row) {
            inputs_.resize(std::max<std::size_t>(inputs_.size(), id + std::size_t{1}));
            inputs_[id] = {row.path, row};
            return true;
        });
        if (!walked) {
            return Problem{"the state's list of inputs can not be read: " + walked.error().message()};
        }
    }
    return open_quarantine();  // which may write: writing may wait for readers
}

Checked<void> Ingestor::open_quarantine() {
    const auto file = options_.state_dir / "quarantine.jsonl";
    const auto bytes = quarantine_->open(file, totals_.quarantine_bytes);
    if (!bytes) {
        return bytes.error();
    }
    if (*bytes == totals_.quarantine_bytes) {
        return {};
    }
    log_.warning("ingest.quarantine_was_shortened",
                 {{"file", file.string()}, {"bytes", *bytes}, {"counted", totals_.quarantine_bytes}});
    totals_.quarantine_bytes = *bytes;
    // At once: what a crash leaves behind them is to be cut off again.
    const auto counted = writer_.transact([bytes = *bytes](store::WriteTxn& txn) -> Result<void> {
        auto totals = store::get_totals(txn);
        if (!totals) {
            return totals.error();
        }
        totals->quarantine_bytes = bytes;
        return store::put_totals(txn, *totals);
    });
    return counted ? Checked<void>() : store::unwritable(counted.error());
}

Checked<void> Ingestor::read_inputs() {
    const auto paths = annotations::expand_inputs(options_.input.annotations);
    if (!paths) {
        return paths.error();
    }
    {
        const std::lock_guard lock(mutex_);
        progress_.bytes_read = 0;
        progress_.bytes_total = 0;
        for (const std::string& path : *paths) {
            struct stat status {};
            if (progress_.bytes_total && path != "-" && ::stat(path.c_str(), &status) == 0) {
                *progress_.bytes_total += static_cast<std::uint64_t>(status.st_size);
            } else {
                progress_.bytes_total.reset();
            }
        }
        metrics_.input_size_bytes.set(static_cast<std::int64_t>(progress_.bytes_total.value_or(0)));
    }
    expect_again(*paths);
    for (const std::string& path : *paths) {
        if (stopping_) {
            break;
        }
        // What came through a pipe is gone: a second look at it in one life finds nothing.
        if (path == "-" && std::exchange(stdin_is_read_, true)) {
            continue;
        }
        if (const auto done = read_input(path); !done) {
            return done;
        }
    }
    return {};
}

Checked<std::unique_ptr<annotations::Reader>> Ingestor::open_input(const std::string& path, const store::InputRow* known) {
    annotations::Reader::Options options;
    options.url_field = options_.input.url_field;
    options.id_field = options_.input.id_field;
    options.accept_unfinished_tail = options_.accept_unfinished_tail || path == "-";
    if (known != nullptr) {
        options.start_offset = known->byte_offset;
        options.start_line = known->line;
    }
    auto source = annotations::ByteSource::open(path, [this] { return on_idle(); });
    if (!source) {
        return source.error();
    }
    return std::make_unique<annotations::Reader>(std::move(*source), std::move(options));
}

Checked<void> Ingestor::read_input(const std::string& path) {
    std::size_t id = 0;
    while (id < inputs_.size() && inputs_[id].first != path) {
        ++id;
    }
    const bool is_new = id == inputs_.size();
    auto reader = open_input(path, is_new ? nullptr : &inputs_[id].second);
    if (!reader) {
        return reader.error();
    }
    if (is_new) {
        inputs_.emplace_back(path, store::InputRow{});
        inputs_.back().second.path = path;
    }
    std::uint64_t bytes_before = 0;
    {
        const std::lock_guard lock(mutex_);
        bytes_before = progress_.bytes_read;
    }
    run_ = std::make_unique<Run>();
    input_ = id;
    bool checked = is_new;
    std::uint64_t lines = 0;
    while (!stopping_) {
        const auto event = (*reader)->next();
        if (!event) {
            if (run_->lines > 0) {
                commit_run(place_, id, false);  // what lies before the damage is good
            }
            return event.error();
        }
        if (!std::exchange(checked, true)) {
            const store::InputRow& row = inputs_[id].second;
            // An input that was empty at the last look could begin with anything.
            if (row.first_block_bytes > 0 && !(*reader)->begins_with(annotations::FirstBlock{row.first_block_bytes, row.first_block_digest})) {
                return Problem{fmt::format(
                    "{} does not begin as it did when it was read before: it is another file now. Give new annotations "
                    "another name, or use another state folder for them.", path)};
            }
        }
        if (const auto* line = std::get_if<annotations::Line>(&*event)) {
            take(*line);
        } else if (const auto* bad = std::get_if<annotations::BadLine>(&*event)) {
            if (const auto done = quarantine(*bad, path); !done) {
                return done;
            }
        } else {
            commit_run(place_of(**reader), id, true);
            break;
        }
        if (run_->builder.lines() == options_.first_run_lines) {
            run_->builder.reserve(options_.run_bytes);
        }
        place_.offset = (*reader)->offset();
        place_.line = (*reader)->line();
        if (lines++ == 0) {
            place_.first_block = (*reader)->first_block();
        }
        if (run_is_full()) {
            commit_run(place_of(**reader), id, false);
            const std::lock_guard lock(mutex_);
            progress_.bytes_read = bytes_before + (*reader)->progress().read;
            metrics_.input_offset_bytes.set(static_cast<std::int64_t>(progress_.bytes_read));
        }
    }
    run_.reset();
    const std::lock_guard lock(mutex_);
    progress_.bytes_read = bytes_before + (*reader)->progress().read;
    metrics_.input_offset_bytes.set(static_cast<std::int64_t>(progress_.bytes_read));
    log_.info("ingest.read", {{"input", path}, {"lines", lines}, {"complete", !stopping_}});
    return {};
}

void Ingestor::take(const annotations::Line& line) {
    const Ordinal ordinal = ordinal_of(line.line);
    ++run_->lines;
    const auto url = url::canonicalize(line.raw_url);
    if (!url) {
        run_->refused.push_back(RefusedLine{ordinal, std::string(line.raw_url), url::outcome_of(url.error()), url.error().message()});
        return;
    }
    run_->builder.add(hosts_.find_or_add(url->host), ordinal, line.raw_url);
    if (options_.keep_lines) {
        run_->kept.add(ordinal, line.text);
    }
}

Checked<void> Ingestor::quarantine(const annotations::BadLine& line, const std::string& path) {
    const Ordinal ordinal = ordinal_of(line.line);
    ++run_->lines;
    ++run_->quarantined;
    metrics_.lines_quarantined.add();
    boost::json::object entry;
    entry["file"] = path;
    entry["line"] = line.line + 1;
    entry["byte_offset"] = line.byte_offset;
    entry["reason"] = line.reason;
    entry["excerpt"] = line.excerpt;
    journal::Line told;
    told.kind = journal::Kind::quarantined;
    told.time_ms = wall_ms();
    told.record.ordinal = ordinal;
    told.record.detail = line.reason;
    told.data = {{"path", path}, {"line", line.line}, {"byte_offset", line.byte_offset}};
    run_->journal_lines.push_back(journal::text_of(told));
    const std::string text = boost::json::serialize(entry) + "\n";
    std::string_view rest = text;
    while (const int error = quarantine_->append(rest)) {
        if (auto waited = wait_out_quarantine_fault(error); !waited) {
            return waited;
        }
    }
    kill_point("ingest.quarantined");
    totals_.quarantine_bytes += text.size();
    return {};
}

// @return the fault as a Problem, if it is to end.
Checked<void> Ingestor::wait_out_quarantine_fault(int error) {
    const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
    Problem problem{fmt::format("quarantine.jsonl can not be written: {}", std::system_category().message(error))};
    return wait_out_fault(full ? Outcome::disk_full : Outcome::store_error, problem.what) ? Checked<void>() : Checked<void>(problem);
}

Ordinal Ingestor::ordinal_of(std::uint64_t line) {
    const Ordinal ordinal = take_ordinal(inputs_[input_].second.extents, line, totals_.next_ordinal);
    if (std::exchange(run_->next_ordinal, ordinal + 1) != ordinal) {
        run_->kept.finish();  // other lines belong in between
    }
    return ordinal;
}

bool Ingestor::run_is_full() const {
    const std::size_t lines = run_->lines;
    if (runs_made_ == 0 && lines >= options_.first_run_lines) {
        return true;
    }
    // A look at the clock for every line would cost more than the line.
    constexpr std::size_t kLinesPerLook = 64;
    return run_->builder.bytes() >= options_.run_bytes || run_->kept.bytes() >= kLineShare * options_.run_bytes || run_->refused.size() >= options_.run_bytes / 1024 ||
           (lines % kLinesPerLook == 0 && std::chrono::steady_clock::now() - run_->begun >= kLongestRun);
}

Ingestor::Place Ingestor::place_of(const annotations::Reader& reader) {
    return Place{reader.offset(), reader.line(), reader.progress().of.value_or(0), reader.first_block()};
}

// A pipe has nothing to give just now: what it gave does not wait for more. (The reader is in the middle of a call: only
// what was noted behind the last line may be used.) @return whether to go on reading.
bool Ingestor::on_idle() {
    if (run_ && run_->lines > 0) {
        commit_run(place_, input_, false);
    }
    commit_again();
    return !stopping_;
}

void Ingestor::commit_run(const Place& place, std::size_t input, bool done) {
    store::InputRow& row = inputs_[input].second;
    const bool nothing_new = run_->lines == 0 && row.byte_offset == place.offset && row.done == done;
    if (row.first_block_bytes < place.first_block.length) {
        row.first_block_bytes = place.first_block.length;
        row.first_block_digest = place.first_block.sha256;
    }
    row.byte_offset = place.offset;
    row.line = place.line;
    row.size_bytes = place.size;
    row.done = done;
    if (nothing_new) {
        return;
    }
    if (run_->quarantined > 0) {
        while (const int error = quarantine_->sync()) {
            if (!wait_out_quarantine_fault(error)) {
                return;  // stopping: the run is read again
            }
        }
        kill_point("ingest.quarantine_synced");
    }
    run_->kept.finish();
    auto job = std::make_unique<RunJob>();
    job->ingestor = this;
    job->batch = std::exchange(run_, std::make_unique<Run>());
    job->input_id = static_cast<store::InputId>(input);
    job->input = row;
    job->quarantine_bytes = totals_.quarantine_bytes;
    job->next_ordinal = totals_.next_ordinal;
    job->new_hosts = hosts_.take_unsaved();
    job->run_id = totals_.next_run;
    job->now_ms = wall_ms();
    totals_.next_run += job->batch->builder.empty() ? 0 : 1;
    ++runs_made_;
    metrics_.lines_ingested.add(job->batch->lines);
    wait_for_commits(kRunsInCommit - 1);
    {
        const std::lock_guard lock(mutex_);
        if (in_commit_ >= kRunsInCommit) {
            return;  // stopping: a run must not get into the state before the one that comes before it
        }
        ++in_commit_;
    }
    writer_.submit(std::move(job));
}

void Ingestor::wait_for_commits(std::size_t at_most) {
    std::unique_lock lock(mutex_);
    while (in_commit_ > at_most && !stopping_) {
        changed_.wait(lock, [&] { return in_commit_ <= at_most || stopping_ || failed_ != nullptr; });
        if (failed_ != nullptr) {
            lock.unlock();
            commit_again();
            lock.lock();
        }
    }
}

// On the writer's thread.
void Ingestor::commit_failed(std::unique_ptr<RunJob> job, const ErrorCode& error) {
    log_.error("ingest.commit_failed", {{"error", error.message()}});
    if (options_.on_fault) {
        options_.on_fault(journal::outcome_of(error), error.message());
    }
    const std::lock_guard lock(mutex_);
    failed_ = std::move(job);
    changed_.notify_all();
}

// After a while, on the ingest thread: the run that could not be committed, if there is one.
void Ingestor::commit_again() {
    std::unique_lock lock(mutex_);
    if (failed_ == nullptr || changed_.wait_for(lock, kRetryCommit, [this] { return stopping_.load(); })) {
        return;
    }
    writer_.submit(std::exchange(failed_, nullptr));
}

// @return false if it is to end.
bool Ingestor::wait_out_fault(Outcome outcome, const std::string& what) {
    log_.error("ingest.fault", {{"what", what}});
    if (options_.on_fault) {
        options_.on_fault(outcome, what);
    }
    std::unique_lock lock(mutex_);
    return !changed_.wait_for(lock, kRetryCommit, [this] { return stopping_.load(); });
}

}  // namespace grit::crawl
