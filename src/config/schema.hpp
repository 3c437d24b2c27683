// Every key once: where it stands, what it may be, and whether a reload may change it. Reading, writing and comparing
// a Config are visitors of this one list, so they can not forget a key.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <string_view>

#include "checks.hpp"
#include "grit/config/config.hpp"

namespace grit::config {

/// What a reload does with a changed key.
enum class Reload : std::uint8_t {
    live,     ///< The next fetch uses it.
    restart,  ///< Something built at start-up holds it: the reload is refused.
};

struct Key {
    std::string_view table;
    std::string_view name;
    Reload reload = Reload::live;
    bool required = false;
};

/// Both ends are allowed.
template <class T>
struct Between {
    T low;
    T high;
};

inline constexpr std::array<Layout, 3> kLayouts{Layout::files, Layout::webdataset, Layout::img2dataset};
inline constexpr std::array<LogLevel, 4> kLogLevels{LogLevel::debug, LogLevel::info, LogLevel::warning,
                                                    LogLevel::error};

inline constexpr Between<milliseconds> kTimeout{milliseconds(1), std::chrono::hours(1)};
inline constexpr Between<milliseconds> kInterval{milliseconds(0), std::chrono::hours(24)};
inline constexpr Between<milliseconds> kRetryWait{milliseconds(0), std::chrono::hours(24 * 365)};
inline constexpr Between<std::uint32_t> kPixels{0, std::numeric_limits<std::uint32_t>::max()};
inline constexpr Between<std::size_t> kAnyLength{0, 4096};
inline constexpr Between<std::uint32_t> kPerHost{1, 64};
inline constexpr Between<std::uint32_t> kPerDomain{1, 1024};

// Keys of one [[politeness.class]]. C is HostClass or const HostClass; V also has `maybe_...`, for what may be absent.
template <class C, class V>
void describe_class(C& c, V& v) {
    constexpr std::string_view kTable = "politeness.class";
    v.text({kTable, "name", Reload::live, true}, c.name, check_class_name);
    v.texts({kTable, "suffixes", Reload::live, true}, c.suffixes, {1, 4096}, check_suffix);
    v.text({kTable, "reason", Reload::live, true}, c.reason, check_not_empty);
    v.maybe_count({kTable, "connections_per_host"}, c.connections_per_host, kPerHost);
    v.maybe_count({kTable, "connections_per_domain"}, c.connections_per_domain, kPerDomain);
    v.maybe_duration({kTable, "min_interval"}, c.min_interval, kInterval);
    v.maybe_duration({kTable, "max_interval"}, c.max_interval, kInterval);
}

// C is Config or const Config; V has a function per kind of value (Reader in load.cpp names them all).
template <class C, class V>
void describe_data(C& c, V& v) {
    v.texts({"input", "annotations", Reload::restart, true}, c.input.annotations, {1, 4096}, check_input);
    v.text({"input", "url_field", Reload::restart}, c.input.url_field, check_not_empty);
    v.text({"input", "id_field", Reload::restart}, c.input.id_field, check_not_empty);
    v.text({"storage", "root", Reload::restart, true}, c.storage.root, check_path);
    v.choice({"storage", "layout", Reload::restart}, c.storage.layout, kLayouts);
    v.size({"storage", "min_free", Reload::restart}, c.storage.min_free, {0, 1ULL << 62});
    v.count({"storage", "shard_images", Reload::restart}, c.storage.shard_images, {1, 1'000'000});
    v.size({"storage", "shard_size", Reload::restart}, c.storage.shard_size, {1ULL << 20, 1ULL << 50});
    v.flag({"storage", "all_jpg", Reload::restart}, c.storage.all_jpg);
    v.flag({"storage", "dedupe_content", Reload::restart}, c.storage.dedupe_content);
    v.volumes({"storage", "volumes", Reload::restart}, c.storage);
    v.text({"state", "dir", Reload::restart, true}, c.state.dir, check_path);
    v.flag({"journal", "enabled", Reload::restart}, c.journal.enabled);
    v.text({"journal", "dir", Reload::restart}, c.journal.dir, check_any_text);
    v.size({"journal", "seal_size", Reload::restart}, c.journal.seal_size, {64ULL << 10, 16ULL << 30});
    v.duration({"journal", "seal_after", Reload::restart}, c.journal.seal_after, {std::chrono::seconds(1), std::chrono::hours(24 * 30)});
}

template <class C, class V>
void describe_fetching(C& c, V& v) {
    v.count({"fetch", "max_in_flight"}, c.fetch.max_in_flight, {1, 100'000});
    v.duration({"fetch", "connect_timeout", Reload::restart}, c.fetch.connect_timeout, kTimeout);
    v.duration({"fetch", "first_byte_timeout", Reload::restart}, c.fetch.first_byte_timeout, kTimeout);
    v.duration({"fetch", "idle_timeout", Reload::restart}, c.fetch.idle_timeout, kTimeout);
    v.duration({"fetch", "total_timeout"}, c.fetch.total_timeout, {milliseconds(1), std::chrono::hours(24)});
    v.size({"fetch", "min_rate", Reload::restart}, c.fetch.min_rate, {0, 1ULL << 30});
    v.size({"fetch", "max_body"}, c.fetch.max_body, {1, 1ULL << 40});
    v.count({"fetch", "max_redirects"}, c.fetch.max_redirects, {0, 20});
    v.text({"fetch", "user_agent", Reload::restart}, c.fetch.user_agent, check_user_agent);
    v.count({"fetch", "shards", Reload::restart}, c.fetch.shards, {0, 64});
    v.count({"politeness", "connections_per_host"}, c.politeness.connections_per_host, kPerHost);
    v.duration({"politeness", "min_interval"}, c.politeness.min_interval, kInterval);
    v.duration({"politeness", "max_interval"}, c.politeness.max_interval, kInterval);
    v.flag({"politeness", "robots", Reload::restart}, c.politeness.robots);
    v.texts({"politeness", "disallowed_directives"}, c.politeness.disallowed_directives, kAnyLength, check_directive);
    v.flag({"politeness", "tdm_reservation"}, c.politeness.tdm_reservation);
    v.flag({"politeness", "tdmrep", Reload::restart}, c.politeness.tdmrep);
    v.count({"politeness", "connections_per_domain"}, c.politeness.connections_per_domain, kPerDomain);
    v.count({"politeness", "connections_per_address", Reload::restart}, c.politeness.connections_per_address, {1, 4096});
    v.flag({"politeness", "shipped_classes"}, c.politeness.shipped_classes);
    // The last of its table: it is written as tables of its own.
    v.classes({"politeness", "class"}, c.politeness);
    v.size({"filter", "min_bytes"}, c.filter.min_bytes, {0, 1ULL << 40});
    v.count({"filter", "min_width"}, c.filter.min_width, kPixels);
    v.count({"filter", "max_width"}, c.filter.max_width, kPixels);
    v.count({"filter", "min_height"}, c.filter.min_height, kPixels);
    v.count({"filter", "max_height"}, c.filter.max_height, kPixels);
    v.count({"filter", "min_area"}, c.filter.min_area, kPixels);
    v.count({"filter", "max_area"}, c.filter.max_area, kPixels);
    v.number({"filter", "max_aspect"}, c.filter.max_aspect, {0, 10'000});
    v.texts({"filter", "placeholders"}, c.filter.placeholders, {0, 100'000}, check_sha256);
    v.durations({"retry", "schedule"}, c.retry.schedule, {1, 16}, kRetryWait);
    v.duration({"retry", "once_patience"}, c.retry.once_patience, kRetryWait);
}

template <class C, class V>
void describe_surroundings(C& c, V& v) {
    v.texts({"dns", "servers", Reload::restart}, c.dns.servers, {0, 16}, check_dns_server);
    v.flag({"tls", "verify", Reload::restart}, c.tls.verify);
    v.text({"tls", "ca_file", Reload::restart}, c.tls.ca_file, check_any_text);
    v.texts({"tls", "waivers", Reload::restart}, c.tls.waivers, kAnyLength, check_host);
    v.texts({"network", "allow", Reload::restart}, c.network.allow, kAnyLength, check_cidr);
    v.ports({"network", "port_map", Reload::restart}, c.network.port_map);
    v.text({"metrics", "listen", Reload::restart}, c.metrics.listen, check_listen);
    v.text({"admin", "socket", Reload::restart}, c.admin.socket, check_socket_path);
    v.choice({"log", "level"}, c.log.level, kLogLevels);
    v.duration({"stop", "drain_limit"}, c.stop.drain_limit, {milliseconds(0), std::chrono::hours(1)});
}

template <class C, class V>
void describe(C& config, V& visitor) {
    describe_data(config, visitor);
    describe_fetching(config, visitor);
    describe_surroundings(config, visitor);
}

}  // namespace grit::config
