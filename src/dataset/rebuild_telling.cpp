#include "rebuild_telling.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <system_error>
#include <utility>
#include <vector>

#include "grit/journal/files.hpp"
#include "grit/journal/journal.hpp"
#include "rebuild_problems.hpp"

namespace grit::dataset {
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kLinesAtOnce = 5'000;

}  // namespace

RebuildTelling::RebuildTelling(fs::path folder, const Clock& clock) : folder_(std::move(folder)), clock_(clock), metrics_(clock.wall_now()) {
    std::error_code error;
    fs::create_directories(folder_, error);  // a failure shows when the files are used
    lines_.open(folder_ / "lines", std::ios::binary | std::ios::trunc);
    list_.open(folder_ / "list.jsonl", std::ios::binary | std::ios::trunc);
}

void RebuildTelling::tell(journal::Line& line) {
    line.time_ms = clock_.wall_now().time_since_epoch().count();
    lines_ << journal::text_of(line) << '\n';
}

void RebuildTelling::list(std::string_view fate, std::string_view path, std::string_view url, std::string_view why) {
    boost::json::object entry{{"fate", fate}, {"path", path}};
    if (!url.empty()) {
        entry["url"] = url;
    }
    if (!why.empty()) {
        entry["why"] = why;
    }
    list_ << boost::json::serialize(entry) << '\n';
    has_list_ = true;
}

Checked<void> RebuildTelling::write_journal(const fs::path& journal, store::JournalMark mark, store::Env& env, store::Writer& writer,
                                            const Logger& log) {
    const fs::path plain = journal / journal::name_of(journal::JournalFile{mark.file, false});
    std::error_code error;
    if (fs::exists(plain, error)) {
        mark.bytes = journal::whole_lines_of(plain);
        fs::resize_file(plain, mark.bytes, error);
    }
    if (const auto marked = writer.transact([&](store::WriteTxn& txn) { return store::put_journal_mark(txn, mark); }); !marked) {
        return new_state_unwritable(marked.error());
    }
    journal::JournalOptions options;
    options.folder = journal;
    auto opened = journal::Journal::open(std::move(options), env, metrics_, clock_, log);
    if (!opened) {
        return opened.error();
    }
    if (!lines_.flush()) {
        return Problem{folder_.string() + " can not be written"};
    }
    std::ifstream in(folder_ / "lines", std::ios::binary);
    for (bool more = true; more;) {
        std::vector<std::string> some;
        for (std::string line; some.size() < kLinesAtOnce && std::getline(in, line);) {
            some.push_back(std::move(line));
        }
        more = some.size() == kLinesAtOnce;
        if (const auto told = writer.transact([&](store::WriteTxn& txn) { return (*opened)->write(txn, some); }); !told) {
            return new_state_unwritable(told.error());
        }
        (*opened)->seal_if_due();
    }
    (*opened)->close();
    return {};
}

Checked<bool> RebuildTelling::keep_list(const fs::path& file) {
    if (!list_.flush()) {
        return Problem{folder_.string() + " can not be written"};
    }
    std::error_code error;
    if (has_list_) {
        fs::rename(folder_ / "list.jsonl", file, error);
    }
    return error ? Checked<bool>(Problem{file.string() + " can not be written: " + error.message()}) : has_list_;
}

}  // namespace grit::dataset
