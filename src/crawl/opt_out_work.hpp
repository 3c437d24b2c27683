// The steps of one opt-out. Private to the opt-out's own files.
#pragma once

#include "grit/crawl/opt_out.hpp"
#include "grit/store/tables.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace grit::crawl {

/// Threads: the opt-out's.
class OptOut::Work {
  public:
    Work(OptOut& owner, store::OptOutRow row, bool dry_run) : owner_(owner), row_(std::move(row)), dry_run_(dry_run) {}

    /// Does what is left to do. @return false if it was stopped on the way; after a Problem it may be called again: until
    /// the records are deleted that begins anew, then with the files.
    [[nodiscard]] Checked<bool> go_on();

    [[nodiscard]] const store::OptOutRow& row() const noexcept { return row_; }
    [[nodiscard]] bool dry_run() const noexcept { return dry_run_; }
    [[nodiscard]] bool only_files_left() const noexcept { return only_files_left_; }

  private:
    // A file of the domain's.
    struct File {
        store::Sha256 digest{};
        std::uint64_t size = 0;
        bool named_by_others = false;
    };

    using Step = Checked<void> (Work::*)();

    [[nodiscard]] bool wait_until_recorded();
    [[nodiscard]] bool stopping() const;
    [[nodiscard]] Result<void> save();

    [[nodiscard]] bool is_of_domain(std::string_view host) const;
    [[nodiscard]] bool is_of_domain(const store::RecordKey& key, const store::Record& record);
    [[nodiscard]] Checked<void> find_images();
    [[nodiscard]] Checked<void> forget_content();
    [[nodiscard]] Checked<void> look_for_others();
    [[nodiscard]] Checked<void> delete_records();
    [[nodiscard]] Result<void> delete_some(store::WriteTxn& txn, std::span<const store::RecordKey> keys, store::OptOutRow& row);
    [[nodiscard]] Result<void> keep_file(store::WriteTxn& txn, const store::Record& record) const;
    [[nodiscard]] static Result<void> keep_content(store::WriteTxn& txn, const store::Record& record);
    [[nodiscard]] Result<void> let_go_of(store::WriteTxn& txn, const store::Record& record, store::Totals& totals, store::OptOutRow& row);
    [[nodiscard]] Checked<void> remove_files();
    [[nodiscard]] Checked<void> finish();
    [[nodiscard]] Checked<bool> take(std::span<const Step> steps);
    void count_files();

    OptOut& owner_;
    store::OptOutRow row_;
    bool dry_run_;
    bool only_files_left_ = false;
    // Found by find_images, anew in each try.
    std::vector<store::RecordKey> keys_;
    std::unordered_map<std::string, File> files_;  // by path
    HostId judged_host_ = kNoHost;                 // records come host by host
    bool judged_host_is_of_domain_ = false;
};

}  // namespace grit::crawl
