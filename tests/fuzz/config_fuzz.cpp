// Any text is read or refused in words; what is read, is read again from its own spelling.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <variant>

#include "grit/config/load.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto result = grit::config::parse_config(text, "fuzz.toml");
    if (const auto* errors = std::get_if<1>(&result)) {
        if (errors->empty()) {
            std::abort();
        }
        for (const auto& error : *errors) {
            for (const char c : error.text()) {
                if (static_cast<unsigned char>(c) < 0x20 || c == '\x7f') {
                    std::abort();
                }
            }
        }
        return 0;
    }
    const auto again = grit::config::parse_config(grit::config::effective_toml(std::get<0>(result)), "again.toml");
    if (again != result) {
        std::abort();
    }
    return 0;
}
