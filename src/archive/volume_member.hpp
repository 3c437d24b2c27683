// What Volumes keeps of one volume. Private to its own files.
#pragma once

#include <map>
#include <system_error>

#include "grit/archive/volumes.hpp"
#include "guarded_system.hpp"

namespace grit::archive {

/// Of an errno.
[[nodiscard]] inline std::string words_of(int error) { return std::generic_category().message(error); }

struct Volumes::Member {
    std::string name;  // empty: the first
    std::string root;
    std::string prefix;  // of its locations

    // Volumes::mutex_ guards the rest, but what is said to be the group's: that is its thread's.
    Mount mount;
    VolumeState state = VolumeState::in_use;
    std::string why;
    WallTime since{};
    std::optional<Volume> space;
    std::uint64_t times_out = 0;
    SteadyTime out_at{};
    Milliseconds rest{0};       // that long no return is tried
    SteadyTime full_until{};    // by what it said, whatever is free
    std::optional<SteadyTime> look_began;
    double credit = 0;          // of the turns
    std::map<std::uint32_t, ShardMark> marks;  // as they are on record: of open shards, and the last one's

    bool failed = false;     // the group's images on it are lost
    bool published = false;  // and are not

    [[nodiscard]] std::string called() const { return name.empty() ? std::string(kFirstVolume) : name; }
    void remember(const ShardMark& mark) {
        // Of sealed shards only the last one matters: where the next begins.
        std::erase_if(marks, [&mark](const auto& known) { return known.second.sealed && known.first < mark.shard; });
        marks[mark.shard] = mark;
    }
};

}  // namespace grit::archive
