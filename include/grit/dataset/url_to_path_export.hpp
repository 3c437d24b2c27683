// Which URL lies where: the map of all images as a text.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "grit/base/result.hpp"
#include "grit/dataset/export_source.hpp"
#include "grit/store/env.hpp"

namespace grit::dataset {

/// The table `url_to_path` in one of three spellings:
///
/// - json: one object {url: path}, to the byte as Python's `json.dump(d, f, ensure_ascii=False)` writes it;
/// - csv: `url,path` with a header, RFC 4180, CR LF;
/// - jsonl: one object per line with url, path, sha256, bytes, width, height, media_type, ordinal, http_status (null
///   where the record does not say).
///
/// One row per spelling of a URL in the annotations, ordered by the URL's bytes; those over 500 bytes come last, in the
/// order of the records: the table has only their digest, so they are found by a walk over `records` and `spellings`
/// (which is made only if there are any). A long spelling that no record holds can not be exported: `unresolved()` counts those.
///
/// Each `next()` reads at most some thousand rows in a transaction of its own. So the export is no snapshot: images
/// that are stored meanwhile may be in it or not, and each row is true at its moment. Lifetime: the Env outlives it.
class UrlToPathExport final : public ExportSource {
  public:
    /// @param root  put before each path as Python's os.path.join does; empty for paths relative to the image root.
    UrlToPathExport(store::Env& env, Format format, std::string root);
    ~UrlToPathExport() override;

    [[nodiscard]] Checked<bool> next(std::string& chunk) override;

    /// Rows given so far.
    [[nodiscard]] std::uint64_t rows() const noexcept;
    /// At the end: long URLs in the table whose text is unknown.
    [[nodiscard]] std::uint64_t unresolved() const noexcept;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace grit::dataset
