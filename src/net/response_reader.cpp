#include "response_reader.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/none.hpp>
#include <cstring>
#include <iterator>
#include <string>
#include <utility>

namespace grit::net {
namespace http = boost::beast::http;

namespace {

constexpr std::size_t kHeadCapacity = std::size_t{16} * 1024;
constexpr std::size_t kBodyCapacity = std::size_t{64} * 1024;
// The least that a chunked body still has to bring while it is not complete: "0\r\n\r\n". Given less behind a "0\r\n",
// Beast (seen in 1.81) fails an assertion.
constexpr std::size_t kLeastOfChunks = 5;
constexpr int kMaxInterim = 16;  // a server may send 103 and 102 a few times, not for ever
// What the parser may take beyond our limit: where exactly its own falls depends on how the bytes were cut.
constexpr std::size_t kParserSlack = 64;
// Each costs some 200 bytes, and the shortest is 4 on the wire. Servers send some 20; 100 is what they take themselves.
constexpr int kMaxFields = 1'000;
constexpr unsigned kSwitchingProtocols = 101;

template <class View>
std::string text_of(const View& view) {
    return std::string(view.data(), view.size());
}

}  // namespace

ResponseReader::ResponseReader(std::size_t max_header_bytes)
    : max_header_bytes_(max_header_bytes),
      buffer_(std::make_unique_for_overwrite<std::byte[]>(kHeadCapacity)),
      capacity_(kHeadCapacity) {
    new_parser();
}

void ResponseReader::new_parser() {
    parser_ = std::make_unique<Parser>();
    parser_->header_limit(static_cast<std::uint32_t>(max_header_bytes_ + kParserSlack));
    head_bytes_ = 0;
    parser_->body_limit(boost::none);  // the caller counts what it takes
}

std::span<std::byte> ResponseReader::space() {
    if (begin_ > 0) {
        std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    if (end_ == capacity_ || (in_body_ && capacity_ < kBodyCapacity)) {
        grow();
    }
    return {buffer_.get() + end_, capacity_ - end_};
}

void ResponseReader::grow() {
    const std::size_t capacity = std::max(kBodyCapacity, max_header_bytes_);
    if (capacity_ >= capacity) {
        return;
    }
    auto larger = std::make_unique_for_overwrite<std::byte[]>(capacity);
    std::memcpy(larger.get(), buffer_.get(), end_);
    buffer_ = std::move(larger);
    capacity_ = capacity;
}

void ResponseReader::added(std::size_t bytes) noexcept {
    end_ += bytes;
    started_ = started_ || bytes > 0;
}

// One element: the whole head, or a part of the body. Progress is bytes or the parser's state, so this does not spin.
ResponseReader::Step ResponseReader::parse() {
    if (begin_ == end_ || (in_body_ && parser_->chunked() && end_ - begin_ < kLeastOfChunks)) {
        return Step::want_more;
    }
    boost::beast::error_code error;
    const std::size_t taken = parser_->put(boost::asio::const_buffer(buffer_.get() + begin_, end_ - begin_), error);
    begin_ += taken;
    head_bytes_ += in_body_ ? 0 : taken;
    if (error == http::error::need_more) {
        return Step::want_more;
    }
    return error ? Step::error : Step::piece;
}

ResponseReader::Step ResponseReader::advance_head() {
    for (;;) {
        const Step step = parse();
        if (step == Step::want_more && head_bytes_ + (end_ - begin_) > max_header_bytes_) {
            return Step::error;
        }
        if (step != Step::piece) {
            return step;
        }
        if (!parser_->is_header_done()) {
            continue;
        }
        const unsigned status = parser_->get().result_int();
        if (head_bytes_ > max_header_bytes_ || too_many_fields()) {
            return Step::error;
        }
        if (status >= 200) {
            in_body_ = true;
            return Step::head;
        }
        if (status < 100 || status == kSwitchingProtocols || ++interim_ > kMaxInterim) {
            return Step::error;
        }
        new_parser();
    }
}

bool ResponseReader::too_many_fields() const {
    const auto& fields = parser_->get().base();
    return std::distance(fields.begin(), fields.end()) > kMaxFields;
}

ResponseHead ResponseReader::make_head() const {
    ResponseHead head;
    const auto& message = parser_->get();
    head.status = message.result_int();
    head.keep_alive = parser_->keep_alive();
    if (parser_->is_done()) {
        head.content_length = 0;
    } else if (const auto length = parser_->content_length()) {
        head.content_length = *length;
    }
    for (const auto& field : message) {
        head.fields.emplace_back(text_of(field.name_string()), text_of(field.value()));
    }
    head.content_type = head.header("Content-Type");
    return head;
}

ResponseReader::Step ResponseReader::advance_body() {
    while (!parser_->is_done()) {
        parser_->get().body().piece = {};
        const Step step = parse();
        if (step != Step::piece || !piece().empty()) {
            return step;
        }
    }
    return Step::complete;
}

}  // namespace grit::net
