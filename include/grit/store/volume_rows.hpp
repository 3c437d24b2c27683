// Which image volumes with a name the dataset has had (`meta/volumes`): a start without one of them is refused, since records
// may name images on it.
//
// Errors: as in tables.hpp.
#pragma once

#include <string>
#include <vector>

#include "grit/store/txn.hpp"

namespace grit::store {

struct VolumeRow {
    std::string name;
    bool lost = false;  ///< An operator says so: what it held is asked for again, then the name is forgotten.
    bool operator==(const VolumeRow&) const = default;
};

/// Empty if there are none.
[[nodiscard]] Result<std::vector<VolumeRow>> get_volumes(const Txn& txn);
[[nodiscard]] Result<void> put_volumes(WriteTxn& txn, const std::vector<VolumeRow>& volumes);
/// Errors besides: not_found, there is none of that name.
[[nodiscard]] Result<void> mark_volume_lost(WriteTxn& txn, const std::string& name);
/// With what is known of its shards. That there is none is no error.
[[nodiscard]] Result<void> forget_volume(WriteTxn& txn, const std::string& name);

}  // namespace grit::store
