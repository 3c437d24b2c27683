#include "grit/store/adoption_rows.hpp"

#include "adoption_codec.hpp"
#include "grit/store/codec.hpp"

namespace grit::store {
namespace {

std::string key_of(const UrlHash& url) {
    Encoder encoder;
    encoder.be64(url.high).be64(url.low);
    return encoder.take();
}

}  // namespace

Result<Adoption> parse_adoption(std::string_view row) {
    Decoder decoder = Decoder::of_row(row);
    Adoption adoption;
    const auto outcome = outcome_of_number(decoder.u8());
    adoption.outcome = outcome.value_or(Outcome::stored);
    adoption.file = decoder.text();
    adoption.offset = decoder.varint();
    adoption.size = decoder.varint();
    adoption.detail = decoder.text();
    if (decoder.remaining() > 0) {  // rows of earlier builds end here
        adoption.modified_ns = decoder.zigzag();
        adoption.may_link = decoder.u8() != 0;
    }
    if (!outcome) {
        decoder.fail(Errc::corrupt);
    }
    const auto whole = decoder.finish();
    return whole ? Result<Adoption>(std::move(adoption)) : Result<Adoption>(whole.error());
}

Result<Adoption> get_adoption(const Txn& txn, const UrlHash& url) {
    const auto bytes = txn.get(Table::adoptions, key_of(url));
    return bytes ? parse_adoption(*bytes) : Result<Adoption>(bytes.error());
}

Result<void> put_adoption(WriteTxn& txn, const UrlHash& url, const Adoption& adoption) {
    Encoder encoder;
    encoder.u8(kRowVersion).u8(static_cast<std::uint8_t>(adoption.outcome));
    encoder.text(adoption.file).varint(adoption.offset).varint(adoption.size).text(adoption.detail).zigzag(adoption.modified_ns).u8(adoption.may_link ? 1 : 0);
    return txn.put(Table::adoptions, key_of(url), encoder.bytes());
}

Result<bool> delete_adoption(WriteTxn& txn, const UrlHash& url) { return txn.erase(Table::adoptions, key_of(url)); }

}  // namespace grit::store
