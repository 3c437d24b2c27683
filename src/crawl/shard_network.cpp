// What a shard knows of the network: names ahead of their time, and whether it is there at all.
#include "grit/crawl/shard.hpp"

#include <utility>

namespace grit::crawl {
namespace asio = boost::asio;
using asio::awaitable;
using fetch::Fetched;

namespace {

// Between two questions to the name servers while none of them answers.
constexpr Milliseconds kQuestionInterval{5'000};
// At most 2,560 names a second, half of what a resolver asks for.
constexpr Milliseconds kPrefetchInterval{50};
constexpr std::size_t kPrefetchedNames = 128;

bool may_be_our_network(Outcome outcome) {
    return outcome == Outcome::dns_failure || outcome == Outcome::unreachable || outcome == Outcome::connect_timeout;
}

}  // namespace

// Before a host is charged for being out of reach, the name servers have to be within it.
awaitable<void> Shard::doubt_network(Fetched& result) {
    if (result.busy || !may_be_our_network(result.outcome)) {
        co_return;
    }
    const bool alive = co_await resolver_->alive();
    if (!alive) {
        context_.network.lost();
        result.outcome = Outcome::network_down;
        result.detail = "no name server answers";
    }
}

void Shard::look_for_network() {
    const SteadyTime now = context_.clock.now();
    if (context_.network.down() && now >= next_network_look_) {
        next_network_look_ = now + kQuestionInterval;
        fetches_.spawn(ask_name_servers());
    }
}

// Names of the hosts that wait for a slot: a slot that waits for its name serves nobody meanwhile.
void Shard::prefetch_names() {
    const SteadyTime now = context_.clock.now();
    if (in_flight() < max_in_flight_ || now < next_prefetch_) {
        return;
    }
    next_prefetch_ = now + kPrefetchInterval;
    for (const std::string_view host : frontier_.next_hosts(kPrefetchedNames)) {
        resolver_->prefetch(host);
    }
}

// The answer itself says that they are back (Resolver::Options::watch).
awaitable<void> Shard::ask_name_servers() {
    static_cast<void>(co_await resolver_->alive());
}

}  // namespace grit::crawl
