#include "dns_channel.hpp"

// Newer c-ares marks as deprecated what older ones have nothing else for.
#define CARES_NO_DEPRECATED
#include <ares.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <stdexcept>

namespace grit::net {
namespace asio = boost::asio;

// A descriptor that c-ares opened and will close. Handlers hold it beyond that.
struct DnsChannel::Socket {
    Socket(asio::io_context& context, int fd, std::shared_ptr<DnsChannel*> owner)
        : descriptor(context, fd), channel(std::move(owner)) {}

    asio::posix::stream_descriptor descriptor;
    std::shared_ptr<DnsChannel*> channel;
    bool open = true;
    bool want_read = false;
    bool want_write = false;
    bool reading = false;
    bool writing = false;
};

struct DnsChannel::Query {
    DnsChannel& channel;
    OnAnswer on_answer;
};

namespace {

std::runtime_error start_error(const char* what, int ares_status) {
    return std::runtime_error(std::string(what) + ": " + ares_strerror(ares_status));
}

int close_socket(ares_socket_t fd, void*) {
    return ::close(fd);
}

int connect_socket(ares_socket_t fd, const sockaddr* address, ares_socklen_t size, void*) {
    return ::connect(fd, address, size);
}

ares_ssize_t receive(ares_socket_t fd, void* into, size_t size, int flags, sockaddr* from, ares_socklen_t* from_size,
                     void*) {
    return ::recvfrom(fd, into, size, flags, from, from_size);
}

ares_ssize_t send_vector(ares_socket_t fd, const iovec* parts, int count, void*) {
    return ::writev(fd, parts, count);
}

}  // namespace

DnsChannel::DnsChannel(asio::io_context& context, const std::string& servers, std::chrono::milliseconds timeout,
                       int tries)
    : context_(context), timer_(context), self_(std::make_shared<DnsChannel*>(this)) {
    if (const int status = ares_library_init(ARES_LIB_INIT_ALL); status != ARES_SUCCESS) {
        throw start_error("c-ares can not start", status);
    }
    ares_options options{};
    std::array<char, 2> dns_only{'b', '\0'};
    options.timeout = static_cast<int>(timeout.count());
    options.tries = tries;
    options.lookups = dns_only.data();
    options.ndomains = 0;
    options.sock_state_cb = &DnsChannel::on_socket_state;
    options.sock_state_cb_data = this;
    const int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_DOMAINS | ARES_OPT_SOCK_STATE_CB;
    if (const int status = ares_init_options(&channel_, &options, mask); status != ARES_SUCCESS) {
        ares_library_cleanup();
        throw start_error("c-ares can not start", status);
    }
    use_own_sockets();
    if (!servers.empty()) {
        if (const int status = ares_set_servers_ports_csv(channel_, servers.c_str()); status != ARES_SUCCESS) {
            ares_destroy(channel_);
            ares_library_cleanup();
            throw start_error("the DNS servers are not usable", status);
        }
    }
}

DnsChannel::~DnsChannel() {
    *self_ = nullptr;
    delivering_ = true;  // what c-ares ends now is dropped
    ares_destroy(channel_);
    ares_library_cleanup();
}

// Our own socket functions tell "no descriptor left", our fault, from "the server does not answer".
void DnsChannel::use_own_sockets() {
    static const ares_socket_functions functions{&DnsChannel::open_socket, close_socket, connect_socket, receive,
                                                 send_vector};
    ares_set_socket_functions(channel_, &functions, this);
}

int DnsChannel::open_socket(int domain, int type, int protocol, void* self) {
    const int fd = ::socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
        static_cast<DnsChannel*>(self)->no_socket_left_ = true;
    }
    return fd;
}

void DnsChannel::query(const std::string& host, DnsFamily family, OnAnswer on_answer) {
    ares_addrinfo_hints hints{};
    hints.ai_family = family == DnsFamily::v4 ? AF_INET : AF_INET6;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = ARES_AI_NOSORT;  // sorting would open a socket per address
    ++outstanding_;
    // c-ares hands it back to on_addrinfo exactly once.
    auto query = std::make_unique<Query>(Query{*this, std::move(on_answer)});
    ares_getaddrinfo(channel_, host.c_str(), nullptr, &hints, &DnsChannel::on_addrinfo, query.release());
    deliver();
    arm_timer();
}

