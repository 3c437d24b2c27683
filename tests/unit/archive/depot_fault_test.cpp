// Every system call of the archive fails once, with each errno that matters, in a pass of store, sync and publish.
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "grit/archive/depot.hpp"
#include "grit/archive/names.hpp"
#include "tar_rig.hpp"
#include "temp_root.hpp"

namespace grit::archive {
namespace {

namespace fs = std::filesystem;
using test::bytes_of;
using test::content_of;
using test::files_in;
using test::options_for;
using test::TempFolder;

// Fails the n-th call that changes something (counted from 1), or none.
class FaultyFileSystem final : public RealFileSystem {
  public:
    void fail_call(int number, int error) {
        countdown_ = number;
        error_ = error;
    }
    [[nodiscard]] bool has_failed() const { return countdown_ < 0; }
    /// Writes take at most this many bytes at once, as near a full disk or a signal.
    void shorten_writes(std::size_t bytes) { max_write_ = bytes; }

    int create(const std::string& path, mode_t mode, int& descriptor) override {
        return fails() ? error_ : changed(RealFileSystem::create(path, mode, descriptor));
    }
    int write(int descriptor, std::span<const std::byte> bytes, std::size_t& written) override {
        written = 0;
        return fails() ? error_
                       : RealFileSystem::write(descriptor, bytes.first(std::min(bytes.size(), max_write_)), written);
    }
    int close(int descriptor) override {
        const int error = RealFileSystem::close(descriptor);
        return fails() ? error_ : error;
    }
    int rename(const std::string& from, const std::string& to) override {
        return fails() ? error_ : changed(RealFileSystem::rename(from, to));
    }
    int unlink(const std::string& path) override { return fails() ? error_ : changed(RealFileSystem::unlink(path)); }
    int make_folder(const std::string& path, mode_t mode) override {
        return fails() ? error_ : RealFileSystem::make_folder(path, mode);
    }
    int look(const std::string& path) override { return fails() ? error_ : RealFileSystem::look(path); }
    int open_folder(const std::string& path, int& descriptor) override {
        return fails() ? error_ : RealFileSystem::open_folder(path, descriptor);
    }
    int read_small(const std::string& path, std::string& text) override {
        return fails() ? error_ : RealFileSystem::read_small(path, text);
    }
    int sync_volume(int descriptor) override {
        ++syncs;
        return fails() ? error_ : RealFileSystem::sync_volume(descriptor);
    }

    int syncs = 0;
    /// Once, after the next call that makes, moves or removes a name: what another thread does meanwhile.
    std::function<void()> meanwhile;

