// [[politeness.class]]: reading it, what holds in the end, and the file that is shipped.
#include "grit/config/classes.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <set>
#include <sstream>

#include "config_support.hpp"
#include "shipped_classes.hpp"

namespace grit::config {
namespace {

using std::chrono::milliseconds;
using test::config_of;
using test::errors_of;
using test::with_least;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kMirror = R"([[politeness.class]]
name = "mirror"
suffixes = ["Mirror.Example.ORG.", "b_1.test"]
reason = "ours"
connections_per_host = 16
min_interval = "5ms"
)";

const HostClass* named(const std::vector<HostClass>& classes, std::string_view name) {
    const auto found = std::find_if(classes.begin(), classes.end(), [&](const HostClass& c) { return c.name == name; });
    return found == classes.end() ? nullptr : &*found;
}

TEST(HostClass, IsReadWithItsSuffixesInCanonicalForm) {
    const Config config = config_of(with_least(kMirror));
    HostClass expected{"mirror", {"mirror.example.org", "b_1.test"}, "ours", 16, {}, milliseconds(5), {}};
    EXPECT_THAT(config.politeness.classes, ElementsAre(expected));
    EXPECT_TRUE(config.politeness.shipped_classes);
}

TEST(HostClass, EveryMistakeIsToldWithItsPlace) {
    EXPECT_THAT(errors_of(with_least(R"([[politeness.class]]
name = "a b"
suffixes = ["*.example.org", "127.0.0.1", "bücher.example", ""]
reason = ""
connections_per_host = 65
min_interval = "2s"
max_interval = "1s"
conections_per_domain = 4
[[politeness.class]]
)")),
                ElementsAre(HasSubstr("t.toml:7:8: politeness.class.name: \"a b\" is no name of a class"),
                            HasSubstr("t.toml:8:13: politeness.class.suffixes: \"*.example.org\" is no host name"),
                            HasSubstr("t.toml:8:30: politeness.class.suffixes: \"127.0.0.1\" ends in a number"),
                            HasSubstr("t.toml:8:43: politeness.class.suffixes: \"bücher.example\" is not ASCII"),
                            HasSubstr("t.toml:8:61: politeness.class.suffixes: \"\" is no host name"),
                            HasSubstr("t.toml:9:10: politeness.class.reason: \"\" must not be empty"),
                            HasSubstr("t.toml:10:24: politeness.class.connections_per_host: 65 is out of range (1 to 64)"),
                            HasSubstr("t.toml:11:16: politeness.class: min_interval \"2s\" is longer than max_interval \"1s\""),
                            HasSubstr("t.toml:13:1: unknown key \"conections_per_domain\" in [politeness.class]: did you mean "
                                      "\"connections_per_domain\"?"),
                            HasSubstr("t.toml:14:1: politeness.class.name: is missing"),
                            HasSubstr("t.toml:14:1: politeness.class.reason: is missing"),
                            HasSubstr("t.toml:14:1: politeness.class.suffixes: is missing")));
}

TEST(HostClass, WhatIsNoListOfTablesIsRefused) {
    EXPECT_THAT(errors_of(with_least("[politeness]\nclass = [1]\n")), ElementsAre(HasSubstr("t.toml:7:10: politeness.class: expected a table")));
    EXPECT_THAT(errors_of(with_least("[politeness.class]\nname = \"a\"\n")),
                ElementsAre(HasSubstr("politeness.class: expected a list of tables, found a table")));
    EXPECT_THAT(errors_of(with_least("[[politeness.clas]]\n")), ElementsAre(HasSubstr("did you mean \"class\"?")));
}

TEST(HostClass, ASuffixAndANameAreOnceInAFile) {
    const std::string again = R"([[politeness.class]]
name = "mirror"
suffixes = ["c.test", "C.test", "B_1.TEST"]
reason = "twice"
)";
    EXPECT_THAT(errors_of(with_least(std::string(kMirror) + again)),
                ElementsAre(HasSubstr("t.toml:13:8: politeness.class.name: \"mirror\" is another class already"),
                            HasSubstr("t.toml:14:12: politeness.class.suffixes: \"b_1.test\" is in the class \"mirror\" already"),
                            HasSubstr("t.toml:14:12: politeness.class.suffixes: \"c.test\" is there twice")));
}

// What a class does not give it inherits, so its one bound may contradict the other of [politeness].
TEST(HostClass, ItsBoundsHaveToFitThoseItInherits) {
    EXPECT_THAT(errors_of(with_least("politeness.max_interval = \"1s\"\n" + std::string(kMirror) + "max_interval = \"1ms\"\n")),
                ElementsAre(HasSubstr("min_interval \"5ms\" is longer than max_interval \"1ms\"")));
    EXPECT_THAT(errors_of(with_least(R"([politeness]
max_interval = "1s"
[[politeness.class]]
name = "slow"
suffixes = ["a.test"]
reason = "r"
min_interval = "2s"
)")),
                ElementsAre(HasSubstr("t.toml:12:16: politeness.class: min_interval \"2s\" is longer than max_interval \"1s\"")));
}

TEST(HostClass, TheEffectiveConfigHasItToo) {
    const Config config = config_of(with_least(kMirror));
    EXPECT_EQ(config_of(effective_toml(config)), config);
    const Config written_out = with_classes_written_out(config);
    EXPECT_EQ(config_of(effective_toml(written_out)), written_out);
    EXPECT_EQ(classes_in_force(written_out.politeness), classes_in_force(config.politeness));
}

TEST(HostClass, MayChangeByAReload) {
    const Config before = config_of(with_least(""));
    const Config after = config_of(with_least("[politeness]\nshipped_classes = false\n" + std::string(kMirror)));
    EXPECT_THAT(restart_only_changes(before, after), IsEmpty());
}

TEST(HostClass, WithoutAPaceLimitIsOdd) {
    Config config = config_of(with_least("fetch.user_agent = \"gritd/1.0 (+https://lab.test/c)\"\n" + std::string(kMirror)));
    EXPECT_THAT(warnings_about(config), IsEmpty());
    config.politeness.classes.front().min_interval = milliseconds(0);
    EXPECT_THAT(warnings_about(config), ElementsAre(HasSubstr("no pace limit")));
}

// What holds -----------------------------------------------------------------------------------------------------------

TEST(ClassesInForce, InheritWhatTheyDoNotGive) {
    Politeness politeness = config_of(with_least(kMirror)).politeness;
    politeness.shipped_classes = false;
    politeness.max_interval = milliseconds(777);
    const auto classes = classes_in_force(politeness);
    ASSERT_EQ(classes.size(), 1u);
    EXPECT_EQ(classes[0], (HostClass{"mirror", {"mirror.example.org", "b_1.test"}, "ours", 16, 8, milliseconds(5), milliseconds(777)}));
}

TEST(ClassesInForce, TheOperatorsComeFirst) {
    Politeness politeness;
    const auto shipped = classes_in_force(politeness);
    ASSERT_TRUE(named(shipped, "shopify") && named(shipped, "pinterest"));
    politeness.classes = {HostClass{"shopify", {"elsewhere.test"}, "r", 1, {}, {}, {}},
                          HostClass{"mine", {"pinimg.com"}, "r", 1, {}, {}, {}}};
    const auto classes = classes_in_force(politeness);
    EXPECT_EQ(classes[0].name, "shopify");
    EXPECT_EQ(classes[0].suffixes, std::vector<std::string>{"elsewhere.test"}) << "a class of the same name takes the place";
    EXPECT_EQ(classes[1].name, "mine");
    EXPECT_FALSE(named(classes, "pinterest")) << "its only suffix is in another class now";
    EXPECT_EQ(classes.size(), shipped.size());
}

TEST(ClassesInForce, AnOperatorWhoIsStricterThanTheDefaultsIsSoEverywhere) {
    Politeness strict;
    strict.connections_per_host = 1;
    strict.connections_per_domain = 1;
    strict.min_interval = std::chrono::seconds(1);
    strict.max_interval = std::chrono::minutes(5);
    for (const HostClass& held : classes_in_force(strict)) {
        EXPECT_EQ(held.connections_per_host, 1u) << held.name;
        EXPECT_EQ(held.connections_per_domain, 1u) << held.name;
        EXPECT_GE(held.min_interval, std::chrono::seconds(1)) << held.name;
        EXPECT_GE(held.max_interval, std::chrono::minutes(5)) << held.name;
    }
    strict.classes = {HostClass{"mine", {"pinimg.com"}, "agreed", 4, {}, milliseconds(10), {}}};
    EXPECT_EQ(classes_in_force(strict)[0].min_interval, milliseconds(10)) << "what is written is meant";
}

TEST(ClassesInForce, AnOperatorWhoIsLaxerDoesNotLoosenAShippedClass) {
    Politeness lax;
    lax.min_interval = milliseconds(1);
    lax.max_interval = milliseconds(2);
    const auto classes = classes_in_force(lax);
    const HostClass* wikimedia = named(classes, "wikimedia");
    ASSERT_NE(wikimedia, nullptr);
    EXPECT_EQ(wikimedia->min_interval, milliseconds(400));
    EXPECT_GE(wikimedia->max_interval, wikimedia->min_interval) << "bounds that do not contradict each other";
}

// The shipped file -----------------------------------------------------------------------------------------------------

TEST(ShippedClasses, AreTheFileAndHaveReasons) {
    std::ifstream file(GRIT_CDN_CLASSES);
    std::stringstream text;
    text << file.rdbuf();
    EXPECT_EQ(shipped_classes_text(), text.str());
    const auto parsed = parse_classes(shipped_classes_text(), "cdn_classes.toml");
    ASSERT_EQ(parsed.index(), 0u) << std::get<1>(parsed).front().text();
    const auto classes = shipped_classes();
    EXPECT_GE(classes.size(), 8u);
    EXPECT_LE(classes.size(), 100u) << "with those of a file they have to fit a byte";
    const Politeness usual;
    for (const HostClass& shipped : classes) {
        EXPECT_GT(shipped.reason.size(), 40u) << shipped.name << ": a reason, not a word";
        EXPECT_LE(shipped.connections_per_host.value_or(2), 8u) << shipped.name;
        EXPECT_GE(shipped.min_interval.value_or(usual.min_interval), milliseconds(25)) << shipped.name;
    }
}

// Policy: as its operator asks (wikitech.wikimedia.org, "Robot policy"): two at once over all of its names.
TEST(ShippedClasses, Policy_WikimediaIsAskedAsItAsksFor) {
    const HostClass wikimedia = *named(shipped_classes(), "wikimedia");
    EXPECT_EQ(wikimedia.connections_per_host, 2u);
    EXPECT_EQ(wikimedia.connections_per_domain, 2u);
}

TEST(ShippedClasses, TheirFileHoldsNothingElse) {
    const auto errors_in = [](std::string_view text) {
        const auto parsed = parse_classes(text, "c.toml");
        return parsed.index() == 1 ? std::get<1>(parsed).front().text() : "";
    };
    EXPECT_EQ(errors_in("[fetch]\nmax_in_flight = 1\n"), "c.toml:1:2: unknown table \"fetch\"");
    EXPECT_EQ(errors_in("[politeness]\nrobots = false\n"), "c.toml:2:1: unknown key \"robots\" in [politeness]");
    EXPECT_THAT(errors_in("[[politeness.class]\n"), HasSubstr("no valid TOML"));
}

// The example in config/gritd.toml, uncommented, has every key of a class.
TEST(SampleFile, ItsExampleOfAClassIsOne) {
    std::ifstream file(GRIT_SAMPLE_CONFIG);
    std::string example;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("# [[politeness.class]]") || (!example.empty() && line.starts_with("# "))) {
            example += line.substr(2) + "\n";
        } else if (!example.empty()) {
            break;
        }
    }
    const Config config = config_of(with_least(example));
    ASSERT_EQ(config.politeness.classes.size(), 1u) << example;
    const HostClass& shown = config.politeness.classes.front();
    EXPECT_TRUE(shown.connections_per_host && shown.connections_per_domain && shown.min_interval && shown.max_interval);
}

}  // namespace
}  // namespace grit::config
