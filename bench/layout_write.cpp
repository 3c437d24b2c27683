// What it costs to have images of a given size durable under their names, by layout: temporaries written as the disk threads do, then
// groups synced, placed, published and let go as the committer does, without a state. The layouts take turns, each round in an empty
// folder of --dir. Prints one JSON line: medians over the rounds.
#include "grit/archive/depot.hpp"
#include "grit/archive/layout.hpp"
#include "grit/media/digest.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace grit;

struct Settings {
    std::string dir;
    std::size_t images = 4'000;
    std::size_t bytes = 50'000;
    std::size_t group = 400;  // of 2,000 results a second, five commits a second
    std::uint64_t held = std::uint64_t{64} << 20;
    unsigned rounds = 5;
};

// What a round took.
struct Cost {
    double seconds = 0;
    double commit_seconds = 0;  // of these in sync, publish and committed
    double longest_commit = 0;
    double cpu = 0;
};

constexpr std::size_t kPiece = std::size_t{64} << 10;  // as a body comes
constexpr std::size_t kAnnotation = 770;               // bytes of a line of GRIT

double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double cpu_now() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

template <class T>
T or_die(Result<T> result, const char* what) {
    if (!result) {
        fmt::print(stderr, "{}: {}\n", what, result.error().message());
        std::exit(1);
    }
    return std::move(*result);
}

void or_die(const Result<void>& result, const char* what) {
    if (!result) {
        fmt::print(stderr, "{}: {}\n", what, result.error().message());
        std::exit(1);
    }
}

class Round {
  public:
    Round(const Settings& settings, const std::string& layout, unsigned number)
        : settings_(settings), folder_(fmt::format("{}/{}-{}", settings.dir, layout, number)), random_(number) {
        archive::DepotOptions options;
        options.root = folder_;
        options.dataset_id = "00112233445566778899aabbccddeeff";
        auto depot = archive::Depot::open(options);
        if (!depot) {
            fmt::print(stderr, "{}\n", depot.error().what);
            std::exit(1);
        }
        depot_ = std::move(*depot);
        archive::TarOptions shards;
        shards.held_bytes = settings.held;
        layout_ = archive::make_layout(layout, *depot_, shards);
        image_.resize(settings.bytes / sizeof(std::uint64_t));
        sync();  // what others have written before is not ours to pay for
    }
    ~Round() {
        layout_.reset();
        depot_.reset();
        std::filesystem::remove_all(folder_);
    }
    Round(const Round&) = delete;
    Round& operator=(const Round&) = delete;

    Cost run() {
        Cost cost;
        const double begin = now();
        const double cpu = cpu_now();
        for (std::size_t done = 0; done < settings_.images; done += settings_.group) {
            std::vector<archive::Arrival> group;
            while (group.size() < std::min(settings_.group, settings_.images - done)) {
                group.push_back(arrive(done + group.size()));
            }
            const double before = now();
            commit(std::move(group));
            cost.commit_seconds += now() - before;
            cost.longest_commit = std::max(cost.longest_commit, now() - before);
        }
        cost.seconds = now() - begin;
        cost.cpu = cpu_now() - cpu;
        return cost;
    }

  private:
    archive::Arrival arrive(Ordinal ordinal) {
        std::generate(image_.begin(), image_.end(), std::ref(random_));
        const auto bytes = std::as_bytes(std::span(image_));
        media::Digest digest;
        archive::TempImage image = depot_->create();
        for (std::size_t at = 0; at < bytes.size(); at += kPiece) {
            const auto piece = bytes.subspan(at, std::min(kPiece, bytes.size() - at));
            digest.update(piece);
            or_die(image.append(piece), "a temporary");
        }
        or_die(image.close(), "a temporary");
        archive::Arrival arrival;
        arrival.temp_name = image.release();
        arrival.size = bytes.size();
        arrival.sha256 = digest.finish();
        arrival.ordinal = ordinal;
        arrival.extension = "jpg";
        if (layout_->sidecars() != archive::Sidecars::none) {
            arrival.companions.push_back({"json", std::string(kAnnotation, 'x')});
        }
        return arrival;
    }

    void commit(std::vector<archive::Arrival> group) {
        or_die(layout_->sync(), "sync");
        layout_->begin();
        for (archive::Arrival& arrival : group) {
            layout_->accept(std::move(arrival));
        }
        if (const auto published = layout_->publish(); !published) {
            fmt::print(stderr, "publish: {}\n", published.error.message());
            std::exit(1);
        }
        layout_->committed();
    }

    const Settings& settings_;
    std::string folder_;
    std::mt19937_64 random_;
    std::unique_ptr<archive::Depot> depot_;
    std::unique_ptr<archive::Layout> layout_;
    std::vector<std::uint64_t> image_;
};

double median(std::vector<Cost> costs, double Cost::* of) {
    std::sort(costs.begin(), costs.end(), [of](const Cost& a, const Cost& b) { return a.*of < b.*of; });
    return costs[costs.size() / 2].*of;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App cli("what it costs to have images durable, by layout");
    Settings settings;
    cli.add_option("--dir", settings.dir, "an empty folder on the file system to be measured")->required()->check(CLI::ExistingDirectory);
    cli.add_option("--images", settings.images);
    cli.add_option("--bytes", settings.bytes, "of an image");
    cli.add_option("--group", settings.group, "images of one commit");
    cli.add_option("--held", settings.held, "bytes of small images in memory, as the daemon's shards have them; 0: all are temporaries");
    cli.add_option("--rounds", settings.rounds);
    std::vector<std::string> layouts{"files", "webdataset", "img2dataset"};
    cli.add_option("--layouts", layouts);
    CLI11_PARSE(cli, argc, argv);
    std::map<std::string, std::vector<Cost>> costs;
    for (unsigned number = 0; number < settings.rounds; ++number) {
        for (const std::string& layout : layouts) {
            costs[layout].push_back(Round(settings, layout, number).run());
        }
    }
    std::vector<std::string> parts;
    for (const std::string& layout : layouts) {
        const auto& of = costs[layout];
        const double megabytes = static_cast<double>(settings.images * settings.bytes) / 1e6;
        const double images = static_cast<double>(settings.images);
        parts.push_back(fmt::format(R"("{}": {{"mb_per_s": {:.1f}, "images_per_s": {:.0f}, "cpu_us_per_image": {:.0f}, "commit_ms": {:.1f}, )"
                                    R"("longest_commit_ms": {:.1f}}})",
                                    layout, megabytes / median(of, &Cost::seconds), images / median(of, &Cost::seconds),
                                    median(of, &Cost::cpu) * 1e6 / images,
                                    median(of, &Cost::commit_seconds) * 1e3 * static_cast<double>(settings.group) / images,
                                    median(of, &Cost::longest_commit) * 1e3));
    }
    fmt::print(R"({{"bench": "layout_write", "images": {}, "bytes": {}, "group": {}, "rounds": {}, {}}})"
               "\n",
               settings.images, settings.bytes, settings.group, settings.rounds, fmt::join(parts, ", "));
    return 0;
}
