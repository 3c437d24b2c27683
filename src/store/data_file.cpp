#include "data_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "grit/base/quantity.hpp"

namespace grit::store {
namespace {

// The header page of LMDB 0.9 on a 64-bit machine (mdb.c: MDB_page's header, then MDB_meta). Numbers are native.
constexpr std::size_t kMetaOffset = 16;
constexpr std::size_t kMagicOffset = kMetaOffset;              // u32
constexpr std::size_t kVersionOffset = kMetaOffset + 4;        // u32
constexpr std::size_t kPageBytesOffset = kMetaOffset + 24;     // u32: mm_dbs[FREE_DBI].md_pad
constexpr std::size_t kLastPageOffset = kMetaOffset + 120;     // u64: mm_last_pg
constexpr std::size_t kTransactionOffset = kMetaOffset + 128;  // u64: mm_txnid
constexpr std::size_t kHeaderBytes = kMetaOffset + 136;
constexpr std::uint32_t kMagic = 0xBEEFC0DE;
constexpr std::uint32_t kDataVersion = 1;
constexpr std::uint32_t kMinPageBytes = 256;
constexpr std::uint32_t kMaxPageBytes = 65536;

using Header = std::array<char, kHeaderBytes>;

template <class T>
T number_at(const Header& header, std::size_t offset) {
    T value{};
    std::memcpy(&value, header.data() + offset, sizeof value);
    return value;
}

std::optional<Header> read_header(int descriptor, std::uint64_t offset) {
    Header header{};
    if (pread(descriptor, header.data(), header.size(), static_cast<off_t>(offset)) !=
        static_cast<ssize_t>(header.size())) {
        return std::nullopt;
    }
    return header;
}

bool is_lmdb(const std::optional<Header>& header) {
    return header && number_at<std::uint32_t>(*header, kMagicOffset) == kMagic &&
           (number_at<std::uint32_t>(*header, kVersionOffset) & 0xffff) == kDataVersion;
}

Problem not_lmdb(const std::filesystem::path& file) {
    return Problem{fmt::format(
        "{} is not a state that gritd can read: it has no LMDB 0.9 header, or not both of them. {}. If the dataset is new, remove it",
        file.string(), kStateRemedy)};
}

// The last page that the newest of the two headers speaks of.
std::uint64_t last_page(const Header& a, const Header& b) {
    const bool first =
        number_at<std::uint64_t>(a, kTransactionOffset) >= number_at<std::uint64_t>(b, kTransactionOffset);
    return number_at<std::uint64_t>(first ? a : b, kLastPageOffset);
}

Checked<DataFile> inspect(int descriptor, const std::filesystem::path& path) {
    const std::optional<Header> first = read_header(descriptor, 0);
    if (!is_lmdb(first)) {
        return not_lmdb(path);
    }
    DataFile file;
    file.exists = true;
    file.page_bytes = number_at<std::uint32_t>(*first, kPageBytesOffset);
    const bool sane = file.page_bytes >= kMinPageBytes && file.page_bytes <= kMaxPageBytes &&
                      (file.page_bytes & (file.page_bytes - 1)) == 0;
    const std::optional<Header> second = sane ? read_header(descriptor, file.page_bytes) : std::nullopt;
    if (!is_lmdb(second)) {
        return not_lmdb(path);
    }
    const std::uint64_t pages = last_page(*first, *second) + 1;
    constexpr std::uint64_t kMaxPages = std::uint64_t{1} << 40;
    file.needed_bytes = std::min(pages, kMaxPages) * file.page_bytes;
    // After the headers: a writer in another process extends the file before it writes the header.
    struct stat status{};
    if (fstat(descriptor, &status) != 0) {
        return Problem{fmt::format("{}: {}", path.string(), std::generic_category().message(errno))};
    }
    file.file_bytes = static_cast<std::uint64_t>(status.st_size);
    return file;
}

}  // namespace

Checked<DataFile> inspect_data_file(const std::filesystem::path& path) {
    const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        if (errno == ENOENT) {
            return DataFile{};
        }
        return Problem{fmt::format("{} can not be read: {}", path.string(), std::generic_category().message(errno))};
    }
    struct stat status{};
    const bool empty = fstat(descriptor, &status) == 0 && status.st_size == 0;
    Checked<DataFile> file = empty ? Checked<DataFile>(DataFile{}) : inspect(descriptor, path);
    close(descriptor);
    return file;
}

bool pages_are_free(MDB_env* env, const DataFile& file) {
    constexpr MDB_dbi kFreeList = 0;  // key: transaction number; value: count, then page numbers (mdb.c)
    const std::uint64_t first = file.file_bytes / file.page_bytes;
    std::vector<bool> missing(static_cast<std::size_t>(file.needed_bytes / file.page_bytes - first), true);
    MDB_txn* txn = nullptr;
    if (mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn) != 0) {
        return false;
    }
    MDB_cursor* cursor = nullptr;
    int code = mdb_cursor_open(txn, kFreeList, &cursor);
    MDB_val key{};
    MDB_val value{};
    while (code == 0 && (code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        std::vector<std::uint64_t> pages(value.mv_size / sizeof(std::uint64_t));
        std::memcpy(pages.data(), value.mv_data, pages.size() * sizeof(std::uint64_t));
        for (std::size_t i = 1; i < pages.size() && i <= pages[0]; ++i) {
            if (pages[i] >= first && pages[i] - first < missing.size()) {
                missing[static_cast<std::size_t>(pages[i] - first)] = false;
            }
        }
    }
    if (cursor != nullptr) {
        mdb_cursor_close(cursor);
    }
    mdb_txn_abort(txn);
    return code == MDB_NOTFOUND && std::none_of(missing.begin(), missing.end(), [](bool gone) { return gone; });
}

Checked<void> refuse_network_file_system(const std::filesystem::path& dir) {
    // Magic numbers: statfs(2).
    struct Kind {
        std::uint32_t magic;
        const char* name;
    };
    constexpr std::array<Kind, 9> kKinds{{{0x6969, "NFS"},
                                          {0xFF534D42, "CIFS"},
                                          {0xFE534D42, "SMB"},
                                          {0x517B, "SMB"},
                                          {0x0BD00BD0, "Lustre"},
                                          {0x00C36400, "Ceph"},
                                          {0x19830326, "BeeGFS"},
                                          {0x5346414F, "AFS"},
                                          {0x01021997, "9p"}}};
    struct statfs status{};
    if (statfs(dir.c_str(), &status) != 0) {
        return Problem{fmt::format("state folder {}: {}", dir.string(), std::generic_category().message(errno))};
    }
    const auto magic = static_cast<std::uint32_t>(status.f_type);
    const auto kind = std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& k) { return k.magic == magic; });
    if (kind == kKinds.end()) {
        return {};
    }
    return Problem{fmt::format(
        "state folder {} is on a network file system ({}), where shared maps and locks do not hold: put state.dir on a "
        "local disk (the images may stay where they are)",
        dir.string(), kind->name)};
}

}  // namespace grit::store
