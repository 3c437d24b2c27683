#include "grit/journal/files.hpp"

#include <dirent.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
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
    errno = 0;
    DIR* const listing = ::opendir(folder.c_str());
    if (listing == nullptr && errno == ENOENT) {
        return files;
    }
    const dirent* entry = listing != nullptr ? ::readdir(listing) : nullptr;
    for (; entry != nullptr; errno = 0, entry = ::readdir(listing)) {
        if (const auto file = parse_file_name(entry->d_name)) {
            files.push_back(*file);
        }
    }
    const int error = errno;
    if (listing != nullptr) {
        ::closedir(listing);
    }
    if (error != 0) {
        return Problem{fmt::format("{} can not be listed: {}", folder.string(), std::generic_category().message(error))};
    }
    std::sort(files.begin(), files.end());
    return files;
}

std::uint64_t whole_lines_of(const std::filesystem::path& file) {
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

}  // namespace grit::journal
