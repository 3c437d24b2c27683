#include "grit/store/journal_rows.hpp"

#include "grit/store/codec.hpp"

namespace grit::store {
namespace {

constexpr std::string_view kJournal = "journal";
constexpr std::string_view kBackup = "backup";

}  // namespace

Result<JournalMark> get_journal_mark(const Txn& txn) {
    const Result<std::string_view> bytes = txn.get(Table::meta, kJournal);
    if (!bytes) {
        return bytes.error() == Errc::not_found ? Result<JournalMark>(JournalMark()) : bytes.error();
    }
    Decoder decoder = Decoder::of_row(*bytes);
    JournalMark mark;
    mark.file = decoder.varint();
    mark.bytes = decoder.varint();
    mark.next_seq = decoder.varint();
    if (const Result<void> end = decoder.finish(); !end) {
        return end.error();
    }
    return mark;
}

Result<void> put_journal_mark(WriteTxn& txn, const JournalMark& mark) {
    Encoder encoder;
    encoder.u8(kRowVersion).varint(mark.file).varint(mark.bytes).varint(mark.next_seq);
    return txn.put(Table::meta, kJournal, encoder.bytes());
}

Result<std::int64_t> get_backup_time(const Txn& txn) {
    const auto bytes = txn.get(Table::meta, kBackup);
    if (!bytes) {
        return {boost::system::in_place_error, bytes.error()};
    }
    Decoder decoder = Decoder::of_row(*bytes);
    const std::int64_t time_ms = decoder.zigzag();
    if (const auto end = decoder.finish(); !end) {
        return {boost::system::in_place_error, end.error()};
    }
    return time_ms;
}

Result<void> put_backup_time(WriteTxn& txn, std::int64_t time_ms) {
    Encoder encoder;
    encoder.u8(kRowVersion).zigzag(time_ms);
    return txn.put(Table::meta, kBackup, encoder.bytes());
}

Result<void> erase_backup_time(WriteTxn& txn) {
    const auto erased = txn.erase(Table::meta, kBackup);
    return erased ? Result<void>() : Result<void>(erased.error());
}

}  // namespace grit::store
