"""Limits hold for a host however annotations spell it, for its domain, and for its class: judged by the web's log."""

from __future__ import annotations

import unittest

from harness.case import CrawlCase, dialled_ports
from harness.checker import Options, check, read_annotations, read_map
from harness.classes import host_class
from harness.judge import Rules, judge
from harness.log import MS

MIN_INTERVAL_MS = 50
PICTURES = 3

# The spellings of each host; all dial the web's ports.
SPELLINGS = {
    "example.org": [
        "http://example.org",
        "http://EXAMPLE.org.",
        "http://exampl%65.org",
        "http://exampl%65%2Eorg%2e",
        "https://example.org:443",
        "http://example.org:8080",
        "https://example.org:8443",
        "http://user:secret@example.org",
        "HTTP://other.test@EXAMPLE.ORG:80",
        "http://\uff45xample.org",
        "http://example\u3002org",
        "http://example\uff0eorg",
        "http://exam\u00adple.org",
    ],
    "xn--bcher-kva.example": [
        "http://b\u00fccher.example",
        "https://B\u00dcCHER.example",
        "http://bu\u0308cher.example",
        "http://b%C3%BCcher.example.",
        "https://XN--BCHER-KVA.example:443",
        "http://xn--bcher-kva.example",
    ],
    "127.0.0.1": [
        "http://127.0.0.1",
        "http://127.1",
        "http://0x7f.0.0.1",
        "http://0177.0.0.01",
        "http://2130706433",
        "http://0x7F000001",
        "http://017700000001",
        "http://\uff11\uff12\uff17.0.0.1",
        "http://127.0.0.1.:8080",
        "http://%31%32%37.0.0.1",
    ],
}


class Spellings(CrawlCase):
    def test_no_spelling_evades_a_limit(self):
        urls = [
            f"{spelling}/{number}-{picture}.jpg"
            for spellings in SPELLINGS.values()
            for number, spelling in enumerate(spellings)
            for picture in range(PICTURES)
        ]
        source = self.annotations(urls)
        rules = [
            {"name": "asks_for_less", "host": "example.org", "status": 429, "retry_after": "2", "first_n": 1, "first_n_of": "host"},
            {"name": "slow", "delay_ms": 120},
        ]
        web = self.web(rules)
        _, raw = read_annotations([source])
        daemon = self.daemon(
            web,
            [source],
            politeness={"min_interval": f"{MIN_INTERVAL_MS}ms", "connections_per_address": 4096},
            network={"port_map": {**dialled_ports(raw, web), "8080": web.http_port, "8443": web.https_port}},
        )
        daemon.start(once=False)
        self.wait_settled(daemon, 60)
        known = {host["name"] for host in self.control(daemon).get("hosts", limit="100")["hosts"]}
        refused = next(request for request in web.requests() if request.status == 429)
        record = daemon.ctl_json("record", f"{refused.scheme}://{refused.host}{refused.path}")
        self.assertEqual((record["outcome"], record["attempts"]), ("stored", 1), "a refusal is not charged to the URL")
        self.terminate(daemon)
        web.stop()
        self.assertEqual(known, set(SPELLINGS), "each is one host to the daemon")
        requests = web.requests()
        self.assertEqual({request.host for request in requests}, set(SPELLINGS), "one Host header for each")
        report = self.assert_polite(web, Rules(per_host=2, min_interval_ms=MIN_INTERVAL_MS, robots_first=True, ports=2))
        self.assertEqual(report.hosts, len(SPELLINGS))
        self.assertEqual(report.peak_open_per_host, 2, "the limit is used, by all spellings together")
        self.assertGreaterEqual(report.retry_afters, 1)
        self.assert_clean(check([source], web.log_file, daemon.root, read_map(daemon.state_dir), Options(finished=True)))


SLOW = {"name": "slow", "suffixes": ["slow.test"], "reason": "a test", "connections_per_host": 1, "min_interval": "300ms"}
WIDE = {"name": "wide", "suffixes": ["wide.test"], "reason": "a test", "connections_per_domain": 3, "min_interval": "20ms"}


