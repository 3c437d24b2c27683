#include "table_extents.hpp"

#include <lmdb.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>

#include "lmdb_value.hpp"

namespace grit::store {
namespace {

// LMDB 0.9 on a 64-bit machine (mdb.c: MDB_db, MDB_page, MDB_node). Numbers are native.
constexpr std::size_t kDbBytes = 48;
constexpr std::size_t kDbDepth = 6;           // u16: md_depth
constexpr std::size_t kDbOverflowPages = 24;  // u64: md_overflow_pages
constexpr std::size_t kDbRoot = 40;           // u64: md_root
constexpr std::size_t kPageNumber = 0;        // u64: mp_pgno
constexpr std::size_t kPageFlags = 10;        // u16: mp_flags
constexpr std::size_t kPageLower = 12;        // u16: mp_lower, the end of the list of nodes
constexpr std::size_t kPageHeader = 16;
constexpr std::uint16_t kBranch = 1;
constexpr std::uint16_t kLeaf = 2;
constexpr std::size_t kNodeFlags = 4;    // u16: mn_flags
constexpr std::size_t kNodeKeySize = 6;  // u16: mn_ksize
constexpr std::size_t kNodeHeader = 8;
constexpr std::uint16_t kBigData = 1;
constexpr std::uint16_t kMaxDepth = 32;

using Pages = std::vector<std::uint64_t>;

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

std::optional<Tree> tree_of(MDB_txn* txn, std::string_view table) {
    MDB_dbi main = 0;
    MDB_val key = to_lmdb(table);
    MDB_val db{};
    if (mdb_dbi_open(txn, nullptr, 0, &main) != 0 || mdb_get(txn, main, &key, &db) != 0 || db.mv_size != kDbBytes) {
        return std::nullopt;
    }
    const auto* bytes = static_cast<const char*>(db.mv_data);
    Tree tree;
    std::memcpy(&tree.depth, bytes + kDbDepth, sizeof tree.depth);
    std::memcpy(&tree.overflow_pages, bytes + kDbOverflowPages, sizeof tree.overflow_pages);
    std::memcpy(&tree.root, bytes + kDbRoot, sizeof tree.root);
    return tree.depth == 0 || tree.depth > kMaxDepth ? std::nullopt : std::optional(tree);
}

// The pages below some branch pages. @return false if one of them is none.
bool descend(int descriptor, Page& page, const Pages& branches, Pages& below) {
    for (const std::uint64_t number : branches) {
        if (!page.read(descriptor, number, kBranch)) {
            return false;
        }
        for (std::size_t i = 0; i < page.nodes(); ++i) {
            const auto at = page.node(i, kNodeHeader);
            if (!at) {
                return false;
            }
            // A child's number lies where other nodes have their size and flags.
            below.push_back(std::uint64_t{page.number_at<std::uint32_t>(*at)} |
                            std::uint64_t{page.number_at<std::uint16_t>(*at + kNodeFlags)} << 32);
        }
    }
    std::sort(below.begin(), below.end());
    return true;
}

// The large values that hang on some leaves.
void add_large_values(int descriptor, Page& page, const Pages& leaves, std::vector<Extent>& extents) {
    for (const std::uint64_t number : leaves) {
        if (!page.read(descriptor, number, kLeaf)) {
            return;
        }
        for (std::size_t i = 0; i < page.nodes(); ++i) {
            const auto at = page.node(i, kNodeHeader);
            if (!at || (page.number_at<std::uint16_t>(*at + kNodeFlags) & kBigData) == 0) {
                continue;
            }
            const std::size_t key_bytes = page.number_at<std::uint16_t>(*at + kNodeKeySize);
            if (page.node(i, kNodeHeader + key_bytes + sizeof(std::uint64_t))) {
                const auto first = page.number_at<std::uint64_t>(*at + kNodeHeader + key_bytes);
                extents.push_back(Extent{first * page.size(), kPageHeader + page.number_at<std::uint32_t>(*at)});
            }
        }
    }
}

std::vector<Extent> joined(std::vector<Extent> extents, std::uint64_t gap_bytes) {
    std::sort(extents.begin(), extents.end(), [](const Extent& a, const Extent& b) { return a.offset < b.offset; });
    std::vector<Extent> longer;
    for (const Extent& next : extents) {
        if (!longer.empty() && next.offset <= longer.back().offset + longer.back().bytes + gap_bytes) {
            Extent& last = longer.back();
            last.bytes = std::max(last.bytes, next.offset + next.bytes - last.offset);
        } else {
            longer.push_back(next);
        }
    }
    return longer;
}

}  // namespace

std::vector<Extent> extents_of(MDB_env* env, MDB_txn* txn, std::string_view table, std::uint64_t gap_bytes) {
    int descriptor = -1;
    MDB_stat stat{};
    const std::optional<Tree> tree = tree_of(txn, table);
    if (!tree || mdb_env_get_fd(env, &descriptor) != 0 || mdb_env_stat(env, &stat) != 0) {
        return {};
    }
    Page page(stat.ms_psize);
    std::vector<Extent> extents;
    const auto add_pages = [&](const Pages& pages) {
        for (const std::uint64_t number : pages) {
            extents.push_back(Extent{number * page.size(), page.size()});
        }
    };
    Pages level{tree->root};
    add_pages(level);
    for (unsigned depth = 1; depth < tree->depth; ++depth) {
        Pages below;
        const bool whole = descend(descriptor, page, level, below);
        add_pages(below);
        if (!whole) {
            return joined(std::move(extents), gap_bytes);
        }
        level = std::move(below);
    }
    if (tree->overflow_pages > 0) {
        add_large_values(descriptor, page, level, extents);
    }
    return joined(std::move(extents), gap_bytes);
}

}  // namespace grit::store
