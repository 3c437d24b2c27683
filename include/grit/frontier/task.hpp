// One request to be made: what the frontier hands out.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "grit/base/clock.hpp"
#include "grit/base/ids.hpp"
#include "grit/base/outcome.hpp"
#include "grit/politeness/site_policies.hpp"
#include "grit/store/adoption_rows.hpp"
#include "grit/store/queue_block.hpp"
#include "grit/store/tables.hpp"
#include "grit/url/canonical_url.hpp"

namespace grit::frontier {

/// Where in the queue a line lies.
struct LineRef {
    store::QueueKey block;
    std::uint16_t entry = 0;
    std::uint16_t entries = 0;  ///< of that block: the block is finished when all are settled
};

/// What an origin is asked for before its images are.
struct SiteQuestion {
    store::OriginKey origin;  ///< whose word is wanted, whatever host answers in the end
    politeness::SiteFile file = politeness::SiteFile::robots;
};

/// A URL of the data set, or a question about a site, on its way to an outcome. It may pass through several hosts (redirects).
struct Task {
    enum class Kind : std::uint8_t { image, site };

    Kind kind = Kind::image;
    HostId home = kNoHost;  ///< the host whose record this is, and whose shard is told of the end
    UrlHash hash;           ///< of the URL before any redirect: the record's key
    Ordinal ordinal = 0;
    std::string raw_url;    ///< as written in the annotation
    url::CanonicalUrl url;  ///< what is to be asked now
    SiteQuestion question;  ///< kind site

    std::optional<LineRef> line;           ///< the line that it settles; nothing for a retry
    std::optional<store::RetryKey> retry;  ///< the row in `retries` that it settles
    std::uint8_t attempts = 0;             ///< tries charged so far
    std::uint8_t hops = 0;                 ///< redirects followed in this try
    Milliseconds spent{0};                 ///< network time of this try's earlier hops
    std::int64_t first_ms = 0;             ///< wall time of the first try; 0 if none

    std::optional<store::Adoption> adoption;  ///< another program has the image: nobody is asked
    bool adoption_failed = false;             ///< what it has is no good: its host is asked
};

using TaskPtr = std::unique_ptr<Task>;

[[nodiscard]] inline store::OriginKey origin_of(HostId host, const url::CanonicalUrl& url) {
    return {host, url.scheme == url::Scheme::https, url.port};
}

/// A task that ends without a request: a duplicate line, a URL of a host that was given up. Or that does not wait in
/// memory for a host which it would wait for long.
struct Verdict {
    TaskPtr task;
    Outcome outcome = Outcome::duplicate_url;
    std::string detail;
    std::optional<Milliseconds> again_in{};  ///< it has not ended: it is to be tried again then, charged to nobody
};

/// Lines that end with their host, all as it did: it was given up. They lie in the queue as they did.
struct HostEnd {
    HostId host = kNoHost;
    std::uint64_t lines = 0;
};

}  // namespace grit::frontier
