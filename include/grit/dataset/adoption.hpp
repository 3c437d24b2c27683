// Takes over what img2dataset has made of URLs: its images, and those of its failures that are final.
//
// Nothing is copied here. The state is told, URL by URL, what there is (store/adoption_rows.hpp); when the crawl comes to
// such a URL it takes the image from the folder instead of the web, judges it as any other, and stores it in its own layout
// with its own record. What is no good there is asked for. So the folder has to stay until the crawl is through, and may be
// deleted then.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "grit/base/result.hpp"
#include "grit/dataset/img2dataset_folder.hpp"
#include "grit/store/writer.hpp"

namespace grit::dataset {

struct AdoptionOrder {
    std::string folder;    ///< Absolute.
    std::string failures;  ///< A file of JSON lines with `url` and `error_message`; empty: none.
    bool hard_links = true;  ///< An image may become another name of its file there.
};

struct AdoptionProgress {
    std::uint64_t shards = 0;
    std::uint64_t shards_done = 0;
    std::uint64_t images = 0;         ///< To be taken from the folder.
    std::uint64_t final_failures = 0; ///< URLs that need not be asked for again.
    std::uint64_t open_failures = 0;  ///< Those that gritd asks for itself.
    std::uint64_t bad_urls = 0;       ///< That no URL can be made of.
    std::uint64_t damaged = 0;        ///< Sidecars and lines that can not be read.
    std::uint64_t imageless = 0;      ///< Sidecars without an image.
    std::uint64_t damaged_shards = 0; ///< That can not be read, and are passed over.
    std::vector<std::string> damage;  ///< In words, of the first `kMostDamage` of them.
    static constexpr std::size_t kMostDamage = 20;
};

/// Looked at after each thousand; false ends it: what is noted until then stays so.
using OnAdoption = std::function<bool(const AdoptionProgress&)>;

/// Repeatable: a URL that was noted before is noted anew.
/// Errors, in words: of the folder as a whole, of the file, of the state.
[[nodiscard]] Checked<AdoptionProgress> note_adoptions(store::Writer& writer, const AdoptionOrder& order, const OnAdoption& look);

}  // namespace grit::dataset
