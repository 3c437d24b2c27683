#include "grit/dataset/url_to_path_export.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "grit/media/image_type.hpp"
#include "grit/store/tables.hpp"
#include "grit/store/writer.hpp"
#include "grit/url/canonical_url.hpp"
#include "scratch.hpp"

namespace grit::dataset {
namespace {

using test::all_of;
using test::python;
using test::ScratchFolder;
using testing::HasSubstr;

class UrlToPathExportTest : public testing::Test {
  protected:
    UrlToPathExportTest()
        : env_(store::Env::open(folder_ / "state").value()), writer_(std::make_unique<store::Writer>(*env_, clock_)) {}

    HostId host(const std::string& name) {
        const auto [at, is_new] = hosts_.try_emplace(name, static_cast<HostId>(hosts_.size() + 1));
        if (is_new) {
            store::HostRow row;
            row.name = name;
            write([&](store::WriteTxn& txn) { return store::put_host(txn, at->second, row); });
        }
        return at->second;
    }

    // As a crawl commits an image: its record and every spelling of its URL.
    void store_image(const std::string& url, const std::string& path, const std::vector<std::string>& aliases = {}) {
        store::Record record;
        record.ordinal = 5;
        record.http_status = 200;
        record.size = 1234;
        record.width = 64;
        record.height = 48;
        record.image_type = static_cast<std::uint8_t>(media::ImageType::png);
        record.sha256.fill(std::byte{0xab});
        record.location = path;
        record.url = url;
        const auto canonical = url::canonicalize(url).value();
        const store::RecordKey key{host(canonical.host), canonical.hash()};
        write([&](store::WriteTxn& txn) {
            auto put = store::put_record(txn, key, record);
            return put ? store::put_url_to_path(txn, url, path) : put;
        });
        for (const auto& alias : aliases) {
            map(alias, path);
            write([&](store::WriteTxn& txn) { return store::put_spelling(txn, key, alias); });
        }
    }

    void map(const std::string& url, const std::string& path) {
        write([&](store::WriteTxn& txn) { return store::put_url_to_path(txn, url, path); });
    }

    void write(const std::function<Result<void>(store::WriteTxn&)>& body) {
        const auto done = writer_->transact(body);
        ASSERT_TRUE(done) << done.error().message();
    }

    std::string exported(Format format, const std::string& root) {
        UrlToPathExport source(*env_, format, root);
        std::string text = all_of(source);
        rows_ = source.rows();
        unresolved_ = source.unresolved();
        return text;
    }

