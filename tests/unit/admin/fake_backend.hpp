// A daemon that only remembers what it was asked.
#pragma once

#include <atomic>
#include <boost/json/parse.hpp>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "grit/admin/backend.hpp"

namespace grit::admin::test {

/// Gives pieces, then the end, or a Problem after them.
class PiecesSource final : public dataset::ExportSource {
  public:
    PiecesSource(std::vector<std::string> pieces, std::string problem)
        : pieces_(std::move(pieces)), problem_(std::move(problem)) {}

    Checked<bool> next(std::string& chunk) override {
        chunk.clear();
        if (next_ < pieces_.size()) {
            chunk = pieces_[next_++];
            return true;
        }
        if (!problem_.empty()) {
            return Problem{problem_};
        }
        return false;
    }

  private:
    std::vector<std::string> pieces_;
    std::string problem_;
    std::size_t next_ = 0;
};

inline constexpr const char* kStatus = R"({
  "instance": "default", "state": "running", "pause_reason": "", "since": 1700000000, "uptime_seconds": 11520,
  "config": {"file": "/etc/gritd/default.toml", "reloaded_at": 1700003600},
  "input": {"lines": 20498221, "quarantined": 12, "bytes_read": 6000000000, "bytes_total": 12000000000, "complete": true},
  "records": {"pending": 16000000, "in_flight": 1204, "waiting": 394686, "done": 2510626, "gone": 1591705},
  "outcomes": {"stored": 2500000, "duplicate_content": 10626, "http_not_found": 900000, "robots_denied": 100000,
               "dns_not_found": 591705, "timeout_total": 200000, "filtered": 1},
  "rate": {"fetches_per_second": 1327.4, "stored_per_second": 812.2, "bytes_per_second": 92274688},
  "eta_seconds": 20160,
  "hosts": {"known": 1000000, "ready": 38881, "active": 1204, "parked": 900000, "backoff": 9120, "down": 411, "finished": 50384},
  "stored_bytes": 416611827712,
  "volume": {"root": "/srv/grit/images", "free_bytes": 12000000000000, "total_bytes": 40000000000000},
  "state_store": {"dir": "/var/lib/gritd/grit", "used_bytes": 3221225472, "map_bytes": 8589934592},
  "metrics": "http://127.0.0.1:9187/metrics"})";

inline constexpr const char* kHosts = R"([
  {"name": "a.example", "state": "active", "waits_for": "connection", "remaining": 120000, "open_requests": 2, "interval_ms": 100,
   "next_in_ms": 0, "eta_seconds": 12000, "stored": 1700, "failed": 3},
  {"name": "b.example", "state": "backoff", "waits_for": "retry_after", "remaining": 7, "open_requests": 0, "interval_ms": 1500,
   "next_in_ms": 3600000, "eta_seconds": 3611, "stored": 0, "failed": 40},
  {"name": "c.example", "state": "finished", "waits_for": "nothing", "remaining": 0, "open_requests": 0, "interval_ms": 30000,
   "next_in_ms": 500, "eta_seconds": 0, "stored": 12, "failed": 0}])";

/// Threads: set up before the server runs; `calls()`, `set_status` and `update` at any time.
class FakeBackend : public Backend {
  public:
    FakeBackend() : status_(json::parse(kStatus).as_object()) {}

    json::object status() override {
        const std::lock_guard lock(mutex_);
        return status_;
    }
    json::object stats() override { return {{"spans", 114}, {"images_per_second", 1.5}}; }

    void pause(const std::string& reason) override {
        note("pause " + reason);
        update("state", "paused");
        update("pause_reason", json::string(reason));
    }
    void resume() override {
        note("resume");
        update("state", "running");
        update("pause_reason", "");
    }
    void drain() override {
        note("drain");
        update("state", "draining");
    }
    void stop() override { note("stop"); }

    Checked<json::object> reload() override {
        note("reload");
        if (!reload_problem.empty()) {
            return Problem{reload_problem};
        }
        return json::object{{"changed", json::array{"fetch.max_in_flight"}}};
    }
    void set_log_level(LogLevel level) override { note("log-level " + std::string(name_of(level))); }

