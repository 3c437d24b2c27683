# Which compilers build gritd, and with which flags.
#
# g++ 12 destroys brace-made temporaries and capturing lambdas twice in statements with co_await: code that is
# right and passes review then corrupts the heap. There is no flag against it, so it is refused.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  message(FATAL_ERROR
    "g++ ${CMAKE_CXX_COMPILER_VERSION} miscompiles coroutines (temporaries in a statement with co_await are "
    "destroyed twice). Use clang 19 (Debian 12: apt install clang-19, then cmake --preset release) or g++ 13 or newer.")
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 17)
  message(FATAL_ERROR "clang ${CMAKE_CXX_COMPILER_VERSION} is too old: gritd needs clang 17 or newer, or g++ 13 or newer.")
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

find_program(GRIT_CCACHE ccache)
if(GRIT_CCACHE)
  # Precompiled headers need these to be cacheable at all (ccache manual, "Precompiled headers").
  set(launcher "${CMAKE_COMMAND}" -E env
      "CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime"
      "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}" CCACHE_NOHASHDIR=1 "${GRIT_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
endif()

# The flags of all of our own targets.
add_library(grit_flags INTERFACE)
target_compile_options(grit_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor)
if(GRIT_WERROR)
  target_compile_options(grit_flags INTERFACE -Werror)
endif()
target_compile_definitions(grit_flags INTERFACE BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE)
if(GRIT_KILL_POINTS)
  target_compile_definitions(grit_flags INTERFACE GRIT_KILL_POINTS)
endif()

# These have to match between a precompiled header and its users, so they are set for the whole tree.
add_compile_options(-fPIE -fno-omit-frame-pointer "-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.")
add_link_options(-pie)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
  add_link_options(-fuse-ld=lld)
endif()
if(GRIT_SANITIZE)
  add_compile_options("-fsanitize=${GRIT_SANITIZE}" -fno-sanitize-recover=all)
  add_link_options("-fsanitize=${GRIT_SANITIZE}")
  if(GRIT_SANITIZE MATCHES "undefined")
    # It asks the kernel through a pipe whether memory can be read, and takes a missing descriptor for a broken object:
    # tests that run out of descriptors would fail.
    add_compile_options(-fno-sanitize=vptr)
  endif()
endif()
if(GRIT_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  add_compile_definitions(_FORTIFY_SOURCE=2)
  add_compile_options(-fstack-protector-strong)
  add_link_options(-Wl,-z,relro,-z,now)
endif()
