#include "grit/politeness/block.hpp"

#include "grit/url/canonical_url.hpp"
#include "grit/url/registrable_domain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>

namespace grit::politeness {
namespace {

namespace ip = boost::asio::ip;

constexpr std::array kKinds{BlockKind::host, BlockKind::domain, BlockKind::cidr, BlockKind::pattern};
constexpr std::string_view kDetailPrefix = "blocked: ";

Problem refused(std::string_view value, std::string_view why) {
    return Problem{fmt::format("\"{}\" {}", value, why)};
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\r\n";
    const std::size_t first = text.find_first_not_of(kBlanks);
    return first == std::string_view::npos ? std::string_view()
                                           : text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// One network of either family, its lower bits cleared; nothing if the text is none.
struct Network {
    std::string text;
    unsigned prefix = 0;
};

std::optional<Network> network_of(std::string_view value) {
    std::string text(value);
    ErrorCode error;
    if (text.find('/') == std::string::npos) {
        const ip::address address = ip::make_address(text, error);
        if (error) {
            return std::nullopt;
        }
        text += address.is_v4() ? "/32" : "/128";
    }
    if (const ip::network_v4 v4 = ip::make_network_v4(text, error); !error) {
        return Network{v4.canonical().to_string(), v4.prefix_length()};
    }
    if (const ip::network_v6 v6 = ip::make_network_v6(text, error); !error) {
        return Network{v6.canonical().to_string(), v6.prefix_length()};
    }
    return std::nullopt;
}

Checked<Block> parse_cidr(std::string_view value) {
    const auto network = network_of(value);
    if (!network) {
        return refused(value, "is no CIDR, such as 203.0.113.0/24 or 2001:db8::/32");
    }
    if (network->prefix == 0) {
        return refused(value, "is every address: gritctl pause stops the crawl");
    }
    Block block;
    block.kind = BlockKind::cidr;
    block.value = network->text;
    return block;
}

// The canonical URL of a name alone; its errors are in words about that name.
Checked<url::CanonicalUrl> url_of_name(std::string_view value, std::string_view name) {
    const bool is_v6 = std::count(name.begin(), name.end(), ':') > 1 && !name.starts_with('[');
    if (name.find_first_of("/\\?#@*") != std::string_view::npos) {
        return refused(value, "is no name of a host: no scheme, path, user or \"*\" belongs to it");
    }
    auto url = url::canonicalize(is_v6 ? fmt::format("http://[{}]/", name) : fmt::format("http://{}/", name));
    if (!url) {
        return refused(value, fmt::format("is no name of a host: {}", url.error().message()));
    }
    if (url->port != url::default_port_of(url->scheme)) {
        return refused(value, "has a port: a block is for all ports of a host");
    }
    return std::move(*url);
}

Checked<Block> parse_name(BlockKind kind, std::string_view value, bool guessed) {
    std::string_view name = value;
    if (kind == BlockKind::domain) {
        name.remove_prefix(name.starts_with("*.") ? 2 : name.starts_with('.') ? 1 : 0);
    }
    auto url = url_of_name(value, name);
    if (!url) {
        return url.error();
    }
    if (kind == BlockKind::domain && url->host_is_address) {
        return refused(value, "is an address: block it as host or cidr");
    }
    const std::string below = "a." + url->host;
    if (guessed && url::registrable_domain(below) == below) {
        return refused(value, "is a public suffix, whose names belong to many: say that you mean it with the kind domain");
    }
    Block block;
    block.kind = kind;
    block.value = std::move(url->host);
    return block;
}

// Scheme and host in canonical form where they are given; the path stays as it was written, since robots.txt's rules of
// comparison undo its encoding.
Checked<Block> parse_pattern(std::string_view value) {
    if (std::any_of(value.begin(), value.end(), [](char c) { return c == ' ' || c == '#' || (c >= '\0' && c < ' ') || c == '\x7f'; })) {
        return refused(value, "can not be a pattern: spaces, control characters and \"#\" are percent-encoded in URLs");
    }
    const std::size_t colon = value.find("://");
    const std::string scheme(value.substr(0, colon == std::string_view::npos ? 0 : colon + 3));
    std::string lower_scheme = scheme;
    std::transform(scheme.begin(), scheme.end(), lower_scheme.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    const bool wild_scheme = scheme.find('*') != std::string::npos;
    if (!scheme.empty() && !wild_scheme && lower_scheme != "http://" && lower_scheme != "https://") {
        return refused(value, "is of a scheme that is never asked: http and https are");
    }
    const std::string_view rest = value.substr(scheme.size());
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    const std::string_view authority = rest.substr(0, slash);
    const std::string_view path = rest.substr(slash);
    Block block;
    block.kind = BlockKind::pattern;
    if (wild_scheme || authority.find('*') != std::string_view::npos) {
        const bool says_nothing = value.find_first_not_of("*:/$") == std::string_view::npos;
        if (says_nothing) {
            return refused(value, "is every URL: gritctl pause stops the crawl");
        }
        block.value = lower_scheme + std::string(rest);
        return block;
    }
    const auto origin = url::canonicalize(fmt::format("{}{}/", lower_scheme.empty() ? "http://" : lower_scheme, authority));
    if (!origin) {
        return refused(value, fmt::format("can not be a pattern: {}", origin.error().message()));
    }
    block.value = lower_scheme + origin->authority() + (path.empty() ? "/" : std::string(path));
    return block;
}

// A name with "*." before it is a domain; any other "*", a path or a scheme make a pattern.
BlockKind guessed_kind(std::string_view value) {
    if (network_of(value)) {
        return BlockKind::cidr;
    }
    const std::string_view name = value.starts_with("*.") ? value.substr(2) : value;
    return name.find_first_of("/*") == std::string_view::npos ? BlockKind::domain : BlockKind::pattern;
}

}  // namespace

std::string_view name_of(BlockKind kind) noexcept {
    switch (kind) {
        case BlockKind::host:
            return "host";
        case BlockKind::domain:
            return "domain";
        case BlockKind::cidr:
            return "cidr";
        case BlockKind::pattern:
            return "pattern";
    }
    return "host";
}

std::optional<BlockKind> block_kind_named(std::string_view name) noexcept {
    const auto found = std::find_if(kKinds.begin(), kKinds.end(), [name](BlockKind kind) { return name_of(kind) == name; });
    return found == kKinds.end() ? std::nullopt : std::optional(*found);
}

std::string Block::name() const { return fmt::format("{} {}", name_of(kind), value); }

Checked<Block> parse_block(std::optional<BlockKind> kind, std::string_view text) {
    const std::string_view value = trimmed(text);
    if (value.empty()) {
        return Problem{"there is nothing to block: a host, domain, CIDR or URL pattern is wanted"};
    }
    if (value.size() > kMaxBlockValue) {
        return Problem{fmt::format("what is blocked has at most {} bytes", kMaxBlockValue)};
    }
    const BlockKind meant = kind.value_or(guessed_kind(value));
    auto block = meant == BlockKind::cidr      ? parse_cidr(value)
                 : meant == BlockKind::pattern ? parse_pattern(value)
                                               : parse_name(meant, value, !kind);
    if (block && block->value.size() > kMaxBlockValue) {  // an international name may have grown
        return Problem{fmt::format("what is blocked has at most {} bytes", kMaxBlockValue)};
    }
    return block;
}

std::string blocked_detail(const Block& block) {
    std::string detail = std::string(kDetailPrefix) + block.name();
    return block.reason.empty() ? detail : detail + " (" + block.reason + ")";
}

bool is_detail_of(const Block& block, std::string_view detail) {
    const std::string wanted = std::string(kDetailPrefix) + block.name();
    return detail.starts_with(wanted) && (detail.size() == wanted.size() || detail.substr(wanted.size()).starts_with(" ("));
}

}  // namespace grit::politeness
