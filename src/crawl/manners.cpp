#include "manners.hpp"

#include "grit/config/classes.hpp"

namespace grit::crawl {

politeness::HostClasses host_classes_of(const config::Config& config, std::span<const Milliseconds> down_schedule) {
    politeness::Manners own;
    own.connections_per_host = config.politeness.connections_per_host;
    own.connections_per_domain = config.politeness.connections_per_domain;
    own.min_interval = config.politeness.min_interval;
    own.max_interval = config.politeness.max_interval;
    own.down_schedule = down_schedule;
    politeness::HostClasses classes(own);
    for (const config::HostClass& held : config::classes_in_force(config.politeness)) {
        politeness::Manners manners = own;
        manners.connections_per_host = held.connections_per_host.value_or(own.connections_per_host);
        manners.connections_per_domain = held.connections_per_domain.value_or(own.connections_per_domain);
        manners.min_interval = held.min_interval.value_or(own.min_interval);
        manners.max_interval = held.max_interval.value_or(own.max_interval);
        classes.add(held.name, held.suffixes, manners);
    }
    return classes;
}

}  // namespace grit::crawl
