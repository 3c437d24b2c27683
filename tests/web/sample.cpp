#include "sample.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace grit::testweb {
namespace {

// splitmix64: a line's numbers are a function of the seed and the line's index.
class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
        return z ^ (z >> 31);
    }
    std::uint64_t below(std::uint64_t limit) { return next() % limit; }

  private:
    std::uint64_t state_;
};

// Draws ranks with Zipf shares in constant time (Vose's alias method).
class ZipfTable {
  public:
    ZipfTable(std::uint64_t ranks, double exponent) : threshold_(ranks), alias_(ranks) {
        std::vector<double> scaled(ranks);
        double sum = 0;
        for (std::uint64_t i = 0; i < ranks; ++i) {
            sum += scaled[i] = std::pow(static_cast<double>(i + 1), -exponent);
        }
        std::vector<std::uint64_t> small;
        std::vector<std::uint64_t> large;
        for (std::uint64_t i = 0; i < ranks; ++i) {
            scaled[i] *= static_cast<double>(ranks) / sum;
            (scaled[i] < 1 ? small : large).push_back(i);
        }
        threshold_.assign(ranks, 1);
        while (!small.empty() && !large.empty()) {
            const std::uint64_t low = small.back();
            const std::uint64_t high = large.back();
            small.pop_back();
            large.pop_back();
            threshold_[low] = scaled[low];
            alias_[low] = high;
            scaled[high] -= 1 - scaled[low];
            (scaled[high] < 1 ? small : large).push_back(high);
        }
    }
    [[nodiscard]] std::uint64_t draw(Random& random) const {
        const std::uint64_t slot = random.below(threshold_.size());
        const double share = static_cast<double>(random.next() >> 11) * 0x1.0p-53;
        return share < threshold_[slot] ? slot : alias_[slot];
    }

  private:
    std::vector<double> threshold_;
    std::vector<std::uint64_t> alias_;
};

void put_number(std::string& out, std::uint64_t value) {
    std::array<char, 20> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    out.append(digits.data(), end);
}

void put_padded(std::string& out, std::uint64_t value, std::size_t width) {
    std::array<char, 20> digits;
    digits.fill('0');
    for (std::size_t i = width; i-- > 0; value /= 10) {
        digits[i] = static_cast<char>('0' + value % 10);
    }
    out.append(digits.data(), width);
}

constexpr std::uint64_t kBillion = 1'000'000'000;

// "0." and nine digits.
void put_share(std::string& out, std::uint64_t billionths) {
    out += "0.";
    put_padded(out, billionths, 9);
}

constexpr std::array<std::string_view, 8> kAdjectives{"old",    "red",   "small",    "wooden",
                                                      "bright", "quiet", "handmade", "snowy"};
constexpr std::array<std::string_view, 16> kNouns{"dog",      "boat",  "kitchen table", "mountain", "girl",   "bicycle",
                                                  "harbour",  "cake",  "garden",        "horse",    "street", "castle",
                                                  "umbrella", "train", "window",        "cat"};
constexpr std::array<std::string_view, 4> kRelations{" next to ", " in front of ", " near ", " behind "};
constexpr std::array<std::string_view, 6> kFolders{
    "wp-content/uploads/2018/02", "images", "media/catalog/product", "photos", "cdn/shop", "static/img/large"};
constexpr std::array<std::string_view, 10> kExtensions{".jpg",  ".jpg", ".jpg",  ".jpg", ".jpg",
                                                       ".jpeg", ".png", ".webp", ".gif", ""};

template <std::size_t N>
std::string_view pick(const std::array<std::string_view, N>& list, Random& random) {
    return list[random.below(N)];
}

enum class LineKind : std::uint8_t { plain, duplicate, bad_line, bad_url };

class Sample {
  public:
    explicit Sample(const SampleOptions& options)
        : options_(options),
          zipf_(options.hosts, options.zipf),
          every_(options.annotations >= 2 * options.hosts ? options.annotations / options.hosts : 0) {}

    void append_line(std::string& out, std::uint64_t index, SampleSummary& summary) {
        Random random(mix(index, 1));
        const LineKind kind = kind_of(index);
        switch (kind) {
            case LineKind::plain:
                ++summary.distinct_urls;
                append_record(out, index, url_of(index), random);
                break;
            case LineKind::duplicate:
                ++summary.duplicate_urls;
                append_record(out, index, url_of(earlier_plain(index, random)), random);
                break;
            case LineKind::bad_line:
                append_bad_line(out, index, summary.bad_lines++, random);
                break;
            case LineKind::bad_url:
                append_record(out, index, kBadUrls[summary.bad_urls++ % kBadUrls.size()], random);
                break;
        }
        out += '\n';
    }

