#include "target.hpp"

#include <array>

#include "chars.hpp"

namespace grit::url {
namespace {

constexpr std::string_view kUpperHex = "0123456789ABCDEF";

// "&amp;" to "&" as soon as its ";" is written: this also undoes "&amp;amp;", and "&%61mp;" once it is decoded.
void push_unescaped(std::string& out, char c) {
    out.push_back(c);
    if (c == ';' && out.ends_with("&amp;")) {
        out.resize(out.size() - 4);
    }
}

void push_escape(std::string& out, char c) {
    const auto byte = static_cast<unsigned char>(c);
    out.push_back('%');
    out.push_back(kUpperHex[byte >> 4]);
    out.push_back(kUpperHex[byte & 15]);
}

// Writes the character or escape at `position`. Returns the position of the next.
std::size_t push_normalized(std::string& out, std::string_view raw, std::size_t position) {
    const char c = raw[position];
    if (chars::is_escape(raw, position)) {
        const char byte = chars::escaped_byte(raw, position);
        chars::is(byte, chars::kUnreserved) ? push_unescaped(out, byte) : push_escape(out, byte);
        return position + 3;
    }
    chars::is(c, chars::kTarget) ? push_unescaped(out, c) : push_escape(out, c);
    return position + 1;
}

// Writes path segments and takes dot segments out again as they end (RFC 3986 section 5.2.4, in place).
class PathWriter {
  public:
    explicit PathWriter(std::string& out) : out_(out), root_(out.size()) {
        out_.push_back('/');
        segment_ = out_.size();
    }

    void end_segment(bool more) {
        const std::string_view segment = std::string_view(out_).substr(segment_);
        if (segment == "..") {
            out_.resize(segment_);
            if (segment_ - 1 != root_) {
                out_.resize(segment_ - 1);
                out_.resize(out_.rfind('/') + 1);
            }
        } else if (segment == ".") {
            out_.resize(segment_);
        } else if (more) {
            out_.push_back('/');
        }
        segment_ = out_.size();
    }

  private:
    std::string& out_;
    std::size_t root_;
    std::size_t segment_ = 0;
};

}  // namespace

std::string without_fragment(std::string_view raw) {
    constexpr std::array<std::string_view, 3> kAmpersands{"#38;", "#038;", "#x26;"};
    std::string out;
    out.reserve(raw.size());
    for (std::size_t i = 0; i < raw.size(); ++i) {
        if (raw[i] != '#') {
            push_unescaped(out, raw[i]);
            continue;
        }
        const std::string_view rest = raw.substr(i);
        std::size_t skipped = 0;
        for (const std::string_view ampersand : kAmpersands) {
            skipped = out.ends_with('&') && rest.starts_with(ampersand) ? ampersand.size() : skipped;
        }
        if (skipped == 0) {
            break;
        }
        i += skipped - 1;
    }
    return out;
}

void append_target(std::string& out, std::string_view raw) {
    PathWriter path(out);
    std::size_t i = !raw.empty() && (raw[0] == '/' || raw[0] == '\\') ? 1 : 0;
    while (i < raw.size() && raw[i] != '?') {
        if (raw[i] == '/' || raw[i] == '\\') {
            path.end_segment(true);
            ++i;
        } else {
            i = push_normalized(out, raw, i);
        }
    }
    path.end_segment(false);
    while (i < raw.size()) {
        i = push_normalized(out, raw, i);
    }
}

}  // namespace grit::url
