// Takes over images that no record names. Private to the module.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "grit/archive/layout.hpp"
#include "grit/base/clock.hpp"
#include "grit/dataset/rebuild.hpp"
#include "grit/store/writer.hpp"
#include "rebuild_images.hpp"
#include "rebuild_replay.hpp"
#include "rebuild_telling.hpp"

namespace grit::dataset {

/// An image with a sidecar is taken by what that says, if its bytes have the digest that it tells. In a layout without
/// sidecars the inputs tell its URL, as far as the journal knows which line has its number. What nobody knows stays.
/// An image whose record was deleted goes.
///
/// Threads: one at a time. Lifetime: the parts outlive it.
class RebuildTaking {
  public:
    struct Parts {
        store::Writer& writer;
        archive::Layout& layout;
        Replay& replay;
        RebuildTelling& telling;
        RebuildReport& report;
        const Clock& clock;
        const std::string& url_field;
    };
    explicit RebuildTaking(const Parts& parts) : parts_(parts) {}

    /// Errors, in words: the state can not be written; an image can not be removed.
    [[nodiscard]] Checked<void> take(std::span<const LooseImage> some);
    /// Those that wait for an input: at the end, and by itself where they are many. Reads the inputs once. What is wrong with
    /// one is a problem in the report.
    [[nodiscard]] Checked<void> take_by_inputs();

  private:
    struct Candidate {
        const LooseImage* image = nullptr;
        store::RecordKey key;
        std::string host;
        store::Record record;
    };
    /// Those that wait, by their numbers.
    using Wanted = std::unordered_map<Ordinal, std::size_t>;

    [[nodiscard]] Checked<void> remove(const std::vector<std::string>& locations);
    [[nodiscard]] Checked<void> take_by_sidecars(std::span<const LooseImage* const> some);
    [[nodiscard]] Checked<Candidate> by_sidecar(const LooseImage& image) const;
    [[nodiscard]] Checked<Candidate> candidate(const LooseImage& image, store::Record record) const;
    [[nodiscard]] Checked<void> take_by_input(const store::InputRow& input, const Wanted& wanted);
    [[nodiscard]] Checked<bool> take_by_url(const LooseImage& image, std::string_view raw_url);
    /// @return which have a record now.
    [[nodiscard]] Checked<std::vector<bool>> put(std::span<const Candidate> some);
    [[nodiscard]] Checked<void> leave(const LooseImage& image, std::string_view why);

    Parts parts_;
    std::vector<LooseImage> waiting_;
    std::vector<bool> taken_;  // of those
};

}  // namespace grit::dataset
