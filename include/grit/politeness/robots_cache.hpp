// What each origin's robots.txt says, for as long as it may be believed (RFC 9309 section 2.4).
#pragma once

#include "grit/base/clock.hpp"
#include "grit/robots/rules.hpp"

#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace grit::politeness {

/// Rules by origin ("https://example.org:443"), bounded in bytes, the longest unused ones leave first.
///
/// An entry that has left or expired is fetched again: being asked once more for robots.txt is what the bound costs.
/// Threads: its shard's only.
class RobotsCache {
  public:
    /// RFC 9309 section 2.4: not used for more than 24 hours.
    static constexpr Milliseconds kLifetime{24 * 3'600'000};

    explicit RobotsCache(std::size_t max_bytes) : max_bytes_(max_bytes) {}

    /// The rules of that origin; nullptr if they have to be fetched. Valid until the next `put`.
    [[nodiscard]] const robots::Rules* find(std::string_view origin, SteadyTime now);

    void put(std::string origin, robots::Rules rules, SteadyTime now);

    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

  private:
    struct Entry {
        std::string origin;
        robots::Rules rules;
        SteadyTime expires;
        std::size_t bytes;
    };
    void drop(std::list<Entry>::iterator entry);

    std::size_t max_bytes_;
    std::size_t bytes_ = 0;
    std::list<Entry> entries_;  // most recently used first
    std::unordered_map<std::string_view, std::list<Entry>::iterator> by_origin_;
};

}  // namespace grit::politeness
