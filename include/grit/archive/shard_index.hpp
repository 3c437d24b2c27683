// Where the members of one tar shard are: 00012.idx beside 00012.tar. A public promise.
//
// The form is that of NVIDIA DALI's `wds2idx`, version 1.2, so that loaders that know it need no index of their own:
//   v1.2 SAMPLES
//   EXTENSION OFFSET SIZE NAME [EXTENSION OFFSET SIZE NAME ...]     one line per sample, in the order of the archive
// OFFSET is where the member's bytes begin, in bytes from the beginning of the tar file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "grit/archive/tar.hpp"

namespace grit::archive {

/// What stands before the first dot of a name, and behind it, as WebDataset's readers have it.
struct SampleName {
    std::string_view key;
    std::string_view extension;
};
[[nodiscard]] SampleName sample_name(std::string_view member);

/// The samples of one shard. Threads: one at a time.
class ShardIndex {
  public:
    /// @return nothing if it is no such text, or can not be true: a member lies where no header could be before it, or in another one.
    [[nodiscard]] static std::optional<ShardIndex> parse(std::string_view text);
    [[nodiscard]] std::string text() const;

    /// In the archive's order: members of one sample follow each other.
    void add(TarMember member);
    /// Forgets a sample. That there is none is no error.
    void erase(std::string_view key);
    /// Forgets the members that do not lie before that offset, and samples without any.
    void cut(std::uint64_t bytes);
    /// Forgets samples that do not wholly lie before that offset. @return how many there were.
    std::size_t drop_torn(std::uint64_t bytes);
    /// Where the last member ends, filled up to a whole block.
    [[nodiscard]] std::uint64_t end() const;
    void clear();

    /// Nothing if there is none.
    [[nodiscard]] const TarMember* find(std::string_view name) const;
    /// The members of a sample; empty if there is none.
    [[nodiscard]] std::vector<TarMember> sample(std::string_view key) const;
    [[nodiscard]] bool contains(std::string_view key) const { return samples_.contains(std::string(key)); }
    [[nodiscard]] std::size_t size() const noexcept { return samples_.size(); }
    /// The keys in the archive's order.
    [[nodiscard]] std::vector<std::string> keys() const;

  private:
    [[nodiscard]] bool overlaps() const;

    struct Sample {
        std::uint64_t order = 0;
        std::vector<TarMember> members;
    };
    std::unordered_map<std::string, Sample> samples_;  // by key
    std::uint64_t next_order_ = 0;
};

}  // namespace grit::archive