  private:
    static constexpr std::array<std::string_view, 4> kBadUrls{"ftp://files.site1.test/a.jpg", "UNLIKELY", "http://",
                                                              "//site2.test/image.jpg"};

    [[nodiscard]] std::uint64_t mix(std::uint64_t index, std::uint64_t purpose) const {
        return Random(options_.seed * 0xD1342543DE82EF95ULL + index * 4 + purpose).next();
    }

    // Lines that make sure that a host occurs.
    [[nodiscard]] bool introduces_host(std::uint64_t index) const {
        return every_ != 0 && index % every_ == 0 && index / every_ < options_.hosts;
    }

    [[nodiscard]] LineKind kind_of(std::uint64_t index) const {
        if (index == 0 || introduces_host(index)) {
            return LineKind::plain;
        }
        const std::uint64_t draw = mix(index, 2) % 1000;
        if (draw < 10) {
            return LineKind::duplicate;
        }
        if (!options_.bad_lines || draw >= 16) {
            return LineKind::plain;
        }
        return draw < 15 ? LineKind::bad_line : LineKind::bad_url;
    }

    [[nodiscard]] std::uint64_t earlier_plain(std::uint64_t index, Random& random) const {
        std::uint64_t earlier = random.below(index);
        while (kind_of(earlier) != LineKind::plain) {
            earlier = earlier == 0 ? 0 : earlier - 1;  // line 0 is plain
        }
        return earlier;
    }

    // Most hosts have a domain of their own, some share one, as on real platforms.
    static void append_host(std::string& out, std::uint64_t rank, std::uint64_t style) {
        constexpr std::array<std::string_view, 6> kPrefixes{"", "www.", "img.", "static.", "cdn1.", "i2.media."};
        constexpr std::array<std::string_view, 3> kPlatforms{".photos.test", ".shops.test", ".blogs.example"};
        if (style % 8 == 0) {
            out += "host";
            put_number(out, rank);
            out += kPlatforms[style / 8 % kPlatforms.size()];
            return;
        }
        out += kPrefixes[style / 8 % kPrefixes.size()];
        out += "site";
        put_number(out, rank);
        out += style % 3 == 0 ? ".example" : ".test";
    }

    // As it stands in the JSON text, so that non-ASCII may be raw or escaped.
    const std::string& url_of(std::uint64_t index) {
        Random random(mix(index, 3));
        const std::uint64_t rank = introduces_host(index) ? index / every_ : zipf_.draw(random);
        const std::uint64_t style = Random(options_.seed + rank * 7919).next() >> 8;
        url_.assign(style % 5 == 0 ? "http://" : "https://");
        append_host(url_, rank, style);
        url_ += '/';
        url_ += pick(kFolders, random);
        url_ += '/';
        url_ += pick(kNouns, random).substr(0, 4);
        const std::uint64_t odd = random.below(100);  // 2 % of the URLs are not written as a URL should be
        constexpr std::array<std::string_view, 4> kOdd{" photo ", "caf\xC3\xA9", "\\u00fcber",
                                                       "\xE6\x97\xA5\xE6\x9C\xAC"};
        if (odd < 2) {
            url_ += kOdd[random.below(kOdd.size())];
        }
        url_ += '-';
        put_number(url_, index);
        url_ += pick(kExtensions, random);
        const std::uint64_t query = random.below(100);
        if (query < 12) {
            url_ += "?v=";
            put_number(url_, random.below(2'000'000'000));
        } else if (query < 14) {
            url_ += "?w=640&amp;h=";
            put_number(url_, 100 + random.below(900));
        }
        return url_;
    }

    static void append_span(std::string& out, std::size_t start, std::size_t end, std::string_view box) {
        out += '[';
        put_number(out, start);
        out += ", ";
        put_number(out, end);
        out += box;
        out += ']';
    }

    // ", x_min, y_min, x_max, y_max, score"
    static std::string box_of(Random& random) {
        std::string box;
        std::array<std::uint64_t, 2> from{random.below(kBillion / 2), random.below(kBillion / 2)};
        for (const std::uint64_t value : from) {
            box += ", ";
            put_share(box, value);
        }
        for (const std::uint64_t value : from) {
            box += ", ";
            put_share(box, value + kBillion / 20 + random.below(kBillion * 9 / 20));
        }
        box += ", ";
        put_share(box, kBillion * 13 / 20 + random.below(kBillion * 7 / 20));
        return box;
    }

    void append_record(std::string& out, std::uint64_t index, std::string_view url, Random& random) const {
        out += R"({"key": ")";
        put_padded(out, index % (options_.annotations * 2 / 3 + 1), 9);
        out += R"(", "clip_similarity_vitb32": )";
        put_share(out, kBillion / 4 + random.below(kBillion / 8));
        out += R"(, "clip_similarity_vitl14": )";
        put_share(out, kBillion / 5 + random.below(kBillion / 8));
        out += R"(, "id": )";
        put_number(out, 1'000'000'000'000ULL + index * 131'071);
        out += R"(, "url": ")";
        out += url;
        out += R"(", "caption": ")";
        append_caption_and_spans(out, random);
        out += '}';
    }

