// How many names a shard's resolver looks up per second when each answer takes its time.
//
// A name server on loopback answers every A query with one address and every AAAA query with none, each `--delay-ms`
// after it came. All names are different, and asked about at once: the resolver's own bound of queries in the air is
// what is measured. One JSON line: lookups per second of wall time and of the resolver's CPU time, and failures.
#include <sys/socket.h>
#include <time.h>

#include <CLI/CLI.hpp>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "grit/base/clock.hpp"
#include "grit/metrics/metrics.hpp"
#include "grit/net/resolver.hpp"

namespace {

namespace asio = boost::asio;
using asio::ip::udp;
using grit::Milliseconds;

// Answers late, in the order of the questions.
class LateNameServer {
  public:
    explicit LateNameServer(Milliseconds delay)
        : delay_(delay), socket_(io_, udp::endpoint(asio::ip::address_v4::loopback(), 0)), timer_(io_) {
        socket_.non_blocking(true);
        socket_.set_option(asio::socket_base::receive_buffer_size(4 << 20));
        wait_for_questions();
        wait_for_answers();
        thread_ = std::thread([this] { io_.run(); });
    }
    ~LateNameServer() {
        io_.stop();
        thread_.join();
    }
    LateNameServer(const LateNameServer&) = delete;
    LateNameServer& operator=(const LateNameServer&) = delete;

    [[nodiscard]] std::string address() const {
        return "127.0.0.1:" + std::to_string(socket_.local_endpoint().port());
    }

  private:
    struct Answer {
        std::chrono::steady_clock::time_point due;
        std::vector<std::uint8_t> bytes;
        udp::endpoint to;
    };

    void wait_for_questions() {
        socket_.async_wait(udp::socket::wait_read, [this](const boost::system::error_code& error) {
            if (!error) {
                take_questions();
                wait_for_questions();
            }
        });
    }

    void take_questions() {
        std::array<std::uint8_t, 512> question{};
        udp::endpoint from;
        boost::system::error_code error;
        while (const std::size_t size = socket_.receive_from(asio::buffer(question), from, 0, error)) {
            if (size > 16) {
                answers_.push_back(Answer{std::chrono::steady_clock::now() + delay_, answer_to(question, size), from});
            }
        }
    }

    // RFC 1035 section 4.1: the question again, and one A record for it if it was for one.
    static std::vector<std::uint8_t> answer_to(const std::array<std::uint8_t, 512>& question, std::size_t size) {
        std::size_t end = 12;
        while (end < size && question[end] != 0) {
            end += question[end] + 1U;
        }
        end = std::min(end + 5, size);
        const bool wants_v4 = question[end - 3] == 1;
        std::vector<std::uint8_t> answer(question.begin(), question.begin() + static_cast<std::ptrdiff_t>(end));
        answer[2] = 0x81;
        answer[3] = 0x80;
        answer[7] = wants_v4 ? 1 : 0;
        answer[11] = 0;
        if (wants_v4) {
            constexpr std::array<std::uint8_t, 16> kRecord{0xC0, 12, 0, 1, 0, 1, 0, 0, 14, 16, 0, 4, 192, 0, 2, 1};
            answer.insert(answer.end(), kRecord.begin(), kRecord.end());
        }
        return answer;
    }

    void wait_for_answers() {
        timer_.expires_after(Milliseconds(1));
        timer_.async_wait([this](const boost::system::error_code& error) {
            if (error) {
                return;
            }
            const auto now = std::chrono::steady_clock::now();
            while (!answers_.empty() && answers_.front().due <= now) {
                boost::system::error_code ignored;
                socket_.send_to(asio::buffer(answers_.front().bytes), answers_.front().to, 0, ignored);
                answers_.pop_front();
            }
            wait_for_answers();
        });
    }

    Milliseconds delay_;
    asio::io_context io_{1};
    udp::socket socket_;
    asio::steady_timer timer_;
    std::deque<Answer> answers_;
    std::thread thread_;
};

struct Tally {
    std::size_t found = 0;
    std::size_t failed = 0;
};

asio::awaitable<void> look_up(grit::net::Resolver& resolver, std::string name, Tally& tally) {
    const grit::Deadline forever;
    const auto found = co_await resolver.resolve(std::move(name), forever);
    ++(found ? tally.found : tally.failed);
}

double thread_cpu_seconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

}  // namespace

int main(int argc, char** argv) {
    std::size_t names = 50'000;
    std::int64_t delay_ms = 50;
    std::size_t outstanding = grit::net::Resolver::Options{}.max_outstanding;
    CLI::App app{"Names per second of one resolver whose name server takes its time."};
    app.add_option("--names", names, "different names, all asked about at once");
    app.add_option("--delay-ms", delay_ms, "from a question to its answer");
    app.add_option("--outstanding", outstanding, "queries in the air, two per name");
    CLI11_PARSE(app, argc, argv);

    const LateNameServer server{Milliseconds(delay_ms)};
    asio::io_context io{1};
    const grit::SystemClock clock;
    grit::metrics::Metrics metrics{clock.wall_now()};
    grit::net::Resolver::Options options;
    options.servers = {server.address()};
    options.max_outstanding = outstanding;
    Tally tally;
    const auto start = std::chrono::steady_clock::now();
    const double cpu_start = thread_cpu_seconds();
    {
        grit::net::Resolver resolver(io, options, clock, metrics);
        for (std::size_t i = 0; i < names; ++i) {
            asio::co_spawn(io, look_up(resolver, "host-" + std::to_string(i) + ".example.org", tally), asio::detached);
        }
        while (tally.found + tally.failed < names) {
            io.run_one();
        }
    }
    const double cpu = thread_cpu_seconds() - cpu_start;
    const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::printf("{\"bench\":\"dns_lookups\",\"names\":%zu,\"delay_ms\":%lld,\"outstanding\":%zu,\"failed\":%zu,"
                "\"wall_s\":%.3f,\"cpu_s\":%.3f,\"lookups_per_s\":%.0f,\"lookups_per_cpu_s\":%.0f}\n",
                names, static_cast<long long>(delay_ms), outstanding, tally.failed, wall, cpu,
                static_cast<double>(names) / wall, static_cast<double>(names) / cpu);
    return tally.failed == 0 ? 0 : 1;
}
