#include "grit/store/env.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <lmdb.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "birth.hpp"
#include "data_file.hpp"
#include "grit/base/quantity.hpp"
#include "grit/store/lock.hpp"
#include "lmdb_error.hpp"
#include "lmdb_value.hpp"
#include "map_gate.hpp"
#include "page_check.hpp"
#include "table_extents.hpp"

namespace grit::store {
namespace {

constexpr unsigned kMaxTables = kTableCount;
constexpr std::uint64_t kMinMapBytes = std::uint64_t{1} << 20;
constexpr std::uint64_t kMapStep = std::uint64_t{1} << 20;
constexpr mode_t kDataMode = 0640;
constexpr mode_t kLockMode = 0660;  // readers of the service's group write their slot into the lock file
constexpr std::uint64_t kCommitsPerReaderCheck = 256;
constexpr std::uint64_t kFullBelowBytes = std::uint64_t{1} << 20;
// What a disk reads in the time in which a spinning one moves its head.
constexpr std::uint64_t kPrefetchGapBytes = std::uint64_t{256} << 10;
constexpr std::uint64_t kMaxRepairBytes = std::uint64_t{1} << 30;

std::string words_of(int code) {
    return mdb_strerror(code);
}

std::string random_id() {
    std::array<unsigned char, 16> bytes{};
    if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
        return {};
    }
    std::string text;
    for (const unsigned char byte : bytes) {
        text += fmt::format("{:02x}", byte);
    }
    return text;
}

Problem cut_short(const std::filesystem::path& file, const DataFile& found) {
    return Problem{fmt::format(
        "{} is cut short: it has {} of the {} that its header speaks of. {}", file.string(), format_byte_size(found.file_bytes),
        format_byte_size(found.needed_bytes), kStateRemedy)};
}

Problem open_problem(const std::filesystem::path& file, int code) {
    if (code == EACCES || code == EPERM) {
        return Problem{
            fmt::format("{} can not be opened: permission denied for uid {} (its lock.mdb needs write access too)",
                        file.string(), geteuid())};
    }
    if (errc_of_lmdb(code) == Errc::corrupt) {
        return Problem{fmt::format("{} is damaged: {}. {}", file.string(), words_of(code), kStateRemedy)};
    }
    return Problem{fmt::format("{} can not be opened: {}", file.string(), words_of(code))};
}

// Before tables are opened, which makes those that are not found: one that damage hides must not be made anew, empty.
Checked<void> check_roots_of(MDB_env* env, const std::filesystem::path& file) {
    MDB_txn* txn = nullptr;
    if (const int code = mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn); code != 0) {
        return open_problem(file, code);
    }
    PageReport report;
    check_roots(env, txn, std::atomic<bool>{false}, report);
    mdb_txn_abort(txn);
    if (report.damaged == 0) {
        return {};
    }
    return Problem{fmt::format("{} is damaged: {}. {}", file.string(), fmt::join(report.places, "; "), kStateRemedy)};
}

void impossible(MDB_env* env, const char* words) {
    if (const auto on_impossible = reinterpret_cast<void (*)(const char*)>(mdb_env_get_userctx(env))) {
        on_impossible(words);
    }
}

// An environment with its settings, not open yet.
int create(MDB_env** env, std::uint64_t map_bytes) {
    int code = mdb_env_create(env);
    if (code == 0) {
        code = mdb_env_set_maxdbs(*env, kMaxTables);
    }
    if (code == 0) {
        code = mdb_env_set_maxreaders(*env, kMaxReaders);
    }
    if (code == 0) {
        code = mdb_env_set_mapsize(*env, map_bytes);
    }
    return code;
}

// Opens with the largest map that the system grants, from `map_bytes` downward.
int open_env(MDB_env** env, const std::filesystem::path& dir, std::uint64_t map_bytes, bool read_only) {
    for (std::uint64_t size = map_bytes;; size /= 2) {
        *env = nullptr;
        int code = create(env, size);
        if (code == 0) {
            code = mdb_env_open(*env, dir.c_str(), MDB_NOTLS | (read_only ? MDB_RDONLY : 0U), kDataMode);
        }
        if (code == 0) {
            return 0;
        }
        mdb_env_close(*env);
        if (code != ENOMEM || size / 2 < kMinMapBytes) {
            return code;
        }
    }
}

