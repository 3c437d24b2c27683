#!/usr/bin/env bash
# What a running gritd serves is what Prometheus' own checker calls good.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need promtool
need curl
gritd=$GRIT_BUILD/daemon/gritd
[[ -x $gritd ]] || skip "gritd is not built"

small_config "$scratch/gritd.toml" '{"url": "http://127.0.0.1/refused.jpg"}' 'no JSON'
"$gritd" run --config "$scratch/gritd.toml" 2>"$scratch/log" &
started+=($!)
port=
for _ in {1..200}; do
    port=$(sed -n 's/.*daemon.ready.* metrics_port=\([0-9]*\).*/\1/p' "$scratch/log")
    [[ -z $port ]] || break
    kill -0 "${started[0]}" 2>/dev/null || break
    sleep 0.05
done
[[ -n $port ]] || die "gritd did not start: $(cat "$scratch/log")"

curl --silent --fail --max-time 10 "http://127.0.0.1:$port/metrics" >"$scratch/metrics"
promtool check metrics <"$scratch/metrics" || die "promtool finds fault with the metrics"
series=$(grep -vc '^#' "$scratch/metrics")
[[ $series -lt 500 ]] || die "$series series: the promise is less than 500"
grep -q '^gritd_build_info{' "$scratch/metrics" || die "no gritd_build_info"
curl --silent --fail --max-time 10 "http://127.0.0.1:$port/healthz" >/dev/null || die "/healthz does not answer"
