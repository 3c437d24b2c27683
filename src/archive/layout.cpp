#include "grit/archive/layout.hpp"

namespace grit::archive {

std::unique_ptr<Layout> make_layout(std::string_view name, Depot& depot, TarOptions options) {
    if (name == "files") {
        return make_files_layout(depot);
    }
    if (name == "img2dataset") {
        return make_img2dataset_layout(depot);
    }
    return name == "webdataset" ? make_tar_layout(depot, options) : nullptr;
}

}  // namespace grit::archive
