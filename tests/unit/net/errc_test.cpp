#include "grit/net/errc.hpp"

#include <gtest/gtest.h>

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/error.hpp>
#include <vector>

namespace grit::net {
namespace {

namespace errc = boost::system::errc;

TEST(NetErrc, EachErrorThatIsAnOutcomeHasTheSameName) {
    for (int value = static_cast<int>(Errc::dns_not_found); value < static_cast<int>(Errc::cancelled); ++value) {
        const auto error = static_cast<Errc>(value);
        if (error != Errc::address_busy && error != Errc::not_sent) {
            EXPECT_EQ(name_of(outcome_of(error)), name_of(error));
        }
    }
}

TEST(NetErrc, WhatIsNobodysFaultIsChargedToNobody) {
    EXPECT_EQ(disposition_of(outcome_of(Errc::cancelled)), Disposition::own_fault);
    EXPECT_EQ(disposition_of(outcome_of(Errc::address_busy)), Disposition::own_fault);
}

TEST(NetErrc, ErrorsOfTheSystemAndOfLibrariesAreClassified) {
    struct Case {
        ErrorCode error;
        Errc expected;
    };
    const std::vector<Case> cases{
        {boost::asio::error::operation_aborted, Errc::cancelled},
        {boost::asio::error::connection_refused, Errc::connect_refused},
        {boost::asio::error::timed_out, Errc::connect_timeout},
        {boost::asio::error::host_unreachable, Errc::unreachable},
        {boost::asio::error::network_unreachable, Errc::unreachable},
        {boost::asio::error::network_down, Errc::unreachable},
        {errc::make_error_code(errc::address_not_available), Errc::unreachable},
        {boost::asio::error::no_descriptors, Errc::out_of_descriptors},
        {errc::make_error_code(errc::too_many_files_open_in_system), Errc::out_of_descriptors},
        {boost::asio::error::connection_reset, Errc::connection_reset},
        {boost::asio::error::broken_pipe, Errc::connection_reset},
        {boost::asio::error::eof, Errc::connection_reset},
        {boost::asio::ssl::error::stream_truncated, Errc::connection_reset},
        {boost::beast::error::timeout, Errc::timeout_total},
        {boost::beast::http::error::bad_chunk, Errc::protocol_error},
        {Errc::tls_certificate, Errc::tls_certificate},
        {ErrorCode(), Errc::success},
    };
    for (const Case& c : cases) {
        EXPECT_EQ(classify(c.error), c.expected) << c.error.message();
    }
}

TEST(NetErrc, MessagesAreForPeople) {
    EXPECT_EQ(make_error_code(Errc::truncated_body).message(), "the body ended early");
    EXPECT_STREQ(make_error_code(Errc::truncated_body).category().name(), "net");
}

}  // namespace
}  // namespace grit::net
