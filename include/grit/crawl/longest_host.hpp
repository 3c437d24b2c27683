// The host that takes longest: it bounds the crawl, however fast the others are.
#pragma once

#include <bit>
#include <cstdint>
#include <string>

#include "grit/base/clock.hpp"

namespace grit::crawl {

struct LongestHost {
    std::string name;
    std::uint64_t remaining = 0;
    Milliseconds interval{0};
    Milliseconds least_interval{0};  ///< that its manners allow: the config's, or those of its class
    Milliseconds per_request{0};  ///< the interval, or what its answers take where that is more
    Milliseconds eta{0};          ///< until its last request, at its present pace
};

/// What an operator could do about it, in a sentence.
[[nodiscard]] std::string remedy_for(const LongestHost& host);

/// Decides when a warning about the longest host is worth a line of the log: when it takes longer than a day, and again
/// each time that has doubled; while the input is still being read only once, since it grows by itself then.
class LongestHostNotice {
  public:
    static constexpr Milliseconds kDay{24 * 3'600'000};

    /// @return whether to warn now.
    [[nodiscard]] bool due(Milliseconds eta, bool input_complete) {
        const auto days = static_cast<std::uint64_t>(eta / kDay);
        const int level = static_cast<int>(std::bit_width(days));
        if (level <= said_ || (!input_complete && said_ > 0)) {
            return false;
        }
        said_ = level;
        return true;
    }

  private:
    int said_ = 0;  // 1: over a day, 2: over two, 3: over four
};

}  // namespace grit::crawl
