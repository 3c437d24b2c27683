#include "exposition.hpp"

#include <boost/version.hpp>
#include <string>

#include "family_list.hpp"
#include "grit/base/version.hpp"
#include "process.hpp"

namespace grit::metrics {
namespace {

void add_crawl(FamilyList& list, const Metrics& m) {
    list.counters("gritd_fetches_total", "Fetches that ended, by what became of them.", "outcome", m.fetches);
    list.counters("gritd_retries_total", "URLs put back to be asked again, by why.", "reason", m.retries);
    list.gauges("gritd_records", "Distinct URLs, by how far they are.", "state", m.records);
    list.gauges("gritd_hosts", "Hosts with URLs that are not settled, by whether they may be asked.", "state", m.hosts);
    list.gauge("gritd_in_flight_fetches", "Fetches that run now.", m.in_flight);
    list.gauge("gritd_paused", "1 while the crawl is paused, by an operator or by a fault of our own.", m.paused);
    list.gauge("gritd_last_success_timestamp_seconds", "When an image was last committed, in seconds since 1970.",
               m.last_success);
    list.histogram("gritd_politeness_wait_seconds", "Waits of hosts with URLs left for their pace or back-off.",
                   m.politeness_wait);
    list.histogram("gritd_schedule_lag_seconds", "Lateness with which a host whose wait was over was asked.",
                   m.schedule_lag);
    list.gauge("gritd_next_due_timestamp_seconds",
               "When a host with URLs left may be asked next, in seconds since 1970; 0 if nobody waits for that.",
               m.next_due);
}

void add_fetch(FamilyList& list, const Metrics& m) {
    list.histogram("gritd_fetch_duration_seconds", "Time of a whole fetch with its redirects.", m.fetch_duration);
    list.histograms("gritd_fetch_stage_duration_seconds", "Time of one stage of a fetch.", "stage",
                    m.fetch_stage_duration);
    list.histogram("gritd_response_size_bytes", "Bodies of complete responses.", m.response_size);
    list.counters("gritd_http_responses_total", "Response heads received, by class of the status code.", "code_class",
                  m.http_responses);
    list.counter("gritd_downloaded_bytes_total", "Body bytes received, kept or not.", m.downloaded_bytes);
    list.counter("gritd_stored_bytes_total", "Image bytes committed.", m.stored_bytes);
    list.gauges("gritd_connections", "Open connections.", "state", m.connections);
    list.counters("gritd_connection_reuse_total", "Requests sent, by whether the connection was there already.",
                  "result", m.connection_use);
    list.counters("gritd_tls_handshakes_total", "TLS handshakes, by how they ended; a resumed one costs a fifth.", "result",
                  m.tls_handshakes);
    list.counters("gritd_dns_queries_total", "Questions to name servers, by how they ended.", "result", m.dns_queries);
    list.counters("gritd_dns_cache_total", "Look-ups of a host's addresses, by whether they were known.", "result",
                  m.dns_cache);
    list.counters("gritd_adoptions_total", "Images of another program, by how they were taken over; refused ones are asked for, held ones can not be read now.", "how",
                  m.adoptions);
    list.counters("gritd_robots_decisions_total", "URLs checked against robots.txt, by the answer.", "decision",
                  m.robots_decisions);
    list.counter("gritd_robots_fetches_total", "Fetches of a robots.txt file.", m.robots_fetches);
    list.counter("gritd_tdmrep_fetches_total", "Fetches of a tdmrep.json file.", m.tdmrep_fetches);
}

void add_state(FamilyList& list, const Metrics& m) {
    list.counter("gritd_lines_ingested_total", "Lines of annotations taken into the frontier.", m.lines_ingested);
    list.counter("gritd_lines_quarantined_total", "Lines of annotations that could not be read.", m.lines_quarantined);
    list.gauge("gritd_input_offset_bytes", "How far the annotations are read, all files together, decompressed.",
               m.input_offset_bytes);
    list.gauge("gritd_input_size_bytes", "Size of the annotations, all files together; 0 while unknown.",
               m.input_size_bytes);
    list.histogram("gritd_state_commit_duration_seconds", "Time of a group commit, images and state.",
                   m.commit_duration);
    list.counter("gritd_journal_lines_total", "Lines written into the outcome journal.", m.journal_lines);
    list.counter("gritd_journal_bytes_total", "Bytes of those lines, before they are compressed.", m.journal_bytes);
    list.counter("gritd_journal_sealed_bytes_total", "Bytes of sealed files of the outcome journal, compressed.",
                 m.journal_sealed_bytes);
    list.histogram("gritd_journal_sync_duration_seconds", "Time for which a commit waited for the outcome journal's sync.",
                   m.journal_sync_duration);
    list.counter("gritd_journal_failures_total", "Writes and syncs of the outcome journal that failed; each is tried again.",
                 m.journal_failures);
    list.gauge("gritd_state_map_used_bytes", "Used part of the state file's map.", m.state_map_used_bytes);
    list.gauge("gritd_state_map_size_bytes", "Size of the state file's map; it grows by itself.",
               m.state_map_size_bytes);
    list.volumes(m.volumes);
}

void add_daemon(FamilyList& list, const Metrics& m) {
    list.histogram("gritd_event_loop_lag_seconds", "Lateness of a timer of a shard's event loop.", m.event_loop_lag);
    list.gauge("gritd_config_last_reload_successful", "1 if the last load of the config succeeded.",
               m.config_last_reload_successful);
    list.gauge("gritd_config_last_reload_success_timestamp_seconds",
               "When the config was last loaded without an error, in seconds since 1970.",
               m.config_last_reload_success);
    list.info("gritd_build_info", "A constant 1; the labels say which build this is.",
              {{"version", std::string(version())},
               {"commit", std::string(commit())},
               {"compiler", std::string(compiler())},
               {"boost", BOOST_LIB_VERSION}});
}

}  // namespace

std::vector<prometheus::MetricFamily> Exposition::Collect() const {
    FamilyList list;
    add_crawl(list, metrics_);
    add_fetch(list, metrics_);
    add_state(list, metrics_);
    add_daemon(list, metrics_);
    add_process_families(list, started_);
    return list.take();
}

}  // namespace grit::metrics
