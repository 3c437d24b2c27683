#include "grit/media/image_type.hpp"

#include <algorithm>
#include <array>

#include "bytes.hpp"
#include "classify.hpp"

namespace grit::media {
namespace {

using State = Classification::State;
using namespace std::string_view_literals;

struct Signature {
    ImageType type;
    std::string_view bytes;  // '?' matches any byte
};

// '?' stands for a byte that varies; no signature holds a real one.
constexpr std::array kSignatures{
    Signature{ImageType::jpeg, "\xff\xd8\xff"sv},
    Signature{ImageType::png, "\x89PNG\r\n\x1a\n"sv},
    Signature{ImageType::gif, "GIF87a"sv},
    Signature{ImageType::gif, "GIF89a"sv},
    Signature{ImageType::webp, "RIFF????WEBPVP8"sv},
    Signature{ImageType::tiff, "II*\0"sv},
    Signature{ImageType::tiff, "MM\0*"sv},
    // The directory's first entry has a zero in its reserved byte: MPEG streams begin alike, and differ there.
    Signature{ImageType::ico, "\0\0\1\0?????\0"sv},
};

enum class Match { no, so_far, full };

Match match(std::string_view head, std::string_view signature) {
    const std::size_t count = std::min(head.size(), signature.size());
    for (std::size_t i = 0; i < count; ++i) {
        if (signature[i] != '?' && signature[i] != head[i]) {
            return Match::no;
        }
    }
    return count == signature.size() ? Match::full : Match::so_far;
}

// "BM" alone begins many a text, so the size of the header behind it has to be one that exists.
Classification classify_bmp(std::string_view head) {
    constexpr std::size_t kNeeded = 18;
    if (match(head, "BM") != Match::full || head.size() < kNeeded) {
        return {match(head, "BM") == Match::no ? State::refused : State::open, ImageType::unknown};
    }
    constexpr std::array<std::uint32_t, 8> kHeaderSizes{12, 16, 40, 52, 56, 64, 108, 124};
    const std::uint32_t size = le32(std::as_bytes(std::span(head)), 14);
    const bool known = std::find(kHeaderSizes.begin(), kHeaderSizes.end(), size) != kHeaderSizes.end();
    return known ? Classification{State::known, ImageType::bmp} : Classification{};
}

// The brand of ISO/IEC 14496-12 files; AVIF (AV1 Image File Format 1.1, section 5) and HEIF (ISO/IEC 23008-12) only.
ImageType type_of_brand(std::string_view brand) {
    if (brand == "avif" || brand == "avis") {
        return ImageType::avif;
    }
    constexpr std::array kHeif{"heic"sv, "heix"sv, "hevc"sv, "hevx"sv, "heim"sv, "heis"sv, "mif1"sv, "msf1"sv};
    return std::find(kHeif.begin(), kHeif.end(), brand) != kHeif.end() ? ImageType::heif : ImageType::unknown;
}

Classification classify_isobmff(std::string_view head, bool complete) {
    // A file type box is short: the upper half of its 32-bit size is zero.
    const Match start = match(head, "\0\0??ftyp"sv);
    if (start != Match::full) {
        return {start == Match::no ? State::refused : State::open, ImageType::unknown};
    }
    const std::size_t size = be16(std::as_bytes(std::span(head)), 2);
    if (size < 16) {
        return {};
    }
    const std::size_t end = std::min(size, kSniffBytes);
    if (head.size() < end && !complete) {
        return {State::open, ImageType::unknown};
    }
    // The brands are the major one and the compatible ones; the four bytes between are a version.
    ImageType best = ImageType::unknown;
    for (std::size_t at = 8; at + 4 <= std::min(end, head.size()); at += at == 8 ? 8 : 4) {
        const ImageType type = type_of_brand(head.substr(at, 4));
        best = best == ImageType::avif || type == ImageType::unknown ? best : type;
    }
    if (best != ImageType::unknown) {
        return {State::known, best};
    }
    return {head.size() < 12 ? State::open : State::refused, ImageType::unknown};
}

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

std::string_view without_leading_space(std::string_view text) {
    const auto* const first = std::find_if_not(text.begin(), text.end(), is_space);
    return text.substr(static_cast<std::size_t>(first - text.begin()));
}

// As `match`, without a wildcard.
Match match_text(std::string_view text, std::string_view literal) {
    const std::size_t count = std::min(text.size(), literal.size());
    if (text.substr(0, count) != literal.substr(0, count)) {
        return Match::no;
    }
    return count == literal.size() ? Match::full : Match::so_far;
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

Match match_ignoring_case(std::string_view text, std::string_view lower_case) {
    const std::size_t count = std::min(text.size(), lower_case.size());
    for (std::size_t i = 0; i < count; ++i) {
        if (lower(text[i]) != lower_case[i]) {
            return Match::no;
        }
    }
    return count == lower_case.size() ? Match::full : Match::so_far;
}

// A name that has to end where the signature ends.
Match match_name(std::string_view text, std::string_view name) {
    const Match found = match_text(text, name);
    if (found != Match::full) {
        return found;
    }
    if (text.size() == name.size()) {
        return Match::so_far;
    }
    const char next = text[name.size()];
    return is_space(next) || next == '>' || next == '/' || next == '[' ? Match::full : Match::no;
}

// Passes over "<?...?>" or "<!--...-->" in front of the root.
Match skip_construct(std::string_view& text, std::string_view open, std::string_view close) {
    const Match found = match_text(text, open);
    if (found != Match::full) {
        return found;
    }
    const std::size_t end = text.find(close, open.size());
    if (end == std::string_view::npos) {
        return Match::so_far;
    }
    text.remove_prefix(end + close.size());
    return Match::full;
}

State as_state(Match match) {
    switch (match) {
        case Match::full:
            return State::known;
        case Match::so_far:
            return State::open;
        case Match::no:
            break;
    }
    return State::refused;
}

State svg_state(std::string_view text) {
    constexpr std::string_view kMark = "\xEF\xBB\xBF";
    if (text.starts_with(kMark)) {
        text.remove_prefix(kMark.size());
    } else if (!text.empty() && kMark.starts_with(text)) {
        return State::open;
    }
    while (true) {
        text = without_leading_space(text);
        const Match declaration = skip_construct(text, "<?", "?>");
        const Match comment = declaration == Match::full ? Match::no : skip_construct(text, "<!--", "-->");
        if (declaration == Match::full || comment == Match::full) {
            continue;
        }
        Match doctype = match_ignoring_case(text, "<!doctype");
        if (doctype == Match::full) {
            doctype = match_name(without_leading_space(text.substr(9)), "svg");
        }
        return as_state(std::max({match_name(text, "<svg"), doctype, declaration, comment}));
    }
}

}  // namespace

Classification classify(std::span<const std::byte> head, bool complete) {
    head = head.first(std::min(head.size(), kSniffBytes));
    complete = complete || head.size() == kSniffBytes;
    const std::string_view text = text_of(head);
    Classification best;
    const auto consider = [&](Classification next) {
        if (best.state == State::refused || next.state == State::known) {
            best = next;
        }
    };
    for (const Signature& signature : kSignatures) {
        consider({as_state(match(text, signature.bytes)), signature.type});
    }
    consider(classify_bmp(text));
    consider(classify_isobmff(text, complete));
    consider({svg_state(text), ImageType::svg});
    // White space alone is the beginning of nothing.
    const bool blank = complete && !text.empty() && without_leading_space(text).empty();
    const bool too_late = head.size() == kSniffBytes && best.state == State::open;
    if (blank || too_late) {
        best = {};
    }
    if (best.state != State::known) {
        best.type = ImageType::unknown;
    }
    return best;
}

ImageType sniff(std::span<const std::byte> head) {
    return classify(head, true).type;
}

std::string_view extension_of(ImageType type) noexcept {
    constexpr std::array kNames{"bin"sv,  "jpg"sv, "png"sv,  "gif"sv, "webp"sv, "avif"sv,
                                "heic"sv, "bmp"sv, "tiff"sv, "svg"sv, "ico"sv};
    const auto index = static_cast<std::size_t>(type);
    return index < kNames.size() ? kNames[index] : kNames[0];
}

std::string_view media_type_of(ImageType type) noexcept {
    constexpr std::array kNames{"application/octet-stream"sv,
                                "image/jpeg"sv,
                                "image/png"sv,
                                "image/gif"sv,
                                "image/webp"sv,
                                "image/avif"sv,
                                "image/heif"sv,
                                "image/bmp"sv,
                                "image/tiff"sv,
                                "image/svg+xml"sv,
                                "image/x-icon"sv};
    const auto index = static_cast<std::size_t>(type);
    return index < kNames.size() ? kNames[index] : kNames[0];
}

}  // namespace grit::media
