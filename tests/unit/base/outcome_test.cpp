#include "grit/base/outcome.hpp"

#include <gtest/gtest.h>

#include <set>

namespace grit {
namespace {

TEST(Outcome, EveryOneHasItsOwnNameAndNumberAndIndex) {
    std::set<std::string_view> names;
    std::set<std::size_t> indexes;
    for (const Outcome outcome : kAllOutcomes) {
        names.insert(name_of(outcome));
        indexes.insert(index_of(outcome));
        EXPECT_EQ(outcome_named(name_of(outcome)), outcome);
        EXPECT_EQ(outcome_of_number(static_cast<std::uint8_t>(outcome)), outcome);
    }
    EXPECT_EQ(names.size(), kOutcomeCount);
    EXPECT_EQ(indexes.size(), kOutcomeCount);
    EXPECT_EQ(*indexes.rbegin(), kOutcomeCount - 1);
}

TEST(Outcome, UnknownNamesAndNumbersAreNothing) {
    EXPECT_FALSE(outcome_named("http_teapot"));
    EXPECT_FALSE(outcome_named(""));
    EXPECT_FALSE(outcome_of_number(255));
}

// Stored numbers are a promise to existing datasets.
TEST(Outcome, StoredNumbersNeverChange) {
    EXPECT_EQ(static_cast<int>(Outcome::stored), 0);
    EXPECT_EQ(static_cast<int>(Outcome::http_not_found), 15);
    EXPECT_EQ(static_cast<int>(Outcome::truncated_body), 40);
    EXPECT_EQ(static_cast<int>(Outcome::http_too_many_requests), 60);
    EXPECT_EQ(static_cast<int>(Outcome::dns_not_found), 70);
    EXPECT_EQ(static_cast<int>(Outcome::disk_full), 90);
}

TEST(Outcome, DispositionsFollowTheDesign) {
    EXPECT_EQ(disposition_of(Outcome::duplicate_content), Disposition::done);
    EXPECT_EQ(disposition_of(Outcome::filtered), Disposition::gone);
    EXPECT_EQ(disposition_of(Outcome::connection_reset), Disposition::retry_url);
    EXPECT_EQ(disposition_of(Outcome::http_unavailable), Disposition::slow_host);
    EXPECT_EQ(disposition_of(Outcome::tls_certificate), Disposition::host_down);
    EXPECT_EQ(disposition_of(Outcome::shutting_down), Disposition::own_fault);
}

}  // namespace
}  // namespace grit
