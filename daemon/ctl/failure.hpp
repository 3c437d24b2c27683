// How a command of gritctl ends.
#pragma once

#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>

namespace grit::ctl {

/// The contract of exit codes (docs/admin_api.md).
enum class ExitCode : int {
    ok = 0,
    failed = 1,
    usage = 2,
    not_running = 3,
    not_found = 4,
    not_permitted = 5,
};

/// Why a command failed: what and where, and what to do about it (may be empty).
struct Failure {
    ExitCode code = ExitCode::failed;
    std::string what;
    std::string hint;
};

template <class T>
using Fallible = boost::system::result<T, Failure>;

}  // namespace grit::ctl

namespace boost::system {
[[noreturn]] inline void throw_exception_from_error(const grit::ctl::Failure& failure, const boost::source_location&) {
    throw std::runtime_error(failure.what);
}
}  // namespace boost::system
