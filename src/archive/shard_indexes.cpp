#include "shard_indexes.hpp"

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "tar_shard.hpp"

namespace grit::archive {
namespace {

constexpr std::size_t kHeld = 8;
constexpr mode_t kFileMode = 0640;
// 1,000,000 samples of two members have under 128 bytes each: whatever is longer is no index.
constexpr std::uint64_t kMaxIndexBytes = std::uint64_t{512} << 20;

// The whole of a file. @return an errno value.
int read_file(FileSystem& system, const std::string& file, std::string& text) {
    std::uint64_t size = 0;
    int descriptor = -1;
    if (const int error = system.size_of(file, size); error != 0) {
        return error;
    }
    if (size > kMaxIndexBytes) {
        return EFBIG;
    }
    if (const int error = system.open_file(file, false, descriptor); error != 0) {
        return error;
    }
    text.resize(static_cast<std::size_t>(size));
    int error = 0;
    std::size_t have = 0;
    for (std::size_t count = 1; error == 0 && count > 0 && have < text.size(); have += count) {
        error = system.read_at(descriptor, have, std::as_writable_bytes(std::span(text)).subspan(have), count);
    }
    text.resize(have);
    system.close(descriptor);
    return error;
}

}  // namespace

Result<ShardIndexes::Found*> ShardIndexes::get(std::uint32_t shard) {
    std::uint64_t bytes = 0;
    const std::string file = depot_.file_of(shard_file_name(shard)).value();
    if (const int error = depot_.system().size_of(file, bytes); error != 0) {
        return errc_of_errno(error);
    }
    const auto held = std::find_if(held_.begin(), held_.end(), [shard](const Held& one) { return one.shard == shard; });
    if (held != held_.end() && held->found.bytes == bytes) {
        held_.splice(held_.begin(), held_, held);
        return &held_.front().found;
    }
    auto found = read(shard, bytes);
    if (!found) {
        return found.error();
    }
    forget(shard);
    held_.push_front(Held{shard, std::move(*found)});
    if (held_.size() > kHeld) {
        held_.pop_back();
    }
    return &held_.front().found;
}

void ShardIndexes::forget(std::uint32_t shard) {
    held_.remove_if([shard](const Held& one) { return one.shard == shard; });
}

Result<ShardIndexes::Found> ShardIndexes::read(std::uint32_t shard, std::uint64_t bytes) const {
    std::string text;
    if (read_file(depot_.system(), depot_.file_of(shard_index_name(shard)).value(), text) == 0) {
        if (auto index = ShardIndex::parse(text)) {
            Found found{bytes, std::move(*index), {}};
            if (found.index.drop_torn(bytes) > 0) {
                found.torn_at = found.index.end();
            }
            return found;
        }
    }
    auto found = read_archive(depot_.file_of(shard_file_name(shard)).value(), bytes);
    if (found && !found->torn_at) {
        static_cast<void>(write(depot_, shard, found->index));  // gritd does without, other programs may not
    }
    return found;
}

Result<ShardIndexes::Found> ShardIndexes::read_archive(const std::string& file, std::uint64_t bytes) const {
    int descriptor = -1;
    if (const int error = depot_.system().open_file(file, false, descriptor); error != 0) {
        return errc_of_errno(error);
    }
    Found found{bytes, {}, {}};
    std::optional<TarMember> last_image;  // what comes with it has not been seen yet
    const auto end = for_each_tar_member(depot_.system(), descriptor, bytes, [&](const TarMember& member) {
        const bool is_first = !found.index.contains(sample_name(member.name).key);
        last_image = is_first && sample_name(member.name).extension != "json" ? std::optional(member) : std::nullopt;
        found.index.add(member);
        return true;
    });
    depot_.system().close(descriptor);
    if (!end) {
        return end.error();
    }
    if (*end + kTarEndBytes != bytes) {
        found.torn_at = *end;
        if (last_image) {
            found.index.erase(sample_name(last_image->name).key);
            found.torn_at = last_image->offset - kTarBlock;
        }
    }
    return found;
}

int ShardIndexes::write(Depot& depot, std::uint32_t shard, const ShardIndex& index) {
    FileSystem& system = depot.system();
    const std::string file = depot.file_of(shard_index_name(shard)).value();
    const std::string aside = depot.temporary_file(shard_index_name(shard) + ".part").value();  // swept, should it stay
    system.unlink(aside);
    int descriptor = -1;
    if (const int error = system.create(aside, kFileMode, descriptor); error != 0) {
        return error;
    }
    const std::string text = index.text();
    int error = 0;
    for (std::size_t done = 0, written = 0; error == 0 && done < text.size(); done += written) {
        error = system.write(descriptor, std::as_bytes(std::span(text)).subspan(done), written);
        error = error == 0 && written == 0 ? EIO : error;
    }
    error = error != 0 ? error : system.sync_data(descriptor);
    const int closed = system.close(descriptor);
    error = error != 0 ? error : closed;
    return error != 0 ? error : system.rename(aside, file);
}

}  // namespace grit::archive
