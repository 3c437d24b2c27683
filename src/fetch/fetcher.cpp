#include "grit/fetch/fetcher.hpp"

#include "image_intake.hpp"
#include "local_file.hpp"

#include "grit/async/offload.hpp"
#include "grit/base/http_status.hpp"
#include "grit/metrics/metrics.hpp"
#include "grit/net/errc.hpp"
#include "grit/politeness/retry_after.hpp"
#include "grit/robots/robots_tag.hpp"

#include <boost/beast/core/string.hpp>
#include <fmt/format.h>

#include <span>
#include <utility>

namespace grit::fetch {
namespace asio = boost::asio;
using asio::awaitable;
using metrics::FetchStage;

namespace {

// The rest of an answer is read, so that its connection can be used again, if it is this short and comes this soon.
constexpr std::uint64_t kDrainBytes = std::uint64_t{16} * 1024;
constexpr Milliseconds kDrainTime{1'000};

bool is_redirect(unsigned status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

Outcome outcome_of_status(unsigned status) {
    if (status == 204 || status == 205) {
        return Outcome::empty_body;
    }
    if (status == 503) {
        return Outcome::http_unavailable;
    }
    if (status >= 500) {
        return Outcome::http_server_error;
    }
    // What else is left: 206 and 3xx that nobody asked for.
    return status >= 400 ? outcome_of_client_error(status) : Outcome::protocol_error;
}

// A page that asks for JavaScript or a human instead of what was asked for. The headers are those that the vendors name
// for the purpose: developers.cloudflare.com/cloudflare-challenges/challenge-types/challenge-pages/detect-response and
// docs.aws.amazon.com/waf/latest/developerguide/waf-captcha-and-challenge-how-it-works.html.
std::optional<std::string> challenge_in(const net::ResponseHead& head) {
    if (boost::beast::iequals(head.header("cf-mitigated"), "challenge")) {
        return "challenge page: cf-mitigated";
    }
    if (!head.header("x-amzn-waf-action").empty()) {
        return "challenge page: x-amzn-waf-action";
    }
    return std::nullopt;
}

// A text from the network, for a record: short and printable.
std::string shown(std::string_view text) {
    std::string plain;
    for (const char c : text.substr(0, 120)) {
        plain.push_back(c >= ' ' && c < '\x7f' ? c : '?');
    }
    return plain;
}

// The bytes came, and are none that is stored: what the server called them says why.
bool is_no_image(Outcome outcome) {
    return outcome == Outcome::not_an_image || outcome == Outcome::broken_image || outcome == Outcome::empty_body;
}

// Nothing whole is there, unless it is worth waiting for, or the fault is ours.
void refuse_local(const LocalFile& file, const ErrorCode& error, Fetched& result) {
    const bool is_our_fault = archive::outcome_of(error) == Outcome::out_of_descriptors;
    result.unreadable = file.unreadable();
    result.outcome = is_our_fault                             ? Outcome::out_of_descriptors
                     : result.unreadable == Unreadable::no ? Outcome::broken_image
                                                              : Outcome::store_error;
    result.detail = file.why();
}

// What the server says that it sends.
std::string content_named_by(const net::ResponseHead& head) {
    const std::string_view coding = head.header("Content-Encoding");
    return "Content-Type: " + shown(head.content_type) + (coding.empty() ? "" : ", Content-Encoding: " + shown(coding));
}

}  // namespace

Fetcher::Fetcher(net::Client& client, archive::TempSource& images, asio::thread_pool& disk, FetchOptions options,
                 metrics::Metrics& metrics, const Clock& clock)
    : client_(client), images_(images), disk_(disk), options_(std::move(options)), metrics_(metrics), clock_(clock) {}

awaitable<Fetched> Fetcher::image(url::CanonicalUrl url, Milliseconds spent, net::SendGate& gate) {
    Fetched result;
    const SteadyTime start = clock_.now();
    const std::unique_ptr<net::Exchange> exchange = co_await ask(url, options_.total_timeout - spent, gate, result);
    if (exchange) {
        const net::ResponseHead& head = exchange->head();
        result.http_status = static_cast<std::uint16_t>(head.status);
        if (const auto challenge = challenge_in(head)) {
            result.outcome = Outcome::http_forbidden;
            result.detail = *challenge;
        } else if (head.status >= 200 && head.status <= 203) {
            if (!refused_by_head(head, result)) {
                co_await read_image(*exchange, result);
            }
        } else {
            judge_status(head, url, result);
            co_await drain_small_body(*exchange);
        }
        if (!exchange->waived_problem().empty()) {
            result.detail += (result.detail.empty() ? "" : "; ") + ("certificate let pass: " + exchange->waived_problem());
        }
        note_timings(*exchange, start, result);
    }
    result.spent = std::chrono::duration_cast<Milliseconds>(clock_.now() - start);
    co_return result;
}

awaitable<Fetched> Fetcher::site_file(politeness::SiteFile file, url::CanonicalUrl url, net::SendGate& gate) {
    Fetched result;
    const SteadyTime start = clock_.now();
    const std::unique_ptr<net::Exchange> exchange = co_await ask(url, options_.total_timeout, gate, result);
    if (!exchange) {
        co_return result;
    }
    (file == politeness::SiteFile::robots ? metrics_.robots_fetches : metrics_.tdmrep_fetches).add();
    const net::ResponseHead& head = exchange->head();
    judge_status(head, url, result);
    if (head.status >= 200 && head.status <= 299) {
        co_await read_word(file, *exchange, result);
    } else {
        // RFC 9309 section 2.3.1.3: "unavailable". 429 asks for less rather than saying that there is no file.
        if (head.status >= 400 && head.status < 500 && head.status != 429) {
            result.word = politeness::word_of_none(file);
        }
        co_await drain_small_body(*exchange);
    }
    note_timings(*exchange, start, result);
    co_return result;
}

// Sends the request. @return nullptr if no answer came: the result says why.
awaitable<std::unique_ptr<net::Exchange>> Fetcher::ask(const url::CanonicalUrl& url, Milliseconds limit,
                                                       net::SendGate& gate, Fetched& result) {
    auto exchange = co_await client_.get(url, Deadline::after(clock_.now(), limit), &gate);
    if (exchange) {
        co_return std::move(*exchange);
    }
    result.busy = exchange.error() == net::Errc::address_busy || exchange.error() == net::Errc::not_sent;
    result.outcome = net::outcome_of(exchange.error());
    result.detail = exchange.error().message();
    co_return nullptr;
}

void Fetcher::judge_status(const net::ResponseHead& head, const url::CanonicalUrl& url, Fetched& result) const {
    result.http_status = static_cast<std::uint16_t>(head.status);
    if (!is_redirect(head.status)) {
        result.outcome = outcome_of_status(head.status);
        result.retry_after =
            politeness::retry_after(head.header("Retry-After"), head.header("Date"), clock_.wall_now());
        return;
    }
    result.outcome = Outcome::redirect_refused;
    const std::string_view location = head.header("Location");
    if (location.empty()) {
        result.detail = "a redirect without a Location";
        return;
    }
    auto target = url::resolve(url, location);
    if (!target) {
        result.detail = fmt::format("redirect to {}: {}", shown(location), target.error().message());
    } else if (*target == url) {
        result.detail = "a redirect to itself";
    } else {
        result.redirect = std::move(*target);
    }
}

bool Fetcher::refused_by_head(const net::ResponseHead& head, Fetched& result) const {
    const std::vector<std::string_view> tags = head.headers("X-Robots-Tag");
    if (const auto directive = robots::refusing_directive(tags, options_.product_token, options_.disallowed_directives)) {
        result.outcome = Outcome::opted_out;
        result.detail = "X-Robots-Tag: " + *directive;
        return true;
    }
    if (options_.tdm_reservation) {
        for (const std::string_view value : head.headers("tdm-reservation")) {
            if (robots::tdm_reserved(value)) {
                result.outcome = Outcome::opted_out;
                result.detail = "tdm-reservation: 1";
                return true;
            }
        }
    }
    if (head.content_length && *head.content_length > options_.max_body) {
        result.outcome = Outcome::too_large;
        result.detail = fmt::format("Content-Length: {}", *head.content_length);
        return true;
    }
    return head.content_length && *head.content_length > 0 && refused_as(options_.filter.refuses_bytes(*head.content_length), result);
}

awaitable<void> Fetcher::read_image(net::Exchange& exchange, Fetched& result) {
    const SteadyTime start = clock_.now();
    ImageIntake intake(images_.create(), disk_, options_, clock_);
    while (true) {
        const auto piece = co_await exchange.read_piece();
        if (!piece) {
            result.outcome = net::outcome_of(piece.error());
            result.detail = fmt::format("{} after {} bytes", piece.error().message(), intake.size());
            co_return;
        }
        if (piece->empty()) {
            break;
        }
        if (!intake.take(*piece, result) || (intake.is_full() && !co_await intake.write(result))) {
            break;
        }
    }
    if (!intake.refused()) {
        metrics_.response_size.observe(intake.size());
        co_await intake.finish(result);
    }
    if (is_no_image(result.outcome)) {
        result.detail = content_named_by(exchange.head());
    }
    if (result.image) {
        metrics_.fetch_stage_duration(FetchStage::write).observe(intake.writing());
        metrics_.fetch_stage_duration(FetchStage::body).observe(clock_.now() - start - intake.writing());
    }
}

awaitable<Fetched> Fetcher::local_image(LocalImage source) {
    Fetched result;
    LocalFile file(std::move(source));
    using Shared = std::optional<archive::TempImage>;
    auto open = [&]() -> Result<Shared> {
        const auto opened = file.open();
        return opened ? Result<Shared>(file.share(images_)) : Result<Shared>(opened.error());
    };
    Result<Shared> shared = co_await offload<Result<Shared>>(disk_, std::move(open));
    if (!shared) {
        refuse_local(file, shared.error(), result);
        co_return result;
    }
    const bool is_shared = shared->has_value();
    archive::TempImage image = is_shared ? std::move(**shared) : images_.create();
    ImageIntake intake(std::move(image), disk_, options_, clock_);
    while (true) {
        auto read = [&] { return file.next(is_shared ? &intake.file() : nullptr); };
        const auto piece = co_await offload<Result<std::span<const std::byte>>>(disk_, std::move(read));
        if (!piece) {
            refuse_local(file, piece.error(), result);
            co_return result;
        }
        if (piece->empty()) {
            break;
        }
        if (!intake.take(*piece, result) || (intake.is_full() && !co_await intake.write(result))) {
            co_return result;
        }
    }
    co_await intake.finish(result);
    co_return result;
}

awaitable<void> Fetcher::read_word(politeness::SiteFile file, net::Exchange& exchange, Fetched& result) {
    static_assert(robots::kMaxTdmRepBytes == robots::kMaxBodyBytes);
    std::string text;
    while (text.size() <= robots::kMaxBodyBytes) {
        const auto piece = co_await exchange.read_piece();
        if (!piece) {
            result.outcome = net::outcome_of(piece.error());
            result.detail = piece.error().message();
            co_return;
        }
        if (piece->empty()) {
            break;
        }
        text.append(reinterpret_cast<const char*>(piece->data()), piece->size());
    }
    result.word = word_of(file, text);
}

politeness::SiteWord Fetcher::word_of(politeness::SiteFile file, std::string_view text) const {
    if (file == politeness::SiteFile::tdmrep) {
        return robots::TdmRules::parse(text);
    }
    return robots::Rules::parse(text, options_.product_token);
}

awaitable<void> Fetcher::drain_small_body(net::Exchange& exchange) {
    if (exchange.head().content_length.value_or(0) > kDrainBytes) {
        co_return;
    }
    exchange.hurry(kDrainTime);
    std::uint64_t drained = 0;
    while (drained <= kDrainBytes) {
        const auto piece = co_await exchange.read_piece();
        if (!piece || piece->empty()) {
            co_return;
        }
        drained += piece->size();
    }
}

void Fetcher::note_timings(const net::Exchange& exchange, SteadyTime start, Fetched& result) {
    const net::Timings timings = exchange.timings();
    result.latency = std::chrono::duration_cast<Milliseconds>(timings.first_byte);
    metrics_.fetch_duration.observe(clock_.now() - start);
    metrics_.fetch_stage_duration(FetchStage::first_byte).observe(timings.first_byte);
    if (!timings.reused) {
        metrics_.fetch_stage_duration(FetchStage::dns).observe(timings.dns);
        metrics_.fetch_stage_duration(FetchStage::connect).observe(timings.connect);
        metrics_.fetch_stage_duration(FetchStage::tls).observe(timings.tls);
    }
}

}  // namespace grit::fetch
