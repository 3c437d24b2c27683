// What an operator blocks, as the control socket sees it.
#include "app_backend.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>
#include <vector>

namespace grit::daemon {
namespace json = boost::json;

namespace {

using politeness::Block;
using politeness::BlockKind;

json::object block_json(const Block& block) {
    return json::object{{"kind", politeness::name_of(block.kind)},
                        {"value", block.value},
                        {"reason", block.reason},
                        {"since", block.since_ms / 1000},
                        {"by_uid", block.by_uid}};
}

json::object opt_out_json(const crawl::OptOutState& state) {
    return json::object{{"domain", state.row.domain},
                        {"reason", state.row.reason},
                        {"by_uid", state.row.by_uid},
                        {"began_at", state.row.began_ms / 1000},
                        {"state", state.running ? "running" : state.problem.empty() ? "done" : "failed"},
                        {"problem", state.problem},
                        {"delete", state.row.erase},
                        {"dry_run", state.dry_run},
                        {"listed", state.row.listed},
                        {"deleted", state.row.deleted},
                        {"files_removed", state.row.files_removed},
                        {"files_kept", state.row.files_kept},
                        {"freed_bytes", state.row.freed_bytes},
                        {"list", state.list}};
}

// What is blocked under that spelling, of any of the kinds.
std::vector<Block> blocks_meant(const politeness::Blocklist& list, std::optional<BlockKind> kind, const std::string& value) {
    constexpr std::array kKinds{BlockKind::domain, BlockKind::host, BlockKind::cidr, BlockKind::pattern};
    std::vector<Block> found;
    for (const BlockKind one : kKinds) {
        if (kind && *kind != one) {
            continue;
        }
        const auto meant = politeness::parse_block(one, value);
        const Block* block = meant ? list.find(one, meant->value) : nullptr;
        if (block != nullptr) {
            found.push_back(*block);
        }
    }
    return found;
}

}  // namespace

json::array AppBackend::blocks() {
    json::array out;
    for (const Block& block : parts_.supervisor.blocklist().blocks()) {
        out.push_back(block_json(block));
    }
    return out;
}

Checked<json::object> AppBackend::block(const Block& wanted) {
    Block block = wanted;
    block.since_ms = parts_.clock.wall_now().time_since_epoch().count();
    if (const auto done = parts_.supervisor.block(block); !done) {
        return done.error();
    }
    parts_.log.info("block.added", {{"block", block.name()}, {"reason", block.reason}, {"uid", block.by_uid}});
    return block_json(block);
}

Checked<std::optional<Block>> AppBackend::unblock(std::optional<BlockKind> kind, const std::string& value) {
    const std::vector<Block> found = blocks_meant(parts_.supervisor.blocklist(), kind, value);
    if (found.empty()) {
        return std::optional<Block>();
    }
    if (found.size() > 1) {
        return Problem{fmt::format("both {} and {} are blocked: say which kind is meant", found[0].name(), found[1].name())};
    }
    auto removed = parts_.supervisor.unblock(found[0].kind, found[0].value);
    if (removed) {
        parts_.log.info("block.removed", {{"block", found[0].name()}});
    }
    return removed;
}

Checked<std::uint64_t> AppBackend::ask_again(const Block& block) {
    crawl::RequeueFilter filter;
    filter.outcomes = {Outcome::opted_out, Outcome::address_refused};
    filter.ended_by = block;
    return parts_.supervisor.requeue(filter);
}

Checked<json::object> AppBackend::opt_out(const admin::OptOutRequest& request) {
    const crawl::OptOutOrder order{request.domain, request.reason, request.by_uid, request.erase, request.dry_run};
    if (const auto begun = parts_.supervisor.opt_out(order); !begun) {
        return begun.error();
    }
    return opt_out_json(*parts_.supervisor.opt_out_state());
}

std::optional<json::object> AppBackend::opt_out_state() {
    const auto state = parts_.supervisor.opt_out_state();
    return state ? std::optional(opt_out_json(*state)) : std::nullopt;
}

// By name or pattern: which address it would be dialled at is not known here.
const politeness::Block* AppBackend::block_of(const url::CanonicalUrl& url) const {
    const politeness::Blocklist& list = parts_.supervisor.blocklist();
    const Block* block = list.of_host(url.host);
    return block != nullptr ? block : list.of_url(url);
}

}  // namespace grit::daemon
