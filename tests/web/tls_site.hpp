// What a TLS handshake needs to know, and what it leaves behind.
#pragma once

#include <string>

#include "session.hpp"

namespace grit::testweb {

struct HandshakeNote {
    std::string local_address;  ///< names the certificate where the client sends no server name (address literals)
    bool stall = false;         ///< a rule wants this handshake to hang
};

/// The note must outlive the handshake.
void set_note(SSL* ssl, HandshakeNote& note);

}  // namespace grit::testweb
