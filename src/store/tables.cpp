#include "grit/store/tables.hpp"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>

#include "grit/store/codec.hpp"

namespace grit::store {
namespace {

constexpr std::string_view kTotals = "totals";
constexpr std::string_view kIntents = "intents";
constexpr std::size_t kMaxUrlKeyBytes = 500;
constexpr std::size_t kRecordKeyBytes = 20;  // host, hash

std::string id_key(std::uint32_t id) {
    return Encoder().be32(id).take();
}

// Keys of one number.
std::optional<std::uint32_t> parse_id(std::string_view bytes) {
    Decoder decoder(bytes);
    const std::uint32_t id = decoder.be32();
    return decoder.finish() ? std::optional(id) : std::nullopt;
}

// The row at `key`, decoded.
template <class Decode>
auto get_row(const Txn& txn, Table table, std::string_view key, Decode decode) -> decltype(decode(std::string_view())) {
    const Result<std::string_view> bytes = txn.get(table, key);
    if (!bytes) {
        return bytes.error();
    }
    return decode(*bytes);
}

std::string site_key(const OriginKey& key) {
    return Encoder().be32(key.host).u8(key.https ? 1 : 0).be16(key.port).take();
}

std::optional<OriginKey> parse_site_key(std::string_view bytes) {
    Decoder decoder(bytes);
    OriginKey key;
    key.host = decoder.be32();
    key.https = decoder.u8() != 0;
    key.port = decoder.be16();
    return decoder.finish() ? std::optional(key) : std::nullopt;
}

// Walks rows from `from`, decoding key and value; `decode_key` gives something like an optional or a Result.
template <class DecodeKey, class DecodeValue, class Visit>
Result<void> walk(const Txn& txn, Table table, std::string_view from, DecodeKey decode_key, DecodeValue decode_value,
                  const Visit& visit) {
    Result<void> verdict;
    const Result<void> walked = for_each(
        txn, table,
        [&](std::string_view key_bytes, std::string_view value_bytes) {
            const auto key = decode_key(key_bytes);
            const auto value = decode_value(value_bytes);
            if (!key || !value) {
                verdict = key ? value.error() : ErrorCode(Errc::corrupt);
                return false;
            }
            return visit(*key, *value);
        },
        from);
    return walked ? verdict : walked;
}

std::string_view bytes_of(const Sha256& digest) {
    return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

Result<std::string> get_text(const Txn& txn, Table table, std::string_view key) {
    const Result<std::string_view> bytes = txn.get(table, key);
    if (!bytes) {
        return bytes.error();
    }
    return std::string(*bytes);
}

Sha256 digest_of(std::string_view text) {
    Sha256 digest{};
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
           reinterpret_cast<unsigned char*>(digest.data()));
    return digest;
}

std::string spelling_key(const RecordKey& key, std::string_view raw_url) {
    return Encoder().raw(record_key(key)).raw(digest_of(raw_url)).take();
}

std::string retry_key(const RetryKey& key) {
    return Encoder().be_signed(key.due_ms).raw(record_key(key.record)).take();
}

Result<Retry> parse_retry(std::string_view key, std::string_view value) {
    Decoder decoder(key);
    Retry retry;
    retry.key.due_ms = decoder.be_signed();
    const Result<RecordKey> record = parse_record_key(decoder.raw(decoder.remaining()));
    Decoder why = Decoder::of_row(value);
    const std::optional<Outcome> outcome = outcome_of_number(why.u8());
    if (!record || !why.finish() || !outcome) {
        return Errc::corrupt;
    }
    retry.key.record = *record;
    retry.outcome = *outcome;
    return retry;
}

}  // namespace

Result<Totals> get_totals(const Txn& txn) {
    Result<Totals> totals = get_row(txn, Table::meta, kTotals, decode_totals);
    if (!totals && totals.error() == Errc::not_found) {
        return Totals{};
    }
    return totals;
}

Result<void> put_totals(WriteTxn& txn, const Totals& totals) {
    return txn.put(Table::meta, kTotals, encode(totals));
}

Result<std::vector<std::string>> get_intents(const Txn& txn) {
    Result<std::vector<std::string>> paths = get_row(txn, Table::meta, kIntents, decode_texts);
    if (!paths && paths.error() == Errc::not_found) {
        return std::vector<std::string>();
    }
    return paths;
}

Result<void> put_intents(WriteTxn& txn, const std::vector<std::string>& paths) {
    return txn.put(Table::meta, kIntents, encode_texts(paths));
}

Result<InputRow> get_input(const Txn& txn, InputId id) {
    return get_row(txn, Table::inputs, id_key(id), decode_input);
}

Result<void> put_input(WriteTxn& txn, InputId id, const InputRow& row) {
    return txn.put(Table::inputs, id_key(id), encode(row));
}

Result<void> for_each_input(const Txn& txn, const std::function<bool(InputId, const InputRow&)>& visit) {
    return walk(txn, Table::inputs, {}, parse_id, decode_input, visit);
}

Result<std::vector<RunHost>> get_run(const Txn& txn, RunId run) {
    return get_row(txn, Table::runs, id_key(run), decode_run);
}

Result<void> put_run(WriteTxn& txn, RunId run, const std::vector<RunHost>& hosts) {
    return txn.put(Table::runs, id_key(run), encode_run(hosts));
}

Result<void> for_each_run(const Txn& txn, const std::function<bool(RunId, const std::vector<RunHost>&)>& visit) {
    return walk(txn, Table::runs, {}, parse_id, decode_run, visit);
}

std::string host_key(HostId id) {
    return id_key(id);
}

Result<HostRow> get_host(const Txn& txn, HostId id) {
    return get_row(txn, Table::hosts, id_key(id), decode_host);
}

Result<void> put_host(WriteTxn& txn, HostId id, const HostRow& row) {
    return txn.put(Table::hosts, id_key(id), encode(row));
}

Result<void> add_host(WriteTxn& txn, HostId id, const HostRow& row) {
    const Result<void> appended = txn.append(Table::hosts, id_key(id), encode(row));
    return !appended && appended.error() == Errc::out_of_order ? put_host(txn, id, row) : appended;
}

Result<void> for_each_host(const Txn& txn, const std::function<bool(HostId, const HostRow&)>& visit) {
    return walk(txn, Table::hosts, {}, parse_id, decode_host, visit);
}

std::string queue_key(const QueueKey& key) {
    return Encoder().be32(key.run).be32(key.host).be32(key.block).take();
}

Result<QueueKey> parse_queue_key(std::string_view bytes) {
    Decoder decoder(bytes);
    QueueKey key;
    key.run = decoder.be32();
    key.host = decoder.be32();
    key.block = decoder.be32();
    if (const Result<void> end = decoder.finish(); !end) {
        return end.error();
    }
    return key;
}

Result<QueueBlock> get_block(const Txn& txn, BlockCodec& codec, const QueueKey& key, std::string_view host_name) {
    return get_row(txn, Table::queue, queue_key(key),
                   [&](std::string_view bytes) { return codec.unpack(host_name, bytes); });
}

Result<void> append_block(WriteTxn& txn, const QueueKey& key, std::string_view packed) {
    return txn.append(Table::queue, queue_key(key), packed);
}

Result<QueueKey> next_block(const Txn& txn, HostId host, RunId run, std::uint32_t from_block) {
    Result<Cursor> cursor = txn.cursor(Table::queue);
    if (!cursor) {
        return cursor.error();
    }
    const Result<bool> there = cursor->seek(queue_key({run, host, from_block}));
    if (!there) {
        return there.error();
    }
    if (!*there) {
        return Errc::not_found;
    }
    Result<QueueKey> key = parse_queue_key(cursor->key());
    if (key && (key->run != run || key->host != host)) {
        return Errc::not_found;
    }
    return key;
}

Result<bool> erase_block(WriteTxn& txn, const QueueKey& key) {
    return txn.erase(Table::queue, queue_key(key));
}

Result<Progress> get_progress(const Txn& txn, const QueueKey& key) {
    Result<Progress> progress = get_row(txn, Table::progress, queue_key(key), Progress::decode);
    if (!progress && progress.error() == Errc::not_found) {
        return Progress{};
    }
    return progress;
}

Result<void> put_progress(WriteTxn& txn, const QueueKey& key, const Progress& progress) {
    return txn.put(Table::progress, queue_key(key), progress.encode());
}

Result<bool> delete_progress(WriteTxn& txn, const QueueKey& key) {
    return txn.erase(Table::progress, queue_key(key));
}

std::string record_key(const RecordKey& key) {
    return Encoder().be32(key.host).be64(key.hash.high).be64(key.hash.low).take();
}

Result<RecordKey> parse_record_key(std::string_view bytes) {
    Decoder decoder(bytes);
    RecordKey key;
    key.host = decoder.be32();
    key.hash.high = decoder.be64();
    key.hash.low = decoder.be64();
    if (const Result<void> end = decoder.finish(); !end) {
        return end.error();
    }
    return key;
}

Result<Record> get_record(const Txn& txn, const RecordKey& key) {
    return get_row(txn, Table::records, record_key(key), decode_record);
}

Result<bool> has_record(const Txn& txn, const RecordKey& key) {
    const Result<std::string_view> bytes = txn.get(Table::records, record_key(key));
    if (!bytes && bytes.error() != Errc::not_found) {
        return {boost::system::in_place_error, bytes.error()};
    }
    return bytes.has_value();
}

Result<void> put_record(WriteTxn& txn, const RecordKey& key, const Record& record) {
    return txn.put(Table::records, record_key(key), encode(record));
}

Result<void> for_each_record(const Txn& txn, const RecordVisitor& visit) {
    return walk(txn, Table::records, {}, parse_record_key, decode_record, visit);
}

Result<void> for_each_record_of(const Txn& txn, HostId host, const RecordVisitor& visit) {
    return walk(txn, Table::records, id_key(host), parse_record_key, decode_record,
                [&](const RecordKey& key, const Record& record) { return key.host == host && visit(key, record); });
}

Result<void> scan_records(Env& env, const RecordVisitor& visit) {
    Result<void> verdict;
    const Result<void> walked = scan(env, Table::records, [&](std::string_view key_bytes, std::string_view bytes) {
        const Result<RecordKey> key = parse_record_key(key_bytes);
        const Result<Record> record = decode_record(bytes);
        if (!key || !record) {
            verdict = key ? record.error() : key.error();
            return false;
        }
        return visit(*key, *record);
    });
    return walked ? verdict : walked;
}

Result<void> put_retry(WriteTxn& txn, const RetryKey& key, Outcome outcome) {
    return txn.put(Table::retries, retry_key(key),
                   Encoder().u8(kRowVersion).u8(static_cast<std::uint8_t>(outcome)).take());
}

Result<bool> delete_retry(WriteTxn& txn, const RetryKey& key) {
    return txn.erase(Table::retries, retry_key(key));
}

Result<bool> has_retry(const Txn& txn, const RetryKey& key) {
    const Result<std::string_view> bytes = txn.get(Table::retries, retry_key(key));
    if (!bytes && bytes.error() != Errc::not_found) {
        return {boost::system::in_place_error, bytes.error()};
    }
    return bytes.has_value();
}

Result<std::vector<Retry>> due_retries(const Txn& txn, const std::optional<RetryKey>& after, std::int64_t until_ms,
                                       std::size_t limit, std::vector<std::string>* damaged) {
    std::vector<Retry> due;
    Result<void> verdict;
    const std::string from = after ? retry_key(*after) : std::string();
    const auto take = [&](std::string_view key, std::string_view value) {
        if (due.size() == limit) {
            return false;
        }
        if (key == from) {
            return true;
        }
        const Result<Retry> retry = parse_retry(key, value);
        if (!retry && damaged != nullptr) {
            damaged->emplace_back(key);
            return true;
        }
        if (!retry) {
            verdict = retry.error();
            return false;
        }
        if (retry->key.due_ms > until_ms) {
            return false;
        }
        due.push_back(*retry);
        return true;
    };
    if (const Result<void> walked = for_each(txn, Table::retries, take, from); !walked) {
        return walked.error();
    }
    if (!verdict) {
        return verdict.error();
    }
    return due;
}

std::string map_key(std::string_view raw_url) {
    if (raw_url.size() <= kMaxUrlKeyBytes) {
        return std::string(raw_url);
    }
    std::string key = "sha256:";
    for (const std::byte byte : digest_of(raw_url)) {
        key += fmt::format("{:02x}", static_cast<unsigned>(byte));
    }
    return key;
}

Result<std::string> get_url_to_path(const Txn& txn, std::string_view raw_url) {
    return get_text(txn, Table::url_to_path, map_key(raw_url));
}

Result<void> put_url_to_path(WriteTxn& txn, std::string_view raw_url, std::string_view path) {
    return txn.put(Table::url_to_path, map_key(raw_url), path);
}

Result<bool> delete_url_to_path(WriteTxn& txn, std::string_view raw_url) {
    return txn.erase(Table::url_to_path, map_key(raw_url));
}

Result<void> for_each_url_to_path(const Txn& txn, const RowVisitor& visit) {
    return for_each(txn, Table::url_to_path, visit);
}

Result<std::string> get_content(const Txn& txn, const Sha256& digest) {
    return get_text(txn, Table::content, bytes_of(digest));
}

Result<void> put_content(WriteTxn& txn, const Sha256& digest, std::string_view location) {
    return txn.put(Table::content, bytes_of(digest), location);
}

Result<bool> delete_content(WriteTxn& txn, const Sha256& digest) {
    return txn.erase(Table::content, bytes_of(digest));
}

Result<void> put_spelling(WriteTxn& txn, const RecordKey& key, std::string_view raw_url) {
    return txn.put(Table::spellings, spelling_key(key, raw_url), raw_url);
}

Result<bool> delete_spelling(WriteTxn& txn, const RecordKey& key, std::string_view raw_url) {
    return txn.erase(Table::spellings, spelling_key(key, raw_url));
}

Result<std::vector<std::string>> get_spellings(const Txn& txn, const RecordKey& key, std::size_t limit,
                                               const std::optional<std::string>& after) {
    const std::string of_record = record_key(key);
    const std::string from = after ? spelling_key(key, *after) : of_record;
    std::vector<std::string> spellings;
    const auto take = [&](std::string_view row_key, std::string_view raw_url) {
        if (!row_key.starts_with(of_record) || spellings.size() == limit) {
            return false;
        }
        if (row_key != from) {
            spellings.emplace_back(raw_url);
        }
        return true;
    };
    if (const Result<void> walked = for_each(txn, Table::spellings, take, from); !walked) {
        return walked.error();
    }
    return spellings;
}

Result<RecordKey> record_of_spelling(std::string_view row_key) {
    return parse_record_key(row_key.substr(0, std::min<std::size_t>(row_key.size(), kRecordKeyBytes)));
}

Result<void> put_site(WriteTxn& txn, const OriginKey& key, const SiteRow& row) {
    const std::string bytes = encode(row);
    if (bytes.size() <= kMaxSiteRowBytes) {
        return txn.put(Table::sites, site_key(key), bytes);
    }
    const Result<bool> erased = txn.erase(Table::sites, site_key(key));
    return erased ? Result<void>() : Result<void>(erased.error());
}

Result<SiteRow> get_site(const Txn& txn, const OriginKey& key) {
    return get_row(txn, Table::sites, site_key(key), decode_site);
}

Result<void> for_each_site_of(const Txn& txn, HostId host,
                              const std::function<bool(const OriginKey&, const SiteRow&)>& visit) {
    return walk(txn, Table::sites, id_key(host), parse_site_key, decode_site,
                [&](const OriginKey& key, const SiteRow& row) { return key.host == host && visit(key, row); });
}

}  // namespace grit::store
