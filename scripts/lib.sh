# Shared by the scripts beside it; sourced, not run. shellcheck shell=bash
set -euo pipefail

# The top folder of the project. Every script works from there, wherever it was called.
project_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
script_name=${0##*/}

say() { printf '%s: %s\n' "$script_name" "$*" >&2; }
# fail CODE TEXT...
fail() {
    local code=$1
    shift
    say "$@"
    exit "$code"
}

# The CMake preset for this machine: clang 19 on Debian 12, whose g++ is refused; else the system's g++.
preset_of_this_machine() {
    if [[ -n ${GRIT_PRESET:-} ]]; then
        echo "$GRIT_PRESET"
    elif command -v clang++-19 >/dev/null; then
        echo release
    else
        echo gcc
    fi
}

# configure PRESET FOLDER [CMAKE ARGUMENTS...]: does nothing where it was done before; ninja sees to changes.
configure() {
    local preset=$1 folder=$2
    shift 2
    # The warnings of compilers that the project is not developed with are no errors.
    [[ $preset != gcc ]] || set -- -DGRIT_WERROR=OFF "$@"
    if [[ ! -f $folder/build.ninja ]]; then
        mkdir -p "$(dirname "$folder")"
        say "configuring $folder (preset $preset)"
        cmake --preset "$preset" -S "$project_root" -B "$folder" "$@" >"$folder.configure.log" 2>&1 || {
            cat "$folder.configure.log" >&2
            fail 1 "cmake failed; its words are above"
        }
    fi
}
