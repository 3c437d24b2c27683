// All that an operator has blocked, and what of it concerns a host, a URL or an address.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "grit/politeness/block.hpp"
#include "grit/robots/rules.hpp"
#include "grit/url/canonical_url.hpp"

namespace grit::politeness {

/// Immutable: a change is a new list, handed to each shard. Threads: may be shared by any.
///
/// Time: a host costs one look-up per label, an address one per prefix length in use; a URL is compared with the
/// patterns of its host and with those of no certain host, which are few.
class Blocklist {
  public:
    /// How many there may be; a longer list belongs into the input's filter.
    static constexpr std::size_t kMaxBlocks = 10'000;
    /// Of those, patterns whose host has a "*": each URL is compared with all of them.
    static constexpr std::size_t kMaxLoosePatterns = 100;

    Blocklist() = default;
    /// @param blocks  from `parse_block`; no two alike.
    explicit Blocklist(std::vector<Block> blocks);
    Blocklist(const Blocklist&) = delete;
    Blocklist& operator=(const Blocklist&) = delete;

    [[nodiscard]] bool empty() const noexcept { return blocks_.empty(); }
    [[nodiscard]] const std::vector<Block>& blocks() const noexcept { return blocks_; }
    /// @return nullptr if that is not blocked itself.
    [[nodiscard]] const Block* find(BlockKind kind, std::string_view value) const noexcept;
    /// Whether another one fits. Errors, in words: the bounds above.
    [[nodiscard]] Checked<void> has_room_for(const Block& block) const;

    // Each gives the block that concerns it, or nullptr. The pointer lives as long as the list.

    /// @param host  as in `CanonicalUrl::host`. The host itself goes before its domains, a longer domain before a shorter.
    [[nodiscard]] const Block* of_host(std::string_view host) const;
    /// By patterns alone.
    [[nodiscard]] const Block* of_url(const url::CanonicalUrl& url) const;
    [[nodiscard]] const Block* of_address(const boost::asio::ip::address& address) const;

  private:
    // A pattern as a robots.txt with one rule: it is compared by the same rules (percent-encoding, "*", "$").
    struct Pattern {
        std::uint32_t block;
        bool with_scheme;
        robots::Rules rules;
    };

    void add_pattern(std::uint32_t index);
    void add_network(std::uint32_t index);
    [[nodiscard]] const Block* of_patterns(const std::vector<Pattern>& patterns, const url::CanonicalUrl& url) const;

    std::vector<Block> blocks_;
    // Keys are views into blocks_.
    std::unordered_map<std::string_view, std::uint32_t> hosts_;
    std::unordered_map<std::string_view, std::uint32_t> domains_;
    std::unordered_map<std::string, std::vector<Pattern>> patterns_by_host_;
    std::vector<Pattern> loose_patterns_;
    std::unordered_map<std::string, std::uint32_t> networks_;  // masked bytes and prefix length
    std::vector<unsigned> prefixes_v4_;
    std::vector<unsigned> prefixes_v6_;
};

using BlocklistPtr = std::shared_ptr<const Blocklist>;

}  // namespace grit::politeness
