#include "grit/media/inspector.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "classify.hpp"
#include "scanner.hpp"

namespace grit::media {

class Inspector::Impl {
  public:
    void feed(Bytes piece) {
        while (!piece.empty() && !refused_) {
            if (scanner_) {
                scanner_->feed(piece);
                return;
            }
            const std::size_t count = std::min(piece.size(), head_.size() - held_);
            std::memcpy(head_.data() + held_, piece.data(), count);
            held_ += count;
            piece = piece.subspan(count);
            decide(false);
        }
    }

    Verdict finish() {
        if (!scanner_ && !refused_) {
            if (held_ == 0) {
                return Verdict::empty;
            }
            // A beginning of a signature is not yet a type, but no more will come: a cut image.
            const Verdict verdict = decide(true);
            if (!scanner_) {
                return verdict;
            }
        }
        return refused_ ? Verdict::not_an_image : scanner_->verdict();
    }

    [[nodiscard]] ImageType type() const { return type_; }
    [[nodiscard]] std::optional<Dimensions> dimensions() const {
        return scanner_ ? scanner_->dimensions() : std::nullopt;
    }
    [[nodiscard]] bool refused() const { return refused_; }

  private:
    Verdict decide(bool complete) {
        const Bytes head = Bytes(head_).first(held_);
        const Classification found = classify(head, complete);
        if (found.state == Classification::State::known) {
            type_ = found.type;
            scanner_ = make_scanner(type_);
            scanner_->feed(head);
        } else if (found.state == Classification::State::refused) {
            // With `complete` the answer holds for a body that ends here only.
            refused_ = !complete;
            return Verdict::not_an_image;
        }
        return Verdict::truncated;
    }

    std::array<std::byte, kSniffBytes> head_{};
    std::size_t held_ = 0;
    bool refused_ = false;
    ImageType type_ = ImageType::unknown;
    std::unique_ptr<Scanner> scanner_;
};

Inspector::Inspector() : impl_(std::make_unique<Impl>()) {}
Inspector::~Inspector() = default;
Inspector::Inspector(Inspector&&) noexcept = default;
Inspector& Inspector::operator=(Inspector&&) noexcept = default;
void Inspector::feed(std::span<const std::byte> piece) {
    impl_->feed(piece);
}
Verdict Inspector::finish() {
    return impl_->finish();
}
ImageType Inspector::type() const noexcept {
    return impl_->type();
}
std::optional<Dimensions> Inspector::dimensions() const {
    return impl_->dimensions();
}
bool Inspector::refused() const noexcept {
    return impl_->refused();
}

}  // namespace grit::media
