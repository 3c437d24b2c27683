#include "grit/archive/tar.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>

namespace grit::archive {
namespace {

// Fields of a ustar header: offset and length.
constexpr std::size_t kNameBytes = 100;
constexpr std::size_t kSizeAt = 124;
constexpr std::size_t kSizeBytes = 12;
constexpr std::size_t kChecksumAt = 148;
constexpr std::size_t kChecksumBytes = 8;
constexpr std::size_t kTypeAt = 156;
constexpr std::size_t kMagicAt = 257;
constexpr std::size_t kPrefixAt = 345;
constexpr std::size_t kPrefixBytes = 155;
// Eleven octal digits.
constexpr std::uint64_t kPaxFrom = std::uint64_t{8} << 30;
// A pax header of ours is one record; no sane one is longer.
constexpr std::uint64_t kMaxPaxBytes = std::uint64_t{64} << 10;

using Block = std::array<std::byte, kTarBlock>;

la_ssize_t collect(struct ::archive*, void* text, const void* bytes, std::size_t size) {
    static_cast<std::string*>(text)->append(static_cast<const char*>(bytes), size);
    return static_cast<la_ssize_t>(size);
}

std::string_view field(std::span<const std::byte, kTarBlock> block, std::size_t at, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(block.data()) + at, size);
    return bytes.substr(0, std::min(bytes.find('\0'), size));
}

std::uint64_t checksum_of(std::span<const std::byte, kTarBlock> block) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < kTarBlock; ++i) {
        const bool inside = i >= kChecksumAt && i < kChecksumAt + kChecksumBytes;
        sum += inside ? std::uint64_t{' '} : std::to_integer<std::uint64_t>(block[i]);
    }
    return sum;
}

// Octal digits with blanks around, or, where the first bit is set, a big-endian number (GNU's form).
std::optional<std::uint64_t> number_of(std::span<const std::byte, kTarBlock> block, std::size_t at, std::size_t size) {
    std::uint64_t number = 0;
    if ((block[at] & std::byte{0x80}) != std::byte{0}) {
        for (std::size_t i = 1; i < size; ++i) {
            if (number >> 55 != 0) {
                return std::nullopt;
            }
            number = number << 8 | std::to_integer<std::uint64_t>(block[at + i]);
        }
        return number;
    }
    std::string_view digits = field(block, at, size);
    digits.remove_prefix(std::min(digits.find_first_not_of(' '), digits.size()));
    digits = digits.substr(0, digits.find_first_of(' '));
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number, 8);
    return error == std::errc() && end == digits.data() + digits.size() ? std::optional(number) : std::nullopt;
}

bool is_whole(std::span<const std::byte, kTarBlock> block) {
    return number_of(block, kChecksumAt, kChecksumBytes) == checksum_of(block);
}

bool is_of_regular_file(std::span<const std::byte, kTarBlock> block) {
    const auto type = std::to_integer<char>(block[kTypeAt]);
    return type == '0' || type == '\0';
}

std::string name_of(std::span<const std::byte, kTarBlock> block) {
    const std::string_view prefix = field(block, kPrefixAt, kPrefixBytes);
    const std::string_view name = field(block, 0, kNameBytes);
    return field(block, kMagicAt, 5) == "ustar" && !prefix.empty() ? fmt::format("{}/{}", prefix, name) : std::string(name);
}

// The size that a pax header gives the member behind it: "LENGTH size=DIGITS\n" among its records.
std::optional<std::uint64_t> pax_size_of(std::string_view records) {
    std::optional<std::uint64_t> found;
    while (!records.empty()) {
        std::size_t length = 0;
        const auto [blank, error] = std::from_chars(records.data(), records.data() + records.size(), length);
        const auto digits = static_cast<std::size_t>(blank - records.data());
        if (error != std::errc() || length <= digits + 1 || length > records.size()) {
            return found;
        }
        std::string_view record = records.substr(digits + 1, length - digits - 2);
        if (record.starts_with("size=")) {
            record.remove_prefix(5);
            std::uint64_t size = 0;
            if (std::from_chars(record.data(), record.data() + record.size(), size).ec == std::errc()) {
                found = size;
            }
        }
        records.remove_prefix(length);
    }
    return found;
}

class Walk {
  public:
    Walk(FileSystem& system, int descriptor, std::uint64_t limit) : system_(system), descriptor_(descriptor), limit_(limit) {}

