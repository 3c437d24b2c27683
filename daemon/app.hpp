// The daemon put together: constructs every part in order, and stops them in reverse.
#pragma once

#include "app_backend.hpp"
#include "exit_code.hpp"
#include "service_manager.hpp"

#include "grit/admin/server.hpp"
#include "grit/archive/volumes.hpp"
#include "grit/base/clock.hpp"
#include "grit/base/heap_trim.hpp"
#include "grit/base/log.hpp"
#include "grit/config/config.hpp"
#include "grit/crawl/supervisor.hpp"
#include "grit/exporter/exporter.hpp"
#include "grit/journal/journal.hpp"
#include "grit/metrics/metrics.hpp"
#include "grit/store/damage_guard.hpp"
#include "grit/store/env.hpp"
#include "grit/store/lock.hpp"
#include "grit/store/read_ahead.hpp"
#include "grit/store/writer.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <optional>
#include <string>

namespace grit::daemon {

/// How `gritd run` was called.
struct RunOptions {
    bool once = false;         ///< Ends when there is nothing more to do.
    bool older_state = false;  ///< Goes on from a state that is older than its journal.
};

/// One run of the daemon, on the thread that calls `run`.
class App final : private Controls {
  public:
    /// @param config_file  where `config` came from: a reload reads it again.
    App(std::string config_file, config::Config config, const RunOptions& options);
    ~App() override;
    App(const App&) = delete;
    App& operator=(const App&) = delete;

    /// Starts, works and stops. Problems at the start are logged and become the exit code.
    [[nodiscard]] ExitCode run();

  private:
    struct Failure {
        ExitCode code;
        std::string what;
    };

    // Controls
    void drain_and_end() override;
    [[nodiscard]] Checked<boost::json::object> reload() override;

    [[nodiscard]] std::optional<Failure> start();
    void fit_to_descriptors(config::Config& config) const;
    [[nodiscard]] std::optional<Failure> open_state();
    [[nodiscard]] std::optional<Failure> open_journal();
    [[nodiscard]] std::optional<Failure> check_layout();
    [[nodiscard]] std::optional<Failure> look_at_noted_damage();
    void check_pages(const std::atomic<bool>& stopping);
    [[nodiscard]] std::optional<Failure> open_volumes();
    [[nodiscard]] std::optional<Failure> note_volumes();
    [[nodiscard]] std::optional<Failure> start_listeners();
    void wait_for_signals();
    void on_signal(int signal);
    void schedule_pulse();
    void pulse();
    void await_drained();
    void end(ExitCode code);
    void stop_everything();

    std::string config_file_;
    config::Config config_;
    RunOptions options_;
    SystemClock clock_;
    Logger log_;
    ServiceManager service_manager_;
    metrics::Metrics metrics_;
    boost::asio::io_context control_{1};
    store::StateLock lock_;
    std::optional<store::DamageGuard> damage_guard_;
    std::unique_ptr<store::Env> env_;
    std::unique_ptr<store::ReadAhead> read_ahead_;
    std::unique_ptr<archive::Volumes> volumes_;
    std::unique_ptr<journal::Journal> journal_;
    std::unique_ptr<store::Writer> writer_;
    std::unique_ptr<crawl::Supervisor> supervisor_;
    std::unique_ptr<AppBackend> backend_;
    std::unique_ptr<admin::Server> admin_;
    std::unique_ptr<exporter::Exporter> exporter_;
    boost::asio::signal_set signals_;
    boost::asio::steady_timer pulse_;
    boost::asio::steady_timer drain_timer_;
    SteadyTime drain_ends_ = SteadyTime::max();
    HeapTrim heap_trim_{clock_.now()};
    bool draining_ = false;
    bool ending_ = false;
    ExitCode exit_code_ = ExitCode::clean;
};

}  // namespace grit::daemon
