// Temporaries that have the bytes of a file elsewhere on the same file system, without a copy.
#include <cerrno>
#include <utility>

#include "grit/archive/depot.hpp"
#include "grit/base/kill_point.hpp"
#include "held_images.hpp"

namespace grit::archive {

std::optional<TempImage> Depot::share(const LocalSource& source) {
    TempImage image(*this);
    // Where images are copied into shards anyway, memory costs less than a name.
    if (held_->is_allowed() || source.device != device_ || (!clone(source, image) && !(source.may_link && link(source, image)))) {
        return std::nullopt;
    }
    image.size_ = source.size;
    image.closed_ = true;
    kill_point("image.shared");
    return image;
}

bool Depot::clone(const LocalSource& source, TempImage& image) {
    if (!can_clone_) {
        return false;
    }
    image.name_ = new_temporary_name();
    if (create_temporary(image.name_, image.descriptor_) != 0) {
        return false;
    }
    image.has_file_ = true;
    const int refused = system_->clone(source.descriptor, image.descriptor_);
    const int closed = system_->close(std::exchange(image.descriptor_, -1));
    if (refused != 0 || closed != 0) {
        image.drop();
        can_clone_ = can_clone_ && refused != EOPNOTSUPP && refused != ENOTTY && refused != ENOSYS;
        return false;
    }
    image.bytes_ = TempImage::Bytes::cloned;
    return true;
}

bool Depot::link(const LocalSource& source, TempImage& image) {
    std::string fresh = new_temporary_name();
    if (system_->link(source.descriptor, temp_path(fresh)) != 0) {
        return false;
    }
    image.name_ = std::move(fresh);
    image.has_file_ = true;
    image.bytes_ = TempImage::Bytes::linked;
    return true;
}

}  // namespace grit::archive
