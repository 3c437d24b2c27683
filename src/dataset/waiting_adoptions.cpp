#include "grit/dataset/waiting_adoptions.hpp"

#include <cstddef>

#include "grit/store/adoption_scan.hpp"
#include "grit/store/error.hpp"

namespace grit::dataset {
namespace {

// Some ten milliseconds of the writer, or of a reader that keeps pages from being used again.
constexpr std::size_t kRowsAtOnce = 10'000;

// Of a file of the layout files its folder; of a tar the tar itself.
std::string shard_of(const store::Adoption& adoption) {
    return adoption.file.ends_with(".tar") ? adoption.file : adoption.file.substr(0, adoption.file.rfind('/'));
}

}  // namespace

Checked<WaitingAdoptions> waiting_adoptions(store::Env& env) {
    WaitingAdoptions waiting;
    const auto count = [&waiting](const store::Adoption& adoption) {
        ++(adoption.outcome == Outcome::stored ? waiting.images[shard_of(adoption)] : waiting.failures);
    };
    std::string after;
    for (bool has_more = true; has_more;) {
        const auto txn = env.read();
        if (!txn) {
            return store::unreadable(txn.error());
        }
        const auto more = store::visit_adoptions(*txn, after, kRowsAtOnce, count);
        if (!more) {
            return store::unreadable(more.error());
        }
        has_more = *more;
    }
    return waiting;
}

Checked<std::uint64_t> forget_adoptions(store::Writer& writer, const OnForgotten& look) {
    std::uint64_t gone = 0;
    for (std::size_t deleted = kRowsAtOnce; deleted > 0;) {
        const auto done = writer.transact([&deleted](store::WriteTxn& txn) -> Result<void> {
            const auto rows = store::delete_first_adoptions(txn, kRowsAtOnce);
            deleted = rows ? *rows : 0;
            return rows ? Result<void>() : Result<void>(rows.error());
        });
        if (!done) {
            return store::unwritable(done.error());
        }
        gone += deleted;
        if (!look(gone)) {
            break;
        }
    }
    return gone;
}

}  // namespace grit::dataset
