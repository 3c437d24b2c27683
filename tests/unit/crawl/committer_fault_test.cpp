// Every system call of the commit protocol fails once or for a while, or is the last one of the process.
#include "crawl_rig.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace grit::crawl {
namespace {

using test::CrawlRig;
using test::TaskPtr;

class CommitterFaultTest : public CrawlRig {
  public:
    explicit CommitterFaultTest(std::filesystem::path dir = {}, std::string layout = "files")
        : CrawlRig(std::move(dir), std::move(layout)) {}

  protected:
    static constexpr int kUrls = 5;

    void SetUp() override {
        std::vector<std::string> urls;
        for (int i = 0; i < kUrls; ++i) {
            urls.push_back("a.example.org/" + std::to_string(i));
        }
        add_counted(urls);
    }

    /// What a fetch of that task brings: two images, one that equals the first, a refusal, another image.
    void end(TaskPtr task) {
        const std::string& url = task->url.text;
        if (url.ends_with("3")) {
            settle(std::move(task), Outcome::http_not_found);
        } else {
            const std::string bytes = url.ends_with("2") ? "image 0" : "image " + url.substr(url.size() - 1);
            store_image(std::move(task), bytes);
        }
    }

    void expect_all_is_well() {
        EXPECT_EQ(committer_->uncommitted(), 0u);
        EXPECT_EQ(outcomes(Outcome::stored), 3u);
        EXPECT_EQ(outcomes(Outcome::duplicate_content), 1u);
        EXPECT_EQ(outcomes(Outcome::http_not_found), 1u);
        EXPECT_EQ(record_of("http://a.example.org/4").attempts, 1u) << "a fault of ours is charged to nobody";
        expect_nothing_lost();
        expect_images_agree();
        expect_journal_agrees();
    }

