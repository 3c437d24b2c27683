// The bytes of one image on their way to the disk: judged, hashed and written as they come, wherever they come from.
#pragma once

#include "grit/fetch/fetcher.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace grit::fetch {

/// Says so in the result if the filter has a reason. @return whether it has.
bool refused_as(std::optional<std::string> reason, Fetched& result);

/// Threads: one. Lifetime: all that it is given outlives it. Once anything gave false it is of no more use.
class ImageIntake {
  public:
    /// @param file  without bytes yet; or one that was shared and has all of them: those are judged and not written.
    ImageIntake(archive::TempImage file, boost::asio::thread_pool& disk, const FetchOptions& options, const Clock& clock);

    /// The next bytes. @return false if the image is not wanted: the result says why.
    [[nodiscard]] bool take(std::span<const std::byte> piece, Fetched& result);
    /// Whether `write` has its time before more is taken.
    [[nodiscard]] bool is_full() const noexcept;
    /// Hands what is gathered to a disk thread. @return false if it could not be written: the result says why.
    [[nodiscard]] boost::asio::awaitable<bool> write(Fetched& result);
    /// No more bytes: the result has the image, or an outcome that says why not.
    [[nodiscard]] boost::asio::awaitable<void> finish(Fetched& result);

    /// The image's file.
    [[nodiscard]] archive::TempImage& file() noexcept { return file_; }
    /// Bytes taken.
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    [[nodiscard]] bool refused() const noexcept { return refused_; }
    /// Time that disk threads took.
    [[nodiscard]] std::chrono::nanoseconds writing() const noexcept { return writing_; }

  private:
    [[nodiscard]] bool is_unwanted(std::span<const std::byte> piece, Fetched& result);
    [[nodiscard]] bool is_unwanted_as_a_whole(const media::Sha256& sha256, Fetched& result) const;

    archive::TempImage file_;
    bool is_there_;  // its bytes
    boost::asio::thread_pool& disk_;
    const FetchOptions& options_;
    const Clock& clock_;
    media::Inspector inspector_;
    media::Digest digest_;
    std::vector<std::byte> buffer_;
    std::uint64_t size_ = 0;
    std::chrono::nanoseconds writing_{0};
    bool measured_ = false;
    bool last_ = false;
    bool refused_ = false;
};

}  // namespace grit::fetch
