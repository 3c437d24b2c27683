#include "grit/store/tables.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "temp_state.hpp"

namespace grit::store {
namespace {

using test::State;
using test::TempFolder;

Sha256 digest_of(int n) {
    Sha256 digest{};
    digest.fill(static_cast<std::byte>(n));
    return digest;
}

Record full_record() {
    Record record;
    record.outcome = Outcome::duplicate_content;
    record.waiting = true;
    record.http_status = 200;
    record.attempts = 3;
    record.first_ms = 1'700'000'000'000;
    record.last_ms = 1'700'000'500'000;
    record.due_ms = 1'700'001'000'000;
    record.ordinal = 20'508'817;
    record.size = 98'765;
    record.image_type = 5;
    record.width = 640;
    record.height = 480;
    record.sha256 = digest_of(7);
    record.location = "00012/000120005.jpg";
    record.url = "http://EXAMPLE.org/a b.jpg";
    record.final_url = "https://example.org/a%20b.jpg";
    record.detail = "equal to another";
    return record;
}

HostRow full_host() {
    HostRow host;
    host.name = "img.example.org";
    host.domain = "example.org";
    host.partition = 4095;
    host.not_before_ms = -5;
    host.interval_ms = 250;
    host.backoff_level = 4;
    host.down_attempts = 2;
    host.gone_as = static_cast<std::uint8_t>(Outcome::dns_not_found);
    host.taken = 1ULL << 40;
    host.cursor_run = 17;
    host.stored = 12;
    host.failed = 13;
    host.robots_checked_ms = 1'700'000'000'000;
    host.ceiling_ms = 500;
    host.answers_since_refusal = 0xFFFF;
    host.near_ceiling = true;
    host.gone_lines = 1ULL << 33;
    host.gone_ms = 1'700'000'000'001;
    host.origins = {{true, 443, 2, Outcome::tls_certificate, true, 0}, {false, 8080, 1, Outcome::connect_refused, false, 5}};
    return host;
}

Totals full_totals() {
    Totals totals;
    totals.lines = 20'508'818;
    totals.quarantined = 3;
    for (std::size_t i = 0; i < kOutcomeCount; i += 2) {
        totals.outcomes[i] = i * 1'000 + 1;
    }
    totals.stored_bytes = 1ULL << 44;
    totals.quarantine_bytes = 512;
    totals.next_ordinal = 20'508'818;
    totals.next_run = 22;
    totals.next_host = 600'000;
    return totals;
}

InputRow full_input() {
    return {.path = "/data/grit.jsonl",
            .size_bytes = 1ULL << 34,
            .first_block_bytes = 65'536,
            .first_block_digest = digest_of(9),
            .byte_offset = 123'456'789,
            .line = 20'000,
            .done = true};
}

TEST(Rows, GiveBackWhatWasWritten) {
    EXPECT_EQ(decode_record(encode(full_record())).value(), full_record());
    EXPECT_EQ(decode_record(encode(Record{})).value(), Record{});
    EXPECT_EQ(decode_host(encode(full_host())).value(), full_host());
    EXPECT_EQ(decode_host(encode(HostRow{})).value(), HostRow{});
    EXPECT_EQ(decode_totals(encode(full_totals())).value(), full_totals());
    EXPECT_EQ(decode_totals(encode(Totals{})).value(), Totals{});
    EXPECT_EQ(decode_input(encode(full_input())).value(), full_input());
    const std::vector<RunHost> hosts{{0, 5}, {1, 1}, {700, 256}, {4'294'967'295U, 1'000'000}};
    EXPECT_EQ(decode_run(encode_run(hosts)).value(), hosts);
    const std::vector<std::string> texts{"", "a", std::string(300, 'b')};
    EXPECT_EQ(decode_texts(encode_texts(texts)).value(), texts);
}

// What rows got later stands behind the rest, and only where there is something: older rows are read as they are.
TEST(Rows, KeepWhatOlderRowsDoNotHave) {
    HostRow host = full_host();
    host.restored = 7;
    EXPECT_EQ(decode_host(encode(host)).value(), host);
    InputRow input = full_input();
    input.extents = {{0, 0, 12'000}, {12'000, 15'000, 8'000}};
    EXPECT_EQ(decode_input(encode(input)).value(), input);
    EXPECT_FALSE(decode_input(encode(input) + "x"));
    EXPECT_FALSE(decode_host(encode(full_host()) + "\x02\x07"));
}

// A settled record is most of what the state holds: 20 M of them should stay a few GB.
TEST(Rows, StoredRecordIsSmall) {
    Record record = full_record();
    record.waiting = false;
    record.final_url.clear();
    record.detail.clear();
    EXPECT_LT(encode(record).size(), record.url.size() + record.location.size() + 75);
}

template <class Decode>
void expect_damage_is_found(const std::string& whole, Decode decode) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_FALSE(decode(std::string_view(whole).substr(0, size))) << "cut at " << size;
    }
    EXPECT_FALSE(decode(whole + "x")) << "left over";
    std::string newer = whole;
    newer[0] = 2;
    EXPECT_EQ(decode(newer).error(), Errc::newer_row);
}

TEST(Rows, CutRowsAreDamage) {
    expect_damage_is_found(encode(full_record()), decode_record);
    expect_damage_is_found(encode(full_host()), decode_host);
    expect_damage_is_found(encode(full_input()), decode_input);
    expect_damage_is_found(encode_run({{1, 2}, {3, 4}}), decode_run);
    expect_damage_is_found(encode_texts({"ab", "c"}), decode_texts);
}

// Whatever the disk gives back: an error or a row, never a crash (run it under the sanitizers).
TEST(Rows, RandomDamageIsSurvived) {
    std::mt19937 random(1);
    BlockCodec codec;
    const std::vector<QueueItem> items(200, QueueItem{5, "http://example.org/some/longer/path/to/an/image.jpg"});
    const std::vector<std::string> wholes{encode(full_record()), encode(full_host()),
                                          encode(full_totals()), encode(full_input()),
                                          encode_run({{1, 2}}),  codec.pack("example.org", items).value()};
    for (int round = 0; round < 20'000; ++round) {
        std::string bytes = wholes[random() % wholes.size()];
        for (unsigned edits = 1 + random() % 4; edits > 0; --edits) {
            bytes[random() % bytes.size()] = static_cast<char>(random());
        }
        bytes.resize(bytes.size() - random() % 3);
        (void)decode_record(bytes);
        (void)decode_host(bytes);
        (void)decode_totals(bytes);
        (void)decode_input(bytes);
        (void)decode_run(bytes);
        (void)decode_texts(bytes);
        (void)Progress::decode(bytes);
        (void)codec.unpack("example.org", bytes);
    }
}

TEST(Rows, OutcomeOfANewerListIsToldAsSuch) {
    std::string bytes = encode(full_record());
    bytes[2] = static_cast<char>(200);
    EXPECT_EQ(decode_record(bytes).error(), Errc::newer_row);
}

TEST(Rows, RunsWantAscendingHosts) {
    EXPECT_FALSE(decode_run(encode_run({{5, 1}, {5, 1}})));
    EXPECT_FALSE(decode_run(encode_run({{5, 1}, {4, 1}})));
}

TEST(Tables, MetaTotalsAndIntentsBeginEmpty) {
    const TempFolder temp;
    const State state(temp.path());
    {
        const ReadTxn txn = state.env->read().value();
        EXPECT_EQ(get_totals(txn).value(), Totals{});
        EXPECT_TRUE(get_intents(txn).value().empty());
    }
    ASSERT_TRUE(state.write([](WriteTxn& txn) -> Result<void> {
        EXPECT_TRUE(put_totals(txn, full_totals()));
        return put_intents(txn, {"00000/1.jpg"});
    }));
    const ReadTxn txn = state.env->read().value();
    EXPECT_EQ(get_totals(txn).value(), full_totals());
    EXPECT_EQ(get_intents(txn).value(), std::vector<std::string>{"00000/1.jpg"});
}

TEST(Tables, HostsInputsAndRunsComeInOrder) {
    const TempFolder temp;
    const State state(temp.path());
    ASSERT_TRUE(state.write([](WriteTxn& txn) -> Result<void> {
        for (const HostId id : {300U, 2U, 70'000U}) {
            EXPECT_TRUE(put_host(txn, id, full_host()));
            EXPECT_TRUE(put_input(txn, id, full_input()));
            EXPECT_TRUE(put_run(txn, id, {{id, 5}}));
        }
        return {};
    }));
    const ReadTxn txn = state.env->read().value();
    std::vector<std::uint32_t> seen;
    const auto note = [&](std::uint32_t id, const auto&) {
        seen.push_back(id);
        return true;
    };
    ASSERT_TRUE(for_each_host(txn, note));
    ASSERT_TRUE(for_each_input(txn, note));
    ASSERT_TRUE(for_each_run(txn, note));
    EXPECT_EQ(seen, (std::vector<std::uint32_t>{2, 300, 70'000, 2, 300, 70'000, 2, 300, 70'000}));
    EXPECT_EQ(get_host(txn, 300).value(), full_host());
    EXPECT_EQ(get_host(txn, 301).error(), Errc::not_found);
    EXPECT_EQ(get_run(txn, 2).value(), (std::vector<RunHost>{{2, 5}}));
    EXPECT_EQ(get_input(txn, 2).value(), full_input());
}

TEST(Tables, DamagedRowIsAnErrorNotARow) {
    const TempFolder temp;
    const State state(temp.path());
    state.put(Table::hosts, std::string_view("\0\0\0\5", 4), "\x01garbage");
    const ReadTxn txn = state.env->read().value();
    EXPECT_EQ(get_host(txn, 5).error(), Errc::corrupt);
    EXPECT_EQ(for_each_host(txn, [](HostId, const HostRow&) { return true; }).error(), Errc::corrupt);
}

TEST(Queue, NextBlockStaysInItsRunAndHost) {
    const TempFolder temp;
    const State state(temp.path());
    ASSERT_TRUE(state.write([](WriteTxn& txn) -> Result<void> {
        for (const QueueKey& key : {QueueKey{1, 5, 0}, QueueKey{1, 5, 3}, QueueKey{1, 6, 0}, QueueKey{2, 5, 1}}) {
            EXPECT_TRUE(append_block(txn, key, "x"));
        }
        EXPECT_EQ(append_block(txn, {1, 7, 0}, "x").error(), Errc::out_of_order);
        return {};
    }));
    const ReadTxn txn = state.env->read().value();
    EXPECT_EQ(next_block(txn, 5, 1, 0).value(), (QueueKey{1, 5, 0}));
    EXPECT_EQ(next_block(txn, 5, 1, 1).value(), (QueueKey{1, 5, 3}));
    EXPECT_EQ(next_block(txn, 5, 1, 4).error(), Errc::not_found);
    EXPECT_EQ(next_block(txn, 5, 2, 0).value(), (QueueKey{2, 5, 1}));
    EXPECT_EQ(next_block(txn, 9, 2, 0).error(), Errc::not_found);
}

TEST(Queue, BlocksAndProgressTravelTogether) {
    const TempFolder temp;
    const State state(temp.path());
    BlockCodec codec;
    const std::vector<QueueItem> items{
        {7, "http://a.org/1.jpg"}, {900, "https://a.org/2.jpg"}, {901, "HTTP://A.org/3"}};
    const QueueKey key{1, 2, 0};
    Progress progress;
    progress.set(1);
    ASSERT_TRUE(state.write([&](WriteTxn& txn) -> Result<void> {
        EXPECT_TRUE(append_block(txn, key, codec.pack("a.org", items).value()));
        return put_progress(txn, key, progress);
    }));
    {
        const ReadTxn txn = state.env->read().value();
        const QueueBlock block = get_block(txn, codec, key, "a.org").value();
        ASSERT_EQ(block.size(), 3U);
        EXPECT_EQ(block[1], (QueueEntry{900, "https://a.org/2.jpg"}));
        EXPECT_EQ(block[2].url, "HTTP://A.org/3") << "as written, not as meant";
        EXPECT_EQ(get_progress(txn, key).value(), progress);
        EXPECT_EQ(get_progress(txn, {1, 2, 1}).value(), Progress{});
        EXPECT_EQ(get_block(txn, codec, {1, 2, 1}, "a.org").error(), Errc::not_found);
    }
    ASSERT_TRUE(state.write([&](WriteTxn& txn) -> Result<void> {
        EXPECT_TRUE(erase_block(txn, key).value());
        EXPECT_TRUE(delete_progress(txn, key).value());
        EXPECT_FALSE(delete_progress(txn, key).value());
        return {};
    }));
    EXPECT_EQ(state.count(Table::queue), 0U);
}

TEST(Records, AreFoundByHostAndHash) {
    const TempFolder temp;
    const State state(temp.path());
    const RecordKey a{5, {1, 2}};
    const RecordKey b{5, {1, 3}};
    const RecordKey c{6, {0, 0}};
    ASSERT_TRUE(state.write([&](WriteTxn& txn) -> Result<void> {
        for (const RecordKey& key : {c, b, a}) {
            EXPECT_TRUE(put_record(txn, key, full_record()));
        }
        return {};
    }));
    std::vector<RecordKey> seen;
    const auto note = [&](const RecordKey& key, const Record& record) {
        EXPECT_EQ(record, full_record());
        seen.push_back(key);
        return true;
    };
    {
        const ReadTxn txn = state.env->read().value();
        EXPECT_EQ(get_record(txn, b).value(), full_record());
        EXPECT_TRUE(has_record(txn, b).value());
        EXPECT_FALSE(has_record(txn, {5, {1, 4}}).value());
        ASSERT_TRUE(for_each_record_of(txn, 5, note));
        EXPECT_EQ(seen, (std::vector<RecordKey>{a, b}));
        ASSERT_TRUE(for_each_record(txn, note));
    }
    ASSERT_TRUE(scan_records(*state.env, note));
    EXPECT_EQ(seen, (std::vector<RecordKey>{a, b, a, b, c, a, b, c}));
}

TEST(Retries, ComeByDueTimeAndResumeAfterAKey) {
    const TempFolder temp;
    const State state(temp.path());
    const auto key = [](std::int64_t due, std::uint64_t low) { return RetryKey{due, {1, {0, low}}}; };
    ASSERT_TRUE(state.write([&](WriteTxn& txn) -> Result<void> {
        for (const RetryKey& k : {key(3000, 1), key(-1, 2), key(2000, 3), key(2000, 4), key(256, 5)}) {
            EXPECT_TRUE(put_retry(txn, k, Outcome::timeout_total));
        }
        return {};
    }));
    const auto dues = [&](const std::optional<RetryKey>& after, std::int64_t until, std::size_t limit) {
        std::vector<std::uint64_t> lows;
        for (const Retry& retry : due_retries(state.env->read().value(), after, until, limit).value()) {
            EXPECT_EQ(retry.outcome, Outcome::timeout_total);
            lows.push_back(retry.key.record.hash.low);
        }
        return lows;
    };
    EXPECT_EQ(dues({}, 2000, 99), (std::vector<std::uint64_t>{2, 5, 3, 4}));
    EXPECT_EQ(dues({}, 1999, 99), (std::vector<std::uint64_t>{2, 5}));
    EXPECT_EQ(dues({}, 9999, 2), (std::vector<std::uint64_t>{2, 5}));
    EXPECT_EQ(dues(key(2000, 3), 9999, 99), (std::vector<std::uint64_t>{4, 1}));
    ASSERT_TRUE(state.write([&](WriteTxn& txn) -> Result<void> {
        EXPECT_TRUE(delete_retry(txn, key(-1, 2)).value());
        EXPECT_FALSE(delete_retry(txn, key(-1, 2)).value());
        return {};
    }));
    EXPECT_EQ(dues({}, 300, 99), (std::vector<std::uint64_t>{5}));
}

// Part of the public promise about url_to_path.
TEST(UrlToPath, LongUrlsAreKeyedByTheirDigest) {
    EXPECT_EQ(map_key("http://a/1.jpg"), "http://a/1.jpg");
    EXPECT_EQ(map_key(std::string(500, 'a')), std::string(500, 'a'));
    EXPECT_EQ(map_key(std::string(501, 'a')),  // printf 'a%.0s' {1..501} | sha256sum
              "sha256:1b2c4bb5b20ed5bd7cf63b1a4ab74f0b3895dcb20a9f83573e3a53bd05f00de2");
}

TEST(UrlToPath, AndContentArePlainBytes) {
    const TempFolder temp;
    const State state(temp.path());
    const std::string long_url = "http://a/" + std::string(4'000, 'x');
    ASSERT_TRUE(state.write([&](WriteTxn& txn) -> Result<void> {
        EXPECT_TRUE(put_url_to_path(txn, "http://a/\xff.jpg", "00000/1.jpg"));
        EXPECT_TRUE(put_url_to_path(txn, long_url, "00000/2.jpg"));
        return put_content(txn, digest_of(3), "00000/1.jpg");
    }));
    EXPECT_EQ(state.get(Table::url_to_path, "http://a/\xff.jpg"), "00000/1.jpg");
    EXPECT_EQ(state.get(Table::content, std::string(32, '\x03')), "00000/1.jpg");
    {
        const ReadTxn txn = state.env->read().value();
        EXPECT_EQ(get_url_to_path(txn, long_url).value(), "00000/2.jpg");
        EXPECT_EQ(get_url_to_path(txn, "http://a/none").error(), Errc::not_found);
        EXPECT_EQ(get_content(txn, digest_of(3)).value(), "00000/1.jpg");
        EXPECT_EQ(get_content(txn, digest_of(4)).error(), Errc::not_found);
    }
    ASSERT_TRUE(state.write([&](WriteTxn& txn) -> Result<void> {
        EXPECT_TRUE(delete_url_to_path(txn, long_url).value());
        EXPECT_TRUE(delete_content(txn, digest_of(3)).value());
        return {};
    }));
    EXPECT_EQ(state.count(Table::url_to_path), 1U);
    EXPECT_EQ(state.count(Table::content), 0U);
}

TEST(Spellings, AreOfOneRecordAndComeInPieces) {
    const TempFolder temp;
    const State state(temp.path());
    const RecordKey x{7, {1, 1}};
    const RecordKey y{7, {1, 2}};
    ASSERT_TRUE(state.write([&](WriteTxn& txn) -> Result<void> {
        for (int i = 0; i < 25; ++i) {
            EXPECT_TRUE(put_spelling(txn, x, "http://a/" + std::to_string(i)));
            EXPECT_TRUE(put_spelling(txn, x, "http://a/" + std::to_string(i)));
        }
        EXPECT_TRUE(put_spelling(txn, x, "http://a/" + std::string(4'000, 'x')));
        EXPECT_TRUE(put_spelling(txn, y, "http://a/y"));
        EXPECT_TRUE(delete_spelling(txn, x, "http://a/24").value());
        EXPECT_FALSE(delete_spelling(txn, y, "http://a/24").value());
        return {};
    }));
    const ReadTxn txn = state.env->read().value();
    std::set<std::string> found;
    std::optional<std::string> after;
    do {
        const std::vector<std::string> piece = get_spellings(txn, x, 10, after).value();
        found.insert(piece.begin(), piece.end());
        after = piece.size() == 10 ? std::optional(piece.back()) : std::nullopt;
    } while (after);
    EXPECT_EQ(found.size(), 25U);
    EXPECT_FALSE(found.contains("http://a/y"));
    EXPECT_EQ(get_spellings(txn, y, 10).value(), std::vector<std::string>{"http://a/y"});
}

// Sites ---------------------------------------------------------------------------------------------------------------

SiteRow site_row(std::string robots) {
    return {{1'700'000'000'000, 1'700'086'400'000, 200, std::move(robots)}, {1'700'000'000'100, 1'700'000'000'050, 0, ""}};
}

TEST(Sites, AreKeptByOriginAndFoundByHost) {
    const TempFolder temp;
    const State state(temp.path());
    const SiteRow rules = site_row("-/no\n");
    const SiteRow unknown;
    ASSERT_TRUE(state.write([&](WriteTxn& txn) -> Result<void> {
        for (const OriginKey& key : {OriginKey{3, true, 443}, {2, true, 443}, {2, false, 80}, {2, false, 8080}}) {
            if (const auto put = put_site(txn, key, key.port == 8080 ? unknown : rules); !put) {
                return put;
            }
        }
        return {};
    }));
    const ReadTxn txn = state.env->read().value();
    EXPECT_EQ(get_site(txn, {2, true, 443}).value(), rules);
    EXPECT_EQ(get_site(txn, {2, false, 8080}).value(), unknown);
    EXPECT_EQ(get_site(txn, {2, true, 80}).error(), Errc::not_found);
    std::vector<OriginKey> seen;
    ASSERT_TRUE(for_each_site_of(txn, 2, [&](const OriginKey& key, const SiteRow&) {
        seen.push_back(key);
        return true;
    }));
    EXPECT_EQ(seen, (std::vector<OriginKey>{{2, false, 80}, {2, false, 8080}, {2, true, 443}}));
}

TEST(Sites, ARowThatIsTooLongIsNotKeptAndNeitherIsTheOneBefore) {
    const TempFolder temp;
    const State state(temp.path());
    const OriginKey key{2, true, 443};
    for (const std::size_t bytes : {std::size_t{10}, kMaxSiteRowBytes}) {
        ASSERT_TRUE(state.write([&](WriteTxn& txn) { return put_site(txn, key, site_row(std::string(bytes, 'x'))); }));
        EXPECT_EQ(get_site(state.env->read().value(), key).has_value(), bytes == 10);
    }
}

}  // namespace
}  // namespace grit::store
