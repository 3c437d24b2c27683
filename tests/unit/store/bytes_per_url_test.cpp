// The bound of the design: 110 bytes on disk per URL at ingest, LMDB's overhead and the host table included.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>

#include "grit/store/tables.hpp"
#include "temp_state.hpp"

namespace grit::store {
namespace {

using test::State;
using test::TempFolder;

#ifdef NDEBUG
constexpr std::size_t kLines = 1'000'000;
#else
constexpr std::size_t kLines = 100'000;
#endif
constexpr std::size_t kHosts = 600'000;  // of which a run of a million lines sees about a third
constexpr double kZipf = 1.05;
constexpr double kBoundBytes = 110;

struct Line {
    HostId host;
    Ordinal ordinal;
    std::string url;
};

// Host ranks of a Zipf distribution, by its inverse over the continuous form.
class ZipfHosts {
  public:
    HostId operator()(std::mt19937_64& random) const {
        const double u = std::uniform_real_distribution<double>(0, 1)(random);
        const double top = std::pow(static_cast<double>(kHosts), 1 - kZipf) - 1;
        return static_cast<HostId>(std::pow(1 + u * top, 1 / (1 - kZipf)));
    }
};

// Paths as they occur: from a file of real ones (one URL field per line), or made up in their manner.
class Paths {
  public:
    Paths() {
        const char* const file = std::getenv("GRIT_REAL_URLS");  // NOLINT(concurrency-mt-unsafe)
        std::ifstream in(file != nullptr ? file : "");
        for (std::string line; std::getline(in, line);) {
            const std::size_t begin = line.find("http");
            const std::size_t slashes = begin == line.npos ? line.npos : line.find("//", begin);
            const std::size_t path = slashes == line.npos ? line.npos : line.find('/', slashes + 2);
            const std::size_t end = path == line.npos ? line.npos : line.find('"', path);
            if (end != line.npos) {
                real_.push_back(line.substr(path, end - path));
            }
        }
    }
    [[nodiscard]] bool are_real() const { return !real_.empty(); }

    std::string operator()(std::mt19937_64& random) const {
        return real_.empty() ? made_up(random) : varied(real_[random() % real_.size()], random);
    }

  private:
    // The same words, other numbers.
    static std::string varied(std::string path, std::mt19937_64& random) {
        for (char& c : path) {
            if (c >= '0' && c <= '9') {
                c = static_cast<char>('0' + random() % 10);
            }
        }
        return path;
    }
    static std::string made_up(std::mt19937_64& random) {
        static constexpr std::array<const char*, 16> kWords{
            "wp-content", "uploads", "images", "product", "media", "catalog", "cache", "photo",
            "vintage",    "garden",  "summer", "wedding", "house", "dress",   "large", "original"};
        std::string path;
        for (int i = 0; i < 3; ++i) {
            path += fmt::format("/{}", kWords[random() % kWords.size()]);
        }
        return path + fmt::format("/{:x}-{}-{}x{}.jpg", random() >> 16, kWords[random() % kWords.size()],
                                  random() % 2000, random() % 2000);
    }
    std::vector<std::string> real_;
};

std::string host_name(HostId host) {
    return fmt::format("images{}.example-{}.com", host % 7, host);
}

std::vector<Line> make_lines(double& mean_bytes) {
    std::mt19937_64 random(7);
    const ZipfHosts hosts;
    const Paths paths;
    std::vector<Line> lines;
    lines.reserve(kLines);
    std::size_t bytes = 0;
    for (Ordinal ordinal = 0; ordinal < kLines; ++ordinal) {
        const HostId host = hosts(random);
        const char* const scheme = random() % 4 == 0 ? "http" : "https";
        lines.push_back({host, ordinal, fmt::format("{}://{}{}", scheme, host_name(host), paths(random))});
        bytes += lines.back().url.size();
    }
    mean_bytes = static_cast<double>(bytes) / static_cast<double>(kLines);
    std::sort(lines.begin(), lines.end(),
              [](const Line& a, const Line& b) { return a.host != b.host ? a.host < b.host : a.ordinal < b.ordinal; });
    return lines;
}

Result<void> add_run(WriteTxn& txn, const std::vector<Line>& lines) {
    BlockCodec codec;
    std::vector<RunHost> counts;
    std::vector<QueueItem> items;
    for (std::size_t i = 0; i < lines.size();) {
        const HostId host = lines[i].host;
        const std::string name = host_name(host);
        counts.push_back({host, 0});
        for (std::uint32_t block = 0; i < lines.size() && lines[i].host == host; ++block) {
            items.clear();
            for (; i < lines.size() && lines[i].host == host && items.size() < kMaxBlockEntries; ++i) {
                items.push_back({lines[i].ordinal, lines[i].url});
            }
            counts.back().lines += static_cast<std::uint32_t>(items.size());
            const Result<std::string> packed = codec.pack(name, items);
            if (const auto put = packed ? append_block(txn, {1, host, block}, *packed) : packed.error(); !put) {
                return put;
            }
        }
        HostRow row;
        row.name = name;
        row.domain = name.substr(name.find('.') + 1);
        if (const auto put = put_host(txn, host, row); !put) {
            return put;
        }
    }
    return put_run(txn, 1, counts);
}

TEST(BytesPerUrl, StayUnderTheBound) {
    const TempFolder temp;
    const State state(temp.path());
    double mean_url = 0;
    const std::vector<Line> lines = make_lines(mean_url);
    const auto begin = std::chrono::steady_clock::now();
    ASSERT_TRUE(state.write([&](WriteTxn& txn) { return add_run(txn, lines); }));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    const double per_url = static_cast<double>(state.env->stats().file_bytes) / static_cast<double>(kLines);
    std::printf(
        "{\"bench\":\"bytes_per_url\",\"lines\":%zu,\"hosts\":%llu,\"mean_url_bytes\":%.1f,\"bytes_per_url\":%.1f,"
        "\"lines_per_s\":%.0f,\"real_paths\":%s}\n",
        kLines, static_cast<unsigned long long>(state.count(Table::hosts)), mean_url, per_url,
        static_cast<double>(kLines) / took.count(), Paths().are_real() ? "true" : "false");
    EXPECT_GT(mean_url, 80) << "shorter than what the bound is about";
    EXPECT_LE(per_url, kBoundBytes);
}

}  // namespace
}  // namespace grit::store
