// What TarLayout does about a crash.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "grit/archive/place.hpp"
#include "tar_layout.hpp"

namespace grit::archive {
namespace {

Problem problem(std::uint32_t shard, std::string_view what, int error) {
    return Problem{fmt::format("image shard {} {}: {}", shard_file_name(shard), what, std::generic_category().message(error))};
}

}  // namespace

Checked<Restored> TarLayout::restore(std::span<const std::string> intents, std::span<const ShardMark> marks) {
    const std::lock_guard lock(mutex_);
    Restored restored;
    if (marks.empty() && depot_.has_images()) {
        auto kept = keep_unknown_shards(restored);
        return kept ? Checked<Restored>(std::move(restored)) : Checked<Restored>(kept.error());
    }
    for (const ShardMark& mark : marks) {
        kept_next_ = next_ = std::max(next_, mark.shard + 1);
    }
    for (const ShardMark& mark : marks) {
        if (mark.sealed) {
            continue;
        }
        if (auto done = restore_shard(mark, restored); !done) {
            return done.error();
        }
    }
    if (auto removed = remove_unrecorded_shards(intents, restored); !removed) {
        return removed.error();
    }
    if (open_ != nullptr) {
        if (const int error = erase_halves(); error != 0) {
            return problem(open_->number(), "can not be written", error);
        }
    }
    return restored;
}

Checked<void> TarLayout::restore_shard(const ShardMark& mark, Restored& restored) {
    const int unlinked = depot_.system().unlink(depot_.file_of(shard_index_name(mark.shard)).value());
    if (unlinked != 0 && unlinked != ENOENT) {
        return problem(mark.shard, "has an index that can not be removed", unlinked);
    }
    auto shard = std::make_unique<TarShard>(depot_, mark.shard);
    std::uint64_t cut = 0;
    const int error = shard->open(mark.bytes, mark.samples, cut);
    if (error == ENODATA || error == ENOENT || error == TarShard::kUnreadable) {
        // Nothing is appended to it any more; what is whole in it can be read.
        const std::string what = error == TarShard::kUnreadable
                                     ? "can not be read: no image goes into it any more, and some in it may be lost"
                                     : fmt::format("is shorter than the {} bytes on record, or damaged: images in it are lost", mark.bytes);
        restored.damaged.push_back(fmt::format("{} {}", shard_file_name(mark.shard), what));
        retired_.push_back(ShardMark{mark.shard, mark.bytes, mark.samples, true});
        return {};
    }
    if (error != 0) {
        return problem(mark.shard, "can not be opened", error);
    }
    restored.bytes_cut += cut;
    if (open_ != nullptr) {  // no state of ours has two; the later one goes on
        retired_.push_back(ShardMark{open_->number(), open_->bytes(), open_->samples(), true});
    }
    open_ = std::move(shard);
    kept_open_ = mark;
    return {};
}

Checked<std::vector<std::string>> TarLayout::files_of_shards_from(std::uint32_t first) const {
    std::vector<std::string> names;
    if (const int error = depot_.system().list(depot_.root(), names); error != 0) {
        return Problem{fmt::format("image root {} can not be listed: {}", depot_.root(), std::generic_category().message(error))};
    }
    std::erase_if(names, [first](const std::string& name) {
        const auto shard = shard_of_file(name);
        return !shard || *shard < first;
    });
    std::sort(names.begin(), names.end());
    return names;
}

// Should a state ever name images in shards and say nothing of the shards: it was not written by a crawl.
Checked<void> TarLayout::keep_unknown_shards(Restored& restored) {
    const auto names = files_of_shards_from(0);
    if (!names) {
        return names.error();
    }
    for (const std::string& name : *names) {
        kept_next_ = next_ = std::max(next_, shard_of_file(name).value() + 1);
    }
    if (kept_next_ == 0) {
        return {};
    }
    restored.kept.push_back(ShardMark{kept_next_ - 1, 0, 0, true, {}});
    restored.damaged.push_back("the state names images in shards and does not say how far these are filled: they are left as they "
                               "are, and new images go into new ones");
    return {};
}

// Shards that were begun, and whose first images never got a record: the intents say up to which one. (An older gritd
// noted none.)
Checked<void> TarLayout::remove_unrecorded_shards(std::span<const std::string> intents, Restored& restored) {
    const auto names = files_of_shards_from(kept_next_);
    if (!names) {
        return names.error();
    }
    std::uint32_t begun = kept_next_;  // below it
    for (const std::string& intent : intents) {
        const auto shard = shard_of_file(intent);
        begun = shard ? std::max(begun, *shard + 1) : begun;
    }
    const auto shards = std::count_if(names->begin(), names->end(), [begun](const std::string& name) {
        const auto shard = number_of_tar(name);
        return shard && *shard >= begun;
    });
    if (static_cast<std::uint64_t>(shards) > 2 + options_.group_images / options_.shard_images) {
        return Problem{fmt::format("image root {} has {} shards that the state knows nothing of, from {} on: the state is older than the "
                                   "images (a backup?). Give it back a newer one; or move its data.mdb away and run `gritctl rebuild`, "
                                   "which loses nothing; or move these files away to have their images fetched again",
                                   depot_.root(), shards, shard_file_name(begun))};
    }
    for (const std::string& name : *names) {
        if (const int error = depot_.system().unlink(depot_.file_of(name).value()); error != 0 && error != ENOENT) {
            return problem(shard_of_file(name).value(), "can not be removed", error);
        }
        ++restored.files_removed;
    }
    return {};
}

// An erasure that was cut may have taken an image away and left what came with it.
int TarLayout::erase_halves() {
    for (const std::string& key : open_->index().keys()) {
        const std::vector<TarMember> members = open_->index().sample(key);
        const bool has_image = std::any_of(members.begin(), members.end(), [](const TarMember& member) {
            const std::string_view extension = sample_name(member.name).extension;
            return extension != "json" && extension != "txt";
        });
        if (!has_image) {
            if (const int error = erase_members(depot_.system(), open_->descriptor(), members); error != 0) {
                return error;
            }
            open_->index().erase(key);
        }
    }
    return 0;
}

}  // namespace grit::archive
