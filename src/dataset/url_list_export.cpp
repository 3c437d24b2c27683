#include "grit/dataset/url_list_export.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "grit/annotations/byte_source.hpp"
#include "grit/annotations/reader.hpp"
#include "spelling.hpp"

namespace grit::dataset {
namespace {

constexpr std::size_t kChunkBytes = 256 * 1024;

}  // namespace

class UrlListExport::Impl {
  public:
    Impl(std::vector<std::string> inputs, Options options) : inputs_(std::move(inputs)), options_(std::move(options)) {}

    Checked<bool> next(std::string& chunk);

    std::uint64_t rows = 0;
    std::uint64_t left_out = 0;
    std::string first_left_out;

  private:
    Checked<void> open_next();
    Checked<void> read_line(std::string& chunk);
    void take(std::string& chunk, const annotations::Line& line);
    void leave_out(std::uint64_t line, std::string_view reason);

    std::vector<std::string> inputs_;
    Options options_;
    std::size_t input_ = 0;  ///< Index of the one being read, or to be opened next.
    std::optional<annotations::Reader> reader_;
    bool begun_ = false;
};

Checked<bool> UrlListExport::Impl::next(std::string& chunk) {
    chunk.clear();
    if (!std::exchange(begun_, true)) {
        chunk.append("url,image_id\r\n");
    }
    while (chunk.size() < kChunkBytes && input_ < inputs_.size()) {
        auto done = reader_ ? read_line(chunk) : open_next();
        if (!done) {
            return done.error();
        }
    }
    return !chunk.empty();
}

Checked<void> UrlListExport::Impl::open_next() {
    auto source = annotations::ByteSource::open(inputs_[input_]);
    if (!source) {
        return source.error();
    }
    annotations::Reader::Options options;
    options.url_field = options_.url_field;
    options.id_field = options_.id_field;
    options.accept_unfinished_tail = true;
    reader_.emplace(std::move(*source), std::move(options));
    return {};
}

Checked<void> UrlListExport::Impl::read_line(std::string& chunk) {
    auto event = reader_->next();
    if (!event) {
        return event.error();
    }
    if (const auto* line = std::get_if<annotations::Line>(&*event)) {
        take(chunk, *line);
    } else if (const auto* bad = std::get_if<annotations::BadLine>(&*event)) {
        leave_out(bad->line, bad->reason);
    } else {
        reader_.reset();
        ++input_;
    }
    return {};
}

void UrlListExport::Impl::take(std::string& chunk, const annotations::Line& line) {
    if (line.raw_url.empty() || line.id.empty()) {
        leave_out(line.line, fmt::format("no \"{}\"", line.raw_url.empty() ? options_.url_field : options_.id_field));
        return;
    }
    append_csv_row(chunk, line.raw_url, line.id);
    ++rows;
}

void UrlListExport::Impl::leave_out(std::uint64_t line, std::string_view reason) {
    if (left_out++ == 0) {
        first_left_out = fmt::format("{}:{}: {}", inputs_[input_], line + 1, reason);
    }
}

Checked<std::unique_ptr<UrlListExport>> UrlListExport::open(std::vector<std::string> inputs, Options options) {
    if (std::find(inputs.begin(), inputs.end(), "-") != inputs.end()) {
        return Problem{
            "the annotations came through standard input (\"-\"), which can not be read again: name the file "
            "that they came from in a config of its own"};
    }
    return std::unique_ptr<UrlListExport>(
        new UrlListExport(std::make_unique<Impl>(std::move(inputs), std::move(options))));
}

UrlListExport::UrlListExport(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

UrlListExport::~UrlListExport() = default;

Checked<bool> UrlListExport::next(std::string& chunk) {
    return impl_->next(chunk);
}

std::uint64_t UrlListExport::rows() const noexcept {
    return impl_->rows;
}

std::uint64_t UrlListExport::left_out() const noexcept {
    return impl_->left_out;
}

const std::string& UrlListExport::first_left_out() const noexcept {
    return impl_->first_left_out;
}

}  // namespace grit::dataset
