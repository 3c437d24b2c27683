// What each origin says of itself: its robots.txt (RFC 9309) and its tdmrep.json, and for how long that is believed.
#pragma once

#include "grit/base/clock.hpp"
#include "grit/base/outcome.hpp"
#include "grit/robots/rules.hpp"
#include "grit/robots/tdm_rules.hpp"
#include "grit/store/tables.hpp"

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string_view>
#include <variant>

namespace grit::politeness {

/// A file in which a site says what may be done with it.
enum class SiteFile : std::uint8_t { robots, tdmrep };

/// "/robots.txt", "/.well-known/tdmrep.json".
[[nodiscard]] std::string_view target_of(SiteFile file) noexcept;
/// "robots.txt", "tdmrep.json": for people.
[[nodiscard]] std::string_view name_of(SiteFile file) noexcept;

/// What such a file says. What one that is not there says (4xx) is an empty one.
using SiteWord = std::variant<robots::Rules, robots::TdmRules>;

/// What a file says that is not there.
[[nodiscard]] SiteWord word_of_none(SiteFile file);

/// Which files are asked for and obeyed.
struct ObeyedFiles {
    bool robots = true;
    bool tdmrep = true;
    [[nodiscard]] bool any() const noexcept { return robots || tdmrep; }
};

/// How far one file is known.
struct FileKnowledge {
    bool known = false;         ///< there is a copy
    std::uint8_t failures = 0;  ///< in a row, since it answered last
    std::uint16_t status = 0;   ///< HTTP, of the last answer; 0 if none came
    SteadyTime fetched{};       ///< when it answered last
    SteadyTime ask_at{};        ///< when it is to be asked for again
};

struct SitePolicy {
    robots::Rules rules;
    robots::TdmRules reservations;
    FileKnowledge robots;
    FileKnowledge tdmrep;
};

/// Why a URL may not be asked for.
struct SiteRefusal {
    Outcome outcome = Outcome::robots_denied;
    std::string_view detail;  ///< the file that says so
};

/// Policies by origin, bounded in bytes, the longest unused ones leave first: the state has them all.
///
/// A copy is believed for a day (RFC 9309 section 2.4), and asked for anew when it is needed after that. If that fails
/// it goes on being used, thirty days at most (section 2.3.1.4), and is asked for again after an hour, two, and so on up
/// to a day. Ages are counted by the steady clock while the process runs, and by wall time over a restart: a copy from
/// the future (the clock was set back) has no age that could be trusted, so it is none.
/// Threads: its shard's only.
class SitePolicies {
  public:
    /// RFC 9309 section 2.4: not used for more than 24 hours, unless the file is unreachable.
    static constexpr Milliseconds kLifetime{24 * 3'600'000};
    /// RFC 9309 section 2.3.1.4 speaks of 30 days.
    static constexpr Milliseconds kMaxAge{30 * kLifetime};
    /// After the first failure. A deploy or a short outage is over by then; doubled up to `kLifetime`, so that a site
    /// that is broken for a month is asked some thirty times.
    static constexpr Milliseconds kFirstRetry{3'600'000};

    SitePolicies(std::size_t max_bytes, ObeyedFiles obeyed) : max_bytes_(max_bytes), obeyed_(obeyed) {}

    [[nodiscard]] ObeyedFiles obeyed() const noexcept { return obeyed_; }

    /// What is held in memory of that origin; nullptr if the state has to be asked. Valid until the next change.
    [[nodiscard]] const SitePolicy* find(const store::OriginKey& origin);
    /// Takes a policy over from the state, unless there is one in memory, which is newer. What is too old, from the
    /// future or damaged is left out.
    void load(const store::OriginKey& origin, const store::SiteRow& row, SteadyTime now, WallTime wall_now);

    /// The file that has to be asked for before a URL of that origin is: robots.txt first, then tdmrep.json if
    /// robots.txt allows that.
    /// @param policy  of `find`; nullptr is an origin of which nothing is known.
    [[nodiscard]] std::optional<SiteFile> missing(const SitePolicy* policy, SteadyTime now) const;
    /// Whether a target may be asked for, once nothing is missing.
    [[nodiscard]] std::optional<SiteRefusal> refusal(const SitePolicy& policy, std::string_view target) const;

    /// The file has answered.
    void put(const store::OriginKey& origin, SiteWord word, std::uint16_t status, SteadyTime now);
    /// So often a tdmrep.json is asked for whose host asks for less (429, 503) each time.
    static constexpr std::uint8_t kTdmRepTries = 3;

    /// The file could not be had.
    /// @param put_off  the host asked for less: that is no answer about the file.
    /// @return true if its site may be asked for images nevertheless: there is a copy that still counts, or it is a
    /// tdmrep.json, which then reserves nothing for a day. The report takes a file that a site does not give access to as
    /// "does not implement this protocol" (section 6.1), and a reservation in the image's own head still counts.
    bool unreachable(const store::OriginKey& origin, SiteFile file, bool put_off, SteadyTime now);

    /// The longest Crawl-delay of the origins of a host that are in memory and believed; 0 if there is none.
    [[nodiscard]] Milliseconds crawl_delay(HostId host, SteadyTime now) const;

    /// What the state is to remember of an origin. Only for one that is in memory.
    [[nodiscard]] store::SiteRow row(const store::OriginKey& origin, SteadyTime now, WallTime wall_now) const;

    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

  private:
    struct Entry {
        store::OriginKey origin;
        SitePolicy policy;
        std::size_t bytes = 0;
    };
    [[nodiscard]] Entry& entry_of(const store::OriginKey& origin);
    void recount(Entry& entry);
    void drop(std::list<Entry>::iterator entry);

    std::size_t max_bytes_;
    ObeyedFiles obeyed_;
    std::size_t bytes_ = 0;
    std::list<Entry> entries_;  // most recently used first
    std::map<store::OriginKey, std::list<Entry>::iterator> by_origin_;
};

}  // namespace grit::politeness
