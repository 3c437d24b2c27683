// A dataset whose state is lost: images in shards or folders, and a journal that is written line by line.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "grit/archive/volumes.hpp"
#include "grit/base/clock.hpp"
#include "grit/base/log.hpp"
#include "grit/base/quantity.hpp"
#include "grit/dataset/rebuild.hpp"
#include "grit/journal/line.hpp"
#include "grit/media/digest.hpp"
#include "grit/media/image_type.hpp"
#include "grit/store/shard_rows.hpp"
#include "grit/store/tables.hpp"
#include "grit/url/canonical_url.hpp"
#include "scratch.hpp"

namespace grit::dataset::test {

inline const std::string kDataset = "00112233445566778899aabbccddeeff";
inline constexpr std::int64_t kFetchedMs = 1'700'000'000'123;

/// A whole GIF of one pixel; others by their number.
inline std::string image_of(Ordinal ordinal) {
    using namespace std::string_literals;
    std::string bytes = "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b"s;
    bytes[13] = static_cast<char>(ordinal);
    bytes[14] = static_cast<char>(ordinal >> 8);
    return bytes;
}

inline media::Sha256 digest_of(const std::string& bytes) {
    media::Digest digest;
    digest.update(std::as_bytes(std::span(bytes)));
    return digest.finish();
}

inline std::string url_of(Ordinal ordinal) { return "https://h" + std::to_string(ordinal % 3) + ".example/" + std::to_string(ordinal) + ".gif"; }

class RebuildRig : public testing::Test {
  protected:
    explicit RebuildRig(std::string layout = "webdataset") : layout_(std::move(layout)) {
        std::filesystem::create_directories(root() + "/outcomes");
        std::filesystem::create_directories(scratch_ / "state");
        open_images();
    }

    [[nodiscard]] std::string root() const { return scratch_ / "images"; }
    [[nodiscard]] std::string journal_file() const { return root() + "/outcomes/outcomes-00000001.jsonl"; }

    archive::VolumesOptions volumes() const {
        archive::VolumesOptions options;
        options.places = {{"", root()}};
        for (const std::string& name : names_) {
            options.places.push_back({name, scratch_ / name});
        }
        options.dataset_id = kDataset;
        options.make_layout = [this](archive::Depot& depot) { return archive::make_layout(layout_, depot, {3, 1 << 20}); };
        return options;
    }
    void open_images() { images_ = archive::Volumes::open(volumes(), clock_).value(); }
    /// A second volume, which is there from now on.
    void add_volume(const std::string& name) {
        images_.reset();
        names_.push_back(name);
        std::filesystem::create_directories(scratch_ / name);
        open_images();
    }

    /// One group of images, as a crawl publishes them. @return their locations.
    std::vector<std::string> publish(const std::vector<Ordinal>& ordinals) {
        std::vector<std::string> locations;
        images_->begin();
        for (const Ordinal ordinal : ordinals) {
            const std::string bytes = image_of(ordinal);
            archive::TempImage temporary = images_->create();
            EXPECT_TRUE(temporary.append(std::as_bytes(std::span(bytes))));
            EXPECT_TRUE(temporary.close());
            archive::Arrival arrival;
            arrival.temp_name = temporary.release();
            arrival.size = bytes.size();
            arrival.sha256 = digest_of(bytes);
            arrival.ordinal = ordinal;
            arrival.extension = "gif";
            arrival.companions = companions(ordinal);
            locations.push_back(images_->accept(std::move(arrival)));
            location_[ordinal] = locations.back();
        }
        EXPECT_TRUE(images_->sync());
        EXPECT_TRUE(images_->publish());
        for (const archive::ShardMark& mark : images_->marks()) {
            marks_[{mark.volume, mark.shard}] = mark;
        }
        images_->committed();
        return locations;
    }
    [[nodiscard]] std::vector<archive::Companion> companions(Ordinal ordinal) const {
        boost::json::object own{{"url", url_of(ordinal)}, {"sha256", media::hex(digest_of(image_of(ordinal)))}};
        switch (images_->sidecars()) {
            case archive::Sidecars::none:
                return {};
            case archive::Sidecars::img2dataset:
                own["key"] = fmt_key(ordinal);
                return {{"json", boost::json::serialize(own)}, {"txt", "a caption"}};
            case archive::Sidecars::annotated:
                break;
        }
        own["ordinal"] = ordinal;
        own["final_url"] = "https://other.example/";
        own["status"] = 200;
        own["attempts"] = 3;
        own["fetched"] = format_utc(kFetchedMs);
        return {{"json", "{\"caption\": \"a picture\", \"gritd\": " + boost::json::serialize(own) + "}\n"}};
    }
    static std::string fmt_key(Ordinal ordinal) {
        const std::string digits = std::to_string(ordinal);
        return std::string(9 - digits.size(), '0') + digits;
    }

    // The journal -------------------------------------------------------------------------------------------------------

