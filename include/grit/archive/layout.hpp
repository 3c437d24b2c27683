// How the images of a dataset lie under its root. The layouts are behind one interface, so that nobody else knows them.
//
// One group of images on its way, on one thread:
//   begin, then for each image: propose, accept     decided, nothing is done
//   (the state notes `intents`)
//   publish                                         in place, durably
//   (the state commits the records and `marks`)
//   committed                                       what `publish` needed is let go
// or `withdraw` instead of the last two: nothing of the group stays.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "grit/archive/depot.hpp"
#include "grit/archive/error.hpp"
#include "grit/archive/names.hpp"
#include "grit/base/ids.hpp"

namespace grit::archive {

/// A file that comes with an image, beside it and with its name.
struct Companion {
    std::string extension;  ///< Without the dot: "json".
    std::string bytes;
};

/// An image that is to get its place.
struct Arrival {
    std::string temp_name;               ///< From `TempImage::release`.
    std::uint64_t size = 0;              ///< Bytes.
    std::array<std::byte, 32> sha256{};  ///< Of its bytes.
    Ordinal ordinal = 0;                 ///< Of the first annotation with its URL: names it.
    std::string extension;               ///< By what the bytes are, without the dot.
    unsigned copy = 1;  ///< From 2 on: the names before are spoken for (`Layout::claim_of`).
    std::vector<Companion> companions;  ///< Those that `Layout::sidecars` asks for.
};

/// What a layout wants beside each image.
enum class Sidecars : std::uint8_t {
    none,
    annotated,    ///< "json": the annotation, and the record as its field "gritd"; "txt": its caption, where it has one.
    img2dataset,  ///< "json" and "txt", as that program writes them.
};

/// How far a shard is filled, as the state has to remember it with the records of its images.
struct ShardMark {
    std::uint32_t shard = 0;
    std::uint64_t bytes = 0;    ///< What lies behind is of no record.
    std::uint32_t samples = 0;  ///< Images ever put into it.
    bool sealed = false;        ///< Nothing is added any more.
    std::string volume = {};    ///< Its volume's name; empty: the first one's (volumes.hpp).
    bool operator==(const ShardMark&) const = default;
};

/// How `publish` ended. True if all is in place and durable.
struct Publishing {
    ErrorCode error;
    bool again = false;  ///< With an error: nothing is lost, the same call may work later. Else the images are lost.
    explicit operator bool() const noexcept { return !error; }
};

/// Where the bytes of an image are: a piece of a file.
struct Extent {
    std::string file;  ///< Absolute.
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    bool operator==(const Extent&) const = default;
};

/// What `restore` had to clean up.
struct Restored {
    std::size_t files_removed = 0;
    std::uint64_t bytes_cut = 0;
    std::vector<std::string> damaged;  ///< In words: what the state says is there and is not.
    std::vector<ShardMark> kept = {};  ///< Of shards that the state knows nothing of, though it names images: the last one's.
};

/// Threads: `find`, `check_headers`, `claim_of`, `is_out` and `remove` from any; the others from one at a time, which may block on the disk.
/// Lifetime: the Depot must outlive it.
class Layout {
  public:
    Layout() = default;
    virtual ~Layout() = default;
    Layout(const Layout&) = delete;
    Layout& operator=(const Layout&) = delete;

    [[nodiscard]] virtual Sidecars sidecars() const noexcept = 0;

    /// Once, before anything else: what a crash left is cut back to what the state says.
    /// @param intents  as the state has them: none of these is recorded.
    /// @param marks    those of the shards that are not sealed, and the last one's.
    [[nodiscard]] virtual Checked<Restored> restore(std::span<const std::string> intents,
                                                    std::span<const ShardMark> marks) = 0;

    /// What was released up to now will not be lost by `publish`. Errors: those of `Depot::sync`: released images may be
    /// lost, and have to be discarded.
    [[nodiscard]] virtual Result<void> sync() = 0;

