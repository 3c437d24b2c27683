// Is it the host that is down, or our own network?
#include "grit/crawl/shard.hpp"

#include <utility>

namespace grit::crawl {
namespace asio = boost::asio;
using asio::awaitable;
using fetch::Fetched;

namespace {

// Between two questions to the name servers while none of them answers.
constexpr Milliseconds kQuestionInterval{5'000};

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

// The answer itself says that they are back (Resolver::Options::watch).
awaitable<void> Shard::ask_name_servers() {
    static_cast<void>(co_await resolver_->alive());
}

}  // namespace grit::crawl
