// One permit to one outcome: asks a host once and makes an image, a redirect or a refusal of what it says.
#pragma once

#include "grit/archive/depot.hpp"
#include "grit/async/deadline.hpp"
#include "grit/base/clock.hpp"
#include "grit/base/outcome.hpp"
#include "grit/media/digest.hpp"
#include "grit/media/filter.hpp"
#include "grit/media/image_type.hpp"
#include "grit/media/inspector.hpp"
#include "grit/net/client.hpp"
#include "grit/politeness/site_policies.hpp"
#include "grit/url/canonical_url.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace grit::metrics {
class Metrics;
}

namespace grit::fetch {

struct FetchOptions {
    Milliseconds total_timeout{60'000};      ///< of one try with all its redirects
    std::uint64_t max_body = 64ULL << 20;    ///< bytes
    std::string product_token;               ///< ours, for agent-scoped directives and robots.txt
    std::vector<std::string> disallowed_directives;  ///< of X-Robots-Tag; empty: not looked at
    bool tdm_reservation = true;
    media::Filter filter;  ///< of images that are not wanted
};

/// An image under a temporary name, whole and not yet durable.
struct Image {
    archive::TempImage file;
    std::uint64_t size = 0;  ///< bytes
    std::array<std::byte, 32> sha256{};
    media::ImageType type = media::ImageType::unknown;
    std::uint32_t width = 0;  ///< pixels; 0 if the header does not say
    std::uint32_t height = 0;
};

/// Bytes of an image that are on this machine already.
struct LocalImage {
    std::string file;          ///< Absolute.
    std::uint64_t offset = 0;  ///< Where they begin in it.
    std::uint64_t size = 0;    ///< Bytes.
    std::int64_t modified_ns = 0;  ///< When the file was last written, ns since 1970; 0: not looked at.
    /// A whole file of one file system with the images, and of our own user, may stay where it is: the image is another name of it.
    bool may_link = false;
};

/// Whether a local file is to be waited for.
enum class Unreadable : std::uint8_t {
    no,      ///< It was read; or it is gone, was written since, or is no file: there is nothing to wait for.
    file,    ///< It is there, and can not be read now.
    folder,  ///< What it lies in can not be reached: it is not mounted, say.
};

/// How asking went.
struct Fetched {
    Outcome outcome = Outcome::shutting_down;  ///< `stored` if there is an image; no meaning with `redirect` or `busy`
    std::uint16_t http_status = 0;             ///< 0 if no answer came
    std::string detail;                        ///< a few words for people
    std::optional<Image> image;
    std::optional<politeness::SiteWord> word;         ///< of a robots.txt or a tdmrep.json
    std::optional<url::CanonicalUrl> redirect;        ///< where the host points to
    std::optional<Milliseconds> retry_after;          ///< with 429 and 503
    bool busy = false;                                ///< the address is full or the host not due: nothing was asked
    Unreadable unreadable = Unreadable::no;           ///< of a local file; else `store_error`
    Milliseconds latency{0};                          ///< to the first byte
    Milliseconds spent{0};                            ///< time of this exchange
};

/// Asks hosts over one client.
///
/// Follows no redirect itself: the next host has manners of its own. Opt-outs in the head are obeyed before the body is
/// read. Bodies stream through a buffer of 64 KiB to a temporary file; hashing and judging happen on the way, file
/// calls on the disk threads.
/// Threads: the client's. Lifetime: all that it is given outlives it, and its coroutines are awaited before it goes.
class Fetcher {
  public:
    Fetcher(net::Client& client, archive::TempSource& images, boost::asio::thread_pool& disk, FetchOptions options,
            metrics::Metrics& metrics, const Clock& clock);

    /// @param spent  time that earlier hops of this try took.
    /// @param gate   asked when a request is ready to be sent; outlives the call.
    [[nodiscard]] boost::asio::awaitable<Fetched> image(url::CanonicalUrl url, Milliseconds spent, net::SendGate& gate);

    /// Takes an image from a local file instead, judged as one from the web is; nobody is asked.
    /// A whole file is not copied where it can share its bytes with the image (archive::TempSource::share), and what was judged is
    /// what is stored. Only a regular file is read; a symbolic link is not followed.
    /// Outcomes besides: broken_image, where the file is gone, shorter, or was written since `modified_ns`; store_error, where it can not
    /// be read now (`unreadable`); of our own faults out_of_descriptors, and what a failing volume gives.
    [[nodiscard]] boost::asio::awaitable<Fetched> local_image(LocalImage source);

    /// Asks for a robots.txt or a tdmrep.json: `word` by RFC 9309 section 2.3.1 (4xx allows all, and reserves nothing), or
    /// `redirect`, or an outcome with neither: the file is unreachable.
    [[nodiscard]] boost::asio::awaitable<Fetched> site_file(politeness::SiteFile file, url::CanonicalUrl url,
                                                            net::SendGate& gate);

    /// From the next fetch on.
    void set_options(FetchOptions options) { options_ = std::move(options); }

  private:
    [[nodiscard]] boost::asio::awaitable<std::unique_ptr<net::Exchange>> ask(const url::CanonicalUrl& url, Milliseconds limit,
                                                                             net::SendGate& gate, Fetched& result);
    [[nodiscard]] boost::asio::awaitable<void> read_image(net::Exchange& exchange, Fetched& result);
    [[nodiscard]] boost::asio::awaitable<void> read_word(politeness::SiteFile file, net::Exchange& exchange,
                                                         Fetched& result);
    [[nodiscard]] politeness::SiteWord word_of(politeness::SiteFile file, std::string_view text) const;
    [[nodiscard]] boost::asio::awaitable<void> drain_small_body(net::Exchange& exchange);
    [[nodiscard]] bool refused_by_head(const net::ResponseHead& head, Fetched& result) const;
    void judge_status(const net::ResponseHead& head, const url::CanonicalUrl& url, Fetched& result) const;
    void note_timings(const net::Exchange& exchange, SteadyTime start, Fetched& result);

    net::Client& client_;
    archive::TempSource& images_;
    boost::asio::thread_pool& disk_;
    FetchOptions options_;
    metrics::Metrics& metrics_;
    const Clock& clock_;
};

}  // namespace grit::fetch
