#include "grit/dataset/rebuild.hpp"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <fstream>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <variant>

#include "grit/annotations/reader.hpp"
#include "grit/archive/depot.hpp"
#include "grit/archive/layout.hpp"
#include "grit/base/file_descriptor.hpp"
#include "grit/base/quantity.hpp"
#include "grit/journal/data.hpp"
#include "grit/journal/files.hpp"
#include "grit/journal/journal.hpp"
#include "grit/journal/reader.hpp"
#include "grit/metrics/metrics.hpp"
#include "grit/store/writer.hpp"
#include "grit/url/canonical_url.hpp"
#include "rebuild_counters.hpp"
#include "rebuild_images.hpp"
#include "rebuild_replay.hpp"

namespace grit::dataset {
namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

// Rows of one transaction.
constexpr std::size_t kAtOnce = 5'000;

Problem unwritable(const ErrorCode& error) { return Problem{"the new state can not be written: " + error.message()}; }
Problem unreadable(const ErrorCode& error) { return Problem{"the new state can not be read: " + error.message()}; }
const Problem kEnded{"ended: nothing was put in place"};

std::string first_line(const fs::path& file) {
    std::ifstream in(file);
    std::string line;
    std::getline(in, line);
    return line;
}

class Rebuild {
  public:
    Rebuild(const RebuildOptions& options, const Clock& clock, const Logger& log, const OnRebuild& on_progress)
        : options_(options), clock_(clock), log_(log), on_progress_(on_progress), part_(options.state / "rebuild.part"),
          metrics_(clock.wall_now()) {}

    Checked<RebuildReport> run() {
        using Step = Checked<void> (Rebuild::*)();
        for (const Step step : {&Rebuild::look, &Rebuild::begin, &Rebuild::replay, &Rebuild::name_dataset, &Rebuild::hold_against_images,
                                &Rebuild::take_loose_images, &Rebuild::write_counters, &Rebuild::tell_journal, &Rebuild::put_in_place}) {
            if (auto done = (this->*step)(); !done) {
                close();
                std::error_code ignored;
                fs::remove_all(part_, ignored);
                return done.error();
            }
        }
        return std::move(report_);
    }

  private:
    bool go_on(std::string what, std::uint64_t done, std::uint64_t of = 0) { return on_progress_({std::move(what), done, of}); }
    std::int64_t now_ms() const { return clock_.wall_now().time_since_epoch().count(); }

    // A state that opens is not overwritten, whatever is thought of it.
    Checked<void> look() {
        std::error_code ignored;
        if (fs::exists(options_.state / "data.mdb", ignored)) {
            if (auto opened = store::Env::open(options_.state)) {
                return Problem{fmt::format("the state in {} opens: there is nothing to rebuild. If it is not to be believed, move its "
                                           "data.mdb away",
                                           options_.state.string())};
            } else {
                report_.problems.push_back("the old state: " + opened.error().what);
            }
        }
        marker_ = first_line(options_.root / ".gritd/dataset");
        const auto files = journal::list_files(options_.journal);
        if (!files) {
            return files.error();
        }
        if (marker_.empty() && fs::exists(options_.root, ignored)) {
            return Problem{fmt::format("image root {} has no mark of a dataset (.gritd/dataset): is its volume mounted?", options_.root.string())};
        }
        if (files->empty() || marker_.empty()) {
            return Problem{fmt::format("there is nothing to rebuild from: {} has no journal, or {} is missing", options_.journal.string(),
                                       options_.root.string())};
        }
        for (const journal::JournalFile& file : *files) {
            journal_bytes_ += fs::file_size(options_.journal / journal::name_of(file), ignored);
        }
        return {};
    }

    Checked<void> begin() {
        std::error_code ignored;
        fs::remove_all(part_, ignored);
        auto env = store::Env::open(part_);
        if (!env) {
            return env.error();
        }
        env_ = std::move(*env);
        writer_ = std::make_unique<store::Writer>(*env_, clock_);
        return {};
    }

    // Its lines ---------------------------------------------------------------------------------------------------------

    Checked<void> replay() {
        std::vector<journal::Line> some;
        Result<void> written;
        bool ended = false;
        const auto flush = [&](std::uint64_t bytes) {
            written = writer_->transact([&](store::WriteTxn& txn) { return replay_.take(txn, some); });
            some.clear();
            ended = !go_on("reading the journal", bytes, journal_bytes_);
            return written.has_value() && !ended;
        };
        std::uint64_t bytes_read = 0;
        auto report = journal::read_journal(options_.journal, [&](journal::Line& line, std::uint64_t bytes) {
            bytes_read = bytes;
            some.push_back(std::move(line));
            return some.size() < kAtOnce || flush(bytes);
        });
        if (!report) {
            return report.error();
        }
        if (!written || ended || !flush(bytes_read)) {
            return written ? kEnded : unwritable(written.error());
        }
        report_.journal_files = report->files;
        report_.journal_lines = report->lines;
        report_.lines_missing = report->missing;
        report_.lines_damaged = report->damaged;
        report_.problems.insert(report_.problems.end(), report->problems.begin(), report->problems.end());
        mark_ = store::JournalMark{report->last_file, 0, report->last_seq + 1};
        return {};
    }

