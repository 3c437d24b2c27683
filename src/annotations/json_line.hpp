// One line as JSON. The only code that knows simdjson is json.cpp.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "grit/base/result.hpp"

namespace grit::annotations {

/// Finds URL and id of a line, checking the line to its last byte. Keeps its memory between lines.
class JsonLine {
  public:
    struct Fields {
        std::string_view url;
        std::string_view id;
    };

    JsonLine(std::string url_field, std::string id_field);
    ~JsonLine();

    /// @param padded a line behind which kLinePadding bytes may be read.
    /// @return views that are valid until the next call; or the reason why the line is bad.
    Checked<Fields> parse(std::string_view padded);

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

/// True for a line of nothing but JSON white space.
[[nodiscard]] bool is_blank(std::string_view text);

}  // namespace grit::annotations
