// Any bytes as a robots.txt. The first line is the target that is asked for, the rest is the file.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "grit/robots/rules.hpp"

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::size_t line = text.find('\n');
    const std::string_view target = text.substr(0, line);
    const std::string_view body = line == std::string_view::npos ? std::string_view() : text.substr(line + 1);
    for (const std::string_view token : {"gritd", "otherbot", ""}) {
        const grit::robots::Rules rules = grit::robots::Rules::parse(body, token);
        const bool allowed = rules.allows(target);
        require(rules.allows(target) == allowed);
        require(rules.allows("/robots.txt"));
        require(rules.memory_bytes() < (4u << 20));
        const auto again = grit::robots::Rules::of_text(rules.text());  // as the state keeps them
        require(again && again->allows(target) == allowed && again->crawl_delay() == rules.crawl_delay());
        const auto delay = rules.crawl_delay();
        require(!delay || (delay->count() >= 0 && delay->count() <= 86'400'000));
    }
    if (const auto kept = grit::robots::Rules::of_text(body)) {
        static_cast<void>(kept->allows(target));
    }
    require(grit::robots::product_token_of(text).size() <= size);
    return 0;
}
