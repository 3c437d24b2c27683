// Every table of the state with its keys and typed access, in one place.
//
// | table       | key                                    | value                          |
// | ----------- | -------------------------------------- | ------------------------------ |
// | meta        | name                                   | text, or Totals, or a list     |
// | inputs      | input id (u32 BE)                      | InputRow                       |
// | runs        | run id (u32 BE)                        | list of (host ascending, lines) |
// | hosts       | host id (u32 BE)                       | HostRow                        |
// | queue       | run, host, block (u32 BE each)         | packed block (queue_block.hpp) |
// | progress    | as queue                               | Progress                       |
// | records     | host (u32 BE), URL hash (2 x u64 BE)   | Record                         |
// | retries     | due ms (i64 BE, sign bit turned), host, hash | outcome number           |
// | url_to_path | `map_key(raw URL)`                     | path relative to the root      |
// | content     | SHA-256 (32 bytes)                     | location                       |
// | spellings   | record key, SHA-256 of the spelling    | the URL as an annotation has it |
// | sites       | host (u32 BE), scheme (u8), port (u16 BE) | SiteRow                     |
// | blocks      | kind, a space, value                   | BlockRow (block_rows.hpp)      |
// | removals    | path relative to the root              | Removal (opt_out_rows.hpp)     |
// | shards      | volume and "/", unless the first; shard number (u32 BE) | ShardRow (shard_rows.hpp) |
// | annotations | last ordinal of the block (u64 BE)     | lines (line_blocks.hpp)        |
// | adoptions   | URL hash (2 x u64 BE)                  | Adoption (adoption_rows.hpp)   |
//
// `url_to_path` is a public promise to other programs: key and value are plain bytes.
//
// Readers give Errc::not_found where there is no row. All give corrupt, newer_row and io; writers also map_full (hidden
// by `transact`) and disk_full.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "grit/base/ids.hpp"
#include "grit/store/env.hpp"
#include "grit/store/queue_block.hpp"
#include "grit/store/rows.hpp"
#include "grit/store/txn.hpp"

