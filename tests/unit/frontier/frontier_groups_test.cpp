// Classes of hosts, and the groups that limits hold for: however a URL is spelt, it is in its host's group.
#include "frontier_rig.hpp"

#include "grit/url/registrable_domain.hpp"

#include <map>
#include <string>
#include <vector>

namespace grit::frontier::test {
namespace {

class FrontierGroupsTest : public FrontierRig {
  protected:
    // HostClasses as a config with this one class would make it.
    void set_class(const std::vector<std::string>& suffixes, const politeness::Manners& manners) {
        const politeness::Manners own = classes_.own();
        classes_ = politeness::HostClasses(own);
        classes_.add("class", suffixes, manners);
    }
    std::vector<Lease> all_that_may_be_asked() {
        std::vector<Lease> leases;
        while (auto lease = ask()) {
            leases.push_back(std::move(*lease));
        }
        return leases;
    }
};

TEST_F(FrontierGroupsTest, AHostIsAskedAsItsClassSays) {
    politeness::Manners slow = manners_;
    slow.connections_per_host = 1;
    slow.min_interval = Milliseconds(500);
    set_class({"cdn.example.org"}, slow);
    begin(false);
    add_numbered("img.cdn.example.org", 4);
    add_numbered("www.example.org", 4);
    EXPECT_EQ(view("img.cdn.example.org").politeness_class, "class");
    EXPECT_EQ(view("img.cdn.example.org").interval, Milliseconds(500));
    EXPECT_EQ(view("www.example.org").politeness_class, "");
    auto open = all_that_may_be_asked();
    ASSERT_EQ(open.size(), 2u);
    pass(manners_.min_interval);
    auto second = ask();
    ASSERT_TRUE(second) << "the host without a class may have two";
    EXPECT_EQ(second->host(), id("www.example.org"));
    pass(Milliseconds(500));
    EXPECT_FALSE(ask()) << "one connection";
    open.clear();
    EXPECT_TRUE(ask());
}

TEST_F(FrontierGroupsTest, ADomainHasTheLimitOfItsOwnClass) {
    politeness::Manners few = manners_;
    few.connections_per_domain = 2;
    set_class({"example.org", "sub.example.net"}, few);
    begin(false);
    for (int i = 0; i < 5; ++i) {
        add_numbered("h" + std::to_string(i) + ".example.org", 2);
        add_numbered("h" + std::to_string(i) + ".sub.example.net", 2);
        add_numbered("h" + std::to_string(i) + ".other.test", 2);
    }
    std::map<std::string, int> open;
    const auto leases = all_that_may_be_asked();
    for (const Lease& lease : leases) {
        ++open[url::registrable_domain(lease.task().url.host)];
    }
    EXPECT_EQ(open["example.org"], 2);
    EXPECT_EQ(open["example.net"], 5) << "a class of some of its hosts does not bound the domain";
    EXPECT_EQ(open["other.test"], 5);
}

TEST_F(FrontierGroupsTest, APrivateSuffixKeepsCustomersApart) {
    manners_.connections_per_domain = 1;
    begin(false);
    for (const char* host : {"a.blogspot.com", "b.blogspot.com", "one.s3.amazonaws.com", "two.s3.amazonaws.com"}) {
        add_numbered(host, 1);
    }
    EXPECT_EQ(all_that_may_be_asked().size(), 4u) << "each is a site of its own";
}

// A kill forgets what was asked in the last moment: a slow class has to be left alone for longer than everybody is.
TEST_F(FrontierGroupsTest, AfterARestartAHostWaitsForTheIntervalOfItsClass) {
    politeness::Manners slow = manners_;
    slow.min_interval = Milliseconds(2000);
    set_class({"slow.test"}, slow);
    add({"a.slow.test/1", "www.example.org/1"});
    begin(false);
    pass(manners_.min_interval);
    auto first = ask();
    ASSERT_TRUE(first);
    EXPECT_EQ(first->host(), id("www.example.org"));
    pass(Milliseconds(2000) - manners_.min_interval - Milliseconds(1));
    EXPECT_FALSE(ask());
    pass(Milliseconds(1));
    EXPECT_TRUE(ask());
}

TEST_F(FrontierGroupsTest, AReloadMovesHostsBetweenClasses) {
    add_numbered("a.example.org", 3);
    EXPECT_FALSE(fetch().empty());
    politeness::Manners slow = manners_;
    slow.min_interval = Milliseconds(2000);
    set_class({"example.org"}, slow);
    frontier_->classes_changed();
    EXPECT_EQ(view("a.example.org").politeness_class, "class");
    pass_interval();
    EXPECT_FALSE(fetch().empty()) << "its turn had been fixed before";
    pass(Milliseconds(1999));
    EXPECT_TRUE(fetch().empty());
    pass(Milliseconds(1));
    EXPECT_FALSE(fetch().empty());
}

// Spellings of one host: each list is one host to every limit.
const std::vector<std::vector<std::string>> kOneHostEach{
    {"http://example.org/", "http://EXAMPLE.org/", "http://example.org./", "http://EXAMPLE.org.:80/",
     "http://exampl%65.org/", "http://exampl%65%2Eorg/", "http://example%2eorg%2e/", "https://example.org:443/",
     "http://example.org:8080/", "https://example.org:8443/", "http://user:secret@example.org/",
     "http://other.test@example.org/", "HTTP://example.org/", "http://\xef\xbd\x85xample.org/" /* full-width e */,
     "http://example\xe3\x80\x82org/" /* ideographic full stop */, "http://example\xef\xbc\x8eorg/" /* full-width */,
     "http://exam\xc2\xadple.org/" /* soft hyphen */, "http://exa\tmple.org/", "http:///example.org/"},
    {"http://xn--bcher-kva.example/", "http://b\xc3\xbc" "cher.example/", "http://B\xc3\x9c" "CHER.example/",
     "http://bu\xcc\x88" "cher.example/" /* u and a combining mark */, "http://b%C3%BCcher.example/",
     "http://XN--BCHER-KVA.example./", "https://b%c3%bccher.example:443/"},
    {"http://192.0.2.1/", "http://192.0.2.1./", "http://3221225985/", "http://0xC0000201/", "http://0300.0.02.01/",
     "http://0xc0.0x0.0x2.0x1/", "http://192.0.513/", "http://192.513/", "https://192.0.2.1:443/",
     "http://\xef\xbc\x91\xef\xbc\x99\xef\xbc\x92.0.2.1/" /* full-width digits */, "http://%31%39%32.0.2.1/"},
    {"http://[2001:db8::1]/", "http://[2001:DB8:0:0:0:0:0:1]/", "http://[2001:0db8::0001]:8080/",
     "https://[2001:db8::0:1]/", "http://[2001:db8::0.0.0.1]/"},
};

TEST_F(FrontierGroupsTest, NoSpellingOfAHostEvadesItsLimits) {
    manners_.connections_per_host = 2;
    begin(false);
    for (const auto& spellings : kOneHostEach) {
        std::vector<std::string> urls;
        for (const std::string& spelling : spellings) {
            urls.push_back(spelling + std::to_string(urls.size()) + ".jpg");
        }
        const std::size_t hosts_before = hosts_.size();
        add(urls);
        EXPECT_EQ(hosts_.size(), hosts_before + 1) << spellings.front();
        auto first = ask();
        ASSERT_TRUE(first) << spellings.front();
        EXPECT_FALSE(ask()) << "the pace is the host's";
        pass_interval();
        auto second = ask();
        ASSERT_TRUE(second);
        EXPECT_EQ(second->host(), first->host());
        pass_interval();
        EXPECT_FALSE(ask()) << "two connections are the host's number";
        frontier_->throttle(first->host(), Milliseconds(60'000), Outcome::http_too_many_requests);
        first.reset();
        second.reset();
        pass(Milliseconds(59'999));
        EXPECT_FALSE(ask()) << "its refusal holds for all of it";
        pass(Milliseconds(1));
        while (true) {
            if (fetch().empty() && frontier_->counts().remaining == 0) {
                break;
            }
            pass_interval();
        }
    }
}

TEST_F(FrontierGroupsTest, SpellingsAreInTheirHostsClass) {
    politeness::Manners slow = manners_;
    slow.min_interval = Milliseconds(1000);
    set_class({"example.org", "xn--bcher-kva.example"}, slow);
    begin(false);
    for (std::size_t list = 0; list < 2; ++list) {
        add(kOneHostEach[list]);
        EXPECT_FALSE(fetch().empty());
        pass(Milliseconds(999));
        EXPECT_TRUE(fetch().empty()) << kOneHostEach[list].front();
        frontier_->give_up(id(list == 0 ? "example.org" : "xn--bcher-kva.example"), Outcome::dns_not_found);
        EXPECT_FALSE(ask());
    }
}

// A host that ends like another's suffix is not in its group.
TEST_F(FrontierGroupsTest, HostsThatOnlyLookAlikeAreOthers) {
    manners_.connections_per_domain = 1;
    begin(false);
    for (const char* host : {"example.org", "example.org.test", "notexample.org", "example.org-x.test", "exаmple.org"}) {
        add_numbered(host, 1);
    }
    EXPECT_EQ(all_that_may_be_asked().size(), 5u) << "the last has a Cyrillic letter";
}

}  // namespace
}  // namespace grit::frontier::test
