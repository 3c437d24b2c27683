"""A web on which everything happens at once, by lot: whatever it does, every line gets its outcome and nobody is pressed."""

from __future__ import annotations

import json
import os
import unittest
from collections import Counter

from harness.case import CrawlCase
from harness.checker import Options, check, read_map
from harness.judge import Rules
from harness.web import make_sample

SEED = int(os.environ.get("GRIT_CHAOS_SEED", "8"))
MIN_INTERVAL_MS = 30
SCHEDULE = ["300ms", "800ms"]


ROBOTS = {"crawl_delay": "User-agent: *\nCrawl-delay: 0.2\n", "forbidding": "User-agent: *\nDisallow: /\n"}


def some(name: str, fraction: float, of: str = "path", **what) -> dict:
    rule = {"name": name, "fraction": fraction, "of": of, **what}
    return rule | {"path": "*"} if of == "path" else rule


RULES = [
    # Hosts.
    some("nxdomain", 0.03, "host", dns="nxdomain"),
    some("servfail", 0.02, "host", dns="servfail"),
    some("private", 0.02, "host", dns="192.168.0.1"),
    some("slow_dns", 0.1, "host", dns_delay_ms=300),
    some("expired", 0.03, "host", certificate="expired"),
    some("handshake", 0.01, "host", stall="handshake"),
    some("crawl_delay", 0.05, "host", robots=ROBOTS["crawl_delay"]),
    some("forbidding", 0.05, "host", robots=ROBOTS["forbidding"]),
    some("robots_500", 0.02, "host", robots_status=500, robots=""),
    {"name": "robots_moved", "host": "*1.test", "path": "/robots.txt", "fraction": 0.5,
     "redirect": {"to": "{scheme}://rules.test/robots.txt", "status": 301}},
    {"name": "robots_stalls", "host": "*2.test", "path": "/robots.txt", "fraction": 0.1, "stall": "head"},
    some("busy", 0.1, "host", status=429, retry_after="1", first_n=2, first_n_of="host"),
    some("outage", 0.05, "host", status=503, retry_after="date:+2", until_s=3),
    some("strict", 0.05, "host", rate_limit={"per_second": 8}, retry_after="1"),
    # URLs.
    some("gone", 0.05, status=404),
    some("sick", 0.02, status=500),
    some("hiccup", 0.03, status=502, first_n=1),
    some("moved", 0.05, redirect={"to": "https://cdn.moved.test{path}", "status": 302}),
    some("moved_far", 0.02, redirect={"to": "https://{host}.moved.test{path}", "status": 307}),
    some("circle", 0.01, redirect={"to": "{scheme}://{host}{path}&", "status": 302}),
    some("html", 0.02, html=True),
    some("noai", 0.02, x_robots_tag="noai"),
    some("reserving", 0.05, "host", tdmrep=[{"location": "/", "tdm-reservation": 1}]),
    some("tdmrep_500", 0.05, "host", tdmrep_status=500),
    {"name": "tdmrep_429", "host": "*3.test", "path": "/.well-known/tdmrep.json", "fraction": 0.3, "status": 429,
     "retry_after": "1"},
    some("cut", 0.02, truncate=0.5),
    some("cut_once", 0.02, truncate=0.5, first_n=1),
    # An empty robots.txt may have arrived whole before the reset.
    some("reset_once", 0.02, reset=True, first_n=1) | {"path": "/*/*"},
    some("silent_close", 0.05, silent_close=True),
    some("chunked", 0.1, chunked=True),
    some("no_length", 0.05, no_length=True),
    # Not robots.txt: that may be empty, and whole before it stalls.
    {"name": "stall", "path": "/*/*", "fraction": 0.003, "of": "path", "stall": "body"},
    some("slow", 0.05, delay_ms=400),
]  # fmt: skip


class Chaos(CrawlCase):
    def test_everything_at_once(self):
        sample = self.directory / "sample.jsonl"
        summary = make_sample(sample, annotations=4000, hosts=300, seed=SEED, bad_lines=True)
        web = self.web(RULES, seed=SEED)
        daemon = self.daemon(
            web,
            [sample],
            fetch={"first_byte_timeout": "1s", "idle_timeout": "1s", "connect_timeout": "1s", "total_timeout": "5s"},
            politeness={"min_interval": f"{MIN_INTERVAL_MS}ms", "connections_per_address": 200, "tdmrep": True},
            retry={"schedule": SCHEDULE, "once_patience": "70s"},
        )
        daemon.start(once=False)
        self.wait_settled(daemon, 110)
        control = self.control(daemon)
        stats = control.stats()
        hosts = control.status()["hosts"]
        gauges = self.wait_for("the gauges follow", lambda: self.settled_gauges(daemon))
        self.terminate(daemon)
        self.run_once(daemon, 20)
        web.stop()
        self.assertEqual(stats["lines"], 4000)
        self.assertEqual(stats["quarantined"], summary["bad_lines"])
        self.assertEqual(sum(stats["outcomes"].values()) + stats["quarantined"], 4000, json.dumps(stats))
        self.assertEqual(hosts["finished"], hosts["known"], hosts)
        self.assertIn("gritd_in_flight_fetches 0", gauges)
        refusing = frozenset({"noai"})
        report = check(
            [sample],
            web.log_file,
            daemon.root,
            read_map(daemon.state_dir),
            Options(max_refetched=0, refusing_rules=refusing),
        )
        self.assert_clean(report)
        self.check_times(web)
        rules = Rules(
            min_interval_ms=MIN_INTERVAL_MS,
            per_domain=8,
            per_address=200,
            robots_first=True,
            robots=ROBOTS,
            crossing_ms=100,
            stops_ns=daemon.stops_ns,
        )
        judged = self.assert_polite(web, rules)
        self.assertGreater(judged.delayed, 50, "the delays were meant to be met")
        outcomes = {name: count for name, count in stats["outcomes"].items() if count}
        print(f"seed {SEED}: {judged.requests} requests, {judged.retry_afters} Retry-Afters, {outcomes}")

    def settled_gauges(self, daemon) -> str | None:
        text = self.metrics(daemon)[1]
        return text if '\ngritd_records{state="pending"} 0\n' in text else None

    def check_times(self, web) -> None:
        """What failed in a way that is tried again was asked for as often as the schedule says, all else less."""
        times: Counter = Counter()
        for request in web.requests():
            if (
                not request.is_site_file
                and request.status not in (429, 503)
                and request.rule not in ("moved", "moved_far")
            ):
                times[request.scheme, request.host, request.path] += 1
        self.assertEqual([url for url, count in times.items() if count > len(SCHEDULE) + 1], [])


if __name__ == "__main__":
    unittest.main()
