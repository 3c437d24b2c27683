#include "grit/annotations/inputs.hpp"

#include <fmt/format.h>
#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <utility>

namespace grit::annotations {
namespace {

enum class Kind { absent, folder, other };

Kind kind_of(const std::string& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) {
        return Kind::absent;
    }
    return S_ISDIR(status.st_mode) ? Kind::folder : Kind::other;
}

class GlobResult {
  public:
    explicit GlobResult(const std::string& pattern)
        // NOLINTNEXTLINE(concurrency-mt-unsafe): unsafe with GLOB_TILDE or a changing locale only (glob(3))
        : status_(::glob(pattern.c_str(), GLOB_NOSORT | GLOB_ERR, nullptr, &found_)) {}
    ~GlobResult() { ::globfree(&found_); }
    GlobResult(const GlobResult&) = delete;
    GlobResult& operator=(const GlobResult&) = delete;

    [[nodiscard]] bool readable() const { return status_ == 0 || status_ == GLOB_NOMATCH; }
    [[nodiscard]] std::vector<std::string> paths() const {
        return status_ == 0 ? std::vector<std::string>(found_.gl_pathv, found_.gl_pathv + found_.gl_pathc)
                            : std::vector<std::string>();
    }

  private:
    glob_t found_{};
    int status_;
};

Checked<std::vector<std::string>> expand_one(const std::string& pattern) {
    const Kind kind = pattern == "-" ? Kind::other : kind_of(pattern);
    if (kind == Kind::other) {
        return std::vector<std::string>{pattern};
    }
    if (kind == Kind::folder) {
        return Problem{fmt::format("{}: is a folder; name its files, e.g. {}/*.jsonl", pattern, pattern)};
    }
    const GlobResult found(pattern);
    if (!found.readable()) {
        return Problem{fmt::format("{}: a folder of it can not be read", pattern)};
    }
    std::vector<std::string> paths = found.paths();
    std::erase_if(paths, [](const std::string& path) { return kind_of(path) == Kind::folder; });
    std::sort(paths.begin(), paths.end());
    if (paths.empty()) {
        return Problem{fmt::format("{}: matches no file", pattern)};
    }
    return paths;
}

}  // namespace

Checked<std::vector<std::string>> expand_inputs(std::span<const std::string> patterns) {
    std::vector<std::string> inputs;
    std::set<std::string> seen;
    std::string problems;
    for (const std::string& pattern : patterns) {
        auto paths = expand_one(pattern);
        if (!paths) {
            problems += (problems.empty() ? "" : "\n") + paths.error().what;
            continue;
        }
        for (std::string& path : *paths) {
            if (seen.insert(path).second) {
                inputs.push_back(std::move(path));
            }
        }
    }
    if (!problems.empty()) {
        return Problem{std::move(problems)};
    }
    return inputs;
}

}  // namespace grit::annotations
