#include "grit/store/error.hpp"

#include <lmdb.h>

#include <cerrno>
#include <string>

#include "lmdb_error.hpp"

namespace grit::store {
namespace {

std::string_view text_of(Errc error) noexcept {
    switch (error) {
        case Errc::success:
            return "success";
        case Errc::not_found:
            return "no such row";
        case Errc::map_full:
            return "the map of the state can not grow: no address space";
        case Errc::disk_full:
            return "no space left for the state";
        case Errc::io:
            return "the state's disk failed";
        case Errc::corrupt:
            return "the state is damaged";
        case Errc::newer_row:
            return "the state has a row of a newer gritd";
        case Errc::too_long:
            return "a key or block of this length can not be stored";
        case Errc::out_of_order:
            return "an appended key is not above the last one";
        case Errc::readers_full:
            return "too many readers have the state open";
        case Errc::out_of_memory:
            return "out of memory";
        case Errc::closed:
            return "the state was closed after a failed write: start again";
    }
    return "unknown store error";
}

class Category final : public boost::system::error_category {
  public:
    [[nodiscard]] const char* name() const noexcept override { return "grit.store"; }
    [[nodiscard]] std::string message(int value) const override {
        return std::string(text_of(static_cast<Errc>(value)));
    }
};

}  // namespace

const boost::system::error_category& store_category() noexcept {
    static const Category category;
    return category;
}

ErrorCode make_error_code(Errc error) noexcept {
    return {static_cast<int>(error), store_category()};
}

Outcome outcome_of(const ErrorCode& error) noexcept {
    return error == make_error_code(Errc::disk_full) ? Outcome::disk_full : Outcome::store_error;
}

Problem unreadable(const ErrorCode& error) { return Problem{"the state can not be read: " + error.message()}; }

Problem unwritable(const ErrorCode& error) { return Problem{"the state can not be written: " + error.message()}; }

Errc errc_of_lmdb(int code) noexcept {
    switch (code) {
        case MDB_SUCCESS:
            return Errc::success;
        case MDB_NOTFOUND:
            return Errc::not_found;
        case MDB_KEYEXIST:
            return Errc::out_of_order;
        case MDB_MAP_FULL:
            return Errc::map_full;
        case MDB_BAD_VALSIZE:
        case MDB_TXN_FULL:
            return Errc::too_long;
        case MDB_READERS_FULL:
            return Errc::readers_full;
        case MDB_PANIC:
            return Errc::closed;
        case MDB_CORRUPTED:
        case MDB_PAGE_NOTFOUND:
        case MDB_INVALID:
        case MDB_VERSION_MISMATCH:
        case MDB_INCOMPATIBLE:
        case MDB_CURSOR_FULL:
        case MDB_PAGE_FULL:
            return Errc::corrupt;
        case ENOSPC:
        case EDQUOT:
        case EFBIG:
            return Errc::disk_full;
        case ENOMEM:
            return Errc::out_of_memory;
        default:
            return Errc::io;
    }
}

}  // namespace grit::store
