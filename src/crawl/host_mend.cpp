#include "host_mend.hpp"

#include "grit/store/queue_walk.hpp"
#include "grit/url/canonical_url.hpp"
#include "grit/url/registrable_domain.hpp"

#include <algorithm>
#include <string_view>

namespace grit::crawl {
namespace {

// Its name, and how its URLs have ended.
Result<void> read_records(const store::Txn& txn, HostId host, store::HostRow& row) {
    return store::for_each(
        txn, store::Table::records,
        [&](std::string_view key_bytes, std::string_view bytes) {
            const auto key = store::parse_record_key(key_bytes);
            if (key && key->host != host) {
                return false;
            }
            const auto record = store::decode_record(bytes);
            if (!key || !record) {
                return true;
            }
            if (row.name.empty()) {
                const auto url = url::canonicalize(record->url);
                row.name = url ? url->host : std::string();
            }
            if (!record->waiting) {
                ++(disposition_of(record->outcome) == Disposition::done ? row.stored : row.failed);
            }
            return true;
        },
        store::host_key(host));
}

// Lines that are not settled yet, in the blocks that are there.
Result<std::uint64_t> lines_left(const store::Txn& txn, HostId host, const frontier::QueuedLines& queued, store::HostRow& row) {
    store::BlockCodec codec;
    std::uint64_t left = 0;
    store::QueueKey from{queued.first_run, host, 0};
    while (true) {
        const auto key = store::next_block_of_runs(txn, from, queued.last_run);
        if (!key) {
            return key.error() == store::Errc::not_found ? Result<std::uint64_t>(left) : key.error();
        }
        from = store::QueueKey{key->run, host, key->block + 1};
        const auto block = store::get_block(txn, codec, *key, row.name);
        const auto progress = store::get_progress(txn, *key);
        if (block && progress) {
            left += block->size() - std::min<std::uint64_t>(block->size(), progress->count());
            row.cursor_run = row.cursor_run == 0 ? key->run : row.cursor_run;
        }
    }
}

}  // namespace

Result<std::optional<store::HostRow>> mend_host(const store::Txn& txn, HostId host, const frontier::QueuedLines& queued,
                                                std::int64_t not_before_ms) {
    store::HostRow row;
    if (const auto read = read_records(txn, host, row); !read) {
        return read.error();
    }
    if (row.name.empty()) {
        return std::optional<store::HostRow>();
    }
    row.domain = url::registrable_domain(row.name);
    row.partition = url::partition_of(row.domain);
    const auto left = lines_left(txn, host, queued, row);
    if (!left) {
        return left.error();
    }
    row.taken = queued.lines - std::min(queued.lines, *left);
    row.not_before_ms = not_before_ms;
    return std::optional(std::move(row));
}

}  // namespace grit::crawl
