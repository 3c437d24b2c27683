#include "grit/net/resolver.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cassert>
#include <deque>
#include <list>
#include <optional>
#include <unordered_map>
#include <utility>

#include "dns_cache.hpp"
#include "dns_channel.hpp"
#include "grit/metrics/metrics.hpp"
#include "grit/net/errc.hpp"
#include "grit/net/network_watch.hpp"
#include "time_left.hpp"

namespace grit::net {
namespace asio = boost::asio;
namespace ip = asio::ip;
using asio::awaitable;

namespace {

constexpr std::size_t kQueriesPerName = 2;
// Queries in the air on one socket. Answers to more than about 270 overflow its receive buffer (212,992 bytes, the
// kernel's default) when they come together, and a lost answer costs its time-out.
constexpr std::size_t kQueriesPerChannel = 200;

// What `alive` asks about, and how long it waits for each answer: two tries of the first server and one of the next.
constexpr const char* kWellKnownName = "a.root-servers.net";
constexpr Milliseconds kPatience{6'000};

std::string joined(const std::vector<std::string>& servers) {
    std::string text;
    for (const std::string& server : servers) {
        text += (text.empty() ? "" : ",") + server;
    }
    return text;
}

Result<std::vector<ip::address>> result_of(const DnsAnswer& answer) {
    if (answer.error != Errc::success) {
        return make_error_code(answer.error);
    }
    return answer.addresses;
}

using Status = FamilyAnswer::Status;

// RFC 2308 section 2: NXDOMAIN speaks for all types of a name, so one of the two suffices.
Errc failure_of(const FamilyAnswer& v4, const FamilyAnswer& v6) {
    const auto either = [&](Status status) { return v4.status == status || v6.status == status; };
    if (either(Status::no_such_name)) {
        return Errc::dns_not_found;
    }
    if (either(Status::out_of_descriptors)) {
        return Errc::out_of_descriptors;
    }
    return either(Status::failed) || either(Status::timed_out) ? Errc::dns_failure : Errc::dns_not_found;
}

// About the name, from a server that is there.
bool is_answer(Status status) {
    return status == Status::addresses || status == Status::no_such_name || status == Status::no_data;
}

metrics::DnsResult label_of(Errc error, const FamilyAnswer& v4, const FamilyAnswer& v6) {
    if (error == Errc::success) {
        return metrics::DnsResult::ok;
    }
    if (error == Errc::dns_not_found) {
        return metrics::DnsResult::not_found;
    }
    const bool timed_out = v4.status == Status::timed_out || v6.status == Status::timed_out;
    return timed_out ? metrics::DnsResult::timeout : metrics::DnsResult::failure;
}

}  // namespace

struct Resolver::Core {
    struct Waiter {
        explicit Waiter(asio::io_context& io) : timer(io) {}
        asio::steady_timer timer;
        std::optional<DnsAnswer> answer;
    };

    // A name that is asked about, or waits to be.
    struct Lookup {
        explicit Lookup(std::string name) : host(std::move(name)) {}
        std::string host;
        std::list<Waiter*> waiters;
        FamilyAnswer v4;
        FamilyAnswer v6;
        std::size_t pending = 0;
        bool started = false;
    };

    // A waiter's place in the lookup, left however the waiter ends.
    class Enlisted {
      public:
        Enlisted(Core& core, Lookup& lookup, Waiter& waiter)
            : core_(core),
              lookup_(lookup),
              waiter_(waiter),
              place_(lookup.waiters.insert(lookup.waiters.end(), &waiter)) {}
        ~Enlisted() {
            if (!waiter_.answer) {  // with an answer the lookup is gone
                lookup_.waiters.erase(place_);
                core_.forsake(lookup_);
            }
        }
        Enlisted(const Enlisted&) = delete;
        Enlisted& operator=(const Enlisted&) = delete;

      private:
        Core& core_;
        Lookup& lookup_;
        Waiter& waiter_;
        std::list<Waiter*>::iterator place_;
    };

    Core(asio::io_context& io, Options given, const Clock& time, metrics::Metrics& counts)
        : context(io),
          options(std::move(given)),
          clock(time),
          metrics(counts),
          cache(options.cache_entries) {
        const std::size_t needed = (options.max_outstanding + kQueriesPerChannel - 1) / kQueriesPerChannel;
        for (std::size_t i = 0; i < std::max<std::size_t>(needed, 1); ++i) {
            channels.push_back(
                std::make_unique<DnsChannel>(io, joined(options.servers), options.timeout, options.tries));
        }
    }

