#include "grit/store/txn.hpp"

#include <lmdb.h>

#include <utility>

#include "grit/store/env.hpp"
#include "lmdb_error.hpp"
#include "lmdb_value.hpp"
#include "map_gate.hpp"

namespace grit::store {
namespace {

constexpr std::size_t kMaxKeyBytes = 511;  // mdb_env_get_maxkeysize of every build

bool is_key(std::string_view key) noexcept {
    return !key.empty() && key.size() <= kMaxKeyBytes;
}

}  // namespace

Cursor::~Cursor() {
    if (cursor_ != nullptr) {
        mdb_cursor_close(cursor_);
    }
}

Cursor::Cursor(Cursor&& other) noexcept
    : cursor_(std::exchange(other.cursor_, nullptr)), key_(other.key_), value_(other.value_) {}

Result<bool> Cursor::first() {
    return go(MDB_FIRST, {});
}
Result<bool> Cursor::last() {
    return go(MDB_LAST, {});
}
Result<bool> Cursor::next() {
    return go(MDB_NEXT, {});
}

Result<bool> Cursor::seek(std::string_view key) {
    if (key.empty()) {
        return first();
    }
    if (!is_key(key)) {
        return Errc::too_long;
    }
    return go(MDB_SET_RANGE, key);
}

Result<bool> Cursor::go(int operation, std::string_view key) {
    MDB_val found_key = to_lmdb(key);
    MDB_val found_value{};
    const int code = mdb_cursor_get(cursor_, &found_key, &found_value, static_cast<MDB_cursor_op>(operation));
    if (code == MDB_NOTFOUND) {
        return false;
    }
    if (code != 0) {
        return errc_of_lmdb(code);
    }
    key_ = from_lmdb(found_key);
    value_ = from_lmdb(found_value);
    return true;
}

Txn::Txn(Txn&& other) noexcept : env_(other.env_), txn_(std::exchange(other.txn_, nullptr)) {}

Txn& Txn::operator=(Txn&& other) noexcept {
    abort();
    env_ = other.env_;
    txn_ = std::exchange(other.txn_, nullptr);
    return *this;
}

void Txn::abort() noexcept {
    if (txn_ != nullptr) {
        mdb_txn_abort(std::exchange(txn_, nullptr));
    }
}

Result<std::string_view> Txn::get(Table table, std::string_view key) const {
    if (!is_key(key)) {
        return Errc::too_long;
    }
    MDB_val wanted = to_lmdb(key);
    MDB_val found{};
    if (const int code = mdb_get(txn_, env_->handle_of(table), &wanted, &found); code != 0) {
        return errc_of_lmdb(code);
    }
    return from_lmdb(found);
}

Result<Cursor> Txn::cursor(Table table) const {
    MDB_cursor* cursor = nullptr;
    if (const int code = mdb_cursor_open(txn_, env_->handle_of(table), &cursor); code != 0) {
        return errc_of_lmdb(code);
    }
    return Cursor(cursor);
}

Result<std::uint64_t> Txn::count(Table table) const {
    MDB_stat stat{};
    if (const int code = mdb_stat(txn_, env_->handle_of(table), &stat); code != 0) {
        return errc_of_lmdb(code);
    }
    return static_cast<std::uint64_t>(stat.ms_entries);
}

ReadTxn::~ReadTxn() {
    end();
}

ReadTxn::ReadTxn(ReadTxn&& other) noexcept : Txn(std::move(other)), gate_(std::exchange(other.gate_, nullptr)) {}

ReadTxn& ReadTxn::operator=(ReadTxn&& other) noexcept {
    if (this != &other) {
        end();
        gate_ = std::exchange(other.gate_, nullptr);
        Txn::operator=(std::move(other));
    }
    return *this;
}

void ReadTxn::end() noexcept {
    abort();
    if (gate_ != nullptr) {
        std::exchange(gate_, nullptr)->leave();
    }
}

WriteTxn::~WriteTxn() {
    abort();
}

int WriteTxn::note(int code) noexcept {
    map_full_ = map_full_ || code == MDB_MAP_FULL;
    return code;
}

int WriteTxn::commit() noexcept {
    return note(mdb_txn_commit(std::exchange(txn_, nullptr)));
}

Result<void> WriteTxn::write(Table table, std::string_view key, std::string_view value, unsigned flags) {
    if (!is_key(key)) {
        return Errc::too_long;
    }
    MDB_val wanted = to_lmdb(key);
    MDB_val bytes = to_lmdb(value);
    if (const int code = note(mdb_put(txn_, env_->handle_of(table), &wanted, &bytes, flags)); code != 0) {
        return env_->explain(code);
    }
    return {};
}

Result<void> WriteTxn::put(Table table, std::string_view key, std::string_view value) {
    return write(table, key, value, 0);
}

Result<void> WriteTxn::append(Table table, std::string_view key, std::string_view value) {
    return write(table, key, value, MDB_APPEND);
}

Result<bool> WriteTxn::erase(Table table, std::string_view key) {
    if (!is_key(key)) {
        return Errc::too_long;
    }
    MDB_val wanted = to_lmdb(key);
    const int code = note(mdb_del(txn_, env_->handle_of(table), &wanted, nullptr));
    if (code == MDB_NOTFOUND) {
        return false;
    }
    if (code != 0) {
        return {boost::system::in_place_error, env_->explain(code)};
    }
    return true;
}

Result<void> for_each(const Txn& txn, Table table, const RowVisitor& visit, std::string_view from) {
    Result<Cursor> cursor = txn.cursor(table);
    if (!cursor) {
        return cursor.error();
    }
    Result<bool> there = cursor->seek(from);
    while (there && *there && visit(cursor->key(), cursor->value())) {
        there = cursor->next();
    }
    if (!there) {
        return there.error();
    }
    return {};
}

}  // namespace grit::store
