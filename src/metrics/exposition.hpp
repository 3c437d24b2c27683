// Metrics as prometheus-cpp's metric families: each family's name, type and meaning, once.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <vector>

#include "grit/base/clock.hpp"
#include "grit/metrics/metrics.hpp"

namespace grit::metrics {

/// Lifetime: the Metrics must outlive it.
class Exposition final : public prometheus::Collectable {
  public:
    Exposition(const Metrics& metrics, WallTime started) : metrics_(metrics), started_(started) {}
    [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override;

  private:
    const Metrics& metrics_;
    WallTime started_;
};

}  // namespace grit::metrics
