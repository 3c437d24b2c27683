#include "grit/dataset/rebuild.hpp"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <system_error>
#include <utility>

#include "grit/archive/marker.hpp"
#include "grit/archive/names.hpp"
#include "grit/base/file_descriptor.hpp"
#include "grit/base/quantity.hpp"
#include "grit/dataset/atomic_file.hpp"
#include "grit/journal/data.hpp"
#include "grit/journal/files.hpp"
#include "grit/journal/reader.hpp"
#include "grit/store/shard_rows.hpp"
#include "grit/store/volume_rows.hpp"
#include "grit/store/writer.hpp"
#include "rebuild_counters.hpp"
#include "rebuild_images.hpp"
#include "rebuild_numbers.hpp"
#include "rebuild_problems.hpp"
#include "rebuild_replay.hpp"
#include "rebuild_taking.hpp"
#include "rebuild_telling.hpp"

namespace grit::dataset {
namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

// Lines of one transaction: some megabytes.
constexpr std::size_t kAtOnce = 20'000;
constexpr std::string_view kWebdataset = "webdataset";

archive::Marker marker_of(const fs::path& root) {
    std::ifstream in(root / archive::kMarkerFile);
    return archive::parse_marker(std::string(std::istreambuf_iterator<char>(in), {}));
}

class Rebuild {
  public:
    Rebuild(const RebuildOptions& options, const Clock& clock, const Logger& log, const OnRebuild& on_progress)
        : options_(options), clock_(clock), log_(log), on_progress_(on_progress), root_(options.volumes.places.front().root),
          part_(options.state / "rebuild.part") {}

    Checked<RebuildReport> run() {
        using Step = Checked<void> (Rebuild::*)();
        for (const Step step : {&Rebuild::look, &Rebuild::look_at_volumes, &Rebuild::begin, &Rebuild::replay, &Rebuild::check_journal,
                                &Rebuild::name_dataset, &Rebuild::open_images, &Rebuild::drop_lost_images, &Rebuild::take_loose_images,
                                &Rebuild::number_lines, &Rebuild::write_shards, &Rebuild::write_counters, &Rebuild::tell_journal, &Rebuild::put_in_place}) {
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
    RebuildImages::OnCount counting(std::string what) {
        return [this, what = std::move(what)](std::uint64_t done) { return go_on(what, done); };
    }

    // Before anything is done --------------------------------------------------------------------------------------------

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
        const archive::Marker marker = marker_of(root_);
        dataset_ = marker.dataset;
        const auto files = journal::list_files(options_.journal);
        if (!files) {
            return files.error();
        }
        if (dataset_.empty() && fs::exists(root_, ignored)) {
            return Problem{fmt::format("image root {} has no mark of a dataset (.gritd/dataset): is its volume mounted?", root_.string())};
        }
        if (dataset_.empty()) {
            return Problem{fmt::format("there is nothing to rebuild from: {} is missing", root_.string())};
        }
        if (!marker.volume.empty()) {
            return Problem{fmt::format("image root {} is another volume of the dataset, not its first one. Are roots mixed up in the config?",
                                       root_.string())};
        }
        if (files->empty() && options_.layout == "files") {
            return Problem{fmt::format("there is nothing to rebuild from: {} has no journal, and beside images of layout \"files\" there is "
                                       "nothing that tells their URLs",
                                       options_.journal.string())};
        }
        for (const journal::JournalFile& file : *files) {
            journal_bytes_ += fs::file_size(options_.journal / journal::name_of(file), ignored);
        }
        return {};
    }

    // A volume that is not mounted is not lost: nothing is concluded from what is not there.
    Checked<void> look_at_volumes() {
        for (const archive::VolumePlace& place : options_.volumes.places) {
            if (std::find(options_.lost.begin(), options_.lost.end(), place.name) != options_.lost.end()) {
                return Problem{fmt::format("volume \"{}\" is said to be lost, and storage.volumes has it: take it out there", place.name)};
            }
            if (!place.name.empty() && marker_of(place.root) != archive::Marker{dataset_, place.name}) {
                return Problem{fmt::format("image volume {0} ({1}) has no mark of this dataset (.gritd/dataset): is it mounted? If it is gone "
                                           "for good, take it out of storage.volumes and say so: gritctl rebuild --lost {0}. If it is a new "
                                           "one, take it out until the state is there again",
                                           place.name, place.root)};
            }
        }
        return {};
    }

    Checked<void> begin() {
        std::error_code ignored;
        fs::remove_all(part_, ignored);
        if (auto opened = open_state(); !opened) {
            return opened;
        }
        telling_ = std::make_unique<RebuildTelling>(part_ / "telling", clock_);
        return {};
    }

    Checked<void> open_state() {
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
            return written ? rebuild_ended() : new_state_unwritable(written.error());
        }
        report_.journal_files = report->files;
        report_.journal_lines = report->lines;
        report_.lines_missing = report->missing;
        report_.lines_damaged = report->damaged;
        report_.problems.insert(report_.problems.end(), report->problems.begin(), report->problems.end());
        mark_ = store::JournalMark{report->last_file, 0, report->last_seq + 1};
        return {};
    }

