#include "tar_shard.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <utility>

#include "grit/media/digest.hpp"

namespace grit::archive {
namespace {

constexpr mode_t kFileMode = 0640;
constexpr std::size_t kBufferBytes = std::size_t{1} << 20;
constexpr std::size_t kPieceBytes = std::size_t{256} << 10;
constexpr std::array<std::byte, kTarEndBytes> kEnd{};

using Header = std::array<std::byte, kTarBlock>;

std::span<const std::byte> bytes_of_text(std::string_view text) {
    return std::as_bytes(std::span(text));
}

int write_all(FileSystem& system, int descriptor, std::uint64_t at, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        std::size_t written = 0;
        if (const int error = system.write_at(descriptor, at, bytes, written); error != 0) {
            return error;
        }
        if (written == 0) {
            return EIO;  // a regular file never takes nothing: better an error than a loop
        }
        at += written;
        bytes = bytes.subspan(written);
    }
    return 0;
}

int read_header(FileSystem& system, int descriptor, const TarMember& member, Header& header) {
    std::size_t count = 0;
    const int error = system.read_at(descriptor, member.offset - kTarBlock, header, count);
    return error == 0 && count != kTarBlock ? EIO : error;
}

}  // namespace

std::string shard_index_name(std::uint32_t shard) {
    return folder_name(shard) + ".idx";
}

std::optional<std::uint32_t> shard_of_file(std::string_view name) {
    return name.ends_with(".idx") ? number_of_folder(name.substr(0, name.size() - 4)) : number_of_tar(name);
}

std::string sample_key(Ordinal ordinal, unsigned copy) {
    return copy == 1 ? fmt::format("{:09}", ordinal) : fmt::format("{:09}-{}", ordinal, copy);
}

TarShard::~TarShard() {
    if (descriptor_ >= 0) {
        depot_.system().close(descriptor_);
    }
}

int TarShard::create() {
    const std::string file = depot_.file_of(shard_file_name(number_)).value();
    const int error = depot_.system().create(file, kFileMode, descriptor_);
    if (error != 0) {
        descriptor_ = -1;
    }
    return error;
}

int TarShard::open(std::uint64_t bytes, std::uint32_t samples, std::uint64_t& cut) {
    const std::string file = depot_.file_of(shard_file_name(number_)).value();
    std::uint64_t size = 0;
    if (const int error = depot_.system().size_of(file, size); error != 0) {
        return error;
    }
    if (size < bytes) {
        return ENODATA;
    }
    if (const int error = depot_.system().open_file(file, true, descriptor_); error != 0) {
        descriptor_ = -1;
        return error;
    }
    cut = size - bytes;
    if (const int error = cut_back(bytes, samples); error != 0) {
        return error;
    }
    return read_index();
}

int TarShard::read_index() {
    index_.clear();
    const auto end = for_each_tar_member(depot_.system(), descriptor_, bytes_, [this](const TarMember& member) {
        index_.add(member);
        return true;
    });
    if (!end) {
        return end.error() == Errc::io ? kUnreadable : EIO;
    }
    return *end == bytes_ ? 0 : ENODATA;
}

std::uint64_t TarShard::bytes_of(const Arrival& arrival) {
    constexpr std::uint64_t kNoPaxBelow = std::uint64_t{8} << 30;  // eleven octal digits
    std::uint64_t bytes = kTarBlock + tar_padded(arrival.size) + (arrival.size < kNoPaxBelow ? 0 : 2 * kTarBlock);
    for (const Companion& companion : arrival.companions) {
        bytes += kTarBlock + tar_padded(companion.bytes.size());
    }
    return bytes;
}

int TarShard::append(const Arrival& arrival, const std::string& key) {
    int error = put_member(fmt::format("{}.{}", key, arrival.extension), arrival.size);
    error = error != 0 ? error : copy(arrival);
    error = error != 0 ? error : put_padding(arrival.size);
    for (const Companion& companion : arrival.companions) {
        error = error != 0 ? error : put_member(fmt::format("{}.{}", key, companion.extension), companion.bytes.size());
        error = error != 0 ? error : put(bytes_of_text(companion.bytes));
        error = error != 0 ? error : put_padding(companion.bytes.size());
    }
    samples_ += error == 0 ? 1 : 0;
    return error;
}

int TarShard::put_member(const std::string& name, std::uint64_t size) {
    if (const int error = put(bytes_of_text(tar_header(name, size))); error != 0) {
        return error;
    }
    index_.add(TarMember{name, bytes_, size});
    return 0;
}

