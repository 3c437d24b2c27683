// toml++ as this module uses it: errors are values, and it is not asked to write TOML.
#pragma once

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>
