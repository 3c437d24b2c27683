"""All 10,001 lines of real URLs, on a web where 5 % of the hosts do not exist and 10 % of the paths are gone."""

from __future__ import annotations

import json
import re
import unittest
from collections import Counter
from pathlib import Path

from harness.case import SHARED_DATA, CrawlCase, dialled_ports, needs_data
from harness.classes import shipped
from harness.checker import Options, check, read_annotations, read_map
from harness.judge import Rules
from harness.urls import canonical

INPUT = "grit_like_10000.jsonl"
# The largest host has 641 URLs, at the pace of its class; the largest without a class has 196.
MIN_INTERVAL_MS = 40
RULES = [
    {"name": "no_host", "dns": "nxdomain", "fraction": 0.05, "of": "host"},
    {"name": "no_path", "status": 404, "fraction": 0.1, "of": "path", "path": "*"},
]


class RealInput(CrawlCase):
    @needs_data(INPUT)
    def test_every_line_gets_its_outcome_and_every_picture_its_path(self):
        source = self.named_hosts(SHARED_DATA / INPUT)
        lines, urls = read_annotations([source])
        web = self.web(RULES, threads=1)
        daemon = self.daemon(
            web,
            [source],
            politeness={"min_interval": f"{MIN_INTERVAL_MS}ms", "connections_per_address": 4096},
            network={"port_map": dialled_ports(urls, web)},
            retry={"schedule": ["500ms", "1s"], "once_patience": "5s"},
        )
        daemon.start(once=False)
        self.wait_settled(daemon, 150)
        stats = self.control(daemon).stats()
        by_ctl = daemon.ctl_json("stats")
        self.terminate(daemon)
        asked = len(web.requests())
        self.run_once(daemon, 30)  # nothing is left to do: at once, and clean
        self.assertEqual(len(web.requests()), asked, "a finished crawl asks nobody again")
        web.stop()

        self.assertEqual(by_ctl["outcomes"], stats["outcomes"])
        self.assertEqual(stats["lines"], lines)
        self.assertEqual(sum(stats["outcomes"].values()) + stats["quarantined"], lines, json.dumps(stats, indent=1))
        self.check_requests(web, urls, stats)
        entries = read_map(daemon.state_dir)
        self.assert_clean(check([source], web.log_file, daemon.root, entries, Options(max_refetched=0)))
        # Not by domain: real names end in public suffixes, which the judge does not know.
        report = self.assert_polite(web, Rules(per_host=2, min_interval_ms=MIN_INTERVAL_MS, classes=shipped(), robots_first=True))
        print(
            f"{report.requests} requests, smallest gap {report.smallest_gap_ms:.1f} ms, {report.peak_open} open at most"
        )

    def check_requests(self, web, urls: dict[bytes, str], stats: dict) -> None:
        """Every URL whose host exists was asked for once, none that has no host, and the outcomes say so."""
        names = [json.loads(line) for line in (web.directory / "dns.jsonl").read_text().splitlines()]
        missing = {name["name"].rstrip(".").lower() for name in names if name["rule"] == "no_host"}
        times = Counter((r.scheme, r.host, r.path) for r in web.requests() if not r.is_robots)
        wanted = {url for url in map(canonical, urls.values()) if url is not None}
        reachable = {url for url in wanted if url[1] not in missing}
        self.assertEqual(reachable - set(times), set(), "URLs that were never asked for")
        self.assertEqual(set(times) - reachable, set(), "requests that no annotation wants")
        self.assertEqual([url for url, count in times.items() if count > 1], [], "asked for more than once")
        gone = {(r.scheme, r.host, r.path) for r in web.requests() if r.status == 404 and not r.is_robots}
        outcomes = stats["outcomes"]
        self.assertEqual(outcomes["dns_not_found"], len(wanted) - len(reachable))
        self.assertEqual(outcomes["http_not_found"], len(gone))
        # The web's picture does not depend on the scheme: one URL in both schemes is one content.
        self.assertEqual(outcomes["stored"] + outcomes["duplicate_content"], len(reachable) - len(gone))
        self.assertEqual(outcomes["duplicate_url"], stats["lines"] - len(wanted) - outcomes["bad_url"])
        self.assertEqual(outcomes["bad_url"], 1)


if __name__ == "__main__":
    unittest.main()