    // The images carry its mark, and the journal its name: all have to be one dataset, with the config's layout.
    Checked<void> check_journal() {
        if (!replay_.dataset().empty() && replay_.dataset() != dataset_) {
            return Problem{fmt::format("the journal in {} is of dataset {}, and the images in {} are of {}", options_.journal.string(),
                                       replay_.dataset(), root_.string(), dataset_)};
        }
        if (!replay_.layout().empty() && replay_.layout() != options_.layout) {
            return Problem{fmt::format("storage.layout is \"{}\", but the journal in {} is of a dataset that was begun as \"{}\"", options_.layout,
                                       options_.journal.string(), replay_.layout())};
        }
        if (report_.journal_lines == 0) {
            report_.problems.push_back(fmt::format("{} has no journal: all that comes back are images, by their sidecars",
                                                   options_.journal.string()));
            return check_links();
        }
        return {};
    }

    // With no journal there are no records to name a volume that the config lacks; its link does.
    Checked<void> check_links() {
        std::error_code error;
        for (fs::directory_iterator entry(root_, error), end; !error && entry != end; entry.increment(error)) {
            const std::string name = entry->path().filename().string();
            const auto is_it = [&name](const archive::VolumePlace& place) { return place.name == name; };
            const bool is_known = std::any_of(options_.volumes.places.begin(), options_.volumes.places.end(), is_it) ||
                                  std::find(options_.lost.begin(), options_.lost.end(), name) != options_.lost.end();
            std::error_code unknown;
            if (entry->is_symlink(unknown) && !is_known && archive::volume_of(name) == name) {
                return Problem{fmt::format("{} leads to an image volume, but storage.volumes has none of that name: put it back, or, if it is "
                                           "gone for good, say so: gritctl rebuild --lost {}",
                                           entry->path().string(), name)};
            }
        }
        return error ? Checked<void>(Problem{fmt::format("{} can not be listed: {}", root_.string(), error.message())}) : Checked<void>();
    }

    Checked<void> name_dataset() {
        const auto named = writer_->transact([this](store::WriteTxn& txn) -> Result<void> {
            std::vector<store::VolumeRow> volumes;
            for (const archive::VolumePlace& place : options_.volumes.places) {
                if (!place.name.empty()) {
                    volumes.push_back(store::VolumeRow{place.name, false});
                }
            }
            auto put = txn.put(store::Table::meta, "dataset_id", dataset_);
            put = put ? store::put_layout(txn, options_.layout) : put;
            return put && !volumes.empty() ? store::put_volumes(txn, volumes) : put;
        });
        if (!named) {
            return new_state_unwritable(named.error());
        }
        close();
        return open_state();
    }

    // Its images --------------------------------------------------------------------------------------------------------

    Checked<void> open_images() {
        archive::VolumesOptions volumes = options_.volumes;
        volumes.dataset_id = dataset_;
        volumes.has_images = true;
        volumes.lost = options_.lost;
        for (const archive::VolumePlace& place : volumes.places) {
            if (!place.name.empty()) {
                volumes.known.push_back(place.name);
            }
        }
        auto opened = archive::Volumes::open(std::move(volumes), clock_);
        if (!opened) {
            return opened.error();
        }
        volumes_ = std::move(*opened);
        images_.emplace(RebuildImages::Options{options_.volumes.places, options_.lost, options_.layout == kWebdataset, part_ / "images"});
        return {};
    }

    Checked<void> drop_lost_images() {
        if (auto noted = images_->note_records(*env_, counting("reading the records")); !noted) {
            return noted;
        }
        return images_->find_lost([this](std::span<const LostImage> lost) { return drop(lost); }, counting("looking at images"));
    }

    Checked<void> drop(std::span<const LostImage> lost) {
        std::vector<store::Record> records;
        const auto written = writer_->transact([&](store::WriteTxn& txn) -> Result<void> {
            records.clear();
            for (const LostImage& image : lost) {
                auto record = store::get_record(txn, image.key);
                if (!record) {
                    return record.error();
                }
                if (const auto erased = txn.erase(store::Table::records, store::record_key(image.key)); !erased) {
                    return erased.error();
                }
                records.push_back(std::move(*record));
            }
            return {};
        });
        if (!written) {
            return new_state_unwritable(written.error());
        }
        for (std::size_t i = 0; i < lost.size(); ++i) {
            journal::Line line;
            line.kind = journal::Kind::lost;
            line.host = replay_.hosts().at(lost[i].key.host).name;
            line.record.url = records[i].url;
            line.record.ordinal = records[i].ordinal;
            line.record.detail = fmt::format("rebuild: {} is {}", lost[i].location, lost[i].why);
            telling_->tell(line);
            telling_->list("lost", lost[i].location, records[i].url, lost[i].why);
        }
        report_.lost += lost.size();
        return {};
    }