    // The images carry its mark, and the journal its name: all three have to be one dataset.
    Checked<void> name_dataset() {
        if (!replay_.dataset().empty() && replay_.dataset() != marker_) {
            return Problem{fmt::format("the journal in {} is of dataset {}, and the images in {} are of {}", options_.journal.string(),
                                       replay_.dataset(), options_.root.string(), marker_)};
        }
        const auto named = writer_->transact([this](store::WriteTxn& txn) { return txn.put(store::Table::meta, "dataset_id", marker_); });
        if (!named) {
            return unwritable(named.error());
        }
        close();
        auto env = store::Env::open(part_);
        if (!env) {
            return env.error();
        }
        env_ = std::move(*env);
        writer_ = std::make_unique<store::Writer>(*env_, clock_);
        archive::DepotOptions depot;
        depot.root = options_.root.string();
        depot.dataset_id = marker_;
        depot.has_images = true;
        auto opened = archive::Depot::open(std::move(depot));
        if (!opened) {
            return opened.error();
        }
        depot_ = std::move(*opened);
        layout_ = archive::make_files_layout(*depot_);
        return {};
    }

    // Its images --------------------------------------------------------------------------------------------------------

    Checked<void> hold_against_images() {
        std::uint64_t images = 0;
        auto lost = find_lost_images(*env_, *layout_, [&](std::uint64_t done) {
            images = done;
            return go_on("looking at images", done);
        });
        if (!lost) {
            return lost.error();
        }
        if (images > 0 && lost->size() == images) {
            return Problem{fmt::format("none of the {} images is there: is the volume of {} mounted?", images, options_.root.string())};
        }
        for (std::size_t done = 0; done < lost->size(); done += kAtOnce) {
            const auto some = std::span(*lost).subspan(done, std::min(kAtOnce, lost->size() - done));
            const auto written = writer_->transact([&](store::WriteTxn& txn) -> Result<void> {
                for (const LostImage& image : some) {
                    if (const auto erased = txn.erase(store::Table::records, store::record_key(image.key)); !erased) {
                        return erased.error();
                    }
                }
                return {};
            });
            if (!written) {
                return unwritable(written.error());
            }
        }
        for (const LostImage& image : *lost) {
            journal::Line line;
            line.kind = journal::Kind::lost;
            line.host = replay_.hosts().at(image.key.host).name;
            line.record.url = image.record.url;
            line.record.ordinal = image.record.ordinal;
            line.record.detail = fmt::format("rebuild: {} is {}", image.record.location, image.why);
            tell(line);
            list("lost", image.record.location, image.record.url, image.why);
        }
        report_.lost = lost->size();
        return {};
    }

    Checked<void> take_loose_images() {
        NamedOrdinals named;
        const auto scanned = store::scan_records(*env_, [&](const store::RecordKey&, const store::Record& record) {
            const auto ordinal = archive::ordinal_of(record.location);
            if (ordinal) {
                named.add(*ordinal);
            }
            return true;
        });
        if (!scanned) {
            return unreadable(scanned.error());
        }
        auto loose = find_loose_images(options_.root, named);
        if (!loose) {
            return loose.error();
        }
        std::vector<std::string> let_go;
        std::erase_if(*loose, [&](const LooseImage& image) {
            const bool goes = replay_.was_let_go(image.ordinal);
            if (goes) {
                let_go.push_back(image.path);
                list("removed", image.path, {}, "its record was deleted before");
            }
            return goes;
        });
        if (auto removed = layout_->remove(let_go); !removed) {
            return removed;
        }
        report_.removed = let_go.size();
        if (!loose->empty()) {
            if (auto taken = take_by_inputs(*loose); !taken) {
                return taken;
            }
        }
        for (const LooseImage& image : *loose) {
            list("unknown", image.path, {}, "no line tells of it, nor an input");
            replay_.raise_next_ordinal(image.ordinal + 1);
        }
        report_.unknown = loose->size();
        return {};
    }

