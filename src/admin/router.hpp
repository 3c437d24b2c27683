// From a request to what is to be answered: the routes of docs/admin_api.md, without any socket.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "grit/admin/backend.hpp"
#include "problem.hpp"
#include "query.hpp"

namespace grit::admin {

/// A request that has arrived whole.
struct Call {
    std::string_view method;  ///< "GET", "POST", ...
    std::string_view target;  ///< Origin-form.
    std::string_view body;
    std::uint32_t uid = static_cast<std::uint32_t>(-1);  ///< Of the peer (SO_PEERCRED).
};

/// To be answered by a stream of events (`/v1/events`).
struct EventsWanted {
    bool progress = true;
    bool state = true;
};

/// To be answered by a text that is pulled piece by piece.
struct ExportWanted {
    std::unique_ptr<dataset::ExportSource> source;
    std::string_view content_type;  ///< Static storage.
};

/// To be answered by what takes its time: run on another thread. Refers to the backend alone.
struct WorkWanted {
    std::function<Reply()> run;
};

using Answer = std::variant<Reply, EventsWanted, ExportWanted, WorkWanted>;

/// What a call came to: the answer, and whether it was one that changes something (those are logged).
struct Routed {
    Answer answer;
    std::string_view action;  ///< "pause", ...: static storage; empty for calls that only look.
};

/// Threads: the control thread only. Lifetime: the backend outlives it.
class Router {
  public:
    explicit Router(Backend& backend) : backend_(backend) {}

    [[nodiscard]] Routed route(const Call& call) const;

  private:
    friend struct Route;
    Answer version(const Target& target, const Call& call) const;
    Answer status(const Target& target, const Call& call) const;
    Answer stats(const Target& target, const Call& call) const;
    Answer record(const Target& target, const Call& call) const;
    Answer explain(const Target& target, const Call& call) const;
    Answer hosts(const Target& target, const Call& call) const;
    Answer host(const Target& target, const Call& call) const;
    Answer events(const Target& target, const Call& call) const;
    Answer export_url_to_path(const Target& target, const Call& call) const;
    Answer pause(const Target& target, const Call& call) const;
    Answer resume(const Target& target, const Call& call) const;
    Answer drain(const Target& target, const Call& call) const;
    Answer stop(const Target& target, const Call& call) const;
    Answer reload(const Target& target, const Call& call) const;
    Answer retry(const Target& target, const Call& call) const;
    Answer blocks(const Target& target, const Call& call) const;
    Answer block(const Target& target, const Call& call) const;
    Answer unblock(const Target& target, const Call& call) const;
    Answer opt_out(const Target& target, const Call& call) const;
    Answer opt_out_state(const Target& target, const Call& call) const;
    // router_jobs.cpp
    Answer verify(const Target& target, const Call& call) const;
    Answer stop_verify(const Target& target, const Call& call) const;
    Answer verify_state(const Target& target, const Call& call) const;
    Answer volumes(const Target& target, const Call& call) const;
    Answer give_up_volume(const Target& target, const Call& call) const;
    Answer backup(const Target& target, const Call& call) const;
    Answer stop_backup(const Target& target, const Call& call) const;
    Answer backup_state(const Target& target, const Call& call) const;
    Answer adopt(const Target& target, const Call& call) const;
    Answer stop_adopt(const Target& target, const Call& call) const;
    Answer adopt_state(const Target& target, const Call& call) const;
    Answer log_level(const Target& target, const Call& call) const;

    Answer act(const Target& target, const Call& call, unsigned status, void (Backend::*action)()) const;
    [[nodiscard]] Reply state_reply(unsigned status) const;

    Backend& backend_;
};

}  // namespace grit::admin
