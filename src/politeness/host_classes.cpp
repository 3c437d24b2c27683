#include "grit/politeness/host_classes.hpp"

#include <xxhash.h>

#include <limits>
#include <utility>

namespace grit::politeness {

std::size_t HostClasses::Hash::operator()(std::string_view text) const noexcept {
    return XXH3_64bits(text.data(), text.size());
}

void HostClasses::add(std::string name, std::span<const std::string> suffixes, const Manners& manners) {
    if (classes_.size() >= std::numeric_limits<Index>::max()) {
        return;
    }
    classes_.push_back(Class{std::move(name), manners});
    const auto index = static_cast<Index>(classes_.size());
    for (const std::string& suffix : suffixes) {
        by_suffix_.try_emplace(suffix, index);
    }
}

HostClasses::Found HostClasses::find(std::string_view host, std::string_view domain) const {
    Found found;
    if (by_suffix_.empty()) {
        return found;
    }
    const std::size_t domain_begin = host.size() - domain.size();
    for (std::size_t begin = 0; begin < host.size();) {
        if (const auto known = by_suffix_.find(host.substr(begin)); known != by_suffix_.end()) {
            found.host = found.host == kNone ? known->second : found.host;
            if (begin >= domain_begin) {
                found.domain = known->second;
                break;
            }
        }
        const std::size_t dot = host.find('.', begin);
        begin = dot == std::string_view::npos ? host.size() : dot + 1;
    }
    return found;
}

}  // namespace grit::politeness