    void tell(const journal::Line& line) {
        std::ofstream(journal_file(), std::ios::app) << journal::whole_line(++seq_, journal::text_of(line));
    }
    void tell_begin(bool with_layout = true) {
        journal::Line line;
        line.kind = journal::Kind::begin;
        line.time_ms = kFetchedMs;
        line.data = {{"format", 1}, {"dataset", kDataset}};
        if (with_layout) {
            line.data["layout"] = layout_;
        }
        tell(line);
    }
    static store::Record record_of(Ordinal ordinal, const std::string& location) {
        store::Record record;
        record.outcome = Outcome::stored;
        record.http_status = 200;
        record.attempts = 1;
        record.first_ms = record.last_ms = kFetchedMs;
        record.ordinal = ordinal;
        record.url = url_of(ordinal);
        record.size = image_of(ordinal).size();
        record.sha256 = digest_of(image_of(ordinal));
        record.image_type = static_cast<std::uint8_t>(media::ImageType::gif);
        record.width = record.height = 1;
        record.location = location;
        return record;
    }
    void tell_stored(Ordinal ordinal) { tell_record(journal::Kind::result, record_of(ordinal, location_.at(ordinal))); }
    void tell_record(journal::Kind kind, const store::Record& record) {
        journal::Line line;
        line.kind = kind;
        line.time_ms = kFetchedMs;
        line.host = url::canonicalize(record.url)->host;
        line.record = record;
        tell(line);
    }

    /// An input with the URLs of these annotations.
    void write_input(const std::string& name, const std::vector<Ordinal>& lines) {
        inputs_.push_back(scratch_ / name);
        std::ofstream file(inputs_.back());
        for (const Ordinal ordinal : lines) {
            file << R"({"url": ")" << url_of(ordinal) << "\"}\n";
        }
    }

    // What comes of it ----------------------------------------------------------------------------------------------------

    Checked<RebuildReport> rebuild() {
        images_.reset();
        RebuildOptions options;
        options.state = scratch_ / "state";
        options.volumes = volumes();
        options.layout = layout_;
        options.lost = lost_;
        options.inputs = inputs_;
        options.begins_journal = begins_journal_;
        options.journal = root() + "/outcomes";
        auto report = rebuild_state(options, clock_, log_, [](const RebuildProgress&) { return true; });
        if (report) {
            env_ = store::Env::open(scratch_ / "state").value();
        }
        return report;
    }
    /// Of the input with that name.
    std::vector<store::OrdinalExtent> extents(const std::string& name) {
        std::vector<store::OrdinalExtent> found;
        EXPECT_TRUE(store::for_each_input(env_->read().value(), [&](store::InputId, const store::InputRow& row) {
            if (row.path == scratch_ / name) {
                found = row.extents;
                EXPECT_GT(row.first_block_bytes, 0U);
            }
            return true;
        }));
        return found;
    }
    Result<store::Record> record(Ordinal ordinal) {
        const auto url = url::canonicalize(url_of(ordinal));
        const auto txn = env_->read();
        Result<store::Record> found = make_error_code(store::Errc::not_found);
        EXPECT_TRUE(store::for_each_record(*txn, [&](const store::RecordKey& key, const store::Record& one) {
            if (key.hash == url->hash()) {
                found = one;
            }
            return true;
        }));
        return found;
    }
    std::map<std::pair<std::string, std::uint32_t>, archive::ShardMark> rows() {
        std::map<std::pair<std::string, std::uint32_t>, archive::ShardMark> found;
        EXPECT_TRUE(store::for_each_shard(env_->read().value(), [&](std::uint32_t shard, const store::ShardRow& row) {
            found[{row.volume, shard}] = {shard, row.bytes, row.samples, row.sealed, row.volume};
            return true;
        }));
        return found;
    }
    /// As the next start does it.
    archive::Restored start() {
        open_images();
        std::vector<archive::ShardMark> marks;
        for (const auto& [id, mark] : rows()) {
            if (!marks.empty() && marks.back().sealed && marks.back().volume == mark.volume) {
                marks.pop_back();
            }
            marks.push_back(mark);
        }
        return images_->restore({}, marks).value();
    }
    void expect_stored(const std::vector<Ordinal>& ordinals) {
        for (const Ordinal ordinal : ordinals) {
            const auto found = record(ordinal);
            ASSERT_TRUE(found) << ordinal;
            EXPECT_EQ(found->location, location_.at(ordinal));
            EXPECT_EQ(store::get_url_to_path(env_->read().value(), url_of(ordinal)).value(), found->location);
            const auto extent = images_->find(found->location);
            ASSERT_TRUE(extent) << found->location << ": " << extent.error().message();
            EXPECT_EQ(extent->size, image_of(ordinal).size());
        }
    }

    ScratchFolder scratch_;
    std::string layout_;
    SystemClock clock_;
    Logger log_{LogLevel::error};
    std::vector<std::string> names_;
    std::vector<std::string> lost_;
    std::vector<std::string> inputs_;
    bool begins_journal_ = true;
    std::unique_ptr<archive::Volumes> images_;
    std::map<Ordinal, std::string> location_;
    std::map<std::pair<std::string, std::uint32_t>, archive::ShardMark> marks_;  // as the state had them
    std::uint64_t seq_ = 0;
    std::unique_ptr<store::Env> env_;
};

}  // namespace grit::dataset::test
