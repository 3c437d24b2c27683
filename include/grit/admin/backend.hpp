// What the control socket can ask of the daemon. The daemon implements it; a test fakes it.
#pragma once

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "grit/base/log.hpp"
#include "grit/base/outcome.hpp"
#include "grit/base/result.hpp"
#include "grit/dataset/export_source.hpp"
#include "grit/politeness/block.hpp"

namespace grit::admin {

namespace json = boost::json;

/// How `/v1/hosts` is ordered, the largest first.
enum class HostSort : std::uint8_t { remaining, errors, stored, eta, pace };

/// "remaining", "errors", "stored", "eta" or "pace". Static storage.
[[nodiscard]] std::string_view name_of(HostSort sort) noexcept;
[[nodiscard]] std::optional<HostSort> host_sort_named(std::string_view name) noexcept;

/// What a host can be counted as.
inline constexpr std::array<std::string_view, 8> kHostStates{"finished", "ready",  "active",  "parked",
                                                             "site",     "domain", "backoff", "down"};

struct HostsQuery {
    HostSort sort = HostSort::remaining;
    std::size_t limit = 20;
    std::string_view state;  ///< One of kHostStates: only those. Empty: all.
};

/// Which records are to be asked again.
struct RetryFilter {
    std::vector<Outcome> outcomes;                   ///< Records whose last outcome is one of these. Never empty.
    std::optional<std::string> host;                 ///< Only of this host (canonical name).
    std::optional<std::chrono::milliseconds> since;  ///< Only those asked last within this time, back from now.
    bool dry_run = false;                            ///< Count them, change nothing.
};

/// The domain whose owner does not want to be in the dataset.
struct OptOutRequest {
    std::string domain;  ///< Canonical.
    std::string reason;
    bool erase = false;    ///< Delete what was stored from it.
    bool dry_run = false;  ///< Only list it; nothing is blocked.
    std::uint32_t by_uid = 0;
};

/// Images that are to be read again.
struct VerifyRequest {
    std::uint64_t sample = 0;  ///< So many, drawn by lot; 0: all.
    bool repair = false;
    std::uint32_t by_uid = 0;
};

/// Where a copy of the state is to be made.
struct BackupRequest {
    std::string folder;  ///< Absolute; new or empty.
    std::uint32_t by_uid = 0;
};

/// What another program has fetched, to be taken over.
struct AdoptRequest {
    std::string folder;    ///< Absolute.
    std::string failures;  ///< Absolute; empty: none.
    bool hard_links = true;  ///< An image may become another name of its file there.
    bool forget = false;     ///< Instead: what was noted and waits for its URLs is given up.
    bool force = false;      ///< Even while URLs are left that it may be for.
    std::uint32_t by_uid = 0;
};

/// The daemon as an operator sees it. The JSON shapes are docs/admin_api.md's.
///
/// Threads: all functions but `hosts`, `record`, `retry` and `ask_again` are called on the control thread and return fast
/// (some milliseconds): what takes longer is begun here and seen in `status()`. Those four are called on threads of the
/// server's own (two at once, at most), and may take as long as they need.
/// Lifetime: outlives the Server.
class Backend {
  public:
    virtual ~Backend() = default;

    [[nodiscard]] virtual json::object status() = 0;
    [[nodiscard]] virtual json::object stats() = 0;

    /// Nothing new is leased until `resume()`; fetches in flight end by themselves.
    /// @param reason  for the operator's eyes, may be empty.
    virtual void pause(const std::string& reason) = 0;
    virtual void resume() = 0;
    /// Ends the daemon once nothing is in flight; leases nothing new.
    virtual void drain() = 0;
    /// Ends the daemon within its stop limit.
    virtual void stop() = 0;

    /// Reads the config file again.
    /// @return what changed, or the Problem for which the old config stays in force.
    [[nodiscard]] virtual Checked<json::object> reload() = 0;
    virtual void set_log_level(LogLevel level) = 0;

