// What the first bytes of a body say, also while there are too few of them.
#pragma once

#include <span>

#include "grit/media/image_type.hpp"

namespace grit::media {

struct Classification {
    enum class State {
        known,    ///< It is `type`, whatever follows.
        open,     ///< More bytes may still make it an image.
        refused,  ///< Nothing that follows can.
    };
    State state = State::refused;
    ImageType type = ImageType::unknown;
};

/// Once known or refused, more bytes never change the answer.
/// @param complete no more bytes will come, or `head` has kSniffBytes: `open` then means a cut beginning of an image.
[[nodiscard]] Classification classify(std::span<const std::byte> head, bool complete);

}  // namespace grit::media
