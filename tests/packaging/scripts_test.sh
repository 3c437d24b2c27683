#!/usr/bin/env bash
# Scripts parse, refuse what they should, and the one list of packages covers what CMake asks for.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$GRIT_SOURCE"

scripts=(scripts/bootstrap scripts/format scripts/quickstart scripts/test .ci/run)
for script in "${scripts[@]}" scripts/lib.sh tests/packaging/*.sh; do
    bash -n "$script" || die "$script is no good bash"
done
for script in "${scripts[@]}"; do
    [[ -x $script ]] || die "$script is not executable"
done

# expect CODE WORDS COMMAND...
expect() {
    local code=$1 words=$2 got=0
    shift 2
    "$@" </dev/null >"$scratch/out" 2>&1 || got=$?
    [[ $got -eq $code ]] || die "$* ended with $got instead of $code: $(cat "$scratch/out")"
    grep -qi -e "$words" "$scratch/out" || die "$* does not say \"$words\": $(cat "$scratch/out")"
}
export GRIT_VAR=$scratch/var
echo '{"url": "http://127.0.0.1/refused.jpg"}' >"$scratch/one.jsonl"
for script in scripts/bootstrap scripts/format scripts/quickstart scripts/test; do
    expect 0 '^Usage: ' "$script" --help
done
expect 64 'unknown argument' scripts/bootstrap --everything
expect 64 'who is asking' scripts/quickstart "$scratch/one.jsonl"
expect 64 'takes a URL' scripts/quickstart "$scratch/one.jsonl" --contact nobody
expect 64 'can not be read' scripts/quickstart "$scratch/none.jsonl" --contact https://crawler.test/
expect 64 'unknown option' scripts/quickstart --frsh
[[ ! -e $GRIT_VAR ]] || die "a refused quickstart left something behind"

listed=$(scripts/bootstrap --build --list)
[[ -n $listed ]] || die "scripts/bootstrap --list is empty"
scripts/bootstrap --test --list | grep -x python3-lmdb >/dev/null || die "the tests' packages miss python3-lmdb"
if ! command -v dpkg-query >/dev/null || ! pkg-config --path zlib >/dev/null 2>&1; then
    exit 0  # other distributions can not tell which package a library came with
fi
mapfile -t modules < <(sed -n 's/^ *grit_pkg([a-z0-9]* \([^)]*\))$/\1/p' cmake/dependencies.cmake)
[[ ${#modules[@]} -ge 10 ]] || die "cmake/dependencies.cmake is not read well"
# Packages may come by another one's dependency: prometheus-cpp-dev, libjpeg-dev.
# shellcheck disable=SC2086
covered=$({
    echo "$listed"
    dpkg-query --show --showformat='${Depends}\n' $listed 2>/dev/null | tr ',|' '\n\n' | sed 's/(.*//; s/:any//; s/ //g'
} | sort -u)
for module in "${modules[@]}"; do
    file=$(pkg-config --path "$module") || die "pkg-config does not know $module"
    owner=$(dpkg --search "$file" | sed 's/[:,].*//')
    grep -qx "$owner" <<<"$covered" || die "$module is of $owner, which scripts/bootstrap does not install"
done
