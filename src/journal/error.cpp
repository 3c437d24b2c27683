#include "grit/journal/error.hpp"

#include <cerrno>
#include <string>

#include "grit/store/error.hpp"

namespace grit::journal {
namespace {

class Category final : public boost::system::error_category {
  public:
    [[nodiscard]] const char* name() const noexcept override { return "journal"; }
    [[nodiscard]] std::string message(int value) const override {
        switch (static_cast<Errc>(value)) {
            case Errc::success: return "success";
            case Errc::disk_full: return "the volume of the outcome journal is full";
            case Errc::io: return "the outcome journal can not be written";
        }
        return "unknown error of the outcome journal";
    }
};

}  // namespace

const boost::system::error_category& journal_category() noexcept {
    static const Category category;
    return category;
}

ErrorCode make_error_code(Errc error) noexcept { return {static_cast<int>(error), journal_category()}; }

Errc errc_of_errno(int error) noexcept {
    if (error == 0) {
        return Errc::success;
    }
    return error == ENOSPC || error == EDQUOT || error == EFBIG ? Errc::disk_full : Errc::io;
}

Outcome outcome_of(const ErrorCode& error) noexcept {
    return error == make_error_code(Errc::disk_full) ? Outcome::disk_full : store::outcome_of(error);
}

}  // namespace grit::journal
