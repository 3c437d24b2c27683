// Whether a URL without a record waits in its host's queue.
#pragma once

#include <optional>
#include <string>

#include "grit/base/ids.hpp"
#include "grit/base/outcome.hpp"
#include "grit/store/env.hpp"
#include "grit/url/canonical_url.hpp"

namespace grit::frontier {

/// A line that is not settled by itself.
struct QueuedLine {
    Ordinal ordinal = 0;
    std::string raw_url;            ///< as written in the annotation
    std::optional<Outcome> gone_as;  ///< its host was given up: the line ended with it
    std::int64_t gone_ms = 0;        ///< then: when, ms since 1970
};

/// Looks through the blocks of the URL's host, in short transactions, for the first line that leads to the same URL.
///
/// Blocking: a second or two per million lines of the host. Not for a shard or the control thread.
/// @return nothing if there is none. A line under way is found like one that waits. Errors: those of the store, but a
/// damaged block is passed over.
[[nodiscard]] Result<std::optional<QueuedLine>> find_in_queue(store::Env& env, HostId host, const url::CanonicalUrl& url);

}  // namespace grit::frontier
