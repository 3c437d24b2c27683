// What an exchange is made of. Between the client, which begins it, and the exchange, which ends it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "client_core.hpp"
#include "connection.hpp"
#include "grit/async/deadline.hpp"
#include "grit/net/exchange.hpp"
#include "response_reader.hpp"

namespace grit::net {

struct Exchange::State {
    State(Client::Core& of, std::string to, std::unique_ptr<Connection> over, Deadline until, Timings begun)
        : client(of),
          origin(std::move(to)),
          connection(std::move(over)),
          address(connection->address()),
          waived_problem(connection->waived_problem()),
          reader(of.options.max_header_bytes),
          deadline(until),
          timings(begun) {
        ++client.exchanges;
    }
    ~State();
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    /// Sends the request, tells the gate (may be null), and reads the head.
    boost::asio::awaitable<ErrorCode> begin(const std::string& request, SendGate* gate);
    boost::asio::awaitable<Result<std::span<const std::byte>>> read_piece();
    /// Reads once more. An orderly end that ends the body is `at_end`.
    boost::asio::awaitable<ErrorCode> fill();

    [[nodiscard]] boost::asio::awaitable<ErrorCode> read_head(Deadline limit);
    [[nodiscard]] ErrorCode head_error(const ErrorCode& error) const;
    [[nodiscard]] ErrorCode body_error(const ErrorCode& error);
    [[nodiscard]] bool too_slow() const;
    ErrorCode fail(Errc error);
    void give_back();

    Client::Core& client;
    const std::string origin;
    std::unique_ptr<Connection> connection;  // null after a failure
    const boost::asio::ip::address address;
    const std::string waived_problem;
    ResponseReader reader;
    Deadline deadline;
    Timings timings;
    ResponseHead head;
    ErrorCode failure;
    std::uint64_t received = 0;          // bytes since the head was complete, chunk heads included
    std::chrono::nanoseconds waited{0};  // for them; the time that the caller takes does not count
    bool at_end = false;                 // the connection ended, and so did the body
};

}  // namespace grit::net
