#include <array>

#include "grit/dataset/export_source.hpp"

namespace grit::dataset {

std::string_view name_of(Format format) noexcept {
    switch (format) {
        case Format::json:
            return "json";
        case Format::csv:
            return "csv";
        case Format::jsonl:
            return "jsonl";
    }
    return "json";
}

std::optional<Format> format_named(std::string_view name) noexcept {
    constexpr std::array kAll{Format::json, Format::csv, Format::jsonl};
    for (const Format format : kAll) {
        if (name == name_of(format)) {
            return format;
        }
    }
    return std::nullopt;
}

std::string_view media_type_of(Format format) noexcept {
    switch (format) {
        case Format::json:
            return "application/json";
        case Format::csv:
            return "text/csv; charset=utf-8; header=present";
        case Format::jsonl:
            return "application/x-ndjson";
    }
    return "application/json";
}

}  // namespace grit::dataset
