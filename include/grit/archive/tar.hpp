// The tar files of the layout `webdataset`, byte by byte: POSIX ustar, with pax headers where a number does not fit.
//
// A member is a header of one block (512 bytes; before it two or more blocks of a pax header if it is 8 GiB or larger),
// then its bytes, filled up with zeros to a whole block. Owner and time are 0 in all of them, so that the same bytes
// give the same archive. Two blocks of zeros end it; a reader also takes the end of the file for one.
// Source: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Interchange Format".
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "grit/archive/error.hpp"
#include "grit/archive/file_system.hpp"

namespace grit::archive {

inline constexpr std::size_t kTarBlock = 512;
/// What ends an archive.
inline constexpr std::size_t kTarEndBytes = 2 * kTarBlock;
/// The name and type of what once was a member. No reader of WebDataset samples looks at it: the type is none of a
/// regular file, and a name between two underscores is metadata to them.
inline constexpr std::string_view kErasedName = "__erased__";
inline constexpr char kErasedType = 'Z';

/// A size filled up to whole blocks.
[[nodiscard]] constexpr std::uint64_t tar_padded(std::uint64_t size) noexcept {
    return (size + kTarBlock - 1) / kTarBlock * kTarBlock;
}

/// The blocks before a member's bytes.
[[nodiscard]] std::string tar_header(std::string_view name, std::uint64_t size);

/// Turns the last block of a member's header into one that readers pass over, bytes and all.
void erase_tar_header(std::span<std::byte, kTarBlock> header);

/// One member that is a regular file.
struct TarMember {
    std::string name;
    std::uint64_t offset = 0;  ///< Of its bytes; the block before it is its header.
    std::uint64_t size = 0;
};

/// Whether the block before a member's bytes says what it has to, whoever wrote it. (A size of 8 GiB or more is in the pax header
/// before it, which is not looked at.)
[[nodiscard]] bool is_header_of(std::span<const std::byte, kTarBlock> header, const TarMember& member);

/// Visits the regular files of an archive, in its order, until `visit` gives false, the archive's end, or the first
/// byte that is not a whole member's. Erased members and those of other types are passed over.
/// @param limit  the archive ends there, whatever follows.
/// @return where the last whole member ends. Errors: io. Any bytes do no harm.
[[nodiscard]] Result<std::uint64_t> for_each_tar_member(FileSystem& system, int descriptor, std::uint64_t limit,
                                                        const std::function<bool(const TarMember&)>& visit);

}  // namespace grit::archive
