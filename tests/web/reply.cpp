#include "reply.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ctime>

namespace grit::testweb {
namespace {

constexpr std::size_t kChunkBytes = 4096;

struct Content {
    std::string bytes;
    std::string type;
    bool image = false;  ///< the URL's own image, uncut
};

std::string_view reason_of(int status) {
    switch (status) {
        case 200:
            return "OK";
        case 404:
            return "Not Found";
        case 429:
            return "Too Many Requests";
        case 503:
            return "Service Unavailable";
        default:
            return status < 400 ? "Found" : "Error";
    }
}

std::string expand(std::string_view pattern, const Asked& asked) {
    std::string out;
    while (!pattern.empty()) {
        const auto replace = [&](std::string_view word, std::string_view with) {
            const bool here = pattern.starts_with(word);
            if (here) {
                out += with;
                pattern.remove_prefix(word.size());
            }
            return here;
        };
        if (!replace("{scheme}", asked.scheme) && !replace("{host}", asked.host) && !replace("{path}", asked.target)) {
            out += pattern.front();
            pattern.remove_prefix(1);
        }
    }
    return out;
}

std::string retry_after_of(std::string_view spec) {
    constexpr std::string_view kDate = "date:";
    if (!spec.starts_with(kDate)) {
        return std::string(spec);
    }
    spec.remove_prefix(kDate.size());
    if (spec.starts_with('+')) {
        spec.remove_prefix(1);
    }
    std::int64_t seconds = 0;
    std::from_chars(spec.data(), spec.data() + spec.size(), seconds);
    return http_date(seconds);
}

Content content_of(const Asked& asked, const Behaviour& behaviour, const ImageForge& forge) {
    Content content;
    if (behaviour.body) {
        content.bytes = *behaviour.body;
        content.type = "text/plain; charset=utf-8";
    } else if (is_site_file(asked.target)) {
        content.type = "text/plain; charset=utf-8";
    } else if (behaviour.status == 200) {
        ForgedImage image = forge.make(asked.host + asked.target);
        content.image = behaviour.image_cut >= 1;
        content.bytes = std::move(image.bytes);
        content.bytes.resize(
            static_cast<std::size_t>(static_cast<double>(content.bytes.size()) * std::min(1.0, behaviour.image_cut)));
        content.type = media_type_of(image.kind);
    } else {
        content.bytes = fmt::format("{} {}\n", behaviour.status, reason_of(behaviour.status));
        content.type = "text/plain; charset=utf-8";
    }
    if (!behaviour.content_type.empty()) {
        content.type = behaviour.content_type;
    }
    return content;
}

void append_head(Reply& reply, const Asked& asked, const Behaviour& behaviour, const Content& content) {
    const auto header = [&reply](std::string_view name, std::string_view value) {
        fmt::format_to(std::back_inserter(reply.wire), "{}: {}\r\n", name, value);
    };
    fmt::format_to(std::back_inserter(reply.wire), "HTTP/1.1 {} {}\r\n", reply.status, reason_of(reply.status));
    header("Date", http_date(0));
    header("Server", "gritd-test-web");
    header("Content-Type", content.type);
    if (!behaviour.redirect_to.empty()) {
        reply.location = expand(behaviour.redirect_to, asked);
        header("Location", reply.location);
    }
    if (!behaviour.retry_after.empty()) {
        reply.retry_after = retry_after_of(behaviour.retry_after);
        header("Retry-After", reply.retry_after);
    }
    for (const auto& [name, value] : behaviour.headers) {
        header(name, value);
    }
    if (behaviour.framing == Framing::chunked) {
        header("Transfer-Encoding", "chunked");
    } else if (behaviour.framing == Framing::length) {
        header("Content-Length", std::to_string(std::max<std::int64_t>(
                                     0, static_cast<std::int64_t>(content.bytes.size()) + behaviour.wrong_length)));
    }
    if (behaviour.connection_close || behaviour.framing == Framing::close || !asked.keep_alive) {
        header("Connection", "close");
    }
    reply.wire += "\r\n";
    reply.head_bytes = reply.wire.size();
}

void append_body(Reply& reply, const Behaviour& behaviour, const Content& content) {
    if (behaviour.framing != Framing::chunked) {
        reply.wire += content.bytes;
        return;
    }
    std::string_view rest = content.bytes;
    while (!rest.empty()) {
        const std::string_view chunk = rest.substr(0, kChunkBytes);
        fmt::format_to(std::back_inserter(reply.wire), "{:x}\r\n{}\r\n", chunk.size(), chunk);
        rest.remove_prefix(chunk.size());
    }
    if (!behaviour.endless) {
        reply.wire += "0\r\n\r\n";
    }
}

// Where the wire bytes stop, and what happens then.
void decide_ending(Reply& reply, const Asked& asked, const Behaviour& behaviour) {
    const bool announced = behaviour.connection_close || behaviour.framing == Framing::close || !asked.keep_alive;
    reply.ending = announced || behaviour.silent_close ? Ending::close : Ending::keep;
    double part = 1;
    if (behaviour.stall == Stall::head) {
        reply.wire.clear();
        reply.head_bytes = 0;
        reply.ending = Ending::stall;
        reply.whole = false;
    } else if (behaviour.stall == Stall::body) {
        part = 0.5;
        reply.ending = Ending::stall;
    } else if (behaviour.reset) {
        part = 0.5;
        reply.ending = Ending::reset;
    } else if (behaviour.truncate < 1) {
        part = std::max(0.0, behaviour.truncate);
        reply.ending = Ending::cut;
    } else if (behaviour.endless) {
        reply.ending = Ending::endless;
        reply.whole = false;
    } else if (behaviour.wrong_length != 0) {
        reply.ending = Ending::cut;
        reply.whole = false;
    }
    if (part < 1) {
        const std::size_t whole_bytes = reply.wire.size();
        const auto body_bytes = static_cast<double>(whole_bytes - reply.head_bytes);
        reply.wire.resize(reply.head_bytes + static_cast<std::size_t>(body_bytes * part));
        // Nothing can be cut off an empty body, but a reset may overtake it.
        reply.whole = reply.wire.size() == whole_bytes && reply.ending != Ending::reset;
    }
}

}  // namespace

std::string http_date(std::int64_t seconds_ahead) {
    const std::time_t when = std::time(nullptr) + static_cast<std::time_t>(seconds_ahead);
    // %a and %b are English: the program never calls setlocale.
    return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(when));
}

Reply make_reply(const Asked& asked, const Behaviour* behaviour, const ImageForge& forge) {
    static const Behaviour kImage;
    static const Behaviour kNoFile = [] {
        Behaviour none;
        none.status = 404;
        return none;
    }();
    const Behaviour& how = behaviour != nullptr ? *behaviour : (is_site_file(asked.target) ? kNoFile : kImage);
    const Content content = content_of(asked, how, forge);
    Reply reply;
    reply.status = how.status;
    reply.chunked = how.framing == Framing::chunked;
    append_head(reply, asked, how, content);
    if (asked.method == "HEAD") {
        reply.ending = how.connection_close || !asked.keep_alive ? Ending::close : Ending::keep;
        return reply;
    }
    append_body(reply, how, content);
    reply.body_bytes = content.bytes.size();
    if (content.image && !how.endless) {
        reply.sha256 = sha256_hex(content.bytes);
    }
    decide_ending(reply, asked, how);
    return reply;
}

}  // namespace grit::testweb
