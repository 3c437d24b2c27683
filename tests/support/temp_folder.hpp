// A folder that is gone after the test. In memory where the machine has a place for that (and TMPDIR names no other): tests
// of logic should not wait for a disk's syncs.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace grit::test {

class TempFolder {
  public:
    TempFolder() {
        const std::filesystem::path memory = "/dev/shm";
        if (std::getenv("TMPDIR") != nullptr || !make_in(memory)) {
            if (!make_in(std::filesystem::temp_directory_path())) {
                throw std::runtime_error("no folder for a test");
            }
        }
    }
    ~TempFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] std::string operator/(std::string_view name) const { return (path_ / name).string(); }

  private:
    bool make_in(const std::filesystem::path& base) {
        std::string name = (base / "grit-test-XXXXXX").string();
        const bool made = mkdtemp(name.data()) != nullptr;
        path_ = made ? name : std::string();
        return made;
    }
    std::filesystem::path path_;
};

}  // namespace grit::test
