// What the state has to learn of the end of one task.
#pragma once

#include "grit/base/outcome.hpp"
#include "grit/fetch/fetcher.hpp"
#include "grit/frontier/frontier.hpp"
#include "grit/frontier/task.hpp"
#include "grit/politeness/host_gate.hpp"
#include "grit/store/rows.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace grit::crawl {

/// One try's end, on its way into a record.
struct Settlement {
    frontier::TaskPtr task;
    Outcome outcome = Outcome::stored;
    std::optional<std::int64_t> retry_at_ms;  ///< wall time of the next try; nothing: the outcome is final
    std::uint16_t http_status = 0;
    std::string detail;
    std::optional<fetch::Image> image;  ///< with `stored`
};

/// What is remembered of a host's gate, and what ended with it. A host that is not given up (any more) has no lines
/// that ended with it: with such a note the state takes them back.
struct HostNote {
    politeness::GateMemory gate;
    std::uint8_t gone_as = store::kNotGone;
    std::vector<store::OriginRow> origins{};  ///< those that are down
    std::uint64_t ended = 0;  ///< frontier::HostEnd: lines that end as `gone_as`, in no other settlement
};

[[nodiscard]] inline HostNote note_of(const frontier::Frontier& frontier, HostId host, std::uint64_t ended = 0) {
    return HostNote{frontier.memory(host), frontier.gone_as(host), frontier.origins_down(host), ended};
}

/// Lines that had ended with their host and are pending again.
struct LinesBack {
    HostId host = kNoHost;
    std::uint64_t lines = 0;
    RunId first_run = 0;  ///< none of them lies in an earlier one
};

}  // namespace grit::crawl
