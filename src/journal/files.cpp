#include "grit/journal/files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <system_error>

namespace grit::journal {
namespace {

constexpr std::string_view kBegin = "outcomes-";
constexpr std::string_view kOpen = ".jsonl";
constexpr std::string_view kSealed = ".jsonl.zst";

}  // namespace

std::string name_of(const JournalFile& file) {
    return fmt::format("{}{:08}{}", kBegin, file.number, file.sealed ? kSealed : kOpen);
}

std::optional<JournalFile> parse_file_name(std::string_view name) {
    if (!name.starts_with(kBegin)) {
        return std::nullopt;
    }
    JournalFile file;
    const char* from = name.data() + kBegin.size();
    const char* to = name.data() + name.size();
    const auto [end, error] = std::from_chars(from, to, file.number);
    file.sealed = name.ends_with(kSealed);
    return error == std::errc() && file.number > 0 && name == name_of(file) ? std::optional(file) : std::nullopt;
}

Checked<std::vector<JournalFile>> list_files(const std::filesystem::path& folder) {
    std::vector<JournalFile> files;
    std::error_code error;
    for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
        if (const auto file = parse_file_name(at->path().filename().string())) {
            files.push_back(*file);
        }
    }
    if (error && error != std::errc::no_such_file_or_directory) {
        return Problem{fmt::format("{} can not be listed: {}", folder.string(), error.message())};
    }
    std::sort(files.begin(), files.end());
    return files;
}

}  // namespace grit::journal
