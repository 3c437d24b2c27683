// Looks at a long job of the daemon until it ends, and shows how far it is.
#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <string>

#include "control_commands.hpp"

namespace grit::ctl {

/// "[#####.....]" of a share from 0 to 1.
[[nodiscard]] std::string progress_bar(double share, std::size_t columns);

/// Of a state: 0 and "" where it has no such field.
[[nodiscard]] std::uint64_t number_in(const boost::json::object& state, std::string_view name);
[[nodiscard]] std::string text_in(const boost::json::object& state, std::string_view name);

[[nodiscard]] double share_of(double part, double whole);
/// "  3m12s left", or nothing while that is anybody's guess.
[[nodiscard]] std::string time_left(double share, double seconds);

/// The answer itself, or what it says to people.
void print_state(const Output& output, const boost::json::object& answer, const std::string& for_people);

/// Ends the job there.
[[nodiscard]] Ended stop_job(const Client& client, const Output& output, const std::string& target);
/// Why a job did not come to its end.
[[nodiscard]] Failure job_failed(const boost::json::object& state);

/// An answer that has to be an object.
[[nodiscard]] Fallible<boost::json::object> object_of(Fallible<boost::json::value> answer);

/// Keeps SIGINT and SIGTERM from ending the process while it lives: they are waited for instead.
class HeldSignals {
  public:
    HeldSignals();
    ~HeldSignals();
    HeldSignals(const HeldSignals&) = delete;
    HeldSignals& operator=(const HeldSignals&) = delete;
    /// Waits a moment. @return whether one has come.
    [[nodiscard]] bool came_within(std::chrono::milliseconds time) const;
};

/// One line that is drawn again and again on a terminal; elsewhere a line now and then; with --json nothing.
class ProgressLine {
  public:
    explicit ProgressLine(const Output& output) : output_(output) {}
    void show(const std::string& text);
    /// Clears it: what comes now is the result.
    void end();

  private:
    const Output& output_;
    std::chrono::steady_clock::time_point next_{};
    bool drawn_ = false;
};

/// Begins a job by POST of `body` to `target`, looks at it there until it does not run any more, and ends it by DELETE
/// if interrupted.
/// @param line  what to show of a state.
/// @return its last state.
[[nodiscard]] Fallible<boost::json::object> run_job(const Client& client, const Output& output, const std::string& target,
                                                    const boost::json::object& body,
                                                    const std::function<std::string(const boost::json::object&)>& line);

}  // namespace grit::ctl
