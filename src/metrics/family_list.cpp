#include "family_list.hpp"

#include <limits>

namespace grit::metrics {

prometheus::MetricFamily& FamilyList::family(const char* name, const char* help, prometheus::MetricType type) {
    families_.push_back({name, help, type, {}});
    return families_.back();
}

prometheus::ClientMetric& FamilyList::add(const char* name, const char* help, prometheus::MetricType type) {
    return family(name, help, type).metric.emplace_back();
}

prometheus::ClientMetric::Histogram FamilyList::shown(const Histogram& histogram, double per_unit) {
    const Histogram::Snapshot snapshot = histogram.snapshot();
    const auto bounds = histogram.bounds();
    prometheus::ClientMetric::Histogram out;
    // The count is made of the buckets, so that it equals the last one whatever happens meanwhile.
    for (std::size_t i = 0; i <= bounds.size(); ++i) {
        out.sample_count += snapshot.counts[i];
        const double bound =
            i < bounds.size() ? static_cast<double>(bounds[i]) / per_unit : std::numeric_limits<double>::infinity();
        out.bucket.push_back({out.sample_count, bound});
    }
    out.sample_sum = static_cast<double>(snapshot.sum) / per_unit;
    return out;
}

void FamilyList::volumes(const VolumeGauges& volumes) {
    const std::vector<VolumeGauges::Row> rows = volumes.rows();
    auto& space = family("gritd_volume_free_bytes", "Free space of an image volume, as of the last look; 0 before the first.",
                         prometheus::MetricType::Gauge);
    for (const VolumeGauges::Row& row : rows) {
        auto& metric = space.metric.emplace_back();
        metric.label.push_back({"volume", row.name});
        metric.gauge.value = static_cast<double>(row.free_bytes.value_or(0));
    }
    auto& states = family("gritd_volume_state", "1 for the state that an image volume is in.", prometheus::MetricType::Gauge);
    for (const VolumeGauges::Row& row : rows) {
        for (const char* const state : VolumeGauges::kStates) {
            auto& metric = states.metric.emplace_back();
            metric.label.push_back({"volume", row.name});
            metric.label.push_back({"state", state});
            metric.gauge.value = row.state == state ? 1 : 0;
        }
    }
}

void FamilyList::info(const char* name, const char* help, std::vector<std::pair<std::string, std::string>> labels) {
    auto& metric = add(name, help, prometheus::MetricType::Gauge);
    metric.gauge.value = 1;
    for (auto& [label, value] : labels) {
        metric.label.push_back({std::move(label), std::move(value)});
    }
}

}  // namespace grit::metrics