    // The journal knows which lines of which inputs have these ordinals; an input that begins as it did tells their URLs.
    Checked<void> take_by_inputs(std::vector<LooseImage>& loose) {
        std::unordered_map<Ordinal, std::size_t> wanted;
        for (std::size_t i = 0; i < loose.size(); ++i) {
            wanted.emplace(loose[i].ordinal, i);
        }
        std::vector<bool> taken(loose.size());
        for (const auto& [id, input] : replay_.inputs()) {
            if (auto read = take_by_input(input, loose, wanted, taken); !read) {
                report_.problems.push_back("images without a line: " + read.error().what);
            }
        }
        std::size_t at = 0;
        std::erase_if(loose, [&](const LooseImage&) { return taken[at++]; });
        return {};
    }

    Checked<void> take_by_input(const store::InputRow& input, const std::vector<LooseImage>& loose,
                                const std::unordered_map<Ordinal, std::size_t>& wanted, std::vector<bool>& taken) {
        if (input.path == "-" || input.extents.empty()) {
            return {};
        }
        auto source = annotations::ByteSource::open(input.path);
        if (!source) {
            return source.error();
        }
        annotations::Reader::Options how;
        how.url_field = options_.url_field;
        how.accept_unfinished_tail = true;
        annotations::Reader reader(std::move(*source), std::move(how));
        bool checked = false;
        auto extent = input.extents.begin();
        while (extent != input.extents.end()) {
            const auto event = reader.next();
            if (!event) {
                return event.error();
            }
            if (!std::exchange(checked, true) && input.first_block_bytes > 0 &&
                !reader.begins_with(annotations::FirstBlock{input.first_block_bytes, input.first_block_digest})) {
                return Problem{input.path + " does not begin as it did: it is another file now"};
            }
            if (std::holds_alternative<annotations::End>(*event)) {
                return {};
            }
            const auto* line = std::get_if<annotations::Line>(&*event);
            const std::uint64_t number = line != nullptr ? line->line : std::get<annotations::BadLine>(*event).line;
            while (extent != input.extents.end() && number >= extent->first_line + extent->lines) {
                ++extent;
            }
            if (line == nullptr || extent == input.extents.end() || number < extent->first_line) {
                continue;
            }
            const auto found = wanted.find(extent->first_ordinal + (number - extent->first_line));
            if (found != wanted.end() && !taken[found->second]) {
                auto done = take_image(loose[found->second], line->raw_url);
                if (!done) {
                    return done.error();
                }
                taken[found->second] = *done;
            }
        }
        return {};
    }

    // @return whether it has a record now.
    Checked<bool> take_image(const LooseImage& image, std::string_view raw_url) {
        const auto url = url::canonicalize(raw_url);
        auto record = look_at_image(options_.root, image);
        if (!url || !record) {
            return false;
        }
        record->url = raw_url;
        record->attempts = 1;
        record->first_ms = record->last_ms = now_ms();
        record->detail = "taken over from its file by a rebuild";
        bool is_new = false;
        const auto written = writer_->transact([&](store::WriteTxn& txn) -> Result<void> {
            const store::RecordKey key{replay_.host(url->host), url->hash()};
            const auto known = store::get_record(txn, key);
            is_new = !known || known->location.empty();
            return is_new ? store::put_record(txn, key, *record) : Result<void>();
        });
        if (!written) {
            return unwritable(written.error());
        }
        if (is_new) {
            journal::Line line;
            line.kind = journal::Kind::found;
            line.host = url->host;
            line.record = *record;
            tell(line);
            list("found", image.path, std::string(raw_url), {});
            ++report_.found;
        }
        return is_new;
    }

    Checked<void> write_counters() {
        RebuildCounters counters(*env_, *writer_, replay_);
        auto counted = counters.run([this](std::uint64_t done) { return go_on("counting records", done); });
        if (!counted) {
            return counted.error();
        }
        report_.records = counted->records;
        report_.images = counted->images;
        report_.waiting = counted->waiting;
        report_.hosts = replay_.hosts().size();
        report_.blocks = replay_.blocks().size();
        return {};
    }

    // The end -----------------------------------------------------------------------------------------------------------

    void tell(journal::Line& line) {
        line.time_ms = now_ms();
        lines_.push_back(journal::text_of(line));
    }
    void list(std::string_view fate, const std::string& path, const std::string& url, const std::string& why) {
        json::object entry{{"fate", fate}, {"path", path}};
        if (!url.empty()) {
            entry["url"] = url;
        }
        if (!why.empty()) {
            entry["why"] = why;
        }
        list_ += json::serialize(entry) + "\n";
    }

