"""The machine's network goes away and comes back: the crawl waits, says so, and charges nobody."""

from __future__ import annotations

import unittest

from harness.case import CrawlCase
from harness.checker import Options, check, read_map
from harness.dns_relay import DnsRelay

HOSTS = 600
SETTLED_BEFORE = 60


class NetworkDown(CrawlCase):
    def test_name_servers_that_all_fail_pause_the_crawl_and_charge_nobody(self):
        web = self.web([{"name": "slow", "delay_ms": 200}])
        relay = DnsRelay(web.dns_port)
        self.addCleanup(relay.stop)
        urls = [f"https://h{host}.test/1.jpg" for host in range(HOSTS)]
        daemon = self.daemon(
            web,
            [self.annotations(urls)],
            dns={"servers": [f"127.0.0.1:{relay.port}"]},
            fetch={"max_in_flight": 20},
            politeness={"robots": False},  # else every name is known before the first image is there
            retry={"schedule": ["100ms"]},  # a host that is charged twice is gone
        )
        daemon.start(once=False)
        control = self.wait_ready(daemon)
        self.wait_for("the crawl is under way", lambda: control.status()["records"]["done"] >= SETTLED_BEFORE, 60)
        relay.mode = "servfail"
        status = self.wait_for("it is paused", lambda: self.paused(control), 60)
        self.assertIn("network_down", status["pause_reason"])
        self.assertLess(status["records"]["done"], HOSTS, "a test that came too late shows nothing")
        # Longer than the schedule of any host, and than a fault that passes by itself: it is the network that counts.
        self.assertEqual(control.status()["records"]["gone"], 0)
        relay.mode = "relay"
        self.wait_settled(daemon, 60)
        outcomes = {name: count for name, count in control.stats()["outcomes"].items() if count}
        self.assertEqual(outcomes, {"stored": HOSTS}, "nobody is charged")
        attempts = [control.record(url)["attempts"] for url in urls]
        self.assertEqual(set(attempts), {1})
        self.terminate(daemon)
        web.stop()
        options = Options(require_all=True, allowance=2, max_refetched=0)
        source = daemon.config["input"]["annotations"]
        self.assert_clean(check(source, web.log_file, daemon.root, read_map(daemon.state_dir), options))

    @staticmethod
    def paused(control) -> dict | None:
        status = control.status()
        return status if status["state"] == "paused" and status["pause_reason"] else None


if __name__ == "__main__":
    unittest.main()
