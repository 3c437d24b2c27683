#include "verify_walk.hpp"

#include "given_up_image.hpp"

#include "grit/store/opt_out_rows.hpp"

#include <algorithm>
#include <set>

namespace grit::crawl {
namespace {

// Rows of one reading transaction: some milliseconds.
constexpr std::size_t kRowsAtOnce = 2'048;
// Of a host, behind a place that was drawn, before the place counts as one without an image.
constexpr std::size_t kRowsPerDraw = 4'096;

}  // namespace

Result<std::vector<Named>> VerifyWalk::next(std::size_t limit, const std::atomic<bool>& stop) {
    std::vector<Named> found;
    while (!ended_ && !stop && found.size() < limit) {
        const auto looked = drawing_ ? look_at_draws(limit, found) : look_at_rows(limit, found);
        if (!looked) {
            return looked.error();
        }
    }
    return found;
}

Result<void> VerifyWalk::look_at_rows(std::size_t limit, std::vector<Named>& found) {
    const auto txn = env_.read();
    if (!txn) {
        return txn.error();
    }
    std::size_t seen = 0;
    Result<void> taken;
    ended_ = true;
    const auto visit = [&](std::string_view key_bytes, std::string_view bytes) {
        if (seen++ == kRowsAtOnce || found.size() >= limit) {
            from_ = key_bytes;
            ended_ = false;
            return false;
        }
        const auto key = store::parse_record_key(key_bytes);
        const auto record = store::decode_record(bytes);
        if (!key || !record) {
            damaged_(key_bytes, key ? record.error() : key.error());
            return true;
        }
        taken = record->location.empty() ? Result<void>() : take(*txn, *key, *record, found);
        return taken.has_value();
    };
    const auto walked = store::for_each(*txn, store::Table::records, visit, from_);
    return walked ? taken : walked;
}

// A file that several records name belongs to the one that `content` speaks for: the others are looked at only where
// that one has gone. Of a file that is given up all are.
Result<void> VerifyWalk::take(const store::Txn& txn, const store::RecordKey& key, const store::Record& record,
                              std::vector<Named>& found) {
    bool wanted = true;
    if (which_ == Which::given_up) {
        const auto removal = find_removal(txn, record.location);
        if (!removal) {
            return removal.error();
        }
        wanted = *removal && **removal == store::Removal::broken;
    } else if (record.outcome == Outcome::duplicate_content && !drawing_) {
        const auto owner = store::get_content(txn, record.sha256);
        const auto removal = find_removal(txn, record.location);
        if ((!owner && owner.error() != store::Errc::not_found) || !removal) {
            return removal ? owner.error() : removal.error();
        }
        const bool has_owner = owner && *owner == record.location && !*removal;
        wanted = !has_owner;
        shared_ += has_owner ? 1 : 0;
    }
    if (wanted) {
        found.push_back(Named{key, WantedImage{record.location, record.size, record.sha256}});
    }
    return {};
}

// By lot -------------------------------------------------------------------------------------------------------------

// SplitMix64: http://prng.di.unimi.it/splitmix64.c (public domain).
std::uint64_t VerifyWalk::random() noexcept {
    std::uint64_t z = (random_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

Result<void> VerifyWalk::draw(std::uint64_t count, std::uint64_t seed) {
    drawing_ = true;
    random_ = seed;
    std::vector<Draw> hosts;
    std::uint64_t images = 0;
    const auto walked = store::scan(env_, store::Table::hosts, [&](std::string_view key, std::string_view bytes) {
        if (const auto row = store::decode_host(bytes); row && row->stored > 0 && key.size() == sizeof(HostId)) {
            const auto byte = [key](std::size_t i) { return static_cast<HostId>(static_cast<unsigned char>(key[i])); };
            hosts.push_back(Draw{byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3), row->stored});
            images += row->stored;
        }
        return true;
    });
    if (!walked) {
        return walked;
    }
    std::vector<std::uint64_t> places(static_cast<std::size_t>(images == 0 ? 0 : count));
    std::generate(places.begin(), places.end(), [this, images] { return random() % images; });
    std::sort(places.begin(), places.end());
    std::uint64_t upto = 0;
    auto place = places.begin();
    for (const Draw& host : hosts) {
        upto += host.count;
        const auto end = std::lower_bound(place, places.end(), upto);
        if (end != place) {
            // Not more than there are: a host that is drawn that often is looked at as a whole.
            draws_.push_back(Draw{host.host, std::min<std::uint64_t>(static_cast<std::uint64_t>(end - place), host.count)});
        }
        place = end;
    }
    return {};
}

Result<void> VerifyWalk::look_at_draws(std::size_t limit, std::vector<Named>& found) {
    const auto txn = env_.read();
    if (!txn) {
        return txn.error();
    }
    for (std::size_t hosts = 0; hosts < kRowsAtOnce / 16 && found.size() < limit && next_draw_ < draws_.size(); ++hosts) {
        if (const auto drawn = draw_of(*txn, draws_[next_draw_++], found); !drawn) {
            return drawn;
        }
    }
    ended_ = next_draw_ == draws_.size();
    return {};
}

// The hashes of a host's URLs are as good as random: the first record with an image behind a random one is by lot.
Result<void> VerifyWalk::draw_of(const store::Txn& txn, const Draw& draw, std::vector<Named>& found) {
    std::set<store::RecordKey> drawn;
    for (std::uint64_t i = 0; i < draw.count; ++i) {
        store::RecordKey from{draw.host, UrlHash{random(), random()}};
        Result<void> taken;
        for (int round = 0; round < 2; ++round) {  // from there to the host's end, then from its beginning
            std::size_t seen = 0;
            bool took = false;
            const auto visit = [&](std::string_view key_bytes, std::string_view bytes) {
                const auto key = store::parse_record_key(key_bytes);
                if (!key || key->host != draw.host || seen++ == kRowsPerDraw) {
                    return false;
                }
                const auto record = store::decode_record(bytes);
                if (!record) {
                    damaged_(key_bytes, record.error());
                } else if (!record->location.empty() && !drawn.contains(*key)) {
                    drawn.insert(*key);
                    taken = take(txn, *key, *record, found);
                    took = true;
                    return false;
                }
                return true;
            };
            if (const auto walked = store::for_each(txn, store::Table::records, visit, store::record_key(from)); !walked || !taken) {
                return walked ? taken : walked;
            }
            if (took) {
                break;
            }
            from.hash = UrlHash{};
        }
    }
    return {};
}

}  // namespace grit::crawl