    static void append_caption_and_spans(std::string& out, Random& random) {
        const std::size_t start = out.size();
        out += "a ";
        out += pick(kAdjectives, random);
        out += ' ';
        out += pick(kNouns, random);
        const std::size_t first_end = out.size() - start;
        out += pick(kRelations, random);
        const std::size_t second_start = out.size() - start;
        out += "the ";
        out += pick(kNouns, random);
        const std::size_t second_end = out.size() - start;
        out += R"(", "width": )";
        put_number(out, 200 + random.below(1800));
        out += R"(, "height": )";
        put_number(out, 200 + random.below(1800));
        const std::string box = box_of(random);
        out += R"(, "noun_chunks": [)";
        append_span(out, 0, first_end, box);
        if (random.below(2) == 0) {
            out += ", ";
            append_span(out, second_start, second_end, box_of(random));
        }
        out += R"(], "ref_exps": [)";
        append_span(out, 0, second_end, box);
        out += ']';
    }

    // The ways in turn, so that each occurs.
    void append_bad_line(std::string& out, std::uint64_t index, std::uint64_t way, Random& random) {
        constexpr std::array<std::string_view, 10> kBad{
            R"({"key": "000000017", "id": 1000000000017, "url": "https://site1.test/cut-of)",
            R"({"key": "000000018", "id": 1000000000018, "caption": "no url at all"})",
            R"({"key": "000000019", "url": 19, "caption": "a number for a url"})",
            R"({"key": "000000020", "url": null, "caption": "nothing for a url"})",
            "{\"key\": \"000000021\", \"url\": \"https://site1.test/utf8.jpg\", \"caption\": \"\xC3\x28 \xFF\"}",
            "",
            R"(["https://site1.test/in-a-list.jpg"])",
            R"({"url": "https://site1.test/late-damage.jpg", "caption": "fine" "width": })",
            "UNLIKELY",
            R"({"url": "https://site1.test/escape.jpg\q", "caption": "no such escape"})"};
        if (way % (kBad.size() + 1) != kBad.size()) {
            out += kBad[way % (kBad.size() + 1)];
            return;
        }
        const std::size_t start = out.size();
        append_record(out, index, "https://site1.test/nul.jpg", random);
        out[start + 40] = '\0';
    }

    const SampleOptions& options_;
    const ZipfTable zipf_;
    const std::uint64_t every_;
    std::string url_;
};

}  // namespace

SampleSummary write_sample(const SampleOptions& options) {
    if (options.annotations == 0 || options.hosts == 0) {
        throw std::runtime_error("a sample needs annotations and hosts");
    }
    const auto close = [](std::FILE* file) { return file == stdout ? std::fflush(file) : std::fclose(file); };
    std::unique_ptr<std::FILE, decltype(close)> file(
        options.path == "-" ? stdout : std::fopen(options.path.c_str(), "wbe"), close);
    if (!file) {
        throw std::runtime_error("can not write " + options.path);
    }
    constexpr std::size_t kFlushBytes = 1 << 20;
    SampleSummary summary;
    Sample sample(options);
    std::string buffer;
    buffer.reserve(kFlushBytes + 8192);
    for (std::uint64_t index = 0; index < options.annotations; ++index) {
        sample.append_line(buffer, index, summary);
        if (buffer.size() >= kFlushBytes || index + 1 == options.annotations) {
            if (std::fwrite(buffer.data(), 1, buffer.size(), file.get()) != buffer.size()) {
                throw std::runtime_error("can not write " + options.path);
            }
            summary.bytes += buffer.size();
            buffer.clear();
        }
    }
    summary.annotations = options.annotations;
    if (close(file.release()) != 0) {
        throw std::runtime_error("can not write " + options.path);
    }
    return summary;
}

}  // namespace grit::testweb
