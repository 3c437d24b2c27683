// Names of hosts and the small numbers that stand for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string_view>
#include <vector>

#include "grit/base/ids.hpp"

namespace grit::frontier {

/// What never changes about a host.
struct HostInfo {
    std::string_view name;         ///< canonical; lives as long as the table
    std::string_view domain_name;  ///< the registrable domain: the end of the name
    std::uint64_t domain = 0;     ///< hash of the registrable domain: equal for hosts that share limits
    std::uint16_t partition = 0;  ///< of the registrable domain, 0..4095
};

/// Host names of the data set, both ways. About 50 bytes a host.
///
/// Threads: all functions from any thread.
class HostTable {
  public:
    HostTable();
    HostTable(const HostTable&) = delete;
    HostTable& operator=(const HostTable&) = delete;

    /// Makes room for so many, so that it does not grow in steps while they are loaded.
    void reserve(std::size_t hosts);
    /// Takes a host over from the state, before anything else uses the table.
    void load(HostId id, std::string_view name, std::string_view domain, std::uint16_t partition);

    /// The host with that canonical name; a new one if there is none yet.
    [[nodiscard]] HostId find_or_add(std::string_view name);
    [[nodiscard]] std::optional<HostId> find(std::string_view name) const;

    /// @param id  from this table, not kNoHost.
    [[nodiscard]] HostInfo info(HostId id) const;

    /// One above the highest id given.
    [[nodiscard]] HostId next_id() const;
    /// Hosts known.
    [[nodiscard]] std::size_t size() const;

    /// Hosts added since the last call: they have no row in the state yet.
    [[nodiscard]] std::vector<HostId> take_unsaved();

  private:
    struct Entry {
        const char* name = nullptr;
        std::uint64_t domain = 0;
        std::uint16_t name_bytes = 0;
        std::uint16_t domain_bytes = 0;
        std::uint16_t partition = 0;
    };
    void insert(HostId id, std::string_view name, std::string_view domain, std::uint16_t partition);
    [[nodiscard]] std::size_t slot_of(std::string_view name) const;
    void grow_slots();
    [[nodiscard]] const char* keep(std::string_view name);
    [[nodiscard]] std::string_view name_of(HostId id) const { return {entries_[id].name, entries_[id].name_bytes}; }

    mutable std::shared_mutex mutex_;
    std::vector<Entry> entries_;  // by id; id 0 and gaps have no name
    std::vector<HostId> slots_;   // open addressing by name hash; 0 is free
    std::vector<std::unique_ptr<char[]>> arenas_;
    std::size_t arena_left_ = 0;
    std::size_t known_ = 0;
    std::vector<HostId> unsaved_;
};

}  // namespace grit::frontier
