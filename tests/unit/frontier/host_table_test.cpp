#include "grit/frontier/host_table.hpp"

#include "grit/url/registrable_domain.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace grit::frontier {
namespace {

TEST(HostTable, GivesDenseIdsInOrderOfFirstSight) {
    HostTable table;
    EXPECT_EQ(table.find_or_add("a.example.org"), 1u);
    EXPECT_EQ(table.find_or_add("b.example.org"), 2u);
    EXPECT_EQ(table.find_or_add("a.example.org"), 1u);
    EXPECT_EQ(table.next_id(), 3u);
    EXPECT_EQ(table.size(), 2u);
    EXPECT_EQ(table.find("b.example.org"), 2u);
    EXPECT_EQ(table.find("c.example.org"), std::nullopt);
}

TEST(HostTable, KnowsNameDomainAndPartition) {
    HostTable table;
    const HostInfo a = table.info(table.find_or_add("a.example.org"));
    const HostInfo b = table.info(table.find_or_add("b.example.org"));
    const HostInfo c = table.info(table.find_or_add("a.example.com"));
    EXPECT_EQ(a.name, "a.example.org");
    EXPECT_EQ(a.domain, b.domain);
    EXPECT_NE(a.domain, c.domain);
    EXPECT_EQ(a.partition, url::partition_of("example.org"));
}

TEST(HostTable, ALoadedHostEqualsAFreshOne) {
    HostTable fresh;
    const HostInfo was = fresh.info(fresh.find_or_add("img.example.org"));
    HostTable loaded;
    loaded.load(7, "img.example.org", "example.org", was.partition);
    EXPECT_EQ(loaded.find("img.example.org"), 7u);
    EXPECT_EQ(loaded.info(7).domain, was.domain) << "hosts of a domain share limits, loaded or new";
    EXPECT_EQ(loaded.info(7).partition, was.partition);
    EXPECT_EQ(loaded.find_or_add("other.example.org"), 8u) << "ids go on above the highest";
    EXPECT_EQ(loaded.size(), 2u);
}

TEST(HostTable, HandsOutUnsavedHostsOnceAndLoadedOnesNever) {
    HostTable table;
    table.load(3, "old.example.org", "example.org", 1);
    static_cast<void>(table.find_or_add("old.example.org"));
    static_cast<void>(table.find_or_add("new.example.org"));
    EXPECT_EQ(table.take_unsaved(), std::vector<HostId>{4});
    EXPECT_TRUE(table.take_unsaved().empty());
}

TEST(HostTable, NamesStayValidWhileItGrows) {
    HostTable table;
    std::vector<std::string_view> names;
    for (int i = 0; i < 60'000; ++i) {
        names.push_back(table.info(table.find_or_add("host" + std::to_string(i) + ".example.org")).name);
    }
    for (int i = 0; i < 60'000; i += 997) {
        const std::string expected = "host" + std::to_string(i) + ".example.org";
        EXPECT_EQ(names[static_cast<std::size_t>(i)], expected);
        EXPECT_EQ(table.find(expected), static_cast<HostId>(i + 1));
    }
}

TEST(HostTable, ThreadsThatAddTheSameHostsAgreeOnTheirIds) {
    constexpr int kHosts = 3'000;
    constexpr std::size_t kThreads = 4;
    HostTable table;
    std::array<std::vector<HostId>, kThreads> seen;
    std::atomic<bool> done{false};
    std::vector<HostId> unsaved;
    std::thread saver([&] {
        while (!done) {
            const std::vector<HostId> some = table.take_unsaved();
            unsaved.insert(unsaved.end(), some.begin(), some.end());
        }
    });
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < kThreads; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < kHosts; ++i) {
                const int number = t % 2 == 0 ? i : kHosts - 1 - i;
                const std::string name = "h" + std::to_string(number) + ".example.org";
                const HostId id = table.find_or_add(name);
                EXPECT_EQ(table.info(id).name, name);
                seen[t].push_back(id);
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    done = true;
    saver.join();
    const std::vector<HostId> rest = table.take_unsaved();
    unsaved.insert(unsaved.end(), rest.begin(), rest.end());
    EXPECT_EQ(table.size(), static_cast<std::size_t>(kHosts));
    EXPECT_EQ(seen[0], seen[2]);
    std::reverse(seen[1].begin(), seen[1].end());
    EXPECT_EQ(seen[0], seen[1]);
    EXPECT_EQ(unsaved.size(), static_cast<std::size_t>(kHosts));
    EXPECT_EQ(std::set<HostId>(unsaved.begin(), unsaved.end()).size(), static_cast<std::size_t>(kHosts)) << "each once";
}

}  // namespace
}  // namespace grit::frontier
