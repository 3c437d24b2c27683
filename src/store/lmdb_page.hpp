// Pages of an LMDB file as they lie on the disk: LMDB has no calls for that. Private to the module.
#pragma once

#include <lmdb.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "lmdb_value.hpp"

namespace grit::store {

// LMDB 0.9 on a 64-bit machine (mdb.c: MDB_db, MDB_page, MDB_node). Numbers are native.
inline constexpr std::size_t kDbBytes = 48;
inline constexpr std::size_t kDbDepth = 6;           // u16: md_depth
inline constexpr std::size_t kDbOverflowPages = 24;  // u64: md_overflow_pages
inline constexpr std::size_t kDbRoot = 40;           // u64: md_root
inline constexpr std::size_t kPageNumber = 0;        // u64: mp_pgno
inline constexpr std::size_t kPageFlags = 10;        // u16: mp_flags
inline constexpr std::size_t kPageLower = 12;        // u16: mp_lower, the end of the list of nodes
inline constexpr std::size_t kPageHeader = 16;
inline constexpr std::size_t kPageUpper = 14;        // u16: mp_upper, where the nodes begin
inline constexpr std::size_t kOverflowCount = 12;    // u32: mp_pages, of an overflow page in place of the two
inline constexpr std::uint16_t kBranch = 1;
inline constexpr std::uint16_t kLeaf = 2;
inline constexpr std::uint16_t kOverflow = 4;
inline constexpr std::uint16_t kKinds = 0x6f;  // all that a page of these tables may be, or must not
inline constexpr std::size_t kNodeFlags = 4;    // u16: mn_flags
inline constexpr std::size_t kNodeKeySize = 6;  // u16: mn_ksize
inline constexpr std::size_t kNodeHeader = 8;
inline constexpr std::uint16_t kBigData = 1;
inline constexpr std::size_t kMaxKeyBytes = 511;
// The header pages (mdb.c: MDB_meta behind a page's header).
inline constexpr std::size_t kMetaTrees = 40;  // two MDB_db: the list of free pages, and the table of tables
inline constexpr std::size_t kMetaTransaction = 144;
inline constexpr std::uint16_t kMaxDepth = 32;

struct Tree {
    std::uint64_t root = 0;
    std::uint64_t overflow_pages = 0;
    std::uint16_t depth = 0;
};

// One page, read past the map: a fault would read what lies around it too.
class Page {
  public:
    explicit Page(std::size_t bytes) : bytes_(bytes) {}

    [[nodiscard]] bool read(int descriptor, std::uint64_t number, std::uint16_t kind) {
        const auto at = static_cast<off_t>(number * bytes_.size());
        return pread(descriptor, bytes_.data(), bytes_.size(), at) == static_cast<ssize_t>(bytes_.size()) &&
               number_at<std::uint64_t>(kPageNumber) == number &&
               (number_at<std::uint16_t>(kPageFlags) & (kBranch | kLeaf)) == kind &&
               number_at<std::uint16_t>(kPageLower) >= kPageHeader &&
               number_at<std::uint16_t>(kPageLower) <= bytes_.size();
    }
    /// Any page, whatever it holds.
    [[nodiscard]] bool fetch(int descriptor, std::uint64_t number) {
        const auto at = static_cast<off_t>(number * bytes_.size());
        return pread(descriptor, bytes_.data(), bytes_.size(), at) == static_cast<ssize_t>(bytes_.size());
    }
    [[nodiscard]] std::string_view bytes(std::size_t at, std::size_t size) const { return {bytes_.data() + at, size}; }
    [[nodiscard]] std::size_t nodes() const {
        return (number_at<std::uint16_t>(kPageLower) - kPageHeader) / sizeof(std::uint16_t);
    }
    // Where a node begins, if so many bytes of it lie in the page.
    [[nodiscard]] std::optional<std::size_t> node(std::size_t i, std::size_t bytes) const {
        const std::size_t at = number_at<std::uint16_t>(kPageHeader + i * sizeof(std::uint16_t));
        return at >= kPageHeader && at + bytes <= bytes_.size() ? std::optional(at) : std::nullopt;
    }
    template <class T>
    [[nodiscard]] T number_at(std::size_t at) const {
        T value{};
        std::memcpy(&value, bytes_.data() + at, sizeof value);
        return value;
    }
    [[nodiscard]] std::size_t size() const { return bytes_.size(); }

  private:
    std::vector<char> bytes_;
};

inline Tree tree_at(const char* db) {
    Tree tree;
    std::memcpy(&tree.depth, db + kDbDepth, sizeof tree.depth);
    std::memcpy(&tree.overflow_pages, db + kDbOverflowPages, sizeof tree.overflow_pages);
    std::memcpy(&tree.root, db + kDbRoot, sizeof tree.root);
    return tree;
}

inline std::optional<Tree> tree_of(MDB_txn* txn, std::string_view table) {
    MDB_dbi main = 0;
    MDB_val key = to_lmdb(table);
    MDB_val db{};
    if (mdb_dbi_open(txn, nullptr, 0, &main) != 0 || mdb_get(txn, main, &key, &db) != 0 || db.mv_size != kDbBytes) {
        return std::nullopt;
    }
    const Tree tree = tree_at(static_cast<const char*>(db.mv_data));
    return tree.depth == 0 || tree.depth > kMaxDepth ? std::nullopt : std::optional(tree);
}

}  // namespace grit::store
