#include "grit/config/endpoint.hpp"

#include <gtest/gtest.h>

namespace grit::config {
namespace {

TEST(Endpoint, ReadsAddressAndPort) {
    EXPECT_EQ(parse_endpoint("127.0.0.1:9187"), (Endpoint{"127.0.0.1", 9187}));
    EXPECT_EQ(parse_endpoint("[2001:db8::1]:53"), (Endpoint{"2001:db8::1", 53}));
    EXPECT_EQ(parse_endpoint("0.0.0.0:0"), (Endpoint{"0.0.0.0", 0}));
}

TEST(Endpoint, DefaultPortFillsTheGap) {
    EXPECT_EQ(parse_endpoint("192.0.2.1", 53), (Endpoint{"192.0.2.1", 53}));
    EXPECT_EQ(parse_endpoint("2001:db8::1", 53), (Endpoint{"2001:db8::1", 53}));
    EXPECT_EQ(parse_endpoint("[::1]", 53), (Endpoint{"::1", 53}));
    EXPECT_EQ(parse_endpoint("192.0.2.1:5353", 53), (Endpoint{"192.0.2.1", 5353}));
}

TEST(Endpoint, RefusesWhatIsNone) {
    for (const char* text :
         {"", ":1", "127.0.0.1", "::1", "[::1]", "localhost:80", "[127.0.0.1]:80", "[::1]80", "[::1",
          "1.2.3.4:", "1.2.3.4:x", "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3.4: 1", " 1.2.3.4:1", "::1:80:"}) {
        EXPECT_FALSE(parse_endpoint(text)) << text;
    }
    EXPECT_FALSE(parse_endpoint(std::string_view("1.2.3.4\0x:1", 11)));
}

}  // namespace
}  // namespace grit::config