    /// @param url  as written in the annotation, or canonical.
    /// Threads: the server's own.
    /// @return nothing if the dataset has no such URL.
    [[nodiscard]] virtual Checked<std::optional<json::object>> record(const std::string& url) = 0;
    /// What gritd would do with that URL now, and why; for URLs it does not know, too.
    [[nodiscard]] virtual Checked<json::object> explain(const std::string& url) = 0;

    /// Called on a thread of the server's own: it may take a tenth of a second per million hosts, and waits for shards.
    [[nodiscard]] virtual Checked<json::array> hosts(const HostsQuery& query) = 0;
    /// @return nothing if the dataset has no such host.
    [[nodiscard]] virtual std::optional<json::object> host(const std::string& name) = 0;

    /// Puts records, and what ended with a host that was given up, back into the frontier.
    /// Threads: the server's own.
    /// @return {"requeued": n}.
    [[nodiscard]] virtual Checked<json::object> retry(const RetryFilter& filter) = 0;

    /// What is blocked: a list of {"kind", "value", "reason", "since", "by_uid"}.
    [[nodiscard]] virtual json::array blocks() = 0;
    /// @param block  from `politeness::parse_block`, with reason and uid.
    /// @return the block as it is in force.
    [[nodiscard]] virtual Checked<json::object> block(const politeness::Block& block) = 0;
    /// @param kind   nothing: of whatever kind.
    /// @param value  as an operator spells it.
    /// @return the block that holds no more; nothing if that is not blocked.
    [[nodiscard]] virtual Checked<std::optional<politeness::Block>> unblock(std::optional<politeness::BlockKind> kind,
                                                                            const std::string& value) = 0;
    /// Puts back what a block had ended that holds no more.
    /// Threads: the server's own.
    /// @return how many URLs.
    [[nodiscard]] virtual Checked<std::uint64_t> ask_again(const politeness::Block& block) = 0;

    /// Begins it. @return its state; a Problem if another one is under way.
    [[nodiscard]] virtual Checked<json::object> opt_out(const OptOutRequest& request) = 0;
    /// The state of the one under way, or of the last one; nothing if there was none since the start.
    [[nodiscard]] virtual std::optional<json::object> opt_out_state() = 0;

    /// Begins it. @return its state; a Problem if one is under way.
    [[nodiscard]] virtual Checked<json::object> verify(const VerifyRequest& request) = 0;
    /// Ends the one under way, soon. As `opt_out_state`, all of the three.
    [[nodiscard]] virtual std::optional<json::object> stop_verify() = 0;
    [[nodiscard]] virtual std::optional<json::object> verify_state() = 0;
    /// The image volumes, the first one first.
    [[nodiscard]] virtual json::array volumes() = 0;
    /// A volume that is out does not come back: begins to ask again for what it held. @return the state of that (a verify);
    /// a Problem if there is none of that name, it is not out, or a verify is under way.
    [[nodiscard]] virtual Checked<json::object> give_up_volume(const std::string& name, std::uint32_t by_uid) = 0;
    /// Begins a copy of the state. @return its state; a Problem if one is under way, or the folder will not do.
    [[nodiscard]] virtual Checked<json::object> backup(const BackupRequest& request) = 0;
    [[nodiscard]] virtual std::optional<json::object> stop_backup() = 0;
    [[nodiscard]] virtual std::optional<json::object> backup_state() = 0;

    /// Begins to note what a folder of img2dataset has, or to forget it. @return its state; a Problem if one is under way, or if the
    /// crawl may still need what is to be forgotten.
    [[nodiscard]] virtual Checked<json::object> adopt(const AdoptRequest& request) = 0;
    [[nodiscard]] virtual json::object stop_adopt() = 0;
    /// Also where none was begun: what is left of earlier ones is told, too.
    [[nodiscard]] virtual json::object adopt_state() = 0;

    /// The source is pulled on a thread of the server's own.
    [[nodiscard]] virtual Checked<std::unique_ptr<dataset::ExportSource>> export_url_to_path(
        dataset::Format format) = 0;
};

}  // namespace grit::admin
