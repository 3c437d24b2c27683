#include "rebuild_replay.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <utility>

#include "grit/journal/data.hpp"
#include "grit/url/canonical_url.hpp"
#include "grit/url/registrable_domain.hpp"

namespace grit::dataset {
namespace json = boost::json;

namespace {

template <class Take>
void for_each_object(const json::object& data, std::string_view name, Take take) {
    const json::value* value = data.if_contains(name);
    if (value == nullptr || !value->is_array()) {
        return;
    }
    for (const json::value& one : value->get_array()) {
        if (one.is_object()) {
            take(one.get_object());
        }
    }
}

std::string name_of_block(const store::BlockRow& row) { return row.kind + " " + row.value; }

}  // namespace

HostId Replay::host(std::string_view name) {
    const auto known = ids_.find(std::string(name));
    if (known != ids_.end()) {
        return known->second;
    }
    const auto id = static_cast<HostId>(hosts_.size() + 1);
    store::HostRow row;
    row.name = name;
    row.domain = url::registrable_domain(name);
    row.partition = url::partition_of(row.domain);
    hosts_.emplace(id, std::move(row));
    ids_.emplace(name, id);
    return id;
}

std::optional<HostId> Replay::known_host(std::string_view name) const {
    const auto known = ids_.find(std::string(name));
    return known == ids_.end() ? std::nullopt : std::optional(known->second);
}

Result<void> Replay::take(store::WriteTxn& txn, const std::vector<journal::Line>& lines) {
    for (const journal::Line& line : lines) {
        if (const auto taken = take_one(txn, line); !taken) {
            return taken;
        }
    }
    return {};
}

Result<void> Replay::take_one(store::WriteTxn& txn, const journal::Line& line) {
    if (line.ordinal) {
        raise_next_ordinal(*line.ordinal + 1);
    }
    switch (line.kind) {
        case journal::Kind::result:
        case journal::Kind::retry:
        case journal::Kind::broken:
        case journal::Kind::opt_out:
        case journal::Kind::found:
            return take_record(txn, line);
        case journal::Kind::duplicate:
            return take_duplicate(txn, line);
        case journal::Kind::lost: {
            const auto url = url::canonicalize(line.record.url);
            const auto erased = url ? txn.erase(store::Table::records, store::record_key({host(url->host), url->hash()})) : Result<bool>(true);
            return erased ? Result<void>() : Result<void>(erased.error());
        }
        case journal::Kind::refused:      // come back with their lines
        case journal::Kind::quarantined:
            return {};
        case journal::Kind::begin:
            take_begin(line);
            return {};
        case journal::Kind::input:
            take_input(line.data);
            return {};
        case journal::Kind::host:
            journal::take_manners(line.data, hosts_.at(host(line.host)));
            return {};
        case journal::Kind::block: {
            store::BlockRow row = journal::block_of(line.data);
            blocks_.insert_or_assign(name_of_block(row), std::move(row));
            return {};
        }
        case journal::Kind::unblock:
            blocks_.erase(name_of_block(journal::block_of(line.data)));
            return {};
        case journal::Kind::opt_out_begun:
            opt_out_ = journal::opt_out_of(line.data);
            return {};
        case journal::Kind::opt_out_ended:
            opt_out_.reset();
            ledger_.push_back(line);
            return {};
    }
    return {};
}

Result<void> Replay::take_record(store::WriteTxn& txn, const journal::Line& line) {
    const auto url = url::canonicalize(line.record.url);
    if (!url) {
        return {};  // another gritd read it otherwise: its line comes again
    }
    if (!line.record.location.empty()) {
        let_go_.erase(line.record.ordinal);
    } else if (line.kind == journal::Kind::opt_out || line.kind == journal::Kind::broken) {
        let_go_.insert(line.record.ordinal);
    }
    const store::RecordKey key{host(url->host), url->hash()};
    if (const auto same = store::delete_spelling(txn, key, line.record.url); !same) {
        return same.error();
    }
    return store::put_record(txn, key, line.record);
}

Result<void> Replay::take_duplicate(store::WriteTxn& txn, const journal::Line& line) {
    const auto url = url::canonicalize(line.record.url);
    if (!url) {
        return {};
    }
    const store::RecordKey key{host(url->host), url->hash()};
    const auto record = store::get_record(txn, key);
    if (!record && record.error() != store::Errc::not_found) {
        return record.error();
    }
    return record && record->url == line.record.url ? Result<void>() : store::put_spelling(txn, key, line.record.url);
}

// It was made of the state as it was: whatever an older file said.
void Replay::take_begin(const journal::Line& line) {
    if (const auto* dataset = line.data.if_contains("dataset"); dataset != nullptr && dataset->is_string()) {
        dataset_ = std::string(dataset->get_string());
    }
    if (const auto* layout = line.data.if_contains("layout"); layout != nullptr && layout->is_string()) {
        layout_ = std::string(layout->get_string());
    }
    blocks_.clear();
    for_each_object(line.data, "blocks", [this](const json::object& one) {
        store::BlockRow row = journal::block_of(one);
        blocks_.insert_or_assign(name_of_block(row), std::move(row));
    });
    for_each_object(line.data, "inputs", [this](const json::object& one) { take_input(one); });
    const auto* under_way = line.data.if_contains("opt_out");
    opt_out_ = under_way != nullptr && under_way->is_object() ? std::optional(journal::opt_out_of(under_way->get_object())) : std::nullopt;
    if (const auto* next = line.data.if_contains("next_ordinal"); next != nullptr && next->is_int64()) {
        raise_next_ordinal(static_cast<Ordinal>(std::max<std::int64_t>(next->get_int64(), 0)));
    }
}

void Replay::take_input(const json::object& data) {
    journal::NumberedInput input = journal::input_of(data);
    for (const store::OrdinalExtent& extent : input.row.extents) {
        raise_next_ordinal(extent.first_ordinal + extent.lines);
    }
    inputs_.insert_or_assign(input.id, std::move(input.row));
}

}  // namespace grit::dataset