void DnsChannel::on_addrinfo(void* query, int status, int /*timeouts*/, ares_addrinfo* found) {
    const std::unique_ptr<Query> owned(static_cast<Query*>(query));
    DnsChannel& self = owned->channel;
    FamilyAnswer answer = answer_of(status, found);
    if (found != nullptr) {
        ares_freeaddrinfo(found);
    }
    if (answer.status == FamilyAnswer::Status::failed && self.no_socket_left_) {
        answer.status = FamilyAnswer::Status::out_of_descriptors;
    }
    --self.outstanding_;
    self.answers_.emplace_back(std::move(owned->on_answer), std::move(answer));
}

void DnsChannel::on_socket_state(void* self, int fd, int readable, int writable) {
    static_cast<DnsChannel*>(self)->watch(fd, readable != 0, writable != 0);
}

void DnsChannel::watch(int fd, bool readable, bool writable) {
    const auto found = sockets_.find(fd);
    if (!readable && !writable) {
        if (found != sockets_.end()) {
            found->second->open = false;
            found->second->descriptor.release();
            sockets_.erase(found);
        }
        return;
    }
    std::shared_ptr<Socket>& socket = sockets_[fd];
    if (!socket) {
        socket = std::make_shared<Socket>(context_, fd, self_);
    }
    socket->want_read = readable;
    socket->want_write = writable;
    wait_readable(socket);
    wait_writable(socket);
}

void DnsChannel::wait_readable(const std::shared_ptr<Socket>& socket) {
    if (!socket->open || !socket->want_read || socket->reading) {
        return;
    }
    socket->reading = true;
    socket->descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                                  [socket](const boost::system::error_code& error) {
                                      socket->reading = false;
                                      if (error || !socket->open) {
                                          return;
                                      }
                                      (*socket->channel)->process(socket->descriptor.native_handle(), ARES_SOCKET_BAD);
                                      wait_readable(socket);
                                  });
}

void DnsChannel::wait_writable(const std::shared_ptr<Socket>& socket) {
    if (!socket->open || !socket->want_write || socket->writing) {
        return;
    }
    socket->writing = true;
    socket->descriptor.async_wait(asio::posix::stream_descriptor::wait_write,
                                  [socket](const boost::system::error_code& error) {
                                      socket->writing = false;
                                      if (error || !socket->open) {
                                          return;
                                      }
                                      (*socket->channel)->process(ARES_SOCKET_BAD, socket->descriptor.native_handle());
                                      wait_writable(socket);
                                  });
}

void DnsChannel::process(int read_fd, int write_fd) {
    ares_process_fd(channel_, read_fd, write_fd);
    deliver();
    arm_timer();
}

// One timer for the query that is due first. Later queries have later limits, so it never needs to be moved forward.
void DnsChannel::arm_timer() {
    if (timer_armed_ || outstanding_ == 0) {
        return;
    }
    timeval wait{};
    if (ares_timeout(channel_, nullptr, &wait) == nullptr) {
        return;
    }
    timer_armed_ = true;
    timer_.expires_after(std::chrono::seconds(wait.tv_sec) + std::chrono::microseconds(wait.tv_usec) +
                         std::chrono::milliseconds(1));
    timer_.async_wait([self = self_](const boost::system::error_code& error) {
        if (*self == nullptr || error) {
            return;
        }
        (*self)->timer_armed_ = false;
        (*self)->process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    });
}

void DnsChannel::deliver() {
    if (delivering_) {
        return;
    }
    delivering_ = true;
    while (!answers_.empty()) {
        const auto batch = std::exchange(answers_, {});
        for (const auto& [on_answer, answer] : batch) {
            on_answer(answer);
        }
    }
    delivering_ = false;
    no_socket_left_ = false;
}

}  // namespace grit::net
