// One file per image, and perhaps files beside it.
#pragma once

#include <string>
#include <vector>

#include "grit/archive/layout.hpp"

namespace grit::archive {

/// Publishing is renaming. The Depot knows how to do that so that a crash is cleaned up by the intents.
class FilesLayout : public Layout {
  public:
    explicit FilesLayout(Depot& depot, Sidecars sidecars = Sidecars::none) : depot_(depot), sidecars_(sidecars) {}

    [[nodiscard]] Sidecars sidecars() const noexcept override { return sidecars_; }
    [[nodiscard]] Checked<Restored> restore(std::span<const std::string> intents,
                                            std::span<const ShardMark> marks) override;
    [[nodiscard]] Result<void> sync() override { return depot_.sync(); }
    void begin() override { forget(); }
    [[nodiscard]] std::string propose(const Arrival& arrival) const override;
    std::string accept(Arrival arrival) override;
    [[nodiscard]] std::vector<std::string> intents() const override;
    [[nodiscard]] bool empty() const noexcept override { return moves_.empty(); }
    [[nodiscard]] Publishing publish() override;
    [[nodiscard]] Result<void> withdraw() override;
    [[nodiscard]] std::vector<ShardMark> marks() const override { return {}; }
    void committed() override;
    void close() override {}
    [[nodiscard]] Result<void> discard(std::string_view temp_name) override { return depot_.discard(temp_name); }
    [[nodiscard]] std::string claim_of(std::string_view location) const override { return std::string(location); }
    [[nodiscard]] Checked<void> remove(std::span<const std::string> locations) override;
    [[nodiscard]] Result<Extent> find(std::string_view location) const override;

  private:
    // A file that comes with an image. Its temporary is made when it is published.
    struct Beside {
        std::string path;
        std::string bytes;
        std::string temp_name;
    };
    [[nodiscard]] Result<void> stage(Beside& file);
    void forget();

    Depot& depot_;
    Sidecars sidecars_;
    std::vector<Move> moves_;
    std::vector<Beside> beside_;
    std::vector<std::string> withdrawn_;  // removed, perhaps: durably only after the next sync that works
};

}  // namespace grit::archive