  private:
    int changed(int error) {
        if (const auto other = std::exchange(meanwhile, {})) {
            other();
        }
        return error;
    }
    bool fails() {
        if (countdown_ <= 0) {
            return false;
        }
        if (--countdown_ == 0) {
            countdown_ = -1;
            return true;
        }
        return false;
    }
    int countdown_ = 0;
    int error_ = EIO;
    std::size_t max_write_ = SIZE_MAX;
};

struct Rig {
    explicit Rig(const std::string& root) {
        auto owned = std::make_unique<FaultyFileSystem>();
        system = owned.get();
        depot = Depot::open(options_for(root), std::move(owned)).value();
    }
    FaultyFileSystem* system = nullptr;
    std::unique_ptr<Depot> depot;
};

const std::vector<std::string> kTexts{"first image", "second image", "third image"};

std::string place(std::size_t i) {
    return path_for(i * 20'000, "jpg");
}

// One pass as the crawl does it. @return what got a record.
Result<std::vector<std::string>> store_pass(Depot& depot) {
    std::vector<Move> moves;
    for (std::size_t i = 0; i < kTexts.size(); ++i) {
        TempImage image = depot.create();
        const std::string_view text = kTexts[i];
        if (auto done = image.append(bytes_of(text.substr(0, 5))); !done) {
            return done.error();
        }
        if (auto done = image.append(bytes_of(text.substr(5))); !done) {
            return done.error();
        }
        if (auto done = image.close(); !done) {
            return done.error();
        }
        moves.push_back({image.release(), place(i)});
    }
    if (auto synced = depot.sync(); !synced) {
        return synced.error();
    }
    Published published = depot.publish(moves);
    if (!published) {
        published = depot.publish(moves);  // nothing is lost: the same call again
    }
    if (!published) {
        return published.error;
    }
    return std::vector<std::string>{place(0), place(1), place(2)};
}

class EveryCallFails : public testing::TestWithParam<int> {};

TEST_P(EveryCallFails, LeavesNothingTornAndARepeatSucceeds) {
    int n = 1;
    for (bool clean = false; !clean; ++n) {
        ASSERT_LT(n, 200);
        const TempFolder temp;
        Rig rig(temp / "images");
        rig.system->fail_call(n, GetParam());
        const auto first = store_pass(*rig.depot);
        clean = !rig.system->has_failed();
        // What is under a name is whole, whatever happened.
        for (std::size_t i = 0; i < kTexts.size(); ++i) {
            const std::string found = content_of(temp / ("images/" + place(i)));
            EXPECT_TRUE(found == kTexts[i] || (!first && found == "(none)")) << n << ": " << found;
        }
        if (!first) {
            EXPECT_EQ(disposition_of(outcome_of(first.error())), Disposition::own_fault);
            EXPECT_TRUE(store_pass(*rig.depot)) << n << ": the repeat";
        }
        // The next start sweeps what was left.
        const auto next = Depot::open(options_for(temp / "images")).value();
        ASSERT_TRUE(next->sweep_temporaries());
        EXPECT_EQ(files_in(temp / "images/.gritd/tmp"), 0U);
        for (std::size_t i = 0; i < kTexts.size(); ++i) {
            EXPECT_EQ(content_of(temp / ("images/" + place(i))), kTexts[i]) << n;
        }
    }
    EXPECT_GT(n, 15) << "the pass has fewer calls than it must have: is the seam bypassed?";
}

INSTANTIATE_TEST_SUITE_P(Errors, EveryCallFails, testing::Values(EIO, ENOSPC, EDQUOT, EROFS, EMFILE, EACCES),
                         [](const auto& info) { return std::string(strerrorname_np(info.param)); });

TEST(OpenFault, EveryCallFailsInWordsAndTheNextOpenWorks) {
    for (int n = 1;; ++n) {
        ASSERT_LT(n, 50);
        const TempFolder temp;
        auto system = std::make_unique<FaultyFileSystem>();
        FaultyFileSystem* const faults = system.get();
        faults->fail_call(n, EIO);
        const auto depot = Depot::open(options_for(temp / "images"), std::move(system));
        const bool clean = depot && !faults->has_failed();
        if (!depot) {
            EXPECT_NE(depot.error().what.find("images"), std::string::npos);
        }
        EXPECT_TRUE(Depot::open(options_for(temp / "images"))) << n;
        if (clean) {
            EXPECT_GT(n, 8);
            break;
        }
    }
}

TEST(SyncFault, IsNeverRetriedAsIfItHadWorked) {
    const TempFolder temp;
    Rig rig(temp / "images");
    TempImage running = rig.depot->create();
    ASSERT_TRUE(running.append(bytes_of("half")));
    const std::string done = test::stage(*rig.depot, "done");
    rig.system->fail_call(1, EIO);
    ASSERT_EQ(rig.depot->sync().error(), Errc::io);
    ASSERT_TRUE(rig.depot->sync()) << "the kernel says so: the error was told once";
    EXPECT_EQ(rig.depot->publish(std::vector<Move>{{done, "00000/1.jpg"}}).error, Errc::io);
    ASSERT_TRUE(running.append(bytes_of("half")));
    ASSERT_TRUE(running.close());
    const std::string released = running.release();
    ASSERT_TRUE(rig.depot->sync()) << "of it alone, this time";
    EXPECT_EQ(rig.depot->publish(std::vector<Move>{{released, "00000/2.jpg"}}).error, Errc::io)
        << "its first half may be lost";
    EXPECT_TRUE(rig.depot->publish(std::vector<Move>{{test::stage(*rig.depot, "new"), "00000/3.jpg"}}));
    EXPECT_FALSE(fs::exists(temp / "images/00000/1.jpg"));
}

TEST(SyncFault, WhatWasDurableBeforeStaysGood) {
    const TempFolder temp;
    Rig rig(temp / "images");
    const std::vector<Move> moves{{test::stage(*rig.depot, "good"), "00000/1.jpg"}};
    ASSERT_TRUE(rig.depot->sync());
    rig.system->fail_call(1, EIO);
    ASSERT_FALSE(rig.depot->sync());
    EXPECT_TRUE(rig.depot->publish(moves));
}

TEST(SyncFault, NamesAreWrittenAnewAfterAFailedSyncOfPublish) {
    const TempFolder temp;
    Rig rig(temp / "images");
    const std::vector<Move> moves{{test::stage(*rig.depot, "good"), "00000/1.jpg"}};
    ASSERT_TRUE(rig.depot->sync());
    rig.system->fail_call(3, EIO);  // mkdir, rename, syncfs
    const Published first = rig.depot->publish(moves);
    EXPECT_EQ(first.error, Errc::io);
    EXPECT_EQ(first.done, 1U);
    const int syncs = rig.system->syncs;
    EXPECT_TRUE(rig.depot->publish(moves));
    EXPECT_EQ(rig.system->syncs, syncs + 1) << "nothing is called durable without a sync";
    EXPECT_EQ(content_of(temp / "images/00000/1.jpg"), "good");
}

// The system tells of a failure once: whoever is told may not be the one who lost something.
void let_another_sync_fail_meanwhile(FaultyFileSystem& system, Depot& depot) {
    system.meanwhile = [&] {
        system.fail_call(1, EIO);
        EXPECT_FALSE(depot.sync());
    };
}

TEST(SyncFault, OfAnotherCallerBetweenTheRenamesAndTheSyncFailsPublish) {
    const TempFolder temp;
    Rig rig(temp / "images");
    const std::vector<Move> moves{{test::stage(*rig.depot, "good"), "00000/1.jpg"}};
    ASSERT_TRUE(rig.depot->sync());
    let_another_sync_fail_meanwhile(*rig.system, *rig.depot);
    const Published first = rig.depot->publish(moves);
    EXPECT_EQ(first.error, Errc::io) << "the name may be lost";
    EXPECT_EQ(first.done, 1U);
    EXPECT_TRUE(rig.depot->publish(moves)) << "it is written anew";
    EXPECT_EQ(content_of(temp / "images/00000/1.jpg"), "good");
}

TEST(SyncFault, OfAnotherCallerFailsARemoval) {
    const TempFolder temp;
    Rig rig(temp / "images");
    const auto layout = make_files_layout(*rig.depot);
    ASSERT_TRUE(rig.depot->publish(std::vector<Move>{{test::stage(*rig.depot, "good"), "00000/1.jpg"}}));
    let_another_sync_fail_meanwhile(*rig.system, *rig.depot);
    EXPECT_FALSE(layout->remove(std::vector<std::string>{"00000/1.jpg"})) << "it may come back";
    EXPECT_TRUE(layout->remove(std::vector<std::string>{"00000/1.jpg"}));
}

TEST(SyncFault, OfAnotherCallerFailsANewShard) {
    const TempFolder temp;
    auto owned = std::make_unique<FaultyFileSystem>();
    FaultyFileSystem& system = *owned;
    test::TarRig rig(temp / "images", std::move(owned));
    rig.layout->begin();
    rig.layout->accept(rig.arrival(1, "one"));
    let_another_sync_fail_meanwhile(system, *rig.depot);
    const Publishing published = rig.layout->publish();
    EXPECT_EQ(published.error, Errc::io) << "its name may be lost";
    EXPECT_FALSE(published.again);
    EXPECT_FALSE(fs::exists(temp / "images/00000.tar"));
    EXPECT_EQ(rig.store({{2, "two"}}).size(), 1U);
}

TEST(WriteFault, ShortWritesAreContinued) {
    const TempFolder temp;
    Rig rig(temp / "images");
    rig.system->shorten_writes(3);
    const std::string name = test::stage(*rig.depot, "a text of more than three bytes");
    EXPECT_EQ(content_of(temp / ("images/.gritd/tmp/" + name)), "a text of more than three bytes");
    rig.system->shorten_writes(0);
    TempImage stuck = rig.depot->create();
    EXPECT_EQ(stuck.append(bytes_of("x")).error(), Errc::io) << "no endless loop";
}

}  // namespace
}  // namespace grit::archive
