#include "grit/journal/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "compress.hpp"
#include "first_line.hpp"
#include "grit/journal/files.hpp"

namespace grit::journal {
namespace {

constexpr std::size_t kMostProblems = 100;
// A line is a few hundred bytes and two URLs; what is longer has lost its end.
constexpr std::size_t kLongestLine = std::size_t{16} << 20;

class Reading {
  public:
    Reading(std::filesystem::path folder, const std::function<bool(Line&, std::uint64_t)>& visit)
        : folder_(std::move(folder)), visit_(visit) {}

    // @return false if the visitor has enough.
    // @param limit  the number of the next file's first line: what lies behind it in this one was never committed.
    bool read(const JournalFile& file, std::uint64_t limit) {
        name_ = name_of(file);
        limit_ = limit;
        rest_.clear();
        goes_on_ = true;
        const std::string path = (folder_ / name_).string();
        const std::uint64_t bytes_before = bytes_;
        const std::uint64_t lines_before = report_.lines;
        std::error_code error;
        const std::uint64_t size = std::filesystem::file_size(path, error);
        const auto done = read_file(path, file.sealed, [&](std::string_view piece) {
            bytes_ = std::min(bytes_ + (file.sealed ? 0 : piece.size()), bytes_before + (error ? 0 : size));
            return take(piece);
        });
        bytes_ = bytes_before + (error ? 0 : size);
        if (!done) {
            complain(done.error().what);
        }
        if (goes_on_ && !rest_.empty()) {
            ++report_.damaged;
            complain(fmt::format("{}: its last line is cut short", name_));
        }
        if (report_.lines == lines_before && report_.last_file + 1 < file.number) {
            complain(missing_files());  // which no line's number has said
        }
        ++report_.files;
        report_.last_file = file.number;
        return goes_on_;
    }

    JournalReport& report() { return report_; }

  private:
    bool take(std::string_view piece) {
        rest_ += piece;
        std::size_t from = 0;
        for (std::size_t end = rest_.find('\n'); goes_on_ && end != std::string::npos; end = rest_.find('\n', from)) {
            take_line(std::string_view(rest_).substr(from, end - from));
            from = end + 1;
        }
        rest_.erase(0, from);
        if (rest_.size() > kLongestLine) {
            rest_.clear();
        }
        return goes_on_;
    }

    void take_line(std::string_view text) {
        auto line = parse_line(text);
        if (!line) {
            ++report_.damaged;
            complain(fmt::format("{}: the line behind number {}: {}", name_, report_.last_seq, line.error().what));
            ++damaged_since_last_;
            return;
        }
        if (line->seq <= report_.last_seq || line->seq >= limit_) {
            return;
        }
        const std::uint64_t gap = line->seq - report_.last_seq - 1;
        const std::uint64_t missing = gap - std::min(gap, std::exchange(damaged_since_last_, 0));
        if (missing > 0) {
            report_.missing += missing;
            complain(fmt::format("lines {} to {} are missing before {}: {}", report_.last_seq + 1, line->seq - 1, name_, missing_files()));
        }
        report_.last_seq = line->seq;
        ++report_.lines;
        goes_on_ = visit_(*line, bytes_);
    }

    // By number: which files lie between the last one and this one.
    [[nodiscard]] std::string missing_files() const {
        const auto now = parse_file_name(name_);
        const std::uint64_t first = report_.last_file + 1;
        if (!now || first >= now->number) {
            return "part of a file is gone";
        }
        const std::string one = name_of(JournalFile{first, true});
        return first + 1 == now->number ? one + " is not there"
                                        : fmt::format("{} to {} are not there", one, name_of(JournalFile{now->number - 1, true}));
    }

    void complain(std::string what) {
        if (report_.problems.size() < kMostProblems) {
            report_.problems.push_back(std::move(what));
        }
    }

    std::filesystem::path folder_;
    const std::function<bool(Line&, std::uint64_t)>& visit_;
    JournalReport report_;
    std::string name_;
    std::string rest_;
    std::uint64_t limit_ = 0;
    std::uint64_t bytes_ = 0;
    std::uint64_t damaged_since_last_ = 0;
    bool goes_on_ = true;
};

}  // namespace

Checked<JournalReport> read_journal(const std::filesystem::path& folder, const std::function<bool(Line&, std::uint64_t)>& visit) {
    const auto files = list_files(folder);
    if (!files) {
        return files.error();
    }
    // What lies behind the first line of a later file was never committed, or a backup of the state from before took its place.
    std::vector<std::uint64_t> limits(files->size(), std::numeric_limits<std::uint64_t>::max());
    for (std::size_t i = files->size(); i-- > 1;) {
        const auto begin = first_line_of((folder / name_of((*files)[i])).string(), (*files)[i].sealed);
        limits[i - 1] = (*files)[i].number == (*files)[i - 1].number || !begin ? limits[i] : std::min(limits[i], begin->seq);
    }
    Reading reading(folder, visit);
    for (std::size_t i = 0; i < files->size(); ++i) {
        const JournalFile& file = (*files)[i];
        const JournalFile* const next = i + 1 < files->size() ? &(*files)[i + 1] : nullptr;
        if (next != nullptr && next->number == file.number) {
            continue;  // of the two the sealed one is whole
        }
        if (!reading.read(file, limits[i])) {
            break;
        }
    }
    return std::move(reading.report());
}

}  // namespace grit::journal
