#include "ordinals.hpp"

#include <algorithm>

namespace grit::crawl {

Ordinal take_ordinal(std::vector<store::OrdinalExtent>& extents, std::uint64_t line, Ordinal& next) {
    const auto behind = std::upper_bound(extents.begin(), extents.end(), line,
                                         [](std::uint64_t wanted, const store::OrdinalExtent& extent) { return wanted < extent.first_line; });
    if (behind != extents.begin()) {
        store::OrdinalExtent& extent = *(behind - 1);
        const std::uint64_t place = line - extent.first_line;
        if (place < extent.lines) {
            return extent.first_ordinal + place;
        }
        if (place == extent.lines && extent.first_ordinal + place == next) {
            ++extent.lines;
            return next++;
        }
    }
    extents.insert(behind, store::OrdinalExtent{line, next, 1});
    return next++;
}

bool has_lines_again(const store::InputRow& input) {
    return !input.extents.empty() && input.extents.back().first_line + input.extents.back().lines > input.line;
}

}  // namespace grit::crawl
