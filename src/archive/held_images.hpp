// Small images on their way that are in memory instead of in a temporary.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace grit::archive {

/// A file that is made, written, read, and removed half a second later costs more than what it holds, where that is copied into
/// a shard anyway. Whoever finds no room here makes a temporary. Threads: all functions from any.
class HeldImages {
  public:
    /// Bytes of one image; larger ones come in pieces, over a time.
    static constexpr std::size_t kMostOfOne = std::size_t{256} << 10;

    /// @param bytes  of all together; 0, as in the beginning: none is held, and none stays.
    void allow(std::uint64_t bytes) {
        const std::scoped_lock lock(mutex_);
        allowed_ = bytes;
        if (allowed_ == 0) {
            for (const auto& [name, image] : images_) {
                reserved_ -= image.size();
            }
            images_.clear();
        }
    }
    [[nodiscard]] bool is_allowed() const {
        const std::scoped_lock lock(mutex_);
        return allowed_ > 0;
    }
    /// Room for so many bytes more. @return false: there is none.
    [[nodiscard]] bool reserve(std::uint64_t bytes) {
        const std::scoped_lock lock(mutex_);
        if (allowed_ == 0 || bytes > allowed_ - std::min(allowed_, reserved_)) {
            return false;
        }
        reserved_ += bytes;
        return true;
    }
    void give_back(std::uint64_t bytes) {
        const std::scoped_lock lock(mutex_);
        reserved_ -= bytes;
    }
    /// @param bytes  for which there was room.
    void keep(const std::string& name, std::vector<std::byte> bytes) {
        const std::scoped_lock lock(mutex_);
        if (allowed_ == 0) {
            reserved_ -= bytes.size();  // of a mount that is no more: nobody would drop it
            return;
        }
        images_.insert_or_assign(name, std::move(bytes));
    }
    /// Valid until it is dropped.
    [[nodiscard]] std::optional<std::span<const std::byte>> find(std::string_view name) const {
        const std::scoped_lock lock(mutex_);
        const auto found = images_.find(name);
        return found == images_.end() ? std::nullopt : std::optional(std::span<const std::byte>(found->second));
    }
    /// @return whether it was here.
    bool drop(std::string_view name) {
        const std::scoped_lock lock(mutex_);
        const auto found = images_.find(name);
        if (found == images_.end()) {
            return false;
        }
        reserved_ -= found->second.size();
        images_.erase(found);
        return true;
    }

  private:
    mutable std::mutex mutex_;
    std::uint64_t allowed_ = 0;
    std::uint64_t reserved_ = 0;
    std::map<std::string, std::vector<std::byte>, std::less<>> images_;
};

}  // namespace grit::archive
