#include "host_ids.hpp"

#include <algorithm>
#include <functional>

#include "grit/store/codec.hpp"

namespace grit::dataset {
namespace {

std::uint64_t hash_of(std::string_view name) {
    return std::hash<std::string_view>{}(name);
}

}  // namespace

Result<HostIds> HostIds::read(store::Env& env) {
    HostIds ids;
    ErrorCode damage;
    const auto visit = [&](std::string_view key, std::string_view value) {
        const auto row = store::decode_host(value);
        if (!row) {
            damage = row.error();
            return false;
        }
        ids.by_hash_.emplace_back(hash_of(row->name), store::Decoder(key).be32());
        return true;
    };
    if (auto scanned = store::scan(env, store::Table::hosts, visit); !scanned) {
        return scanned.error();
    }
    if (damage) {
        return damage;
    }
    std::sort(ids.by_hash_.begin(), ids.by_hash_.end());
    return ids;
}

Result<HostId> HostIds::find(const store::Txn& txn, std::string_view name) const {
    const auto hash = hash_of(name);
    for (auto at = std::lower_bound(by_hash_.begin(), by_hash_.end(), std::pair(hash, HostId{0}));
         at != by_hash_.end() && at->first == hash; ++at) {
        const auto row = store::get_host(txn, at->second);
        if (!row) {
            return row.error();
        }
        if (row->name == name) {
            return at->second;
        }
    }
    return store::make_error_code(store::Errc::not_found);
}

}  // namespace grit::dataset