    /// Commits until all is settled; what comes back is fetched again.
    void drive() {
        for (int turn = 0; turn < 20 && (committer_->uncommitted() > 0 || !listener_.back.empty()); ++turn) {
            for (TaskPtr& task : std::exchange(listener_.back, {})) {
                EXPECT_TRUE(task->line);
                frontier_->push(std::move(task));
                end(take());
            }
            commit();
        }
    }
};

TEST_F(CommitterFaultTest, WithoutAFaultAllIsWell) {
    for (int i = 0; i < kUrls; ++i) {
        end(take());
    }
    drive();
    expect_all_is_well();
    EXPECT_TRUE(listener_.faults.empty());
}

struct Fault {
    std::string layout;
    int call;
    int error;
    int more;
};

class CommitterFaultAt : public CommitterFaultTest, public ::testing::WithParamInterface<Fault> {
  public:
    CommitterFaultAt() : CommitterFaultTest({}, GetParam().layout) {}
};

TEST_P(CommitterFaultAt, NothingIsRecordedThatIsNotOnDiskAndNothingIsLost) {
    for (int i = 0; i < kUrls; ++i) {
        end(take());
    }
    system_->fail(GetParam().call, GetParam().error, GetParam().more);
    pass(Milliseconds(1'000));
    committer_->tick();
    writer_.drain();
    {
        // Whatever has failed: what is recorded is there.
        const store::ReadTxn txn = env_->read().value();
        ASSERT_TRUE(store::for_each_record(txn, [&](const store::RecordKey&, const store::Record& record) {
            EXPECT_TRUE(record.location.empty() || images_on_disk().contains(record.location));
            return true;
        }));
    }
    expect_nothing_lost();
    drive();
    system_->heal();
    // A temporary whose removal failed stays until the next start.
    ASSERT_TRUE(depot_->sweep_temporaries());
    EXPECT_EQ(outcomes(Outcome::stored), 3u);
    EXPECT_EQ(outcomes(Outcome::duplicate_content), 1u);
    EXPECT_EQ(outcomes(Outcome::http_not_found), 1u);
    EXPECT_EQ(record_of("http://a.example.org/4").attempts, 1u) << "a fault of ours is charged to nobody";
    EXPECT_EQ(committer_->uncommitted(), 0u);
    expect_nothing_lost();
    expect_images_agree(false);
    expect_journal_agrees();
}

// As many calls as a commit of these five results makes, and some more.
std::vector<Fault> all_faults() {
    std::vector<Fault> faults;
    for (const auto& [layout, calls] : std::map<std::string, int>{{"files", 9}, {"webdataset", 34}}) {
        for (int call = 1; call < calls; ++call) {
            for (const int error : {EIO, ENOSPC, EACCES, EMFILE}) {
                faults.push_back(Fault{layout, call, error, 0});
                faults.push_back(Fault{layout, call, error, 3});
            }
        }
    }
    return faults;
}

INSTANTIATE_TEST_SUITE_P(EachCall, CommitterFaultAt, ::testing::ValuesIn(all_faults()), [](const auto& info) {
    const Fault& fault = info.param;
    return fault.layout + "_" + std::to_string(fault.call) + "_" + std::to_string(fault.error) + "_" + std::to_string(fault.more);
});

TEST_F(CommitterFaultTest, AHostsWishIsOnRecordWhileTheDiskIsStillAtTheImages) {
    TaskPtr task = take();
    const HostId host = task->home;
    end(std::move(task));
    committer_->note(host, HostNote{{1'111, 700, 3, 1}}, true);
    const auto held_until = [&] { return store::get_host(env_->read().value(), host).value().not_before_ms; };
    const auto wait_until = [&](std::int64_t wanted) {
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (held_until() != wanted && std::chrono::steady_clock::now() < limit) {
            std::this_thread::yield();
        }
        return held_until();
    };
    const int before = 2 * system_->calls();
    system_->on_call = [&](int moment) {
        if (moment == before + 1) {  // the sync has begun, and ends when this returns
            EXPECT_EQ(wait_until(1'111), 1'111) << "what was asked for before it";
            committer_->note(host, HostNote{{2'222, 700, 4, 1}}, true);
            EXPECT_EQ(wait_until(2'222), 2'222) << "what was asked for meanwhile";
            EXPECT_EQ(outcomes(Outcome::stored), 0u);
        }
    };
    commit();
    system_->on_call = nullptr;
    EXPECT_EQ(outcomes(Outcome::stored), 1u);
    EXPECT_EQ(held_until(), 2'222) << "the group's older note does not take it back";
    commit();
    EXPECT_EQ(held_until(), 2'222);
}

TEST_F(CommitterFaultTest, ADiskThatTakesMinutesIsNoStuckWriter) {
    TaskPtr task = take();
    const HostId host = task->home;
    end(std::move(task));
    const auto wait_until = [&](const std::function<bool()>& is_so) {
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (!is_so() && std::chrono::steady_clock::now() < limit) {
            std::this_thread::yield();
        }
        return is_so();
    };
    const auto is_alive = [&] { return writer_.heartbeat() == clock_.now(); };
    for (const int moment_of_call : {1, 3}) {  // the sync before the names, and one of the calls that publish
        bool met = false;
        const int before = 2 * system_->calls();
        system_->on_call = [&](int moment) {
            if (moment == before + moment_of_call) {
                met = true;
                clock_.advance(std::chrono::minutes(10));
                EXPECT_TRUE(wait_until(is_alive)) << moment_of_call;
            }
        };
        commit();
        EXPECT_TRUE(met);
        end(take());
    }
    bool met = false;
    const int before = 2 * system_->calls();
    system_->on_call = [&](int moment) {
        if (moment == before + 1) {
            met = true;
            clock_.advance(std::chrono::minutes(20));
            committer_->note(host, HostNote{{3'333, 700, 3, 1}}, true);
            EXPECT_TRUE(wait_until([&] { return store::get_host(env_->read().value(), host).value().not_before_ms == 3'333; })) << "it turned";
            EXPECT_FALSE(is_alive()) << "a disk that hangs is told of in the end";
        }
    };
    commit();
    EXPECT_TRUE(met);
    system_->on_call = nullptr;
}

TEST_F(CommitterFaultTest, ImagesOnASafeDiskWaitForTheirNamesInsteadOfBeingFetchedAgain) {
    for (int i = 0; i < kUrls; ++i) {
        end(take());
    }
    system_->fail(2, ENOSPC, 1);  // the first sync works, the folder can not be made, twice
    commit();
    EXPECT_TRUE(listener_.back.empty());
    EXPECT_EQ(committer_->uncommitted(), 5u);
    EXPECT_EQ(listener_.faults, std::vector<Outcome>{Outcome::disk_full});
    drive();
    expect_all_is_well();
}

TEST_F(CommitterFaultTest, AfterAFaultFinishCommitsTheOldGroupAndTheNewResults) {
    end(take());
    system_->fail(2, EACCES);
    commit();
    EXPECT_EQ(committer_->uncommitted(), 1u);
    for (int i = 1; i < kUrls; ++i) {
        end(take());
    }
    committer_->finish();
    expect_all_is_well();
}

TEST_F(CommitterFaultTest, AFailedSyncSendsImagesBackAndKeepsTheRest) {
    for (int i = 0; i < kUrls; ++i) {
        end(take());
    }
    system_->fail(1, EIO);
    commit();
    EXPECT_EQ(listener_.back.size(), 4u);
    EXPECT_EQ(outcomes(Outcome::http_not_found), 1u);
    EXPECT_EQ(committer_->uncommitted(), 0u);
    expect_nothing_lost();
    expect_images_agree();
    drive();
    expect_all_is_well();
}

class JournalFaultAt : public CommitterFaultTest, public ::testing::WithParamInterface<std::tuple<int, int, int>> {};

TEST_P(JournalFaultAt, TheGroupIsKeptAndTheJournalSaysWhatTheStateSays) {
    const auto [number, error, more] = GetParam();
    for (int i = 0; i < kUrls; ++i) {
        end(take());
    }
    calls_->fail(number, error, more);
    for (int i = 0; i < 3; ++i) {
        commit();
        expect_nothing_lost();
        expect_images_agree(false, true);
        expect_journal_agrees();
    }
    drive();
    EXPECT_TRUE(listener_.back.empty()) << "nobody is asked again for a fault of the journal";
    expect_all_is_well();
    for (const Outcome fault : listener_.faults) {
        EXPECT_EQ(fault, error == ENOSPC ? Outcome::disk_full : Outcome::store_error);
    }
    // And after a restart.
    open_journal();
    expect_journal_agrees();
}

INSTANTIATE_TEST_SUITE_P(EachCall, JournalFaultAt,
                         ::testing::Combine(::testing::Range(1, 4), ::testing::Values(EIO, ENOSPC), ::testing::Values(0, 1, 5)));

// A disk that has refused a sync would say that all is well when it is asked again.
TEST_F(CommitterFaultTest, AfterARefusedSyncTheJournalGoesOnInAnotherFile) {
    end(take());
    commit();
    const auto before = store::get_journal_mark(env_->read().value()).value();
    end(take());
    calls_->fail(2, EIO);  // the lines are written, and can not be synced
    commit();
    EXPECT_EQ(listener_.faults, std::vector<Outcome>{Outcome::store_error});
    EXPECT_EQ(store::get_journal_mark(env_->read().value()).value(), before);
    commit();
    EXPECT_GT(store::get_journal_mark(env_->read().value()).value().file, before.file);
    expect_journal_agrees();
}

// Between a group that failed and its next try others write into the journal, too.
TEST_F(CommitterFaultTest, WhatOthersWriteBehindAFailedGroupIsNotMixedWithIt) {
    end(take());
    calls_->fail(2, ENOSPC);
    commit();
    EXPECT_EQ(committer_->uncommitted(), 1u);
    journal::Line other;
    other.kind = journal::Kind::block;
    other.data = {{"kind", "domain"}, {"value", "x.test"}};
    const std::vector<std::string> lines{journal::text_of(other)};
    ASSERT_TRUE(writer_.transact([&](store::WriteTxn& txn) { return journal_->write(txn, lines); }));
    ASSERT_EQ(journal_lines().size(), 1u);
    EXPECT_EQ(journal_lines()[0].kind, journal::Kind::block);
    commit();
    ASSERT_EQ(journal_lines().size(), 2u);
    expect_journal_agrees();
}

// The process ends before or after each call of the protocol. Then the next one takes the state over.
class Life final : public CommitterFaultTest {
  public:
    Life(const std::filesystem::path& dir, const std::string& layout, bool first) : CommitterFaultTest(dir, layout) {
        if (first) {
            SetUp();
        }
    }
    void TestBody() override {}

    /// @param in_journal  of the calls of the journal; else of those of the images.
    void crawl_and_die_at(int moment, bool in_journal) {
        for (int i = 0; i < kUrls; ++i) {
            end(take());
        }
        const int before = 2 * (in_journal ? calls_->calls() : system_->calls());
        (in_journal ? calls_->on_call : system_->on_call) = [=](int now) {
            if (now - before == moment) {
                _exit(1);
            }
        };
        commit();
        commit();
        _exit(0);
    }

    void take_over_and_end() {
        clean_up_after_crash();
        expect_nothing_lost();
        expect_images_agree();
        expect_journal_agrees();
        while (frontier_->counts().remaining > 0) {
            end(take());
        }
        drive();
        expect_all_is_well();
    }
};

struct Killed {
    std::string layout;
    bool in_journal;  // in its calls; else in those of the images
};

class CommitterKill : public ::testing::TestWithParam<Killed> {};

TEST_P(CommitterKill, ARestartFindsNoImageWithoutItsRecordAndNoRecordWithoutItsImage) {
    bool finished = false;
    int moment = 0;
    for (; !finished && moment < 200; ++moment) {
        SCOPED_TRACE(moment);
        const grit::test::TempFolder folder;
        const pid_t child = fork();
        if (child == 0) {
            std::filesystem::create_directory(folder.path() / "state");
            Life(folder.path() / "state", GetParam().layout, true).crawl_and_die_at(moment, GetParam().in_journal);
        }
        int status = 0;
        ASSERT_EQ(waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFEXITED(status));
        finished = WEXITSTATUS(status) == 0 && moment > 0;
        Life(folder.path() / "state", GetParam().layout, false).take_over_and_end();
    }
    EXPECT_TRUE(finished);
    EXPECT_GT(moment, GetParam().in_journal ? 4 : 12) << "there are at least as many moments";
}

INSTANTIATE_TEST_SUITE_P(Everywhere, CommitterKill,
                         ::testing::Values(Killed{"files", false}, Killed{"files", true}, Killed{"webdataset", false},
                                           Killed{"webdataset", true}),
                         [](const auto& info) { return info.param.layout + (info.param.in_journal ? "Journal" : "Images"); });

}  // namespace
}  // namespace grit::crawl
