#include "retry_mend.hpp"

#include "grit/store/codec.hpp"

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace grit::crawl {
namespace {

// Rows looked at before the next group of results has its turn: some ten milliseconds.
constexpr std::size_t kRowsAtOnce = 8'192;

std::optional<store::RetryKey> parse(std::string_view bytes) {
    constexpr std::size_t kBytes = 28;  // due, record key
    if (bytes.size() != kBytes) {
        return std::nullopt;
    }
    store::RetryKey key;
    key.due_ms = store::Decoder(bytes).be_signed();
    const auto record = store::parse_record_key(bytes.substr(sizeof(std::int64_t)));
    if (!record) {
        return std::nullopt;
    }
    key.record = *record;
    return key;
}

}  // namespace

struct RetryMend::Rows final : store::WriteJob {
    Rows(RetryMend& m, std::vector<std::string> k) : mend(m), keys(std::move(k)) {}
    void run(store::WriteSession& session) override {
        bool lost = false;
        std::int64_t change = 0;
        const auto written = session.transact([&](store::WriteTxn& txn) { return mend.put_rows_right(txn, keys, lost, change); });
        if (!written) {
            mend.log_.error("retries.not_mended", {{"error", written.error().message()}});
            return;
        }
        mend.changed_(change);
        if (lost && !mend.searching_.exchange(true)) {
            mend.search_on(session, {});
        }
    }
    RetryMend& mend;
    std::vector<std::string> keys;
};

struct RetryMend::Search final : store::WriteJob {
    Search(RetryMend& m, std::string f) : mend(m), from(std::move(f)) {}
    void run(store::WriteSession& session) override { mend.search_on(session, from); }
    RetryMend& mend;
    std::string from;
};

void RetryMend::mend(std::vector<std::string> keys) {
    if (!stopping_ && !keys.empty()) {
        log_.error("retries.row_damaged", {{"rows", keys.size()}});
        writer_.submit(std::make_unique<Rows>(*this, std::move(keys)));
    }
}

// @param lost  set where a row did not say which record it was for. @param change  of the number of rows. Repeatable.
Result<void> RetryMend::put_rows_right(store::WriteTxn& txn, const std::vector<std::string>& keys, bool& lost, std::int64_t& change) const {
    lost = false;
    change = 0;
    for (const std::string& bytes : keys) {
        const auto key = parse(bytes);
        const auto record = key ? store::get_record(txn, key->record) : Result<store::Record>(store::Errc::not_found);
        if (record && record->waiting && record->due_ms == key->due_ms) {
            if (const auto put = store::put_retry(txn, *key, record->outcome); !put) {
                return put;
            }
            continue;
        }
        lost = lost || !key;
        const auto erased = txn.erase(store::Table::retries, bytes);
        if (!erased) {
            return erased.error();
        }
        change -= *erased ? 1 : 0;
    }
    return {};
}

// A piece of the walk over all records; the next one waits for its turn with the writer.
void RetryMend::search_on(store::WriteSession& session, const std::string& from) {
    std::vector<store::RetryKey> waiting;
    std::optional<std::string> next;
    {
        const auto txn = session.env().read();
        std::size_t seen = 0;
        const auto visit = [&](std::string_view key_bytes, std::string_view bytes) {
            if (seen++ == kRowsAtOnce) {
                next.emplace(key_bytes);
                return false;
            }
            const auto key = store::parse_record_key(key_bytes);
            const auto record = store::decode_record(bytes);
            if (key && record && record->waiting) {
                waiting.push_back({record->due_ms, *key});
            }
            return true;
        };
        const auto walked = txn ? store::for_each(*txn, store::Table::records, visit, from) : Result<void>(txn.error());
        if (!walked) {
            log_.error("retries.not_mended", {{"error", walked.error().message()}});
            searching_ = false;
            return;
        }
    }
    const auto added = add_missing(session, waiting);
    if (!added) {
        log_.error("retries.not_mended", {{"error", added.error().message()}});
    } else if (*added > 0) {
        changed_(*added);
        log_.warning("retries.mended", {{"rows", *added}});
    }
    if (next && added && !stopping_) {
        writer_.submit(std::make_unique<Search>(*this, std::move(*next)));
    } else {
        searching_ = false;
    }
}

Result<std::int64_t> RetryMend::add_missing(store::WriteSession& session, const std::vector<store::RetryKey>& waiting) const {
    std::int64_t added = 0;
    const auto add = [&](store::WriteTxn& txn) -> Result<void> {
        added = 0;
        for (const store::RetryKey& key : waiting) {
            const auto there = store::has_retry(txn, key);
            const auto record = store::get_record(txn, key.record);
            if (!there) {
                return there.error();
            }
            if (*there || !record || !record->waiting || record->due_ms != key.due_ms) {
                continue;
            }
            ++added;
            if (const auto put = store::put_retry(txn, key, record->outcome); !put) {
                return put;
            }
        }
        return {};
    };
    if (waiting.empty()) {
        return 0;
    }
    const auto written = session.transact(add);
    return written ? Result<std::int64_t>(added) : written.error();
}

}  // namespace grit::crawl
