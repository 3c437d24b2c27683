// Any bytes as a tdmrep.json, and as the text in which the state keeps one. The first line is the target that is asked for.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "grit/robots/tdm_rules.hpp"

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using grit::robots::TdmRules;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::size_t line = text.find('\n');
    const std::string_view target = text.substr(0, line);
    const std::string_view body = line == std::string_view::npos ? std::string_view() : text.substr(line + 1);
    const TdmRules rules = TdmRules::parse(body);
    require(rules.memory_bytes() < (4u << 20));
    const auto again = TdmRules::of_text(rules.text());
    require(again.has_value());
    require(again->text() == rules.text());
    require(again->reserves(target) == rules.reserves(target));
    if (const auto kept = TdmRules::of_text(body)) {
        static_cast<void>(kept->reserves(target));
        require(TdmRules::of_text(kept->text())->text() == kept->text());
    }
    return 0;
}