    ScratchFolder folder_;
    SystemClock clock_;
    std::unique_ptr<store::Env> env_;
    std::unique_ptr<store::Writer> writer_;
    std::map<std::string, HostId> hosts_;
    std::uint64_t rows_ = 0;
    std::uint64_t unresolved_ = 0;
};

TEST_F(UrlToPathExportTest, EmptyDataset) {
    EXPECT_EQ(exported(Format::json, "/srv"), "{}");
    EXPECT_EQ(exported(Format::csv, "/srv"), "url,path\r\n");
    EXPECT_EQ(exported(Format::jsonl, "/srv"), "");
}

TEST_F(UrlToPathExportTest, JsonIsPythonsToTheByte) {
    map("https://a.example/\"q\"\\b.jpg", "00000/000000001.jpg");
    map("https://a.example/tab\there\x01\x7f", "00000/000000002.jpg");
    map("https://\xc3\xbc.example/\xf0\x9f\x98\x80 x.jpg", "00001.tar#000010003.jpg");
    map(" HTTP://B.example/&amp;", "00000/000000004.gif");
    for (const char* root : {"/srv/grit/images", "images/", "", "."}) {
        const std::string ours = exported(Format::json, root);
        test::write_file(folder_ / "ours.json", ours);
        // Whatever Python reads from it, Python would have written like that; and the paths are os.path.join's.
        const std::string theirs = python(
            folder_,
            "import io, json, os, sys\nd = json.load(open('" + folder_ / "ours.json" + "', encoding='utf-8'))\n" +
                "assert len(d) == 4\nassert d['https://\\u00fc.example/\\U0001f600 x.jpg'] == os.path.join('" + root +
                "', '00001.tar#000010003.jpg')\nassert d['https://a.example/tab\\there\\x01\\x7f'] == os.path.join('" +
                root +
                "', '00000/000000002.jpg')\nout = io.StringIO()\n"
                "json.dump(d, out, ensure_ascii=False)\nsys.stdout.buffer.write(out.getvalue().encode())\n");
        EXPECT_EQ(ours, theirs) << root;
    }
    EXPECT_EQ(rows_, 4u);
}

TEST_F(UrlToPathExportTest, CsvQuotesWhatNeedsIt) {
    map("https://a.example/a,b.jpg", "00000/000000001.jpg");
    map("https://a.example/c.jpg", "00000/000000002.jpg");
    EXPECT_EQ(exported(Format::csv, "/srv"),
              "url,path\r\n"
              "\"https://a.example/a,b.jpg\",/srv/00000/000000001.jpg\r\n"
              "https://a.example/c.jpg,/srv/00000/000000002.jpg\r\n");
}

TEST_F(UrlToPathExportTest, JsonLinesTellWhatTheRecordKnows) {
    store_image("https://A.example/x.png", "00000/000000005.png", {"https://a.example:443/x.png"});
    map("https://nowhere.example/", "00000/000000009.png");  // No record.
    std::string digest;
    for (int i = 0; i < 32; ++i) {
        digest += "ab";
    }
    const std::string rest = "\", \"path\": \"/srv/00000/000000005.png\", \"sha256\": \"" + digest +
                             "\", \"bytes\": 1234, \"width\": 64, \"height\": 48, \"media_type\": \"image/png\", "
                             "\"ordinal\": 5, \"http_status\": 200}\n";
    EXPECT_EQ(exported(Format::jsonl, "/srv"),
              "{\"url\": \"https://A.example/x.png" + rest + "{\"url\": \"https://a.example:443/x.png" + rest +
                  "{\"url\": \"https://nowhere.example/\", \"path\": \"/srv/00000/000000009.png\", \"sha256\": null, "
                  "\"bytes\": null, \"width\": null, \"height\": null, \"media_type\": null, \"ordinal\": null, "
                  "\"http_status\": null}\n");
}

TEST_F(UrlToPathExportTest, LongUrlsAreWrittenInFull) {
    const std::string long_url = "https://a.example/" + std::string(600, 'l');
    const std::string long_alias = "https://A.example/" + std::string(600, 'l');
    store_image(long_url, "00000/000000001.png", {long_alias});
    store_image("https://a.example/short", "00000/000000002.png",
                {"https://a.example/" + std::string(500, '.') + "/../short"});
    // A redirected record may name long URLs that have no image.
    const std::string text = exported(Format::csv, "");
    EXPECT_THAT(text, HasSubstr("https://a.example/short,00000/000000002.png\r\n"));
    EXPECT_THAT(text, HasSubstr("\r\n" + long_url + ",00000/000000001.png\r\n"));
    EXPECT_THAT(text, HasSubstr("\r\n" + long_alias + ",00000/000000001.png\r\n"));
    EXPECT_THAT(text, HasSubstr("/../short,00000/000000002.png\r\n"));
    EXPECT_EQ(text.find("sha256:"), std::string::npos);
    EXPECT_EQ(rows_, 4u);
    EXPECT_EQ(unresolved_, 0u);
    EXPECT_EQ(exported(Format::json, "").find("sha256:"), std::string::npos);
    EXPECT_THAT(exported(Format::jsonl, ""),
                HasSubstr(long_url + "\", \"path\": \"00000/000000001.png\", \"sha256\": \"abab"));
}

TEST_F(UrlToPathExportTest, LongSpellingsNobodyRememberedAreCounted) {
    map("https://a.example/" + std::string(600, 'l'), "00000/000000001.png");
    EXPECT_EQ(exported(Format::json, ""), "{}");
    EXPECT_EQ(unresolved_, 1u);
}

TEST_F(UrlToPathExportTest, WalksInShortTransactions) {
    write([](store::WriteTxn& txn) {
        for (int i = 0; i < 10'000; ++i) {
            auto put =
                store::put_url_to_path(txn, "https://a.example/" + std::to_string(i), std::to_string(i) + ".jpg");
            if (!put) {
                return put;
            }
        }
        return Result<void>();
    });
    UrlToPathExport source(*env_, Format::csv, "");
    std::string text;
    std::string chunk;
    std::size_t pieces = 0;
    while (source.next(chunk).value()) {
        text += chunk;
        // A writer gets through between two pieces, and what it adds ahead of the walk is seen.
        map("https://z.example/" + std::to_string(pieces++), "z.jpg");
    }
    EXPECT_GE(pieces, 5u);
    EXPECT_GE(source.rows(), 10'000u);
    for (const int i : {0, 1, 2047, 2048, 9'999}) {
        const std::string row = "https://a.example/" + std::to_string(i) + "," + std::to_string(i) + ".jpg\r\n";
        EXPECT_EQ(text.find(row, text.find(row) + 1), std::string::npos) << row;
        EXPECT_THAT(text, HasSubstr(row));
    }
    EXPECT_THAT(text, HasSubstr("https://z.example/0,z.jpg\r\n"));
}

TEST_F(UrlToPathExportTest, DamageIsAProblemInWords) {
    store_image("https://a.example/x", "00000/000000001.png");
    const auto canonical = url::canonicalize("https://a.example/x").value();
    write([&](store::WriteTxn& txn) {
        return txn.put(store::Table::records, store::record_key({host("a.example"), canonical.hash()}), "\x01\xff\xff");
    });
    UrlToPathExport source(*env_, Format::jsonl, "");
    std::string chunk;
    const auto more = source.next(chunk);
    ASSERT_FALSE(more);
    EXPECT_THAT(more.error().what, HasSubstr("the export broke off after 0 rows"));
    EXPECT_THAT(more.error().what, HasSubstr(folder_ / "state"));
}

}  // namespace
}  // namespace grit::dataset
