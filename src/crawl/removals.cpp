#include "removals.hpp"

#include "grit/base/kill_point.hpp"
#include "grit/store/opt_out_rows.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace grit::crawl {
namespace {

// Rows of one transaction: results of the crawl wait for it.
constexpr std::size_t kRowsAtOnce = 500;

Problem unreadable(const ErrorCode& error) { return Problem{"the state can not be read: " + error.message()}; }

Checked<std::vector<std::string>> due_paths(store::Env& env) {
    std::vector<std::string> due;
    const auto txn = env.read();
    if (!txn) {
        return unreadable(txn.error());
    }
    const auto walked = store::for_each_removal(*txn, [&due](std::string_view path, store::Removal removal) {
        if (removal == store::Removal::due) {
            due.emplace_back(path);
        }
        return due.size() < kRowsAtOnce;
    });
    return walked ? Checked<std::vector<std::string>>(std::move(due)) : unreadable(walked.error());
}

}  // namespace

Checked<void> remove_due_files(store::Env& env, store::Writer& writer, archive::Layout& layout,
                               const std::function<bool()>& stopping) {
    while (!stopping()) {
        const auto due = due_paths(env);
        if (!due || due->empty()) {
            return due ? Checked<void>() : Checked<void>(due.error());
        }
        if (auto removed = layout.remove(*due); !removed) {
            return removed;
        }
        kill_point("removal.synced");
        const auto written = writer.transact([&due](store::WriteTxn& txn) -> Result<void> {
            for (const std::string& path : *due) {
                if (const auto erased = store::delete_removal(txn, path); !erased) {
                    return erased;
                }
            }
            return {};
        });
        if (!written) {
            return Problem{"the state can not be written: " + written.error().message()};
        }
    }
    return {};
}

}  // namespace grit::crawl
