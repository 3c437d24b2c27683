#include "grit/dataset/state_copy.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "grit/base/low_priority.hpp"
#include "grit/store/damage_guard.hpp"
#include "grit/store/error.hpp"
#include "grit/store/journal_rows.hpp"
#include "grit/store/writer.hpp"

namespace grit::dataset {
namespace {

// Of one transaction of the copy: its pages are in memory until it is committed.
constexpr std::uint64_t kBytesPerCommit = std::uint64_t{32} << 20;

Problem failed(const std::filesystem::path& path, std::string_view doing, int error) {
    return Problem{fmt::format("{} can not be {}: {}", path.string(), doing, std::generic_category().message(error))};
}

Checked<void> sync_folder(const std::filesystem::path& folder) {
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) {
        return failed(folder, "opened", errno);
    }
    const int error = ::fsync(descriptor) == 0 ? 0 : errno;
    ::close(descriptor);
    return error == 0 ? Checked<void>() : failed(folder, "synced", error);
}

// Goes over all rows of all tables, a portion at a time.
class TableCopy {
  public:
    TableCopy(const store::ReadTxn& from, store::Env& to) : from_(from), writer_(to, clock_) {}

    // @return false at the end.
    Result<bool> next() {
        std::size_t table = 0;
        std::string last;
        const auto body = [&](store::WriteTxn& txn) -> Result<void> {
            give_way_to_others();  // the writer's thread is a new one
            table = table_;
            last = last_;
            std::uint64_t bytes = 0;
            for (; table < store::kTableCount && bytes < kBytesPerCommit; ++table, last.clear()) {
                const auto copied = copy_some(txn, static_cast<store::Table>(table), last, bytes);
                if (!copied) {
                    return copied.error();
                }
                if (!*copied) {
                    return {};
                }
            }
            return {};
        };
        if (const auto written = writer_.transact(body); !written) {
            return {boost::system::in_place_error, written.error()};
        }
        table_ = table;
        last_ = std::move(last);
        return table_ < store::kTableCount;
    }

    Result<void> note(std::optional<WallTime> backup_of) {
        return writer_.transact([backup_of](store::WriteTxn& txn) {
            return backup_of ? store::put_backup_time(txn, backup_of->time_since_epoch().count()) : Result<void>();
        });
    }

  private:
    // @return whether the table is at its end.
    Result<bool> copy_some(store::WriteTxn& txn, store::Table table, std::string& last, std::uint64_t& bytes) const {
        Result<void> put;
        bool ended = true;
        const auto visit = [&](std::string_view key, std::string_view value) {
            if (key == last) {
                return true;
            }
            if (bytes >= kBytesPerCommit) {
                ended = false;
                return false;
            }
            // `meta` has rows in the new state already.
            put = table == store::Table::meta ? txn.put(table, key, value) : txn.append(table, key, value);
            bytes += key.size() + value.size();
            last.assign(key);
            return put.has_value();
        };
        if (const auto walked = store::for_each(from_, table, visit, last); !walked || !put) {
            return {boost::system::in_place_error, walked ? put.error() : walked.error()};
        }
        return ended;
    }

    const store::ReadTxn& from_;
    SystemClock clock_;
    store::Writer writer_;
    std::size_t table_ = 0;
    std::string last_;  // key of the table that was copied last
};

Checked<std::uint64_t> copy_into(store::Env& from, const std::filesystem::path& folder, const OnCopy& on_copy,
                                 std::optional<WallTime> backup_of) {
    const auto txn = from.read();
    if (!txn) {
        return store::unreadable(txn.error());
    }
    auto to = store::Env::open(folder);
    if (!to) {
        return to.error();
    }
    CopyProgress progress;
    progress.bytes_total = from.stats().used_bytes;
    {
        const auto failed_by = [&folder](const ErrorCode& why) {
            return Problem{fmt::format("the state can not be copied to {}: {}", folder.string(), why.message())};
        };
        TableCopy copy(*txn, **to);
        for (bool more = true; more;) {
            const auto copied = copy.next();
            if (!copied) {
                return failed_by(copied.error());
            }
            more = *copied;
            progress.bytes_written = (*to)->stats().used_bytes;
            if (!on_copy(progress)) {
                return Problem{"it was stopped"};
            }
        }
        if (const auto noted = copy.note(backup_of); !noted) {
            return failed_by(noted.error());
        }
    }
    return (*to)->stats().file_bytes;
}

}  // namespace

Checked<std::uint64_t> copy_tables(store::Env& from, const std::filesystem::path& folder, const OnCopy& on_copy,
                                   std::optional<WallTime> backup_of) {
    std::error_code error;
    if (std::filesystem::exists(folder / "data.mdb", error)) {
        return Problem{fmt::format("{} has a state already", folder.string())};
    }
    const auto bytes = copy_into(from, folder, on_copy, backup_of);
    std::filesystem::remove(folder / "lock.mdb", error);
    if (!bytes) {
        std::filesystem::remove(folder / "data.mdb", error);
        return bytes;
    }
    const auto synced = sync_folder(folder);
    return synced ? bytes : Checked<std::uint64_t>(synced.error());
}

Checked<std::pair<std::uint64_t, std::uint64_t>> compact_state(const std::filesystem::path& folder, const OnCopy& on_copy) {
    const std::filesystem::path aside = folder / "compact.part";
    std::error_code error;
    if (!std::filesystem::exists(folder / "data.mdb", error)) {
        return Problem{fmt::format("there is no state in {}", folder.string())};
    }
    std::filesystem::remove_all(aside, error);  // what a kill had left
    std::uint64_t before = 0;
    {
        store::EnvOptions options;
        options.on_impossible = store::DamageGuard::on_impossible;
        auto env = store::Env::open(folder, options);
        if (!env) {
            return env.error();
        }
        before = (*env)->stats().file_bytes;
        if (const auto copied = copy_tables(**env, aside, on_copy); !copied) {
            std::filesystem::remove_all(aside, error);
            return copied.error();
        }
    }
    const std::filesystem::path fresh = aside / "data.mdb";
    const std::uint64_t after = std::filesystem::file_size(fresh, error);
    // Readers that have the old one open have its lock file open, too: new ones make theirs.
    std::filesystem::remove(folder / "lock.mdb", error);
    if (::rename(fresh.c_str(), (folder / "data.mdb").c_str()) != 0) {
        return failed(folder / "data.mdb", "replaced", errno);
    }
    std::filesystem::remove_all(aside, error);
    const auto synced = sync_folder(folder);
    return synced ? Checked<std::pair<std::uint64_t, std::uint64_t>>(std::pair(before, after)) : synced.error();
}

}  // namespace grit::dataset
