#include "compress.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "grit/base/file_descriptor.hpp"

namespace grit::journal {
namespace {

constexpr std::size_t kPiece = std::size_t{256} << 10;
// Half a second per 64 MiB of lines, on a thread that nobody waits for.
constexpr int kLevel = 6;
constexpr mode_t kMode = 0640;

ErrorCode system_error(int number) { return ErrorCode(number, boost::system::generic_category()); }

// @return bytes read, 0 at the end, below 0 with errno.
ssize_t read_some(int descriptor, char* to, std::size_t most) {
    ssize_t got = ::read(descriptor, to, most);
    while (got < 0 && errno == EINTR) {
        got = ::read(descriptor, to, most);
    }
    return got;
}

using Compressor = std::unique_ptr<ZSTD_CCtx, decltype([](ZSTD_CCtx* context) { ZSTD_freeCCtx(context); })>;
using Decompressor = std::unique_ptr<ZSTD_DCtx, decltype([](ZSTD_DCtx* context) { ZSTD_freeDCtx(context); })>;

}  // namespace

Result<std::uint64_t> compress_file(const std::string& from, std::uint64_t bytes, const std::string& to) {
    const FileDescriptor source(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
    if (source.get() < 0) {
        return system_error(errno);
    }
    const FileDescriptor target(::open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kMode));
    if (target.get() < 0) {
        return system_error(errno);
    }
    const Compressor context(ZSTD_createCCtx());
    if (!context) {
        return system_error(ENOMEM);
    }
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kLevel);
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
    ZSTD_CCtx_setPledgedSrcSize(context.get(), bytes);
    std::vector<char> in(kPiece);
    std::vector<char> out(ZSTD_CStreamOutSize());
    std::uint64_t written = 0;
    for (std::uint64_t left = bytes; ;) {
        const ssize_t got = left == 0 ? 0 : read_some(source.get(), in.data(), std::min<std::uint64_t>(left, in.size()));
        if (got < 0 || (got == 0 && left > 0)) {
            return system_error(got < 0 ? errno : ENODATA);
        }
        left -= static_cast<std::uint64_t>(got);
        ZSTD_inBuffer input{in.data(), static_cast<std::size_t>(got), 0};
        const ZSTD_EndDirective how = left == 0 ? ZSTD_e_end : ZSTD_e_continue;
        std::size_t pending = 1;
        while (pending != 0) {
            ZSTD_outBuffer output{out.data(), out.size(), 0};
            pending = ZSTD_compressStream2(context.get(), &output, &input, how);
            if (ZSTD_isError(pending) != 0) {
                return system_error(ENOMEM);
            }
            std::string_view piece(out.data(), output.pos);
            if (const int error = write_all(target.get(), piece); error != 0) {
                return system_error(error);
            }
            written += output.pos;
            pending = how == ZSTD_e_end ? pending : input.size - input.pos;
        }
        if (left == 0) {
            break;
        }
    }
    return ::fsync(target.get()) == 0 ? Result<std::uint64_t>(written) : Result<std::uint64_t>(system_error(errno));
}

std::optional<std::uint64_t> content_bytes(const std::string& path) {
    constexpr std::size_t kLongestFrameHeader = 18;  // RFC 8878, 3.1.1.1
    const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, kLongestFrameHeader> head{};
    const ssize_t got = file.get() < 0 ? -1 : read_some(file.get(), head.data(), head.size());
    const auto size = got > 0 ? ZSTD_getFrameContentSize(head.data(), static_cast<std::size_t>(got)) : ZSTD_CONTENTSIZE_ERROR;
    return size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN ? std::nullopt : std::optional<std::uint64_t>(size);
}

Checked<void> read_file(const std::string& path, bool compressed, const std::function<bool(std::string_view)>& take) {
    const FileDescriptor source(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    const auto unreadable = [&] { return Problem{fmt::format("{} can not be read: {}", path, std::strerror(errno))}; };
    if (source.get() < 0) {
        return unreadable();
    }
    const Decompressor context(ZSTD_createDCtx());
    std::vector<char> in(kPiece);
    std::vector<char> out(kPiece);
    std::size_t expected = compressed ? 1 : 0;  // 0: a frame has ended just here
    while (true) {
        const ssize_t got = read_some(source.get(), in.data(), in.size());
        if (got < 0) {
            return unreadable();
        }
        if (got == 0) {
            return expected == 0 ? Checked<void>() : Problem{path + " is cut short"};
        }
        if (!compressed) {
            if (!take({in.data(), static_cast<std::size_t>(got)})) {
                return {};
            }
            continue;
        }
        ZSTD_inBuffer input{in.data(), static_cast<std::size_t>(got), 0};
        bool more = true;
        while (more) {
            ZSTD_outBuffer output{out.data(), out.size(), 0};
            expected = ZSTD_decompressStream(context.get(), &output, &input);
            if (ZSTD_isError(expected) != 0) {
                return Problem{fmt::format("{} is damaged: {}", path, ZSTD_getErrorName(expected))};
            }
            if (output.pos > 0 && !take({out.data(), output.pos})) {
                return {};
            }
            more = input.pos < input.size || (output.pos == output.size && expected != 0);
        }
    }
}

}  // namespace grit::journal
