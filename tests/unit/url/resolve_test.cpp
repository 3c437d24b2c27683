// A Location header beside the URL that was asked.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "grit/url/canonical_url.hpp"

namespace grit::url {
namespace {

using Cases = std::vector<std::pair<std::string, std::string>>;

void expect_resolved(const std::string& base_text, const Cases& cases) {
    const CanonicalUrl base = canonicalize(base_text).value();
    for (const auto& [reference, wanted] : cases) {
        const auto url = resolve(base, reference);
        ASSERT_TRUE(url) << reference << ": " << url.error().message();
        EXPECT_EQ(url->text, wanted) << reference;
    }
}

// RFC 3986 section 5.4.1. Fragments are never sent, so they are cut. "g:h" is another scheme: see below.
TEST(UrlResolve, NormalExamples) {
    expect_resolved("http://a/b/c/d;p?q", {
                                              {"g", "http://a/b/c/g"},
                                              {"./g", "http://a/b/c/g"},
                                              {"g/", "http://a/b/c/g/"},
                                              {"/g", "http://a/g"},
                                              {"//g", "http://g/"},
                                              {"?y", "http://a/b/c/d;p?y"},
                                              {"g?y", "http://a/b/c/g?y"},
                                              {"#s", "http://a/b/c/d;p?q"},
                                              {"g#s", "http://a/b/c/g"},
                                              {"g?y#s", "http://a/b/c/g?y"},
                                              {";x", "http://a/b/c/;x"},
                                              {"g;x", "http://a/b/c/g;x"},
                                              {"g;x?y#s", "http://a/b/c/g;x?y"},
                                              {"", "http://a/b/c/d;p?q"},
                                              {".", "http://a/b/c/"},
                                              {"./", "http://a/b/c/"},
                                              {"..", "http://a/b/"},
                                              {"../", "http://a/b/"},
                                              {"../g", "http://a/b/g"},
                                              {"../..", "http://a/"},
                                              {"../../", "http://a/"},
                                              {"../../g", "http://a/g"},
                                          });
}

// RFC 3986 section 5.4.2; "http:g" in its backward compatible reading.
TEST(UrlResolve, AbnormalExamples) {
    expect_resolved("http://a/b/c/d;p?q", {
                                              {"../../../g", "http://a/g"},
                                              {"../../../../g", "http://a/g"},
                                              {"/./g", "http://a/g"},
                                              {"/../g", "http://a/g"},
                                              {"g.", "http://a/b/c/g."},
                                              {".g", "http://a/b/c/.g"},
                                              {"g..", "http://a/b/c/g.."},
                                              {"..g", "http://a/b/c/..g"},
                                              {"./../g", "http://a/b/g"},
                                              {"./g/.", "http://a/b/c/g/"},
                                              {"g/./h", "http://a/b/c/g/h"},
                                              {"g/../h", "http://a/b/c/h"},
                                              {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
                                              {"g;x=1/../y", "http://a/b/c/y"},
                                              {"g?y/./x", "http://a/b/c/g?y/./x"},
                                              {"g?y/../x", "http://a/b/c/g?y/../x"},
                                              {"g#s/./x", "http://a/b/c/g"},
                                              {"http:g", "http://a/b/c/g"},
                                              {"http:", "http://a/b/c/d;p?q"},
                                          });
}

TEST(UrlResolve, AbsoluteReferencesLeaveTheBase) {
    expect_resolved("https://example.org:8443/a?b", {
                                                        {"http://other.org/x", "http://other.org/x"},
                                                        {"HTTPS://OTHER.org:443", "https://other.org/"},
                                                        {"//cdn.example.org/x", "https://cdn.example.org/x"},
                                                        {"\\\\cdn.example.org\\x", "https://cdn.example.org/x"},
                                                        {"https:/other.org/x", "https://other.org/x"},
                                                    });
}

TEST(UrlResolve, HostAndPortOfTheBaseStay) {
    expect_resolved("https://[::1]:8443/a/b?c/d", {
                                                      {"/x", "https://[::1]:8443/x"},
                                                      {"x", "https://[::1]:8443/a/x"},
                                                      {"?x", "https://[::1]:8443/a/b?x"},
                                                  });
}

TEST(UrlResolve, ReferencesAreCleaned) {
    expect_resolved("http://h/a/b", {
                                        {" /x y\t.jpg ", "http://h/x%20y.jpg"},
                                        {"/\xc3\xa9?a=1&amp;b=2", "http://h/%C3%A9?a=1&b=2"},
                                        {"\\x\\y", "http://h/x/y"},
                                        {"image.jpg:large", "http://h/a/image.jpg:large"},
                                        {"1:2", "http://h/a/1:2"},
                                    });
}

TEST(UrlResolve, RefusesOtherSchemesAndDamage) {
    const CanonicalUrl base = canonicalize("http://a/b/c/d;p?q").value();
    EXPECT_EQ(resolve(base, "g:h").error(), Errc::scheme_refused);
    EXPECT_EQ(resolve(base, "javascript:alert(1)").error(), Errc::scheme_refused);
    EXPECT_EQ(resolve(base, "file:///etc/passwd").error(), Errc::scheme_refused);
    EXPECT_EQ(resolve(base, "//").error(), Errc::no_host);
    EXPECT_EQ(resolve(base, "//a..b/").error(), Errc::bad_host);
    EXPECT_EQ(resolve(base, "/a\x01/b").error(), Errc::control_character);
    EXPECT_EQ(resolve(base, "/" + std::string(kMaxUrlBytes, 'a')).error(), Errc::too_long);
}

}  // namespace
}  // namespace grit::url
