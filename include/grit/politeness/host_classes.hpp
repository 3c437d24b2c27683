// Which manners hold for which host.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "grit/politeness/host_gate.hpp"

namespace grit::politeness {

/// The crawl's own manners, and those of classes of hosts that are known by how their names end.
///
/// The longest suffix decides, at a dot: "pinimg.com" is pinimg.com and i.pinimg.com, not notpinimg.com. Addresses are
/// in no class. Lookup: one hash per label of the name.
/// Threads: any number may read; nobody else while it is changed.
class HostClasses {
  public:
    /// Small, since there is one per host of the data set. 0 is no class: the crawl's own manners.
    using Index = std::uint8_t;
    static constexpr Index kNone = 0;

    /// Where one host belongs.
    struct Found {
        Index host = kNone;    ///< by its own name
        Index domain = kNone;  ///< by its registrable domain's: equal for all hosts of the domain, as a shared limit must be
        bool operator==(const Found&) const = default;
    };

    explicit HostClasses(const Manners& own = {}) : own_{{}, own} {}

    /// Adds a class. A suffix that an earlier class has stays there; classes beyond the 255th are left out (the config
    /// allows fewer).
    /// @param suffixes  canonical host names.
    void add(std::string name, std::span<const std::string> suffixes, const Manners& manners);

    /// @param host    canonical.
    /// @param domain  its registrable domain: the end of `host`.
    [[nodiscard]] Found find(std::string_view host, std::string_view domain) const;

    [[nodiscard]] const Manners& manners(Index index) const noexcept { return at(index).manners; }
    /// "" for kNone.
    [[nodiscard]] const std::string& name(Index index) const noexcept { return at(index).name; }
    /// For tests and benchmarks, which change them as they go. Its place stays when the object is assigned to.
    [[nodiscard]] Manners& own() noexcept { return own_.manners; }

    /// True if every host is in the class of the same index by both.
    [[nodiscard]] bool finds_as(const HostClasses& other) const { return by_suffix_ == other.by_suffix_; }

  private:
    struct Class {
        std::string name;
        Manners manners;
    };
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept;
    };

    [[nodiscard]] const Class& at(Index index) const noexcept { return index == kNone ? own_ : classes_[index - 1U]; }

    Class own_;
    std::vector<Class> classes_;
    std::unordered_map<std::string, Index, Hash, std::equal_to<>> by_suffix_;
};

}  // namespace grit::politeness
