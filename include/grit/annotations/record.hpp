// What a line of GRIT says: the record with its grounded spans, or a few chosen fields of any line.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "grit/base/result.hpp"

namespace grit::annotations {

/// A phrase of the caption and one box that it names. Several spans may share a phrase: one phrase with several boxes.
struct Span {
    std::uint32_t start = 0;  ///< First character of the phrase, in code points of the caption.
    std::uint32_t end = 0;    ///< One behind its last character.
    double x_min = 0;         ///< Box corners as shares of width and height, 0 to 1.
    double y_min = 0;
    double x_max = 0;
    double y_max = 0;
    double score = 0;  ///< GLIP's confidence; the published records keep those above 0.65.
    bool operator==(const Span&) const = default;
};

/// One record of GRIT-20M, field by field as published (Kosmos-2, dataset card zzliang/GRIT). A field that is absent or
/// null keeps its default; only `url` is required.
struct GritRecord {
    std::string url;
    std::string caption;
    std::string key;  ///< A name, not a number: "000373938" keeps its zeros. A number keeps its digits. Not unique.
    std::optional<std::int64_t> id;
    double clip_b32 = 0;  ///< clip_similarity_vitb32
    double clip_l14 = 0;  ///< clip_similarity_vitl14
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    std::vector<Span> noun_chunks;
    std::vector<Span> ref_exps;
};

/// Reads records; keeps its memory between lines. Threads: one at a time.
class GritParser {
  public:
    GritParser();
    ~GritParser();
    GritParser(GritParser&&) noexcept;
    GritParser& operator=(GritParser&&) noexcept;

    /// @param line one JSON object, with or without its line end. Whole numbers may be written 19 or 19.0.
    /// Errors: the reasons of a BadLine; a known field of the wrong type, named.
    [[nodiscard]] Checked<GritRecord> parse(std::string_view line);

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

/// One record, once. In a loop use a GritParser.
[[nodiscard]] Checked<GritRecord> parse_grit_record(std::string_view line);

/// The words a span stands for: caption[start:end] as Python slices it, so offsets beyond the end are cut.
/// @return a view into `caption`.
[[nodiscard]] std::string_view phrase_of(std::string_view caption, const Span& span);

/// Reads chosen fields of a line as text: strings unescaped, numbers and true/false as written. For exports that do not
/// need the record. Threads: one at a time.
class FieldReader {
  public:
    explicit FieldReader(std::vector<std::string> names);
    ~FieldReader();
    FieldReader(FieldReader&&) noexcept;
    FieldReader& operator=(FieldReader&&) noexcept;

    /// @return one value per name, in the order of the names; nothing where the field is absent, null, a list or an
    ///         object. Valid until the next call.
    /// Errors: the reasons of a BadLine.
    [[nodiscard]] Checked<std::span<const std::optional<std::string>>> read(std::string_view line);

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

/// One field of a line.
struct RawField {
    std::string name;  ///< Unescaped.
    std::string value;  ///< As it is written: digits, escapes and blanks inside are untouched.
};

/// All fields of a line in their order; of a name that occurs twice, both. Errors: the reasons of a BadLine.
[[nodiscard]] Checked<std::vector<RawField>> raw_fields_of(std::string_view line);

}  // namespace grit::annotations