    Checked<void> take_loose_images() {
        RebuildTaking taking({*writer_, *volumes_, replay_, *telling_, report_, clock_, options_.url_field});
        const auto looked = images_->find_loose([&](std::span<const LooseImage> some) { return taking.take(some); },
                                                counting("looking for images without a record"));
        if (!looked) {
            return looked;
        }
        if (auto taken = taking.take_by_inputs(); !taken) {
            return taken;
        }
        if (report_.journal_lines == 0 && report_.found == 0) {
            return Problem{fmt::format("there is nothing to rebuild from: {} has no journal, and no image in {} has a sidecar that tells of it",
                                       options_.journal.string(), root_.string())};
        }
        return {};
    }

    // The journal knows which line had which ordinal. Without one sidecars and inputs together may.
    Checked<void> number_lines() {
        if (report_.journal_lines > 0) {
            return {};
        }
        bool ended = false;
        RebuildNumbers numbers(*env_, replay_, options_.url_field);
        const auto found = numbers.find(options_.inputs, [this, &ended](std::uint64_t lines) {
            ended = !go_on("reading the inputs", lines);
            return !ended;
        });
        if (ended) {
            return rebuild_ended();
        }
        if (!found) {
            report_.problems.push_back("lines whose numbers are not known any more: " + found.error().what);
        }
        return {};
    }

    Checked<void> write_shards() {
        const auto written = writer_->transact([this](store::WriteTxn& txn) -> Result<void> {
            for (const FilledShard& filled : images_->shards()) {
                if (const auto put = store::put_shard(txn, filled.shard, filled.row); !put) {
                    return put;
                }
            }
            return {};
        });
        report_.problems.insert(report_.problems.end(), images_->problems().begin(), images_->problems().end());
        return written ? Checked<void>() : new_state_unwritable(written.error());
    }

    Checked<void> write_counters() {
        RebuildCounters counters(*env_, *writer_, replay_);
        auto counted = counters.run(counting("counting records"));
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

    // What was done here goes into the journal, too: it goes on where it ended.
    Checked<void> tell_journal() {
        const bool has_journal = options_.begins_journal || report_.journal_files > 0;
        return has_journal ? telling_->write_journal(options_.journal, mark_, *env_, *writer_, log_) : Checked<void>();
    }

    Checked<void> put_in_place() {
        std::string stamp = format_utc(clock_.wall_now().time_since_epoch().count());
        std::erase_if(stamp, [](char c) { return c == '-' || c == ':'; });
        const fs::path list = options_.state / ("rebuild-" + stamp + ".jsonl");
        const auto kept = telling_->keep_list(list);
        if (!kept) {
            return kept.error();
        }
        report_.list = *kept ? list.string() : "";
        close();
        if (auto written = write_ledger(); !written) {
            return Problem{"the ledger of opt-outs is lost and can not be written anew: " + written.error().what};
        }
        return move_state(stamp);
    }

    Checked<void> move_state(const std::string& stamp) {
        std::error_code error;
        const fs::path data = options_.state / "data.mdb";
        if (fs::exists(data, error)) {
            const fs::path kept = options_.state / ("data.mdb.damaged-" + stamp);
            fs::rename(data, kept, error);
            if (error) {
                return Problem{fmt::format("{} can not be kept as {}: {}", data.string(), kept.string(), error.message())};
            }
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

    // The opt-outs that were done, as far as their ledger is lost. Whole or not at all: one that is there is believed.
    Checked<void> write_ledger() const {
        const fs::path ledger = options_.state / "optouts.jsonl";
        std::error_code error;
        if (replay_.ledger().empty() || fs::exists(ledger, error)) {
            return {};
        }
        auto file = AtomicFile::create(ledger.string());
        if (!file) {
            return file.error();
        }
        std::string text;
        for (const journal::Line& line : replay_.ledger()) {
            const store::OptOutRow row = journal::opt_out_of(line.data);
            json::object entry = line.data;
            entry["time"] = format_utc(line.time_ms);
            entry["began"] = format_utc(row.began_ms);
            entry.erase("began_ms");
            text += json::serialize(entry) + "\n";
        }
        auto written = file->write(text);
        return written ? file->commit() : written;
    }

    void close() {
        volumes_.reset();
        writer_.reset();
        env_.reset();
    }

    const RebuildOptions& options_;
    const Clock& clock_;
    const Logger& log_;
    const OnRebuild& on_progress_;
    fs::path root_;  // the first volume's
    fs::path part_;
    std::unique_ptr<store::Env> env_;
    std::unique_ptr<archive::Volumes> volumes_;
    std::unique_ptr<store::Writer> writer_;
    std::unique_ptr<RebuildTelling> telling_;
    std::optional<RebuildImages> images_;
    Replay replay_;
    store::JournalMark mark_;
    std::string dataset_;
    std::uint64_t journal_bytes_ = 0;
    RebuildReport report_;
};

}  // namespace

Checked<RebuildReport> rebuild_state(const RebuildOptions& options, const Clock& clock, const Logger& log, const OnRebuild& on_progress) {
    return Rebuild(options, clock, log, on_progress).run();
}

}  // namespace grit::dataset
