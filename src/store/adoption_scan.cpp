#include "grit/store/adoption_scan.hpp"

#include <string_view>
#include <vector>

#include "adoption_codec.hpp"

namespace grit::store {

Result<bool> visit_adoptions(const Txn& txn, std::string& after, std::size_t most, const OnAdoptionRow& visit) {
    auto cursor = txn.cursor(Table::adoptions);
    if (!cursor) {
        return {boost::system::in_place_error, cursor.error()};  // an error_code alone would be a true bool
    }
    auto found = cursor->seek(after);
    if (found && *found && !after.empty() && cursor->key() == after) {
        found = cursor->next();
    }
    for (; found && *found && most > 0; --most) {
        if (const auto adoption = parse_adoption(cursor->value())) {
            visit(*adoption);
        }
        after = cursor->key();
        found = cursor->next();
    }
    return found;
}

Result<std::size_t> delete_first_adoptions(WriteTxn& txn, std::size_t most) {
    std::vector<std::string> keys;
    {
        auto cursor = txn.cursor(Table::adoptions);
        if (!cursor) {
            return cursor.error();
        }
        auto found = cursor->first();
        for (; found && *found && keys.size() < most; found = cursor->next()) {
            keys.emplace_back(cursor->key());
        }
        if (!found) {
            return found.error();
        }
    }
    for (const std::string& key : keys) {
        if (const auto erased = txn.erase(Table::adoptions, key); !erased) {
            return erased.error();
        }
    }
    return keys.size();
}

}  // namespace grit::store
