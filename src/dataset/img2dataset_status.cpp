#include "grit/dataset/img2dataset_status.hpp"

#include <charconv>

namespace grit::dataset {
namespace {

// urllib.error.HTTPError: "HTTP Error 404: Not Found".
constexpr std::string_view kHttpError = "HTTP Error ";
constexpr std::string_view kOptedOut = "Use of image disallowed by X-Robots-Tag directive";

std::optional<Outcome> outcome_of_status(int status) noexcept {
    switch (status) {
        case 404:
        case 410:
            return Outcome::http_not_found;
        case 401:
        case 403:
        case 451:
            return Outcome::http_forbidden;
        case 408:  // Request Timeout
        case 425:  // Too Early
        case 429:  // Too Many Requests
            return std::nullopt;
        default:
            return status >= 400 && status < 500 ? std::optional(Outcome::http_client_error) : std::nullopt;
    }
}

}  // namespace

std::optional<Outcome> final_outcome_of(std::string_view error_message) noexcept {
    if (error_message == kOptedOut) {
        return Outcome::opted_out;
    }
    if (!error_message.starts_with(kHttpError)) {
        return std::nullopt;
    }
    error_message.remove_prefix(kHttpError.size());
    int status = 0;
    const auto [end, error] = std::from_chars(error_message.data(), error_message.data() + error_message.size(), status);
    const bool whole = error == std::errc() && end != error_message.data() + error_message.size() && *end == ':';
    return whole ? outcome_of_status(status) : std::nullopt;
}

}  // namespace grit::dataset
