#include "table_extents.hpp"

#include <lmdb.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <optional>

#include "lmdb_page.hpp"

namespace grit::store {
namespace {

using Pages = std::vector<std::uint64_t>;

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
