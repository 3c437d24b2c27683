#include "grit/annotations/byte_source.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>
#include <vector>

#include "compressed.hpp"

namespace grit::annotations {
namespace {

constexpr int kIdleMilliseconds = 500;

std::string reason_of(int error) {
    return std::system_category().message(error);
}

Checked<void> discard(ByteSource& source, std::uint64_t bytes) {
    std::vector<char> scratch(static_cast<std::size_t>(std::min<std::uint64_t>(bytes, 256U << 10)));
    for (std::uint64_t left = bytes; left > 0;) {
        const std::size_t want = static_cast<std::size_t>(std::min<std::uint64_t>(left, scratch.size()));
        const auto count = source.read(std::span(scratch).first(want));
        if (!count) {
            return count.error();
        }
        if (*count == 0) {
            return Problem{fmt::format("{}: ends {} bytes before the place to go on from: it was cut or replaced",
                                       source.name(), left)};
        }
        left -= *count;
    }
    return {};
}

/// The bytes of a descriptor as they are.
class FileSource final : public ByteSource {
  public:
    FileSource(int fd, bool owned, bool regular, std::string name, std::function<bool()> on_idle)
        : fd_(fd), owned_(owned), regular_(regular), name_(std::move(name)), on_idle_(std::move(on_idle)) {}
    ~FileSource() override {
        if (owned_) {
            ::close(fd_);
        }
    }
    FileSource(const FileSource&) = delete;
    FileSource& operator=(const FileSource&) = delete;

    Checked<std::size_t> read(std::span<char> into) override {
        ssize_t count = 0;
        while (on_idle_ && !regular_ && !has_something()) {
            if (!on_idle_()) {
                return Problem{fmt::format("{}: reading was ended at byte {}", name_, position_)};
            }
        }
        do {
            count = ::read(fd_, into.data(), into.size());
        } while (count < 0 && errno == EINTR);
        if (count < 0) {
            return Problem{fmt::format("{}: reading at byte {} failed: {}", name_, position_, reason_of(errno))};
        }
        position_ += static_cast<std::uint64_t>(count);
        return static_cast<std::size_t>(count);
    }

    Checked<void> skip(std::uint64_t bytes) override {
        const auto size = size_bytes();
        if (!size || bytes > *size || position_ > *size - bytes) {
            return discard(*this, bytes);
        }
        if (::lseek(fd_, static_cast<off_t>(bytes), SEEK_CUR) < 0) {
            return Problem{fmt::format("{}: seeking failed: {}", name_, reason_of(errno))};
        }
        position_ += bytes;
        return {};
    }

    [[nodiscard]] std::optional<std::uint64_t> size_bytes() const override {
        struct stat status{};
        if (!regular_ || ::fstat(fd_, &status) != 0) {
            return std::nullopt;
        }
        return static_cast<std::uint64_t>(status.st_size);
    }
    [[nodiscard]] Progress progress() const override { return {position_, size_bytes()}; }
    [[nodiscard]] const std::string& name() const override { return name_; }

    /// The first bytes of a regular file; the position stays.
    [[nodiscard]] std::string peek() const {
        std::array<char, kMagicBytes> head{};
        const ssize_t count = ::pread(fd_, head.data(), head.size(), 0);
        return {head.data(), count > 0 ? static_cast<std::size_t>(count) : 0};
    }

  private:
    // Waits for a moment. @return whether a read would not block.
    [[nodiscard]] bool has_something() const {
        pollfd waited{fd_, POLLIN, 0};
        return ::poll(&waited, 1, kIdleMilliseconds) != 0;
    }

    int fd_;
    bool owned_;
    bool regular_;
    std::string name_;
    std::function<bool()> on_idle_;
    std::uint64_t position_ = 0;
};

/// A source with its first bytes put back in front.
class ReplayedSource final : public ByteSource {
  public:
    ReplayedSource(std::string head, std::unique_ptr<ByteSource> rest)
        : head_(std::move(head)), rest_(std::move(rest)) {}

    Checked<std::size_t> read(std::span<char> into) override {
        if (given_ == head_.size()) {
            return rest_->read(into);
        }
        const std::size_t count = std::min(into.size(), head_.size() - given_);
        std::memcpy(into.data(), head_.data() + given_, count);
        given_ += count;
        return count;
    }
    [[nodiscard]] Progress progress() const override { return rest_->progress(); }
    [[nodiscard]] const std::string& name() const override { return rest_->name(); }

  private:
    std::string head_;
    std::size_t given_ = 0;
    std::unique_ptr<ByteSource> rest_;
};

/// Decides at its first read how `raw` is compressed: a pipe can not be looked at before.
class PipeSource final : public ByteSource {
  public:
    explicit PipeSource(std::unique_ptr<ByteSource> raw) : source_(std::move(raw)) {}

    Checked<std::size_t> read(std::span<char> into) override {
        if (!decided_) {
            const auto looked = look();
            if (!looked) {
                return looked.error();
            }
        }
        return source_->read(into);
    }
    [[nodiscard]] Progress progress() const override { return source_->progress(); }
    [[nodiscard]] const std::string& name() const override { return source_->name(); }

  private:
    Checked<void> look() {
        std::string head(kMagicBytes, '\0');
        std::size_t have = 0;
        while (have < head.size()) {
            const auto count = source_->read(std::span(head).subspan(have));
            if (!count) {
                return count.error();
            }
            if (*count == 0) {
                break;
            }
            have += *count;
        }
        head.resize(have);
        const Compression compression = compression_of(head);
        source_ = decompressing(compression, std::make_unique<ReplayedSource>(std::move(head), std::move(source_)));
        decided_ = true;
        return {};
    }

    std::unique_ptr<ByteSource> source_;
    bool decided_ = false;
};

Compression compression_named_by(std::string_view path) {
    if (path.ends_with(".gz")) {
        return Compression::gzip;
    }
    return path.ends_with(".zst") ? Compression::zstd : Compression::none;
}

std::string_view name_of(Compression compression) {
    return compression == Compression::gzip ? "gzip" : "zstd";
}

}  // namespace

Checked<void> ByteSource::skip(std::uint64_t bytes) {
    return discard(*this, bytes);
}

std::unique_ptr<ByteSource> ByteSource::decoding(std::unique_ptr<ByteSource> raw) {
    return std::make_unique<PipeSource>(std::move(raw));
}

Checked<std::unique_ptr<ByteSource>> ByteSource::open(const std::string& path, std::function<bool()> on_idle) {
    const bool is_stdin = path == "-";
    const int fd = is_stdin ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return Problem{fmt::format("{}: can not be opened: {}", path, reason_of(errno))};
    }
    struct stat status{};
    const bool known = ::fstat(fd, &status) == 0;
    const bool regular = known && S_ISREG(status.st_mode) && !is_stdin;
    auto file = std::make_unique<FileSource>(fd, !is_stdin, regular, is_stdin ? "standard input" : path,
                                             std::move(on_idle));
    if (known && S_ISDIR(status.st_mode)) {
        return Problem{fmt::format("{}: is a folder", path)};
    }
    if (!regular) {
        return decoding(std::move(file));
    }
    ::posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    const Compression named = compression_named_by(path);
    const Compression found = compression_of(file->peek());
    if (named != Compression::none && named != found) {
        return Problem{fmt::format("{}: holds no {} data (by its first bytes)", path, name_of(named))};
    }
    return decompressing(found, std::move(file));
}

}  // namespace grit::annotations
