// For threads whose work can wait.
#pragma once

namespace grit {

/// From now on the calling thread gets what processor time others leave (nice 19), and goes last at the disk's queue
/// (best effort, level 7; ioprio_set(2)). For as long as it lives. What the system refuses is left as it is.
void give_way_to_others() noexcept;

}  // namespace grit
