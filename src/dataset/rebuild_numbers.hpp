// Which lines of the inputs had which ordinals, where no journal tells it: by the images whose sidecars know both their URL and
// their ordinal. Private to the module.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "grit/store/env.hpp"
#include "grit/store/tables.hpp"
#include "rebuild_replay.hpp"

namespace grit::dataset {

/// An input that is read from its beginning to its end gives its lines ordinals that follow each other. What most of the
/// lines with an image say is taken for how it was, up to the last line that says so; lines behind it, and inputs of which
/// nothing is known or that contradict another one, get new ordinals.
class RebuildNumbers {
  public:
    RebuildNumbers(store::Env& env, Replay& replay, std::string url_field) : env_(env), replay_(replay), url_field_(std::move(url_field)) {}

    /// Reads all inputs once. A pipe is passed over. What it finds goes into `Replay::inputs`.
    /// @param on_count  called with the lines read; false ends it.
    /// Errors, in words: an input can not be read (the others are looked at nevertheless); the state.
    [[nodiscard]] Checked<void> find(const std::vector<std::string>& inputs, const std::function<bool(std::uint64_t)>& on_count);

  private:
    /// A first ordinal that lines speak for.
    struct Votes {
        std::uint64_t count = 0;
        std::uint64_t last_line = 0;
    };
    struct Found {
        store::InputRow row;
        std::uint64_t votes = 0;
    };
    [[nodiscard]] Checked<void> look_at(const std::string& path, const std::function<bool(std::uint64_t)>& on_count);
    void vote(const store::Txn& txn, std::string_view raw_url, std::uint64_t line, std::map<Ordinal, Votes>& votes) const;
    void note();

    store::Env& env_;
    Replay& replay_;
    std::string url_field_;
    std::uint64_t lines_ = 0;
    std::vector<Found> found_;
};

}  // namespace grit::dataset