// LMDB leaves pages unwritten that a transaction took and freed. A file that lacks only such pages is whole, and gets
// its length back; a file that lacks others was cut.
Checked<void> open_short_file(MDB_env** env, const std::filesystem::path& dir, const std::filesystem::path& file,
                              const DataFile& found, std::uint64_t map_bytes) {
    if (found.needed_bytes - found.file_bytes > kMaxRepairBytes ||
        truncate(file.c_str(), static_cast<off_t>(found.needed_bytes)) != 0) {
        return cut_short(file, found);
    }
    if (const int code = open_env(env, dir, map_bytes, false); code != 0) {
        return open_problem(file, code);
    }
    if (pages_are_free(*env, found)) {
        return {};
    }
    mdb_env_close(*env);
    if (truncate(file.c_str(), static_cast<off_t>(found.file_bytes)) != 0) {
        return Problem{fmt::format("{} could not be put back to its length", file.string())};
    }
    return cut_short(file, found);
}

}  // namespace

Env::Env(std::filesystem::path dir, MDB_env* env, bool read_only)
    : dir_(std::move(dir)),
      file_(dir_ / "data.mdb"),
      env_(env),
      read_only_(read_only),
      gate_(std::make_unique<MapGate>()) {}

Env::~Env() {
    mdb_env_close(env_);
}

// In a folder of its own: one transaction makes the tables, and its commit is durable.
Checked<void> Env::make(const std::filesystem::path& dir) {
    MDB_env* raw = nullptr;
    if (const int code = open_env(&raw, dir, kMinMapBytes, false); code != 0) {
        return open_problem(dir / "data.mdb", code);
    }
    return std::unique_ptr<Env>(new Env(dir, raw, false))->open_tables();
}

Checked<std::unique_ptr<Env>> Env::open(const std::filesystem::path& dir, Options options) {
    if (!options.read_only) {
        if (auto folder = make_state_folder(dir); !folder) {
            return folder.error();
        }
    }
    if (auto local = refuse_network_file_system(dir); !local) {
        return local.error();
    }
    const std::filesystem::path file = dir / "data.mdb";
    Checked<DataFile> found = inspect_data_file(file);
    const bool is_new = found && !found->exists && !options.read_only;
    if (is_new) {
        if (auto made = make_aside(dir, &Env::make); !made) {
            return made.error();
        }
        found = inspect_data_file(file);
    }
    if (!found) {
        return found.error();
    }
    if (options.read_only && (!found->exists || found->is_short())) {
        return found->exists ? cut_short(file, *found)
                             : Problem{fmt::format("there is no state in {}: has gritd run yet?", dir.string())};
    }
    const std::uint64_t map_bytes = std::max(
        {options.initial_map_bytes / kMapStep * kMapStep, kMinMapBytes, found->file_bytes / kMapStep * kMapStep});
    if (!options.read_only) {
        if (auto settled = settle_headers(file, *found); !settled) {
            return settled.error();
        }
    }
    MDB_env* raw = nullptr;
    if (found->is_short()) {
        if (auto opened = open_short_file(&raw, dir, file, *found, map_bytes); !opened) {
            return opened.error();
        }
    } else if (const int code = open_env(&raw, dir, map_bytes, options.read_only); code != 0) {
        return open_problem(file, code);
    }
    std::unique_ptr<Env> env(new Env(dir, raw, options.read_only));
    mdb_env_set_userctx(raw, reinterpret_cast<void*>(options.on_impossible));
    mdb_env_set_assert(raw, impossible);
    env->note_map();
    if (is_new) {
        chmod((dir / "lock.mdb").c_str(), kLockMode);
    }
    if (auto roots = check_roots_of(raw, file); !roots) {
        return roots.error();
    }
    if (auto tables = env->open_tables(); !tables) {
        return tables.error();
    }
    int dead = 0;
    mdb_reader_check(raw, &dead);
    return env;
}

Checked<void> Env::open_tables() {
    MDB_txn* txn = nullptr;
    if (const int code = mdb_txn_begin(env_, nullptr, read_only_ ? MDB_RDONLY : 0U, &txn); code != 0) {
        return open_problem(file_, code);
    }
    Checked<void> checked = check_schema(txn);
    int code = 0;
    for (std::size_t i = 0; checked && code == 0 && i < kTableCount; ++i) {
        code = mdb_dbi_open(txn, kTableNames[i].data(), read_only_ ? 0U : unsigned{MDB_CREATE}, &handles_[i]);
    }
    if (!checked || code != 0) {
        mdb_txn_abort(txn);
        return checked ? Checked<void>(open_problem(file_, code)) : checked;
    }
    if (code = mdb_txn_commit(txn); code != 0) {
        return open_problem(file_, code);
    }
    return {};
}

