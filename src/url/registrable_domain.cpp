#include "grit/url/registrable_domain.hpp"

#include <libpsl.h>
#include <xxhash.h>

#include "host.hpp"

namespace grit::url {

std::string registrable_domain(std::string_view host) {
    std::string name(host);
    const bool has_domain = name.find('.') != std::string::npos && name.find(':') == std::string::npos &&
                            name.find('\0') == std::string::npos && !ends_in_number(name);
    // Null for a public suffix; otherwise it points into `name`.
    const char* const domain = has_domain ? psl_registrable_domain(psl_builtin(), name.c_str()) : nullptr;
    return domain != nullptr ? std::string(domain) : name;
}

std::uint16_t partition_of(std::string_view registrable_domain) noexcept {
    return static_cast<std::uint16_t>(XXH3_64bits(registrable_domain.data(), registrable_domain.size()) %
                                      kPartitionCount);
}

}  // namespace grit::url
