#include "grit/frontier/run_builder.hpp"

#include "grit/store/queue_block.hpp"
#include "grit/store/tables.hpp"
#include "grit/url/registrable_domain.hpp"

#include <algorithm>
#include <tuple>

namespace grit::frontier {
namespace {

// A block of very long URLs is cut earlier than at its number of entries.
constexpr std::size_t kBlockTextBytes = 64 * 1024;

}  // namespace

void RunBuilder::add(HostId host, Ordinal ordinal, std::string_view url) {
    items_.push_back(Item{ordinal, text_.size(), host, static_cast<std::uint32_t>(url.size())});
    text_.append(url);
}

void RunBuilder::reserve(std::size_t bytes) {
    constexpr std::size_t kUsualUrlBytes = 90;
    const std::size_t lines = bytes / (kUsualUrlBytes + sizeof(Item));
    items_.reserve(lines + lines / 8);
    text_.reserve(lines * kUsualUrlBytes + lines * kUsualUrlBytes / 8);
}

void RunBuilder::clear() {
    items_.clear();
    text_.clear();
}

void RunBuilder::sort() {
    std::sort(items_.begin(), items_.end(),
              [](const Item& a, const Item& b) { return std::tie(a.host, a.ordinal) < std::tie(b.host, b.ordinal); });
}

std::vector<store::RunHost> RunBuilder::hosts() const {
    std::vector<store::RunHost> hosts;
    for (const Item& item : items_) {
        if (hosts.empty() || hosts.back().host != item.host) {
            hosts.push_back(store::RunHost{item.host, 0});
        }
        ++hosts.back().lines;
    }
    return hosts;
}

Result<void> RunBuilder::write(store::WriteTxn& txn, RunId run, const HostTable& hosts) const {
    store::BlockCodec codec;
    std::vector<store::QueueItem> block;
    std::size_t next = 0;
    while (next < items_.size()) {
        const HostId host = items_[next].host;
        const std::string_view name = hosts.info(host).name;
        for (std::uint32_t number = 0; next < items_.size() && items_[next].host == host; ++number) {
            block.clear();
            for (std::size_t text = 0; next < items_.size() && items_[next].host == host &&
                                       block.size() < kBlockEntries && text < kBlockTextBytes;
                 ++next) {
                const Item& item = items_[next];
                block.push_back({item.ordinal, std::string_view(text_).substr(item.text_offset, item.text_bytes)});
                text += item.text_bytes;
            }
            const auto packed = codec.pack(name, block);
            if (!packed) {
                return packed.error();
            }
            if (const auto done = store::append_block(txn, store::QueueKey{run, host, number}, *packed); !done) {
                return done;
            }
        }
    }
    return store::put_run(txn, run, this->hosts());
}

Result<void> save_hosts(store::WriteTxn& txn, const std::vector<HostId>& ids, const HostTable& hosts) {
    for (const HostId id : ids) {
        // A host that was first met in a redirect may have got its row with its first answer.
        if (const auto known = store::get_host(txn, id); known || known.error() != store::Errc::not_found) {
            if (!known) {
                return known.error();
            }
            continue;
        }
        const HostInfo info = hosts.info(id);
        store::HostRow row;
        row.name = info.name;
        row.domain = url::registrable_domain(info.name);
        row.partition = info.partition;
        if (const auto done = store::add_host(txn, id, row); !done) {
            return done;
        }
    }
    return {};
}

}  // namespace grit::frontier
