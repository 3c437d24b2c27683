// A folder with all of a state, whole or not at all.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "grit/base/file_descriptor.hpp"
#include "grit/base/quantity.hpp"
#include "grit/base/version.hpp"
#include "grit/dataset/atomic_file.hpp"
#include "grit/dataset/state_copy.hpp"
#include "grit/media/digest.hpp"

namespace grit::dataset {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::size_t kPieceBytes = std::size_t{1} << 20;
constexpr mode_t kFileMode = 0640;
constexpr mode_t kFolderMode = 0750;

Problem failed(const fs::path& path, std::string_view doing, int error) {
    return Problem{fmt::format("{} can not be {}: {}", path.string(), doing, std::generic_category().message(error))};
}

// What is not part of a state: locks, and what is being written or was left of it, with all that lies below.
bool belongs(const fs::path& relative) {
    const std::string name = relative.filename().string();
    return name != "data.mdb" && name != "lock.mdb" && name != "gritd.lock" && name != "SHA256SUMS" && name != "backup.json" &&
           std::none_of(relative.begin(), relative.end(), [](const fs::path& part) { return part.string().ends_with(".part"); });
}

class Backup {
  public:
    Backup(store::Env& env, fs::path folder, const OnCopy& on_copy)
        : env_(env), folder_(std::move(folder)), on_copy_(on_copy), buffer_(kPieceBytes) {}

    Checked<std::uint64_t> make(WallTime now) {
        if (auto prepared = prepare(); !prepared) {
            return prepared.error();
        }
        auto made = copy_state(now);
        made = made ? copy_files() : made;
        made = made ? describe(now) : made;
        made = made ? sync_folders() : made;
        made = made ? write_text("SHA256SUMS", sums_) : made;
        if (!made) {
            clear();
            return made.error();
        }
        return progress_.bytes_written;
    }

  private:
    Checked<void> prepare() {
        std::error_code error;
        const fs::path state = fs::weakly_canonical(env_.folder(), error);
        const fs::path wanted = fs::weakly_canonical(folder_, error);
        const auto inside = std::mismatch(state.begin(), state.end(), wanted.begin(), wanted.end());
        if (inside.first == state.end()) {
            return Problem{fmt::format("{} lies in the state folder: a backup goes elsewhere, best on another disk", folder_.string())};
        }
        if (::mkdir(folder_.c_str(), kFolderMode) == 0) {
            made_folder_ = true;
            return {};
        }
        if (errno != EEXIST) {
            return failed(folder_, "made", errno);
        }
        const fs::directory_iterator first(folder_, error);
        if (error || first != fs::directory_iterator()) {
            return error ? failed(folder_, "listed", error.value())
                         : Problem{fmt::format("{} is not empty: a backup gets a folder of its own", folder_.string())};
        }
        return {};
    }

    Checked<void> copy_state(WallTime now) {
        const OnCopy pass_on = [this](const CopyProgress& copied) {
            progress_ = copied;
            return on_copy_(progress_);
        };
        const auto bytes = copy_tables(env_, folder_, pass_on, now);
        if (!bytes) {
            return bytes.error();
        }
        progress_.bytes_written = *bytes;
        progress_.bytes_total = *bytes;
        progress_.files = 1;
        return add_sum("data.mdb");
    }

    Checked<void> copy_files() {
        std::vector<fs::path> files;
        std::error_code error;
        for (fs::recursive_directory_iterator entry(env_.folder(), error), end; !error && entry != end; entry.increment(error)) {
            const fs::path relative = entry->path().lexically_relative(env_.folder());
            if (!belongs(relative)) {
                continue;
            }
            std::error_code gone;
            if (entry->is_directory(gone)) {
                folders_.push_back(relative);
            } else if (entry->is_regular_file(gone)) {
                files.push_back(relative);
                progress_.bytes_total += entry->file_size(gone);
            }
        }
        if (error) {
            return failed(env_.folder(), "listed", error.value());
        }
        std::sort(folders_.begin(), folders_.end());
        std::sort(files.begin(), files.end());
        for (const fs::path& relative : folders_) {
            if (::mkdir((folder_ / relative).c_str(), kFolderMode) != 0) {
                return failed(folder_ / relative, "made", errno);
            }
        }
        for (const fs::path& relative : files) {
            if (auto copied = copy_file(relative); !copied) {
                return copied;
            }
        }
        return {};
    }

