// What may go wrong with the outcome journal.
#pragma once

#include <type_traits>

#include "grit/base/outcome.hpp"
#include "grit/base/result.hpp"

namespace grit::journal {

enum class Errc {
    success = 0,
    disk_full,  ///< ENOSPC, EDQUOT, EFBIG.
    io,         ///< The disk failed, refused a sync, or is read-only.
};

[[nodiscard]] const boost::system::error_category& journal_category() noexcept;
[[nodiscard]] ErrorCode make_error_code(Errc error) noexcept;

/// The error for an errno value; success for 0.
[[nodiscard]] Errc errc_of_errno(int error) noexcept;

/// Of what a transaction that writes the journal may give, too: `disk_full`, and `store_error` for everything else.
[[nodiscard]] Outcome outcome_of(const ErrorCode& error) noexcept;

}  // namespace grit::journal

template <>
struct boost::system::is_error_code_enum<grit::journal::Errc> : std::true_type {};
