#include "grit/dataset/img2dataset_status.hpp"

#include <charconv>

#include "grit/base/http_status.hpp"

namespace grit::dataset {
namespace {

// urllib.error.HTTPError: "HTTP Error 404: Not Found".
constexpr std::string_view kHttpError = "HTTP Error ";
constexpr std::string_view kOptedOut = "Use of image disallowed by X-Robots-Tag directive";

std::optional<Outcome> final_outcome_of_status(unsigned status) noexcept {
    const bool passes = status == 408 || status == 425 || status == 429;  // Request Timeout, Too Early, Too Many Requests
    return status >= 400 && status < 500 && !passes ? std::optional(outcome_of_client_error(status)) : std::nullopt;
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
    unsigned status = 0;
    const auto [end, error] = std::from_chars(error_message.data(), error_message.data() + error_message.size(), status);
    const bool whole = error == std::errc() && end != error_message.data() + error_message.size() && *end == ':';
    return whole ? final_outcome_of_status(status) : std::nullopt;
}

}  // namespace grit::dataset
