// The shard that is being filled.
#pragma once

#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "grit/archive/layout.hpp"
#include "grit/archive/place.hpp"
#include "grit/archive/shard_index.hpp"

namespace grit::archive {

/// "00012.idx"
[[nodiscard]] std::string shard_index_name(std::uint32_t shard);
/// The number in either; nothing if it is none of them.
[[nodiscard]] std::optional<std::uint32_t> shard_of_file(std::string_view name);
/// "000120005", and "000120005-2" for a second copy: no dot, since a key ends at the first.
[[nodiscard]] std::string sample_key(Ordinal ordinal, unsigned copy);

/// A tar file that grows at its end. Its errors are errno values.
/// Threads: one at a time. Lifetime: the Depot outlives it.
class TarShard {
  public:
    static constexpr int kUnreadable = ENOTRECOVERABLE;  // which no call on a file gives

    TarShard(Depot& depot, std::uint32_t number) : depot_(depot), number_(number) {}
    ~TarShard();
    TarShard(const TarShard&) = delete;
    TarShard& operator=(const TarShard&) = delete;

    [[nodiscard]] int create();
    /// One that is there, cut to `bytes`. @param cut gets how much was cut off.
    /// ENODATA: it is shorter, or something else lies in it. kUnreadable: the disk does not give its headers back.
    [[nodiscard]] int open(std::uint64_t bytes, std::uint32_t samples, std::uint64_t& cut);

    /// What `append` would add to the file.
    [[nodiscard]] static std::uint64_t bytes_of(const Arrival& arrival);
    /// Image and companions, at the end. After an error: `cut_back`. EBADMSG: the temporary is not what was fetched.
    [[nodiscard]] int append(const Arrival& arrival, const std::string& key);
    /// All that was appended is in the file; `sync` makes what is in the file durable.
    [[nodiscard]] int flush();
    [[nodiscard]] int sync();
    /// Everything behind is gone.
    [[nodiscard]] int cut_back(std::uint64_t bytes, std::uint32_t samples);
    /// The end-of-archive, as part of the shard.
    [[nodiscard]] int seal();
    /// The same, behind the shard: it is overwritten by what is appended.
    [[nodiscard]] int write_end();
    [[nodiscard]] std::uint32_t number() const noexcept { return number_; }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
    [[nodiscard]] std::uint32_t samples() const noexcept { return samples_; }
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
    [[nodiscard]] ShardIndex& index() noexcept { return index_; }

  private:
    [[nodiscard]] int put(std::span<const std::byte> bytes);
    [[nodiscard]] int put_member(const std::string& name, std::uint64_t size);
    [[nodiscard]] int put_padding(std::uint64_t size);
    [[nodiscard]] int copy(const Arrival& arrival);
    [[nodiscard]] int read_index();

    Depot& depot_;
    std::uint32_t number_;
    int descriptor_ = -1;
    std::uint64_t bytes_ = 0;  // as far as `append` has come
    std::uint32_t samples_ = 0;
    std::uint64_t written_ = 0;      // what lies behind is in the buffer
    std::vector<std::byte> buffer_;
    ShardIndex index_;
};

/// Reads their headers. Errors: errno values; EBADMSG: one is not what it has to be.
[[nodiscard]] int check_headers(FileSystem& system, int descriptor, const std::vector<TarMember>& members);

/// Takes members out of what readers see, in two steps, each of which is to be synced before the next. Repeatable.
/// Errors: errno values.
[[nodiscard]] int blank_members(FileSystem& system, int descriptor, const std::vector<TarMember>& members);
/// A header that is damaged is made anew, so that the archive can be read on behind it.
/// The first one's header last: by its name the others are found again, should this be cut.
[[nodiscard]] int erase_members(FileSystem& system, int descriptor, const std::vector<TarMember>& members);
/// Cuts an archive there, and ends it as one ends; durably. Repeatable. Errors: errno values.
[[nodiscard]] int end_archive(FileSystem& system, const std::string& file, std::uint64_t at);

}  // namespace grit::archive