    /// A new group. What was planned and not published is forgotten.
    virtual void begin() = 0;
    /// The location that this image would get, behind those accepted.
    [[nodiscard]] virtual std::string propose(const Arrival& arrival) const = 0;
    /// It gets what `propose` says. @return its location.
    virtual std::string accept(Arrival arrival) = 0;
    /// What is to be removed if the group is never recorded, and could not be found otherwise.
    [[nodiscard]] virtual std::vector<std::string> intents() const = 0;
    /// Whether anything was accepted.
    [[nodiscard]] virtual bool empty() const noexcept = 0;

    /// Repeatable, after an error with `again`.
    [[nodiscard]] virtual Publishing publish() = 0;
    /// After `sync` and `publish`: this image is lost, and others of the group are not. It gets no record, and is fetched
    /// again. (Of one root all are, or none: those calls fail then.)
    [[nodiscard]] virtual bool lost(std::string_view /*temp_name*/) const { return false; }
    /// Whether images find a place now.
    [[nodiscard]] virtual bool takes_images() const { return true; }
    /// Whether a location is on a volume that is out, or lost: nothing can be asked of it now.
    [[nodiscard]] virtual bool is_out(std::string_view /*location*/) const { return false; }
    /// Of `intents`, those that stay so when the records are committed: on a volume that is out.
    [[nodiscard]] virtual std::vector<std::string> left_behind() const { return {}; }
    /// Nothing of the group stays, but its temporaries. Errors: read_only, io. What could not be removed is known.
    [[nodiscard]] virtual Result<void> withdraw() = 0;
    /// What the transaction with the group's records has to write besides.
    [[nodiscard]] virtual std::vector<ShardMark> marks() const = 0;
    /// That transaction is durable.
    virtual void committed() = 0;
    /// A clean end: whoever reads the root now finds it well-formed.
    virtual void close() = 0;

    /// Removes a temporary. That there is none is no error.
    [[nodiscard]] virtual Result<void> discard(std::string_view temp_name) = 0;

    /// The name that a location keeps from being used anew, besides itself; or the location again.
    [[nodiscard]] virtual std::string claim_of(std::string_view location) const = 0;
    /// Removes published images and what came with them, durably. That there is none is no error; repeatable.
    /// Errors, in words.
    [[nodiscard]] virtual Checked<void> remove(std::span<const std::string> locations) = 0;

    /// Where an image is. Errors: vanished (no such image), bad_path, io, out_of_descriptors.
    [[nodiscard]] virtual Result<Extent> find(std::string_view location) const = 0;
    /// Whether who reads the file that an image lies in from front to end comes by it: in a shard, the headers of its sample say what
    /// they have to. Errors: bad_header; as of `find`.
    [[nodiscard]] virtual Result<void> check_headers(std::string_view /*location*/) const { return {}; }
};

/// One file per image: "00012/000120005.jpg" (`path_for`).
[[nodiscard]] std::unique_ptr<Layout> make_files_layout(Depot& depot);

/// The same with the names and files of img2dataset: "00012/000120005.jpg", whatever the bytes are, and .json and .txt beside.
[[nodiscard]] std::unique_ptr<Layout> make_img2dataset_layout(Depot& depot);

struct TarOptions {
    std::uint32_t shard_images = 10'000;                      ///< A shard with so many is sealed.
    std::uint64_t shard_bytes = std::uint64_t{4} << 30;       ///< So is one that the next image would make longer.
    /// Images of one group, at most: a start that finds more shards than these could have filled, and no word of them in
    /// the state, has an older state before it, and refuses.
    std::uint32_t group_images = 20'000;
    /// Every image is called so, whatever its bytes are; empty: by what they are.
    std::string extension = {};
    /// Of small images that wait for their group in memory instead of in temporaries (`Depot::hold_up_to`).
    std::uint64_t held_bytes = 0;
};

/// WebDataset's tar shards: "00012.tar#000120005.jpg", and its companions behind it. Shards fill in the order of
/// completion; a sealed one has its index beside it (shard_index.hpp), an open one is looked through.
[[nodiscard]] std::unique_ptr<Layout> make_tar_layout(Depot& depot, TarOptions options);

/// By the name that the config and the state have for it: "files", "webdataset" or "img2dataset". Nothing: there is no such layout.
[[nodiscard]] std::unique_ptr<Layout> make_layout(std::string_view name, Depot& depot, TarOptions options = {});

}  // namespace grit::archive