    // What was done here goes into the journal, too: it goes on where it ended.
    Checked<void> tell_journal() {
        const fs::path plain = options_.journal / journal::name_of(journal::JournalFile{mark_.file, false});
        std::error_code error;
        if (fs::exists(plain, error)) {
            mark_.bytes = whole_lines_of(plain);
            fs::resize_file(plain, mark_.bytes, error);
        }
        const auto marked = writer_->transact([this](store::WriteTxn& txn) { return store::put_journal_mark(txn, mark_); });
        if (!marked) {
            return unwritable(marked.error());
        }
        journal::JournalOptions options;
        options.folder = options_.journal;
        auto opened = journal::Journal::open(std::move(options), *env_, metrics_, clock_, log_);
        if (!opened) {
            return opened.error();
        }
        for (std::size_t done = 0; done < lines_.size(); done += kAtOnce) {
            const auto some = std::span(lines_).subspan(done, std::min(kAtOnce, lines_.size() - done));
            if (const auto told = writer_->transact([&](store::WriteTxn& txn) { return (*opened)->write(txn, some); }); !told) {
                return unwritable(told.error());
            }
        }
        (*opened)->close();
        return {};
    }

    static std::uint64_t whole_lines_of(const fs::path& file) {
        std::ifstream in(file, std::ios::binary);
        std::vector<char> piece(std::size_t{1} << 20);
        std::uint64_t at = 0;
        std::uint64_t whole = 0;
        while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) || in.gcount() > 0) {
            const std::string_view bytes(piece.data(), static_cast<std::size_t>(in.gcount()));
            if (const std::size_t end = bytes.rfind('\n'); end != std::string_view::npos) {
                whole = at + end + 1;
            }
            at += bytes.size();
        }
        return whole;
    }

    Checked<void> put_in_place() {
        close();
        std::string stamp = format_utc(now_ms());
        std::erase_if(stamp, [](char c) { return c == '-' || c == ':'; });
        if (!write_list(stamp) || !write_ledger()) {
            return Problem{"the lists in " + options_.state.string() + " can not be written"};
        }
        std::error_code error;
        const fs::path data = options_.state / "data.mdb";
        if (fs::exists(data, error)) {
            fs::rename(data, options_.state / ("data.mdb.damaged-" + stamp), error);
            fs::remove(options_.state / "lock.mdb", error);
        }
        for (const char* name : {"lock.mdb", "data.mdb"}) {
            fs::rename(part_ / name, options_.state / name, error);
            if (error) {
                return Problem{fmt::format("{} can not be put in place: {}", (options_.state / name).string(), error.message())};
            }
        }
        if (const int unsynced = sync_folder(options_.state); unsynced != 0) {
            return Problem{fmt::format("{} can not be synced: {}", options_.state.string(), std::generic_category().message(unsynced))};
        }
        fs::remove_all(part_, error);
        return {};
    }

    bool write_list(const std::string& stamp) {
        if (list_.empty()) {
            return true;
        }
        report_.list = (options_.state / ("rebuild-" + stamp + ".jsonl")).string();
        std::ofstream file(report_.list, std::ios::binary);
        file << list_;
        return static_cast<bool>(file.flush());
    }

    // The opt-outs that were done, as far as their ledger is lost.
    bool write_ledger() const {
        const fs::path ledger = options_.state / "optouts.jsonl";
        std::error_code error;
        if (replay_.ledger().empty() || fs::exists(ledger, error)) {
            return true;
        }
        std::ofstream file(ledger, std::ios::binary);
        for (const journal::Line& line : replay_.ledger()) {
            const store::OptOutRow row = journal::opt_out_of(line.data);
            json::object entry = line.data;
            entry["time"] = format_utc(line.time_ms);
            entry["began"] = format_utc(row.began_ms);
            entry.erase("began_ms");
            file << json::serialize(entry) << "\n";
        }
        return static_cast<bool>(file.flush());
    }

    void close() {
        layout_.reset();
        depot_.reset();
        writer_.reset();
        env_.reset();
    }

    const RebuildOptions& options_;
    const Clock& clock_;
    const Logger& log_;
    const OnRebuild& on_progress_;
    fs::path part_;
    metrics::Metrics metrics_;
    std::unique_ptr<store::Env> env_;
    std::unique_ptr<archive::Depot> depot_;
    std::unique_ptr<archive::Layout> layout_;
    std::unique_ptr<store::Writer> writer_;
    Replay replay_;
    store::JournalMark mark_;
    std::string marker_;
    std::uint64_t journal_bytes_ = 0;
    std::vector<std::string> lines_;
    std::string list_;
    RebuildReport report_;
};

}  // namespace

Checked<RebuildReport> rebuild_state(const RebuildOptions& options, const Clock& clock, const Logger& log, const OnRebuild& on_progress) {
    return Rebuild(options, clock, log, on_progress).run();
}

}  // namespace grit::dataset
