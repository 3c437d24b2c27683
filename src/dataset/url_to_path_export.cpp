#include "grit/dataset/url_to_path_export.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>
#include <utility>

#include "grit/media/image_type.hpp"
#include "grit/store/tables.hpp"
#include "grit/url/canonical_url.hpp"
#include "host_ids.hpp"
#include "spelling.hpp"

namespace grit::dataset {
namespace {

// Rows per transaction: some milliseconds on a warm file, and a chunk of about 400 KiB.
constexpr std::size_t kRowsPerRead = 2048;
// Records per transaction while long URLs are looked for: most give nothing.
constexpr std::size_t kRecordsPerRead = 8192;

// Keys that stand for a URL too long to be one (store::map_key). No URL begins like this.
constexpr std::string_view kLongKey = "sha256:";
constexpr std::size_t kMaxKeyUrl = 500;

std::string joined(const std::string& root, std::string_view path) {
    std::string text = root;
    if (!text.empty() && text.back() != '/') {
        text.push_back('/');
    }
    return text.append(path);
}

void append_hex(std::string& out, const store::Sha256& digest) {
    out.push_back('"');
    for (const std::byte byte : digest) {
        fmt::format_to(std::back_inserter(out), "{:02x}", static_cast<unsigned>(byte));
    }
    out.push_back('"');
}

// What a record says of the image, as the end of a JSON line.
void append_record(std::string& out, const std::optional<store::Record>& record) {
    if (!record) {
        out.append(R"(, "sha256": null, "bytes": null, "width": null, "height": null, "media_type": null, )"
                   R"("ordinal": null, "http_status": null)");
        return;
    }
    out.append(R"(, "sha256": )");
    if (record->sha256 == store::Sha256{}) {
        out.append("null");
    } else {
        append_hex(out, record->sha256);
    }
    fmt::format_to(std::back_inserter(out), R"(, "bytes": {}, "width": {}, "height": {}, "media_type": )", record->size,
                   record->width, record->height);
    append_json_string(out, media::media_type_of(static_cast<media::ImageType>(record->image_type)));
    fmt::format_to(std::back_inserter(out), R"(, "ordinal": {}, "http_status": {})", record->ordinal,
                   record->http_status);
}

}  // namespace

class UrlToPathExport::Impl {
  public:
    Impl(store::Env& env, Format format, std::string root) : env_(env), format_(format), root_(std::move(root)) {}

    Checked<bool> next(std::string& chunk);
    std::uint64_t rows() const noexcept { return rows_; }
    std::uint64_t unresolved() const noexcept {
        return phase_ == Phase::done ? long_keys_ - std::min(long_keys_, long_rows_) : 0;
    }

  private:
    enum class Phase : std::uint8_t { head, short_urls, long_urls, long_spellings, tail, done };

    Result<void> step(std::string& chunk);
    Result<void> begin(std::string& chunk);
    template <class Take>
    Result<void> read_rows(store::Table table, std::size_t most, Take take, const std::function<Phase()>& next);
    Result<void> read_short_urls(std::string& chunk);
    Result<void> read_long_urls(std::string& chunk);
    Result<void> read_long_spellings(std::string& chunk);
    Result<void> take_long_url(std::string& chunk, const store::Txn& txn, std::string_view url,
                               const std::optional<store::Record>& record);
    Result<void> append_row(std::string& chunk, const store::Txn& txn, std::string_view url, std::string_view path);
    void append(std::string& chunk, std::string_view url, std::string_view path,
                const std::optional<store::Record>& record);
    Result<std::optional<store::Record>> record_of(const store::Txn& txn, std::string_view url) const;

