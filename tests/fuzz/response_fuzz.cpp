// A hostile answer in hostile pieces: no crash, bounded memory, and the same answer however it is cut.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "response_reader.hpp"

namespace {

using grit::net::ResponseHead;
using grit::net::ResponseReader;
using Step = ResponseReader::Step;

// Small, so that the bound is reached.
constexpr std::size_t kMaxHeaderBytes = 512;
// What the reader says it needs: the buffer of a body.
constexpr std::size_t kMaxSpace = std::size_t{64} * 1024;

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

struct Answer {
    Step end = Step::error;
    bool has_head = false;
    ResponseHead head;
    std::string body;
    bool ends_with_connection = false;
};

Answer read(std::string_view bytes, std::size_t cut) {
    ResponseReader reader(kMaxHeaderBytes);
    Answer answer;
    for (;;) {
        const Step step = answer.has_head ? reader.advance_body() : reader.advance_head();
        if (step == Step::head) {
            answer.has_head = true;
            answer.head = reader.make_head();
        } else if (step == Step::piece) {
            require(!reader.piece().empty());
            answer.body.append(reinterpret_cast<const char*>(reader.piece().data()), reader.piece().size());
        } else if (step == Step::want_more && !bytes.empty()) {
            const std::span<std::byte> space = reader.space();
            require(space.size() <= kMaxSpace);
            if (space.empty()) {
                return answer;  // a line without end: an error
            }
            const std::size_t size = std::min({cut, bytes.size(), space.size()});
            std::memcpy(space.data(), bytes.data(), size);
            bytes.remove_prefix(size);
            reader.added(size);
        } else {
            answer.end = step;
            answer.ends_with_connection = answer.has_head && reader.ends_body(true);
            return answer;
        }
    }
}

void check(const Answer& answer) {
    require(answer.end == Step::complete || answer.end == Step::error || answer.end == Step::want_more);
    require(answer.has_head || (answer.end != Step::complete && answer.body.empty()));
    if (!answer.has_head) {
        return;
    }
    require(answer.head.status >= 200 && answer.head.status <= 999);
    std::size_t header_bytes = 0;
    for (const auto& [name, value] : answer.head.fields) {
        header_bytes += name.size() + value.size();
        require(!name.empty() && (name + value).find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
    }
    require(header_bytes <= kMaxHeaderBytes);
    if (answer.head.content_length) {
        require(answer.body.size() <= *answer.head.content_length);
        require((answer.end == Step::complete) == (answer.body.size() == *answer.head.content_length));
    }
}

}  // namespace

// The first byte is the size of the pieces, the rest the answer.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const Answer at_once = read(bytes, bytes.size());
    check(at_once);
    const Answer in_pieces = read(bytes, std::size_t{1} + data[0] % 80);
    check(in_pieces);
    require(in_pieces.has_head == at_once.has_head);
    require(in_pieces.head.status == at_once.head.status && in_pieces.head.fields == at_once.head.fields);
    require(in_pieces.head.content_length == at_once.head.content_length);
    require(in_pieces.head.keep_alive == at_once.head.keep_alive);
    require(in_pieces.ends_with_connection == at_once.ends_with_connection);
    // Of a body that is cut off, a few bytes may still be held back.
    require(in_pieces.body == at_once.body ||
            (at_once.end != Step::complete && at_once.body.starts_with(in_pieces.body)));
    // A line is judged when it is whole, so what is wrong with the beginning of one may not be seen yet. Nothing else
    // may differ: an answer that is complete or not to be taken is so in any pieces.
    const bool judged_later = at_once.end == Step::error && in_pieces.end == Step::want_more;
    require(in_pieces.end == at_once.end || judged_later);
    return 0;
}
