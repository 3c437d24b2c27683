#include "grit/archive/error.hpp"

#include <cerrno>
#include <string>
#include <string_view>

namespace grit::archive {
namespace {

std::string_view text_of(Errc error) noexcept {
    switch (error) {
        case Errc::success:
            return "success";
        case Errc::disk_full:
            return "no space left for images";
        case Errc::read_only:
            return "the image volume can not be written";
        case Errc::io:
            return "the image volume failed";
        case Errc::out_of_descriptors:
            return "out of file descriptors";
        case Errc::vanished:
            return "a file of the image root is gone";
        case Errc::bad_header:
            return "a tar header is damaged";
        case Errc::volume_out:
            return "its image volume is out";
        case Errc::bad_path:
            return "not a path inside the image root";
    }
    return "unknown archive error";
}

class Category final : public boost::system::error_category {
  public:
    [[nodiscard]] const char* name() const noexcept override { return "grit.archive"; }
    [[nodiscard]] std::string message(int value) const override {
        return std::string(text_of(static_cast<Errc>(value)));
    }
};

}  // namespace

const boost::system::error_category& archive_category() noexcept {
    static const Category category;
    return category;
}

ErrorCode make_error_code(Errc error) noexcept {
    return {static_cast<int>(error), archive_category()};
}

Errc errc_of_errno(int error) noexcept {
    switch (error) {
        case 0:
            return Errc::success;
        case ENOSPC:
        case EDQUOT:
        case EFBIG:
            return Errc::disk_full;
        case EROFS:
        case EACCES:
        case EPERM:
            return Errc::read_only;
        case EMFILE:
        case ENFILE:
            return Errc::out_of_descriptors;
        case ENOENT:
        case ENOTDIR:
        case ESTALE:
            return Errc::vanished;
        default:
            return Errc::io;
    }
}

Outcome outcome_of(const ErrorCode& error) noexcept {
    if (error == make_error_code(Errc::disk_full)) {
        return Outcome::disk_full;
    }
    return error == make_error_code(Errc::out_of_descriptors) ? Outcome::out_of_descriptors : Outcome::store_error;
}

}  // namespace grit::archive
