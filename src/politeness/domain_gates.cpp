#include "grit/politeness/domain_gates.hpp"

#include <cassert>

namespace grit::politeness {

bool DomainGates::try_enter(std::uint64_t domain, unsigned limit) {
    Gate& gate = gates_[domain];
    if (gate.open >= limit) {
        return false;
    }
    ++gate.open;
    return true;
}

void DomainGates::wait(std::uint64_t domain, std::uint32_t host) { gates_[domain].waiting.push_back(host); }

void DomainGates::leave(std::uint64_t domain) {
    const auto found = gates_.find(domain);
    assert(found != gates_.end() && found->second.open > 0);
    --found->second.open;
    if (found->second.open == 0 && found->second.waiting.empty()) {
        gates_.erase(found);
    }
}

std::optional<std::uint32_t> DomainGates::next_waiting(std::uint64_t domain, unsigned limit) {
    const auto found = gates_.find(domain);
    if (found == gates_.end() || found->second.waiting.empty() || found->second.open >= limit) {
        return std::nullopt;
    }
    const std::uint32_t host = found->second.waiting.front();
    found->second.waiting.pop_front();
    if (found->second.open == 0 && found->second.waiting.empty()) {
        gates_.erase(found);
    }
    return host;
}

unsigned DomainGates::open_requests(std::uint64_t domain) const {
    const auto found = gates_.find(domain);
    return found == gates_.end() ? 0 : found->second.open;
}

}  // namespace grit::politeness
