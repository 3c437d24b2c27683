#include "host_end.hpp"

#include <algorithm>
#include <utility>

namespace grit::crawl {
namespace {

// Never below nothing: a damaged row may have forgotten what it counted.
void take_off(std::uint64_t& count, std::uint64_t much) { count -= std::min(count, much); }

// Those of records that a rebuild brought back, which are counted with their records.
std::uint64_t met_again(const store::HostRow& row) { return std::min(row.gone_lines, row.restored); }
std::uint64_t counted(const store::HostRow& row) { return row.gone_lines - met_again(row); }

}  // namespace

LinesBack set_host_end(HostId host, store::HostRow& row, store::Totals& totals, std::uint8_t as, std::uint64_t ended,
                       std::int64_t now_ms) {
    if (const auto before = outcome_of_number(row.gone_as)) {
        take_off(totals.outcomes[index_of(*before)], counted(row));
    }
    take_off(row.failed, counted(row));
    totals.lines += met_again(row);
    row.gone_lines += ended;
    row.taken += ended;
    const auto outcome = outcome_of_number(as);
    if (outcome) {
        totals.outcomes[index_of(*outcome)] += counted(row);
        row.failed += counted(row);
        take_off(totals.lines, met_again(row));
        row.gone_ms = row.gone_as == as ? row.gone_ms : now_ms;
        row.gone_as = as;
        return LinesBack{host, 0, 0};
    }
    const LinesBack back{host, std::exchange(row.gone_lines, 0), row.cursor_run};
    take_off(row.taken, back.lines);
    row.gone_as = store::kNotGone;
    row.gone_ms = 0;
    return back;
}

}  // namespace grit::crawl