    Checked<std::optional<json::object>> record(const std::string& url) override {
        note("record " + url);
        if (url == "https://damaged.example/") {
            return Problem{"records: corrupt row"};
        }
        if (url != known_url) {
            return std::optional<json::object>();
        }
        return std::optional(
            json::object{{"url", url},
                         {"outcome", "stored"},
                         {"http_status", 200},
                         {"size_bytes", 20480},
                         {"last_at", 1700000000},
                         {"path", "00000/000000005.jpg"},
                         {"attempts", json::array{json::object{{"at", 1700000000}, {"outcome", "stored"}}}}});
    }
    Checked<json::object> explain(const std::string& url) override {
        note("explain " + url);
        return json::object{{"url", url}, {"verdict", "would be fetched"}};
    }
    Checked<json::array> hosts(const HostsQuery& query) override {
        note("hosts " + std::string(name_of(query.sort)) + " " + std::to_string(query.limit) +
             (query.state.empty() ? "" : " " + std::string(query.state)));
        if (!hosts_problem.empty()) {
            return Problem{hosts_problem};
        }
        return json::parse(kHosts).as_array();
    }
    std::optional<json::object> host(const std::string& name) override {
        note("host " + name);
        return name == "a.example"
                   ? std::optional(json::object{{"host", name}, {"state", "active"}, {"remaining", 1200}})
                   : std::nullopt;
    }
    Checked<json::object> retry(const RetryFilter& filter) override {
        std::string text = "retry";
        for (const Outcome outcome : filter.outcomes) {
            text.append(" ").append(name_of(outcome));
        }
        text += filter.host ? " host=" + *filter.host : "";
        text += filter.since ? " since=" + std::to_string(filter.since->count()) : "";
        text += filter.dry_run ? " dry_run" : "";
        note(text);
        if (!retry_problem.empty()) {
            return Problem{retry_problem};
        }
        return json::object{{"requeued", 42}};
    }
    json::array blocks() override {
        note("blocks");
        return {json::object{{"kind", "domain"}, {"value", "a.example"}, {"reason", "by mail"}, {"since", 1700000000}, {"by_uid", 7}}};
    }
    Checked<json::object> block(const politeness::Block& block) override {
        note("block " + block.name() + (block.reason.empty() ? "" : " because " + block.reason) + " by " +
             (block.by_uid == 4711 ? "4711" : "somebody"));
        if (block.value == "full.example") {
            return Problem{"10000 things are blocked already"};
        }
        return json::object{{"kind", politeness::name_of(block.kind)}, {"value", block.value}};
    }
    Checked<std::optional<politeness::Block>> unblock(std::optional<politeness::BlockKind> kind, const std::string& value) override {
        note("unblock " + (kind ? std::string(politeness::name_of(*kind)) + " " : "") + value);
        if (value != "a.example") {
            return std::optional<politeness::Block>();
        }
        politeness::Block block;
        block.kind = politeness::BlockKind::domain;
        block.value = value;
        return std::optional(std::move(block));
    }
    Checked<std::uint64_t> ask_again(const politeness::Block& block) override {
        note("ask_again " + block.value);
        return 3;
    }
    Checked<json::object> opt_out(const OptOutRequest& request) override {
        note("optout " + request.domain + (request.erase ? " delete" : "") + (request.dry_run ? " dry_run" : "") +
             (request.reason.empty() ? "" : " because " + request.reason));
        if (request.domain == "busy.example") {
            return Problem{"another opt-out is under way"};
        }
        return json::object{{"domain", request.domain}, {"state", "running"}};
    }
    std::optional<json::object> opt_out_state() override {
        if (opt_out_looks == 0) {
            return std::nullopt;
        }
        const bool done = --opt_out_looks == 0;
        return json::object{{"domain", "a.example"},        {"state", done ? opt_out_end : "running"},
                            {"delete", true},               {"dry_run", false},
                            {"listed", 5},                  {"deleted", 5},
                            {"files_removed", 3},           {"files_kept", 1},
                            {"freed_bytes", 2048},          {"list", "/state/optouts/a.example.jsonl"},
                            {"problem", done && opt_out_end == "failed" ? "the disk is full" : ""}};
    }

