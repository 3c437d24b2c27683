#include "grit/admin/backend.hpp"

#include <array>

namespace grit::admin {

std::string_view name_of(HostSort sort) noexcept {
    switch (sort) {
        case HostSort::remaining:
            return "remaining";
        case HostSort::errors:
            return "errors";
        case HostSort::stored:
            return "stored";
        case HostSort::eta:
            return "eta";
        case HostSort::pace:
            return "pace";
    }
    return "remaining";
}

std::optional<HostSort> host_sort_named(std::string_view name) noexcept {
    constexpr std::array kAll{HostSort::remaining, HostSort::errors, HostSort::stored, HostSort::eta,
                              HostSort::pace};
    for (const HostSort sort : kAll) {
        if (name == name_of(sort)) {
            return sort;
        }
    }
    return std::nullopt;
}

}  // namespace grit::admin
