// A hostile input file: no crash, every byte belongs to exactly one line, and a reader that goes on anywhere reads the
// same as one that did not stop. The record parsers see every line too.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "grit/annotations/reader.hpp"
#include "grit/annotations/record.hpp"

namespace {

using namespace grit::annotations;

void require(bool condition) {
    if (!condition) {
        std::abort();
    }
}

class PieceSource final : public ByteSource {
  public:
    PieceSource(std::string_view text, std::size_t piece) : text_(text), piece_(piece) {}
    grit::Checked<std::size_t> read(std::span<char> into) override {
        const std::size_t count = std::min({into.size(), piece_, text_.size()});
        std::memcpy(into.data(), text_.data(), count);
        text_.remove_prefix(count);
        return count;
    }
    [[nodiscard]] Progress progress() const override { return {}; }
    [[nodiscard]] const std::string& name() const override { return name_; }

  private:
    std::string_view text_;
    std::size_t piece_;
    std::string name_ = "fuzz";
};

struct Seen {
    std::uint64_t line;
    std::uint64_t offset;
    std::string text;
    bool operator==(const Seen&) const = default;
};

struct Outcome {
    std::vector<Seen> events;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> tokens;  // in front of each event, and at the end
    bool problem = false;
};

Outcome read_all(std::string_view input, std::size_t piece, Reader::Options options) {
    Reader reader(ByteSource::decoding(std::make_unique<PieceSource>(input, piece)), std::move(options));
    Outcome outcome;
    while (true) {
        outcome.tokens.emplace_back(reader.offset(), reader.line());
        const auto event = reader.next();
        outcome.problem = !event;
        if (!event || std::holds_alternative<End>(*event)) {
            return outcome;
        }
        if (const auto* line = std::get_if<Line>(&*event)) {
            outcome.events.push_back(
                {line->line, line->byte_offset, std::string(line->raw_url) + '|' + std::string(line->id)});
        } else {
            const auto& bad = std::get<BadLine>(*event);
            require(bad.excerpt.size() <= 200 && !bad.reason.empty());
            outcome.events.push_back({bad.line, bad.byte_offset, bad.reason});
        }
    }
}

void read_records(std::string_view input) {
    GritParser parser;
    FieldReader fields({"url", "key", "id"});
    while (!input.empty()) {
        const std::string_view line = input.substr(0, input.find('\n'));
        input.remove_prefix(std::min(input.size(), line.size() + 1));
        const auto record = parser.parse(line);
        const auto values = fields.read(line);
        require(!record || values);
        if (record) {
            require((*values)[0] == record->url && (*values)[1].value_or("") == record->key);
            for (const Span& span : record->noun_chunks) {
                require(phrase_of(record->caption, span).size() <= record->caption.size());
            }
        }
    }
}

// How much a decompressor gives before it meets damage depends on the pieces: then only what both gave has to agree.
template <class Items>
void require_same(const Items& items, const Items& all, std::size_t from, bool damaged) {
    const std::size_t expected = all.size() - std::min(all.size(), from);
    const std::size_t both = damaged ? std::min(items.size(), expected) : expected;
    require(damaged || items.size() == expected);
    require(std::equal(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(both),
                       all.end() - static_cast<std::ptrdiff_t>(expected)));
}

}  // namespace

// The first byte chooses pieces and options, the rest is the input.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
    Reader::Options options;
    options.accept_unfinished_tail = (data[0] & 1) != 0;
    options.max_line_bytes = (data[0] & 2) != 0 ? 40 : 4096;
    const std::size_t piece = 1 + (data[0] >> 2);

    const Outcome whole = read_all(input, SIZE_MAX, options);
    const Outcome pieces = read_all(input, piece, options);
    require(pieces.problem == whole.problem);
    require_same(pieces.events, whole.events, 0, whole.problem);
    require_same(pieces.tokens, whole.tokens, 0, whole.problem);

    const std::size_t stop = data[0] % whole.tokens.size();
    options.start_offset = whole.tokens[stop].first;
    options.start_line = whole.tokens[stop].second;
    const Outcome rest = read_all(input, piece, options);
    require(rest.problem == whole.problem);
    require_same(rest.events, whole.events, stop, whole.problem);
    read_records(input);
    return 0;
}
