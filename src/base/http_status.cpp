#include "grit/base/http_status.hpp"

namespace grit {

Outcome outcome_of_client_error(unsigned status) noexcept {
    switch (status) {
        case 404:
        case 410:
            return Outcome::http_not_found;
        case 401:
        case 403:
        case 451:
            return Outcome::http_forbidden;
        case 429:
            return Outcome::http_too_many_requests;
        default:
            return Outcome::http_client_error;
    }
}

}  // namespace grit
