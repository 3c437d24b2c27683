#include "response_reader.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

namespace grit::net {
namespace {

using Step = ResponseReader::Step;

struct Answer {
    Step end = Step::error;
    unsigned status = 0;
    std::string body;
    bool clean = false;
};

// Feeds at most `cut` bytes at a time; what is left over after the end of input is the step that wants more.
Answer read(std::string_view bytes, std::size_t cut) {
    ResponseReader reader(64 * 1024);
    Answer answer;
    bool in_body = false;
    for (;;) {
        const Step step = in_body ? reader.advance_body() : reader.advance_head();
        if (step == Step::head) {
            in_body = true;
            answer.status = reader.make_head().status;
        } else if (step == Step::piece) {
            answer.body.append(reinterpret_cast<const char*>(reader.piece().data()), reader.piece().size());
        } else if (step == Step::want_more && !bytes.empty()) {
            const std::span<std::byte> space = reader.space();
            if (space.empty()) {
                return answer;
            }
            const std::size_t size = std::min({cut, bytes.size(), space.size()});
            std::memcpy(space.data(), bytes.data(), size);
            bytes.remove_prefix(size);
            reader.added(size);
        } else {
            answer.end = step;
            answer.clean = reader.ended_cleanly();
            return answer;
        }
    }
}

TEST(ResponseReader, CutsMakeNoDifference) {
    const std::string bytes =
        "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n"
        "3\r\nabc\r\n0a;x=\"y\"\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n";
    for (std::size_t cut = 1; cut <= bytes.size(); ++cut) {
        const Answer answer = read(bytes, cut);
        EXPECT_EQ(answer.end, Step::complete) << cut;
        EXPECT_EQ(answer.status, 200u) << cut;
        EXPECT_EQ(answer.body, "abc0123456789") << cut;
        EXPECT_TRUE(answer.clean) << cut;
    }
}

TEST(ResponseReader, BytesBehindTheAnswerAreNoticed) {
    const Answer answer = read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabX", 1000);
    EXPECT_EQ(answer.end, Step::complete);
    EXPECT_EQ(answer.body, "ab");
    EXPECT_FALSE(answer.clean);
}

TEST(ResponseReader, EveryPrefixWantsMore) {
    const std::string bytes = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345";
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_EQ(read(bytes.substr(0, size), 7).end, Step::want_more) << size;
    }
    EXPECT_EQ(read(bytes, 7).end, Step::complete);
}

TEST(ResponseReader, LinesWithoutEndAreRefused) {
    const std::string endless(1'000'000, 'x');
    EXPECT_EQ(read("HTTP/1.1 200 " + endless, 4096).end, Step::error);
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nX: " + endless, 4096).end, Step::error);
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;" + endless, 4096).end, Step::error);
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " + endless, 4096).end, Step::error);
    EXPECT_EQ(read(endless, 4096).end, Step::error);
}

TEST(ResponseReader, TheLimitOfTheHeadIsExactHoweverItIsCut) {
    const std::string begin = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: ";
    const std::size_t limit = 64 * 1024;
    for (const std::size_t size : {limit - 1, limit, limit + 1, limit + 100}) {
        const std::string bytes = begin + std::string(size - begin.size() - 4, 'x') + "\r\n\r\n";
        for (const std::size_t cut : {std::size_t{1'000}, std::size_t{4'099}, bytes.size()}) {
            EXPECT_EQ(read(bytes, cut).end, size <= limit ? Step::complete : Step::error) << size << ' ' << cut;
        }
    }
}

// Beast asserts that five bytes are there when it comes back to a last chunk whose trailers had not come.
TEST(ResponseReader, ALastChunkMayComeByteByByte) {
    const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (const char* rest : {"0\r\n\r\n", "0\r\nA: b\r\n\r\n", "0;x\r\n\r\n", "000\r\n\r\n"}) {
        EXPECT_EQ(read(head + rest, 1).end, Step::complete) << rest;
        EXPECT_TRUE(read(head + rest, 1).clean) << rest;
    }
}

TEST(ResponseReader, FieldsAreCounted) {
    const auto head_of = [](int fields) {
        std::string head = "HTTP/1.1 204 No Content\r\n";
        for (int i = 0; i < fields; ++i) {
            head += "a:\r\n";
        }
        return head + "\r\n";
    };
    EXPECT_EQ(read(head_of(1'000), 4096).end, Step::complete);
    EXPECT_EQ(read(head_of(1'001), 4096).end, Step::error);
}

TEST(ResponseReader, MangledBytesEndInAStep) {
    const std::string good = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    // Every single byte replaced by every byte: no crash, no endless loop (sanitizers watch).
    for (std::size_t at = 0; at < good.size(); ++at) {
        for (int value = 0; value < 256; ++value) {
            std::string bytes = good;
            bytes[at] = static_cast<char>(value);
            const Step end = read(bytes, 16).end;
            EXPECT_TRUE(end == Step::complete || end == Step::error || end == Step::want_more);
        }
    }
}

}  // namespace
}  // namespace grit::net
