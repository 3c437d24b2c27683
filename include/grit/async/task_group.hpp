// Structured concurrency: every background coroutine is counted by a group whose owner stops and joins it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <list>

namespace grit {

/// The children of one owner.
///
/// Invariant: a group outlives its children: the owner calls `stop()` and awaits `join()` before it destroys the group
/// (a debug build asserts it).
/// A child that ends by cancellation ends well. Any other exception out of a child is a bug: it leaves
/// `io_context::run()`, and so ends the process, rather than being lost.
/// Threads: the io_context's one thread only.
class TaskGroup {
  public:
    explicit TaskGroup(boost::asio::io_context& context);
    ~TaskGroup();
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;

    /// Starts a child, in the loop's next turn. After `stop()` the task is destroyed unstarted.
    /// @param task  has its arguments by value, or refers to what outlives the group; never a capturing lambda.
    void spawn(boost::asio::awaitable<void> task);

    /// Asks every child to end (terminal cancellation) and refuses new ones. Idempotent.
    void stop();

    /// Resumes when no child is left. May be awaited by several at once.
    [[nodiscard]] boost::asio::awaitable<void> join();

    [[nodiscard]] std::size_t size() const noexcept { return children_.size(); }
    [[nodiscard]] bool stopping() const noexcept { return stopping_; }

  private:
    struct Child {
        boost::asio::cancellation_signal cancellation;
        bool begun = false;  // its task, which is first posted to the loop
    };
    boost::asio::awaitable<void> begin(boost::asio::awaitable<void> task, Child& child);
    void finished(std::list<Child>::iterator child);

    boost::asio::io_context& context_;
    std::list<Child> children_;
    boost::asio::steady_timer empty_;
    bool stopping_ = false;
};

}  // namespace grit
