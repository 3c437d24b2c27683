#include "rebuild_images.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>
#include <utility>

#include "grit/archive/image_reader.hpp"
#include "grit/archive/place.hpp"
#include "grit/archive/tar.hpp"
#include "grit/media/digest.hpp"
#include "grit/media/inspector.hpp"
#include "rebuild_problems.hpp"

namespace grit::dataset {
namespace {

// Loose images that are given on at a time: bounds memory where a folder or a shard has no record at all.
constexpr std::size_t kMostLoose = 1'000;
constexpr std::size_t kRecordsPerCount = 100'000;

std::string called(const archive::VolumePlace& place) {
    return place.name.empty() ? "image root " + place.root : fmt::format("image volume {} ({})", place.name, place.root);
}

}  // namespace

RebuildImages::RebuildImages(Options options)
    : options_(std::move(options)), named_(options_.spool / "named"), lost_(options_.spool / "lost"), counts_(options_.places.size()) {}

std::string RebuildImages::location_of(const ShardId& id, std::string_view name) const {
    const std::string& volume = options_.places[id.volume].name;
    return fmt::format("{}{}{}{}{}", volume, volume.empty() ? "" : "/", options_.is_tar ? archive::shard_file_name(id.shard) : archive::folder_name(id.shard),
                       options_.is_tar ? '#' : '/', name);
}

// @return nothing for a volume that is lost.
Checked<std::optional<std::uint32_t>> RebuildImages::volume_index(std::string_view volume, std::string_view location) const {
    const auto place = std::find_if(options_.places.begin(), options_.places.end(), [&](const auto& one) { return one.name == volume; });
    if (place != options_.places.end()) {
        return std::optional(static_cast<std::uint32_t>(place - options_.places.begin()));
    }
    const auto& lost = options_.lost_volumes;
    if (std::find(lost.begin(), lost.end(), volume) != lost.end()) {
        return std::optional<std::uint32_t>();
    }
    return Problem{fmt::format("the journal names {} on the volume \"{}\", but storage.volumes has none of that name: put it back, or, "
                               "if it is gone for good, have all that it held asked for again: gritctl rebuild --lost {}",
                               location, volume, volume)};
}

// Records -------------------------------------------------------------------------------------------------------------

Checked<void> RebuildImages::note_records(store::Env& env, const OnCount& on_count) {
    std::optional<Problem> problem;
    std::uint64_t seen = 0;
    const auto note = [&](const store::RecordKey& key, const store::Record& record) -> Checked<void> {
        const auto place = archive::place_of(record.location);
        const std::string_view volume = archive::volume_of(record.location);
        if (place && place->is_tar != options_.is_tar) {
            return Problem{fmt::format("the journal names {}, which is of another storage.layout than the config's", record.location)};
        }
        const auto index = volume_index(volume, record.location);
        if (!index) {
            return index.error();
        }
        ++images_;
        if (!place || !*index) {
            named_.add(NamedImage{{nowhere(), static_cast<std::uint32_t>(images_ % NamedImages::kParts)}, record.location, record.size, key});
            return {};
        }
        ++counts_[**index].named;
        named_.add(NamedImage{{**index, place->shard}, std::string(place->name), record.size, key});
        return {};
    };
    const auto scanned = store::scan_records(env, [&](const store::RecordKey& key, const store::Record& record) {
        if (const auto noted = record.location.empty() ? Checked<void>() : note(key, record); !noted) {
            problem = noted.error();
        } else if (++seen % kRecordsPerCount == 0 && !on_count(seen)) {
            problem = rebuild_ended();
        }
        return !problem;
    });
    if (!scanned) {
        return new_state_unreadable(scanned.error());
    }
    return problem ? Checked<void>(*problem) : Checked<void>();
}

// Lost ----------------------------------------------------------------------------------------------------------------

Checked<void> RebuildImages::find_lost(const OnLost& on_shard, const OnCount& on_count) {
    std::uint64_t seen = 0;
    for (std::size_t part = 0; part < NamedImages::kParts; ++part) {
        const auto images = named_.take(part);
        if (!images) {
            return images.error();
        }
        for (auto from = images->begin(); from != images->end();) {
            const auto to = std::find_if(from, images->end(), [&](const NamedImage& one) { return one.shard != from->shard; });
            auto lost = lost_of({from, to});
            if (!lost) {
                return lost.error();
            }
            if (auto told = lost->empty() ? Checked<void>() : on_shard(*lost); !told) {
                return told;
            }
            seen += static_cast<std::uint64_t>(to - from);
            if (!on_count(seen)) {
                return rebuild_ended();
            }
            from = to;
        }
    }
    for (std::size_t i = 0; i < counts_.size(); ++i) {
        if (counts_[i].named > 0 && counts_[i].lost == counts_[i].named) {
            return Problem{fmt::format("none of the {} images on it is there: {}. Is its volume mounted?", counts_[i].named,
                                       called(options_.places[i]))};
        }
    }
    return {};
}

// @param named  of one shard.
Checked<std::vector<LostImage>> RebuildImages::lost_of(std::span<const NamedImage> named) {
    const ShardId id = named.front().shard;
    std::vector<LostImage> lost;
    if (id.volume == nowhere()) {
        for (const NamedImage& one : named) {
            lost.push_back(LostImage{one.key, one.name, archive::place_of(one.name) ? "its volume is lost" : "no place of an image"});
        }
        return lost;
    }
    const auto shard = ShardOnDisk::open(options_.places[id.volume].root, id.shard, options_.is_tar);
    if (!shard) {
        return shard.error();
    }
    for (const NamedImage& one : named) {
        const auto found = shard->find(one.name);
        if (found && found->size == one.size) {
            continue;
        }
        const std::string location = location_of(id, one.name);
        if (!found && found.error() != archive::Errc::vanished) {
            return Problem{fmt::format("{} can not be looked at: {}", location, found.error().message())};
        }
        lost.push_back(LostImage{one.key, location, found ? fmt::format("{} bytes instead of {}", found->size, one.size) : "missing"});
        lost_.add(one);
    }
    counts_[id.volume].lost += lost.size();
    if (!lost.empty()) {
        has_lost_.insert(id);
    }
    return lost;
}

// Loose ---------------------------------------------------------------------------------------------------------------

Checked<void> RebuildImages::find_loose(const OnLoose& on_some, const OnCount& on_count) {
    std::map<std::size_t, std::vector<std::pair<ShardId, bool>>> parts;  // with: is it its volume's last?
    for (std::uint32_t volume = 0; volume < options_.places.size(); ++volume) {
        const auto shards = ShardOnDisk::list(options_.places[volume].root, options_.is_tar);
        if (!shards) {
            return shards.error();
        }
        for (const std::uint32_t shard : *shards) {
            const ShardId id{volume, shard};
            parts[NamedImages::part_of(id)].emplace_back(id, shard == shards->back());
        }
    }
    std::uint64_t seen = 0;
    for (const auto& [part, shards] : parts) {
        auto names = names_in(part);
        if (!names) {
            return names.error();
        }
        for (const auto& [id, is_last] : shards) {
            const auto loose = loose_of(id, (*names)[id], is_last);
            if (!loose) {
                return loose.error();
            }
            if (auto given = give_on(*loose, seen, on_some, on_count); !given) {
                return given;
            }
            seen += (*names)[id].size() + loose->size();
            if (!on_count(seen)) {
                return rebuild_ended();
            }
        }
    }
    return {};
}

Checked<void> RebuildImages::give_on(const std::vector<LooseImage>& loose, std::uint64_t seen, const OnLoose& on_some, const OnCount& on_count) {
    for (std::size_t from = 0; from < loose.size(); from += kMostLoose) {
        if (auto told = on_some(std::span(loose).subspan(from, std::min(kMostLoose, loose.size() - from))); !told) {
            return told;
        }
        if (!on_count(seen + from)) {
            return rebuild_ended();
        }
    }
    return {};
}

// By shard, without those that are lost.
Checked<std::map<ShardId, RebuildImages::Names>> RebuildImages::names_in(std::size_t part) {
    const auto images = named_.take(part);
    const auto lost = lost_.take(part);
    if (!images || !lost) {
        return images ? lost.error() : images.error();
    }
    std::map<ShardId, Names> names;
    for (const NamedImage& one : *images) {
        names[one.shard].insert(one.name);
    }
    for (const NamedImage& one : *lost) {
        names[one.shard].erase(one.name);
    }
    return names;
}

// The last tar is walked through: an index beside it is of the last clean stop.
Checked<std::vector<LooseImage>> RebuildImages::loose_of(const ShardId& id, const Names& named, bool is_last) {
    const auto shard = ShardOnDisk::open(options_.places[id.volume].root, id.shard, options_.is_tar, is_last);
    if (!shard) {
        return shard.error();
    }
    const auto samples = shard->samples();
    if (!samples) {
        return samples.error();
    }
    if (options_.is_tar) {
        note_filled(id, *shard, *samples, named, is_last);
    }
    std::vector<LooseImage> loose;
    for (const StoredSample& sample : *samples) {
        const auto ordinal = archive::ordinal_in(sample.image);
        if (!ordinal || named.contains(sample.image)) {
            continue;
        }
        const auto at = shard->find(sample.image);
        const auto sidecar = shard->find(sample.sidecar);
        if (at) {  // else it went meanwhile
            loose.push_back(LooseImage{location_of(id, sample.image), *ordinal, *at, sidecar ? std::optional(*sidecar) : std::nullopt});
        }
    }
    return loose;
}

// All but the last are sealed. The last goes on behind its last whole image: what lies there is what a crash left.
void RebuildImages::note_filled(const ShardId& id, const ShardOnDisk& shard, const std::vector<StoredSample>& samples, const Names& named,
                                bool is_last) {
    const archive::VolumePlace& place = options_.places[id.volume];
    const std::string file = place.root + "/" + archive::shard_file_name(id.shard);
    store::ShardRow& row = filled_.emplace_back(FilledShard{id.shard, {shard.bytes(), 0, true, place.name}}).row;
    row.samples = static_cast<std::uint32_t>(samples.size());
    if (!is_last) {
        return;
    }
    const auto is_named = [&named](const StoredSample& one) { return named.contains(one.image); };
    const bool is_torn = shard.bytes() - shard.end() > archive::kTarEndBytes;
    const bool all_there = static_cast<std::size_t>(std::count_if(samples.begin(), samples.end(), is_named)) == named.size();
    if (!all_there || (is_torn && has_lost_.contains(id))) {
        problems_.push_back(fmt::format("{} is damaged in the middle, and records name images behind: it is left as it is, and new images "
                                        "go into the next one",
                                        file));
        return;
    }
    row.sealed = false;
    row.bytes = 0;
    for (const StoredSample& sample : samples) {
        row.bytes = std::max(row.bytes, sample.end);
    }
    if (shard.bytes() - row.bytes > archive::kTarEndBytes) {
        problems_.push_back(fmt::format("{}: {} bytes behind its last whole image are of none: the next start cuts them off", file,
                                        shard.bytes() - row.bytes));
    }
}

Checked<ImageLook> look_at_image(const archive::Extent& at) {
    auto reader = archive::ImageReader::open(at);
    media::Inspector inspector;
    media::Digest digest;
    std::vector<std::byte> piece(std::size_t{64} << 10);
    for (std::size_t count = 1; reader && count > 0;) {
        const auto got = reader->read(piece);
        if (!got) {
            return Problem{"it can not be read: " + got.error().message()};
        }
        count = *got;
        inspector.feed(std::span(piece).first(count));
        digest.update(std::span(piece).first(count));
    }
    if (!reader) {
        return Problem{"it can not be read: " + reader.error().message()};
    }
    ImageLook look;
    look.is_whole = inspector.finish() == media::Verdict::whole;
    look.type = static_cast<std::uint8_t>(inspector.type());
    const auto dimensions = inspector.dimensions().value_or(media::Dimensions{});
    look.width = dimensions.width;
    look.height = dimensions.height;
    look.sha256 = digest.finish();
    return look;
}

}  // namespace grit::dataset
