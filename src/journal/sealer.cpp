#include "sealer.hpp"

#include "compress.hpp"

#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "grit/base/file_descriptor.hpp"
#include "grit/base/kill_point.hpp"
#include "grit/journal/files.hpp"
#include "grit/metrics/metrics.hpp"

namespace grit::journal {

Sealer::Sealer(std::filesystem::path folder, metrics::Metrics& metrics, const Logger& log)
    : folder_(std::move(folder)), metrics_(metrics), log_(log), thread_([this] { run(); }) {}

Sealer::~Sealer() {
    drain();
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void Sealer::add(std::uint64_t number, std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    work_.push_back(Work{number, bytes});
    changed_.notify_all();
}

void Sealer::drain() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return work_.empty() && !busy_; });
}

void Sealer::run() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return stopping_ || !work_.empty(); });
        if (work_.empty()) {
            return;
        }
        const Work work = work_.front();
        work_.pop_front();
        busy_ = true;
        lock.unlock();
        seal(work);
        lock.lock();
        busy_ = false;
        changed_.notify_all();
    }
}

// Whole and durable under its name before the plain one goes: a stop in between leaves both, or a `.part`.
void Sealer::seal(const Work& work) const {
    const std::string plain = (folder_ / name_of(JournalFile{work.number, false})).string();
    const std::string sealed = (folder_ / name_of(JournalFile{work.number, true})).string();
    const std::string part = sealed + ".part";
    const auto written = compress_file(plain, work.bytes, part);
    int error = written ? 0 : written.error().value();
    kill_point("journal.compressed");
    error = error == 0 && ::rename(part.c_str(), sealed.c_str()) != 0 ? errno : error;
    error = error == 0 ? sync_folder(folder_) : error;
    if (error != 0) {
        log_.warning("journal.not_sealed", {{"file", plain}, {"error", std::generic_category().message(error)}});
        ::unlink(part.c_str());
        return;
    }
    kill_point("journal.renamed");
    ::unlink(plain.c_str());
    metrics_.journal_sealed_bytes.add(*written);
    log_.info("journal.sealed", {{"file", sealed}, {"lines_bytes", work.bytes}, {"bytes", *written}});
}

}  // namespace grit::journal
