// The file system of one of several volumes: what it refuses is told, and once it is out nothing reaches it any more.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "grit/archive/file_system.hpp"

namespace grit::archive {

/// Threads: as FileSystem.
class GuardedFileSystem final : public FileSystem {
  public:
    /// @param on_refusal  called with the errno of a writing call that a volume in order would not have refused, on the
    ///                    thread of the call.
    using OnRefusal = std::function<void(int error, std::string_view doing)>;
    GuardedFileSystem(std::unique_ptr<FileSystem> inner, OnRefusal on_refusal)
        : inner_(std::move(inner)), on_refusal_(std::move(on_refusal)) {}

    /// From now on every call but `close` and `let_go` gives ENODEV, and the disk is not asked: nobody waits for it.
    void shut() noexcept { shut_ = true; }
    /// After `shut`: no descriptor keeps the disk busy any more, so that it can be unmounted. They stay what they are to those
    /// who have them, and have to be closed. May wait for a disk that hangs.
    void let_go_of_all();

    int create(const std::string& path, mode_t mode, int& descriptor) override;
    int open_folder(const std::string& path, int& descriptor) override;
    int write(int descriptor, std::span<const std::byte> bytes, std::size_t& written) override;
    int close(int descriptor) override;
    int rename(const std::string& from, const std::string& to) override;
    int unlink(const std::string& path) override;
    int make_folder(const std::string& path, mode_t mode) override;
    int look(const std::string& path) override;
    int list(const std::string& path, std::vector<std::string>& names) override;
    int read_small(const std::string& path, std::string& text) override;
    int sync_volume(int descriptor) override;
    int measure(const std::string& path, Volume& volume) override;
    int device_of(const std::string& path, std::uint64_t& device) override;
    void anchor(const std::string& root, int descriptor) override { inner_->anchor(root, descriptor); }
    int let_go(int descriptor) override { return inner_->let_go(descriptor); }
    int make_link(const std::string& target, const std::string& path) override;
    int read_link(const std::string& path, std::string& target) override;
    int link(int descriptor, const std::string& path) override;
    int clone(int from, int to) override;
    int open_file(const std::string& path, bool to_write, int& descriptor) override;
    int read_at(int descriptor, std::uint64_t offset, std::span<std::byte> bytes, std::size_t& count) override;
    int write_at(int descriptor, std::uint64_t offset, std::span<const std::byte> bytes,
                 std::size_t& written) override;
    int sync_data(int descriptor) override;
    int truncate(int descriptor, std::uint64_t size) override;
    int size_of(const std::string& path, std::uint64_t& size) override;

  private:
    template <class Call>
    int writing(std::string_view doing, const Call& call);
    template <class Call>
    int sharing(std::string_view doing, const Call& call);
    template <class Call>
    int reading(const Call& call);
    int opened(int error, int& descriptor);

    std::unique_ptr<FileSystem> inner_;
    OnRefusal on_refusal_;
    std::atomic<bool> shut_{false};
    std::mutex mutex_;
    std::unordered_set<int> open_;  // descriptors
};

}  // namespace grit::archive
