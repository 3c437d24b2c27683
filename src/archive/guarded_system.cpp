#include "guarded_system.hpp"

#include <cerrno>

namespace grit::archive {
namespace {

// A sound volume says so, too: of a name, of this process, or of nothing at all.
bool is_ordinary(int error) {
    return error == 0 || error == EEXIST || error == ENOENT || error == EMFILE || error == ENFILE || error == ENOMEM;
}

// Of two files that were to share their bytes: nothing of the volume.
bool is_of_the_pair(int error) {
    return error == EXDEV || error == EPERM || error == EACCES || error == EMLINK || error == EOPNOTSUPP || error == ENOTTY || error == EINVAL ||
           error == ENOSYS || error == ETXTBSY;
}

}  // namespace

template <class Call>
int GuardedFileSystem::writing(std::string_view doing, const Call& call) {
    if (shut_) {
        return ENODEV;
    }
    const int error = call();
    if (!is_ordinary(error)) {
        on_refusal_(error, doing);
    }
    return error;
}

template <class Call>
int GuardedFileSystem::sharing(std::string_view doing, const Call& call) {
    int of_the_pair = 0;
    const int error = writing(doing, [&] {
        const int refused = call();
        of_the_pair = is_of_the_pair(refused) ? refused : 0;
        return of_the_pair != 0 ? 0 : refused;
    });
    return of_the_pair != 0 ? of_the_pair : error;
}

template <class Call>
int GuardedFileSystem::reading(const Call& call) {
    return shut_ ? ENODEV : call();
}

// Of a call that may have opened one.
int GuardedFileSystem::opened(int error, int& descriptor) {
    if (error != 0 || descriptor < 0) {
        return error;
    }
    {
        const std::scoped_lock lock(mutex_);
        if (!shut_) {
            open_.insert(descriptor);
            return 0;
        }
    }
    inner_->close(descriptor);
    descriptor = -1;
    return ENODEV;
}

// Forgotten first: its number may be somebody else's as soon as it is closed.
int GuardedFileSystem::close(int descriptor) {
    {
        const std::scoped_lock lock(mutex_);
        open_.erase(descriptor);
    }
    return inner_->close(descriptor);
}

void GuardedFileSystem::let_go_of_all() {
    const std::scoped_lock lock(mutex_);
    for (const int descriptor : open_) {
        static_cast<void>(inner_->let_go(descriptor));
    }
    open_.clear();
}

int GuardedFileSystem::create(const std::string& path, mode_t mode, int& descriptor) {
    descriptor = -1;
    const int error = writing("making a file", [&] { return inner_->create(path, mode, descriptor); });
    if (error == ENOENT) {
        on_refusal_(error, "making a file");  // its folder is one of those that the start has made
    }
    return opened(error, descriptor);
}

int GuardedFileSystem::write(int descriptor, std::span<const std::byte> bytes, std::size_t& written) {
    written = 0;
    return writing("writing", [&] { return inner_->write(descriptor, bytes, written); });
}

int GuardedFileSystem::rename(const std::string& from, const std::string& to) {
    return writing("renaming", [&] { return inner_->rename(from, to); });
}

int GuardedFileSystem::unlink(const std::string& path) {
    return writing("removing a file", [&] { return inner_->unlink(path); });
}

int GuardedFileSystem::make_folder(const std::string& path, mode_t mode) {
    return writing("making a folder", [&] { return inner_->make_folder(path, mode); });
}

int GuardedFileSystem::sync_volume(int descriptor) {
    return writing("syncing", [&] { return inner_->sync_volume(descriptor); });
}

int GuardedFileSystem::write_at(int descriptor, std::uint64_t offset, std::span<const std::byte> bytes,
                                std::size_t& written) {
    written = 0;
    return writing("writing", [&] { return inner_->write_at(descriptor, offset, bytes, written); });
}

int GuardedFileSystem::sync_data(int descriptor) {
    return writing("syncing", [&] { return inner_->sync_data(descriptor); });
}

int GuardedFileSystem::truncate(int descriptor, std::uint64_t size) {
    return writing("cutting a file", [&] { return inner_->truncate(descriptor, size); });
}

int GuardedFileSystem::make_link(const std::string& target, const std::string& path) {
    return writing("making a link", [&] { return inner_->make_link(target, path); });
}

int GuardedFileSystem::link(int descriptor, const std::string& path) {
    return sharing("making a name", [&] { return inner_->link(descriptor, path); });
}

int GuardedFileSystem::clone(int from, int to) {
    return sharing("sharing blocks", [&] { return inner_->clone(from, to); });
}

// What is read tells of a file, not of the volume; that is looked at besides.

int GuardedFileSystem::open_folder(const std::string& path, int& descriptor) {
    descriptor = -1;
    return opened(reading([&] { return inner_->open_folder(path, descriptor); }), descriptor);
}

int GuardedFileSystem::look(const std::string& path) {
    return reading([&] { return inner_->look(path); });
}

int GuardedFileSystem::list(const std::string& path, std::vector<std::string>& names) {
    return reading([&] { return inner_->list(path, names); });
}

int GuardedFileSystem::read_small(const std::string& path, std::string& text) {
    return reading([&] { return inner_->read_small(path, text); });
}

int GuardedFileSystem::measure(const std::string& path, Volume& volume) {
    return reading([&] { return inner_->measure(path, volume); });
}

int GuardedFileSystem::device_of(const std::string& path, std::uint64_t& device) {
    return reading([&] { return inner_->device_of(path, device); });
}

int GuardedFileSystem::read_link(const std::string& path, std::string& target) {
    return reading([&] { return inner_->read_link(path, target); });
}

int GuardedFileSystem::open_file(const std::string& path, bool to_write, int& descriptor) {
    descriptor = -1;
    const int error = reading([&] { return inner_->open_file(path, to_write, descriptor); });
    if (to_write && error == EROFS) {
        on_refusal_(error, "opening a file");
    }
    return opened(error, descriptor);
}

int GuardedFileSystem::read_at(int descriptor, std::uint64_t offset, std::span<std::byte> bytes, std::size_t& count) {
    count = 0;
    return reading([&] { return inner_->read_at(descriptor, offset, bytes, count); });
}

int GuardedFileSystem::size_of(const std::string& path, std::uint64_t& size) {
    return reading([&] { return inner_->size_of(path, size); });
}

}  // namespace grit::archive
