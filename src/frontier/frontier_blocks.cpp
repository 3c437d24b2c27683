// What an operator's blocks do to the hosts and tasks of a shard.
#include <utility>

#include "frontier_host.hpp"
#include "grit/frontier/frontier.hpp"

namespace grit::frontier {

bool Frontier::is_ended(const Host& host) const { return host.blocked || is_given_up(host); }

void Frontier::set_blocklist(politeness::BlocklistPtr list) {
    blocklist_ = list && !list->empty() ? std::move(list) : nullptr;
    refused_hosts_.clear();
    for (std::uint32_t index = 0; index < hosts_.size(); ++index) {
        Host& host = hosts_[index];
        const bool blocked = blocklist_ && blocklist_->of_host(table_.info(host.id).name) != nullptr;
        if (host.blocked != blocked) {
            host.blocked = blocked;
            place_if_free(index);
        }
    }
}

void Frontier::refuse_host(HostId id, std::string detail) {
    const std::uint32_t index = index_of(id);
    refused_hosts_.insert_or_assign(id, std::move(detail));
    hosts_[index].blocked = true;
    hosts_[index].awaits_site = false;
    place_if_free(index);
}

const politeness::Block* Frontier::block_of(const Task& task) const {
    if (!blocklist_) {
        return nullptr;
    }
    if (const politeness::Block* block = blocklist_->of_host(task.url.host)) {
        return block;
    }
    if (task.kind == Task::Kind::site) {
        // A site's own file is asked for on behalf of images that were judged.
        return task.hops > 0 ? blocklist_->of_url(task.url) : nullptr;
    }
    if (const politeness::Block* block = blocklist_->of_url(task.url)) {
        return block;
    }
    if (task.hops == 0) {
        return nullptr;
    }
    // After a redirect the host that the annotation names has a say as well.
    if (const politeness::Block* block = blocklist_->of_host(table_.info(task.home).name)) {
        return block;
    }
    const auto original = url::canonicalize(task.raw_url);
    return original ? blocklist_->of_url(*original) : nullptr;
}

// How a task of a host that is given up or blocked ends.
Verdict Frontier::end_of(const Host& host, TaskPtr task) const {
    if (const politeness::Block* block = blocklist_ ? blocklist_->of_host(table_.info(host.id).name) : nullptr) {
        return Verdict{std::move(task), Outcome::opted_out, politeness::blocked_detail(*block)};
    }
    if (const auto refused = refused_hosts_.find(host.id); refused != refused_hosts_.end()) {
        return Verdict{std::move(task), Outcome::address_refused, refused->second};
    }
    return Verdict{std::move(task), outcome_of_number(host.gone_as).value_or(Outcome::unreachable), "the host was given up"};
}

}  // namespace grit::frontier
