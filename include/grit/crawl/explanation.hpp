// Why a URL is not being fetched now, when it may be, and what would change that.
//
// Pure: what is known is gathered elsewhere (the record, the shards' views, the crawl's state) and judged here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "grit/frontier/host_view.hpp"
#include "grit/frontier/queue_place.hpp"
#include "grit/store/rows.hpp"
#include "grit/url/canonical_url.hpp"

namespace grit::crawl {

/// All that is known of one URL and of what stands between it and its fetch.
struct UrlFacts {
    std::string asked_for;                    ///< as the operator wrote it
    std::optional<url::CanonicalUrl> url;     ///< nothing if it is no URL
    std::string url_problem;                  ///< why it is none
    std::int64_t now_ms = 0;                  ///< wall time, like all times here
    std::optional<store::Record> record;      ///< nothing if it has none yet
    std::string host;                         ///< empty if no annotation named it so far
    std::optional<frontier::UrlView> view;    ///< of its shard; nothing if its host has nothing there
    std::string asked_host;                   ///< name of `view->asked`
    std::optional<frontier::QueuePlace> queue;  ///< of its line on disk, if that was looked for

    std::string block;  ///< which of an operator's blocks concerns it, for people; empty: none

    bool paused = false;
    bool paused_by_operator = false;
    std::string pause_reason;
    bool draining = false;
    bool backlog = false;  ///< as many results wait for their commit as may
    bool input_complete = false;
    std::string input_problem;
    std::size_t in_flight = 0;
    std::size_t max_in_flight = 0;
    std::size_t retries = 0;  ///< steps of retry.schedule
};

/// One thing that keeps a URL from being fetched now. docs/admin_api.md has the list of codes.
struct Reason {
    std::string_view code;  ///< static storage
    std::string why;        ///< a sentence without a full stop
    std::optional<std::int64_t> since_ms;
    std::optional<std::int64_t> until_ms;  ///< when this reason ends, as far as is known
    std::string remedy;                    ///< what would change it; empty: nothing but time
};

/// @return at least one reason, the most telling first. Where the URL is settled, unknown or being fetched that is all;
///         else every reason that holds.
[[nodiscard]] std::vector<Reason> explain(const UrlFacts& facts);

}  // namespace grit::crawl
