// The annotations themselves, line by line, for layouts that put them beside the images: `annotations`, append-only but after
// a rebuild of the state, when lines are read again in another order than their ordinals'.
//
// A block holds the lines of consecutive ordinals, compressed (zstd). Its key is the last of them, so that the first
// key at or after an ordinal is that of its block. Blocks are never deleted: a line is needed again whenever its URL is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "grit/base/ids.hpp"
#include "grit/store/txn.hpp"

namespace grit::store {

/// Bytes of lines in one block, unless a single line has more: how much is expanded to read one.
inline constexpr std::size_t kLineBlockBytes = std::size_t{64} << 10;

/// Packs lines on their way into the state. Threads: one at a time.
class LineBlocks {
  public:
    LineBlocks();
    ~LineBlocks();
    LineBlocks(LineBlocks&&) noexcept;
    LineBlocks& operator=(LineBlocks&&) noexcept;

    /// Ordinals without a line (bad ones) are passed over. Ordinals ascend, but behind `finish`. Throws std::bad_alloc.
    void add(Ordinal ordinal, std::string_view line);
    /// Closes the open block. To be called before `write`, and where ordinals are left out that lines elsewhere have: a block
    /// is found by its last ordinal, so no other one may lie within it.
    void finish();
    /// Writes all blocks: appends them, if no higher ordinals are there. Repeatable. Errors: those of `WriteTxn::put`.
    [[nodiscard]] Result<void> write(WriteTxn& txn) const;

    /// Memory that the packed blocks take.
    [[nodiscard]] std::size_t bytes() const noexcept { return packed_bytes_; }

  private:
    struct Packer;
    void pack();

    std::unique_ptr<Packer> packer_;
    std::string sizes_;  // of the open block: (gap to the ordinal before, length) each
    std::string text_;
    Ordinal first_ = 0;
    Ordinal last_ = 0;
    std::size_t count_ = 0;
    std::vector<std::pair<std::string, std::string>> blocks_;  // key, value
    std::size_t packed_bytes_ = 0;
};

/// The line of an annotation, without its line end. Errors: not_found (no line with that ordinal was kept), corrupt,
/// newer_row, io.
[[nodiscard]] Result<std::string> get_line(const Txn& txn, Ordinal ordinal);

}  // namespace grit::store
