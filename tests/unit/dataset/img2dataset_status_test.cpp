#include "grit/dataset/img2dataset_status.hpp"

#include <gtest/gtest.h>

namespace grit::dataset {
namespace {

TEST(Img2datasetStatus, WhatTheServerHasSaidForGoodIsFinal) {
    EXPECT_EQ(final_outcome_of("HTTP Error 404: Not Found"), Outcome::http_not_found);
    EXPECT_EQ(final_outcome_of("HTTP Error 410: Gone"), Outcome::http_not_found);
    EXPECT_EQ(final_outcome_of("HTTP Error 401: Unauthorized"), Outcome::http_forbidden);
    EXPECT_EQ(final_outcome_of("HTTP Error 403: Forbidden"), Outcome::http_forbidden);
    EXPECT_EQ(final_outcome_of("HTTP Error 451: Unavailable For Legal Reasons"), Outcome::http_forbidden);
    EXPECT_EQ(final_outcome_of("HTTP Error 400: Bad Request"), Outcome::http_client_error);
    EXPECT_EQ(final_outcome_of("Use of image disallowed by X-Robots-Tag directive"), Outcome::opted_out);
}

TEST(Img2datasetStatus, AllElseIsAskedForAgain) {
    for (const char* words : {"HTTP Error 429: Too Many Requests", "HTTP Error 408: Request Timeout", "HTTP Error 425: Too Early",
                              "HTTP Error 500: Internal Server Error", "HTTP Error 503: Service Unavailable", "HTTP Error 530: ",
                              "HTTP Error 302: The HTTP server returned a redirect error that would lead to an infinite loop.",
                              "<urlopen error [Errno -3] Temporary failure in name resolution>", "<urlopen error timed out>",
                              "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", "Image decoding error", "image too small",
                              "hash mismatch", "unknown url type: data", "", "HTTP Error ", "HTTP Error 404", "HTTP Error x: y",
                              "HTTP Error 99999999999: y", "xHTTP Error 404: Not Found"}) {
        EXPECT_EQ(final_outcome_of(words), std::nullopt) << words;
    }
}

}  // namespace
}  // namespace grit::dataset
