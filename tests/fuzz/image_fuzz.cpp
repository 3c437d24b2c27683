// A hostile body in hostile pieces: no crash, and the same answer as in one piece.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "grit/media/inspector.hpp"

namespace {

using grit::media::Inspector;
using grit::media::Verdict;

void require(bool condition) {
    if (!condition) {
        std::abort();
    }
}

}  // namespace

// The first byte chooses the size of the pieces, the rest is the body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::span<const std::byte> body = std::as_bytes(std::span(data, size)).subspan(1);
    const std::size_t piece = 1 + data[0] % 80;

    Inspector at_once;
    at_once.feed(body);
    Inspector in_pieces;
    for (std::size_t at = 0; at < body.size(); at += piece) {
        const bool refused = in_pieces.refused();
        in_pieces.feed(body.subspan(at, std::min(piece, body.size() - at)));
        require(!refused || in_pieces.refused());
    }
    const Verdict verdict = at_once.finish();
    require(in_pieces.finish() == verdict && at_once.finish() == verdict);
    require(in_pieces.type() == at_once.type() && in_pieces.dimensions() == at_once.dimensions());
    require((verdict == Verdict::empty) == body.empty());
    require(!at_once.refused() || verdict == Verdict::not_an_image);
    if (body.size() >= grit::media::kSniffBytes || verdict == Verdict::whole) {
        require(grit::media::sniff(body) == at_once.type());
    }
    return 0;
}
