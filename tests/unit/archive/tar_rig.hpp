// A tar layout on a real folder, and the part of the state that it needs.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <set>
#include <vector>

#include "grit/archive/image_reader.hpp"
#include "grit/archive/layout.hpp"
#include "grit/archive/tar.hpp"
#include "grit/media/digest.hpp"
#include "temp_root.hpp"

namespace grit::archive::test {

class TarRig {
  public:
    explicit TarRig(std::string root, std::unique_ptr<FileSystem> system = nullptr, TarOptions options = {3, 1 << 20})
        : root_(std::move(root)) {
        depot = Depot::open(options_for(root_), std::move(system)).value();
        layout = make_tar_layout(*depot, options);
    }

    Arrival arrival(Ordinal ordinal, std::string_view text, unsigned copy = 1) {
        Arrival made;
        made.temp_name = stage(*depot, text);
        made.size = text.size();
        media::Digest digest;
        digest.update(bytes_of(text));
        made.sha256 = digest.finish();
        made.ordinal = ordinal;
        made.extension = "jpg";
        made.copy = copy;
        made.companions = {{"json", "{\"n\":" + std::to_string(ordinal) + "}"}};
        return made;
    }

    /// One group, recorded. @return locations; nothing if it was not published.
    std::vector<std::string> store(const std::map<Ordinal, std::string>& images) {
        std::vector<std::string> locations;
        layout->begin();
        for (const auto& [ordinal, text] : images) {
            locations.push_back(layout->accept(arrival(ordinal, text)));
        }
        if (!layout->publish()) {
            return {};
        }
        record();
        return locations;
    }
    void record() {
        for (const ShardMark& mark : layout->marks()) {
            marks[mark.shard] = mark;
        }
        layout->committed();
    }
    /// As a start has them.
    std::vector<ShardMark> marks_of_start() const {
        std::vector<ShardMark> some;
        for (const auto& [shard, mark] : marks) {
            if (!mark.sealed || shard == marks.rbegin()->first) {
                some.push_back(mark);
            }
        }
        return some;
    }

    std::string read(const std::string& location) const {
        const auto extent = layout->find(location);
        auto reader = extent ? ImageReader::open(*extent) : Result<ImageReader>(extent.error());
        if (!reader) {
            return reader.error().message();
        }
        std::string text(static_cast<std::size_t>(reader->size()), '\0');
        const auto count = reader->read(std::as_writable_bytes(std::span(text)));
        return count ? text.substr(0, *count) : count.error().message();
    }

    /// "NAME=BYTES" of all members of a shard, in its order.
    std::vector<std::string> members(std::uint32_t shard, bool to_the_end = false) const {
        const std::string file = root_ + "/0000" + std::to_string(shard) + ".tar";
        RealFileSystem system;
        int descriptor = -1;
        std::vector<std::string> found;
        if (system.open_file(file, false, descriptor) != 0) {
            return found;
        }
        const std::string bytes = content_of(file);
        const auto end = for_each_tar_member(system, descriptor, bytes.size(), [&](const TarMember& member) {
            found.push_back(member.name + "=" + bytes.substr(member.offset, member.size));
            return true;
        });
        system.close(descriptor);
        EXPECT_EQ(end.value() + (to_the_end ? kTarEndBytes : 0), bytes.size());
        return found;
    }

    std::string root_;
    std::unique_ptr<Depot> depot;
    std::unique_ptr<Layout> layout;
    std::map<std::uint32_t, ShardMark> marks;  // as the state has them
};

}  // namespace grit::archive::test
