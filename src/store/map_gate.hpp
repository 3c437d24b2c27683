// Keeps readers and a resize of the map apart: LMDB itself lets them meet and says all is well.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace grit::store {

/// A shared lock in which a waiting resize goes first, so that a stream of short readers can not starve it.
class MapGate {
  public:
    /// Not by a thread that is inside.
    void enter();
    void leave();

    /// Runs `resize` while no reader is inside.
    template <class Function>
    auto exclusive(Function resize) {
        std::unique_lock lock(mutex_);
        resizing_ = true;
        changed_.wait(lock, [this] { return readers_ == 0; });
        const auto result = resize();
        resizing_ = false;
        changed_.notify_all();
        return result;
    }

    /// Runs a short `look` while the map stays what it is. It does not wait for a resize that waits for readers, so that one of
    /// these may call it: entering a second time it would wait for itself.
    template <class Function>
    auto between_resizes(Function look) {
        const std::scoped_lock lock(mutex_);
        return look();
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t readers_ = 0;
    bool resizing_ = false;
};

}  // namespace grit::store
