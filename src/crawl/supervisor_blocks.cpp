// What an operator has blocked: kept in the state, known to every shard.
#include "grit/crawl/supervisor.hpp"

#include "journal_lines.hpp"

#include "grit/base/kill_point.hpp"
#include "grit/journal/data.hpp"
#include "grit/store/block_rows.hpp"
#include "grit/store/error.hpp"

#include <future>
#include <utility>

namespace grit::crawl {
namespace {

using politeness::Block;
using politeness::BlockKind;

store::BlockRow row_of(const Block& block) {
    return store::BlockRow{std::string(politeness::name_of(block.kind)), block.value, block.reason, block.since_ms, block.by_uid};
}

}  // namespace

// Before the shards run: nothing is asked that was blocked in an earlier life.
Checked<void> Supervisor::load_blocks(const store::Txn& txn) {
    const auto rows = store::get_block_rows(txn);
    if (!rows) {
        return Problem{"the state's blocks can not be read: " + rows.error().message()};
    }
    std::vector<Block> blocks;
    for (const store::BlockRow& row : *rows) {
        const auto kind = politeness::block_kind_named(row.kind);
        if (!kind) {
            return Problem{"the state blocks a \"" + row.kind + "\", which this gritd does not know: a newer one wrote it"};
        }
        blocks.push_back(Block{*kind, row.value, row.reason, row.since_ms, row.by_uid});
    }
    if (!blocks.empty()) {
        parts_.log.info("start.blocks", {{"count", blocks.size()}});
    }
    blocklist_ = std::make_shared<const politeness::Blocklist>(std::move(blocks));
    for (const auto& shard : shards_) {
        shard->set_blocklist(blocklist_);
    }
    return {};
}

// Returns when every shard goes by the new list.
void Supervisor::adopt(std::vector<Block> blocks) {
    blocklist_ = std::make_shared<const politeness::Blocklist>(std::move(blocks));
    std::vector<std::future<void>> told;
    for (const auto& shard : shards_) {
        auto answer = std::make_shared<std::promise<void>>();
        told.push_back(answer->get_future());
        shard->post([answer, list = blocklist_](Shard& asked) {
            asked.set_blocklist(list);
            answer->set_value();
        });
    }
    for (const auto& one : told) {
        one.wait();
    }
}

Checked<void> Supervisor::block(Block block) {
    const Block* known = blocklist_->find(block.kind, block.value);
    if (const auto room = blocklist_->has_room_for(block); known == nullptr && !room) {
        return room;
    }
    const std::vector<std::string> lines{data_line(journal::Kind::block, journal::data_of(row_of(block)), block.since_ms)};
    const auto written = parts_.writer.transact([&](store::WriteTxn& txn) {
        const auto put = store::put_block_row(txn, row_of(block));
        return put ? write_lines(parts_.journal, txn, lines) : put;
    });
    if (!written) {
        return store::unwritable(written.error());
    }
    kill_point("optout.blocked");
    std::vector<Block> blocks = blocklist_->blocks();
    std::erase_if(blocks, [&](const Block& other) { return other.kind == block.kind && other.value == block.value; });
    blocks.push_back(std::move(block));
    adopt(std::move(blocks));
    return {};
}

Checked<std::optional<Block>> Supervisor::unblock(BlockKind kind, const std::string& value) {
    const Block* known = blocklist_->find(kind, value);
    if (known == nullptr) {
        return std::optional<Block>();
    }
    const Block block = *known;
    if (const auto state = opt_out_.state(); state && state->running && !state->dry_run && kind == BlockKind::domain && state->row.domain == value) {
        return Problem{"the opt-out of " + value + " is under way"};
    }
    const std::vector<std::string> lines{
        data_line(journal::Kind::unblock, journal::data_of(row_of(block)), parts_.clock.wall_now().time_since_epoch().count())};
    const auto written = parts_.writer.transact([&](store::WriteTxn& txn) -> Result<void> {
        const auto erased = store::delete_block_row(txn, politeness::name_of(kind), value);
        return erased ? write_lines(parts_.journal, txn, lines) : Result<void>(erased.error());
    });
    if (!written) {
        return store::unwritable(written.error());
    }
    std::vector<Block> blocks = blocklist_->blocks();
    std::erase_if(blocks, [&](const Block& other) { return other.kind == kind && other.value == value; });
    adopt(std::move(blocks));
    committer_.finish();  // what it has ended last is on its way into the records
    return std::optional(block);
}

Checked<void> Supervisor::opt_out(const OptOutOrder& order) {
    if (opt_out_.running()) {
        return Problem{"the opt-out of " + opt_out_.state()->row.domain + " is under way: one at a time"};
    }
    if (order.erase) {
        interrupt_resumed();
    }
    if (const auto verify = verify_.state(); verify && verify->running && verify->order.repair && order.erase) {
        return Problem{"a verify that repairs is under way: gritctl verify --stop ends it"};
    }
    if (!order.dry_run && blocklist_->find(BlockKind::domain, order.domain) == nullptr) {
        Block wanted;
        wanted.kind = BlockKind::domain;
        wanted.value = order.domain;
        wanted.reason = order.reason;
        wanted.since_ms = parts_.clock.wall_now().time_since_epoch().count();
        wanted.by_uid = order.by_uid;
        if (const auto blocked = block(std::move(wanted)); !blocked) {
            return blocked;
        }
    }
    return opt_out_.begin(order);
}

}  // namespace grit::crawl
