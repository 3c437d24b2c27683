// Any bytes as X-Robots-Tag headers, one a line, and as a tdm-reservation.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "grit/robots/robots_tag.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::array<std::string, 5> disallowed{"noai", "noimageai", "noindex", "noimageindex", "noml"};
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    std::vector<std::string_view> values;
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        values.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    const auto directive = grit::robots::refusing_directive(values, "gritd", disallowed);
    if (directive) {
        bool known = *directive == "none";
        for (const std::string& d : disallowed) {
            known = known || *directive == d;
        }
        if (!known) {
            std::abort();
        }
    }
    if (grit::robots::refusing_directive(values, "gritd", {})) {
        std::abort();
    }
    static_cast<void>(grit::robots::tdm_reserved(text));
    return 0;
}
