// The one thread that writes.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "grit/base/clock.hpp"
#include "grit/store/env.hpp"

namespace grit::store {

class Writer;

/// What a job may do on the writer's thread.
class WriteSession {
  public:
    /// Runs `body` in one transaction and makes it durable. If `body` returns an error nothing is written.
    ///
    /// `body` must be repeatable: a full map aborts the transaction, grows the map and runs it again from the start.
    /// @return what body returned, or the error of the commit: disk_full, io, map_full (no address space), closed.
    [[nodiscard]] Result<void> transact(const std::function<Result<void>(WriteTxn&)>& body) {
        return env_.transact(body);
    }
    /// For what a job has to read around its transactions.
    [[nodiscard]] Env& env() noexcept { return env_; }
    /// By a job that waits for a disk which is at work: the watchdog takes it for alive, as if it had just begun.
    void note_turn();

  private:
    friend class Writer;
    WriteSession(Env& env, Writer& writer) noexcept : env_(env), writer_(writer) {}
    Env& env_;
    Writer& writer_;
};

/// Something to be done on the writer's thread: it may sync the images first, then transact, then tell its owner.
struct WriteJob {
    virtual ~WriteJob() = default;
    virtual void run(WriteSession& session) = 0;
};

/// Runs jobs one by one, in the order they were submitted, on a thread of its own.
///
/// Threads: all functions from any thread; `drain` and `transact` not from a job (they would wait for themselves).
/// Lifetime: env and clock must outlive it. The destructor runs what was submitted, then joins.
class Writer {
  public:
    Writer(Env& env, const Clock& clock);
    ~Writer();
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    /// Never blocks. The job is destroyed on the writer's thread after it has run.
    void submit(std::unique_ptr<WriteJob> job);

    /// Runs one transaction and waits for it: for start-up and tools, never on a shard thread.
    [[nodiscard]] Result<void> transact(const std::function<Result<void>(WriteTxn&)>& body);

    /// Blocks until every job submitted before the call has run and is destroyed.
    void drain();

    /// Jobs submitted and not done yet, the running one included.
    [[nodiscard]] std::size_t backlog() const;

    /// For the watchdog: when the running job was begun, or last said that it goes on; now, if there is nothing to do.
    [[nodiscard]] SteadyTime heartbeat() const;

  private:
    friend class WriteSession;
    void work();

    Env& env_;
    const Clock& clock_;
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::condition_variable done_;
    std::deque<std::unique_ptr<WriteJob>> jobs_;
    std::uint64_t submitted_ = 0;
    std::uint64_t finished_ = 0;
    SteadyTime turn_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace grit::store
