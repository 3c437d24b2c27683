// The image volumes, whose names an operator gives: a handful, known at the start.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace grit::metrics {

/// Threads: any.
class VolumeGauges {
  public:
    struct Row {
        std::string name = "root";
        std::string state = "in_use";  ///< One of `kStates`.
        std::optional<std::uint64_t> free_bytes;  ///< Nothing while it does not say.
    };
    static constexpr const char* kStates[] = {"in_use", "full", "out", "lost"};

    void set(std::vector<Row> rows) {
        const std::scoped_lock lock(mutex_);
        rows_ = std::move(rows);
    }
    [[nodiscard]] std::vector<Row> rows() const {
        const std::scoped_lock lock(mutex_);
        return rows_;
    }

  private:
    mutable std::mutex mutex_;
    std::vector<Row> rows_{Row{}};
};

}  // namespace grit::metrics
