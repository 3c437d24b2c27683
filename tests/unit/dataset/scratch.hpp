// What the tests of exports share: a folder that goes away, files, and Python as the judge.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "grit/dataset/export_source.hpp"
#include "temp_folder.hpp"

namespace grit::dataset::test {

/// A folder that is gone after the test, and how many entries it has.
class ScratchFolder : public grit::test::TempFolder {
  public:
    [[nodiscard]] std::size_t entries() const {
        const std::filesystem::directory_iterator begin(path());
        return static_cast<std::size_t>(std::distance(begin, std::filesystem::directory_iterator()));
    }
};

inline void write_file(const std::string& path, std::string_view bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

inline std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// The whole text of a source; pieces are never empty.
inline std::string all_of(ExportSource& source) {
    std::string text;
    std::string chunk;
    for (;;) {
        const auto more = source.next(chunk);
        EXPECT_TRUE(more) << more.error().what;
        if (!more || !*more) {
            return text;
        }
        EXPECT_FALSE(chunk.empty());
        text += chunk;
    }
}

/// What `python3 -c script` writes to standard output.
inline std::string python(const ScratchFolder& folder, const std::string& script) {
    const std::string file = folder / "judge.py";
    write_file(file, script);
    const std::string command = "/usr/bin/python3 " + file;
    FILE* pipe = ::popen(command.c_str(), "r");  // NOLINT: a script of this test
    std::string output;
    std::array<char, 4096> buffer{};
    while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
        output.append(buffer.data(), size);
    }
    EXPECT_EQ(::pclose(pipe), 0) << script;
    std::filesystem::remove(file);
    return output;
}

}  // namespace grit::dataset::test
