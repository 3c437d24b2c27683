#include "rebuild_command.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <ostream>

#include "grit/base/clock.hpp"
#include "grit/base/log.hpp"
#include "grit/dataset/rebuild.hpp"
#include "grit/dataset/volume_options.hpp"
#include "grit/store/lock.hpp"
#include "local_dataset.hpp"
#include "text.hpp"

namespace grit::ctl {
namespace json = boost::json;

namespace {

// A line now and then, where a person or a log sees it.
class Progress {
  public:
    explicit Progress(const Output& output) : output_(output) {}
    void show(const dataset::RebuildProgress& now) {
        const auto time = std::chrono::steady_clock::now();
        if (now.what == what_ && time - shown_ < std::chrono::seconds(2)) {
            return;
        }
        what_ = now.what;
        shown_ = time;
        output_.err << now.what
                    << (now.of > 0 ? fmt::format(": {:.0f} %\n", 100.0 * static_cast<double>(now.done) / static_cast<double>(now.of))
                                   : fmt::format(": {}\n", grouped(now.done)));
        output_.err.flush();
    }

  private:
    const Output& output_;
    std::string what_;
    std::chrono::steady_clock::time_point shown_;
};

json::object document(const dataset::RebuildReport& report) {
    return json::object{{"journal_files", report.journal_files}, {"journal_lines", report.journal_lines},
                        {"lines_missing", report.lines_missing}, {"lines_damaged", report.lines_damaged},
                        {"records", report.records},             {"images", report.images},
                        {"waiting", report.waiting},             {"hosts", report.hosts},
                        {"blocks", report.blocks},               {"lost", report.lost},
                        {"found", report.found},                 {"unknown", report.unknown},
                        {"removed", report.removed},             {"list", report.list},
                        {"problems", json::array(report.problems.begin(), report.problems.end())}};
}

std::string words(const dataset::RebuildReport& report) {
    std::string text = fmt::format("{} files and {} lines of the journal\n", grouped(report.journal_files), grouped(report.journal_lines));
    text += fmt::format("{} records: {} with an image, {} wait for a retry; {} hosts, {} blocks\n", grouped(report.records),
                        grouped(report.images), grouped(report.waiting), grouped(report.hosts), grouped(report.blocks));
    if (report.lost + report.found + report.unknown + report.removed > 0) {
        text += fmt::format("images: {} missing (asked for again), {} taken over without a line, {} that nobody knows (they stay), {} "
                            "removed\nlisted in {}\n",
                            grouped(report.lost), grouped(report.found), grouped(report.unknown), grouped(report.removed), report.list);
    }
    return text + "The inputs are read again at the next start; what has a record is not asked for again.\n";
}

}  // namespace

Ended rebuild(const Output& output, const std::string& config_file, const std::vector<std::string>& lost) {
    const auto config = load_dataset_config(config_file);
    if (!config) {
        return config.error();
    }
    if (const auto made = store::make_state_folder(config->state.dir); !made) {
        return Failure{ExitCode::failed, made.error().what, {}};
    }
    const auto lock = store::StateLock::acquire(config->state.dir);
    if (!lock) {
        return Failure{ExitCode::failed, lock.error().what, "stop it first: a state is rebuilt where nobody uses one"};
    }
    dataset::RebuildOptions options;
    options.state = config->state.dir;
    options.volumes = dataset::volumes_of(config->storage);
    options.layout = config::name_of(config->storage.layout);
    options.lost = lost;
    options.journal = dataset::journal_folder(*config);
    options.begins_journal = config->journal.enabled;
    options.inputs = config->input.annotations;
    options.url_field = config->input.url_field;
    const Logger log(LogLevel::warning);
    const SystemClock clock;
    Progress progress(output);
    const auto done = dataset::rebuild_state(options, clock, log, [&](const dataset::RebuildProgress& now) {
        progress.show(now);
        return true;
    });
    if (!done) {
        return Failure{ExitCode::failed, done.error().what, "no state was put in place"};
    }
    for (const std::string& problem : done->problems) {
        output.err << "gritctl: " << printable(problem) << "\n";
    }
    output.out << (output.json ? json::serialize(document(*done)) + "\n" : words(*done));
    return {};
}

}  // namespace grit::ctl
