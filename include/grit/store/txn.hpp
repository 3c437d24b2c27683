// Transactions over the tables. Keys and values are plain bytes here; tables.hpp gives them types.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "grit/store/error.hpp"
#include "grit/store/table.hpp"

struct MDB_txn;
struct MDB_cursor;

namespace grit::store {

class Env;
class MapGate;
class Txn;

/// Walks one table in key order (bytes compared as unsigned).
///
/// Lifetime: must not outlive its transaction. Views are valid until the transaction ends or, in a WriteTxn, until its
/// next write.
class Cursor {
  public:
    ~Cursor();
    Cursor(Cursor&& other) noexcept;
    Cursor& operator=(Cursor&&) = delete;
    Cursor(const Cursor&) = delete;
    Cursor& operator=(const Cursor&) = delete;

    /// Each goes to a row and tells whether there is one. Errors: io, corrupt.
    [[nodiscard]] Result<bool> first();
    [[nodiscard]] Result<bool> last();
    [[nodiscard]] Result<bool> next();
    /// The first row at or after `key`. An empty key is the first row.
    [[nodiscard]] Result<bool> seek(std::string_view key);

    /// The row gone to last; only after a call that gave true.
    [[nodiscard]] std::string_view key() const noexcept { return key_; }
    [[nodiscard]] std::string_view value() const noexcept { return value_; }

  private:
    friend class Txn;
    explicit Cursor(MDB_cursor* cursor) noexcept : cursor_(cursor) {}
    Result<bool> go(int operation, std::string_view key);

    MDB_cursor* cursor_ = nullptr;
    std::string_view key_;
    std::string_view value_;
};

/// What reading and writing transactions share: a consistent view of all tables.
///
/// Threads: one at a time. Never held across `co_await`.
class Txn {
  public:
    Txn(const Txn&) = delete;
    Txn& operator=(const Txn&) = delete;

    /// @return the value (valid as Cursor's); Errc::not_found if there is no such row.
    /// Errors: not_found, too_long, io, corrupt.
    [[nodiscard]] Result<std::string_view> get(Table table, std::string_view key) const;
    /// Errors: io, corrupt, out_of_memory.
    [[nodiscard]] Result<Cursor> cursor(Table table) const;
    /// Number of rows, without counting them.
    [[nodiscard]] Result<std::uint64_t> count(Table table) const;

  protected:
    Txn(const Env& env, MDB_txn* txn) noexcept : env_(&env), txn_(txn) {}
    ~Txn() = default;
    Txn(Txn&& other) noexcept;
    Txn& operator=(Txn&& other) noexcept;
    void abort() noexcept;

    const Env* env_;
    MDB_txn* txn_;
};

/// A reading transaction: cheap (under 1 us) and to be short. One that stays open makes the file grow by everything
/// that is committed meanwhile, and a map resize waits for it: walk large tables with `scan`.
///
/// While it lives its thread must not ask for a second one: a resize waiting in between would wait for ever.
class ReadTxn final : public Txn {
  public:
    ~ReadTxn();
    ReadTxn(ReadTxn&& other) noexcept;
    ReadTxn& operator=(ReadTxn&& other) noexcept;

  private:
    friend class Env;
    ReadTxn(const Env& env, MDB_txn* txn, MapGate& gate) noexcept : Txn(env, txn), gate_(&gate) {}
    void end() noexcept;

    MapGate* gate_;
};

/// The writing transaction: exists only inside `WriteSession::transact`.
class WriteTxn final : public Txn {
  public:
    ~WriteTxn();
    WriteTxn(WriteTxn&&) = delete;
    WriteTxn& operator=(WriteTxn&&) = delete;

    /// Writes or overwrites. Errors: map_full (transact repeats the body), too_long, disk_full, io, corrupt.
    [[nodiscard]] Result<void> put(Table table, std::string_view key, std::string_view value);
    /// As put, for a key above all of its table: about 40 times as fast as at random and leaves pages full.
    /// Errors: out_of_order if the key is not above the last one; those of put.
    [[nodiscard]] Result<void> append(Table table, std::string_view key, std::string_view value);
    /// @return whether there was such a row. Errors: map_full (deletes need pages too), too_long, io, corrupt.
    [[nodiscard]] Result<bool> erase(Table table, std::string_view key);

  private:
    friend class Env;
    WriteTxn(const Env& env, MDB_txn* txn) noexcept : Txn(env, txn) {}
    [[nodiscard]] Result<void> write(Table table, std::string_view key, std::string_view value, unsigned flags);
    [[nodiscard]] int note(int code) noexcept;
    [[nodiscard]] int commit() noexcept;

    bool map_full_ = false;  // a full map kills the transaction, whatever the body makes of the error
};

/// What a walk does with a row: true goes on, false ends it.
using RowVisitor = std::function<bool(std::string_view key, std::string_view value)>;

/// Visits all rows of a table in one transaction, from the first key at or after `from`.
[[nodiscard]] Result<void> for_each(const Txn& txn, Table table, const RowVisitor& visit, std::string_view from = {});

}  // namespace grit::store
