#include "utf8.hpp"

#include "grit/annotations/record.hpp"

namespace grit::annotations {
namespace {

struct Lead {
    std::size_t length;
    unsigned char second_low;
    unsigned char second_high;
};

// The table of RFC 3629 section 4: it leaves out overlong forms, surrogates and what is beyond U+10FFFF.
Lead lead_of(unsigned char c) {
    if (c < 0x80) {
        return {1, 0, 0};
    }
    if (c >= 0xC2 && c <= 0xDF) {
        return {2, 0x80, 0xBF};
    }
    if (c >= 0xE0 && c <= 0xEF) {
        return {3, static_cast<unsigned char>(c == 0xE0 ? 0xA0 : 0x80),
                static_cast<unsigned char>(c == 0xED ? 0x9F : 0xBF)};
    }
    if (c >= 0xF0 && c <= 0xF4) {
        return {4, static_cast<unsigned char>(c == 0xF0 ? 0x90 : 0x80),
                static_cast<unsigned char>(c == 0xF4 ? 0x8F : 0xBF)};
    }
    return {0, 0, 0};
}

// The offset of the `count`-th character behind `from`, or the end.
std::size_t advance(std::string_view text, std::size_t from, std::uint32_t count) {
    while (count > 0 && from < text.size()) {
        const std::size_t length = utf8_length(text.substr(from));
        from += length == 0 ? 1 : length;
        --count;
    }
    return from;
}

}  // namespace

std::size_t utf8_length(std::string_view text) {
    const Lead lead = lead_of(static_cast<unsigned char>(text.front()));
    if (lead.length > text.size()) {
        return 0;
    }
    for (std::size_t i = 1; i < lead.length; ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        if (c < (i == 1 ? lead.second_low : 0x80) || c > (i == 1 ? lead.second_high : 0xBF)) {
            return 0;
        }
    }
    return lead.length;
}

std::string printable_excerpt(std::string_view text, std::size_t max_bytes) {
    constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
    std::string shown;
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        const bool control = length == 1 && (static_cast<unsigned char>(text.front()) < 0x20 || text.front() == '\x7f');
        const std::string_view next = length == 0 || control ? kReplacement : text.substr(0, length);
        if (shown.size() + next.size() > max_bytes) {
            break;
        }
        shown.append(next);
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return shown;
}

std::string_view phrase_of(std::string_view caption, const Span& span) {
    const std::size_t begin = advance(caption, 0, span.start);
    const std::size_t end = span.end > span.start ? advance(caption, begin, span.end - span.start) : begin;
    return caption.substr(begin, end - begin);
}

}  // namespace grit::annotations