int TarShard::put_padding(std::uint64_t size) {
    return put(std::span(kEnd).first(static_cast<std::size_t>(tar_padded(size) - size)));
}

// The digest is looked at on the way, where it is a file: temporaries are not synced in this layout, and what the disk made of one in
// between must not get a record.
int TarShard::copy(const Arrival& arrival) {
    if (const auto held = depot_.held(arrival.temp_name)) {
        return held->size() == arrival.size ? put(*held) : EBADMSG;
    }
    const auto file = depot_.temporary_file(arrival.temp_name);
    int descriptor = -1;
    if (!file) {
        return EINVAL;
    }
    if (const int error = depot_.system().open_file(*file, false, descriptor); error != 0) {
        return error;
    }
    media::Digest digest;
    std::vector<std::byte> piece(static_cast<std::size_t>(std::min<std::uint64_t>(arrival.size + 1, kPieceBytes)));
    std::uint64_t at = 0;
    int error = 0;
    for (std::size_t count = 1; error == 0 && count > 0;) {
        error = depot_.system().read_at(descriptor, at, piece, count);
        const auto bytes = std::span(piece).first(count);
        if (error == 0 && count > 0) {
            digest.update(bytes);
            at += count;
            error = at > arrival.size ? EBADMSG : put(bytes);
        }
    }
    depot_.system().close(descriptor);
    if (error == 0 && (at != arrival.size || digest.finish() != arrival.sha256)) {
        error = EBADMSG;
    }
    return error;
}

int TarShard::put(std::span<const std::byte> bytes) {
    bytes_ += bytes.size();
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    return buffer_.size() >= kBufferBytes ? flush() : 0;
}

int TarShard::flush() {
    const int error = write_all(depot_.system(), descriptor_, written_, buffer_);
    if (error == 0) {
        written_ += buffer_.size();
        buffer_.clear();
    }
    return error;
}

int TarShard::sync() {
    return depot_.system().sync_data(descriptor_);
}

int TarShard::cut_back(std::uint64_t bytes, std::uint32_t samples) {
    buffer_.clear();
    if (const int error = depot_.system().truncate(descriptor_, bytes); error != 0) {
        return error;
    }
    bytes_ = written_ = bytes;
    samples_ = samples;
    index_.cut(bytes);
    return 0;
}

int TarShard::seal() {
    return put(kEnd);
}

int TarShard::write_end() {
    const int error = flush();
    return error != 0 ? error : write_all(depot_.system(), descriptor_, bytes_, kEnd);
}

int blank_members(FileSystem& system, int descriptor, const std::vector<TarMember>& members) {
    const std::vector<std::byte> zeros(kPieceBytes);
    for (const TarMember& member : members) {
        for (std::uint64_t done = 0; done < member.size;) {
            const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(zeros.size(), member.size - done));
            if (const int error = write_all(system, descriptor, member.offset + done, std::span(zeros).first(size)); error != 0) {
                return error;
            }
            done += size;
        }
    }
    return 0;
}

int check_headers(FileSystem& system, int descriptor, const std::vector<TarMember>& members) {
    for (const TarMember& member : members) {
        Header header{};
        if (const int error = read_header(system, descriptor, member, header); error != 0) {
            return error;
        }
        if (!is_header_of(header, member)) {
            return EBADMSG;
        }
    }
    return 0;
}

int erase_members(FileSystem& system, int descriptor, const std::vector<TarMember>& members) {
    for (auto member = members.rbegin(); member != members.rend(); ++member) {
        Header header{};
        if (const int error = read_header(system, descriptor, *member, header); error != 0) {
            return error;
        }
        if (!is_header_of(header, *member)) {
            const std::string anew = tar_header(member->name, member->size);
            std::ranges::copy(bytes_of_text(anew).last<kTarBlock>(), header.begin());
        }
        erase_tar_header(header);
        if (const int error = write_all(system, descriptor, member->offset - kTarBlock, header); error != 0) {
            return error;
        }
    }
    return 0;
}

int end_archive(FileSystem& system, const std::string& file, std::uint64_t at) {
    int descriptor = -1;
    if (const int error = system.open_file(file, true, descriptor); error != 0) {
        return error;
    }
    int error = system.truncate(descriptor, at);
    error = error != 0 ? error : write_all(system, descriptor, at, kEnd);
    error = error != 0 ? error : system.sync_data(descriptor);
    system.close(descriptor);
    return error;
}

}  // namespace grit::archive
