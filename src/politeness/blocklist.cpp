#include "grit/politeness/blocklist.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>

namespace grit::politeness {
namespace {

namespace ip = boost::asio::ip;

std::string_view without_scheme(std::string_view text) {
    const std::size_t end = text.find("://");
    return end == std::string_view::npos ? text : text.substr(end + 3);
}

std::string_view host_of_authority(std::string_view authority) {
    if (authority.starts_with('[')) {
        return authority.substr(1, authority.find(']') - 1);
    }
    return authority.substr(0, authority.find(':'));
}

template <std::size_t N>
std::string network_key(std::array<unsigned char, N> bytes, unsigned prefix) {
    for (std::size_t i = 0; i < N; ++i) {
        const unsigned kept = prefix > 8 * i ? std::min<unsigned>(8, prefix - static_cast<unsigned>(8 * i)) : 0;
        bytes[i] = static_cast<unsigned char>(bytes[i] & (0xff00U >> kept));
    }
    std::string key(reinterpret_cast<const char*>(bytes.data()), N);
    key.push_back(static_cast<char>(prefix));
    return key;
}

void add_prefix(std::vector<unsigned>& prefixes, unsigned prefix) {
    if (std::find(prefixes.begin(), prefixes.end(), prefix) == prefixes.end()) {
        prefixes.push_back(prefix);
        std::sort(prefixes.rbegin(), prefixes.rend());  // the narrowest network first
    }
}

bool is_loose(const Block& block) {
    const std::string_view value = block.value;
    const std::string_view rest = without_scheme(value);
    const std::string_view before_path = value.substr(0, value.size() - rest.size() + std::min(rest.find('/'), rest.size()));
    return block.kind == BlockKind::pattern && before_path.find('*') != std::string_view::npos;
}

}  // namespace

Blocklist::Blocklist(std::vector<Block> blocks) : blocks_(std::move(blocks)) {
    for (std::uint32_t i = 0; i < blocks_.size(); ++i) {
        switch (blocks_[i].kind) {
            case BlockKind::host:
                hosts_.emplace(blocks_[i].value, i);
                break;
            case BlockKind::domain:
                domains_.emplace(blocks_[i].value, i);
                break;
            case BlockKind::cidr:
                add_network(i);
                break;
            case BlockKind::pattern:
                add_pattern(i);
                break;
        }
    }
}

void Blocklist::add_pattern(std::uint32_t index) {
    const std::string& value = blocks_[index].value;
    const std::string_view rest = without_scheme(value);
    const bool with_scheme = rest.size() != value.size();
    Pattern pattern{index, with_scheme, robots::Rules::parse("User-agent: *\nDisallow: /" + value + "\n", {})};
    if (is_loose(blocks_[index])) {
        loose_patterns_.push_back(std::move(pattern));
        return;
    }
    const std::string_view authority = rest.substr(0, rest.find('/'));
    patterns_by_host_[std::string(host_of_authority(authority))].push_back(std::move(pattern));
}

void Blocklist::add_network(std::uint32_t index) {
    ErrorCode error;
    const std::string& value = blocks_[index].value;
    if (const ip::network_v4 v4 = ip::make_network_v4(value, error); !error) {
        networks_.emplace(network_key(v4.network().to_bytes(), v4.prefix_length()), index);
        add_prefix(prefixes_v4_, v4.prefix_length());
    } else if (const ip::network_v6 v6 = ip::make_network_v6(value, error); !error) {
        networks_.emplace(network_key(v6.network().to_bytes(), v6.prefix_length()), index);
        add_prefix(prefixes_v6_, v6.prefix_length());
    }
}

const Block* Blocklist::find(BlockKind kind, std::string_view value) const noexcept {
    const auto found = std::find_if(blocks_.begin(), blocks_.end(),
                                    [&](const Block& block) { return block.kind == kind && block.value == value; });
    return found == blocks_.end() ? nullptr : &*found;
}

Checked<void> Blocklist::has_room_for(const Block& block) const {
    if (blocks_.size() >= kMaxBlocks) {
        return Problem{fmt::format("{} things are blocked already, which is the most: take what you do not want out of "
                                   "the annotations instead", kMaxBlocks)};
    }
    if (is_loose(block) && loose_patterns_.size() >= kMaxLoosePatterns) {
        return Problem{fmt::format("{} patterns with a \"*\" in the host are blocked already, which is the most: name the "
                                   "host", kMaxLoosePatterns)};
    }
    return {};
}

const Block* Blocklist::of_host(std::string_view host) const {
    if (const auto exact = hosts_.find(host); exact != hosts_.end()) {
        return &blocks_[exact->second];
    }
    if (domains_.empty()) {
        return nullptr;
    }
    for (std::string_view rest = host;;) {
        if (const auto domain = domains_.find(rest); domain != domains_.end()) {
            return &blocks_[domain->second];
        }
        const std::size_t dot = rest.find('.');
        if (dot == std::string_view::npos) {
            return nullptr;
        }
        rest.remove_prefix(dot + 1);
    }
}

const Block* Blocklist::of_url(const url::CanonicalUrl& url) const {
    if (!patterns_by_host_.empty()) {
        const auto of_host = patterns_by_host_.find(url.host);
        if (of_host != patterns_by_host_.end()) {
            if (const Block* block = of_patterns(of_host->second, url)) {
                return block;
            }
        }
    }
    return of_patterns(loose_patterns_, url);
}

const Block* Blocklist::of_patterns(const std::vector<Pattern>& patterns, const url::CanonicalUrl& url) const {
    if (patterns.empty()) {
        return nullptr;
    }
    const std::string whole = "/" + url.text;
    const std::string plain = "/" + std::string(without_scheme(url.text));
    for (const Pattern& pattern : patterns) {
        if (!pattern.rules.allows(pattern.with_scheme ? whole : plain)) {
            return &blocks_[pattern.block];
        }
    }
    return nullptr;
}

const Block* Blocklist::of_address(const ip::address& address) const {
    const auto look = [this](const auto& bytes, const std::vector<unsigned>& prefixes) -> const Block* {
        for (const unsigned prefix : prefixes) {
            if (const auto found = networks_.find(network_key(bytes, prefix)); found != networks_.end()) {
                return &blocks_[found->second];
            }
        }
        return nullptr;
    };
    if (address.is_v4()) {
        return look(address.to_v4().to_bytes(), prefixes_v4_);
    }
    const ip::address_v6::bytes_type bytes = address.to_v6().to_bytes();
    // NAT64 (RFC 6052): the IPv4 address that is meant is in the last four bytes.
    constexpr std::array<unsigned char, 12> kNat64{0x00, 0x64, 0xff, 0x9b};
    if (!prefixes_v4_.empty() && std::equal(kNat64.begin(), kNat64.end(), bytes.begin())) {
        if (const Block* block = look(ip::address_v4::bytes_type{bytes[12], bytes[13], bytes[14], bytes[15]}, prefixes_v4_)) {
            return block;
        }
    }
    return look(bytes, prefixes_v6_);
}

}  // namespace grit::politeness
