// Holds a state open and goes on writing url_to_path until its input ends: the daemon's part of python_reader_test.py.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cstdio>

#include "grit/base/clock.hpp"
#include "grit/store/tables.hpp"
#include "grit/store/writer.hpp"

int main(int argc, char** argv) {
    using namespace grit::store;
    if (argc != 2) {
        return 64;
    }
    const auto env = Env::open(argv[1]);
    if (!env) {
        fmt::print(stderr, "{}\n", env.error().what);
        return 74;
    }
    const grit::SystemClock clock;
    Writer writer(**env, clock);
    std::uint64_t n = 0;
    pollfd input{STDIN_FILENO, POLLIN, 0};
    while (poll(&input, 1, 0) == 0) {
        const auto written = writer.transact([&](WriteTxn& txn) -> grit::Result<void> {
            for (std::uint64_t i = n; i < n + 500; ++i) {
                const std::string tail = i % 100 == 0 ? std::string(600, 'x') : std::string();
                const auto put = put_url_to_path(txn, fmt::format("http://example.org/{}{}.jpg", i, tail),
                                                 fmt::format("{:05}/{:09}.jpg", i / 10'000, i));
                if (!put) {
                    return put;
                }
            }
            return {};
        });
        if (!written) {
            fmt::print(stderr, "{}\n", written.error().message());
            return 74;
        }
        n += 500;
        fmt::print("{}\n", n);
        std::fflush(stdout);
    }
    return 0;
}
