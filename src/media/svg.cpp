// SVG: only as much XML as it takes to see the end of the root element. Text, comments, CDATA sections, declarations
// and quoted attribute values may hold anything.
#include <string_view>

#include "scanner.hpp"

namespace grit::media {
namespace {

constexpr std::byte kOpen{'<'};

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

class SvgScanner final : public Scanner {
  public:
    SvgScanner() : Scanner(1) {}

  protected:
    void step(Bytes seen) override {
        const auto c = static_cast<char>(u8(seen, 0));
        recent_ = (recent_ << 8 | u8(seen, 0)) & 0xFFFFFF;
        switch (next_) {
            case Next::start:
                return c == '<' ? read_as(Next::tag) : text();
            case Next::tag:
                return on_tag(c);
            case Next::name:
                return on_name(c);
            case Next::attributes:
                return on_attributes(c);
            case Next::declaration:
                return on_declaration(c);
            case Next::comment:
                return until(0x2D2D3E);  // -->
            case Next::section:
                return until(0x5D5D3E);  // ]]>
            case Next::instruction:
                return (recent_ & 0xFFFF) == 0x3F3E ? text() : read(1);  // ?>
        }
    }

  private:
    enum class Next : std::uint8_t { start, tag, name, attributes, declaration, comment, section, instruction };

    void read_as(Next next) {
        next_ = next;
        read(1);
    }
    void text() {
        next_ = Next::tag;
        find(kOpen);
    }
    void until(std::uint32_t mark) { return recent_ == mark ? text() : read(1); }

    void on_tag(char c) {
        closing_ = c == '/';
        name_length_ = 0;
        is_svg_ = true;
        empty_ = false;
        quote_ = '\0';
        switch (c) {
            case '/':
                return read_as(Next::name);
            case '?':
                return read_as(Next::instruction);
            case '!':
                declared_ = 0;
                subset_ = false;
                return read_as(Next::declaration);
            default:
                next_ = Next::name;
                return on_name(c);
        }
    }

    void on_name(char c) {
        if (is_space(c) || c == '>' || c == '/') {
            is_svg_ = is_svg_ && name_length_ == kRoot.size();
            next_ = Next::attributes;
            return on_attributes(c);
        }
        is_svg_ = is_svg_ && name_length_ < kRoot.size() && c == kRoot[name_length_];
        ++name_length_;
        read(1);
    }

    void on_attributes(char c) {
        if (quote_ != '\0') {
            quote_ = c == quote_ ? '\0' : quote_;
            return read(1);
        }
        if (c == '>') {
            return on_tag_end();
        }
        quote_ = c == '"' || c == '\'' ? c : '\0';
        empty_ = c == '/';
        read(1);
    }

    void on_tag_end() {
        if (is_svg_ && closing_) {
            if (depth_ == 0) {
                return broken();
            }
            --depth_;
        } else if (is_svg_ && !empty_) {
            ++depth_;
        }
        return is_svg_ && depth_ == 0 ? end() : text();
    }

    // Behind "<!": a comment, a CDATA section, or a DOCTYPE with or without an internal subset.
    void on_declaration(char c) {
        ++declared_;
        if (declared_ == 2 && (recent_ & 0xFFFF) == 0x2D2D) {  // --
            recent_ = 0;
            return read_as(Next::comment);
        }
        if (declared_ == 1 && c == '[') {
            return read_as(Next::section);
        }
        if (quote_ != '\0') {
            quote_ = c == quote_ ? '\0' : quote_;
            return read(1);
        }
        if (c == '>' && !subset_) {
            return text();
        }
        quote_ = c == '"' || c == '\'' ? c : '\0';
        subset_ = (subset_ || c == '[') && c != ']';
        read(1);
    }

    static constexpr std::string_view kRoot = "svg";

    Next next_ = Next::start;
    std::uint32_t recent_ = 0;  // the last three bytes
    bool closing_ = false;
    bool is_svg_ = false;
    bool empty_ = false;   // <svg/>
    bool subset_ = false;  // within DOCTYPE's [ ]
    char quote_ = '\0';
    std::size_t name_length_ = 0;
    std::uint64_t declared_ = 0;
    std::uint64_t depth_ = 0;  // of svg elements: they may be nested
};

}  // namespace

std::unique_ptr<Scanner> make_svg_scanner() {
    return std::make_unique<SvgScanner>();
}

}  // namespace grit::media
