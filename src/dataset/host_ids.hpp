// From a host's name to its id: the store has only the other way.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "grit/base/ids.hpp"
#include "grit/store/env.hpp"
#include "grit/store/tables.hpp"

namespace grit::dataset {

/// 16 bytes per host: a million hosts take 16 MB.
class HostIds {
  public:
    /// Reads the table of hosts, in short transactions. Errors: those of store.
    [[nodiscard]] static Result<HostIds> read(store::Env& env);

    /// Errors: not_found for a host that was unknown when the table was read; those of store.
    [[nodiscard]] Result<HostId> find(const store::Txn& txn, std::string_view name) const;

  private:
    std::vector<std::pair<std::uint64_t, HostId>> by_hash_;  ///< Hash of the name; sorted.
};

}  // namespace grit::dataset