namespace grit::store {

using InputId = std::uint32_t;

// meta ---------------------------------------------------------------------------------------------------------------

/// Zeros (and first ids) if none were written yet.
[[nodiscard]] Result<Totals> get_totals(const Txn& txn);
[[nodiscard]] Result<void> put_totals(WriteTxn& txn, const Totals& totals);

/// Relative paths of images that are about to be renamed into place; empty if there are none. Written before the
/// renames and cleared in the transaction that records them: what a crash in between leaves is found by this list.
[[nodiscard]] Result<std::vector<std::string>> get_intents(const Txn& txn);
[[nodiscard]] Result<void> put_intents(WriteTxn& txn, const std::vector<std::string>& paths);

// inputs -------------------------------------------------------------------------------------------------------------

[[nodiscard]] Result<InputRow> get_input(const Txn& txn, InputId id);
[[nodiscard]] Result<void> put_input(WriteTxn& txn, InputId id, const InputRow& row);
[[nodiscard]] Result<void> for_each_input(const Txn& txn, const std::function<bool(InputId, const InputRow&)>& visit);

// runs ---------------------------------------------------------------------------------------------------------------

[[nodiscard]] Result<std::vector<RunHost>> get_run(const Txn& txn, RunId run);
/// @param hosts by ascending id.
[[nodiscard]] Result<void> put_run(WriteTxn& txn, RunId run, const std::vector<RunHost>& hosts);
[[nodiscard]] Result<void> for_each_run(const Txn& txn,
                                        const std::function<bool(RunId, const std::vector<RunHost>&)>& visit);

// hosts --------------------------------------------------------------------------------------------------------------

[[nodiscard]] std::string host_key(HostId id);
[[nodiscard]] Result<HostRow> get_host(const Txn& txn, HostId id);
[[nodiscard]] Result<void> put_host(WriteTxn& txn, HostId id, const HostRow& row);
/// As put_host, for a new host: hosts that come in ascending order leave their pages full.
[[nodiscard]] Result<void> add_host(WriteTxn& txn, HostId id, const HostRow& row);
[[nodiscard]] Result<void> for_each_host(const Txn& txn, const std::function<bool(HostId, const HostRow&)>& visit);

// queue and progress -------------------------------------------------------------------------------------------------

[[nodiscard]] std::string queue_key(const QueueKey& key);
[[nodiscard]] Result<QueueKey> parse_queue_key(std::string_view bytes);

[[nodiscard]] Result<QueueBlock> get_block(const Txn& txn, BlockCodec& codec, const QueueKey& key,
                                           std::string_view host_name);
/// Appends: keys must come in ascending order over the whole life of the table. Errors: out_of_order.
/// @param packed from `BlockCodec::pack`.
[[nodiscard]] Result<void> append_block(WriteTxn& txn, const QueueKey& key, std::string_view packed);
/// The first block of `host` in `run` with a number of at least `from_block`. Errors: not_found if there is none.
[[nodiscard]] Result<QueueKey> next_block(const Txn& txn, HostId host, RunId run, std::uint32_t from_block);
/// Removes a finished block. @return whether there was one.
[[nodiscard]] Result<bool> erase_block(WriteTxn& txn, const QueueKey& key);

/// Nothing set if there is no row.
[[nodiscard]] Result<Progress> get_progress(const Txn& txn, const QueueKey& key);
[[nodiscard]] Result<void> put_progress(WriteTxn& txn, const QueueKey& key, const Progress& progress);
[[nodiscard]] Result<bool> delete_progress(WriteTxn& txn, const QueueKey& key);

// records ------------------------------------------------------------------------------------------------------------

struct RecordKey {
    HostId host = kNoHost;
    UrlHash hash;
    auto operator<=>(const RecordKey&) const = default;
};

using RecordVisitor = std::function<bool(const RecordKey&, const Record&)>;

[[nodiscard]] std::string record_key(const RecordKey& key);
[[nodiscard]] Result<RecordKey> parse_record_key(std::string_view bytes);
[[nodiscard]] Result<Record> get_record(const Txn& txn, const RecordKey& key);
/// Whether there is one, without reading it.
[[nodiscard]] Result<bool> has_record(const Txn& txn, const RecordKey& key);
[[nodiscard]] Result<void> put_record(WriteTxn& txn, const RecordKey& key, const Record& record);
[[nodiscard]] Result<void> for_each_record(const Txn& txn, const RecordVisitor& visit);
[[nodiscard]] Result<void> for_each_record_of(const Txn& txn, HostId host, const RecordVisitor& visit);
/// All records in short transactions (`scan`).
[[nodiscard]] Result<void> scan_records(Env& env, const RecordVisitor& visit);

// retries ------------------------------------------------------------------------------------------------------------

struct RetryKey {
    std::int64_t due_ms = 0;
    RecordKey record;
    auto operator<=>(const RetryKey&) const = default;
};

struct Retry {
    RetryKey key;
    Outcome outcome = Outcome::stored;  ///< Why.
    bool operator==(const Retry&) const = default;
};

[[nodiscard]] Result<void> put_retry(WriteTxn& txn, const RetryKey& key, Outcome outcome);
/// @return whether there was one.
[[nodiscard]] Result<bool> delete_retry(WriteTxn& txn, const RetryKey& key);
[[nodiscard]] Result<bool> has_retry(const Txn& txn, const RetryKey& key);
/// Retries due at or before `until_ms`, earliest first, beginning after `after`.
/// @param damaged  gets the keys of rows that can not be understood, which are passed over. Nothing: they are an error.
[[nodiscard]] Result<std::vector<Retry>> due_retries(const Txn& txn, const std::optional<RetryKey>& after,
                                                     std::int64_t until_ms, std::size_t limit,
                                                     std::vector<std::string>* damaged = nullptr);

// url_to_path --------------------------------------------------------------------------------------------------------

/// The URL's bytes; "sha256:" and 64 hex digits of them if they are over 500 (LMDB keys end at 511).
[[nodiscard]] std::string map_key(std::string_view raw_url);
[[nodiscard]] Result<std::string> get_url_to_path(const Txn& txn, std::string_view raw_url);
[[nodiscard]] Result<void> put_url_to_path(WriteTxn& txn, std::string_view raw_url, std::string_view path);
[[nodiscard]] Result<bool> delete_url_to_path(WriteTxn& txn, std::string_view raw_url);
/// @param visit gets the key as stored (`map_key`) and the path.
[[nodiscard]] Result<void> for_each_url_to_path(const Txn& txn, const RowVisitor& visit);

// content ------------------------------------------------------------------------------------------------------------

[[nodiscard]] Result<std::string> get_content(const Txn& txn, const Sha256& digest);
[[nodiscard]] Result<void> put_content(WriteTxn& txn, const Sha256& digest, std::string_view location);
[[nodiscard]] Result<bool> delete_content(WriteTxn& txn, const Sha256& digest);

// spellings ----------------------------------------------------------------------------------------------------------

/// Remembers how another annotation writes the URL of that record, whether the record is there yet or not: when its
/// image is stored, `url_to_path` gets each spelling.
[[nodiscard]] Result<void> put_spelling(WriteTxn& txn, const RecordKey& key, std::string_view raw_url);
/// @return whether it was there.
[[nodiscard]] Result<bool> delete_spelling(WriteTxn& txn, const RecordKey& key, std::string_view raw_url);
/// Spellings of one record, in no order that means anything.
/// @param after  the last one of the piece before; nothing: from the first on.
[[nodiscard]] Result<std::vector<std::string>> get_spellings(const Txn& txn, const RecordKey& key, std::size_t limit,
                                                             const std::optional<std::string>& after = {});
/// The record that a row of the table belongs to. Errors: corrupt.
[[nodiscard]] Result<RecordKey> record_of_spelling(std::string_view row_key);

// sites --------------------------------------------------------------------------------------------------------------

/// An origin: what robots.txt and tdmrep.json speak for.
struct OriginKey {
    HostId host = kNoHost;
    bool https = false;
    std::uint16_t port = 0;
    auto operator<=>(const OriginKey&) const = default;
};

/// The longest row: larger ones are not kept, and their files are asked for again after a restart.
inline constexpr std::size_t kMaxSiteRowBytes = std::size_t{64} * 1024;

/// A row that would be too long replaces the older one by nothing.
[[nodiscard]] Result<void> put_site(WriteTxn& txn, const OriginKey& key, const SiteRow& row);
[[nodiscard]] Result<SiteRow> get_site(const Txn& txn, const OriginKey& key);
/// The origins of a host, by scheme and port.
[[nodiscard]] Result<void> for_each_site_of(const Txn& txn, HostId host,
                                            const std::function<bool(const OriginKey&, const SiteRow&)>& visit);

}  // namespace grit::store
