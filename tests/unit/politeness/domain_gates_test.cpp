#include "grit/politeness/domain_gates.hpp"

#include <gtest/gtest.h>

namespace grit::politeness {
namespace {

TEST(DomainGates, HoldsTheLimitAndHandsPlacesToWaitingHosts) {
    DomainGates gates;
    EXPECT_TRUE(gates.try_enter(7, 2));
    EXPECT_TRUE(gates.try_enter(7, 2));
    EXPECT_FALSE(gates.try_enter(7, 2));
    EXPECT_TRUE(gates.try_enter(8, 2));
    gates.wait(7, 42);
    gates.wait(7, 43);
    EXPECT_EQ(gates.next_waiting(7, 2), std::nullopt) << "no place is free";
    gates.leave(7);
    EXPECT_TRUE(gates.next_waiting(7, 2));
    EXPECT_TRUE(gates.next_waiting(7, 2)) << "the first did not take the place, so the second may";
    EXPECT_EQ(gates.next_waiting(7, 2), std::nullopt);
    EXPECT_EQ(gates.open_requests(7), 1u);
    gates.leave(7);
    EXPECT_EQ(gates.open_requests(7), 0u);
}

}  // namespace
}  // namespace grit::politeness