    Result<std::uint64_t> run(const std::function<bool(const TarMember&)>& visit) {
        std::uint64_t end = 0;  // of the last whole member
        std::optional<std::uint64_t> size_by_pax;
        for (std::uint64_t at = 0; at + kTarBlock <= limit_;) {
            Block block{};
            if (!read(at, block)) {
                break;
            }
            const auto size = number_of(block, kSizeAt, kSizeBytes);
            if (!size || !is_whole(block)) {
                break;
            }
            const auto type = std::to_integer<char>(block[kTypeAt]);
            const std::uint64_t bytes = type == 'x' ? *size : size_by_pax.value_or(*size);
            const std::uint64_t offset = at + kTarBlock;
            if (bytes > limit_ || tar_padded(bytes) > limit_ - std::min(limit_, offset)) {
                break;
            }
            at = offset + tar_padded(bytes);
            if (type == 'x') {
                size_by_pax = pax_size(offset, bytes);
                continue;
            }
            size_by_pax.reset();
            const bool goes_on = !is_of_regular_file(block) || visit(TarMember{name_of(block), offset, bytes});
            end = at;
            if (!goes_on) {
                break;
            }
        }
        if (error_ != 0) {
            return errc_of_errno(error_);
        }
        return end;
    }

  private:
    // @return false at the file's end, and where it can not be read.
    bool read(std::uint64_t at, std::span<std::byte> bytes) {
        while (!bytes.empty()) {
            std::size_t count = 0;
            error_ = system_.read_at(descriptor_, at, bytes, count);
            if (error_ != 0 || count == 0) {
                return false;
            }
            at += count;
            bytes = bytes.subspan(count);
        }
        return true;
    }
    std::optional<std::uint64_t> pax_size(std::uint64_t offset, std::uint64_t size) {
        std::string records(static_cast<std::size_t>(std::min(size, kMaxPaxBytes)), '\0');
        return read(offset, std::as_writable_bytes(std::span(records))) ? pax_size_of(records) : std::nullopt;
    }

    FileSystem& system_;
    int descriptor_;
    std::uint64_t limit_;
    int error_ = 0;
};

}  // namespace

std::string tar_header(std::string_view name, std::uint64_t size) {
    std::string blocks;
    const auto free_archive = [](struct ::archive* one) { archive_write_free(one); };
    const std::unique_ptr<struct ::archive, decltype(free_archive)> writer(archive_write_new(), free_archive);
    const std::unique_ptr<archive_entry, decltype(&archive_entry_free)> entry(archive_entry_new(), archive_entry_free);
    if (writer == nullptr || entry == nullptr) {
        throw std::bad_alloc();
    }
    // ustar as long as all fits, pax where it does not.
    archive_write_set_format_pax_restricted(writer.get());
    archive_write_set_bytes_per_block(writer.get(), 0);
    archive_entry_set_pathname(entry.get(), std::string(name).c_str());
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), 0644);
    archive_entry_set_mtime(entry.get(), 0, 0);
    if (archive_write_open(writer.get(), &blocks, nullptr, collect, nullptr) != ARCHIVE_OK ||
        archive_write_header(writer.get(), entry.get()) != ARCHIVE_OK) {
        throw std::logic_error("a tar header can not be made");  // no name and size of ours is refused
    }
    const std::size_t length = blocks.size();
    archive_write_fail(writer.get());   // it is to write no member
    archive_write_close(writer.get());  // or it does not let go of its buffers; the end that it writes is cut off
    blocks.resize(length);
    return blocks;
}

bool is_header_of(std::span<const std::byte, kTarBlock> header, const TarMember& member) {
    return is_whole(header) && is_of_regular_file(header) && name_of(header) == member.name &&
           (member.size >= kPaxFrom || number_of(header, kSizeAt, kSizeBytes) == member.size);
}

void erase_tar_header(std::span<std::byte, kTarBlock> header) {
    std::fill_n(header.begin(), kNameBytes, std::byte{0});
    std::fill_n(header.begin() + kPrefixAt, kPrefixBytes, std::byte{0});
    std::memcpy(header.data(), kErasedName.data(), kErasedName.size());
    header[kTypeAt] = std::byte{kErasedType};
    const std::string sum = fmt::format("{:06o}", checksum_of(header));
    std::memcpy(header.data() + kChecksumAt, sum.data(), 6);
    header[kChecksumAt + 6] = std::byte{0};
    header[kChecksumAt + 7] = std::byte{' '};
}

Result<std::uint64_t> for_each_tar_member(FileSystem& system, int descriptor, std::uint64_t limit,
                                          const std::function<bool(const TarMember&)>& visit) {
    return Walk(system, descriptor, limit).run(visit);
}

}  // namespace grit::archive
