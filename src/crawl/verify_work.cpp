#include "verify_work.hpp"

#include "grit/base/kill_point.hpp"
#include "grit/base/quantity.hpp"
#include "grit/store/error.hpp"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <system_error>
#include <utility>

namespace grit::crawl {
namespace json = boost::json;

namespace {

// Images whose paths are sorted together: some 2 MB of memory, and a long way for the disk's head in one direction.
constexpr std::size_t kImagesAtOnce = 8'192;
// Files between two looks that others can take at the state of the work.
constexpr std::uint64_t kFilesPerLook = 64;

std::uint64_t random_seed() {
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
}

}  // namespace

Verify::Work::Work(Verify& owner, VerifyState state)
    : owner_(owner), state_(std::move(state)), began_(owner.parts_.clock.now()), checker_(owner.parts_.volumes) {}

void Verify::Work::run() {
    owner_.parts_.log.info("verify.begun", {{"images", state_.images_total}, {"sample", state_.order.sample}, {"repair", state_.order.repair},
                                            {"lost_volumes", state_.order.lost.size()}, {"uid", state_.order.by_uid}});
    Checked<void> done;
    if (auto list = DurableFile::create(state_.list)) {
        list_.emplace(std::move(*list));
        done = go_through();
        const auto written = list_->commit();
        done = done ? written : done;
    } else {
        done = list.error();
    }
    if (done && !stopping() && !state_.order.lost.empty()) {
        done = forget_lost_volumes();
    }
    state_.running = false;
    state_.stopped = stopping();
    state_.problem = done ? std::string() : done.error().what;
    publish();
    const Logger& log = owner_.parts_.log;
    if (!done) {
        log.error("verify.failed", {{"problem", state_.problem}});
        return;
    }
    log.info(state_.stopped ? "verify.stopped" : "verify.done",
             {{"checked", state_.checked}, {"bytes", state_.bytes_read}, {"missing", state_.missing},
              {"wrong_size", state_.wrong_size}, {"wrong_digest", state_.wrong_digest},
              {"unreadable", state_.unreadable}, {"requeued", state_.requeued}});
}

Checked<void> Verify::Work::go_through() {
    const Checked<void> looked = state_.order.resumed ? Checked<void>() : look_at_files();
    return looked && state_.order.repair && !stopping() ? finish_repair() : looked;
}

Checked<void> Verify::Work::look_at_files() {
    VerifyWalk files = walk_over(VerifyWalk::Which::files);
    if (state_.order.sample > 0) {
        if (const auto drawn = files.draw(state_.order.sample, random_seed()); !drawn) {
            return store::unreadable(drawn.error());
        }
    }
    return look_through(files, &Work::look_at);
}

VerifyWalk Verify::Work::walk_over(VerifyWalk::Which which) {
    return VerifyWalk(owner_.parts_.env, which, [this](std::string_view, const ErrorCode& error) {
        ++state_.damaged_rows;
        owner_.parts_.log.error("verify.row_damaged", {{"table", "records"}, {"error", error.message()}});
    });
}

Checked<void> Verify::Work::look_through(VerifyWalk& walk, Look look) {
    while (!walk.ended() && !stopping()) {
        auto portion = walk.next(kImagesAtOnce, owner_.job_.stop_flag());
        if (!portion) {
            return store::unreadable(portion.error());
        }
        state_.shared += walk.take_shared();
        if (auto looked = (this->*look)(std::move(*portion)); !looked) {
            return looked;
        }
        publish();
    }
    return {};
}

Checked<void> Verify::Work::look_at(std::vector<Named> portion) {
    if (!state_.order.lost.empty()) {
        return give_up_lost(std::move(portion));
    }
    state_.on_volumes_out += std::erase_if(portion, [this](const Named& named) { return owner_.parts_.volumes.is_out(named.image.path); });
    std::sort(portion.begin(), portion.end(), [](const Named& a, const Named& b) { return a.image.path < b.image.path; });
    std::vector<WantedImage> images;
    for (const Named& named : portion) {
        images.push_back(named.image);
    }
    std::vector<Broken> broken;
    checker_.check(images, owner_.job_.stop_flag(), [&](std::size_t i, const ImageLook& look) {
        state_.bytes_read += look.bytes_read;
        if (look.fault != ImageFault::none) {
            broken.push_back(Broken{portion[i], look, {}, false});
        }
        if (++state_.checked % kFilesPerLook == 0) {
            publish();
        }
        return true;
    });
    if (broken.empty()) {
        return {};
    }
    if (auto there = drop_what_vanished(broken); !there) {
        return there;
    }
    return make_something_of(std::move(broken));
}

Checked<void> Verify::Work::make_something_of(std::vector<Broken> broken) {
    auto confirmed = still_named(std::move(broken));
    if (!confirmed) {
        return confirmed.error();
    }
    Checked<void> done = state_.order.repair ? repair(*confirmed) : Checked<void>();
    const auto told = tell(*confirmed);
    kill_point("verify.told");
    return done ? told : done;
}

// An operator has said that they are gone.
Checked<void> Verify::Work::give_up_lost(std::vector<Named> portion) {
    state_.checked += portion.size();
    const auto& lost = state_.order.lost;
    std::erase_if(portion, [&](const Named& named) {
        return std::find(lost.begin(), lost.end(), archive::volume_of(named.image.path)) == lost.end();
    });
    return give_up(std::move(portion));
}

// Without a look at them.
Checked<void> Verify::Work::give_up(std::vector<Named> portion) {
    std::vector<Broken> gone;
    for (Named& named : portion) {
        gone.push_back(Broken{std::move(named), ImageLook{ImageFault::missing}, {}, false});
    }
    return gone.empty() ? Checked<void>() : make_something_of(std::move(gone));
}

// A volume that was unmounted has none of its images: that is no damage of theirs.
Checked<void> Verify::Work::drop_what_vanished(std::vector<Broken>& broken) {
    const archive::Volumes& volumes = owner_.parts_.volumes;
    std::map<std::string, bool, std::less<>> there;
    for (const Broken& one : broken) {
        const std::string& path = one.named.image.path;
        const std::string_view volume = archive::volume_of(path);
        if (there.contains(volume)) {
            continue;
        }
        const auto confirmed = volumes.confirm(path);
        if (!confirmed && volumes.alone()) {
            return Problem{confirmed.error().what + ". Nothing was made of what is not found there"};
        }
        there[std::string(volume)] = confirmed && !volumes.is_out(path);
    }
    state_.on_volumes_out += std::erase_if(
        broken, [&](const Broken& one) { return !there.find(archive::volume_of(one.named.image.path))->second; });
    return {};
}

// What was changed since it was read from the state is nothing to complain of.
Checked<std::vector<Verify::Work::Broken>> Verify::Work::still_named(std::vector<Broken> broken) {
    const auto txn = owner_.parts_.env.read();
    if (!txn) {
        return store::unreadable(txn.error());
    }
    std::vector<Broken> confirmed;
    for (Broken& one : broken) {
        auto record = store::get_record(*txn, one.named.key);
        if (!record || record->location != one.named.image.path || record->sha256 != one.named.image.sha256) {
            ++state_.changed;
            continue;
        }
        one.record = std::move(*record);
        count(one.look.fault);
        confirmed.push_back(std::move(one));
    }
    return confirmed;
}

void Verify::Work::count(ImageFault fault) {
    switch (fault) {
        case ImageFault::none:
            return;
        case ImageFault::missing:
            ++state_.missing;
            return;
        case ImageFault::wrong_size:
            ++state_.wrong_size;
            return;
        case ImageFault::wrong_digest:
            ++state_.wrong_digest;
            return;
        case ImageFault::wrong_header:
            ++state_.wrong_header;
            return;
        case ImageFault::unreadable:
            ++state_.unreadable;
            return;
    }
}

Checked<void> Verify::Work::tell(const std::vector<Broken>& broken) {
    for (const Broken& one : broken) {
        json::object line{{"path", one.named.image.path},
                          {"fault", name_of(one.look.fault)},
                          {"url", one.record.url},
                          {"ordinal", one.record.ordinal},
                          {"bytes", one.named.image.size},
                          {"sha256", media::hex(one.named.image.sha256)},
                          {"requeued", one.requeued}};
        if (one.look.fault == ImageFault::wrong_size) {
            line["found_bytes"] = one.look.found_size;
        } else if (one.look.fault == ImageFault::wrong_digest) {
            line["found_sha256"] = media::hex(one.look.found_sha256);
        } else if (one.look.fault == ImageFault::unreadable) {
            line["error"] = std::generic_category().message(one.look.error);
        }
        if (auto written = list_->write(json::serialize(line) + "\n"); !written) {
            return written;
        }
        if (!state_.order.lost.empty()) {
            continue;  // as many as a volume holds: the list has them
        }
        owner_.parts_.log.warning("verify.broken", {{"path", one.named.image.path}, {"fault", name_of(one.look.fault)},
                                                    {"requeued", one.requeued}});
    }
    publish();
    return {};
}

}  // namespace grit::crawl
