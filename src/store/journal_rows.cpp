#include "grit/store/journal_rows.hpp"

#include "grit/store/codec.hpp"

namespace grit::store {
namespace {

constexpr std::string_view kJournal = "journal";

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

}  // namespace grit::store
