#include "grit/config/classes.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>

#include "shipped_classes.hpp"

namespace grit::config {
namespace {

template <class T>
T at_most_if(bool strict, T value, T limit) {
    return strict ? std::min(value, limit) : value;
}
template <class T>
T at_least_if(bool strict, T value, T limit) {
    return strict ? std::max(value, limit) : value;
}

HostClass inheriting(HostClass own, const Politeness& from) {
    own.connections_per_host = own.connections_per_host.value_or(from.connections_per_host);
    own.connections_per_domain = own.connections_per_domain.value_or(from.connections_per_domain);
    own.min_interval = own.min_interval.value_or(from.min_interval);
    own.max_interval = own.max_interval.value_or(from.max_interval);
    return own;
}

// The shipped numbers were chosen beside the defaults: they do not undo what an operator made stricter than those.
HostClass held_to(HostClass shipped, const Politeness& own) {
    const Politeness usual;
    HostClass held = inheriting(std::move(shipped), own);
    held.connections_per_host = at_most_if(own.connections_per_host < usual.connections_per_host,
                                           *held.connections_per_host, own.connections_per_host);
    held.connections_per_domain = at_most_if(own.connections_per_domain < usual.connections_per_domain,
                                             *held.connections_per_domain, own.connections_per_domain);
    held.min_interval = at_least_if(own.min_interval > usual.min_interval, *held.min_interval, own.min_interval);
    held.max_interval = at_least_if(own.max_interval > usual.max_interval, *held.max_interval, own.max_interval);
    held.max_interval = std::max(*held.max_interval, *held.min_interval);
    return held;
}

}  // namespace

std::vector<HostClass> shipped_classes() {
    auto parsed = parse_classes(shipped_classes_text(), "cdn_classes.toml");
    if (const auto* errors = std::get_if<std::vector<ConfigError>>(&parsed)) {
        throw std::logic_error(errors->front().text());  // A test reads the file: this build is broken.
    }
    return std::get<std::vector<HostClass>>(std::move(parsed));
}

std::vector<HostClass> classes_in_force(const Politeness& politeness) {
    std::vector<HostClass> out;
    std::set<std::string> names;
    std::set<std::string> suffixes;
    for (const HostClass& own : politeness.classes) {
        names.insert(own.name);
        suffixes.insert(own.suffixes.begin(), own.suffixes.end());
        out.push_back(inheriting(own, politeness));
    }
    if (!politeness.shipped_classes) {
        return out;
    }
    for (HostClass& shipped : shipped_classes()) {
        std::erase_if(shipped.suffixes, [&](const std::string& suffix) { return suffixes.contains(suffix); });
        if (!names.contains(shipped.name) && !shipped.suffixes.empty()) {
            out.push_back(held_to(std::move(shipped), politeness));
        }
    }
    return out;
}

Config with_classes_written_out(Config config) {
    config.politeness.classes = classes_in_force(config.politeness);
    config.politeness.shipped_classes = false;
    return config;
}

}  // namespace grit::config
