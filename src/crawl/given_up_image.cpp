#include "given_up_image.hpp"

#include "grit/store/url_map.hpp"

#include <algorithm>

namespace grit::crawl {
namespace {

// Never below nothing: a damaged row may have forgotten what it counted.
void take_off(std::uint64_t& count, std::uint64_t much) { count -= std::min(count, much); }

}  // namespace

Result<void> clear_image(store::WriteTxn& txn, const store::RecordKey& key, store::Record& record, store::Totals& totals,
                         store::HostRow* host) {
    if (const auto unmapped = store::unmap_urls(txn, key, record); !unmapped) {
        return unmapped;
    }
    take_off(totals.outcomes[index_of(record.outcome)], 1);
    if (host != nullptr) {
        take_off(host->stored, 1);
    }
    record.location.clear();
    record.sha256 = {};
    record.size = 0;
    record.image_type = 0;
    record.width = record.height = 0;
    return {};
}

Result<void> give_up_file(store::WriteTxn& txn, const std::string& location, std::uint64_t size, store::Removal as,
                          store::Totals& totals) {
    const auto noted = find_removal(txn, location);
    if (!noted) {
        return noted.error();
    }
    if (!*noted || **noted == store::Removal::kept) {
        take_off(totals.stored_bytes, size);
    }
    return store::put_removal(txn, location, as);
}

Result<std::optional<store::Removal>> find_removal(const store::Txn& txn, const std::string& location) {
    const auto noted = store::get_removal(txn, location);
    if (!noted && noted.error() != store::Errc::not_found) {
        return noted.error();
    }
    return noted ? std::optional(*noted) : std::nullopt;
}

}  // namespace grit::crawl
