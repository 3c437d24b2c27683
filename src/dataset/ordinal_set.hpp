// Which annotations: a bit each, for the stretches in which there is one. Private to the module.
#pragma once

#include <bitset>
#include <cstddef>
#include <unordered_map>

#include "grit/base/ids.hpp"

namespace grit::dataset {

/// Memory: 512 bytes for each 4,096 annotations that have any member, so 2.5 MB for 20 million, however many are in it.
class OrdinalSet {
  public:
    void insert(Ordinal ordinal) { stretches_[ordinal / kStretch].set(ordinal % kStretch); }
    void erase(Ordinal ordinal) {
        if (const auto found = stretches_.find(ordinal / kStretch); found != stretches_.end()) {
            found->second.reset(ordinal % kStretch);
        }
    }
    [[nodiscard]] bool contains(Ordinal ordinal) const {
        const auto found = stretches_.find(ordinal / kStretch);
        return found != stretches_.end() && found->second.test(ordinal % kStretch);
    }

  private:
    static constexpr std::size_t kStretch = 4096;
    std::unordered_map<Ordinal, std::bitset<kStretch>> stretches_;
};

}  // namespace grit::dataset
