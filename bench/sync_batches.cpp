// What it costs to make a batch of images durable: one syncfs, an fdatasync per file, or an fsync per file by io_uring, all in
// flight at once. Real files of one size, written just before, on the file system of --dir. Prints one JSON line.
#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

[[noreturn]] void fail(const char* what) {
    std::perror(what);
    std::exit(1);
}

std::vector<int> write_files(const std::string& dir, std::size_t count, std::size_t bytes) {
    std::mt19937_64 random(count);
    std::vector<std::uint64_t> content(bytes / sizeof(std::uint64_t));
    std::vector<int> files;
    for (std::size_t i = 0; i < count; ++i) {
        std::generate(content.begin(), content.end(), std::ref(random));
        const std::string path = dir + "/" + std::to_string(i) + ".part";
        const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
        if (file < 0 || write(file, content.data(), content.size() * sizeof(std::uint64_t)) < 0) {
            fail("write");
        }
        files.push_back(file);
    }
    return files;
}

// The least of io_uring (io_uring_setup(2)): submit all, wait for all.
class Ring {
  public:
    explicit Ring(unsigned entries) {
        io_uring_params params{};
        ring_ = static_cast<int>(syscall(SYS_io_uring_setup, entries, &params));
        if (ring_ < 0) {
            return;
        }
        sq_ = map(params.sq_off.array + params.sq_entries * sizeof(unsigned), IORING_OFF_SQ_RING);
        cq_ = map(params.cq_off.cqes + params.cq_entries * sizeof(io_uring_cqe), IORING_OFF_CQ_RING);
        entries_ = reinterpret_cast<io_uring_sqe*>(map(params.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES));
        params_ = params;
    }
    ~Ring() {
        if (ring_ >= 0) {
            close(ring_);
        }
    }
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;

    [[nodiscard]] bool works() const { return ring_ >= 0; }

    void sync_all(const std::vector<int>& files) {
        auto& tail = *reinterpret_cast<std::atomic<unsigned>*>(sq_ + params_.sq_off.tail);
        auto* const array = reinterpret_cast<unsigned*>(sq_ + params_.sq_off.array);
        const unsigned mask = *reinterpret_cast<unsigned*>(sq_ + params_.sq_off.ring_mask);
        unsigned place = tail.load();
        for (const int file : files) {
            io_uring_sqe& entry = entries_[place & mask];
            std::memset(&entry, 0, sizeof entry);
            entry.opcode = IORING_OP_FSYNC;
            entry.fd = file;
            entry.fsync_flags = IORING_FSYNC_DATASYNC;
            array[place & mask] = place & mask;
            ++place;
        }
        tail.store(place, std::memory_order_release);
        const auto count = static_cast<unsigned>(files.size());
        if (syscall(SYS_io_uring_enter, ring_, count, count, IORING_ENTER_GETEVENTS, nullptr, 0) < 0) {
            fail("io_uring_enter");
        }
        auto& head = *reinterpret_cast<std::atomic<unsigned>*>(cq_ + params_.cq_off.head);
        const auto* const results = reinterpret_cast<const io_uring_cqe*>(cq_ + params_.cq_off.cqes);
        const unsigned results_mask = *reinterpret_cast<unsigned*>(cq_ + params_.cq_off.ring_mask);
        for (unsigned i = 0; i < count; ++i) {
            if (const int result = results[(head.load() + i) & results_mask].res; result < 0) {
                errno = -result;
                fail("fsync by io_uring");
            }
        }
        head.fetch_add(count);
    }

  private:
    std::uint8_t* map(std::size_t bytes, std::uint64_t what) const {
        void* const place = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring_, static_cast<off_t>(what));
        if (place == MAP_FAILED) {  // NOLINT(performance-no-int-to-ptr): the system's macro
            fail("mmap");
        }
        return static_cast<std::uint8_t*>(place);
    }

    int ring_ = -1;
    std::uint8_t* sq_ = nullptr;
    std::uint8_t* cq_ = nullptr;
    io_uring_sqe* entries_ = nullptr;
    io_uring_params params_{};
};

// @return milliseconds until all are durable; -1 where there is no io_uring.
double sync_batch(std::string_view how, const std::vector<int>& files) {
    Ring ring(how == "io_uring" ? static_cast<unsigned>(files.size()) : 1);
    if (how == "io_uring" && !ring.works()) {
        return -1;
    }
    const auto begin = std::chrono::steady_clock::now();
    if (how == "syncfs") {
        if (syncfs(files.front()) != 0) {
            fail("syncfs");
        }
    } else if (how == "io_uring") {
        ring.sync_all(files);
    } else {
        for (const int file : files) {
            if (fdatasync(file) != 0) {
                fail("fdatasync");
            }
        }
    }
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App cli("the cost of making a batch of images durable");
    std::string dir;
    std::vector<std::size_t> batches{50, 500, 2000};
    std::size_t bytes = 100'000;
    unsigned rounds = 5;
    cli.add_option("--dir", dir, "a folder on the file system to be measured")->required();
    cli.add_option("--batches", batches, "files in a batch");
    cli.add_option("--bytes", bytes, "of a file");
    cli.add_option("--rounds", rounds, "of which the median counts");
    CLI11_PARSE(cli, argc, argv);
    const std::string folder = dir + "/sync-batches";
    std::string line = "{\"bench\":\"sync_batches\",\"bytes\":" + std::to_string(bytes);
    for (const std::size_t batch : batches) {
        for (const std::string_view how : {"syncfs", "fdatasync", "io_uring"}) {
            std::vector<double> times;
            for (unsigned round = 0; round < rounds; ++round) {
                std::filesystem::create_directory(folder);
                sync();  // what others have written is not ours to pay
                const std::vector<int> files = write_files(folder, batch, bytes);
                times.push_back(sync_batch(how, files));
                std::for_each(files.begin(), files.end(), close);
                std::filesystem::remove_all(folder);
            }
            line += ",\"" + std::string(how) + "_" + std::to_string(batch) + "_ms\":" + std::to_string(median(times));
        }
    }
    std::puts((line + "}").c_str());
    return 0;
}
