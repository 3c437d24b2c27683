// What an operator decides: one plain struct per table of the TOML file, every key with its default.
//
// The file format, units and ranges are described key by key in config/gritd.toml; load.hpp reads it. A Config that
// came from there has passed every check named here; a Config made by hand (in a test) has not.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "grit/base/log.hpp"

namespace grit::config {

using std::chrono::milliseconds;

/// How images lie on disk (docs/design.md, "On disk").
enum class Layout : std::uint8_t { files, webdataset, img2dataset };

/// "files", "webdataset" or "img2dataset". Static storage.
[[nodiscard]] std::string_view name_of(Layout layout) noexcept;

/// [input]: the annotations.
struct Input {
    std::vector<std::string>
        annotations;                ///< Required, at least one: files, globs, "-" (stdin); .gz and .zst are read.
    std::string url_field = "url";  ///< Field of a line that holds the URL. Not empty.
    std::string id_field = "id";    ///< Field of a line that holds the id. Not empty.
    bool operator==(const Input&) const = default;
};

/// [storage]: the images.
struct Storage {
    std::string root;                      ///< Required: the folder of the image volume.
    Layout layout = Layout::files;         ///< Never changes during the life of a dataset.
    std::uint64_t min_free = 20ULL << 30;  ///< Bytes. Below this much free space the crawl pauses.
    std::uint32_t shard_images = 10'000;   ///< `webdataset`: a tar shard with so many is full. 1 to 1,000,000.
    std::uint64_t shard_size = 4ULL << 30;  ///< Bytes, likewise.
    bool all_jpg = false;                   ///< `webdataset`: every image is called .jpg, whatever its bytes are.
    bool dedupe_content = true;             ///< Equal bytes are stored once.
    /// Further volumes, 0 to 16: where each is, by names of [a-z][a-z0-9_-]{0,31}. No two are at one place, or one in another.
    std::map<std::string, std::string> volumes;
    bool operator==(const Storage&) const = default;
};

/// [state]: what gritd remembers.
struct State {
    std::string dir;  ///< Required: the folder of the LMDB file.
    bool operator==(const State&) const = default;
};

/// [journal]: the outcome journal (docs/journal.md).
struct Journal {
    bool enabled = true;
    std::string dir;                          ///< Its folder; empty: `outcomes` below storage.root.
    std::uint64_t seal_size = 64ULL << 20;    ///< Bytes of lines after which a file is sealed: 64 KiB to 16 GiB.
    milliseconds seal_after{3'600'000};       ///< Age at which a file is sealed: 1 s to 30 days.
    bool operator==(const Journal&) const = default;
};

/// [fetch]: one exchange with a server.
struct Fetch {
    std::uint32_t max_in_flight = 2000;       ///< Fetches at a time, over all shards: 1 to 100,000.
    milliseconds connect_timeout{10'000};     ///< TCP connect, and again the TLS handshake.
    milliseconds first_byte_timeout{15'000};  ///< From the request sent to the first byte of the answer.
    milliseconds idle_timeout{10'000};        ///< Between two pieces of a body.
    milliseconds total_timeout{60'000};       ///< The whole fetch with its redirects.
    std::uint64_t min_rate = 2048;            ///< Bytes per second of a body; 0 switches the check off.
    std::uint64_t max_body = 64ULL << 20;     ///< Bytes of a body.
    std::uint32_t max_redirects = 5;          ///< 0 to 20.
    std::string user_agent =
        "gritd/1.0 (+https://example.org/contact)";  ///< Begins with a product token, names a contact.
    std::uint32_t shards = 0;                        ///< Threads that fetch: 1 to 64; 0 is one per core (64 at most).
    bool operator==(const Fetch&) const = default;
};

/// [[politeness.class]]: hosts that one operator or one address pool serves, and what holds for them. What is not given
/// is as in [politeness].
struct HostClass {
    std::string name;                   ///< Letters, digits, "-", "_", "."; no two classes of a file have the same.
    std::vector<std::string> suffixes;  ///< Canonical host names; each means that host and all below it. At least one.
    std::string reason;                 ///< Why these hosts are a class, and by what source. Not empty.
    std::optional<std::uint32_t> connections_per_host;    ///< As in Politeness.
    std::optional<std::uint32_t> connections_per_domain;  ///< As in Politeness; of domains that a suffix covers wholly.
    std::optional<milliseconds> min_interval;             ///< As in Politeness.
    std::optional<milliseconds> max_interval;             ///< As in Politeness.
    bool operator==(const HostClass&) const = default;
};

/// [politeness]: what a host may expect of us.
struct Politeness {
    std::uint32_t connections_per_host = 2;  ///< 1 to 64.
    milliseconds min_interval{100};          ///< Fastest pace: time between two requests to a host. <= max_interval.
    milliseconds max_interval{30'000};       ///< Slowest pace that adaption alone can reach.
    bool robots = true;                      ///< Ask for robots.txt and obey it.
    std::vector<std::string> disallowed_directives{"noai", "noimageai", "noindex", "noimageindex",
                                                   "noml"};  ///< X-Robots-Tag directives that opt an image out.
    bool tdm_reservation = true;                             ///< `tdm-reservation: 1` opts an image out.
    bool tdmrep = true;                                      ///< Ask for tdmrep.json and obey it.
    std::uint32_t connections_per_domain = 8;                ///< Per registrable domain: 1 to 1,024.
    std::uint32_t connections_per_address = 32;              ///< Per dialled address: 1 to 4,096.
    bool shipped_classes = true;     ///< The classes of config/cdn_classes.toml hold, too (classes.hpp).
    std::vector<HostClass> classes;  ///< Those of the file, 0 to 128.
    bool operator==(const Politeness&) const = default;
};

/// [filter]: images that are not wanted. A bound of 0 is none.
struct Filter {
    std::uint64_t min_bytes = 0;
    std::uint32_t min_width = 0;  ///< Pixels, as the next three.
    std::uint32_t max_width = 0;
    std::uint32_t min_height = 0;
    std::uint32_t max_height = 0;
    std::uint32_t min_area = 0;  ///< Width times height.
    std::uint32_t max_area = 0;
    double max_aspect = 0;  ///< The longer side by the shorter one, 1 to 10,000.
    std::vector<std::string> placeholders;  ///< SHA-256 digests, 64 hex digits, of images that stand for a missing one.
    bool operator==(const Filter&) const = default;
};

/// [retry]: when a URL is asked again.
struct Retry {
    std::vector<milliseconds> schedule{std::chrono::minutes(1), std::chrono::minutes(10), std::chrono::hours(2),
                                       std::chrono::hours(24)};  ///< Wait before each retry, 1 to 16; then it is gone.
    milliseconds once_patience{60'000};  ///< `run --once` waits for what is due within this time.
    bool operator==(const Retry&) const = default;
};

/// [dns]
struct Dns {
    std::vector<std::string> servers;  ///< "ip", "ip:port" or "[v6]:port" (parse_endpoint); empty: the system's.
    bool operator==(const Dns&) const = default;
};

/// [tls]
struct Tls {
    bool verify = true;   ///< Check certificates.
    std::string ca_file;  ///< PEM file of trusted roots; empty: the system's.
    std::vector<std::string> waivers;  ///< Hosts whose certificates are let pass; their records say so.
    bool operator==(const Tls&) const = default;
};

/// [network]
struct Network {
    std::vector<std::string> allow;                   ///< CIDRs that are exempt from the private-address guard.
    std::map<std::uint16_t, std::uint16_t> port_map;  ///< Port of the URL -> port that is dialled (rehearsals).
    bool operator==(const Network&) const = default;
};

/// [metrics]
struct Metrics {
    std::string listen = "127.0.0.1:9187";  ///< "ip:port" (parse_endpoint); port 0: any free one; "": no listener.
    bool operator==(const Metrics&) const = default;
};

/// [admin]
struct Admin {
    std::string socket = "/run/grit/grit.sock";  ///< Path of the control socket: 1 to 107 bytes (sockaddr_un).
    bool operator==(const Admin&) const = default;
};

/// [log]
struct Log {
    LogLevel level = LogLevel::info;
    bool operator==(const Log&) const = default;
};

/// [stop]
struct Stop {
    milliseconds drain_limit{30'000};  ///< How long a stop waits for fetches in flight before it cuts them.
    bool operator==(const Stop&) const = default;
};

/// The whole file. A value: copy it, share it as `shared_ptr<const Config>`.
struct Config {
    Input input;
    Storage storage;
    State state;
    Journal journal;
    Fetch fetch;
    Politeness politeness;
    Filter filter;
    Retry retry;
    Dns dns;
    Tls tls;
    Network network;
    Metrics metrics;
    Admin admin;
    Log log;
    Stop stop;
    bool operator==(const Config&) const = default;
};

}  // namespace grit::config
