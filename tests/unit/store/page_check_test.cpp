#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "grit/store/tables.hpp"
#include "temp_state.hpp"

namespace grit::store {
namespace {

using test::State;
using test::TempFolder;
using testing::HasSubstr;

constexpr std::size_t kPage = 4096;
constexpr int kRows = 3'000;

std::string key_of(int i) { return "row-" + std::to_string(1'000'000 + i); }

class PageCheck : public testing::Test {
  protected:
    PageCheck() {
        State state(temp_.path());
        for (int part = 0; part < 20; ++part) {
            EXPECT_TRUE(state.write([&](WriteTxn& txn) -> Result<void> {
                for (int i = part; i < kRows; i += 20) {
                    if (const auto put = txn.put(Table::hosts, key_of(i), std::string(40, 'h')); !put) {
                        return put;
                    }
                    if (const auto put = txn.put(Table::content, key_of(i), std::string(300, 'c')); !put) {
                        return put;
                    }
                }
                return txn.put(Table::runs, key_of(part), std::string(10'000, 'r'));
            }));
        }
    }

    PageReport check() {
        State state(temp_.path());
        return state.env->check_pages(std::atomic<bool>{false}).value();
    }
    std::string read() {
        std::ifstream file(temp_.path() / "data.mdb", std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    void write(const std::string& bytes) {
        std::ofstream(temp_.path() / "data.mdb", std::ios::binary | std::ios::trunc) << bytes;
    }

    TempFolder temp_;
};

TEST_F(PageCheck, AStateThatIsWholeIsFoundSo) {
    const PageReport report = check();
    EXPECT_EQ(report.damaged, 0U) << (report.places.empty() ? "" : report.places.front());
    EXPECT_GT(report.pages, 250U);
}

// Each page of the tables, in turn: it is zeroed, or its header is, or what is behind it is made up.
TEST_F(PageCheck, DamageOfEachPageIsFound) {
    const std::string whole = read();
    std::set<std::string> kinds;
    unsigned found = 0;
    for (std::size_t page = 2; page < whole.size() / kPage; ++page) {
        std::string bytes = whole;
        const std::size_t at = page * kPage + (page % 3 == 0 ? 16 : 0);
        const std::size_t size = page % 3 == 1 ? 16 : kPage - at % kPage;
        for (std::size_t i = 0; i < size; ++i) {
            bytes[at + i] = page % 2 == 0 ? '\0' : static_cast<char>(i * 37 + page);
        }
        write(bytes);
        auto env = Env::open(temp_.path());
        if (!env) {
            ++found;
            EXPECT_THAT(env.error().what, HasSubstr("damaged"));
            continue;
        }
        const PageReport report = (*env)->check_pages(std::atomic<bool>{false}).value();
        found += report.damaged > 0 ? 1 : 0;
        if (!report.places.empty()) {
            kinds.insert(report.places.front().substr(0, report.places.front().find(':')));
        }
    }
    // Pages that are free, and the bytes of large values behind their first page, hold what they like.
    EXPECT_GT(found, 250U);
    EXPECT_THAT(kinds, testing::IsSupersetOf({"hosts", "content", "runs"}));
}

}  // namespace
}  // namespace grit::store
