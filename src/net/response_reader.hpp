// Bytes of a server to head and body of its answer. Does no I/O: it says when it wants more.
#pragma once

#include <boost/beast/core/error.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/optional/optional.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "grit/net/errc.hpp"
#include "grit/net/exchange.hpp"

namespace grit::net {

/// A Beast body that lends each piece out of the buffer that was parsed, instead of copying it.
struct LentBody {
    struct value_type {
        std::span<const std::byte> piece;
    };

    class reader {
      public:
        template <bool isRequest, class Fields>
        reader(boost::beast::http::header<isRequest, Fields>&, value_type& value) : value_(value) {}
        void init(const boost::optional<std::uint64_t>&, boost::beast::error_code& error) { error = {}; }
        template <class ConstBuffers>
        std::size_t put(const ConstBuffers& buffers, boost::beast::error_code& error) {
            // The parser gives one contiguous buffer at a time.
            const boost::asio::const_buffer first = *boost::asio::buffer_sequence_begin(buffers);
            value_.piece = {static_cast<const std::byte*>(first.data()), first.size()};
            error = {};
            return first.size();
        }
        void finish(boost::beast::error_code& error) { error = {}; }

      private:
        value_type& value_;
    };
};

/// One answer of HTTP/1.x (RFC 9112), from bytes that may be cut anywhere and may be hostile.
/// A head has at most `max_header_bytes` and 1,000 fields. Whether an answer is taken does not depend on the cuts; one
/// that is not may be found out sooner or later.
/// Memory: 16 KiB, and up to the larger of 64 KiB and the header limit for bodies and large heads.
class ResponseReader {
  public:
    enum class Step {
        want_more,  ///< Read into space(), then added().
        head,       ///< The head is complete: make_head().
        piece,      ///< piece() has the next bytes of the body.
        complete,   ///< The answer is complete.
        error,      ///< No answer that we take.
    };

    explicit ResponseReader(std::size_t max_header_bytes);

    /// Where the next bytes go; empty if what came can not become an answer (a line without end). Ends piece().
    [[nodiscard]] std::span<std::byte> space();
    void added(std::size_t bytes) noexcept;

    /// Goes on with the head: want_more, head or error. Interim answers are skipped.
    [[nodiscard]] Step advance_head();
    [[nodiscard]] ResponseHead make_head() const;

    /// Goes on with the body: want_more, piece, complete or error.
    [[nodiscard]] Step advance_body();
    [[nodiscard]] std::span<const std::byte> piece() const noexcept { return parser_->get().body().piece; }

    /// The connection ended within the body.
    /// @param orderly  by FIN on TCP, by close_notify on TLS.
    /// @return true if that is how this body is complete (RFC 9112 section 6.3, point 8).
    [[nodiscard]] bool ends_body(bool orderly) const { return orderly && parser_->need_eof(); }

    /// A byte of an answer has come.
    [[nodiscard]] bool started() const noexcept { return started_; }
    /// The answer is complete, and nothing has come after it.
    [[nodiscard]] bool ended_cleanly() const { return parser_->is_done() && begin_ == end_; }

  private:
    using Parser = boost::beast::http::response_parser<LentBody>;
    void new_parser();
    [[nodiscard]] Step parse();
    void grow();
    [[nodiscard]] bool too_many_fields() const;

    const std::size_t max_header_bytes_;
    std::unique_ptr<Parser> parser_;
    std::unique_ptr<std::byte[]> buffer_;
    std::size_t capacity_;
    std::size_t begin_ = 0;  // bytes not parsed yet are [begin_, end_)
    std::size_t end_ = 0;
    std::size_t head_bytes_ = 0;  // parsed of this head; each interim answer has its own
    int interim_ = 0;
    bool started_ = false;
    bool in_body_ = false;
};

}  // namespace grit::net
