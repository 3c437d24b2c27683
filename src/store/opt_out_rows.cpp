#include "grit/store/opt_out_rows.hpp"

#include "grit/store/codec.hpp"

namespace grit::store {
namespace {

constexpr std::string_view kOptOut = "optout";

Result<OptOutRow> decode(std::string_view bytes) {
    Decoder decoder = Decoder::of_row(bytes);
    OptOutRow row;
    row.domain = decoder.text();
    row.reason = decoder.text();
    row.by_uid = decoder.number<std::uint32_t>();
    row.erase = decoder.u8() != 0;
    row.began_ms = decoder.zigzag();
    row.list = decoder.text();
    row.list_is_complete = decoder.u8() != 0;
    row.listed = decoder.varint();
    row.deleted = decoder.varint();
    row.files_removed = decoder.varint();
    row.files_kept = decoder.varint();
    row.freed_bytes = decoder.varint();
    if (const Result<void> end = decoder.finish(); !end) {
        return end.error();
    }
    return row;
}

Result<Removal> decode_removal(std::string_view bytes) {
    Decoder decoder = Decoder::of_row(bytes);
    const std::uint8_t number = decoder.u8();
    if (const Result<void> end = decoder.finish(); !end) {
        return end.error();
    }
    if (number > static_cast<std::uint8_t>(Removal::broken)) {
        return Errc::newer_row;
    }
    return static_cast<Removal>(number);
}

}  // namespace

Result<OptOutRow> get_opt_out(const Txn& txn) {
    const Result<std::string_view> bytes = txn.get(Table::meta, kOptOut);
    if (!bytes) {
        return bytes.error();
    }
    return decode(*bytes);
}

Result<void> put_opt_out(WriteTxn& txn, const OptOutRow& row) {
    Encoder encoder;
    encoder.u8(kRowVersion).text(row.domain).text(row.reason).varint(row.by_uid).u8(row.erase ? 1 : 0);
    encoder.zigzag(row.began_ms).text(row.list).u8(row.list_is_complete ? 1 : 0);
    encoder.varint(row.listed).varint(row.deleted).varint(row.files_removed).varint(row.files_kept).varint(row.freed_bytes);
    return txn.put(Table::meta, kOptOut, encoder.bytes());
}

Result<void> delete_opt_out(WriteTxn& txn) {
    const Result<bool> erased = txn.erase(Table::meta, kOptOut);
    return erased ? Result<void>() : Result<void>(erased.error());
}

Result<Removal> get_removal(const Txn& txn, std::string_view path) {
    const Result<std::string_view> bytes = txn.get(Table::removals, path);
    if (!bytes) {
        return bytes.error();
    }
    return decode_removal(*bytes);
}

Result<void> put_removal(WriteTxn& txn, std::string_view path, Removal removal) {
    return txn.put(Table::removals, path, Encoder().u8(kRowVersion).u8(static_cast<std::uint8_t>(removal)).bytes());
}

Result<void> delete_removal(WriteTxn& txn, std::string_view path) {
    const Result<bool> erased = txn.erase(Table::removals, path);
    return erased ? Result<void>() : Result<void>(erased.error());
}

Result<void> for_each_removal(const Txn& txn, const std::function<bool(std::string_view, Removal)>& visit, std::string_view from) {
    Result<void> verdict;
    const auto look = [&](std::string_view path, std::string_view bytes) {
        const Result<Removal> removal = decode_removal(bytes);
        if (!removal) {
            verdict = removal.error();
            return false;
        }
        return visit(path, *removal);
    };
    const Result<void> walked = for_each(txn, Table::removals, look, from);
    return walked ? verdict : walked;
}

}  // namespace grit::store
