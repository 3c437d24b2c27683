// The journal's lines, told to a new state. Private to the module.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "grit/journal/line.hpp"
#include "grit/store/block_rows.hpp"
#include "grit/store/opt_out_rows.hpp"
#include "grit/store/tables.hpp"
#include "ordinal_set.hpp"

namespace grit::dataset {

/// What lines say beside records and spellings, which go into the state at once.
class Replay {
  public:
    /// @param lines  in their order, over all calls. Errors: those of the store.
    [[nodiscard]] Result<void> take(store::WriteTxn& txn, const std::vector<journal::Line>& lines);

    /// The number of a host, new or known.
    HostId host(std::string_view name);
    /// Nothing if it is new.
    [[nodiscard]] std::optional<HostId> known_host(std::string_view name) const;
    [[nodiscard]] std::map<HostId, store::HostRow>& hosts() { return hosts_; }
    [[nodiscard]] std::map<store::InputId, store::InputRow>& inputs() { return inputs_; }
    [[nodiscard]] const std::map<std::string, store::BlockRow>& blocks() const { return blocks_; }
    [[nodiscard]] const std::optional<store::OptOutRow>& opt_out() const { return opt_out_; }
    /// Lines of kind opt_out_ended.
    [[nodiscard]] const std::vector<journal::Line>& ledger() const { return ledger_; }
    [[nodiscard]] Ordinal next_ordinal() const { return next_ordinal_; }
    /// No lower than that.
    void raise_next_ordinal(Ordinal next) { next_ordinal_ = std::max(next_ordinal_, next); }
    /// Annotations whose image was deleted, or let go by a repair, and has no new one: what file there is was to be removed.
    [[nodiscard]] bool was_let_go(Ordinal ordinal) const { return let_go_.contains(ordinal); }
    [[nodiscard]] const std::string& dataset() const { return dataset_; }
    /// As the last file has it; empty if none says so (an older gritd).
    [[nodiscard]] const std::string& layout() const { return layout_; }

  private:
    [[nodiscard]] Result<void> take_one(store::WriteTxn& txn, const journal::Line& line);
    [[nodiscard]] Result<void> take_record(store::WriteTxn& txn, const journal::Line& line);
    [[nodiscard]] Result<void> take_duplicate(store::WriteTxn& txn, const journal::Line& line);
    void take_begin(const journal::Line& line);
    void take_input(const boost::json::object& data);

    std::unordered_map<std::string, HostId> ids_;
    std::map<HostId, store::HostRow> hosts_;
    std::map<store::InputId, store::InputRow> inputs_;
    std::map<std::string, store::BlockRow> blocks_;  // by kind and value
    std::optional<store::OptOutRow> opt_out_;
    std::vector<journal::Line> ledger_;
    OrdinalSet let_go_;
    std::string dataset_;
    std::string layout_;
    Ordinal next_ordinal_ = 0;
};

}  // namespace grit::dataset
