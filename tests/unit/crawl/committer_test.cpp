#include "crawl_rig.hpp"

namespace grit::crawl {
namespace {

using test::CrawlRig;

class CommitterTest : public CrawlRig {};

TEST_F(CommitterTest, AStoredImageIsOnDiskInTheMapAndInTheCounters) {
    add_counted({"http://A.example.org/x.jpg"});
    store_image(take(), "some bytes");
    EXPECT_EQ(committer_->uncommitted(), 1u);
    commit();
    EXPECT_EQ(committer_->uncommitted(), 0u);
    EXPECT_EQ(path_of("http://A.example.org/x.jpg"), "00000/000000000.jpg") << "the map has the URL as written";
    const store::Record record = record_of("http://a.example.org/x.jpg");
    EXPECT_EQ(record.outcome, Outcome::stored);
    EXPECT_EQ(record.size, 10u);
    EXPECT_EQ(record.attempts, 1u);
    EXPECT_EQ(record.url, "http://A.example.org/x.jpg");
    EXPECT_EQ(totals().stored_bytes, 10u);
    EXPECT_EQ(store::get_host(env_->read().value(), id("a.example.org")).value().taken, 1u);
    expect_nothing_lost();
    expect_images_agree();
}

TEST_F(CommitterTest, EveryKindOfEndIsCountedOnce) {
    std::vector<std::string> urls;
    for (std::size_t i = 0; i < kOutcomeCount; ++i) {
        urls.push_back("a.example.org/" + std::to_string(i));
    }
    add_counted(urls);
    for (const Outcome outcome : kAllOutcomes) {
        if (outcome == Outcome::stored) {
            store_image(take(), "image");
        } else {
            settle(take(), outcome);
        }
    }
    commit();
    expect_nothing_lost();
    for (const Outcome outcome : kAllOutcomes) {
        EXPECT_EQ(outcomes(outcome), 1u) << name_of(outcome);
    }
}

TEST_F(CommitterTest, ARetryWaitsInTheStateAndItsEndIsCountedOnce) {
    add_counted({"a.example.org/x"});
    settle(take(), Outcome::timeout_total, wall_ms() + 60'000);
    commit();
    EXPECT_EQ(committer_->waiting(), 1u);
    EXPECT_TRUE(record_of("http://a.example.org/x").waiting);
    EXPECT_EQ(frontier_->counts().remaining, 0u);
    expect_nothing_lost();
    const auto due = store::due_retries(env_->read().value(), std::nullopt, wall_ms() + 100'000, 10).value();
    ASSERT_EQ(due.size(), 1u);
    const auto again = [&](Outcome outcome, std::optional<std::int64_t> at) {
        auto task = std::make_unique<frontier::Task>();
        const auto rows = store::due_retries(env_->read().value(), std::nullopt, wall_ms() + 1'000'000, 10).value();
        task->retry = rows.at(0).key;
        task->home = task->retry->record.host;
        task->hash = task->retry->record.hash;
        task->raw_url = "http://a.example.org/x";
        task->url = url::canonicalize(task->raw_url).value();
        task->attempts = 2;
        settle(std::move(task), outcome, at);
        commit();
        expect_nothing_lost();
    };
    again(Outcome::too_slow, wall_ms() + 600'000);
    EXPECT_EQ(committer_->waiting(), 1u);
    again(Outcome::too_slow, due[0].key.due_ms) ;
    again(Outcome::too_slow, due[0].key.due_ms);  // the same time again: the row stays
    EXPECT_EQ(committer_->waiting(), 1u);
    again(Outcome::http_not_found, std::nullopt);
    EXPECT_EQ(committer_->waiting(), 0u);
    EXPECT_EQ(outcomes(Outcome::http_not_found), 1u);
    EXPECT_EQ(record_of("http://a.example.org/x").outcome, Outcome::http_not_found);
}

TEST_F(CommitterTest, ADuplicateLineGetsThePathOfItsUrlNowOrWhenThereIsOne) {
    add_counted({"http://a.example.org/x", "http://a.example.org:80/x", "HTTP://a.example.org/y", "http://a.example.org/%79"});
    store_image(take(), "image of x");
    auto y = take();
    expect_idle();  // it has met the last line, which waits for y
    commit();
    settle(std::move(y), Outcome::timeout_total, wall_ms() + 60'000);
    commit();  // y waits; the duplicates become verdicts
    commit();
    EXPECT_EQ(outcomes(Outcome::duplicate_url), 2u);
    EXPECT_EQ(path_of("http://a.example.org:80/x"), path_of("http://a.example.org/x"));
    EXPECT_EQ(path_of("http://a.example.org/%79"), "(none)");
    expect_nothing_lost();
    auto task = std::make_unique<frontier::Task>();
    task->raw_url = "HTTP://a.example.org/y";
    task->url = url::canonicalize(task->raw_url).value();
    task->hash = task->url.hash();
    task->home = id("a.example.org");
    task->ordinal = 2;
    task->retry = store::due_retries(env_->read().value(), std::nullopt, wall_ms() + 100'000, 1).value().at(0).key;
    store_image(std::move(task), "image of y");
    commit();
    EXPECT_EQ(path_of("HTTP://a.example.org/y"), "00000/000000002.jpg");
    EXPECT_EQ(path_of("http://a.example.org/%79"), "00000/000000002.jpg");
    expect_nothing_lost();
    expect_images_agree();
}

TEST_F(CommitterTest, ADuplicateSettledBeforeItsUrlHasARecordGetsItsPathWithTheImage) {
    add_counted({"http://a.example.org/x", "http://a.example.org/x", "http://a.example.org:80/x", "http://a.example.org/%78"});
    auto first = take();
    expect_idle();
    commit();  // takes the verdicts
    commit();
    EXPECT_EQ(outcomes(Outcome::duplicate_url), 3u);
    EXPECT_EQ(env_->read().value().count(store::Table::records).value(), 0u);
    expect_nothing_lost();
    store_image(std::move(first), "image of x");
    commit();
    for (const char* spelling : {"http://a.example.org/x", "http://a.example.org:80/x", "http://a.example.org/%78"}) {
        EXPECT_EQ(path_of(spelling), "00000/000000000.jpg") << spelling;
    }
    EXPECT_EQ(env_->read().value().count(store::Table::spellings).value(), 2u) << "the record has its own";
    expect_nothing_lost();
}

TEST_F(CommitterTest, SpellingsOfAUrlThatWasGoneAreMappedWhenItIsAskedAgainAndStored) {
    add_counted({"http://a.example.org/x", "http://a.example.org:80/x"});
    settle(take(), Outcome::http_not_found);
    expect_idle();
    commit();
    commit();
    EXPECT_EQ(outcomes(Outcome::duplicate_url), 1u);
    auto task = std::make_unique<frontier::Task>();
    task->raw_url = "http://a.example.org/x";
    task->url = url::canonicalize(task->raw_url).value();
    task->hash = task->url.hash();
    task->home = id("a.example.org");
    store_image(std::move(task), "image");
    commit();
    EXPECT_EQ(path_of("http://a.example.org:80/x"), "00000/000000000.jpg");
}

TEST_F(CommitterTest, EqualBytesAreStoredOnceInAGroupAndAcrossGroups) {
    add_counted({"a.example.org/1", "a.example.org/2", "a.example.org/3"});
    store_image(take(), "the same");
    store_image(take(), "the same");
    commit();
    store_image(take(), "the same");
    commit();
    EXPECT_EQ(outcomes(Outcome::stored), 1u);
    EXPECT_EQ(outcomes(Outcome::duplicate_content), 2u);
    for (const char* url : {"http://a.example.org/1", "http://a.example.org/2", "http://a.example.org/3"}) {
        EXPECT_EQ(path_of(url), "00000/000000000.jpg");
        EXPECT_EQ(record_of(url).location, "00000/000000000.jpg");
    }
    EXPECT_EQ(totals().stored_bytes, 8u);
    expect_nothing_lost();
    expect_images_agree();
}

TEST_F(CommitterTest, AFinishedBlockLeavesTheStateAndTheCursorMovesOn) {
    add_counted({"a.example.org/1", "a.example.org/2"});
    add_counted({"a.example.org/3"});
    auto first = take();
    settle(take(), Outcome::http_not_found);
    settle(take(), Outcome::http_not_found);  // the later run is finished before the earlier one
    commit();
    expect_nothing_lost();
    EXPECT_EQ(store::get_host(env_->read().value(), id("a.example.org")).value().cursor_run, 1u);
    settle(std::move(first), Outcome::http_not_found);
    commit();
    expect_nothing_lost();
    EXPECT_EQ(env_->read().value().count(store::Table::queue).value(), 0u);
    EXPECT_EQ(env_->read().value().count(store::Table::progress).value(), 0u);
    EXPECT_EQ(store::get_host(env_->read().value(), id("a.example.org")).value().cursor_run, 2u)
        << "not above what is left; the later run was finished when it was not its turn";
}

TEST_F(CommitterTest, ANoteIsWrittenWithTheNextGroupAndAnUrgentOneWithTheNextTick) {
    add_counted({"a.example.org/1"});
    const HostId host = id("a.example.org");
    committer_->note(host, HostNote{}, true);
    commit();
    committer_->note(host, HostNote{{123'456, 700, 3, 1}, 72});
    committer_->tick();
    writer_.drain();
    EXPECT_EQ(store::get_host(env_->read().value(), host).value().interval_ms, 0u) << "its time has not come";
    committer_->note(host, HostNote{{123'456, 700, 3, 1, 650, 9, true}, 72}, true);
    committer_->tick();
    writer_.drain();
    const store::HostRow row = store::get_host(env_->read().value(), host).value();
    EXPECT_EQ(row.not_before_ms, 123'456);
    EXPECT_EQ(row.interval_ms, 700u);
    EXPECT_EQ(row.backoff_level, 3u);
    EXPECT_EQ(row.down_attempts, 1u);
    EXPECT_EQ(row.ceiling_ms, 650u);
    EXPECT_EQ(row.answers_since_refusal, 9u);
    EXPECT_TRUE(row.near_ceiling);
    EXPECT_EQ(row.gone_as, 72u);
    EXPECT_EQ(row.name, "a.example.org");
}

TEST_F(CommitterTest, AHostFirstMetInARedirectGetsARow) {
    const HostId host = id("fresh.example.net");
    committer_->note(host, HostNote{{1, 2, 3, 4}, store::kNotGone}, true);
    commit();
    const store::HostRow row = store::get_host(env_->read().value(), host).value();
    EXPECT_EQ(row.name, "fresh.example.net");
    EXPECT_EQ(row.domain, "example.net");
    EXPECT_EQ(row.partition, hosts_.info(host).partition);
    EXPECT_GT(totals().next_host, host);
}

TEST_F(CommitterTest, FinishCommitsWhatIsThere) {
    add_counted({"a.example.org/1"});
    settle(take(), Outcome::http_not_found);
    committer_->finish();
    EXPECT_EQ(committer_->uncommitted(), 0u);
    EXPECT_EQ(outcomes(Outcome::http_not_found), 1u);
}

TEST_F(CommitterTest, AGroupGoesOutBeforeItsTimeWhenItIsFull) {
    add_counted({"a.example.org/1"});
    auto task = take();
    committer_->note(task->home, HostNote{}, true);
    commit();
    settle(std::move(task), Outcome::http_not_found);
    committer_->tick();
    writer_.drain();
    EXPECT_EQ(committer_->uncommitted(), 1u);
    for (std::size_t i = 1; i < 2'000; ++i) {
        auto filler = std::make_unique<frontier::Task>();
        filler->home = id("a.example.org");
        filler->hash.low = i;
        settle(std::move(filler), Outcome::duplicate_url);
    }
    committer_->tick();
    writer_.drain();
    EXPECT_EQ(committer_->uncommitted(), 0u);
}

}  // namespace
}  // namespace grit::crawl
