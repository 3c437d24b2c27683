// The rows of the tables and their bytes. Each value begins with `kRowVersion`, except the plain texts that other
// programs read (`url_to_path`, `content`, `meta/schema`, `meta/dataset_id`).
//
// `decode_*` take any bytes. Errors: corrupt, newer_row.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "grit/base/ids.hpp"
#include "grit/base/outcome.hpp"
#include "grit/store/error.hpp"

namespace grit::store {

using Sha256 = std::array<std::byte, 32>;

/// The counters of the dataset (`meta/totals`), kept in the same transactions as what they count.
struct Totals {
    std::uint64_t lines = 0;        ///< Input lines read, bad ones included.
    std::uint64_t quarantined = 0;  ///< Bad lines.
    std::array<std::uint64_t, kOutcomeCount>
        outcomes{};  ///< By `index_of`; stored by number, so that the list may grow.
    std::uint64_t stored_bytes = 0;
    std::uint64_t quarantine_bytes = 0;  ///< Length of the quarantine file that is accounted for.
    Ordinal next_ordinal = 0;
    RunId next_run = 1;
    HostId next_host = 1;
    bool operator==(const Totals&) const = default;
};

/// Lines of an input that follow each other, and the ordinals that they have.
struct OrdinalExtent {
    std::uint64_t first_line = 0;
    Ordinal first_ordinal = 0;
    std::uint64_t lines = 0;
    bool operator==(const OrdinalExtent&) const = default;
};

/// How far an input file has been read.
struct InputRow {
    std::string path;
    std::uint64_t size_bytes = 0;         ///< At the last look; 0 if unknown (a pipe).
    std::uint64_t first_block_bytes = 0;  ///< What `first_block_digest` covers.
    Sha256 first_block_digest{};
    std::uint64_t byte_offset = 0;  ///< Where the next line begins, in decompressed bytes.
    std::uint64_t line = 0;         ///< Number of the next line, from 0.
    bool done = false;
    /// Which ordinals its lines have, ascending in both. After a rebuild of the state they reach beyond `line`: lines that
    /// are read again get the ordinals that they had. An older gritd kept none.
    std::vector<OrdinalExtent> extents{};
    bool operator==(const InputRow&) const = default;
};

/// How many lines of a run a host has.
struct RunHost {
    HostId host = kNoHost;
    std::uint32_t lines = 0;
    bool operator==(const RunHost&) const = default;
};

/// `gone_as` of a host that is not given up.
inline constexpr std::uint8_t kNotGone = 255;

/// One origin of a host that can not be reached or trusted, or whose robots.txt can not be had.
struct OriginRow {
    bool https = false;
    std::uint16_t port = 0;
    std::uint8_t attempts = 0;
    Outcome as = Outcome::unreachable;  ///< What its URLs end as once the schedule is used up, or have ended as.
    bool gone = false;                  ///< It is.
    std::int64_t due_ms = 0;            ///< When it is asked again; unless it is gone.
    bool operator==(const OriginRow&) const = default;
};

struct HostRow {
    std::string name;             ///< Canonical host name.
    std::string domain;           ///< Registrable domain.
    std::uint16_t partition = 0;  ///< 0..4095.
    std::int64_t not_before_ms = 0;
    std::uint32_t interval_ms = 0;  ///< Pace; 0 is not known yet.
    std::uint8_t backoff_level = 0;
    std::uint8_t down_attempts = 0;
    std::uint8_t gone_as = kNotGone;  ///< Outcome number that all further URLs of the host get.
    std::uint64_t taken = 0;          ///< Queue lines settled or moved on to `retries`.
    RunId cursor_run = 0;             ///< Lowest run with an unfinished block; 0 is none looked at.
    std::uint64_t stored = 0;
    std::uint64_t failed = 0;
    std::int64_t robots_checked_ms = 0;
    std::uint32_t ceiling_ms = 0;           ///< Interval at which the host last refused; 0 is never.
    std::uint16_t answers_since_refusal = 0;  ///< Good ones; capped.
    bool near_ceiling = false;              ///< It had refused close to the ceiling before.
    std::uint64_t gone_lines = 0;  ///< Of `taken` (and `failed`): lines that ended with the host, as `gone_as`, and lie
                                   ///< in the queue still. 0 unless it is given up.
    std::int64_t gone_ms = 0;      ///< When it was given up, ms since 1970; only then.
    std::vector<OriginRow> origins;  ///< Those that are down; the others are asked as the host is.
    std::uint64_t restored = 0;  ///< Records that a rebuild brought back and whose own line was not met again yet: when
                                 ///< it comes it is passed over, for it is counted with its record.
    bool operator==(const HostRow&) const = default;
};

/// What is known of one URL.
struct Record {
    Outcome outcome = Outcome::stored;
    bool waiting = false;  ///< A retry is scheduled at `due_ms`; `outcome` is the last try's.
    std::uint16_t http_status = 0;
    std::uint8_t attempts = 0;
    std::int64_t first_ms = 0;  ///< First try, ms since 1970.
    std::int64_t last_ms = 0;
    std::int64_t due_ms = 0;  ///< Only when waiting.
    Ordinal ordinal = 0;      ///< Of the first annotation.
    std::uint64_t size = 0;   ///< Body bytes.
    std::uint8_t image_type = 0;
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    Sha256 sha256{};        ///< All zero if there is none.
    std::string location;   ///< Relative to the image root; in tar `shard.tar#member`.
    std::string url;        ///< As written in the first annotation; others are in `spellings`.
    std::string final_url;  ///< After redirects; empty if there were none.
    std::string detail;     ///< A few words for people.
    bool operator==(const Record&) const = default;
};

/// What one of a site's files said when it answered last.
struct SiteFileRow {
    std::int64_t fetched_ms = 0;  ///< Wall time; 0: it is not known.
    std::int64_t ask_ms = 0;      ///< When it is to be asked again.
    std::uint16_t status = 0;     ///< HTTP, of the last answer; 0 if none came.
    std::string rules;            ///< `robots::Rules::text()`, `robots::TdmRules::text()`.
    bool operator==(const SiteFileRow&) const = default;
};

/// What an origin says of itself: its robots.txt as far as it is meant for us, and its tdmrep.json.
struct SiteRow {
    SiteFileRow robots;
    SiteFileRow tdmrep;
    bool operator==(const SiteRow&) const = default;
};

[[nodiscard]] std::string encode(const Totals& row);
[[nodiscard]] std::string encode(const InputRow& row);
[[nodiscard]] std::string encode(const HostRow& row);
[[nodiscard]] std::string encode(const Record& row);
[[nodiscard]] std::string encode(const SiteRow& row);
/// @param hosts by ascending host id.
[[nodiscard]] std::string encode_run(const std::vector<RunHost>& hosts);
[[nodiscard]] std::string encode_texts(const std::vector<std::string>& texts);

[[nodiscard]] Result<Totals> decode_totals(std::string_view bytes);
[[nodiscard]] Result<InputRow> decode_input(std::string_view bytes);
[[nodiscard]] Result<HostRow> decode_host(std::string_view bytes);
[[nodiscard]] Result<Record> decode_record(std::string_view bytes);
[[nodiscard]] Result<SiteRow> decode_site(std::string_view bytes);
[[nodiscard]] Result<std::vector<RunHost>> decode_run(std::string_view bytes);
[[nodiscard]] Result<std::vector<std::string>> decode_texts(std::string_view bytes);

}  // namespace grit::store
