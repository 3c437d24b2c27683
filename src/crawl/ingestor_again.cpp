// Lines that a state had before it was lost and made anew: until they are read, images have to wait for their annotations.
#include "grit/crawl/ingestor.hpp"

#include "ordinals.hpp"

#include <algorithm>

namespace grit::crawl {

// A pipe that goes before may never end: who waits for lines waits for files alone.
void Ingestor::expect_again(const std::vector<std::string>& paths) {
    const std::lock_guard lock(mutex_);
    again_.clear();
    for (std::size_t id = 0; options_.keep_lines && id < inputs_.size(); ++id) {
        const auto& [path, row] = inputs_[id];
        const bool is_read = path != "-" && std::find(paths.begin(), std::find(paths.begin(), paths.end(), "-"), path) != paths.end();
        if (is_read && has_lines_again(row)) {
            again_.insert(static_cast<store::InputId>(id));
        }
    }
    progress_.reads_again = !again_.empty();
}

// mutex_ is held.
void Ingestor::came_again(store::InputId id, const store::InputRow& input) {
    if (!has_lines_again(input)) {
        again_.erase(id);
    }
    progress_.reads_again = !again_.empty();
}

}  // namespace grit::crawl