    store::Env& env_;
    Format format_;
    std::string root_;
    Phase phase_ = Phase::head;
    HostIds hosts_;
    std::string last_key_;  ///< Where the walk of this phase stands; empty at its beginning.
    std::uint64_t rows_ = 0;
    std::uint64_t long_keys_ = 0;
    std::uint64_t long_rows_ = 0;
};

Checked<bool> UrlToPathExport::Impl::next(std::string& chunk) {
    chunk.clear();
    while (chunk.empty() && phase_ != Phase::done) {
        if (auto stepped = step(chunk); !stepped) {
            return Problem{fmt::format("the export broke off after {} rows: the state in {} can not be read: {}", rows_,
                                       env_.folder().string(), stepped.error().message())};
        }
    }
    return !chunk.empty();
}

Result<void> UrlToPathExport::Impl::step(std::string& chunk) {
    switch (phase_) {
        case Phase::head:
            return begin(chunk);
        case Phase::short_urls:
            return read_short_urls(chunk);
        case Phase::long_urls:
            return read_long_urls(chunk);
        case Phase::long_spellings:
            return read_long_spellings(chunk);
        case Phase::tail:
            chunk.append(format_ == Format::json ? "}" : "");
            phase_ = Phase::done;
            return {};
        case Phase::done:
            return {};
    }
    return {};
}

Result<void> UrlToPathExport::Impl::begin(std::string& chunk) {
    if (format_ == Format::jsonl) {
        auto hosts = HostIds::read(env_);
        if (!hosts) {
            return hosts.error();
        }
        hosts_ = std::move(*hosts);
    }
    chunk.append(format_ == Format::json ? "{" : format_ == Format::csv ? "url,path\r\n" : "");
    phase_ = Phase::short_urls;
    return {};
}

namespace {

// Goes to the first row after `last_key` (the first of all if it is empty).
Result<bool> seek_after(store::Cursor& cursor, const std::string& last_key) {
    auto found = cursor.seek(last_key);
    if (found && *found && !last_key.empty() && cursor.key() == last_key) {
        return cursor.next();
    }
    return found;
}

}  // namespace

// Some rows of this phase's table, from where it stands: `take(txn, key, value)` for each. Behind the last one `next` begins.
template <class Take>
Result<void> UrlToPathExport::Impl::read_rows(store::Table table, std::size_t most, Take take, const std::function<Phase()>& next) {
    auto txn = env_.read();
    if (!txn) {
        return txn.error();
    }
    auto cursor = txn->cursor(table);
    if (!cursor) {
        return cursor.error();
    }
    auto found = seek_after(*cursor, last_key_);
    for (std::size_t row = 0; found && *found && row < most; ++row, found = cursor->next()) {
        last_key_ = cursor->key();
        if (auto taken = take(*txn, cursor->key(), cursor->value()); !taken) {
            return taken;
        }
    }
    if (!found) {
        return found.error();
    }
    if (!*found) {
        phase_ = next();
        last_key_.clear();
    }
    return {};
}

Result<void> UrlToPathExport::Impl::read_short_urls(std::string& chunk) {
    const auto take = [&](const store::Txn& txn, std::string_view url, std::string_view path) -> Result<void> {
        if (url.starts_with(kLongKey)) {
            ++long_keys_;
            return {};
        }
        return append_row(chunk, txn, url, path);
    };
    return read_rows(store::Table::url_to_path, kRowsPerRead, take,
                     [&] { return long_keys_ > 0 ? Phase::long_urls : Phase::tail; });
}

Result<void> UrlToPathExport::Impl::read_long_urls(std::string& chunk) {
    const auto take = [&](const store::Txn& txn, std::string_view, std::string_view value) -> Result<void> {
        if (value.size() <= kMaxKeyUrl) {
            return {};  // Too small to hold such a URL.
        }
        const auto record = store::decode_record(value);
        return record ? take_long_url(chunk, txn, record->url, *record) : Result<void>(record.error());
    };
    return read_rows(store::Table::records, kRecordsPerRead, take, [] { return Phase::long_spellings; });
}

Result<void> UrlToPathExport::Impl::read_long_spellings(std::string& chunk) {
    const auto take = [&](const store::Txn& txn, std::string_view row, std::string_view url) -> Result<void> {
        if (url.size() <= kMaxKeyUrl) {
            return {};
        }
        const auto key = store::record_of_spelling(row);
        auto record = key ? store::get_record(txn, *key) : key.error();
        if (!record && record.error() == store::Errc::not_found) {
            return {};  // The URL is being asked for.
        }
        return record ? take_long_url(chunk, txn, url, *record) : Result<void>(record.error());
    };
    return read_rows(store::Table::spellings, kRecordsPerRead, take, [] { return Phase::tail; });
}

Result<void> UrlToPathExport::Impl::take_long_url(std::string& chunk, const store::Txn& txn, std::string_view url,
                                                  const std::optional<store::Record>& record) {
    if (url.size() <= kMaxKeyUrl) {
        return {};
    }
    const auto path = store::get_url_to_path(txn, url);
    if (!path) {
        return path.error() == store::Errc::not_found ? Result<void>() : Result<void>(path.error());
    }
    append(chunk, url, *path, record);
    ++long_rows_;
    return {};
}

Result<void> UrlToPathExport::Impl::append_row(std::string& chunk, const store::Txn& txn, std::string_view url,
                                               std::string_view path) {
    std::optional<store::Record> record;
    if (format_ == Format::jsonl) {
        auto found = record_of(txn, url);
        if (!found) {
            return found.error();
        }
        record = std::move(*found);
    }
    append(chunk, url, path, record);
    return {};
}

void UrlToPathExport::Impl::append(std::string& chunk, std::string_view url, std::string_view path,
                                   const std::optional<store::Record>& record) {
    const std::string full = joined(root_, path);
    if (format_ == Format::csv) {
        append_csv_row(chunk, url, full);
    } else if (format_ == Format::json) {
        chunk.append(rows_ == 0 ? "" : ", ");
        append_json_string(chunk, url);
        chunk.append(": ");
        append_json_string(chunk, full);
    } else {
        chunk.append(R"({"url": )");
        append_json_string(chunk, url);
        chunk.append(R"(, "path": )");
        append_json_string(chunk, full);
        append_record(chunk, record);
        chunk.append("}\n");
    }
    ++rows_;
}

Result<std::optional<store::Record>> UrlToPathExport::Impl::record_of(const store::Txn& txn,
                                                                      std::string_view url) const {
    const auto canonical = url::canonicalize(url);
    if (!canonical) {
        return std::optional<store::Record>();
    }
    const auto host = hosts_.find(txn, canonical->host);
    if (!host) {
        return host.error() == store::Errc::not_found ? Result<std::optional<store::Record>>(std::nullopt)
                                                      : host.error();
    }
    auto record = store::get_record(txn, store::RecordKey{*host, canonical->hash()});
    if (!record) {
        return record.error() == store::Errc::not_found ? Result<std::optional<store::Record>>(std::nullopt)
                                                        : record.error();
    }
    return std::optional(std::move(*record));
}

UrlToPathExport::UrlToPathExport(store::Env& env, Format format, std::string root)
    : impl_(std::make_unique<Impl>(env, format, std::move(root))) {}

UrlToPathExport::~UrlToPathExport() = default;

Checked<bool> UrlToPathExport::next(std::string& chunk) {
    return impl_->next(chunk);
}

std::uint64_t UrlToPathExport::rows() const noexcept {
    return impl_->rows();
}

std::uint64_t UrlToPathExport::unresolved() const noexcept {
    return impl_->unresolved();
}

}  // namespace grit::dataset