Checked<void> Env::check_schema(MDB_txn* txn) {
    const std::string wanted = fmt::format("{}", kSchema);
    const Problem foreign{
        fmt::format("{} is an LMDB file of another program: choose another state.dir. If it was gritd's it is damaged: {}",
                    file_.string(), kStateRemedy)};
    MDB_dbi meta = 0;
    const int code = mdb_dbi_open(txn, "meta", 0, &meta);
    MDB_val schema_key = to_lmdb("schema");
    MDB_val id_key = to_lmdb("dataset_id");
    if (code == MDB_NOTFOUND && !read_only_) {
        MDB_dbi main = 0;
        MDB_stat stat{};
        if (mdb_dbi_open(txn, nullptr, 0, &main) != 0 || mdb_stat(txn, main, &stat) != 0 || stat.ms_entries != 0) {
            return foreign;
        }
        dataset_id_ = random_id();
        MDB_val schema = to_lmdb(wanted);
        MDB_val id = to_lmdb(dataset_id_);
        int made = dataset_id_.empty() ? EIO : mdb_dbi_open(txn, "meta", MDB_CREATE, &meta);
        made = made != 0 ? made : mdb_put(txn, meta, &schema_key, &schema, 0);
        made = made != 0 ? made : mdb_put(txn, meta, &id_key, &id, 0);
        return made == 0 ? Checked<void>() : Checked<void>(open_problem(file_, made));
    }
    MDB_val schema{};
    MDB_val id{};
    int found = code != 0 ? code : mdb_get(txn, meta, &schema_key, &schema);
    found = found != 0 ? found : mdb_get(txn, meta, &id_key, &id);
    if (found != 0) {
        return errc_of_lmdb(found) == Errc::corrupt && found != MDB_INCOMPATIBLE ? open_problem(file_, found) : foreign;
    }
    if (from_lmdb(schema) != wanted) {
        return Problem{
            fmt::format("the state in {} has schema {}, this gritd reads schema {}: use the gritd that made it, or a "
                        "newer one that "
                        "says it migrates it",
                        dir_.string(), from_lmdb(schema), kSchema)};
    }
    dataset_id_ = from_lmdb(id);
    return {};
}

Result<MDB_txn*> Env::begin(unsigned flags) {
    MDB_txn* txn = nullptr;
    int code = mdb_txn_begin(env_, nullptr, flags, &txn);
    if (code != 0) {
        closed_ = closed_ || code == MDB_PANIC;
        return code == MDB_MAP_RESIZED ? ErrorCode(Errc::map_full) : explain(code);
    }
    return txn;
}

Result<ReadTxn> Env::read() {
    for (;;) {
        gate_->enter();
        const Result<MDB_txn*> txn = begin(MDB_RDONLY);
        if (txn) {
            return ReadTxn(*this, *txn, *gate_);
        }
        gate_->leave();
        if (txn.error() != Errc::map_full) {
            return txn.error();
        }
        if (const auto adopted = adopt_map_size(); !adopted) {
            return adopted.error();
        }
    }
}

Result<void> Env::transact(const std::function<Result<void>(WriteTxn&)>& body) {
    for (;;) {
        const Result<MDB_txn*> raw = begin(0);
        if (!raw) {
            if (raw.error() != Errc::map_full) {
                return raw.error();
            }
            if (auto adopted = adopt_map_size(); !adopted) {
                return adopted;
            }
            continue;
        }
        {
            WriteTxn txn(*this, *raw);
            const Result<void> result = body(txn);
            if (!txn.map_full_) {
                if (!result) {
                    return result;
                }
                const int code = txn.commit();
                if (code == 0) {
                    after_commit();
                    return {};
                }
                if (code != MDB_MAP_FULL) {
                    note_closed();
                    return explain(code);
                }
            }
        }
        if (auto grown = grow_map(); !grown) {
            return grown;
        }
    }
}

// After a commit that failed. (Where only the pages could not be synced LMDB stays open, rightly: no header speaks of them, and
// the next transaction writes its pages anew.)
void Env::note_closed() {
    gate_->enter();
    if (const auto txn = begin(MDB_RDONLY)) {
        mdb_txn_abort(*txn);
    }
    gate_->leave();
}

Result<void> Env::grow_map() {
    return gate_->exclusive([this]() -> Result<void> {
        MDB_envinfo info{};
        mdb_env_info(env_, &info);
        const std::uint64_t size = info.me_mapsize * std::uint64_t{2};
        // LMDB gives up its old map before it asks for the new one, and has none if that fails: ask first.
        void* const probe = mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (probe == MAP_FAILED) {  // NOLINT(performance-no-int-to-ptr): the system's macro
            return Errc::map_full;
        }
        munmap(probe, size);
        if (const int code = mdb_env_set_mapsize(env_, size); code != 0) {
            return errc_of_lmdb(code);
        }
        note_map();
        return {};
    });
}

// Another process has grown the map.
Result<void> Env::adopt_map_size() {
    return gate_->exclusive([this]() -> Result<void> {
        if (const int code = mdb_env_set_mapsize(env_, 0); code != 0) {
            return errc_of_lmdb(code);
        }
        note_map();
        return {};
    });
}

