// Builds metric families out of handles.
#pragma once

#include <prometheus/metric_family.h>

#include <string>
#include <utility>
#include <vector>

#include "grit/metrics/handles.hpp"
#include "grit/metrics/labels.hpp"
#include "grit/metrics/volume_gauges.hpp"

namespace grit::metrics {

/// Collects families in the order they are added.
class FamilyList {
  public:
    void counter(const char* name, const char* help, double value) {
        add(name, help, prometheus::MetricType::Counter).counter.value = value;
    }
    void counter(const char* name, const char* help, const Counter& counter) {
        this->counter(name, help, static_cast<double>(counter.value()));
    }
    void gauge(const char* name, const char* help, double value) {
        add(name, help, prometheus::MetricType::Gauge).gauge.value = value;
    }
    void gauge(const char* name, const char* help, const Gauge& gauge) {
        this->gauge(name, help, static_cast<double>(gauge.value()));
    }
    void gauge(const char* name, const char* help, const Timestamp& timestamp) {
        gauge(name, help, timestamp.seconds());
    }
    void histogram(const char* name, const char* help, const DurationHistogram& histogram) {
        add(name, help, prometheus::MetricType::Histogram).histogram = shown(histogram, kMicrosecond);
    }
    void histogram(const char* name, const char* help, const SizeHistogram& histogram) {
        add(name, help, prometheus::MetricType::Histogram).histogram = shown(histogram, kByte);
    }

    template <class Label>
    void counters(const char* name, const char* help, const char* label, const ByLabel<Counter, Label>& counters) {
        for (auto& [metric, handle] : labelled(name, help, prometheus::MetricType::Counter, label, counters)) {
            metric->counter.value = static_cast<double>(handle->value());
        }
    }
    template <class Label>
    void gauges(const char* name, const char* help, const char* label, const ByLabel<Gauge, Label>& gauges) {
        for (auto& [metric, handle] : labelled(name, help, prometheus::MetricType::Gauge, label, gauges)) {
            metric->gauge.value = static_cast<double>(handle->value());
        }
    }
    template <class Label>
    void histograms(const char* name, const char* help, const char* label,
                    const ByLabel<DurationHistogram, Label>& histograms) {
        for (auto& [metric, handle] : labelled(name, help, prometheus::MetricType::Histogram, label, histograms)) {
            metric->histogram = shown(*handle, kMicrosecond);
        }
    }
    /// Free space and state of each image volume.
    void volumes(const VolumeGauges& volumes);
    /// A constant 1 whose labels carry the message.
    void info(const char* name, const char* help, std::vector<std::pair<std::string, std::string>> labels);

    [[nodiscard]] std::vector<prometheus::MetricFamily> take() { return std::move(families_); }

  private:
    // Units of a histogram's whole numbers per base unit.
    static constexpr double kMicrosecond = 1e6;
    static constexpr double kByte = 1;

    prometheus::MetricFamily& family(const char* name, const char* help, prometheus::MetricType type);
    prometheus::ClientMetric& add(const char* name, const char* help, prometheus::MetricType type);
    static prometheus::ClientMetric::Histogram shown(const Histogram& histogram, double per_unit);

    // A metric of the family for each handle, with its label. The pointers hold until the next family is added.
    template <class Handle, class Label>
    std::vector<std::pair<prometheus::ClientMetric*, const Handle*>> labelled(const char* name, const char* help,
                                                                              prometheus::MetricType type,
                                                                              const char* label,
                                                                              const ByLabel<Handle, Label>& handles) {
        auto& metrics = family(name, help, type).metric;
        metrics.resize(LabelSet<Label>::kSize);
        std::vector<std::pair<prometheus::ClientMetric*, const Handle*>> pairs;
        for (std::size_t i = 0; i < metrics.size(); ++i) {
            metrics[i].label.push_back({label, std::string(LabelSet<Label>::name(i))});
            pairs.emplace_back(&metrics[i], &handles.all()[i]);
        }
        return pairs;
    }

    std::vector<prometheus::MetricFamily> families_;
};

}  // namespace grit::metrics
