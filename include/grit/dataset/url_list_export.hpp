// The list of all URLs, as the seed pipeline's `extract_image_url.py` writes it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "grit/base/result.hpp"
#include "grit/dataset/export_source.hpp"

namespace grit::dataset {

/// `url_list.csv`: the header `url,image_id`, then one row per annotation in input order, CR LF, quoted as Python's
/// csv.writer quotes. The image id is a text: leading zeros stay. Equal URLs are not merged.
///
/// A line that can not be used (broken JSON, no URL, no id) is left out and counted, where the seed's script would end.
class UrlListExport final : public ExportSource {
  public:
    struct Options {
        std::string url_field = "url";
        std::string id_field = "key";  ///< Holds the image id; GRIT has it in `key`.
    };

    /// @param inputs  files as `annotations::expand_inputs` gives them: plain, .gz, .zst.
    /// @return a Problem for "-": what came through a pipe can not be read again.
    [[nodiscard]] static Checked<std::unique_ptr<UrlListExport>> open(std::vector<std::string> inputs, Options options);
    ~UrlListExport() override;

    /// Errors: an input can not be opened or read, named.
    [[nodiscard]] Checked<bool> next(std::string& chunk) override;

    /// Rows given so far, and lines that were left out.
    [[nodiscard]] std::uint64_t rows() const noexcept;
    [[nodiscard]] std::uint64_t left_out() const noexcept;
    /// "FILE:LINE: reason" of the first line that was left out; empty if none was.
    [[nodiscard]] const std::string& first_left_out() const noexcept;

  private:
    class Impl;
    explicit UrlListExport(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace grit::dataset
