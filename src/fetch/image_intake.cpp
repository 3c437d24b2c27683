#include "image_intake.hpp"

#include "grit/async/offload.hpp"

#include <fmt/format.h>

#include <utility>

namespace grit::fetch {
using boost::asio::awaitable;

namespace {

// What is gathered before a disk thread is woken, and the most of a body that is in memory.
constexpr std::size_t kBufferBytes = std::size_t{64} * 1024;

Outcome outcome_of(media::Verdict verdict) {
    switch (verdict) {
        case media::Verdict::whole:
            return Outcome::stored;
        case media::Verdict::empty:
            return Outcome::empty_body;
        case media::Verdict::not_an_image:
            return Outcome::not_an_image;
        case media::Verdict::truncated:
        case media::Verdict::broken:
            break;
    }
    return Outcome::broken_image;
}

// Only the sizes of these types may still grow behind the first one that was seen: they hold several pictures.
bool holds_several_pictures(media::ImageType type) {
    return type == media::ImageType::ico || type == media::ImageType::heif || type == media::ImageType::avif;
}

}  // namespace

bool refused_as(std::optional<std::string> reason, Fetched& result) {
    if (reason) {
        result.outcome = Outcome::filtered;
        result.detail = std::move(*reason);
    }
    return reason.has_value();
}

ImageIntake::ImageIntake(archive::TempImage file, boost::asio::thread_pool& disk, const FetchOptions& options, const Clock& clock)
    : file_(std::move(file)), is_there_(file_.bytes() != archive::TempImage::Bytes::written), disk_(disk), options_(options), clock_(clock) {
    buffer_.reserve(is_there_ ? 0 : kBufferBytes);
}

bool ImageIntake::take(std::span<const std::byte> piece, Fetched& result) {
    size_ += piece.size();
    refused_ = is_unwanted(piece, result);
    if (!refused_) {
        digest_.update(piece);
        buffer_.insert(buffer_.end(), piece.begin(), is_there_ ? piece.begin() : piece.end());
    }
    return !refused_;
}

bool ImageIntake::is_unwanted(std::span<const std::byte> piece, Fetched& result) {
    if (size_ > options_.max_body) {
        result.outcome = Outcome::too_large;
        result.detail = fmt::format("more than {} bytes", options_.max_body);
        return true;
    }
    inspector_.feed(piece);
    if (inspector_.refused()) {
        result.outcome = Outcome::not_an_image;
        return true;
    }
    if (measured_ || !inspector_.dimensions() || holds_several_pictures(inspector_.type())) {
        return false;
    }
    measured_ = true;
    return refused_as(options_.filter.refuses_dimensions(*inspector_.dimensions()), result);
}

bool ImageIntake::is_full() const noexcept { return buffer_.size() >= kBufferBytes; }

awaitable<bool> ImageIntake::write(Fetched& result) {
    const SteadyTime start = clock_.now();
    auto append = [this]() -> Result<void> {
        auto done = is_there_ ? Result<void>() : file_.append(buffer_);
        if (done && last_) {
            done = file_.close();
        }
        return done;
    };
    const Result<void> written = co_await offload<Result<void>>(disk_, std::move(append));
    buffer_.clear();
    writing_ += clock_.now() - start;
    if (!written) {
        refused_ = true;
        result.outcome = archive::outcome_of(written.error());
        result.detail = written.error().message();
    }
    co_return written.has_value();
}

awaitable<void> ImageIntake::finish(Fetched& result) {
    result.outcome = outcome_of(inspector_.finish());
    if (result.outcome != Outcome::stored) {
        co_return;
    }
    const media::Sha256 sha256 = digest_.finish();
    if (is_unwanted_as_a_whole(sha256, result)) {
        co_return;
    }
    last_ = true;
    const bool written = co_await write(result);
    if (!written) {
        co_return;
    }
    const media::Dimensions dimensions = inspector_.dimensions().value_or(media::Dimensions{});
    result.image = Image{std::move(file_), size_, sha256, inspector_.type(), dimensions.width, dimensions.height};
}

bool ImageIntake::is_unwanted_as_a_whole(const media::Sha256& sha256, Fetched& result) const {
    const media::Filter& filter = options_.filter;
    const auto dimensions = inspector_.dimensions();
    return refused_as(filter.refuses_bytes(size_), result) ||
           (dimensions && refused_as(filter.refuses_dimensions(*dimensions), result)) ||
           refused_as(filter.refuses_digest(sha256), result);
}

}  // namespace grit::fetch
