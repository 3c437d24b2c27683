#include "grit/frontier/host_table.hpp"

#include "grit/url/registrable_domain.hpp"

#include <xxhash.h>

#include <cassert>
#include <cstring>
#include <mutex>
#include <string>
#include <utility>

namespace grit::frontier {
namespace {

constexpr std::size_t kArenaBytes = 1 << 20;
constexpr std::size_t kFirstSlots = 1 << 12;

std::uint64_t hash_of(std::string_view text) { return XXH3_64bits(text.data(), text.size()); }

}  // namespace

HostTable::HostTable() : entries_(1), slots_(kFirstSlots, kNoHost) {}

void HostTable::reserve(std::size_t hosts) {
    const std::unique_lock lock(mutex_);
    entries_.reserve(hosts + 1);
    while (slots_.size() < 2 * (hosts + 1)) {
        grow_slots();
    }
}

void HostTable::load(HostId id, std::string_view name, std::string_view domain, std::uint16_t partition) {
    const std::unique_lock lock(mutex_);
    insert(id, name, domain, partition);
}

HostId HostTable::find_or_add(std::string_view name) {
    if (const auto known = find(name)) {
        return *known;
    }
    const std::string domain = url::registrable_domain(name);
    const std::unique_lock lock(mutex_);
    if (const HostId raced = slots_[slot_of(name)]; raced != kNoHost) {
        return raced;
    }
    const auto id = static_cast<HostId>(entries_.size());
    insert(id, name, domain, url::partition_of(domain));
    unsaved_.push_back(id);
    return id;
}

std::optional<HostId> HostTable::find(std::string_view name) const {
    const std::shared_lock lock(mutex_);
    const HostId id = slots_[slot_of(name)];
    return id == kNoHost ? std::nullopt : std::optional(id);
}

HostInfo HostTable::info(HostId id) const {
    const std::shared_lock lock(mutex_);
    assert(id != kNoHost && id < entries_.size());
    const Entry& entry = entries_[id];
    const std::string_view name = name_of(id);
    return HostInfo{name, name.substr(name.size() - entry.domain_bytes), entry.domain, entry.partition};
}

HostId HostTable::next_id() const {
    const std::shared_lock lock(mutex_);
    return static_cast<HostId>(entries_.size());
}

std::size_t HostTable::size() const {
    const std::shared_lock lock(mutex_);
    return known_;
}

std::vector<HostId> HostTable::take_unsaved() {
    const std::unique_lock lock(mutex_);
    return std::exchange(unsaved_, {});
}

void HostTable::insert(HostId id, std::string_view name, std::string_view domain, std::uint16_t partition) {
    if (id >= entries_.size()) {
        entries_.resize(id + 1);
    }
    if ((known_ + 1) * 2 > slots_.size()) {
        grow_slots();
    }
    // A domain that is not the end of its name would be a damaged row: it can share limits, but names none.
    const std::size_t domain_bytes = name.ends_with(domain) ? domain.size() : 0;
    entries_[id] = Entry{keep(name), hash_of(domain), static_cast<std::uint16_t>(name.size()),
                         static_cast<std::uint16_t>(domain_bytes), partition};
    slots_[slot_of(name)] = id;
    ++known_;
}

// Where the name is, or the free slot where it belongs.
std::size_t HostTable::slot_of(std::string_view name) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t slot = hash_of(name) & mask;
    while (slots_[slot] != kNoHost && name_of(slots_[slot]) != name) {
        slot = (slot + 1) & mask;
    }
    return slot;
}

void HostTable::grow_slots() {
    const std::vector<HostId> old = std::exchange(slots_, std::vector<HostId>(slots_.size() * 2, kNoHost));
    for (const HostId id : old) {
        if (id != kNoHost) {
            slots_[slot_of(name_of(id))] = id;
        }
    }
}

const char* HostTable::keep(std::string_view name) {
    if (name.size() > arena_left_) {
        arenas_.push_back(std::make_unique<char[]>(kArenaBytes));
        arena_left_ = kArenaBytes;
    }
    char* place = arenas_.back().get() + (kArenaBytes - arena_left_);
    std::memcpy(place, name.data(), name.size());
    arena_left_ -= name.size();
    return place;
}

}  // namespace grit::frontier
