// Errors are values: how every module returns them.
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

#include <stdexcept>
#include <string>

namespace grit {

using ErrorCode = boost::system::error_code;

/// A value, or the error that took its place. `*r` on an error is a bug (asserts); `value()` throws and is for
/// start-up and tests.
template <class T>
using Result = boost::system::result<T>;

/// An error for a person: what went wrong, where, and what to do about it. Used where the reader is an operator
/// (config, start-up, exports) rather than a policy.
struct Problem {
    std::string what;
};

/// What `value()` of a Checked does with a problem. In this namespace, where argument-dependent lookup finds it.
[[noreturn]] inline void throw_exception_from_error(const Problem& problem, const boost::source_location&) {
    throw std::runtime_error(problem.what);
}

/// A value, or a problem to be shown.
template <class T>
using Checked = boost::system::result<T, Problem>;

}  // namespace grit
