// Blocking work on other threads, awaited from a shard.
#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace grit {

namespace detail {

// The initiation as a named type: a capturing lambda in a statement with co_await is one of the shapes that compilers
// have destroyed twice.
template <class Result, class Function>
struct OffloadInitiation {
    boost::asio::thread_pool& pool;
    Function function;

    template <class Handler>
    void operator()(Handler&& handler) {
        auto executor = boost::asio::get_associated_executor(handler);
        auto work = boost::asio::make_work_guard(executor);
        boost::asio::post(pool, [work = std::move(work), executor, function = std::move(function),
                                 handler = std::forward<Handler>(handler)]() mutable {
            Result result = function();
            boost::asio::post(executor, [handler = std::move(handler), result = std::move(result)]() mutable {
                std::move(handler)(std::move(result));
            });
            work.reset();
        });
    }
};

}  // namespace detail

/// Runs `function` on `pool` and resumes the caller on its own thread with what it returned.
///
/// Not cancellable: the caller is resumed only after the function has run, so that it may refer to the caller's frame.
/// @tparam Result  default-constructible and movable.
/// @param function  a named callable, moved in.
template <class Result, class Function>
[[nodiscard]] boost::asio::awaitable<Result> offload(boost::asio::thread_pool& pool, Function function) {
    detail::OffloadInitiation<Result, Function> initiation{pool, std::move(function)};
    Result result =
        co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(Result)>(std::move(initiation), boost::asio::use_awaitable);
    co_return result;
}

}  // namespace grit
