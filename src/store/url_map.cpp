#include "grit/store/url_map.hpp"

#include <functional>
#include <optional>

namespace grit::store {
namespace {

// A URL may have millions of them, and none may be held over a write.
constexpr std::size_t kSpellingsPerRead = 1'000;

Result<void> for_each_url(const Txn& txn, const RecordKey& key, const Record& record,
                          const std::function<Result<void>(const std::string& url)>& visit) {
    if (auto visited = visit(record.url); !visited) {
        return visited;
    }
    std::optional<std::string> after;
    for (bool more = true; more;) {
        const auto spellings = get_spellings(txn, key, kSpellingsPerRead, after);
        if (!spellings) {
            return spellings.error();
        }
        for (const std::string& spelling : *spellings) {
            if (auto visited = visit(spelling); !visited) {
                return visited;
            }
        }
        more = spellings->size() == kSpellingsPerRead;
        after = more ? std::optional(spellings->back()) : std::nullopt;
    }
    return {};
}

}  // namespace

Result<void> map_urls(WriteTxn& txn, const RecordKey& key, const Record& record) {
    return for_each_url(txn, key, record, [&](const std::string& url) { return put_url_to_path(txn, url, record.location); });
}

Result<void> unmap_urls(WriteTxn& txn, const RecordKey& key, const Record& record) {
    return for_each_url(txn, key, record, [&](const std::string& url) -> Result<void> {
        const auto erased = delete_url_to_path(txn, url);
        return erased ? Result<void>() : erased.error();
    });
}

}  // namespace grit::store
