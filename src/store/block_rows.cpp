#include "grit/store/block_rows.hpp"

#include "grit/store/codec.hpp"

namespace grit::store {

Result<void> put_block_row(WriteTxn& txn, const BlockRow& row) {
    Encoder encoder;
    encoder.u8(kRowVersion).zigzag(row.since_ms).varint(row.by_uid).text(row.reason);
    return txn.put(Table::blocks, row.kind + " " + row.value, encoder.bytes());
}

Result<bool> delete_block_row(WriteTxn& txn, std::string_view kind, std::string_view value) {
    return txn.erase(Table::blocks, std::string(kind) + " " + std::string(value));
}

Result<std::vector<BlockRow>> get_block_rows(const Txn& txn) {
    std::vector<BlockRow> rows;
    Result<void> verdict;
    const Result<void> walked = for_each(txn, Table::blocks, [&](std::string_view key, std::string_view bytes) {
        const std::size_t space = key.find(' ');
        Decoder decoder = Decoder::of_row(bytes);
        BlockRow row;
        row.since_ms = decoder.zigzag();
        row.by_uid = decoder.number<std::uint32_t>();
        row.reason = decoder.text();
        verdict = space == std::string_view::npos ? Result<void>(Errc::corrupt) : decoder.finish();
        if (verdict) {
            row.kind = key.substr(0, space);
            row.value = key.substr(space + 1);
            rows.push_back(std::move(row));
        }
        return verdict.has_value();
    });
    if (!walked || !verdict) {
        return walked ? verdict.error() : walked.error();
    }
    return rows;
}

}  // namespace grit::store
