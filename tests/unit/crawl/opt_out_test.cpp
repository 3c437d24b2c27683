#include "grit/crawl/opt_out.hpp"
#include "grit/crawl/removals.hpp"

#include <gmock/gmock.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <fstream>

#include "crawl_rig.hpp"

namespace grit::crawl {
namespace {

namespace json = boost::json;
using frontier::TaskPtr;
using test::CrawlRig;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class OptOutTest : public CrawlRig {
  protected:
    OptOutTest() { open(); }
    ~OptOutTest() override { opt_out_.reset(); }

    void open() {
        opt_out_.reset();
        opt_out_ = std::make_unique<OptOut>(OptOut::Parts{*env_, writer_, *layout_, hosts_, clock_, log_, removals_,
                                                          [this] { return committer_->submitted(); },
                                                          [this] { return committer_->recorded(); }});
    }

    /// Crawls these URLs: each is stored with the bytes beside it.
    void crawl(const std::vector<std::pair<std::string, std::string>>& images) {
        std::vector<std::string> urls;
        std::map<std::string, std::string> bytes;
        for (const auto& [url, image] : images) {
            urls.push_back(url);
            bytes[url] = image;
        }
        add_counted(urls);
        for (std::size_t i = 0; i < images.size(); ++i) {
            TaskPtr task = take();
            const std::string url = task->raw_url;
            store_image(std::move(task), bytes.at(url));
        }
        commit();
    }

    static OptOutOrder order(const std::string& domain, bool erase = true) { return {domain, "asked by mail", 1000, erase, false}; }

    OptOutState finish() {
        for (int i = 0; i < 2'000 && opt_out_->running(); ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));  // another thread is at it
        }
        const auto state = opt_out_->state();
        EXPECT_FALSE(state->running) << state->problem;
        EXPECT_EQ(state->problem, "");
        return *state;
    }
    OptOutState run(const OptOutOrder& wanted) {
        const auto begun = opt_out_->begin(wanted);
        EXPECT_TRUE(begun) << (begun ? "" : begun.error().what);
        return finish();
    }

    static std::vector<json::object> lines_of(const std::filesystem::path& path) {
        std::ifstream file(path);
        std::vector<json::object> lines;
        for (std::string line; std::getline(file, line);) {
            lines.push_back(json::parse(line).as_object());
        }
        return lines;
    }
    static std::string text(const json::object& line, const char* name) { return std::string(line.at(name).as_string()); }
    std::vector<json::object> ledger() { return lines_of(dir_ / "optouts.jsonl"); }

    void expect_whole() {
        expect_nothing_lost();
        expect_images_agree();
        const store::ReadTxn txn = env_->read().value();
        std::uint64_t bytes = 0;
        std::set<std::string> files;
        ASSERT_TRUE(store::for_each_record(txn, [&](const store::RecordKey&, const store::Record& record) {
            if (!record.location.empty() && files.insert(record.location).second) {
                bytes += record.size;
                EXPECT_EQ(store::get_content(txn, record.sha256).value(), record.location);
            }
            return true;
        }));
        EXPECT_EQ(totals().stored_bytes, bytes);
        EXPECT_EQ(txn.count(store::Table::content).value(), files.size());
        EXPECT_TRUE(store::for_each_url_to_path(txn, [&](std::string_view url, std::string_view path) {
            EXPECT_TRUE(files.contains(std::string(path))) << url << " leads to " << path;
            return true;
        }));
        EXPECT_EQ(store::get_opt_out(txn).error(), store::Errc::not_found);
    }

    Removals removals_{*env_, writer_, *layout_, log_};
    std::unique_ptr<OptOut> opt_out_;
};

TEST_F(OptOutTest, ListsAndLeavesADomain) {
    crawl({{"http://img.example.org/1.jpg", "one"}, {"http://example.org/2.jpg", "two"}, {"http://example.com/3.jpg", "three"},
           {"http://myexample.org/4.jpg", "four"}});
    const OptOutState state = run(order("example.org", false));
    EXPECT_EQ(state.row.listed, 2u);
    EXPECT_EQ(state.row.deleted, 0u);
    const auto lines = lines_of(state.list);
    ASSERT_THAT(lines, SizeIs(2));
    const json::object& one = text(lines[0], "url") == "http://img.example.org/1.jpg" ? lines[0] : lines[1];
    EXPECT_EQ(text(one, "path"), path_of("http://img.example.org/1.jpg"));
    EXPECT_EQ(text(one, "sha256"), media::hex(record_of("http://img.example.org/1.jpg").sha256));
    ASSERT_THAT(ledger(), SizeIs(1));
    EXPECT_EQ(text(ledger()[0], "domain"), "example.org");
    EXPECT_EQ(text(ledger()[0], "reason"), "asked by mail");
    EXPECT_FALSE(ledger()[0].at("delete").as_bool());
    EXPECT_EQ(outcomes(Outcome::stored), 4u);
    expect_whole();
}

TEST_F(OptOutTest, DeletesRecordsNamesAndFiles) {
    crawl({{"http://img.example.org/1.jpg", "one"}, {"http://example.org/2.jpg", "two"}, {"http://example.com/3.jpg", "three"}});
    // Other spellings, one of which the map has by its digest.
    const std::string long_one = "http://IMG.example.org/1.jpg#" + std::string(600, 'x');
    add_counted({"http://IMG.example.org/1.jpg", long_one});
    expect_idle();
    tell_frontier();
    commit();
    ASSERT_EQ(path_of(long_one), path_of("http://img.example.org/1.jpg"));

    const OptOutState state = run(order("example.org"));
    EXPECT_EQ(state.row.deleted, 2u);
    EXPECT_EQ(state.row.files_removed, 2u);
    EXPECT_EQ(state.row.freed_bytes, 6u);
    for (const std::string& url : {std::string("http://img.example.org/1.jpg"), std::string("http://IMG.example.org/1.jpg"), long_one}) {
        EXPECT_EQ(path_of(url), "(none)");
    }
    const store::Record record = record_of("http://img.example.org/1.jpg");
    EXPECT_EQ(record.outcome, Outcome::opted_out);
    EXPECT_EQ(record.detail, "opted out: example.org (asked by mail)");
    EXPECT_EQ(record.sha256, store::Sha256{});
    EXPECT_EQ(outcomes(Outcome::stored), 1u);
    EXPECT_EQ(outcomes(Outcome::opted_out), 2u);
    const store::HostRow host = store::get_host(env_->read().value(), id("img.example.org")).value();
    EXPECT_EQ(host.stored, 0u);
    EXPECT_EQ(ledger()[0].at("files_removed").as_int64(), 2);
    expect_whole();
    pass(Milliseconds(1));  // an opt-out is known by its time
    EXPECT_EQ(run(order("example.org")).row.listed, 0u) << "there is nothing left";
    EXPECT_THAT(ledger(), SizeIs(2));
}

TEST_F(OptOutTest, AFileThatAnotherDomainNamesStays) {
    crawl({{"http://example.org/1.jpg", "shared"}, {"http://example.org/2.jpg", "own"}});
    crawl({{"http://example.com/3.jpg", "shared"}});
    const std::string path = path_of("http://example.com/3.jpg");
    ASSERT_EQ(path, path_of("http://example.org/1.jpg"));
    const OptOutState state = run(order("example.org"));
    EXPECT_EQ(state.row.files_kept, 1u);
    EXPECT_EQ(state.row.files_removed, 1u);
    EXPECT_EQ(path_of("http://example.org/1.jpg"), "(none)");
    EXPECT_EQ(path_of("http://example.com/3.jpg"), path);
    expect_whole();
    // Equal bytes are still stored once.
    crawl({{"http://example.net/4.jpg", "shared"}});
    EXPECT_EQ(path_of("http://example.net/4.jpg"), path);
    // It goes with the last who names it.
    EXPECT_EQ(run(order("example.com")).row.files_kept, 1u);
    EXPECT_EQ(run(order("example.net")).row.files_removed, 1u);
    EXPECT_EQ(totals().stored_bytes, 0u);
    expect_whole();
}

TEST_F(OptOutTest, AnImageThatIsFetchedAgainDoesNotOverwriteAFileThatStayed) {
    crawl({{"http://example.org/1.jpg", "shared"}});
    crawl({{"http://example.com/3.jpg", "shared"}});
    const std::string path = path_of("http://example.com/3.jpg");
    static_cast<void>(run(order("example.org")));
    // An operator takes the block back and asks again; by now the URL has another image.
    auto task = std::make_unique<frontier::Task>();
    const store::Record record = record_of("http://example.org/1.jpg");
    task->url = url::canonicalize(record.url).value();
    task->home = id("example.org");
    task->hash = task->url.hash();
    task->raw_url = record.url;
    task->ordinal = record.ordinal;
    ASSERT_TRUE(writer_.transact([](store::WriteTxn& txn) {
        store::Totals totals = store::get_totals(txn).value();
        --totals.outcomes[index_of(Outcome::opted_out)];
        return store::put_totals(txn, totals);
    }));
    store_image(std::move(task), "another image");
    commit();
    EXPECT_EQ(path_of("http://example.com/3.jpg"), path);
    EXPECT_NE(path_of("http://example.org/1.jpg"), path);
    expect_whole();  // sizes of the files among it
}

TEST_F(OptOutTest, ImagesThatARedirectBroughtAreTheDomainsToo) {
    add_counted({"http://a.example.com/1.jpg", "http://b.example.com/2.jpg"});
    for (const char* to : {"http://cdn.example.org/1.jpg", "http://cdn.example.net/2.jpg"}) {
        TaskPtr task = take();
        task->url = url::canonicalize(to).value();
        task->hops = 1;
        store_image(std::move(task), to);
    }
    commit();
    EXPECT_EQ(run(order("example.org")).row.deleted, 1u);
    EXPECT_EQ(outcomes(Outcome::stored), 1u);
    expect_whole();
}

TEST_F(OptOutTest, ADryRunOnlyTells) {
    crawl({{"http://example.org/1.jpg", "shared"}, {"http://example.org/2.jpg", "own"}});
    crawl({{"http://example.com/3.jpg", "shared"}});
    OptOutOrder wanted = order("example.org");
    wanted.dry_run = true;
    const OptOutState state = run(wanted);
    EXPECT_EQ(state.row.listed, 2u);
    EXPECT_EQ(state.row.files_kept, 1u);
    EXPECT_EQ(state.row.files_removed, 1u);
    EXPECT_EQ(state.row.freed_bytes, 3u);
    EXPECT_THAT(ledger(), IsEmpty());
    EXPECT_THAT(state.list, HasSubstr("dry-run"));
    EXPECT_EQ(outcomes(Outcome::opted_out), 0u);
    expect_whole();
}

TEST_F(OptOutTest, WhatIsOnItsWayIntoTheStateIsWaitedFor) {
    add_counted({"http://example.org/1.jpg"});
    store_image(take(), "one");
    ASSERT_TRUE(opt_out_->begin(order("example.org")));
    EXPECT_FALSE(opt_out_->begin(order("example.com"))) << "one at a time";
    EXPECT_TRUE(opt_out_->running());
    for (int i = 0; i < 200 && opt_out_->running(); ++i) {
        commit();
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    EXPECT_EQ(finish().row.deleted, 1u);
    expect_whole();
}

TEST_F(OptOutTest, WhatWasCutGoesOnInTheNextLife) {
    std::vector<std::pair<std::string, std::string>> images;
    for (int i = 0; i < 30; ++i) {
        images.emplace_back("http://example.org/" + std::to_string(i) + ".jpg", "image " + std::to_string(i));
    }
    crawl(images);
    // Each of the first calls to the disk fails once; the life ends there.
    for (int n = 1; n < 32; n += 6) {
        system_->fail(n, EIO, 1'000);
        if (n == 1) {
            ASSERT_TRUE(opt_out_->begin(order("example.org")));
        } else {
            ASSERT_TRUE(opt_out_->resume());
        }
        for (int i = 0; i < 2'000 && opt_out_->state()->problem.empty(); ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        EXPECT_THAT(opt_out_->state()->problem, HasSubstr("can not be"));
        EXPECT_TRUE(opt_out_->running()) << "it is tried again";
        open();
    }
    system_->fail(-1, 0);
    ASSERT_TRUE(opt_out_->resume());
    const OptOutState state = finish();
    EXPECT_EQ(state.row.listed, 30u);
    EXPECT_EQ(state.row.deleted, 30u);
    EXPECT_EQ(state.row.files_removed, 30u);
    EXPECT_THAT(lines_of(state.list), SizeIs(30));
    EXPECT_THAT(ledger(), SizeIs(1));
    expect_whole();
    open();
    ASSERT_TRUE(opt_out_->resume());
    EXPECT_FALSE(opt_out_->state()) << "there is nothing to resume";
}

}  // namespace
}  // namespace grit::crawl
