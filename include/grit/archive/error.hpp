// What may go wrong with images on disk.
#pragma once

#include <type_traits>

#include "grit/base/outcome.hpp"
#include "grit/base/result.hpp"

namespace grit::archive {

enum class Errc {
    success = 0,
    disk_full,           ///< ENOSPC, EDQUOT, EFBIG.
    read_only,           ///< EROFS, EACCES, EPERM: the volume or a folder can not be written.
    io,                  ///< The disk failed, or bytes were given up by a failed sync.
    out_of_descriptors,  ///< EMFILE, ENFILE.
    vanished,            ///< A file or folder of ours is not there any more.
    bad_header,          ///< In a shard: readers that go by the headers do not come by the image.
    volume_out,          ///< Its volume is not in use (volumes.hpp).
    bad_path,            ///< Not a path inside the root: absolute, with "..", or one of our own folder.
};

[[nodiscard]] const boost::system::error_category& archive_category() noexcept;
[[nodiscard]] ErrorCode make_error_code(Errc error) noexcept;

/// The error for an errno value; success for 0.
[[nodiscard]] Errc errc_of_errno(int error) noexcept;

/// `disk_full`, `out_of_descriptors`, and `store_error` for everything else: always our own fault.
[[nodiscard]] Outcome outcome_of(const ErrorCode& error) noexcept;

}  // namespace grit::archive

template <>
struct boost::system::is_error_code_enum<grit::archive::Errc> : std::true_type {};
