// What the end of a request means for the host that was asked. Private to the shard's own files.
#pragma once

#include "grit/base/clock.hpp"
#include "grit/base/outcome.hpp"
#include "grit/politeness/host_gate.hpp"

namespace grit::crawl {

// A host whose address has its number of connections looks again after this.
inline constexpr Milliseconds kBusyAddressWait{250};

// What an outcome says of the host's strength.
inline politeness::Answer answer_of(Outcome outcome) {
    switch (outcome) {
        case Outcome::timeout_first_byte:
        case Outcome::timeout_total:
        case Outcome::too_slow:
        case Outcome::connection_reset:
        case Outcome::http_server_error:
        case Outcome::http_too_many_requests:
        case Outcome::http_unavailable:
            return politeness::Answer::strained;
        default:
            break;
    }
    const Disposition disposition = disposition_of(outcome);
    const bool says_nothing = disposition == Disposition::own_fault || disposition == Disposition::host_down;
    return says_nothing ? politeness::Answer::none : politeness::Answer::good;
}

// Of the outcomes that say that something can not be reached or trusted: those that speak of one scheme and port. A port
// that is filtered looks like an address that does not answer, so connect_timeout is one: were it not, a closed HTTPS would
// cost a host its plain URLs, while a host that is dead costs one more probe per origin and step of the schedule.
inline bool is_of_origin(Outcome outcome) {
    return outcome == Outcome::connect_refused || outcome == Outcome::connect_timeout ||
           outcome == Outcome::tls_handshake || outcome == Outcome::tls_certificate;
}

}  // namespace grit::crawl
