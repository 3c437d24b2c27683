#include "grit/store/clock_row.hpp"

#include "grit/store/codec.hpp"

namespace grit::store {
namespace {

constexpr std::string_view kClock = "clock";

}  // namespace

Result<ClockRow> get_clock(const Txn& txn) {
    const auto bytes = txn.get(Table::meta, kClock);
    if (!bytes) {
        return bytes.error();
    }
    Decoder decoder = Decoder::of_row(*bytes);
    ClockRow row;
    row.wall_ms = decoder.zigzag();
    row.schedule_ms = decoder.zigzag();
    row.boot_ms = decoder.zigzag();
    row.boot_id = decoder.text();
    if (const auto end = decoder.finish(); !end) {
        return end.error();
    }
    return row;
}

Result<void> put_clock(WriteTxn& txn, const ClockRow& row) {
    Encoder encoder;
    encoder.u8(kRowVersion).zigzag(row.wall_ms).zigzag(row.schedule_ms).zigzag(row.boot_ms).text(row.boot_id);
    return txn.put(Table::meta, kClock, encoder.bytes());
}

}  // namespace grit::store
