// What a killed process, a second process and a full disk leave behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <functional>

#include "grit/store/codec.hpp"
#include "grit/store/lock.hpp"
#include "temp_state.hpp"

namespace grit::store {
namespace {

using test::State;
using test::TempFolder;

std::string row_key(std::uint32_t n) {
    return Encoder().be32(n).take();
}

// A forked process that runs `body` and never comes back; killed by the destructor.
class Child {
  public:
    explicit Child(const std::function<void(int pipe)>& body) {
        std::array<int, 2> ends{};
        EXPECT_EQ(pipe(ends.data()), 0);
        pid_ = fork();
        if (pid_ == 0) {
            close(ends[0]);
            body(ends[1]);
            _exit(0);
        }
        close(ends[1]);
        read_end_ = ends[0];
    }
    ~Child() {
        kill();
        close(read_end_);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    void kill() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            waitpid(pid_, nullptr, 0);
            pid_ = -1;
        }
    }
    /// The next number the child sent; -1 at the end.
    std::int64_t receive() const {
        std::uint32_t number = 0;
        return read(read_end_, &number, sizeof number) == sizeof number ? std::int64_t{number} : -1;
    }
    [[nodiscard]] pid_t pid() const { return pid_; }

  private:
    pid_t pid_ = -1;
    int read_end_ = -1;
};

void send(int pipe, std::uint32_t number) {
    if (write(pipe, &number, sizeof number) != sizeof number) {
        _exit(1);
    }
}

// Commits row after row, in two tables each, and sends the number of each that is durable.
void write_for_ever(const std::filesystem::path& dir, int pipe) {
    const State state(dir, {.initial_map_bytes = 1 << 20});
    for (auto n = static_cast<std::uint32_t>(state.count(Table::hosts));; ++n) {
        const auto result = state.write([&](WriteTxn& txn) -> Result<void> {
            if (auto put = txn.put(Table::hosts, row_key(n), std::string(3'000, 'h')); !put) {
                return put;
            }
            return txn.put(Table::inputs, row_key(n * 2654435761U), "i");
        });
        if (!result) {
            _exit(1);
        }
        send(pipe, n);
    }
}

TEST(Crash, KilledInMidCommitKeepsAllThatWasAcknowledged) {
    const TempFolder temp;
    std::int64_t acknowledged = -1;
    for (const int commits : {1, 3, 10, 25, 26, 60}) {
        Child child([&](int pipe) { write_for_ever(temp.path(), pipe); });
        for (int i = 0; i < commits; ++i) {
            acknowledged = child.receive();
            ASSERT_GE(acknowledged, 0);
        }
        child.kill();
        for (std::int64_t late = child.receive(); late >= 0; late = child.receive()) {
            acknowledged = late;
        }
        const State state(temp.path());
        const std::uint64_t rows = state.count(Table::hosts);
        EXPECT_GE(rows, static_cast<std::uint64_t>(acknowledged) + 1);
        EXPECT_LE(rows, static_cast<std::uint64_t>(acknowledged) + 2) << "at most the one in flight";
        EXPECT_EQ(state.count(Table::inputs), rows) << "a transaction is whole or not there";
        for (std::uint32_t n = 0; n < rows; ++n) {
            ASSERT_EQ(state.get(Table::hosts, row_key(n)).size(), 3'000U) << n;
        }
    }
}

TEST(Crash, LockOfAKilledProcessIsFree) {
    const TempFolder temp;
    Child child([&](int pipe) {
        const auto lock = StateLock::acquire(temp.path());
        send(pipe, lock ? 1 : 0);
        pause();
    });
    ASSERT_EQ(child.receive(), 1);
    const auto refused = StateLock::acquire(temp.path());
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().what, testing::HasSubstr("process " + std::to_string(child.pid())));
    child.kill();
    EXPECT_TRUE(StateLock::acquire(temp.path()));
}

TEST(Crash, ReaderOfAKilledProcessDoesNotPinPages) {
    const TempFolder temp;
    const State state(temp.path());
    state.put(Table::content, "k", std::string(1'000, 'v'));
    std::array<int, 2> go{};
    ASSERT_EQ(pipe(go.data()), 0);
    // LMDB forbids using an environment over a fork: the child opens its own.
    Child child([&](int pipe) {
        char byte = 0;
        if (read(go[0], &byte, 1) != 1) {
            _exit(1);
        }
        const auto env = Env::open(temp.path(), {.read_only = true}).value();
        const ReadTxn txn = env->read().value();
        send(pipe, 1);
        pause();
    });
    ASSERT_EQ(write(go[1], "x", 1), 1);
    ASSERT_EQ(child.receive(), 1);
    child.kill();
    close(go[0]);
    close(go[1]);
    // The 256th commit looks for dead readers; from then on freed pages are used again.
    for (int i = 0; i < 300; ++i) {
        state.put(Table::content, "k", std::string(1'000, static_cast<char>('a' + i % 26)));
    }
    const std::uint64_t used = state.env->stats().used_bytes;
    for (int i = 0; i < 100; ++i) {
        state.put(Table::content, "k", std::string(1'000, static_cast<char>('a' + i % 26)));
    }
    EXPECT_EQ(state.env->stats().used_bytes, used);
}

// RLIMIT_FSIZE stands in for a full disk: write(2) takes a part, then fails.
TEST(Crash, FullDiskIsAnErrorAndTheSameTransactionWorksLater) {
    const TempFolder temp;
    const State state(temp.path());
    state.put(Table::content, "before", "kept");
    std::signal(SIGXFSZ, SIG_IGN);  // NOLINT(concurrency-mt-unsafe)
    rlimit whole{};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &whole), 0);
    const auto body = [](WriteTxn& txn) { return txn.put(Table::content, "large", std::string(4 << 20, 'v')); };
    for (const rlim_t room : {rlim_t{0}, rlim_t{4096}, rlim_t{100'000}, rlim_t{1'000'000}}) {
        rlimit tight = whole;
        tight.rlim_cur = state.env->stats().file_bytes + room;
        ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
        const Result<void> failed = state.write(body);
        ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &whole), 0);
        ASSERT_FALSE(failed) << room;
        EXPECT_EQ(disposition_of(outcome_of(failed.error())), Disposition::own_fault);
        EXPECT_EQ(state.get(Table::content, "before"), "kept");
        EXPECT_EQ(state.get(Table::content, "large"), "(none)");
    }
    EXPECT_TRUE(state.write(body));
    EXPECT_EQ(state.get(Table::content, "large").size(), 4U << 20);
}

}  // namespace
}  // namespace grit::store
