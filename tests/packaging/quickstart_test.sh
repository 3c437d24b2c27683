#!/usr/bin/env bash
# A newcomer's first two commands: a crawl from beginning to end, and one that finds nothing left to do.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
for program in daemon/gritd daemon/ctl/gritctl tests/web/grit-testweb; do
    [[ -x $GRIT_BUILD/$program ]] || skip "$program is not built"
done
export GRIT_VAR=$scratch/var GRIT_BUILD GRIT_QUICKSTART_LINES=700
quickstart=$GRIT_SOURCE/scripts/quickstart
state=$GRIT_VAR/quickstart/state

# leftovers: processes that still have our folder on their command line.
leftovers() { pgrep -af -- "$GRIT_VAR/" || true; }
number_of() { sed -n "s/^ *\([0-9]*\)  $1\$/\1/p" "$scratch/out"; }

cd "$scratch"
timeout 120 "$quickstart" --no-build >"$scratch/out" 2>&1 || die "the first run ended with $?: $(cat "$scratch/out")"
grep -q '^Done in' "$scratch/out" || die "the first run does not say that it is done: $(cat "$scratch/out")"
stored=$(number_of stored)
[[ ${stored:-0} -gt 400 ]] || die "only ${stored:-no} images: $(cat "$scratch/out")"
[[ $(number_of http_not_found) -gt 0 ]] || die "the web has pages that are gone, the summary has none"
files=$(find "$GRIT_VAR/quickstart/images" \( -name .gritd -o -name outcomes \) -prune -o -type f -print | wc -l)
[[ $files -eq $stored ]] || die "$stored images are stored, $files files are there"
grep -q -e "^    (b'http" -e 'python3-lmdb' "$scratch/out" || die "the map was not read from Python: $(cat "$scratch/out")"
[[ -z $(leftovers) ]] || die "left running: $(leftovers)"

before=$(date +%s%N)
timeout 60 "$quickstart" --no-build >"$scratch/out" 2>&1 || die "the second run ended with $?: $(cat "$scratch/out")"
took_ms=$((($(date +%s%N) - before) / 1000000))
grep -q '^Nothing to do' "$scratch/out" || die "the second run does not say that nothing is to do: $(cat "$scratch/out")"
[[ $(number_of stored) -eq $stored ]] || die "the second run counts other images"
[[ ! -s $GRIT_VAR/quickstart/web/requests.jsonl ]] || die "the second run asked for something"
[[ $took_ms -lt 5000 ]] || die "the second run took $took_ms ms: the promise is 5 s"

# Killed in the middle, it goes on: what is stored is not asked for again, and nothing is missing at the end.
timeout 60 "$quickstart" --no-build --fresh >"$scratch/out" 2>&1 &
script=$!
started+=("$script")
for _ in {1..400}; do
    pid=$(cat "$GRIT_VAR/quickstart/gritd.pid" 2>/dev/null) || pid=
    asked=$(wc -l <"$GRIT_VAR/quickstart/web/requests.jsonl" 2>/dev/null) || asked=0
    [[ -z $pid || $asked -lt 200 ]] || break
    sleep 0.02
done
[[ -n $pid && -e $state/data.mdb ]] || die "the daemon did not start: $(cat "$scratch/out")"
kill -KILL "$pid"
code=0
wait "$script" || code=$?
[[ $code -eq 1 ]] || die "a killed crawl ended with $code: $(cat "$scratch/out")"
grep -q '^gritd was killed' "$scratch/out" || die "it does not say that gritd was killed: $(cat "$scratch/out")"
[[ -z $(leftovers) ]] || die "left running: $(leftovers)"
timeout 120 "$quickstart" --no-build >"$scratch/out" 2>&1 || die "the run after the kill ended with $?: $(cat "$scratch/out")"
[[ $(number_of stored) -eq $stored ]] || die "stored after the kill: $(number_of stored), without one: $stored"
[[ -z $(leftovers) ]] || die "left running: $(leftovers)"