    Checked<json::object> verify(const VerifyRequest& request) override {
        note("verify" + (request.sample > 0 ? " sample=" + std::to_string(request.sample) : "") + (request.repair ? " repair" : "") +
             (request.by_uid == 4711 ? " by 4711" : ""));
        return job_problem.empty() ? Checked<json::object>(verify_view(job_looks > 0)) : Checked<json::object>(Problem{job_problem});
    }
    std::optional<json::object> stop_verify() override {
        note("stop_verify");
        job_looks = 0;
        return verify_state();
    }
    std::optional<json::object> verify_state() override {
        return has_job ? std::optional(verify_view(job_looks > 0 && --job_looks > 0)) : std::nullopt;
    }
    Checked<json::object> backup(const BackupRequest& request) override {
        note("backup " + request.folder + (request.by_uid == 4711 ? " by 4711" : ""));
        return job_problem.empty() ? Checked<json::object>(backup_view(job_looks > 0)) : Checked<json::object>(Problem{job_problem});
    }
    json::array volumes() override {
        note("volumes");
        return {json::object{{"name", "root"}, {"state", "in_use"}}};
    }
    Checked<json::object> give_up_volume(const std::string& name, std::uint32_t /*by_uid*/) override {
        note("give_up_volume " + name);
        if (name != "b") {
            return Problem{"there is no volume \"" + name + "\""};
        }
        return json::object{{"state", "running"}};
    }
    std::optional<json::object> stop_backup() override {
        note("stop_backup");
        job_looks = 0;
        return backup_state();
    }
    std::optional<json::object> backup_state() override {
        return has_job ? std::optional(backup_view(job_looks > 0 && --job_looks > 0)) : std::nullopt;
    }
    Checked<json::object> adopt(const AdoptRequest& request) override {
        note("adopt " + request.folder + (request.failures.empty() ? "" : " failures=" + request.failures) +
             (request.hard_links ? "" : " copies") + (request.forget ? "forget" : "") + (request.force ? " by force" : "") +
             (request.by_uid == 4711 ? " by 4711" : ""));
        adopt_task = request.forget ? "forget" : "note";
        return job_problem.empty() ? Checked<json::object>(adopt_view(job_looks > 0)) : Checked<json::object>(Problem{job_problem});
    }
    json::object stop_adopt() override {
        note("stop_adopt");
        job_looks = 0;
        return adopt_state();
    }
    json::object adopt_state() override {
        return has_job ? adopt_view(job_looks > 0 && --job_looks > 0) : json::object{{"state", "none"}, {"left", adoptions_left}};
    }
    json::object adopt_view(bool running) const {
        return {{"state", running ? "running" : job_end}, {"task", adopt_task}, {"forgotten", 4'321}, {"left", adoptions_left},
                {"hard_links", true}, {"dir", "/old"}, {"failures", "/old.jsonl"}, {"shards", 4},
                {"shards_done", running ? 2 : 4}, {"images", 12'345}, {"final_failures", 7}, {"open_failures", 9},
                {"bad_urls", 1}, {"damaged", 2}, {"imageless", 3}, {"seconds", 1.0},
                {"problem", job_end == "failed" ? "the disk is on fire" : ""}};
    }
    json::object verify_view(bool running) const {
        return {{"state", running ? "running" : job_end}, {"images_total", 200}, {"checked", running ? 50 : 200},
                {"bytes_total", 4096}, {"bytes_read", 2048}, {"seconds", 1.0}, {"shared", 0}, {"changed", 0},
                {"missing", broken}, {"wrong_size", 0}, {"wrong_digest", 0}, {"wrong_header", 0}, {"unreadable", 0}, {"broken", broken},
                {"requeued", requeued}, {"repair", requeued > 0}, {"damaged_rows", 0},
                {"list", "/state/verify/x.jsonl"}, {"problem", job_end == "failed" ? "the disk is on fire" : ""}};
    }
    json::object backup_view(bool running) const {
        return {{"state", running ? "running" : job_end}, {"dir", "/backup"}, {"bytes_written", running ? 512 : 1024},
                {"bytes_total", 1024}, {"files", 3}, {"seconds", 1.0}, {"state_grew_bytes", 0},
                {"problem", job_end == "failed" ? "the disk is on fire" : ""}};
    }

    Checked<std::unique_ptr<dataset::ExportSource>> export_url_to_path(dataset::Format format) override {
        note("export " + std::string(dataset::name_of(format)));
        return std::unique_ptr<dataset::ExportSource>(std::make_unique<PiecesSource>(export_pieces, export_problem));
    }

    std::vector<std::string> calls() const {
        const std::lock_guard lock(mutex_);
        return calls_;
    }
    void update(std::string_view key, json::value value) {
        const std::lock_guard lock(mutex_);
        status_[key] = std::move(value);
    }

    std::string known_url = "https://a.example/x.jpg?a=1&b=2+3";
    std::string hosts_problem;
    std::string reload_problem;
    std::string retry_problem;
    std::vector<std::string> export_pieces{"url,path\r\n", "https://a.example/x.jpg,/srv/00000/000000005.jpg\r\n"};
    std::string export_problem;
    std::atomic<int> opt_out_looks{0};  // until it is done
    std::string opt_out_end = "done";
    // Of verify, backup and adopt alike.
    bool has_job = true;
    std::atomic<int> job_looks{0};  // until it has ended
    std::string job_end = "done";
    std::string job_problem;
    std::string adopt_task = "note";
    int adoptions_left = 5;
    int broken = 0;
    int requeued = 0;

  private:
    void note(std::string call) {
        const std::lock_guard lock(mutex_);
        calls_.push_back(std::move(call));
    }

    mutable std::mutex mutex_;
    json::object status_;
    std::vector<std::string> calls_;
};

}  // namespace grit::admin::test
