// The image volumes that the config names and the state remembers, opened.
#include "app.hpp"
#include "app_backend.hpp"

#include "grit/dataset/volume_options.hpp"
#include "grit/store/error.hpp"
#include "grit/store/shard_rows.hpp"
#include "grit/store/tables.hpp"
#include "grit/store/volume_rows.hpp"

#include <boost/json/array.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace grit::daemon {
namespace json = boost::json;

std::optional<App::Failure> App::open_volumes() {
    archive::VolumesOptions options = dataset::volumes_of(config_.storage);
    options.dataset_id = env_->dataset_id();
    std::vector<store::VolumeRow> known;
    {
        const auto txn = env_->read();
        const auto images = txn ? txn->count(store::Table::url_to_path) : Result<std::uint64_t>(txn.error());
        auto rows = txn ? store::get_volumes(*txn) : Result<std::vector<store::VolumeRow>>(txn.error());
        if (!images || !rows) {
            return Failure{ExitCode::io, store::unreadable(images ? rows.error() : images.error()).what};
        }
        options.has_images = *images > 0;
        known = std::move(*rows);
    }
    for (const store::VolumeRow& row : known) {
        const auto place = std::find_if(options.places.begin(), options.places.end(), [&row](const auto& one) { return one.name == row.name; });
        const bool is_wanted = place != options.places.end();
        if (row.lost) {
            if (is_wanted) {
                options.places.erase(place);
                log_.warning("volume.lost", {{"volume", row.name}, {"what", "it is not used, since an operator said that it is lost: "
                                                                            "take it out of storage.volumes"}});
            }
            options.lost.push_back(row.name);
        } else if (!is_wanted) {
            return Failure{ExitCode::config,
                           fmt::format("the state names images on the volume \"{0}\", but storage.volumes has none of that name: put "
                                       "it back, or, if it is gone for good, have all that it held asked for again: gritctl volumes "
                                       "lost {0} --config {1}",
                                       row.name, config_file_)};
        } else {
            options.known.push_back(row.name);
        }
    }
    auto volumes = archive::Volumes::open(std::move(options), clock_);
    if (!volumes) {
        return Failure{ExitCode::try_again, volumes.error().what};
    }
    volumes_ = std::move(*volumes);
    return std::nullopt;
}

// Behind their markers, and before any image is put on them: which volumes there are, and how images lie on them.
std::optional<App::Failure> App::note_volumes() {
    const auto noted = writer_->transact([this](store::WriteTxn& txn) -> Result<void> {
        const std::string_view layout = config::name_of(config_.storage.layout);
        const auto begun_as = store::get_layout(txn);
        if (const auto put = begun_as && *begun_as == layout ? Result<void>() : store::put_layout(txn, layout); !put) {
            return put;
        }
        auto known = store::get_volumes(txn);
        if (!known) {
            return known.error();
        }
        const std::size_t before = known->size();
        for (const auto& [name, root] : config_.storage.volumes) {
            if (std::none_of(known->begin(), known->end(), [&](const store::VolumeRow& row) { return row.name == name; })) {
                known->push_back(store::VolumeRow{name, false});
            }
        }
        return known->size() == before ? Result<void>() : store::put_volumes(txn, *known);
    });
    return noted ? std::nullopt : std::optional(Failure{ExitCode::io, store::unwritable(noted.error()).what});
}

// For operators -------------------------------------------------------------------------------------------------------

json::array AppBackend::volumes() {
    json::array list;
    for (const archive::VolumeView& view : parts_.volumes.views()) {
        const auto held = parts_.supervisor.held_by(view.name);
        json::object one{{"name", view.name},
                         {"root", view.root},
                         {"state", name_of(view.state)},
                         {"why", view.why},
                         {"since", view.since.time_since_epoch().count() / 1000},
                         {"times_out", view.times_out},
                         {"free_bytes", view.space ? json::value(view.space->free_bytes) : json::value(nullptr)},
                         {"total_bytes", view.space ? json::value(view.space->total_bytes) : json::value(nullptr)},
                         {"free_inodes", view.space ? json::value(view.space->free_inodes) : json::value(nullptr)},
                         {"held", nullptr}};
        if (held) {
            one["held"] = {{"records", held->count},
                           {"complete", !held->list.empty()},
                           {"list", held->list.empty() ? json::value(nullptr) : json::value(held->list)},
                           {"problem", held->problem}};
        }
        list.push_back(std::move(one));
    }
    return list;
}

// Those that are there, summed up: each is looked at by itself besides.
json::object AppBackend::volumes_together() const {
    std::uint64_t free = 0;
    std::uint64_t total = 0;
    bool any = false;
    for (const archive::VolumeView& view : parts_.volumes.views()) {
        if (archive::is_there(view.state) && view.space) {
            any = true;
            free += view.space->free_bytes;
            total += view.space->total_bytes;
        }
    }
    return json::object{{"root", parts_.volumes.root()},
                        {"free_bytes", any ? json::value(free) : json::value(nullptr)},
                        {"total_bytes", any ? json::value(total) : json::value(nullptr)}};
}

Checked<json::object> AppBackend::give_up_volume(const std::string& name, std::uint32_t by_uid) {
    if (auto begun = parts_.supervisor.give_up_volume(name, by_uid); !begun) {
        return begun.error();
    }
    return *verify_state();
}

}  // namespace grit::daemon
