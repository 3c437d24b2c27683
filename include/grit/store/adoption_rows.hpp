// What another program has made of URLs before, and gritd takes over when their turn comes. A row goes with the commit of
// its URL's record.
//
// Errors: as in tables.hpp.
#pragma once

#include <cstdint>
#include <string>

#include "grit/base/ids.hpp"
#include "grit/base/outcome.hpp"
#include "grit/store/txn.hpp"

namespace grit::store {

struct Adoption {
    Outcome outcome = Outcome::stored;  ///< `stored`: `file` has the image. Else it has ended so.
    std::string file;                   ///< Absolute.
    std::uint64_t offset = 0;           ///< Of the image in it.
    std::uint64_t size = 0;             ///< Bytes.
    std::string detail;                 ///< In a few words, for the record.
    /// When the file was last written, ns since 1970. One that was written since may have other bytes at this place; 0: not
    /// known, not looked at.
    std::int64_t modified_ns = 0;
    bool may_link = true;  ///< The image may be another name of the file (a hard link).
    bool operator==(const Adoption&) const = default;
};

/// Errors besides: not_found.
[[nodiscard]] Result<Adoption> get_adoption(const Txn& txn, const UrlHash& url);
/// Takes the place of an earlier one.
[[nodiscard]] Result<void> put_adoption(WriteTxn& txn, const UrlHash& url, const Adoption& adoption);
/// @return whether there was one.
[[nodiscard]] Result<bool> delete_adoption(WriteTxn& txn, const UrlHash& url);

}  // namespace grit::store
