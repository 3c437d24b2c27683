#include <array>
#include <string>

#include "grit/url/canonical_url.hpp"

namespace grit::url {
namespace {

struct Row {
    std::string_view name;
    const char* message;
};

// In the order of Errc.
constexpr std::array<Row, 9> kRows{{
    {"success", "no error"},
    {"empty", "the URL is empty"},
    {"no_scheme", "the URL does not begin with http:// or https://"},
    {"scheme_refused", "only http and https URLs are fetched"},
    {"no_host", "the URL names no host"},
    {"bad_host", "the URL's host is neither a host name nor an address"},
    {"bad_port", "the URL's port is not a number from 1 to 65535"},
    {"too_long", "the URL is longer than 8,000 bytes"},
    {"control_character", "the URL holds a control character"},
}};
static_assert(kRows.size() == static_cast<std::size_t>(Errc::control_character) + 1);

class UrlCategory final : public boost::system::error_category {
  public:
    const char* name() const noexcept override { return "url"; }
    std::string message(int value) const override {
        const auto row = static_cast<std::size_t>(value);
        return row < kRows.size() ? kRows[row].message : "unknown error";
    }
};

}  // namespace

std::string_view name_of(Errc error) noexcept {
    const auto row = static_cast<std::size_t>(error);
    return row < kRows.size() ? kRows[row].name : "unknown";
}

const boost::system::error_category& url_category() noexcept {
    static const UrlCategory category;
    return category;
}

Outcome outcome_of(const ErrorCode& error) noexcept {
    return error == Errc::scheme_refused ? Outcome::scheme_refused : Outcome::bad_url;
}

}  // namespace grit::url
