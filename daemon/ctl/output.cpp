#include "output.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string_view>

#include "text.hpp"

namespace grit::ctl {
namespace {

// NOLINTBEGIN(concurrency-mt-unsafe): gritctl has one thread.
bool is_set(const char* variable) {
    const char* value = std::getenv(variable);
    return value != nullptr && *value != '\0';
}

bool is_dumb() {
    const char* terminal = std::getenv("TERM");
    return terminal == nullptr || std::string_view(terminal) == "dumb";
}
// NOLINTEND(concurrency-mt-unsafe)

std::size_t columns_of(int descriptor) {
    winsize size{};
    return ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

Output standard_output() {
    Output output{std::cout, std::cerr};
    output.terminal = ::isatty(STDOUT_FILENO) == 1 && !is_dumb();
    output.color = output.terminal && !is_set("NO_COLOR");
    output.columns = output.terminal ? columns_of(STDOUT_FILENO) : 80;
    return output;
}

int report(const Output& output, const Failure& failure) {
    output.err << "gritctl: " << printable(failure.what, Lines::keep) << '\n';
    if (!failure.hint.empty()) {
        output.err << "  " << printable(failure.hint, Lines::keep) << '\n';
    }
    return static_cast<int>(failure.code);
}

}  // namespace grit::ctl
