#include "watch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <ctime>
#include <optional>
#include <ostream>

#include "render_status.hpp"
#include "text.hpp"

namespace grit::ctl {
namespace json = boost::json;

namespace {

using SteadyClock = std::chrono::steady_clock;

// The events of one stream, drawn.
class Screen {
  public:
    Screen(const Output& output, std::chrono::milliseconds interval) : output_(output), interval_(interval) {}

    // @return true if it was the last event.
    bool show(const std::string& line) {
        ErrorCode error;
        const json::value event = json::parse(line, error);
        if (error || !event.is_object()) {
            return false;
        }
        const bool is_end = text_of(member(event.get_object(), "event")) == "end";
        if (output_.json) {
            output_.out << line << '\n' << std::flush;
        } else if (const json::value* status = member(event.get_object(), "status");
                   status != nullptr && status->is_object()) {
            output_.terminal ? redraw(status->get_object()) : print_line(status->get_object(), is_end);
        }
        return is_end;
    }

  private:
    void redraw(const json::object& status) {
        const std::string block = render_watch(status, output_.color, output_.columns);
        std::string text = lines_ > 0 ? fmt::format("\x1b[{}A", lines_) : std::string();  // Cursor up (ECMA-48 CUU).
        for (std::size_t from = 0; from < block.size();) {
            const std::size_t end = block.find('\n', from);
            text += "\x1b[2K" + block.substr(from, end - from + 1);  // Erase the line (EL), then write it.
            from = end + 1;
        }
        lines_ = static_cast<std::size_t>(std::count(block.begin(), block.end(), '\n'));
        output_.out << text << std::flush;
    }

    void print_line(const json::object& status, bool is_end) {
        const auto now = SteadyClock::now();
        if (next_ && now < *next_ && !is_end) {
            return;
        }
        next_ = now + interval_;
        output_.out << local_time(std::time(nullptr)) << ' ' << render_line(status) << '\n' << std::flush;
    }

    const Output& output_;
    std::chrono::milliseconds interval_;
    std::optional<SteadyClock::time_point> next_;
    std::size_t lines_ = 0;
};

}  // namespace

Ended watch(const Client& client, const Output& output, std::chrono::milliseconds interval) {
    auto events = client.stream("/v1/events");
    if (!events) {
        return events.error();
    }
    Screen screen(output, interval);
    std::string pending;
    std::string chunk;
    bool ended = false;
    auto more = (*events)->next(chunk);
    for (; more && *more; more = (*events)->next(chunk)) {
        pending += chunk;
        for (std::size_t end = pending.find('\n'); end != std::string::npos; end = pending.find('\n')) {
            ended = screen.show(pending.substr(0, end)) || ended;
            pending.erase(0, end + 1);
        }
    }
    if (ended) {
        return {};
    }
    return Failure{ExitCode::not_running, "gritd went away without a word",
                   "its log may tell why; gritctl status tells whether it is back"};
}

}  // namespace grit::ctl
