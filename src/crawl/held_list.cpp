#include "grit/crawl/held_list.hpp"

#include "durable_file.hpp"

#include "grit/archive/names.hpp"
#include "grit/base/low_priority.hpp"
#include "grit/store/error.hpp"
#include "grit/store/tables.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <utility>

namespace grit::crawl {
namespace json = boost::json;

namespace {

// Rows of one reading transaction: some milliseconds.
constexpr std::size_t kRowsAtOnce = 2'048;

}  // namespace

HeldList::HeldList(store::Env& env, const Logger& log) : env_(env), log_(log) {}

HeldList::~HeldList() { stop(); }

void HeldList::begin(const std::string& name, const std::string& volume) {
    const std::lock_guard lock(mutex_);
    HeldState& state = states_[name];
    if (state.running || stopping_) {
        return;  // the same records
    }
    state = HeldState{};
    state.running = true;
    orders_.push_back(Order{name, volume});
    if (!thread_.joinable()) {
        thread_ = std::thread([this] { run(); });
    }
    change_.notify_all();
}

std::optional<HeldState> HeldList::state(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = states_.find(name);
    return found == states_.end() ? std::nullopt : std::optional(found->second);
}

void HeldList::stop() {
    stopping_ = true;
    {
        const std::lock_guard lock(mutex_);
    }
    change_.notify_all();
    if (thread_.joinable()) {
        thread_.join();
    }
}

void HeldList::publish(const Order& order, const HeldState& state) {
    const std::lock_guard lock(mutex_);
    states_[order.name] = state;
}

void HeldList::run() {
    give_way_to_others();
    while (true) {
        Order order;
        {
            std::unique_lock lock(mutex_);
            change_.wait(lock, [this] { return stopping_ || !orders_.empty(); });
            if (stopping_) {
                return;
            }
            order = std::move(orders_.front());
            orders_.pop_front();
        }
        HeldState state;
        state.running = true;
        const auto written = write(order, state);
        state.running = false;
        if (!written) {
            state.list.clear();
            state.problem = written.error().what;
            log_.error("volume.list_failed", {{"volume", order.name}, {"problem", state.problem}});
        } else if (!stopping_) {
            log_.warning("volume.held", {{"volume", order.name}, {"records", state.count}, {"list", state.list}});
        }
        publish(order, state);
    }
}

Checked<void> HeldList::write(const Order& order, HeldState& state) {
    const std::string path = (env_.folder() / "volumes" / (order.name + ".jsonl")).string();
    auto file = DurableFile::create(path);
    if (!file) {
        return file.error();
    }
    std::string from;
    for (bool more = true; more && !stopping_;) {
        std::string lines;
        std::size_t seen = 0;
        more = false;
        const auto visit = [&](std::string_view key, std::string_view bytes) {
            if (seen++ == kRowsAtOnce) {
                from = key;
                more = true;
                return false;
            }
            const auto record = store::decode_record(bytes);
            if (record && !record->location.empty() && archive::volume_of(record->location) == order.volume) {
                lines += json::serialize(json::object{{"path", record->location}, {"url", record->url}}) + "\n";
                ++state.count;
            }
            return true;
        };
        {
            const auto txn = env_.read();
            const auto walked = txn ? store::for_each(*txn, store::Table::records, visit, from) : Result<void>(txn.error());
            if (!walked) {
                return store::unreadable(walked.error());
            }
        }
        if (auto written = file->write(lines); !written) {
            return written;
        }
        publish(order, state);
    }
    if (stopping_) {
        return {};
    }
    state.list = path;
    return file->commit();
}

}  // namespace grit::crawl
