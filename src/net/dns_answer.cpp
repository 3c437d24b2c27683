#include "dns_answer.hpp"

// Newer c-ares marks as deprecated what older ones have nothing else for.
#define CARES_NO_DEPRECATED
#include <ares.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace grit::net {
namespace ip = boost::asio::ip;

namespace {

FamilyAnswer::Status status_of(int ares_status) {
    switch (ares_status) {
        case ARES_SUCCESS:
        case ARES_ENODATA:
            return FamilyAnswer::Status::no_data;
        case ARES_ENOTFOUND:
        case ARES_EBADNAME:  // a label of 64 bytes or more: no such name can be
            return FamilyAnswer::Status::no_such_name;
        case ARES_ETIMEOUT:
            return FamilyAnswer::Status::timed_out;
        default:
            return FamilyAnswer::Status::failed;
    }
}

ip::address address_of(const ares_addrinfo_node& node) {
    if (node.ai_family == AF_INET) {
        sockaddr_in address{};
        std::memcpy(&address, node.ai_addr, sizeof(address));
        return ip::address_v4(ntohl(address.sin_addr.s_addr));
    }
    sockaddr_in6 address{};
    std::memcpy(&address, node.ai_addr, sizeof(address));
    ip::address_v6::bytes_type bytes{};
    std::memcpy(bytes.data(), &address.sin6_addr, bytes.size());
    return ip::address_v6(bytes);
}

}  // namespace

FamilyAnswer answer_of(int ares_status, const ares_addrinfo* found) {
    FamilyAnswer answer;
    answer.status = status_of(ares_status);
    if (ares_status != ARES_SUCCESS || found == nullptr || found->nodes == nullptr) {
        return answer;
    }
    answer.status = FamilyAnswer::Status::addresses;
    int ttl = found->nodes->ai_ttl;
    for (const ares_addrinfo_node* node = found->nodes; node != nullptr; node = node->ai_next) {
        ttl = std::min(ttl, node->ai_ttl);
        if (answer.addresses.size() < kMaxAddressesPerAnswer) {
            answer.addresses.push_back(address_of(*node));
        }
    }
    for (const ares_addrinfo_cname* cname = found->cnames; cname != nullptr; cname = cname->next) {
        ttl = std::min(ttl, cname->ttl);
    }
    answer.ttl = std::chrono::seconds(std::max(ttl, 0));  // a TTL of 2^31 and more counts as 0 (RFC 2181 section 8)
    return answer;
}

}  // namespace grit::net
