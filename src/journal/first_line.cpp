#include "first_line.hpp"

#include "compress.hpp"

#include <string_view>
#include <utility>

namespace grit::journal {

std::optional<Line> first_line_of(const std::string& path, bool sealed) {
    std::string first;
    static_cast<void>(read_file(path, sealed, [&first](std::string_view piece) {
        first += piece;
        return first.find('\n') == std::string::npos;
    }));
    auto line = parse_line(std::string_view(first).substr(0, first.find('\n')));
    return line && line->kind == Kind::begin ? std::optional(std::move(*line)) : std::nullopt;
}

}  // namespace grit::journal
