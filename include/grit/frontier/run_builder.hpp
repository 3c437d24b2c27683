// One run: a batch of annotations, sorted by host, on its way into the frontier.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "grit/base/ids.hpp"
#include "grit/frontier/host_table.hpp"
#include "grit/store/rows.hpp"
#include "grit/store/txn.hpp"

namespace grit::frontier {

/// URLs per block. A block is read whole when its host's turn comes, so this bounds what a host in play holds.
inline constexpr std::size_t kBlockEntries = 128;

/// Collects candidates in input order and writes them in host order.
///
/// Appending in host order is forty times as fast as inserting in input order, and packs to a third of the size.
/// Threads: one at a time.
class RunBuilder {
  public:
    /// @param url  as written in the annotation.
    void add(HostId host, Ordinal ordinal, std::string_view url);

    [[nodiscard]] std::size_t lines() const noexcept { return items_.size(); }
    /// Memory held, in bytes.
    [[nodiscard]] std::size_t bytes() const noexcept { return text_.size() + items_.size() * sizeof(Item); }
    [[nodiscard]] bool empty() const noexcept { return items_.empty(); }
    void clear();
    /// Makes room for a run of so many bytes, so that growing does not hold twice as much.
    void reserve(std::size_t bytes);

    /// Sorts what was added. To be called once before `write`.
    void sort();
    /// Lines per host, by ascending host. After `sort`.
    [[nodiscard]] std::vector<store::RunHost> hosts() const;
    /// Appends the run's blocks and its list of hosts. After `sort`; repeatable.
    /// Errors: those of store::append_block.
    [[nodiscard]] Result<void> write(store::WriteTxn& txn, RunId run, const HostTable& hosts) const;

  private:
    struct Item {
        Ordinal ordinal;
        std::uint64_t text_offset;
        HostId host;
        std::uint32_t text_bytes;
    };
    std::vector<Item> items_;
    std::string text_;
};

/// Writes rows for hosts that have none yet, and the counter of hosts.
[[nodiscard]] Result<void> save_hosts(store::WriteTxn& txn, const std::vector<HostId>& ids, const HostTable& hosts);

}  // namespace grit::frontier
