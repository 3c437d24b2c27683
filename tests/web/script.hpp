// What the test web is told to do wrong, and where: rules from a JSON file.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace grit::testweb {

/// Where a connection is left hanging until the peer goes away.
enum class Stall : std::uint8_t { none, handshake, head, body };

/// What is wrong with the certificate of a name.
enum class BadCertificate : std::uint8_t { wrong_name, expired, self_signed };

/// How the length of a body is told.
enum class Framing : std::uint8_t {
    length,   ///< Content-Length
    chunked,  ///< Transfer-Encoding: chunked
    close,    ///< no length: the body ends with the connection
};

enum class DnsAnswer : std::uint8_t { addresses, nxdomain, servfail, refused, timeout, nodata, truncated };

struct DnsBehaviour {
    DnsAnswer answer = DnsAnswer::addresses;
    std::vector<std::string> addresses;  ///< IPv4 or IPv6, dotted; empty: the web's own
    std::uint32_t ttl_seconds = 60;
    std::chrono::milliseconds delay{0};
};

/// How one request is answered. The default value is a plain 200 with the URL's image.
struct Behaviour {
    int status = 200;
    std::optional<std::string> body;  ///< instead of the image
    std::string content_type;         ///< instead of the body's own
    std::vector<std::pair<std::string, std::string>> headers;
    std::string retry_after;  ///< sent verbatim; "date:+5" is an HTTP-date 5 s ahead
    std::string redirect_to;  ///< Location; {scheme}, {host} and {path} (the target) are replaced
    Framing framing = Framing::length;
    std::chrono::milliseconds delay{0};       ///< before the head
    std::uint32_t drip_bytes_per_second = 0;  ///< 0: as fast as it goes
    Stall stall = Stall::none;
    double truncate = 1;            ///< close after this part of the body; 1: all is sent
    double image_cut = 1;           ///< the image itself is cut, Content-Length tells the cut size
    std::int64_t wrong_length = 0;  ///< added to Content-Length
    bool reset = false;             ///< RST in the middle of the body
    bool endless = false;           ///< the body never ends
    bool connection_close = false;  ///< says "Connection: close" and does it
    bool silent_close = false;      ///< closes after the answer without saying so
};

/// When a rule applies, and what it does on each of the layers it speaks of.
struct Rule {
    std::string name;
    std::string host = "*";           ///< glob: * and ?
    std::optional<std::string> path;  ///< glob over the target; a rule without it leaves the site's own files alone
    double fraction = 1;              ///< of all hosts or URLs, by a seeded hash
    bool fraction_of_hosts = true;
    std::uint32_t first_n = 0;                                      ///< only the first n requests; 0: all
    bool first_n_of_host = false;                                   ///< counted per host; else per URL
    std::chrono::milliseconds from{0};                              ///< active this long after the start
    std::chrono::milliseconds until{std::chrono::hours(24 * 365)};  ///< and until then
    double rate_limit_per_second = 0;  ///< applies only to requests of a host above this rate; 0: no such limit
    /// Requests that a host's bucket holds, filled at that rate; 0: any second holds so many as the rate says, instead.
    double rate_limit_burst = 0;

    std::optional<Behaviour> http;    ///< any request but for the site's own files (see `path`)
    std::optional<Behaviour> robots;  ///< robots.txt
    std::optional<Behaviour> tdmrep;  ///< tdmrep.json
    std::optional<BadCertificate> certificate;
    bool stall_handshake = false;
    std::optional<DnsBehaviour> dns;
};

/// The rules in force, with what they have to remember.
///
/// On each layer (DNS, TLS, HTTP) the first rule that applies and that says something about this layer decides.
/// Threads: all functions may be called from any thread.
class Script {
  public:
    using Now = std::chrono::steady_clock::time_point;

    Script(std::vector<Rule> rules, std::uint64_t seed, Now started);

    /// @return the rule for this request, or null: the default answer (the image; 404 for the site's own files). Counts
    /// the request where a rule counts.
    [[nodiscard]] const Rule* for_request(std::string_view host, std::string_view target, Now now);
    [[nodiscard]] const Rule* for_handshake(std::string_view host, Now now);
    [[nodiscard]] const Rule* for_name(std::string_view host, Now now);

    /// The behaviour that `rule` has for this request.
    [[nodiscard]] static const Behaviour& behaviour_of(const Rule& rule, std::string_view target);

  private:
    struct Bucket {
        double tokens = 0;
        Now filled;
    };
    struct Memory {
        std::unordered_map<std::string, std::uint32_t> seen;
        std::unordered_map<std::string, std::deque<Now>> passed;  ///< within the last second
        std::unordered_map<std::string, Bucket> buckets;
    };
    [[nodiscard]] bool applies(const Rule& rule, std::string_view host, std::string_view target, Now now) const;
    [[nodiscard]] static bool within_rate(const Rule& rule, Memory& memory, std::string_view host, Now now);
    [[nodiscard]] bool counts_allow(std::size_t rule, std::string_view host, std::string_view target, Now now);

    const std::vector<Rule> rules_;
    const std::uint64_t seed_;
    const Now started_;
    std::mutex mutex_;
    std::vector<Memory> memory_;
};

/// Reads the rules of a script: `{"rules": [...]}` or the list alone (tests/web/README.md lists the keys).
/// Throws std::runtime_error that names the rule and the key for anything it does not know.
[[nodiscard]] std::vector<Rule> parse_rules(std::string_view json);

/// Matches `*` (any run) and `?` (any byte).
[[nodiscard]] bool glob_matches(std::string_view glob, std::string_view text) noexcept;

inline constexpr std::string_view kRobotsPath = "/robots.txt";
inline constexpr std::string_view kTdmRepPath = "/.well-known/tdmrep.json";

/// A file in which a site speaks of itself, not an image: robots.txt, tdmrep.json.
[[nodiscard]] constexpr bool is_site_file(std::string_view target) noexcept {
    return target == kRobotsPath || target == kTdmRepPath;
}

}  // namespace grit::testweb
