// Points at which a test lets the process die as by kill -9: between any two steps of what has to survive it.
//
// A new point is one line, `kill_point("commit.synced");`: the test (tests/fault/test_kill_points.py) finds it in the
// sources, and fails if none of its crawls comes by. Only builds configured with GRIT_KILL_POINTS=ON have them; elsewhere
// the call is empty, and the names are not in the binary (a test).
#pragma once

namespace grit {

/// With GRIT_KILL_AT="commit.synced:3" in the environment, the third call for that name, on whatever thread, ends the process
/// by SIGKILL and does not return. Nothing is flushed, no destructor runs.
/// @param name  a literal, "<part>.<what has just been done>".
/// Threads: any.
#ifdef GRIT_KILL_POINTS
void kill_point(const char* name) noexcept;
#else
inline void kill_point(const char* /*name*/) noexcept {}
#endif

}  // namespace grit
