#include "grit/store/rows.hpp"

#include "grit/store/codec.hpp"

namespace grit::store {
namespace {

// OriginRow's flag byte.
constexpr std::uint8_t kHttps = 1;
constexpr std::uint8_t kGone = 2;
// Record's flag byte.
constexpr std::uint8_t kWaiting = 1;
constexpr std::uint8_t kHasImage = 2;
constexpr std::uint8_t kHasDigest = 4;
constexpr std::uint8_t kHasFinalUrl = 8;
constexpr std::uint8_t kHasDetail = 16;
constexpr std::uint8_t kAllFlags = 31;
// What stands before fields that a row had not from the beginning, and has only where they are not empty.
constexpr std::uint8_t kMore = 1;

Encoder row() {
    Encoder encoder;
    encoder.u8(kRowVersion);
    return encoder;
}

template <class T>
Result<T> checked(const Decoder& decoder, T value) {
    if (const Result<void> end = decoder.finish(); !end) {
        return end.error();
    }
    return value;
}

void put_texts(Encoder& encoder, const std::vector<std::string>& texts) {
    encoder.varint(texts.size());
    for (const std::string& text : texts) {
        encoder.text(text);
    }
}

std::vector<std::string> take_texts(Decoder& decoder) {
    std::vector<std::string> texts(decoder.count(1));
    for (std::string& text : texts) {
        text = decoder.text();
    }
    return texts;
}

bool has_more(Decoder& decoder) {
    if (!decoder.ok() || decoder.remaining() == 0) {
        return false;
    }
    if (decoder.u8() != kMore) {
        decoder.fail(Errc::corrupt);
    }
    return decoder.ok();
}

Outcome take_outcome(Decoder& decoder) {
    const std::uint8_t number = decoder.u8();
    const std::optional<Outcome> outcome = outcome_of_number(number);
    if (!outcome) {
        decoder.fail(Errc::newer_row);
    }
    return outcome.value_or(Outcome::store_error);
}

std::uint8_t flags_of(const Record& record) {
    unsigned flags = 0;
    flags |= record.waiting ? kWaiting : 0U;
    flags |= record.size != 0 || record.image_type != 0 || record.width != 0 || record.height != 0 ? kHasImage : 0U;
    flags |= record.sha256 != Sha256{} ? kHasDigest : 0U;
    flags |= !record.final_url.empty() ? kHasFinalUrl : 0U;
    flags |= !record.detail.empty() ? kHasDetail : 0U;
    return static_cast<std::uint8_t>(flags);
}

}  // namespace

std::string encode(const Totals& totals) {
    Encoder encoder = row();
    encoder.varint(totals.lines).varint(totals.quarantined).varint(totals.stored_bytes);
    encoder.varint(totals.quarantine_bytes).varint(totals.next_ordinal);
    encoder.varint(totals.next_run).varint(totals.next_host);
    for (const Outcome outcome : kAllOutcomes) {
        if (const std::uint64_t n = totals.outcomes[index_of(outcome)]; n != 0) {
            encoder.u8(static_cast<std::uint8_t>(outcome)).varint(n);
        }
    }
    return encoder.take();
}

Result<Totals> decode_totals(std::string_view bytes) {
    Decoder decoder = Decoder::of_row(bytes);
    Totals totals;
    totals.lines = decoder.varint();
    totals.quarantined = decoder.varint();
    totals.stored_bytes = decoder.varint();
    totals.quarantine_bytes = decoder.varint();
    totals.next_ordinal = decoder.varint();
    totals.next_run = decoder.number<RunId>();
    totals.next_host = decoder.number<HostId>();
    while (decoder.ok() && decoder.remaining() > 0) {
        const Outcome outcome = take_outcome(decoder);
        totals.outcomes[index_of(outcome)] = decoder.varint();
    }
    return checked(decoder, totals);
}

std::string encode(const InputRow& input) {
    Encoder encoder = row();
    encoder.text(input.path).varint(input.size_bytes).varint(input.first_block_bytes).raw(input.first_block_digest);
    encoder.varint(input.byte_offset).varint(input.line).u8(input.done ? 1 : 0);
    if (!input.extents.empty()) {
        encoder.u8(kMore).varint(input.extents.size());
    }
    for (const OrdinalExtent& extent : input.extents) {
        encoder.varint(extent.first_line).varint(extent.first_ordinal).varint(extent.lines);
    }
    return encoder.take();
}

Result<InputRow> decode_input(std::string_view bytes) {
    Decoder decoder = Decoder::of_row(bytes);
    InputRow input;
    input.path = decoder.text();
    input.size_bytes = decoder.varint();
    input.first_block_bytes = decoder.varint();
    input.first_block_digest = decoder.array<32>();
    input.byte_offset = decoder.varint();
    input.line = decoder.varint();
    input.done = decoder.u8() != 0;
    if (has_more(decoder)) {
        input.extents.resize(decoder.count(3));
    }
    for (OrdinalExtent& extent : input.extents) {
        extent.first_line = decoder.varint();
        extent.first_ordinal = decoder.varint();
        extent.lines = decoder.varint();
    }
    return checked(decoder, std::move(input));
}

std::string encode(const HostRow& host) {
    Encoder encoder = row();
    encoder.text(host.name).text(host.domain).varint(host.partition);
    encoder.zigzag(host.not_before_ms).varint(host.interval_ms);
    encoder.u8(host.backoff_level).u8(host.down_attempts).u8(host.gone_as);
    encoder.varint(host.taken).varint(host.cursor_run).varint(host.stored).varint(host.failed);
    encoder.zigzag(host.robots_checked_ms);
    encoder.varint(host.ceiling_ms).varint(host.answers_since_refusal).u8(host.near_ceiling ? 1 : 0);
    encoder.varint(host.gone_lines).zigzag(host.gone_ms);
    encoder.varint(host.origins.size());
    for (const OriginRow& origin : host.origins) {
        encoder.u8(static_cast<std::uint8_t>((origin.https ? kHttps : 0U) | (origin.gone ? kGone : 0U)));
        encoder.varint(origin.port).u8(origin.attempts).u8(static_cast<std::uint8_t>(origin.as)).zigzag(origin.due_ms);
    }
    if (host.restored > 0) {
        encoder.u8(kMore).varint(host.restored);
    }
    return encoder.take();
}

Result<HostRow> decode_host(std::string_view bytes) {
    Decoder decoder = Decoder::of_row(bytes);
    HostRow host;
    host.name = decoder.text();
    host.domain = decoder.text();
    host.partition = decoder.number<std::uint16_t>();
    host.not_before_ms = decoder.zigzag();
    host.interval_ms = decoder.number<std::uint32_t>();
    host.backoff_level = decoder.u8();
    host.down_attempts = decoder.u8();
    host.gone_as = decoder.u8();
    host.taken = decoder.varint();
    host.cursor_run = decoder.number<RunId>();
    host.stored = decoder.varint();
    host.failed = decoder.varint();
    host.robots_checked_ms = decoder.zigzag();
    host.ceiling_ms = decoder.number<std::uint32_t>();
    host.answers_since_refusal = decoder.number<std::uint16_t>();
    host.near_ceiling = decoder.u8() != 0;
    host.gone_lines = decoder.varint();
    host.gone_ms = decoder.zigzag();
    host.origins.resize(decoder.count(5));
    for (OriginRow& origin : host.origins) {
        const std::uint8_t flags = decoder.u8();
        origin.https = (flags & kHttps) != 0;
        origin.gone = (flags & kGone) != 0;
        origin.port = decoder.number<std::uint16_t>();
        origin.attempts = decoder.u8();
        origin.as = take_outcome(decoder);
        origin.due_ms = decoder.zigzag();
    }
    host.restored = has_more(decoder) ? decoder.varint() : 0;
    return checked(decoder, std::move(host));
}

std::string encode(const Record& record) {
    const std::uint8_t flags = flags_of(record);
    Encoder encoder = row();
    encoder.u8(flags).u8(static_cast<std::uint8_t>(record.outcome)).u8(record.attempts).varint(record.http_status);
    encoder.varint(record.ordinal).zigzag(record.first_ms).zigzag(record.last_ms - record.first_ms);
    if ((flags & kWaiting) != 0) {
        encoder.zigzag(record.due_ms);
    }
    if ((flags & kHasImage) != 0) {
        encoder.varint(record.size).u8(record.image_type).varint(record.width).varint(record.height);
    }
    if ((flags & kHasDigest) != 0) {
        encoder.raw(record.sha256);
    }
    encoder.text(record.url).text(record.location);
    if ((flags & kHasFinalUrl) != 0) {
        encoder.text(record.final_url);
    }
    if ((flags & kHasDetail) != 0) {
        encoder.text(record.detail);
    }
    return encoder.take();
}

Result<Record> decode_record(std::string_view bytes) {
    Decoder decoder = Decoder::of_row(bytes);
    Record record;
    const std::uint8_t flags = decoder.u8();
    if (flags > kAllFlags) {
        decoder.fail(Errc::newer_row);
    }
    record.waiting = (flags & kWaiting) != 0;
    record.outcome = take_outcome(decoder);
    record.attempts = decoder.u8();
    record.http_status = decoder.number<std::uint16_t>();
    record.ordinal = decoder.varint();
    record.first_ms = decoder.zigzag();
    // Unsigned, so that damaged numbers wrap instead of overflowing.
    record.last_ms = static_cast<std::int64_t>(static_cast<std::uint64_t>(record.first_ms) +
                                               static_cast<std::uint64_t>(decoder.zigzag()));
    if (record.waiting) {
        record.due_ms = decoder.zigzag();
    }
    if ((flags & kHasImage) != 0) {
        record.size = decoder.varint();
        record.image_type = decoder.u8();
        record.width = decoder.number<std::uint32_t>();
        record.height = decoder.number<std::uint32_t>();
    }
    if ((flags & kHasDigest) != 0) {
        record.sha256 = decoder.array<32>();
    }
    record.url = decoder.text();
    record.location = decoder.text();
    if ((flags & kHasFinalUrl) != 0) {
        record.final_url = decoder.text();
    }
    if ((flags & kHasDetail) != 0) {
        record.detail = decoder.text();
    }
    return checked(decoder, std::move(record));
}

std::string encode(const SiteRow& site) {
    Encoder encoder = row();
    for (const SiteFileRow* file : {&site.robots, &site.tdmrep}) {
        encoder.zigzag(file->fetched_ms);
        if (file->fetched_ms != 0) {
            encoder.zigzag(file->ask_ms - file->fetched_ms).varint(file->status).text(file->rules);
        }
    }
    return encoder.take();
}

Result<SiteRow> decode_site(std::string_view bytes) {
    Decoder decoder = Decoder::of_row(bytes);
    SiteRow site;
    for (SiteFileRow* file : {&site.robots, &site.tdmrep}) {
        file->fetched_ms = decoder.zigzag();
        if (file->fetched_ms != 0) {
            // Unsigned, so that damaged numbers wrap instead of overflowing.
            file->ask_ms = static_cast<std::int64_t>(static_cast<std::uint64_t>(file->fetched_ms) +
                                                     static_cast<std::uint64_t>(decoder.zigzag()));
            file->status = decoder.number<std::uint16_t>();
            file->rules = decoder.text();
        }
    }
    return checked(decoder, std::move(site));
}

std::string encode_run(const std::vector<RunHost>& hosts) {
    Encoder encoder = row();
    encoder.varint(hosts.size());
    HostId previous = 0;
    for (const RunHost& entry : hosts) {
        encoder.varint(entry.host - previous).varint(entry.lines);
        previous = entry.host;
    }
    return encoder.take();
}

Result<std::vector<RunHost>> decode_run(std::string_view bytes) {
    Decoder decoder = Decoder::of_row(bytes);
    std::vector<RunHost> hosts(decoder.count(2));
    HostId previous = 0;
    for (std::size_t i = 0; i < hosts.size(); ++i) {
        const auto step = decoder.number<HostId>();
        hosts[i] = {previous + step, decoder.number<std::uint32_t>()};
        if (hosts[i].host < previous || (i > 0 && step == 0)) {
            decoder.fail(Errc::corrupt);
        }
        previous = hosts[i].host;
    }
    return checked(decoder, std::move(hosts));
}

std::string encode_texts(const std::vector<std::string>& texts) {
    Encoder encoder = row();
    put_texts(encoder, texts);
    return encoder.take();
}

Result<std::vector<std::string>> decode_texts(std::string_view bytes) {
    Decoder decoder = Decoder::of_row(bytes);
    std::vector<std::string> texts = take_texts(decoder);
    return checked(decoder, std::move(texts));
}

}  // namespace grit::store
