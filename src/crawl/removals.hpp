// How an image leaves the dataset: its URLs leave the map, its file is noted as due for removal in the same
// transaction, then removed, durably. Private to the module.
#pragma once

#include "grit/archive/layout.hpp"
#include "grit/store/tables.hpp"
#include "grit/store/writer.hpp"

#include <functional>

namespace grit::crawl {

/// Removes the files that are due (`removals`), then the notes of them: durably, so that a power failure brings back
/// neither without the other. Blocks on the disk and on the writer.
/// @param stopping  looked at between portions.
[[nodiscard]] Checked<void> remove_due_files(store::Env& env, store::Writer& writer, archive::Layout& layout,
                                             const std::function<bool()>& stopping);

}  // namespace grit::crawl
