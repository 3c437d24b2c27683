// The daemon as the control socket sees it.
#pragma once

#include "adopt_job.hpp"
#include "backup_job.hpp"

#include "grit/admin/backend.hpp"
#include "grit/base/clock.hpp"
#include "grit/base/log.hpp"
#include "grit/config/config.hpp"
#include "grit/crawl/explanation.hpp"
#include "grit/crawl/supervisor.hpp"
#include "grit/metrics/metrics.hpp"
#include "grit/store/env.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <string>

namespace grit::daemon {

/// What the backend can not do alone.
class Controls {
  public:
    virtual ~Controls() = default;
    virtual void drain_and_end() = 0;
    [[nodiscard]] virtual Checked<boost::json::object> reload() = 0;
};

class AppBackend final : public admin::Backend {
  public:
    struct Parts {
        const std::string& config_file;
        const config::Config& config;
        store::Env& env;
        store::Writer& writer;
        archive::Volumes& volumes;
        crawl::Supervisor& supervisor;
        const metrics::Metrics& metrics;
        Logger& log;
        const Clock& clock;
        Controls& controls;
    };

    explicit AppBackend(const Parts& parts);

    [[nodiscard]] boost::json::object status() override;
    [[nodiscard]] boost::json::object stats() override;
    void pause(const std::string& reason) override;
    void resume() override;
    void drain() override;
    void stop() override;
    [[nodiscard]] Checked<boost::json::object> reload() override;
    void set_log_level(LogLevel level) override;
    [[nodiscard]] Checked<std::optional<boost::json::object>> record(const std::string& url) override;
    [[nodiscard]] Checked<boost::json::object> explain(const std::string& url) override;
    [[nodiscard]] Checked<boost::json::array> hosts(const admin::HostsQuery& query) override;
    [[nodiscard]] std::optional<boost::json::object> host(const std::string& name) override;
    [[nodiscard]] Checked<boost::json::object> retry(const admin::RetryFilter& filter) override;
    [[nodiscard]] boost::json::array blocks() override;
    [[nodiscard]] Checked<boost::json::object> block(const politeness::Block& block) override;
    [[nodiscard]] Checked<std::optional<politeness::Block>> unblock(std::optional<politeness::BlockKind> kind,
                                                                      const std::string& value) override;
    [[nodiscard]] Checked<std::uint64_t> ask_again(const politeness::Block& block) override;
    [[nodiscard]] Checked<boost::json::object> opt_out(const admin::OptOutRequest& request) override;
    [[nodiscard]] std::optional<boost::json::object> opt_out_state() override;
    [[nodiscard]] Checked<boost::json::object> verify(const admin::VerifyRequest& request) override;
    [[nodiscard]] std::optional<boost::json::object> stop_verify() override;
    [[nodiscard]] std::optional<boost::json::object> verify_state() override;
    [[nodiscard]] boost::json::array volumes() override;
    [[nodiscard]] Checked<boost::json::object> give_up_volume(const std::string& name, std::uint32_t by_uid) override;
    [[nodiscard]] Checked<boost::json::object> backup(const admin::BackupRequest& request) override;
    [[nodiscard]] std::optional<boost::json::object> stop_backup() override;
    [[nodiscard]] std::optional<boost::json::object> backup_state() override;
    [[nodiscard]] Checked<boost::json::object> adopt(const admin::AdoptRequest& request) override;
    [[nodiscard]] boost::json::object stop_adopt() override;
    [[nodiscard]] boost::json::object adopt_state() override;
    [[nodiscard]] Checked<std::unique_ptr<dataset::ExportSource>> export_url_to_path(dataset::Format format) override;

    void set_metrics_port(std::uint16_t port) noexcept { metrics_port_ = port; }
    /// Ends the jobs that are this object's own. Blocking, a moment.
    void stop_jobs() {
        backup_.stop();
        adopt_.stop();
    }
    void note_reload() { reloaded_at_ = clock_seconds(); }

  private:
    // What is known of one URL.
    struct Found {
        std::optional<url::CanonicalUrl> url;  // nothing if it is none
        std::string url_problem;
        std::optional<HostId> host;  // nothing if no annotation named it so far
        std::string host_name;
        std::optional<store::Record> record;
    };
    [[nodiscard]] boost::json::object volumes_together() const;
    [[nodiscard]] std::int64_t clock_seconds() const;
    [[nodiscard]] static std::uint64_t open_lines(const store::Totals& totals, std::uint64_t waiting);
    [[nodiscard]] bool is_through() const;
    [[nodiscard]] Checked<Found> find(const std::string& url);
    [[nodiscard]] const politeness::Block* block_of(const url::CanonicalUrl& url) const;
    [[nodiscard]] crawl::UrlFacts facts_of(const std::string& url, Found& found);
    [[nodiscard]] std::optional<frontier::QueuePlace> place_of(HostId host, const crawl::UrlFacts& facts);

    Parts parts_;
    BackupJob backup_;
    AdoptJob adopt_;
    std::int64_t started_at_;
    std::int64_t reloaded_at_;
    std::uint16_t metrics_port_ = 0;
};

}  // namespace grit::daemon
