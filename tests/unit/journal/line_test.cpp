#include "grit/journal/line.hpp"

#include "grit/journal/data.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace grit::journal {
namespace {

Line full_line() {
    Line line;
    line.kind = Kind::result;
    line.time_ms = 1'795'410'000'123;
    line.host = "example.org";
    line.record = store::Record{.outcome = Outcome::stored,
                                .http_status = 200,
                                .attempts = 2,
                                .first_ms = 1'795'410'000'000,
                                .last_ms = 1'795'410'000'123,
                                .ordinal = 120'005,
                                .size = 5'000,
                                .image_type = 1,
                                .width = 640,
                                .height = 480,
                                .location = "00012/000120005.jpg",
                                .url = "https://example.org/a \"b\"\\\n\t/\xC3\xA4.jpg",
                                .final_url = "https://cdn.example.org/x",
                                .detail = "certificate waived"};
    line.record.sha256.fill(std::byte{0xAB});
    return line;
}

TEST(JournalLine, SaysAgainWhatItWasTold) {
    const Line line = full_line();
    const auto read = parse_line(whole_line(7, text_of(line)));
    ASSERT_TRUE(read) << read.error().what;
    EXPECT_EQ(read->seq, 7u);
    EXPECT_EQ(read->kind, Kind::result);
    EXPECT_EQ(read->host, line.host);
    EXPECT_EQ(read->time_ms, line.time_ms);
    EXPECT_EQ(read->record, line.record);
}

// The form of docs/journal.md, to the byte: other programs read it.
TEST(JournalLine, HasItsPublicForm) {
    Line line = full_line();
    line.record.url = "https://example.org/a.jpg";
    EXPECT_EQ(whole_line(7, text_of(line)),
              R"({"seq":7,"kind":"result","time":"2026-11-23T05:00:00.123Z","ordinal":120005,"url":"https://example.org/a.jpg",)"
              R"("host":"example.org","outcome":"stored","status":200,"attempts":2,"first_time":"2026-11-23T05:00:00.000Z",)"
              R"("retry_at":null,"size":5000,"type":"image/jpeg","width":640,"height":480,)"
              R"("sha256":"abababababababababababababababababababababababababababababababab","path":"00012/000120005.jpg",)"
              R"("final_url":"https://cdn.example.org/x","detail":"certificate waived","data":null,"check":"9025b018"})"
              "\n");
}

TEST(JournalLine, OfEachKindHasTheSameFieldsInTheSameOrder) {
    std::vector<std::string> expected;
    for (const Kind kind : {Kind::begin, Kind::result, Kind::retry, Kind::broken, Kind::opt_out, Kind::refused, Kind::found, Kind::duplicate, Kind::lost,
                            Kind::quarantined, Kind::input, Kind::host, Kind::block, Kind::unblock, Kind::opt_out_begun, Kind::opt_out_ended}) {
        Line line;
        line.kind = kind;
        line.data = {{"a", 1}};
        const std::string text = whole_line(1, text_of(line));
        const auto read = parse_line(text);
        ASSERT_TRUE(read) << name_of(kind) << ": " << read.error().what;
        EXPECT_EQ(read->kind, kind);
        EXPECT_EQ(read->data.at("a").as_int64(), 1);
        EXPECT_EQ(kind_named(name_of(kind)), kind);
        std::vector<std::string> names;
        const boost::json::value whole = boost::json::parse(text);
        for (const auto& field : whole.as_object()) {
            names.emplace_back(field.key());
        }
        expected = expected.empty() ? names : expected;
        EXPECT_EQ(names, expected) << name_of(kind);
    }
}

TEST(JournalLine, RepairsWhatIsNoUtf8) {
    Line line = full_line();
    line.record.detail = "a\xFF" "b\xC0\xAF\xED\xA0\x80\xF4\x90\x80\x80\xE2\x82" "c\xF0\x9F\x98\x80";
    const auto read = parse_line(whole_line(1, text_of(line)));
    ASSERT_TRUE(read) << read.error().what;
    const std::string bad = "\xEF\xBF\xBD";
    std::string expected = "a" + bad + "b";
    for (int i = 0; i < 11; ++i) {
        expected += bad;
    }
    EXPECT_EQ(read->record.detail, expected + "c\xF0\x9F\x98\x80");
}

TEST(JournalLine, NoticesEachFlippedByte) {
    const std::string whole = whole_line(7, text_of(full_line()));
    for (std::size_t i = 0; i + 1 < whole.size(); ++i) {
        std::string damaged = whole;
        damaged[i] = static_cast<char>(damaged[i] ^ 1);
        EXPECT_FALSE(parse_line(damaged)) << "at " << i;
    }
    for (std::size_t size = 0; size + 1 < whole.size(); ++size) {
        EXPECT_FALSE(parse_line(std::string_view(whole).substr(0, size))) << "cut at " << size;
    }
}

TEST(JournalData, SaysAgainWhatItWasTold) {
    const store::InputRow input{.path = "/a.jsonl", .size_bytes = 1ULL << 40, .first_block_bytes = 65'536, .byte_offset = 7, .line = 2,
                                .done = true, .extents = {{0, 0, 2}, {2, 9, 1}}};
    EXPECT_EQ(input_of(data_of(3, input)).row, input);
    EXPECT_EQ(input_of(data_of(3, input)).id, 3u);
    const store::BlockRow block{"domain", "example.org", "their wish", 17, 1000};
    EXPECT_EQ(block_of(data_of(block)), block);
    store::OptOutRow out;
    out.domain = "example.org";
    out.erase = true;
    out.freed_bytes = 1ULL << 50;
    EXPECT_EQ(opt_out_of(data_of(out)), out);
    store::HostRow host;
    host.not_before_ms = 17;
    host.backoff_level = 2;
    host.ceiling_ms = 500;
    host.gone_as = static_cast<std::uint8_t>(Outcome::unreachable);
    host.gone_ms = 5;
    host.origins = {{true, 443, 2, Outcome::tls_certificate, true, 0}};
    store::HostRow read;
    take_manners(manners_data_of(host), read);
    EXPECT_EQ(read, host);
    take_manners({{"interval_ms", "x"}, {"origins", 1}}, read);  // of another type: as in a new row
}

}  // namespace
}  // namespace grit::journal
