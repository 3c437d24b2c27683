#include "map_gate.hpp"

namespace grit::store {

void MapGate::enter() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !resizing_; });
    ++readers_;
}

void MapGate::leave() {
    const std::scoped_lock lock(mutex_);
    --readers_;
    if (readers_ == 0 && resizing_) {
        changed_.notify_all();
    }
}

}  // namespace grit::store
