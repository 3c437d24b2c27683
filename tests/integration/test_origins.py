"""A host of which one origin is broken: the others give what they have, and each URL ends as its own origin did."""

from __future__ import annotations

import unittest
from collections import Counter

from harness.case import CrawlCase
from harness.checker import read_map
from harness.daemon import free_port
from harness.judge import Rules

EACH = 10
MIN_INTERVAL_MS = 20
HOST = "m.test"
BROKEN = {
    "expired": ({"host": HOST, "certificate": "expired"}, "tls_certificate"),
    "stalled": ({"host": HOST, "stall": "handshake"}, "tls_handshake"),
    "closed": (None, "connect_refused"),
}


def urls(order: str) -> tuple[list[str], list[str]]:
    good = [f"http://{HOST}/{n}.jpg" for n in range(EACH)]
    bad = [f"https://{HOST}/{n}.jpg" for n in range(EACH)]
    lines = {
        "good_first": good + bad,
        "bad_first": bad + good,
        "alternating": [url for pair in zip(bad, good) for url in pair],
    }
    return lines[order], good


class Origins(CrawlCase):
    def check(self, kind: str, order: str) -> None:
        rule, outcome = BROKEN[kind]
        lines, good = urls(order)
        name = f"{kind}-{order}"
        web = self.web([rule] if rule else [], name=f"web-{name}")
        network = {"port_map": {"80": web.http_port, "443": web.https_port if rule else free_port()}}
        daemon = self.daemon(
            web,
            [self.annotations(lines, f"{name}.jsonl")],
            name=name,
            politeness={"min_interval": f"{MIN_INTERVAL_MS}ms"},
            fetch={"connect_timeout": "1s", "first_byte_timeout": "1s"},
            retry={"schedule": ["300ms", "600ms"], "once_patience": "20s"},
            network=network,
        )
        daemon.start(once=False)
        self.wait_settled(daemon, 60)
        outcomes = {name: count for name, count in self.control(daemon).stats()["outcomes"].items() if count}
        self.terminate(daemon)
        web.stop()
        stored = outcomes.pop("stored", 0) + outcomes.pop("duplicate_content", 0)
        self.assertEqual(stored, EACH)
        self.assertEqual(outcomes, {outcome: EACH})
        self.assertEqual(set(read_map(daemon.state_dir)), {url.encode() for url in good})
        asked = Counter(request.path for request in web.requests() if request.scheme == "http")
        self.assertEqual([path for path, times in asked.items() if times > 1], [], "each was asked for once")
        self.assert_polite(web, Rules(min_interval_ms=MIN_INTERVAL_MS, robots_first=True))

    def test_every_order_of_lines(self):
        for kind in BROKEN:
            for order in ("good_first", "bad_first", "alternating"):
                with self.subTest(kind=kind, order=order):
                    self.check(kind, order)


if __name__ == "__main__":
    unittest.main()