class Classes(CrawlCase):
    def test_each_host_is_asked_as_its_class_says_and_a_reload_changes_it(self):
        hosts = ["a.slow.test", "www.plain.test"] + [f"h{number}.wide.test" for number in range(8)]
        source = self.annotations([f"http://{host}/{number}.jpg" for host in hosts for number in range(20)])
        web = self.web([{"name": "delay", "delay_ms": 60}])
        politeness = {
            "min_interval": f"{MIN_INTERVAL_MS}ms",
            "connections_per_address": 4096,
            "robots": False,
            "class": [SLOW, WIDE],
        }
        daemon = self.daemon(web, [source], politeness=politeness)
        daemon.start(once=False)
        self.wait_for("half of the slow host", lambda: len(self.asked(web, "a.slow.test")) >= 10, 30)
        host = daemon.ctl_json("host", "a.slow.test")
        self.assertEqual((host["class"], host["interval_ms"]), ("slow", 300))
        self.assertIsNone(daemon.ctl_json("host", "www.plain.test")["class"])
        self.assertEqual(daemon.ctl_json("explain", "http://h1.wide.test/0.jpg").get("host_class", "wide"), "wide")

        politeness["class"] = [{**SLOW, "min_interval": "100ms"}, WIDE]
        daemon.rewrite_config(politeness=politeness)
        self.assertEqual(daemon.ctl("reload").returncode, 0)
        reloaded_ns = max(request.t_ns for request in web.requests())
        self.assertEqual(daemon.ctl_json("host", "a.slow.test")["class"], "slow")
        self.wait_settled(daemon, 30)
        self.terminate(daemon)
        web.stop()

        requests = web.requests()
        before = [request for request in requests if request.t_ns <= reloaded_ns]
        classes = (host_class(SLOW), host_class(WIDE))
        rules = Rules(per_host=2, min_interval_ms=MIN_INTERVAL_MS, classes=classes)
        self.assertEqual(judge(before, rules).violations, [])
        later = (host_class({**SLOW, "min_interval": "100ms"}), host_class(WIDE))
        self.assertEqual(judge(requests, Rules(per_host=2, min_interval_ms=MIN_INTERVAL_MS, classes=later)).violations, [])
        wide = judge([request for request in requests if request.host.endswith("wide.test")], Rules(per_domain=3, min_interval_ms=20))
        self.assertEqual(wide.violations, [])
        self.assertEqual(wide.peak_open, 3, "the domain's own limit, and all of it")
        slow = sorted(request.t_ns for request in requests if request.host == "a.slow.test")
        self.assertLess((slow[-1] - slow[11]) / 8, 250 * MS, "the new pace holds at once")

    def asked(self, web, host: str) -> list:
        return [request for request in web.requests() if request.host == host]

    def test_the_shipped_ones_hold_unless_they_are_switched_off(self):
        urls = [f"http://upload.wikimedia.org/{number}.jpg" for number in range(5)]
        for shipped, least_ms in ((True, 400), (False, MIN_INTERVAL_MS)):
            with self.subTest(shipped=shipped):
                name = f"shipped_{shipped}"
                web = self.web([], name=f"web_{name}")
                source = self.annotations(urls, f"{name}.jsonl")
                politeness = {"min_interval": f"{MIN_INTERVAL_MS}ms", "robots": False, "shipped_classes": shipped}
                daemon = self.daemon(web, [source], name=name, politeness=politeness)
                self.run_once(daemon, 30)
                web.stop()
                starts = sorted(request.t_ns for request in web.requests())
                gaps = [(after - first) / MS for first, after in zip(starts, starts[1:])]
                self.assertEqual(len(gaps), 4)
                self.assertGreater(min(gaps), least_ms - 10)
                self.assertLess(min(gaps), least_ms + 200)

    def test_a_mistake_in_a_class_leaves_the_old_ones_in_force(self):
        source = self.annotations(["http://a.slow.test/0.jpg"])
        web = self.web([])
        politeness = {"min_interval": "20ms", "class": [SLOW]}
        daemon = self.daemon(web, [source], politeness=politeness)
        daemon.start(once=False)
        self.wait_settled(daemon, 30)
        daemon.rewrite_config(politeness={**politeness, "class": [{**SLOW, "suffixes": ["*.slow.test"]}]})
        done = daemon.ctl("reload")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("gritd.toml:", done.stderr)
        self.assertIn("is no host name", done.stderr)
        self.assertEqual(daemon.ctl_json("host", "a.slow.test")["interval_ms"], 300)
        self.terminate(daemon)


if __name__ == "__main__":
    unittest.main()