    // As long as it is now: what is appended meanwhile is not part of it.
    Checked<void> copy_file(const fs::path& relative) {
        const FileDescriptor from(::open((env_.folder() / relative).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
        struct stat status{};
        if (from.get() < 0 || ::fstat(from.get(), &status) != 0) {
            return errno == ENOENT ? Checked<void>() : failed(env_.folder() / relative, "read", errno);  // removed meanwhile
        }
        const FileDescriptor to(::open((folder_ / relative).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode));
        if (to.get() < 0) {
            return failed(folder_ / relative, "made", errno);
        }
        media::Digest digest;
        auto left = static_cast<std::uint64_t>(status.st_size);
        while (left > 0) {
            const ssize_t got = ::read(from.get(), buffer_.data(), static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer_.size())));
            if (got <= 0) {
                return failed(env_.folder() / relative, "read", got < 0 ? errno : EIO);
            }
            const auto piece = std::span(buffer_).first(static_cast<std::size_t>(got));
            std::string_view rest(reinterpret_cast<const char*>(piece.data()), piece.size());
            if (const int error = write_all(to.get(), rest); error != 0) {
                return failed(folder_ / relative, "written", error);
            }
            digest.update(piece);
            left -= piece.size();
            progress_.bytes_written += piece.size();
            if (!on_copy_(progress_)) {
                return Problem{"it was stopped"};
            }
        }
        if (::fsync(to.get()) != 0) {
            return failed(folder_ / relative, "synced", errno);
        }
        ++progress_.files;
        sums_ += fmt::format("{}  {}\n", media::hex(digest.finish()), relative.string());
        return {};
    }

    Checked<void> add_sum(const fs::path& relative) {
        const FileDescriptor file(::open((folder_ / relative).c_str(), O_RDONLY | O_CLOEXEC));
        media::Digest digest;
        ssize_t got = file.get() < 0 ? -1 : 1;
        while (got > 0) {
            got = ::read(file.get(), buffer_.data(), buffer_.size());
            digest.update(std::span(buffer_).first(static_cast<std::size_t>(std::max<ssize_t>(got, 0))));
        }
        if (got < 0) {
            return failed(folder_ / relative, "read", errno);
        }
        sums_ += fmt::format("{}  {}\n", media::hex(digest.finish()), relative.string());
        return {};
    }

    Checked<void> describe(WallTime now) {
        const json::object about{{"dataset_id", env_.dataset_id()},
                                 {"schema", store::kSchema},
                                 {"made", format_utc(now.time_since_epoch().count())},
                                 {"gritd", version()},
                                 {"state_dir", env_.folder().string()}};
        auto written = write_text("backup.json", json::serialize(about) + "\n");
        return written ? add_sum("backup.json") : written;
    }

    Checked<void> write_text(const std::string& name, const std::string& text) const {
        auto file = AtomicFile::create((folder_ / name).string());
        if (!file) {
            return file.error();
        }
        auto written = file->write(text);
        return written ? file->commit() : written;
    }

    Checked<void> sync_folders() const {
        std::vector<fs::path> folders{folder_, folder_.parent_path()};
        for (const fs::path& relative : folders_) {
            folders.push_back(folder_ / relative);
        }
        for (const fs::path& folder : folders) {
            if (const int error = sync_folder(folder); error != 0) {
                return failed(folder, "synced", error);
            }
        }
        return {};
    }

    // The folder was new or empty: all that is in it is ours.
    void clear() const {
        std::error_code ignored;
        if (made_folder_) {
            fs::remove_all(folder_, ignored);
        } else {
            for (const fs::directory_entry& entry : fs::directory_iterator(folder_, ignored)) {
                fs::remove_all(entry.path(), ignored);
            }
        }
    }

    store::Env& env_;
    fs::path folder_;
    const OnCopy& on_copy_;
    std::vector<std::byte> buffer_;
    CopyProgress progress_;
    std::vector<fs::path> folders_;
    std::string sums_;
    bool made_folder_ = false;
};

}  // namespace

Checked<std::uint64_t> back_up_state(store::Env& env, const fs::path& folder, WallTime now, const OnCopy& on_copy) {
    return Backup(env, folder, on_copy).make(now);
}

}  // namespace grit::dataset
