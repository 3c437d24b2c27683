# Sourced by the tests beside it. shellcheck shell=bash
set -euo pipefail
: "${GRIT_SOURCE:?the top folder of the project}" "${GRIT_BUILD:?a built tree}"

scratch=$(mktemp -d)
started=()
clean_up() {
    local pid
    for pid in "${started[@]}"; do
        kill -KILL "$pid" 2>/dev/null || true
    done
    rm -rf "$scratch"
}
trap clean_up EXIT

skip() {
    echo "skipped: $*"
    exit 77
}
die() {
    echo "FAILED: $*" >&2
    exit 1
}
need() { command -v "$1" >/dev/null || skip "$1 is missing"; }

# install_into PREFIX
install_into() {
    [[ -x $GRIT_BUILD/daemon/gritd && -x $GRIT_BUILD/daemon/ctl/gritctl ]] || skip "gritd and gritctl are not built"
    "${CMAKE:-cmake}" --install "$GRIT_BUILD" --prefix "$1" >"$scratch/install.log" || die "$(cat "$scratch/install.log")"
}

# small_config FILE LINES...: a config for a daemon that asks nobody, below `scratch`.
small_config() {
    local file=$1
    shift
    printf '%s\n' "$@" >"$scratch/annotations.jsonl"
    cat >"$file" <<END
[input]
annotations = ["$scratch/annotations.jsonl"]
[storage]
root = "$scratch/images"
min_free = "1MiB"
[state]
dir = "$scratch/state"
[fetch]
user_agent = "gritd/0.1 (+https://crawler.test/)"
[metrics]
listen = "127.0.0.1:0"
[admin]
socket = "$scratch/gritd.sock"
END
}
