// A hostile name server's packet, through c-ares to what the resolver makes of it. No socket is opened.
#define CARES_NO_DEPRECATED
#include <ares.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "dns_answer.hpp"

namespace {

using grit::net::FamilyAnswer;

// c-ares only compares it: the functions below are all that use it.
constexpr ares_socket_t kSocket = 1'000'000;
constexpr const char* kName = "a.example";

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

// The wire to the one server: what it says is given, but for the number of the query, which a liar on the way would
// have to guess.
struct Wire {
    std::vector<std::uint8_t> packet;
    std::array<std::uint8_t, 2> id{};
    bool tcp = false;
    bool said = false;
    std::vector<std::uint8_t> stream;  // over TCP: two bytes of length, and the packet
    int answers = 0;
    FamilyAnswer answer;
};

ares_socket_t open_socket(int, int type, int, void* wire) {
    auto& self = *static_cast<Wire*>(wire);
    self.tcp = type == SOCK_STREAM;
    self.said = false;
    return kSocket;
}

int close_socket(ares_socket_t, void*) {
    return 0;
}

int connect_socket(ares_socket_t, const sockaddr*, ares_socklen_t, void*) {
    return 0;
}

ares_ssize_t receive(ares_socket_t, void* into, size_t size, int, sockaddr* from, ares_socklen_t* from_size,
                     void* wire) {
    auto& self = *static_cast<Wire*>(wire);
    if (self.tcp) {
        const std::size_t part = std::min(size, self.stream.size());
        std::copy_n(self.stream.begin(), part, static_cast<std::uint8_t*>(into));
        self.stream.erase(self.stream.begin(), self.stream.begin() + static_cast<std::ptrdiff_t>(part));
        if (part > 0) {
            return static_cast<ares_ssize_t>(part);
        }
    } else if (!self.said) {
        self.said = true;
        const std::size_t part = std::min(size, self.packet.size());
        std::copy_n(self.packet.begin(), part, static_cast<std::uint8_t*>(into));
        if (from != nullptr && from_size != nullptr && *from_size >= sizeof(sockaddr_in)) {
            sockaddr_in server{};
            server.sin_family = AF_INET;
            server.sin_port = htons(53);
            server.sin_addr.s_addr = htonl(0xC0000201);  // 192.0.2.1
            std::memcpy(from, &server, sizeof(server));
            *from_size = sizeof(server);
        }
        return static_cast<ares_ssize_t>(part);
    }
    errno = EAGAIN;
    return -1;
}

ares_ssize_t send_vector(ares_socket_t, const iovec* parts, int count, void* wire) {
    auto& self = *static_cast<Wire*>(wire);
    std::string sent;
    for (int i = 0; i < count; ++i) {
        sent.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
    }
    const std::size_t head = self.tcp ? 2 : 0;
    if (sent.size() >= head + 2 && self.packet.size() >= 2) {
        std::memcpy(self.packet.data(), sent.data() + head, 2);
    }
    self.stream = {static_cast<std::uint8_t>(self.packet.size() >> 8), static_cast<std::uint8_t>(self.packet.size())};
    self.stream.insert(self.stream.end(), self.packet.begin(), self.packet.end());
    return static_cast<ares_ssize_t>(sent.size());
}

void on_addrinfo(void* wire, int status, int, ares_addrinfo* found) {
    auto& self = *static_cast<Wire*>(wire);
    ++self.answers;
    self.answer = grit::net::answer_of(status, found);
    if (found != nullptr) {
        ares_freeaddrinfo(found);
    }
}

ares_channel open_channel(Wire& wire) {
    static const int started = ares_library_init(ARES_LIB_INIT_ALL);
    static const ares_socket_functions functions{open_socket, close_socket, connect_socket, receive, send_vector};
    require(started == ARES_SUCCESS);
    std::array<char, 2> dns_only{'b', '\0'};
    in_addr server{htonl(0xC0000201)};
    ares_options options{};
    options.timeout = 60'000;
    options.tries = 1;
    options.lookups = dns_only.data();
    options.servers = &server;
    options.nservers = 1;
    const int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_DOMAINS | ARES_OPT_SERVERS;
    ares_channel channel = nullptr;
    require(ares_init_options(&channel, &options, mask) == ARES_SUCCESS);
    ares_set_socket_functions(channel, &functions, &wire);
    return channel;
}

}  // namespace

// The first byte chooses the family, the rest is the packet. One with the TC bit is said again over TCP.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0 || size > 65'000) {
        return 0;
    }
    Wire wire;
    wire.packet.assign(data + 1, data + size);
    ares_channel channel = open_channel(wire);
    ares_addrinfo_hints hints{};
    hints.ai_family = data[0] % 2 == 0 ? AF_INET : AF_INET6;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = ARES_AI_NOSORT;
    ares_getaddrinfo(channel, kName, nullptr, &hints, on_addrinfo, &wire);
    for (int i = 0; i < 4 && wire.answers == 0; ++i) {
        ares_process_fd(channel, kSocket, kSocket);
    }
    ares_destroy(channel);
    require(wire.answers == 1);
    const bool found = wire.answer.status == FamilyAnswer::Status::addresses;
    require(found == !wire.answer.addresses.empty());
    require(wire.answer.addresses.size() <= grit::net::kMaxAddressesPerAnswer);
    require(wire.answer.ttl.count() >= 0 && (found || wire.answer.ttl.count() == 0));
    return 0;
}
