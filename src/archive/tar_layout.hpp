// Images as members of tar shards.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "grit/archive/layout.hpp"
#include "shard_indexes.hpp"
#include "tar_shard.hpp"

namespace grit::archive {

/// Publishing is appending: the bytes go from the temporaries to the end of the one open shard and are synced there; the
/// state then says how far that shard reaches. What lies behind that is of no record and is cut off: at once after an
/// error, else at the next start. Temporaries stay until the state has said it.
class TarLayout final : public Layout {
  public:
    TarLayout(Depot& depot, TarOptions options) : depot_(depot), options_(options), indexes_(depot) {
        depot_.hold_up_to(options.held_bytes);
    }

    [[nodiscard]] Sidecars sidecars() const noexcept override { return Sidecars::annotated; }
    [[nodiscard]] Checked<Restored> restore(std::span<const std::string> intents,
                                            std::span<const ShardMark> marks) override;
    // The temporaries need not be durable: they are read, and looked at, while they are appended.
    [[nodiscard]] Result<void> sync() override { return {}; }
    void begin() override;
    [[nodiscard]] std::string propose(const Arrival& arrival) const override;
    std::string accept(Arrival arrival) override;
    /// The last of the shards that the group begins.
    [[nodiscard]] std::vector<std::string> intents() const override;
    [[nodiscard]] bool empty() const noexcept override { return planned_.empty(); }
    [[nodiscard]] Publishing publish() override;
    [[nodiscard]] Result<void> withdraw() override;
    [[nodiscard]] std::vector<ShardMark> marks() const override { return marks_; }
    void committed() override;
    void close() override;
    [[nodiscard]] Result<void> discard(std::string_view temp_name) override { return depot_.discard(temp_name); }
    [[nodiscard]] std::string claim_of(std::string_view location) const override;
    [[nodiscard]] Checked<void> remove(std::span<const std::string> locations) override;
    [[nodiscard]] Result<Extent> find(std::string_view location) const override;
    [[nodiscard]] Result<void> check_headers(std::string_view location) const override;

  private:
    struct Planned {
        Arrival arrival;
        std::uint32_t shard = 0;
        std::string key;
    };
    // Where an image would go, behind those that are planned.
    struct Place {
        std::uint32_t shard = 0;
        std::string key;
        std::uint64_t bytes = 0;    // of its shard before it
        std::uint32_t samples = 0;  // likewise
    };
    struct Location {
        std::uint32_t shard = 0;
        std::string_view member;
    };
    [[nodiscard]] static std::optional<Location> parse(std::string_view location);
    [[nodiscard]] Place place_of(const Arrival& arrival) const;
    void retire_if_damaged();
    [[nodiscard]] bool is_open(std::uint32_t shard) const { return open_ != nullptr && open_->number() == shard; }

    [[nodiscard]] Checked<void> restore_shard(const ShardMark& mark, Restored& restored);
    [[nodiscard]] Checked<std::vector<std::string>> files_of_shards_from(std::uint32_t first) const;
    [[nodiscard]] Checked<void> keep_unknown_shards(Restored& restored);
    [[nodiscard]] Checked<void> remove_unrecorded_shards(std::span<const std::string> intents, Restored& restored);
    [[nodiscard]] int erase_halves();

    [[nodiscard]] int append_planned(bool& sync_failed);
    [[nodiscard]] int go_to(std::uint32_t shard, bool& sync_failed);
    [[nodiscard]] int seal_open(bool& sync_failed);
    [[nodiscard]] int sync_open(bool& sync_failed);
    [[nodiscard]] int cut_back();
    [[nodiscard]] int remove_shard(std::uint32_t shard);

    [[nodiscard]] Result<ShardIndex*> index_of(std::uint32_t shard) const;
    [[nodiscard]] int erase_samples(std::uint32_t shard, const std::vector<std::string>& keys);
    [[nodiscard]] int erase_in_file(std::uint32_t shard, const std::vector<TarMember>& blanked,
                                    const std::vector<std::vector<TarMember>>& samples);

    Depot& depot_;
    TarOptions options_;
    mutable std::mutex mutex_;  // of the shards' files and indexes
    mutable ShardIndexes indexes_;
    // As it is: the shard that is filled (nothing: the next image begins one), and the number that a new one gets.
    std::unique_ptr<TarShard> open_;
    std::uint32_t next_ = 0;
    // As the state has it.
    std::optional<ShardMark> kept_open_;
    std::uint32_t kept_next_ = 0;
    bool dirty_ = false;  // the two may differ

    std::vector<Planned> planned_;
    std::uint32_t plan_shard_ = 0;  // where the last planned image goes, and how full that shard is then
    std::uint64_t plan_bytes_ = 0;
    std::uint32_t plan_samples_ = 0;
    std::vector<ShardMark> marks_;    // of what `publish` did
    std::vector<ShardMark> retired_;  // of damaged shards: sealed with the next group
};

}  // namespace grit::archive
