#include "page_check.hpp"

#include <fmt/format.h>
#include <lmdb.h>

#include <algorithm>
#include <string>
#include <vector>

#include "lmdb_page.hpp"

namespace grit::store {
namespace {

constexpr std::size_t kPlacesTold = 16;

/// The tree of one table, level by level, each in the order of the file.
class TreeCheck {
  public:
    TreeCheck(MDB_env* env, std::string_view table, const std::atomic<bool>& stop, PageReport& report)
        : table_(table), stop_(stop), report_(report), page_(page_bytes(env)) {
        mdb_env_get_fd(env, &descriptor_);
        MDB_envinfo info{};
        mdb_env_info(env, &info);
        // Pages behind are of transactions that came later.
        last_ = info.me_last_pgno;
    }

    void walk(const Tree& tree) {
        if (tree.depth == 0) {
            return;  // an empty table
        }
        if (tree.depth > kMaxDepth) {
            damaged(tree.root, "is said to be the root of a tree of a depth that can not be");
            return;
        }
        std::vector<std::uint64_t> level{tree.root};
        for (unsigned depth = 1; depth <= tree.depth && !stop_; ++depth) {
            below_.clear();
            for (const std::uint64_t number : level) {
                if (stop_) {
                    return;
                }
                look_at(number, depth == tree.depth ? kLeaf : kBranch);
            }
            level.swap(below_);
            std::sort(level.begin(), level.end());
            const auto twice = std::adjacent_find(level.begin(), level.end());
            if (twice != level.end()) {
                damaged(*twice, "is named twice");
                level.erase(std::unique(level.begin(), level.end()), level.end());
            }
        }
    }

  private:
    static std::size_t page_bytes(MDB_env* env) {
        MDB_stat stat{};
        mdb_env_stat(env, &stat);
        return stat.ms_psize;
    }

    void damaged(std::uint64_t number, std::string_view what) {
        ++report_.damaged;
        if (report_.places.size() < kPlacesTold) {
            report_.places.push_back(fmt::format("{}: page {} {}", table_, number, what));
        }
    }

    void look_at(std::uint64_t number, std::uint16_t kind) {
        ++report_.pages;
        if (number < 2 || number > last_) {
            damaged(number, "can not be: the file does not have it");
        } else if (!page_.fetch(descriptor_, number)) {
            damaged(number, "can not be read");
        } else if (page_.number_at<std::uint64_t>(kPageNumber) != number ||
                   (page_.number_at<std::uint16_t>(kPageFlags) & kKinds) != kind) {
            damaged(number, kind == kLeaf ? "is no leaf" : "is no branch");
        } else if (!nodes_are_sound(kind)) {
            damaged(number, "has rows that lie outside of it, or out of order");
        }
    }

    [[nodiscard]] bool nodes_are_sound(std::uint16_t kind) {
        const std::size_t lower = page_.number_at<std::uint16_t>(kPageLower);
        const std::size_t upper = page_.number_at<std::uint16_t>(kPageUpper);
        if (lower < kPageHeader || lower > upper || upper > page_.size() || (lower == kPageHeader && kind == kBranch)) {
            return false;
        }
        std::string_view before;
        for (std::size_t i = 0; i < page_.nodes(); ++i) {
            const auto at = page_.node(i, kNodeHeader);
            if (!at || *at < upper) {
                return false;
            }
            const std::size_t key_bytes = page_.number_at<std::uint16_t>(*at + kNodeKeySize);
            if (key_bytes > kMaxKeyBytes || !page_.node(i, kNodeHeader + key_bytes) || !value_is_sound(i, *at, key_bytes, kind)) {
                return false;
            }
            // Numbers are the keys of the list of free pages, in the machine's order of bytes. The first key of a branch
            // stands for all that are smaller.
            const std::string_view key = page_.bytes(*at + kNodeHeader, key_bytes);
            if (table_ != kFreePages && i > (kind == kBranch ? 1U : 0U) && key <= before) {
                return false;
            }
            before = key;
        }
        return true;
    }

    [[nodiscard]] bool value_is_sound(std::size_t i, std::size_t at, std::size_t key_bytes, std::uint16_t kind) {
        const std::uint64_t low = page_.number_at<std::uint32_t>(at);
        const std::uint16_t flags = page_.number_at<std::uint16_t>(at + kNodeFlags);
        if (kind == kBranch) {
            below_.push_back(low | std::uint64_t{flags} << 32);
            return true;
        }
        if ((flags & kBigData) == 0) {
            return page_.node(i, kNodeHeader + key_bytes + low).has_value();
        }
        return page_.node(i, kNodeHeader + key_bytes + sizeof(std::uint64_t)) &&
               large_value_is_sound(page_.number_at<std::uint64_t>(at + kNodeHeader + key_bytes), low);
    }

    // It lies in pages of its own, of which the first has a header.
    [[nodiscard]] bool large_value_is_sound(std::uint64_t first, std::uint64_t bytes) const {
        std::array<char, kPageHeader> header{};
        if (first < 2 || first > last_ ||
            pread(descriptor_, header.data(), header.size(), static_cast<off_t>(first * page_.size())) !=
                static_cast<ssize_t>(header.size())) {
            return false;
        }
        std::uint64_t number = 0;
        std::uint16_t flags = 0;
        std::uint32_t pages = 0;
        std::memcpy(&number, header.data() + kPageNumber, sizeof number);
        std::memcpy(&flags, header.data() + kPageFlags, sizeof flags);
        std::memcpy(&pages, header.data() + kOverflowCount, sizeof pages);
        return number == first && (flags & kKinds) == kOverflow && first + pages <= last_ + 1 &&
               kPageHeader + bytes <= std::uint64_t{pages} * page_.size();
    }

    static constexpr std::string_view kFreePages = "free pages";

    std::string_view table_;
    const std::atomic<bool>& stop_;
    PageReport& report_;
    Page page_;
    int descriptor_ = -1;
    std::uint64_t last_ = 0;
    std::vector<std::uint64_t> below_;
};

}  // namespace

void check_table(MDB_env* env, MDB_txn* txn, std::string_view table, const std::atomic<bool>& stop, PageReport& report) {
    if (const auto tree = tree_of(txn, table)) {
        TreeCheck(env, table, stop, report).walk(*tree);
    }
}

void check_roots(MDB_env* env, MDB_txn* txn, const std::atomic<bool>& stop, PageReport& report) {
    MDB_stat stat{};
    int descriptor = -1;
    mdb_env_stat(env, &stat);
    mdb_env_get_fd(env, &descriptor);
    Page meta(stat.ms_psize);
    for (const std::uint64_t number : {0U, 1U}) {
        // The other one is of another transaction.
        if (meta.fetch(descriptor, number) && meta.number_at<std::uint64_t>(kMetaTransaction) == mdb_txn_id(txn)) {
            TreeCheck(env, "free pages", stop, report).walk(tree_at(meta.bytes(kMetaTrees, kDbBytes).data()));
            TreeCheck(env, "tables", stop, report).walk(tree_at(meta.bytes(kMetaTrees + kDbBytes, kDbBytes).data()));
            return;
        }
    }
}

}  // namespace grit::store
