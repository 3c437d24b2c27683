// Hosts and URLs of a frontier as an operator sees them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "grit/base/clock.hpp"
#include "grit/base/ids.hpp"
#include "grit/base/outcome.hpp"

namespace grit::frontier {

/// What a host is counted as.
enum class HostState : std::uint8_t {
    finished,  ///< nothing left to do
    ready,     ///< may be asked now
    active,    ///< has a request open
    parked,    ///< waits for its interval
    site,      ///< waits for its robots.txt or tdmrep.json
    domain,    ///< waits for a place among the requests to its domain
    backoff,   ///< asked for less
    down,      ///< could not be reached
};
inline constexpr std::array<std::string_view, 8> kHostStateNames{"finished", "ready",  "active",  "parked",
                                                                 "site",     "domain", "backoff", "down"};
inline constexpr std::size_t kHostStates = kHostStateNames.size();

[[nodiscard]] constexpr std::string_view name_of(HostState state) noexcept {
    return kHostStateNames[static_cast<std::size_t>(state)];
}
[[nodiscard]] std::optional<HostState> host_state_named(std::string_view name) noexcept;

/// What a host's next request waits for.
enum class Wait : std::uint8_t {
    nothing_left,  ///< there is none
    slot,          ///< it may be made now: a free fetch slot
    connection,    ///< the end of a request to the same host, or the moment at which one is sent
    pace,          ///< the host's interval
    retry_after,   ///< the time that the host asked for
    back_off,      ///< our own back-off after a refusal
    down,          ///< the next try at a host that could not be reached
    address,       ///< a connection to the host's address, which has as many as it may
    site,          ///< the host's robots.txt or tdmrep.json
    start,         ///< the first interval after a restart: nobody is asked before
    domain,        ///< a place among the requests to the host's domain
    origin,        ///< the next try at an origin; nothing is left but what waits for such
    state,         ///< our own state, which could not be read a moment ago
    given_up,      ///< nothing: the host is given up and its URLs end
};

/// One host.
struct HostView {
    HostId id = kNoHost;
    std::string name;
    HostState state = HostState::finished;
    Wait wait = Wait::nothing_left;
    std::uint64_t remaining = 0;
    std::uint64_t in_memory = 0;  ///< of those
    std::string politeness_class;  ///< empty: in none
    unsigned open = 0;
    unsigned connections = 0;  ///< most that may be open
    Milliseconds interval{0};
    Milliseconds least_interval{0};  ///< that its manners allow
    Milliseconds next_in{0};  ///< until it may be asked again, as far as pace and back-off go
    Milliseconds per_request{0};  ///< its interval, or what its answers take where that is more
    Milliseconds eta{0};  ///< until its last request is made, at its present pace
    unsigned refusals = 0;  ///< in a row, 429 and 503
    unsigned down_attempts = 0;
    unsigned down_schedule = 0;  ///< attempts after which it is given up
    std::optional<Outcome> last_failure;  ///< why it was left alone last, since the start
    std::optional<Outcome> gone_as;
    unsigned domain_open = 0;  ///< requests to all hosts of its domain
    unsigned domain_limit = 0;
    std::uint64_t stored = 0;
    std::uint64_t failed = 0;  ///< URLs that ended without an image
};

/// An origin that could not be reached or trusted, while its host's others are asked on.
struct OriginView {
    Outcome as = Outcome::unreachable;
    unsigned attempts = 0;
    Milliseconds next_in{0};  ///< until it is tried again
    bool gone = false;        ///< the schedule is used up: its URLs end
};

/// Where the frontier of its host has one URL.
struct UrlView {
    enum class Where : std::uint8_t {
        unseen,    ///< not in memory: on disk, settled, or not of this data set
        in_order,  ///< in its host's order, behind `ahead` others
        asked,     ///< leased now, for a request to `asked`
        left,      ///< a redirect took it to another host, or its result is on the way into the state
    };
    /// What its origin's robots.txt and tdmrep.json say.
    enum class Site : std::uint8_t { not_obeyed, unknown, allow, forbid };

    HostView host;
    Where where = Where::unseen;
    std::uint64_t ahead = 0;
    std::optional<OriginView> origin;  ///< its own, if that is in trouble
    HostId asked = kNoHost;
    Milliseconds asked_for{0};  ///< since it was leased
    unsigned hops = 0;          ///< redirects followed in this try
    Site site = Site::not_obeyed;
    std::string_view site_file;  ///< that is not known, or forbids: "robots.txt", "tdmrep.json"
    std::string rule;            ///< of robots.txt, that forbids: "Disallow: /private/"
    Outcome refused_as = Outcome::robots_denied;  ///< with `forbid`
    // Where the rest of the host's lines begins on disk.
    RunId next_run = 0;
    std::uint32_t next_block = 0;
    RunId last_run = 0;
};

}  // namespace grit::frontier
