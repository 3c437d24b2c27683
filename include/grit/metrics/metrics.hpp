// All numbers that Prometheus reads: one handle per family, and the text they make.
//
// docs/metrics.md lists every family with its name, labels and meaning; a test compares it with this module. Names
// are a contract: dashboards and alerts use them.
#pragma once

#include <string>

#include "grit/base/clock.hpp"
#include "grit/metrics/handles.hpp"
#include "grit/metrics/labels.hpp"
#include "grit/metrics/volume_gauges.hpp"

namespace grit::metrics {

/// Owned by the App, handed down by reference; outlives all who count.
///
/// Handles are public on purpose: they are the interface, and there is no state between them to guard.
/// Threads: handles and text() may be used from any thread at once.
class Metrics {
  public:
    /// @param started  wall time of the process start (its own stat file is of no use: systemd's ProcSubset=pid hides
    ///                 the boot time that it counts from).
    explicit Metrics(WallTime started);
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;

    /// Everything in the Prometheus text format 0.0.4, process_* included. Reads /proc/self; takes about a millisecond.
    [[nodiscard]] std::string text() const;

    // The crawl.
    ByLabel<Counter, Outcome> fetches;      ///< A fetch ended.
    ByLabel<Counter, RetryReason> retries;  ///< A URL was put back: retry_reason_of(disposition).
    ByLabel<Gauge, RecordState> records;    ///< Distinct URLs.
    ByLabel<Gauge, HostState> hosts;        ///< Hosts with URLs not settled.
    Gauge in_flight;                        ///< Leases held now.
    Gauge paused;                           ///< 0 or 1.
    Timestamp last_success;                 ///< Last image committed.
    DurationHistogram politeness_wait;      ///< A host with work begins to wait: until its gate opens.
    DurationHistogram schedule_lag;         ///< A host came due, until it was leased.
    Timestamp next_due;                     ///< When a host with work may be asked next.

    // One fetch.
    DurationHistogram fetch_duration;
    ByLabel<DurationHistogram, FetchStage> fetch_stage_duration;
    SizeHistogram response_size;                 ///< Body bytes of a complete response.
    ByLabel<Counter, CodeClass> http_responses;  ///< code_class_of(status).
    Counter downloaded_bytes;                    ///< Body bytes received, kept or not.
    Counter stored_bytes;                        ///< Image bytes committed.
    ByLabel<Gauge, ConnectionState> connections;
    ByLabel<Counter, ConnectionUse> connection_use;
    ByLabel<Counter, TlsHandshake> tls_handshakes;
    ByLabel<Counter, DnsResult> dns_queries;
    ByLabel<Counter, CacheResult> dns_cache;
    ByLabel<Counter, RobotsDecision> robots_decisions;
    ByLabel<Counter, Adopted> adoptions;
    Counter robots_fetches;
    Counter tdmrep_fetches;

    // Input and state.
    Counter lines_ingested;
    Counter lines_quarantined;
    Gauge input_offset_bytes;
    Gauge input_size_bytes;
    DurationHistogram commit_duration;
    Counter journal_lines;         ///< Written into the outcome journal.
    Counter journal_bytes;         ///< Of them, as written.
    Counter journal_sealed_bytes;  ///< Of sealed files, as compressed.
    DurationHistogram journal_sync_duration;
    Counter journal_failures;  ///< Writes and syncs that failed.
    Gauge state_map_used_bytes;
    Gauge state_map_size_bytes;
    VolumeGauges volumes;

    // The daemon.
    DurationHistogram event_loop_lag;
    Gauge config_last_reload_successful;  ///< 0 or 1; a start counts as a successful load.
    Timestamp config_last_reload_success;

  private:
    WallTime started_;
};

}  // namespace grit::metrics
