"""The 10,001 real lines on a web where each host does one of everything that test_outcomes knows, by lot.

One seed by default; GRIT_RANDOM_SEEDS="1 2 3" names others. Whatever the web does, the crawl ends by itself, every line has
one outcome, memory stays within bounds and no descriptor is left open.
"""

from __future__ import annotations

import json
import os
import re
import time
import unittest
from pathlib import Path

from harness.case import SHARED_DATA, CrawlCase, dialled_ports, needs_data
from harness.checker import read_annotations
from test_outcomes import BEHAVIOURS

INPUT = "grit_like_10000.jsonl"
SEEDS = [int(seed) for seed in os.environ.get("GRIT_RANDOM_SEEDS", "1").split()]
# Anonymous memory: a daemon with 10,001 lines, 2,000 TLS sessions of 10 KB, and 160 KB for each of 500 fetches.
MOST_MEMORY_KB = 30_000 + 20_000 + 500 * 160
LIMIT_S = 280


def rules() -> list[dict]:
    """Each behaviour for an equal part of the hosts, whatever their names are."""
    all_rules = []
    for behaviour in BEHAVIOURS:
        rule = {key: value for key, value in behaviour.rule.items() if key != "path"}
        if not rule:
            continue
        if rule.get("retry_after"):
            rule["first_n_of"] = "host"  # each refusal of a URL holds its host for a second: 641 of them do not end
        all_rules.append(rule | {"name": behaviour.name, "of": "host"})
    for rule in all_rules:
        rule["fraction"] = 1 / len(all_rules)
    return all_rules


class RandomWeb(CrawlCase):
    @needs_data(INPUT)
    def test_every_line_is_accounted_for_whatever_the_hosts_do(self):
        for seed in SEEDS:
            with self.subTest(seed=seed):
                self.crawl(seed)

    def crawl(self, seed: int) -> None:
        source = self.named_hosts(SHARED_DATA / INPUT)
        lines, urls = read_annotations([source])
        web = self.web(rules(), seed=seed, name=f"web{seed}", stop_after_s=LIMIT_S + 60)
        daemon = self.daemon(
            web,
            [source],
            name=f"gritd{seed}",
            # The largest host has 641 URLs, and may stall on each of them.
            politeness={
                "min_interval": "5ms",
                "max_interval": "20ms",
                "connections_per_host": 16,
                "connections_per_domain": 64,
                "connections_per_address": 4096,
                "shipped_classes": False,
            },
            fetch={
                "max_in_flight": 500,
                "connect_timeout": "1s",
                "first_byte_timeout": "500ms",
                "idle_timeout": "500ms",
                "total_timeout": "3s",
                "max_body": "256KiB",
            },
            network={"allow": ["127.0.0.1/32"], "port_map": dialled_ports(urls, web)},
            retry={"schedule": ["200ms"]},
        )
        begin = time.monotonic()
        daemon.start(once=False)
        self.wait_settled(daemon, LIMIT_S)
        took = time.monotonic() - begin
        stats = self.control(daemon).stats()
        status = Path(f"/proc/{daemon.pid}/status").read_text(encoding="ascii")
        anonymous_kb = int(re.search(r"RssAnon:\s+(\d+) kB", status)[1])
        # Connections that nobody uses are closed after 15 s.
        self.wait_for("descriptors are given back", lambda: self.sockets(daemon.pid) < 20, 40, step_s=0.5)
        self.terminate(daemon)
        web.stop()
        outcomes = {name: count for name, count in stats["outcomes"].items() if count}
        self.assertEqual(stats["lines"], lines)
        self.assertEqual(sum(outcomes.values()) + stats["quarantined"], lines, json.dumps(stats))
        self.assertLess(anonymous_kb, MOST_MEMORY_KB)
        print(f"seed {seed}: {took:.0f} s, {anonymous_kb} KB anonymous, {len(outcomes)} outcomes, {outcomes}")

    @staticmethod
    def sockets(pid: int) -> int:
        links = []
        for name in os.listdir(f"/proc/{pid}/fd"):
            try:
                links.append(os.readlink(f"/proc/{pid}/fd/{name}"))
            except FileNotFoundError:
                pass
        return sum(link.startswith("socket:") for link in links)


if __name__ == "__main__":
    unittest.main()
