#include "app.hpp"

#include "descriptors.hpp"

#include "grit/base/low_priority.hpp"
#include "grit/base/quantity.hpp"
#include "grit/base/version.hpp"
#include "grit/config/load.hpp"
#include "grit/dataset/volume_options.hpp"
#include "grit/store/error.hpp"
#include "grit/store/shard_rows.hpp"
#include "grit/store/tables.hpp"

#include <boost/asio/post.hpp>

#include <fmt/format.h>

#include <array>
#include <csignal>
#include <exception>
#include <utility>

namespace grit::daemon {
namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr Milliseconds kPulse{5'000};
constexpr Milliseconds kDrainLook{50};
// A loop that has not turned for so long is stuck: the watchdog is told no more.
constexpr Milliseconds kStuckAfter{30'000};
constexpr Milliseconds kSlowStart{120'000};

std::string damage_of(const std::string& state_dir, const Result<store::PageReport>& report) {
    if (!report) {
        return fmt::format("the state in {} can not be read: {}", state_dir, report.error().message());
    }
    // What to do first: a long list is cut short in the log.
    return fmt::format("the state in {} is damaged: restore the state folder from a backup (gritctl backup makes them), or have gritctl "
                       "rebuild make it anew. {} of {} pages are not what they should be: {}",
                       state_dir, report->damaged, report->pages, fmt::join(report->places, "; "));
}

}  // namespace

App::App(std::string config_file, config::Config config, const RunOptions& options)
    : config_file_(std::move(config_file)),
      config_(std::move(config)),
      options_(options),
      log_(config_.log.level),
      metrics_(clock_.wall_now()),
      signals_(control_, SIGTERM, SIGINT, SIGHUP),
      pulse_(control_),
      drain_timer_(control_) {}

App::~App() = default;

ExitCode App::run() {
    log_.info("daemon.starting", {{"version", version()}, {"commit", commit()}, {"config", config_file_}});
    for (const std::string& warning : config::warnings_about(config_)) {
        log_.warning("config.odd", {{"what", warning}});
    }
    if (const auto failure = start()) {
        log_.error("daemon.not_started", {{"problem", failure->what}, {"state", config_.state.dir}});
        stop_everything();
        control_.run();  // what was stopped ends there
        return failure->code;
    }
    service_manager_.ready();
    log_.info("daemon.ready", {{"metrics_port", exporter_ ? exporter_->port() : 0}, {"socket", config_.admin.socket}});
    control_.run();
    log_.info("daemon.ended", {{"exit_code", static_cast<int>(exit_code_)}});
    return exit_code_;
}

// Start ---------------------------------------------------------------------------------------------------------------

std::optional<App::Failure> App::start() {
    service_manager_.extend_timeout(kSlowStart);
    fit_to_descriptors(config_);
    if (auto failure = open_state()) {
        return failure;
    }
    try {
        const crawl::Supervisor::Parts parts{config_, control_, *env_, *writer_, *volumes_, metrics_, clock_, log_, options_.once, journal_.get()};
        supervisor_ = std::make_unique<crawl::Supervisor>(parts);
    } catch (const std::runtime_error& error) {
        return Failure{ExitCode::config, error.what()};
    }
    if (const auto loaded = supervisor_->load(); !loaded) {
        return Failure{ExitCode::io, loaded.error().what};
    }
    read_ahead_ = std::make_unique<store::ReadAhead>(env_->file(), 0, [this](const std::atomic<bool>& stopping) { check_pages(stopping); });
    if (auto failure = start_listeners()) {
        return failure;
    }
    wait_for_signals();
    schedule_pulse();
    supervisor_->start([this](crawl::OnceEnd how) {
        switch (how) {
            case crawl::OnceEnd::settled:
                end(ExitCode::clean);
                return;
            case crawl::OnceEnd::waiting:
                end(ExitCode::unsettled);
                return;
            case crawl::OnceEnd::faulty:
                end(ExitCode::try_again);
                return;
            case crawl::OnceEnd::failed:
                end(ExitCode::io);
                return;
        }
    });
    metrics_.config_last_reload_successful.set(1);
    metrics_.config_last_reload_success.set(clock_.wall_now());
    return std::nullopt;
}

// Descriptors that run out half-way cost hosts requests for nothing, so what can not be held is not begun.
void App::fit_to_descriptors(config::Config& config) const {
    const std::uint64_t limit = raise_descriptor_limit();
    const std::uint32_t fetches = fetches_within(limit);
    if (fetches < config.fetch.max_in_flight) {
        log_.warning("start.few_descriptors", {{"limit", limit},
                                               {"max_in_flight", config.fetch.max_in_flight},
                                               {"in_force", fetches},
                                               {"remedy", "raise LimitNOFILE= or ulimit -n"}});
        config.fetch.max_in_flight = fetches;
    }
}

std::optional<App::Failure> App::open_state() {
    auto lock = store::StateLock::acquire(config_.state.dir);
    if (!lock) {
        return Failure{ExitCode::try_again, lock.error().what};
    }
    lock_ = std::move(*lock);
    damage_guard_.emplace(config_.state.dir, store::DamageGuard::Options{"gritd", static_cast<int>(ExitCode::io), true});
    store::EnvOptions state;
    state.on_impossible = store::DamageGuard::on_impossible;
    auto env = store::Env::open(config_.state.dir, state);
    if (!env) {
        return Failure{ExitCode::io, env.error().what};
    }
    env_ = std::move(*env);
    damage_guard_->watch(*env_);
    if (auto failure = look_at_noted_damage()) {
        return failure;
    }
    // What the crawl takes over first; the rest follows while it runs.
    env_->prefetch(std::array{store::Table::hosts, store::Table::runs});
    if (auto failure = check_layout()) {
        return failure;
    }
    if (auto failure = open_volumes()) {
        return failure;
    }
    if (auto failure = open_journal()) {
        return failure;
    }
    return note_volumes();
}

// Before the writer, which writes it.
std::optional<App::Failure> App::open_journal() {
    if (config_.journal.enabled) {
        journal::JournalOptions options;
        options.folder = dataset::journal_folder(config_);
        options.seal_bytes = config_.journal.seal_size;
        options.seal_after = config_.journal.seal_after;
        options.older_state = options_.older_state;
        auto opened = journal::Journal::open(std::move(options), *env_, metrics_, clock_, log_);
        if (!opened) {
            return Failure{ExitCode::try_again, opened.error().what};
        }
        journal_ = std::move(*opened);
    }
    writer_ = std::make_unique<store::Writer>(*env_, clock_);
    // One that is not held against a journal stays a backup.
    if (const auto marked = writer_->transact(journal_ ? store::erase_backup_time : journal::mark_gap); !marked) {
        return Failure{ExitCode::io, store::unwritable(marked.error()).what};
    }
    return std::nullopt;
}

// A dataset keeps the layout that it was begun with: its locations are of that form.
std::optional<App::Failure> App::check_layout() {
    const std::string name(config::name_of(config_.storage.layout));
    const auto txn = env_->read();
    auto known = txn ? store::get_layout(*txn) : Result<std::string>(txn.error());
    const auto totals = txn ? store::get_totals(*txn) : Result<store::Totals>(txn.error());
    if ((!known && known.error() != store::Errc::not_found) || !totals) {
        return Failure{ExitCode::io, store::unreadable(totals ? known.error() : totals.error()).what};
    }
    // A state from before there was a choice.
    const std::string begun_as = known ? *known : totals->next_ordinal > 0 ? "files" : name;
    if (begun_as != name) {
        return Failure{ExitCode::config, fmt::format("storage.layout is \"{}\", but this dataset was begun as \"{}\": its layout "
                                                     "never changes. Another layout needs another state.dir and storage.root",
                                                     name, begun_as)};
    }
    return std::nullopt;
}

// An earlier life ended since the state seemed damaged: whether it is, is found out before anything is done with it.
std::optional<App::Failure> App::look_at_noted_damage() {
    const auto noted = store::noted_damage(config_.state.dir);
    if (!noted) {
        return std::nullopt;
    }
    log_.warning("state.damage_noted", {{"what", *noted}, {"note", config_.state.dir + "/damaged"}});
    const auto report = env_->check_pages(std::atomic<bool>{false});
    if (!report || report->damaged > 0) {
        return Failure{ExitCode::io, damage_of(config_.state.dir, report)};
    }
    log_.warning("state.found_whole", {{"pages", report->pages}});
    store::forget_noted_damage(config_.state.dir);
    return std::nullopt;
}

// On the read-ahead's thread, once after the start: LMDB would believe a page that was overwritten.
void App::check_pages(const std::atomic<bool>& stopping) {
    give_way_to_others();
    const auto report = env_->check_pages(stopping);
    if (stopping || (report && report->damaged == 0)) {
        log_.debug("state.pages_checked", {{"pages", report ? report->pages : 0}});
        return;
    }
    const std::string what = damage_of(config_.state.dir, report);
    log_.error("state.damaged", {{"problem", what}});
    store::note_damage(config_.state.dir, report && !report->places.empty() ? report->places.front() : what);
    asio::post(control_, [this] { end(ExitCode::io); });
}

std::optional<App::Failure> App::start_listeners() {
    const AppBackend::Parts parts{config_file_, config_, *env_, *writer_, *volumes_, *supervisor_, metrics_, log_, clock_, *this};
    backend_ = std::make_unique<AppBackend>(parts);
    admin::Options options;
    options.socket_path = config_.admin.socket;
    admin_ = std::make_unique<admin::Server>(control_, options, *backend_, log_);
    if (const auto started = admin_->start(); !started) {
        return Failure{ExitCode::io, started.error().what};
    }
    if (config_.metrics.listen.empty()) {
        return std::nullopt;
    }
    const auto healthy = [this] { return clock_.now() - supervisor_->oldest_heartbeat() < kStuckAfter; };
    const auto ready = [this] {
        const crawl::CrawlStatus status = supervisor_->status();
        exporter::Readiness readiness;
        readiness.ok = !status.paused && !status.draining;
        readiness.why = status.draining ? "draining" : status.pause_reason;
        return readiness;
    };
    exporter_ = std::make_unique<exporter::Exporter>(control_, config_.metrics.listen, metrics_, healthy, ready, log_);
    if (const auto started = exporter_->start(); !started) {
        return Failure{ExitCode::io, started.error().what};
    }
    backend_->set_metrics_port(exporter_->port());
    return std::nullopt;
}

// While it runs -------------------------------------------------------------------------------------------------------

void App::wait_for_signals() {
    signals_.async_wait([this](const ErrorCode& error, int signal) {
        if (!error) {
            on_signal(signal);
        }
    });
}

void App::on_signal(int signal) {
    log_.info("daemon.signal", {{"signal", signal}});
    if (signal == SIGHUP) {
        if (const auto done = reload(); !done) {
            log_.error("config.reload_failed", {{"problem", done.error().what}});
        }
    } else if (draining_) {
        end(exit_code_);
        return;
    } else {
        drain_and_end();
    }
    wait_for_signals();
}

Checked<json::object> App::reload() {
    service_manager_.reloading();
    auto result = [this]() -> Checked<json::object> {
        auto loaded = config::load_config(config_file_);
        if (const auto* errors = std::get_if<std::vector<config::ConfigError>>(&loaded)) {
            std::string what = "the old config stays in force:";
            for (const config::ConfigError& error : *errors) {
                what += "\n" + error.text();
            }
            return Problem{std::move(what)};
        }
        config::Config& fresh = std::get<config::Config>(loaded);
        if (const auto changed = config::restart_only_changes(config_, fresh); !changed.empty()) {
            return Problem{fmt::format("the old config stays in force: {} can only change with a restart",
                                       fmt::join(changed, ", "))};
        }
        config_ = fresh;
        fit_to_descriptors(config_);
        log_.set_level(config_.log.level);
        supervisor_->apply(config_);
        supervisor_->rescan_inputs();
        return json::object{{"reloaded", true}};
    }();
    service_manager_.ready();
    metrics_.config_last_reload_successful.set(result ? 1 : 0);
    if (result) {
        metrics_.config_last_reload_success.set(clock_.wall_now());
        backend_->note_reload();
        log_.info("config.reloaded", {{"config", config_file_}});
    }
    return result;
}

void App::schedule_pulse() {
    pulse_.expires_after(service_manager_.watchdog_interval() ? std::min(kPulse, *service_manager_.watchdog_interval() / 3)
                                                              : kPulse);
    pulse_.async_wait([this](const ErrorCode& error) {
        if (!error) {
            pulse();
            schedule_pulse();
        }
    });
}

void App::pulse() {
    if (clock_.now() - supervisor_->oldest_heartbeat() < kStuckAfter) {
        service_manager_.watchdog();
    }
    const crawl::CrawlStatus now = supervisor_->status();
    heap_trim_.look(clock_.now(), now.in_flight == 0 && now.input.complete);
    std::uint64_t settled = now.totals.quarantined;
    for (const std::uint64_t count : now.totals.outcomes) {
        settled += count;
    }
    std::string line = fmt::format("{}{} of {} lines settled, {:.0f} fetches/s, {} stored", now.paused ? "PAUSED, " : "", settled,
                                   now.totals.lines, now.fetches_per_second, format_byte_size(now.totals.stored_bytes));
    if (now.paused) {
        line += " (" + now.pause_reason + ")";
    } else if (now.eta_seconds) {
        line += ", ETA " + format_duration(std::chrono::seconds(*now.eta_seconds));
    }
    for (const archive::VolumeView& view : volumes_->views()) {
        if (!now.paused && view.state != archive::VolumeState::in_use) {
            line += fmt::format(", volume {} {}: {}", view.name, name_of(view.state), view.why);
        }
    }
    service_manager_.status(line);
}

// Stop ----------------------------------------------------------------------------------------------------------------

void App::drain_and_end() {
    if (std::exchange(draining_, true)) {
        return;
    }
    service_manager_.stopping();
    service_manager_.extend_timeout(config_.stop.drain_limit + kSlowStart);
    log_.info("daemon.draining", {{"limit", format_duration(config_.stop.drain_limit)}});
    supervisor_->drain();
    drain_ends_ = clock_.now() + config_.stop.drain_limit;
    await_drained();
}

void App::await_drained() {
    drain_timer_.expires_after(kDrainLook);
    drain_timer_.async_wait([this](const ErrorCode& error) {
        if (error) {
            return;
        }
        if (supervisor_->drained() || clock_.now() >= drain_ends_) {
            end(exit_code_);
        } else {
            await_drained();
        }
    });
}

void App::end(ExitCode code) {
    if (std::exchange(ending_, true)) {
        return;
    }
    exit_code_ = code;
    service_manager_.stopping();
    stop_everything();
}

// In reverse of the start. The control loop runs dry by this.
void App::stop_everything() {
    signals_.cancel();
    pulse_.cancel();
    drain_timer_.cancel();
    if (admin_) {
        admin_->stop();
    }
    if (exporter_) {
        exporter_->stop();
    }
    if (backend_) {
        backend_->stop_jobs();
    }
    if (supervisor_) {
        supervisor_->stop();
    }
    if (journal_) {
        writer_->drain();
        journal_->close();
    }
}

}  // namespace grit::daemon
