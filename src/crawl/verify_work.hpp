// The steps of one verify. Private to the verify's own files.
#pragma once

#include "durable_file.hpp"
#include "image_check.hpp"
#include "verify_walk.hpp"

#include "grit/crawl/verify.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace grit::crawl {

/// Threads: the verify's.
class Verify::Work {
  public:
    Work(Verify& owner, VerifyState state);

    void run();

  private:
    // An image that is not what its record says.
    struct Broken {
        Named named;
        ImageLook look;
        store::Record record;
        bool requeued = false;
    };
    // What a transaction of the repair has changed.
    struct Repaired {
        std::uint64_t records = 0;
        std::vector<LinesBack> hosts;
    };

    // What is made of a portion of a walk.
    using Look = Checked<void> (Work::*)(std::vector<Named> portion);

    [[nodiscard]] Checked<void> go_through();
    [[nodiscard]] Checked<void> look_at_files();
    [[nodiscard]] VerifyWalk walk_over(VerifyWalk::Which which);
    [[nodiscard]] Checked<void> look_through(VerifyWalk& walk, Look look);
    [[nodiscard]] Checked<void> look_at(std::vector<Named> portion);
    [[nodiscard]] Checked<void> give_up_lost(std::vector<Named> portion);
    [[nodiscard]] Checked<void> give_up(std::vector<Named> portion);
    [[nodiscard]] Checked<void> drop_what_vanished(std::vector<Broken>& broken);
    [[nodiscard]] Checked<void> make_something_of(std::vector<Broken> broken);
    [[nodiscard]] Checked<std::vector<Broken>> still_named(std::vector<Broken> broken);
    [[nodiscard]] Checked<void> tell(const std::vector<Broken>& broken);
    // verify_repair.cpp
    [[nodiscard]] Checked<void> repair(std::vector<Broken>& broken);
    [[nodiscard]] Result<void> requeue(store::WriteTxn& txn, std::span<Broken> some, Repaired& repaired) const;
    [[nodiscard]] static Result<void> forget_image(store::WriteTxn& txn, const store::RecordKey& key, store::Record& record,
                                                   store::HostRow* host, store::Totals& totals);
    [[nodiscard]] Checked<void> finish_repair();
    [[nodiscard]] Checked<void> note_due();
    [[nodiscard]] Checked<void> remove_due();
    [[nodiscard]] Checked<void> forget_lost_volumes();

    [[nodiscard]] bool wait_until_recorded();
    [[nodiscard]] bool stopping() const { return owner_.job_.stopping(); }
    void count(ImageFault fault);
    void publish();

    Verify& owner_;
    VerifyState state_;
    SteadyTime began_;
    ImageChecker checker_;
    std::optional<DurableFile> list_;
};

}  // namespace grit::crawl
