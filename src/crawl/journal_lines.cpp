#include "journal_lines.hpp"

#include "grit/journal/data.hpp"

#include <utility>

namespace grit::crawl {
namespace {

journal::Line line_of(journal::Kind kind, std::int64_t time_ms) {
    journal::Line line;
    line.kind = kind;
    line.time_ms = time_ms;
    return line;
}

}  // namespace

std::string record_line(journal::Kind kind, std::string_view host, const store::Record& record, std::int64_t time_ms) {
    journal::Line line = line_of(kind, time_ms);
    line.host = host;
    line.record = record;
    return journal::text_of(line);
}

std::string duplicate_line(std::string_view host, std::string_view url, Ordinal ordinal, std::int64_t time_ms) {
    journal::Line line = line_of(journal::Kind::duplicate, time_ms);
    line.host = host;
    line.record.url = url;
    line.record.ordinal = ordinal;
    return journal::text_of(line);
}

std::string host_line(const store::HostRow& row, std::int64_t time_ms) {
    journal::Line line = line_of(journal::Kind::host, time_ms);
    line.host = row.name;
    line.data = journal::manners_data_of(row);
    return journal::text_of(line);
}

std::string data_line(journal::Kind kind, boost::json::object data, std::int64_t time_ms) {
    journal::Line line = line_of(kind, time_ms);
    line.data = std::move(data);
    return journal::text_of(line);
}

}  // namespace grit::crawl