    ~Core() {
        assert(
            std::all_of(lookups.begin(), lookups.end(), [](const auto& item) { return item.second.waiters.empty(); }) &&
            "every resolve() ends before the resolver is destroyed");
    }

    awaitable<Result<std::vector<ip::address>>> resolve(std::string host, Deadline deadline);
    awaitable<Result<std::vector<ip::address>>> wait_for(Lookup& lookup, Deadline deadline);
    void prefetch(const std::string& host);
    awaitable<bool> alive();
    Lookup& lookup_of(const std::string& host);
    [[nodiscard]] std::size_t outstanding() const;
    [[nodiscard]] DnsChannel* free_channel() const;
    void start_queued();
    void on_answer(Lookup& lookup, DnsFamily family, FamilyAnswer answer);
    void finish(Lookup& lookup);
    void forsake(Lookup& lookup);
    void remember(const std::string& host, const DnsAnswer& answer, const Lookup& lookup);

    asio::io_context& context;
    const Options options;
    const Clock& clock;
    metrics::Metrics& metrics;
    DnsCache cache;
    std::unordered_map<std::string, Lookup> lookups;  // by host; elements stay where they are
    std::deque<Lookup*> queue;                        // those not started yet, first come first
    std::vector<std::unique_ptr<DnsChannel>> channels;  // last: their callbacks refer to all of the above
};

Resolver::Resolver(asio::io_context& context, Options options, const Clock& clock, metrics::Metrics& metrics)
    : core_(std::make_unique<Core>(context, std::move(options), clock, metrics)) {}

Resolver::~Resolver() = default;

awaitable<Result<std::vector<ip::address>>> Resolver::resolve(std::string host, Deadline deadline) {
    return core_->resolve(std::move(host), deadline);
}

void Resolver::prefetch(std::string_view host) {
    core_->prefetch(std::string(host));
}

awaitable<bool> Resolver::alive() {
    return core_->alive();
}

std::size_t Resolver::lookups_in_flight() const noexcept {
    return core_->lookups.size();
}

awaitable<Result<std::vector<ip::address>>> Resolver::Core::resolve(std::string host, Deadline deadline) {
    ErrorCode no_address;
    const ip::address literal = ip::make_address(host, no_address);
    if (!no_address) {
        co_return std::vector<ip::address>{literal};
    }
    const DnsAnswer* known = cache.find(host, clock.now());
    if (known != nullptr) {
        metrics.dns_cache(metrics::CacheResult::hit).add();
        co_return result_of(*known);
    }
    metrics.dns_cache(metrics::CacheResult::miss).add();
    co_return co_await wait_for(lookup_of(host), deadline);
}

void Resolver::Core::prefetch(const std::string& host) {
    ErrorCode no_address;
    static_cast<void>(ip::make_address(host, no_address));
    if (no_address && queue.empty() && outstanding() + kQueriesPerName <= options.max_outstanding / 2 &&
        cache.find(host, clock.now()) == nullptr) {
        static_cast<void>(lookup_of(host));
        start_queued();
    }
}

awaitable<bool> Resolver::Core::alive() {
    const auto said = [](const Result<std::vector<ip::address>>& found) {
        return found || (found.error() != Errc::dns_failure && found.error() != Errc::timeout_total);
    };
    // An answer to what was asked before says how it was then.
    if (const auto asked = lookups.find(kWellKnownName); asked != lookups.end()) {
        const auto earlier = co_await wait_for(asked->second, Deadline::after(clock.now(), kPatience));
        if (!said(earlier)) {
            co_return false;
        }
    }
    const auto found = co_await wait_for(lookup_of(kWellKnownName), Deadline::after(clock.now(), kPatience));
    co_return said(found);
}

awaitable<Result<std::vector<ip::address>>> Resolver::Core::wait_for(Lookup& lookup, Deadline deadline) {
    Waiter waiter(context);
    const Enlisted enlisted(*this, lookup, waiter);
    start_queued();
    ErrorCode error;
    if (!waiter.answer) {
        waiter.timer.expires_after(time_left(deadline, clock));
        std::tie(error) = co_await waiter.timer.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    if (waiter.answer) {
        co_return result_of(*waiter.answer);
    }
    co_return make_error_code(error ? Errc::cancelled : Errc::timeout_total);
}

Resolver::Core::Lookup& Resolver::Core::lookup_of(const std::string& host) {
    const auto [item, added] = lookups.try_emplace(host, host);
    if (added) {
        // Whether there is a server at all is asked before anything else.
        queue.insert(host == kWellKnownName ? queue.begin() : queue.end(), &item->second);
    }
    return item->second;
}

std::size_t Resolver::Core::outstanding() const {
    std::size_t all = 0;
    for (const auto& channel : channels) {
        all += channel->outstanding();
    }
    return all;
}

// The channel with the fewest queries in the air; null if there are as many as there may be.
DnsChannel* Resolver::Core::free_channel() const {
    if (outstanding() + kQueriesPerName > std::max(options.max_outstanding, kQueriesPerName)) {
        return nullptr;
    }
    const auto freest = std::min_element(channels.begin(), channels.end(), [](const auto& a, const auto& b) {
        return a->outstanding() < b->outstanding();
    });
    return freest->get();
}

void Resolver::Core::start_queued() {
    while (!queue.empty()) {
        DnsChannel* const channel = free_channel();
        if (channel == nullptr) {
            return;
        }
        Lookup& lookup = *queue.front();
        queue.pop_front();
        lookup.started = true;
        lookup.pending = kQueriesPerName;
        // The second query may find the lookup finished and gone only if the first one did not count for it.
        const std::string host = lookup.host;
        for (const DnsFamily family : {DnsFamily::v4, DnsFamily::v6}) {
            channel->query(host, family, [this, &lookup, family](FamilyAnswer answer) {
                on_answer(lookup, family, std::move(answer));
            });
        }
    }
}

void Resolver::Core::on_answer(Lookup& lookup, DnsFamily family, FamilyAnswer answer) {
    (family == DnsFamily::v4 ? lookup.v4 : lookup.v6) = std::move(answer);
    if (--lookup.pending == 0) {
        finish(lookup);
        start_queued();
    }
}

void Resolver::Core::finish(Lookup& lookup) {
    DnsAnswer answer;
    for (FamilyAnswer* family : {&lookup.v4, &lookup.v6}) {
        answer.addresses.insert(answer.addresses.end(), family->addresses.begin(), family->addresses.end());
    }
    if (answer.addresses.empty()) {
        answer.error = failure_of(lookup.v4, lookup.v6);
    }
    metrics.dns_queries(label_of(answer.error, lookup.v4, lookup.v6)).add();
    if (options.watch != nullptr && (is_answer(lookup.v4.status) || is_answer(lookup.v6.status))) {
        options.watch->reached();
    }
    remember(lookup.host, answer, lookup);
    for (Waiter* waiter : lookup.waiters) {
        waiter->answer = answer;
        waiter->timer.cancel();
    }
    lookups.erase(lookups.find(lookup.host));
}

void Resolver::Core::remember(const std::string& host, const DnsAnswer& answer, const Lookup& lookup) {
    Milliseconds ttl = options.failure_ttl;
    if (answer.error == Errc::success) {
        ttl = options.max_ttl;
        for (const FamilyAnswer* family : {&lookup.v4, &lookup.v6}) {
            if (family->status == Status::addresses) {
                ttl = std::min(ttl, std::chrono::duration_cast<Milliseconds>(family->ttl));
            }
        }
        ttl = std::max(ttl, options.min_ttl);
    }
    if (host == kWellKnownName) {
        if (answer.error == Errc::dns_failure) {
            cache.forget_failures();  // they were the network's
        }
    } else if (answer.error != Errc::out_of_descriptors) {
        cache.put(host, answer, clock.now() + ttl);
    }
}

// Nobody waits any more: a query in the air fills the cache, one that was never sent is not sent.
void Resolver::Core::forsake(Lookup& lookup) {
    if (!lookup.waiters.empty() || lookup.started) {
        return;
    }
    queue.erase(std::find(queue.begin(), queue.end(), &lookup));
    lookups.erase(lookups.find(lookup.host));
}

}  // namespace grit::net