// LMDB reports a short write, which is what a disk does that is just filling up, as EIO.
ErrorCode Env::explain(int code) const {
    struct statvfs volume{};
    if (code == EIO && statvfs(dir_.c_str(), &volume) == 0 &&
        std::uint64_t{volume.f_bavail} * volume.f_frsize < kFullBelowBytes) {
        return Errc::disk_full;
    }
    return errc_of_lmdb(code);
}

void Env::after_commit() {
    MDB_envinfo info{};
    MDB_stat stat{};
    int descriptor = -1;
    struct stat status{};
    mdb_env_info(env_, &info);
    mdb_env_stat(env_, &stat);
    mdb_env_get_fd(env_, &descriptor);
    const auto needed = static_cast<off_t>((info.me_last_pgno + 1) * stat.ms_psize);
    // Keeps the file as long as its header says (see open_short_file). Only a hint: the next open repairs it too.
    if (fstat(descriptor, &status) == 0 && status.st_size < needed && ftruncate(descriptor, needed) != 0) {
        errno = 0;
    }
    if (++commits_ % kCommitsPerReaderCheck == 0) {
        int dead = 0;
        mdb_reader_check(env_, &dead);  // a reader that was killed would pin its pages for ever
    }
}

std::uint64_t Env::prefetch(std::span<const Table> tables) {
    const Result<ReadTxn> txn = read();
    int descriptor = -1;
    if (!txn || mdb_env_get_fd(env_, &descriptor) != 0) {
        return 0;
    }
    std::uint64_t bytes = 0;
    for (const Table table : tables) {
        for (const Extent& extent : extents_of(env_, txn->txn_, name_of(table), kPrefetchGapBytes)) {
            posix_fadvise(descriptor, static_cast<off_t>(extent.offset), static_cast<off_t>(extent.bytes),
                          POSIX_FADV_WILLNEED);
            bytes += extent.bytes;
        }
    }
    return bytes;
}

Result<PageReport> Env::check_pages(const std::atomic<bool>& stop) {
    PageReport report;
    {
        const Result<ReadTxn> txn = read();
        if (!txn) {
            return txn.error();
        }
        check_roots(env_, txn->txn_, stop, report);
    }
    for (std::size_t i = 0; i < kTableCount && !stop; ++i) {
        const Result<ReadTxn> txn = read();
        if (!txn) {
            return txn.error();
        }
        check_table(env_, txn->txn_, kTableNames[i], stop, report);
    }
    return report;
}

// For in_map, which can ask nobody. LMDB does not tell where its map is; the system does (proc(5)).
void Env::note_map() {
    int descriptor = -1;
    struct stat status{};
    if (mdb_env_get_fd(env_, &descriptor) != 0 || fstat(descriptor, &status) != 0) {
        return;
    }
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        std::istringstream fields(line);
        std::uintptr_t begin = 0;
        std::uintptr_t end = 0;
        char dash = 0;
        std::string other;
        std::uint64_t inode = 0;
        fields >> std::hex >> begin >> dash >> end >> other >> other >> other >> std::dec >> inode;
        if (fields && inode == status.st_ino && line.ends_with("data.mdb")) {
            map_begin_ = begin;
            map_bytes_ = end - begin;
            return;
        }
    }
}

EnvStats Env::stats() const {
    MDB_envinfo info{};
    MDB_stat stat{};
    int descriptor = -1;
    gate_->between_resizes([&] {
        mdb_env_info(env_, &info);
        mdb_env_stat(env_, &stat);
        mdb_env_get_fd(env_, &descriptor);
    });
    struct stat status{};
    EnvStats stats;
    stats.map_bytes = info.me_mapsize;
    stats.used_bytes = (info.me_last_pgno + 1) * std::uint64_t{stat.ms_psize};
    stats.file_bytes = fstat(descriptor, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
    return stats;
}

Result<void> scan(Env& env, Table table, const RowVisitor& visit, std::size_t rows) {
    std::string from;
    bool more = true;
    while (more) {
        more = false;
        const Result<ReadTxn> txn = env.read();
        if (!txn) {
            return txn.error();
        }
        std::size_t seen = 0;
        const RowVisitor slice = [&](std::string_view key, std::string_view value) {
            if (key == from) {
                return true;  // the last one of the slice before
            }
            if (seen == rows) {
                more = true;
                return false;
            }
            ++seen;
            from.assign(key);
            return visit(key, value);
        };
        if (auto walked = for_each(*txn, table, slice, from); !walked) {
            return walked;
        }
    }
    return {};
}

}  // namespace grit::store
