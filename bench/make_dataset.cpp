// A dataset that was never crawled: tar shards with images of a pixel or so, their sidecars and indexes, the journal that tells of
// them, and a config. For what looks after a large dataset: `gritctl rebuild` (docs/performance.md).
#include "grit/archive/place.hpp"
#include "grit/archive/shard_index.hpp"
#include "grit/archive/tar.hpp"
#include "grit/base/clock.hpp"
#include "grit/base/log.hpp"
#include "grit/base/quantity.hpp"
#include "grit/journal/journal.hpp"
#include "grit/media/digest.hpp"
#include "grit/media/image_type.hpp"
#include "grit/metrics/metrics.hpp"
#include "grit/store/shard_rows.hpp"
#include "grit/store/tables.hpp"
#include "grit/store/writer.hpp"

#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace fs = std::filesystem;

namespace grit {
namespace {

constexpr std::size_t kLinesAtOnce = 5'000;
constexpr std::uint64_t kLinesPerHost = 6;  // as GRIT's

struct Options {
    fs::path folder;
    std::uint64_t images = 1'000'000;
    std::uint64_t shard_images = 10'000;
    std::size_t image_bytes = 2'000;
};

/// A whole GIF of one pixel, with a comment of zeros that makes it as long as it is to be.
std::string image_of(std::uint64_t number, std::size_t bytes) {
    using namespace std::string_literals;
    std::string image = "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff"s;
    for (std::size_t i = 0; i < 3; ++i) {
        image[13 + i] = static_cast<char>(number >> (8 * i));
    }
    image += "\x21\xfe"s;
    for (; image.size() + 16 + 255 < bytes;) {
        image += '\xff' + std::string(255, '\0');
    }
    return image + "\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b"s;
}

store::Record record_of(std::uint64_t number, const std::string& image, const Options& options, std::int64_t now_ms) {
    store::Record record;
    record.outcome = Outcome::stored;
    record.http_status = 200;
    record.attempts = 1;
    record.first_ms = record.last_ms = now_ms;
    record.ordinal = number;
    record.size = image.size();
    record.image_type = static_cast<std::uint8_t>(media::ImageType::gif);
    record.width = record.height = 1;
    media::Digest digest;
    digest.update(std::as_bytes(std::span(image)));
    record.sha256 = digest.finish();
    record.url = fmt::format("https://images{}.example.org/a/folder/with-some-name/{:012}_and_a_query.gif?size=large", number / kLinesPerHost,
                             number);
    const auto shard = static_cast<std::uint32_t>(number / options.shard_images);
    record.location = fmt::format("{}#{:09}.gif", archive::shard_file_name(shard), number);
    return record;
}

std::string sidecar_of(const store::Record& record) {
    return fmt::format(R"({{"caption": "a picture of something", "url": "{0}", "gritd": {{"url":"{0}","final_url":null,"ordinal":{1},)"
                       R"("outcome":"stored","status":200,"fetched":"{2}","attempts":1,"sha256":"{3}","bytes":{4},)"
                       R"("media_type":"image/gif","width":1,"height":1}}}})"
                       "\n",
                       record.url, record.ordinal, format_utc(record.last_ms), media::hex(record.sha256), record.size);
}

/// A tar file that is filled from its beginning to its end.
class Shard {
  public:
    Shard(const fs::path& root, std::uint32_t number) : root_(root), number_(number), file_(root / archive::shard_file_name(number), std::ios::binary) {}
    void add(const std::string& name, std::string_view bytes) {
        put(archive::tar_header(name, bytes.size()));
        index_.add(archive::TarMember{name, bytes_, bytes.size()});
        put(bytes);
        put(std::string(archive::tar_padded(bytes.size()) - bytes.size(), '\0'));
    }
    ~Shard() {
        put(std::string(archive::kTarEndBytes, '\0'));
        std::ofstream(root_ / fmt::format("{:05}.idx", number_), std::ios::binary) << index_.text();
    }
    Shard(const Shard&) = delete;
    Shard& operator=(const Shard&) = delete;

  private:
    void put(std::string_view bytes) {
        file_ << bytes;
        bytes_ += bytes.size();
    }
    fs::path root_;
    std::uint32_t number_;
    std::ofstream file_;
    archive::ShardIndex index_;
    std::uint64_t bytes_ = 0;
};

void make(const Options& options) {
    const fs::path root = options.folder / "images";
    const fs::path state = options.folder / "state";
    fs::create_directories(root / ".gritd");
    fs::create_directories(state);
    auto env = store::Env::open(state).value();
    const SystemClock clock;
    const Logger log(LogLevel::warning);
    metrics::Metrics metrics(clock.wall_now());
    store::Writer writer(*env, clock);
    std::ofstream(root / ".gritd/dataset") << env->dataset_id() << "\n";
    writer.transact([](store::WriteTxn& txn) { return store::put_layout(txn, "webdataset"); }).value();
    journal::JournalOptions where;
    where.folder = root / "outcomes";
    auto journal = journal::Journal::open(std::move(where), *env, metrics, clock, log).value();
    const std::int64_t now_ms = clock.wall_now().time_since_epoch().count();
    std::vector<std::string> lines;
    std::optional<Shard> shard;
    for (std::uint64_t number = 0; number < options.images; ++number) {
        if (number % options.shard_images == 0) {
            shard.emplace(root, static_cast<std::uint32_t>(number / options.shard_images));
        }
        const std::string image = image_of(number, options.image_bytes);
        journal::Line line;
        line.kind = journal::Kind::result;
        line.time_ms = now_ms;
        line.record = record_of(number, image, options, now_ms);
        line.host = fmt::format("images{}.example.org", number / kLinesPerHost);
        shard->add(fmt::format("{:09}.gif", number), image);
        shard->add(fmt::format("{:09}.json", number), sidecar_of(line.record));
        lines.push_back(journal::text_of(line));
        if (lines.size() == kLinesAtOnce || number + 1 == options.images) {
            writer.transact([&](store::WriteTxn& txn) { return journal->write(txn, lines); }).value();
            journal->seal_if_due();
            lines.clear();
        }
    }
    shard.reset();
    journal->close();
    std::ofstream(options.folder / "annotations.jsonl") << "";
    std::ofstream(options.folder / "gritd.toml") << fmt::format(
        "[input]\nannotations = [\"{0}/annotations.jsonl\"]\n[storage]\nroot = \"{0}/images\"\nlayout = \"webdataset\"\nmin_free = \"0B\"\n"
        "[state]\ndir = \"{0}/state\"\n[fetch]\nuser_agent = \"gritd/1.0 (+https://example.org/contact)\"\n",
        options.folder.string());
}

}  // namespace
}  // namespace grit

int main(int argc, char** argv) {
    grit::Options options;
    CLI::App app("Makes a dataset of tiny images in tar shards, without a crawl.");
    app.add_option("FOLDER", options.folder, "Is made; absolute")->required();
    app.add_option("--images", options.images)->capture_default_str();
    app.add_option("--shard-images", options.shard_images)->capture_default_str();
    app.add_option("--image-bytes", options.image_bytes)->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    grit::make(options);
    std::cout << fmt::format("{{\"bench\":\"make_dataset\",\"images\":{}}}\n", options.images);
    return 0;
}
