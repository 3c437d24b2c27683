// A folder that is gone after the test, and shorthands to look into it.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "grit/archive/depot.hpp"
#include "temp_folder.hpp"

namespace grit::archive::test {

using grit::test::TempFolder;

inline DepotOptions options_for(const std::string& root) {
    DepotOptions options;
    options.root = root;
    options.dataset_id = "00112233445566778899aabbccddeeff";
    return options;
}

inline std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

inline std::string content_of(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return in ? std::string(std::istreambuf_iterator<char>(in), {}) : "(none)";
}

inline std::size_t files_in(const std::filesystem::path& folder) {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

/// A temporary with these bytes, closed and released. @return its name.
inline std::string stage(Depot& depot, std::string_view text) {
    TempImage image = depot.create();
    EXPECT_TRUE(image.append(bytes_of(text)));
    EXPECT_TRUE(image.close());
    return image.release();
}

}  // namespace grit::archive::test
