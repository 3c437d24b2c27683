// From the lines of a robots.txt to the rules that bind one product token.
#pragma once

#include <array>
#include <string_view>

#include "grit/robots/rules.hpp"
#include "octets.hpp"

namespace grit::robots {

/// Takes lines in file order, then gives the rules once.
class RulesBuilder {
  public:
    explicit RulesBuilder(std::string_view product_token) : token_(product_token) {}

    /// One line without its end. Lines that are no record of the standard change nothing.
    void add_line(std::string_view line);
    [[nodiscard]] Rules build();

    /// A single rule for everything.
    [[nodiscard]] static Rules disallow_everything();

  private:
    // What one kind of group says: those that name the token, or those of "*".
    struct Binding {
        bool named = false;     // such a group exists
        bool in_group = false;  // the current group is one
        PathRules paths;
        std::optional<Milliseconds> crawl_delay;
    };

    void add_user_agent(std::string_view value);
    void add_rule(bool allow, std::string_view path);
    void add_crawl_delay(std::string_view value);

    std::string_view token_;
    Binding ours_;
    Binding everybody_;
    bool group_has_rules_ = false;  // so that the next user-agent line begins a new group
};

}  // namespace grit::robots
