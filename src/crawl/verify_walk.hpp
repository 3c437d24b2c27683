// Which images a verify looks at, a portion at a time. Private to the module.
#pragma once

#include "image_check.hpp"

#include "grit/store/env.hpp"
#include "grit/store/tables.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace grit::crawl {

/// An image and the record that names it.
struct Named {
    store::RecordKey key;
    WantedImage image;
};

/// Records in the order of their keys, or some drawn by lot, read in short transactions: none is open while the disk is
/// waited for.
class VerifyWalk {
  public:
    enum class Which : std::uint8_t {
        files,     ///< Each file once: records that share another's are passed over while that one is whole.
        given_up,  ///< Every record whose file a repair has given up (`store::Removal::broken`).
    };

    /// @param unreadable  called for rows that can not be understood.
    VerifyWalk(store::Env& env, Which which, std::function<void(std::string_view key, const ErrorCode&)> damaged)
        : env_(env), which_(which), damaged_(std::move(damaged)) {}

    /// Instead of a walk: `count` images drawn by lot, each record with an image as likely as any other. Reads the
    /// table of hosts once.
    [[nodiscard]] Result<void> draw(std::uint64_t count, std::uint64_t seed);

    /// The next ones, up to `limit`. @return nothing more if empty and `ended()`.
    [[nodiscard]] Result<std::vector<Named>> next(std::size_t limit, const std::atomic<bool>& stop);
    [[nodiscard]] bool ended() const noexcept { return ended_; }
    /// Records that share a file of another, and were passed over since the last call.
    [[nodiscard]] std::uint64_t take_shared() noexcept { return std::exchange(shared_, 0); }

  private:
    struct Draw {
        HostId host = kNoHost;
        std::uint64_t count = 0;
    };
    [[nodiscard]] Result<void> look_at_rows(std::size_t limit, std::vector<Named>& found);
    [[nodiscard]] Result<void> look_at_draws(std::size_t limit, std::vector<Named>& found);
    [[nodiscard]] Result<void> take(const store::Txn& txn, const store::RecordKey& key, const store::Record& record,
                                    std::vector<Named>& found);
    [[nodiscard]] Result<void> draw_of(const store::Txn& txn, const Draw& draw, std::vector<Named>& found);
    [[nodiscard]] std::uint64_t random() noexcept;

    store::Env& env_;
    Which which_;
    std::function<void(std::string_view, const ErrorCode&)> damaged_;
    std::string from_;
    bool drawing_ = false;
    std::vector<Draw> draws_;
    std::size_t next_draw_ = 0;
    std::uint64_t random_ = 0;
    std::uint64_t shared_ = 0;
    bool ended_ = false;
};

}  // namespace grit::crawl
