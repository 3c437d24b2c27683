"""What sites say of themselves, judged by the web's log: asked for once, before all else, and not again after a restart."""

from __future__ import annotations

import unittest
from collections import Counter

from harness.case import CrawlCase
from harness.judge import Rules

INTERVAL_MS = 20
RULES = [
    # From http to https of the same host, and from one host to another: as sites have it.
    {"name": "upgrade", "host": "moved*.test", "path": "/robots.txt", "redirect": {"to": "https://rules.test{path}"}},
    {"name": "there", "host": "rules.test", "robots": "User-agent: *\nDisallow: /no/\n"},
    {"name": "part", "host": "part*.test", "robots": "User-agent: *\nDisallow: /no/\n"},
    {"name": "slow", "host": "*", "delay_ms": 10},
]


class Sites(CrawlCase):
    def urls(self, hosts: list[str], count: int) -> list[str]:
        return [
            f"{scheme}://{host}/{folder}{number}.jpg"
            for number in range(count)
            for host in hosts
            for scheme in ("http", "https")
            for folder in ("", "no/")
        ]

    def asked_for_rules(self, web) -> Counter:
        return Counter((r.scheme, r.host) for r in web.requests() if r.is_robots)

    def test_robots_txt_is_asked_for_once_per_origin_however_many_urls_wait(self):
        hosts = ["part0.test", "part1.test", "moved0.test", "moved1.test", "plain.test"]
        urls = self.urls(hosts, 30)
        web = self.web(RULES)
        daemon = self.daemon(
            web, [self.annotations(urls)], politeness={"min_interval": f"{INTERVAL_MS}ms", "connections_per_host": 8}
        )
        self.run_once(daemon, 90)
        web.stop()
        self.assert_polite(web, Rules(per_host=8, min_interval_ms=INTERVAL_MS, robots_first=True))
        asked = self.asked_for_rules(web)
        for host in hosts:
            for scheme in ("http", "https"):
                self.assertEqual(asked[scheme, host], 1, f"{scheme}://{host}")
        self.assertEqual(asked["https", "rules.test"], 4, "once for each origin that points there")
        forbidden = [str(r) for r in web.requests() if r.path.startswith("/no/") and r.host != "plain.test"]
        self.assertEqual(forbidden, [])

    def test_a_restart_asks_no_origin_again(self):
        hosts = [f"{kind}{number}.test" for number in range(4) for kind in ("part", "plain", "moved")]
        urls = self.urls(hosts, 6)
        web = self.web(RULES)
        daemon = self.daemon(web, [self.annotations(urls)], politeness={"min_interval": "200ms"})
        daemon.start(once=False)
        control = self.wait_ready(daemon)
        self.wait_for("a third is there", lambda: control.stats()["outcomes"]["stored"] >= len(urls) // 3, 30)
        self.terminate(daemon)
        before = self.asked_for_rules(web)
        self.run_once(daemon, 90)
        web.stop()
        self.assertGreater(sum(before.values()), len(hosts))
        for origin, count in self.asked_for_rules(web).items():
            if origin[1] != "rules.test":
                self.assertEqual(count, 1, origin)
        images = Counter(r.path.startswith("/no/") for r in web.requests() if not r.is_site_file)
        self.assertEqual(images[False], len(urls) // 2)
        self.assertEqual(images[True], len(urls) // 6, "only of the hosts that allow it")

    def test_what_tdmrep_json_reserves_is_not_asked_for(self):
        everything = [{"location": "/", "tdm-reservation": 1}]
        target = "/.well-known/tdmrep.json"
        web = self.web(
            [
                {"host": "part.test", "tdmrep": [{"location": "/no/", "tdm-reservation": 1, "tdm-policy": "https://x.test/"}]},
                {"host": "whole.test", "tdmrep": everything, "robots": "User-agent: *\nAllow: /\n"},
                {"host": "hidden.test", "tdmrep": everything, "robots": "User-agent: *\nDisallow: /.well-known/\n"},
                {"host": "page.test", "path": target, "html": True},
                {"host": "sick.test", "tdmrep_status": 500},
                {"host": "cut.test", "tdmrep": '[{"location": "/", "tdm-reservation": 1}'},
                {"host": "moved.test", "path": target, "redirect": {"to": "https://unknown.test{path}"}},
                {"name": "busy", "host": "busy.test", "path": target, "status": 429, "retry_after": "1", "first_n": 1},
                {"host": "busy.test", "tdmrep": everything},
            ]
        )
        open_hosts = ["plain.test", "moved.test", "hidden.test", "page.test", "sick.test", "cut.test"]
        hosts = ["part.test", "whole.test", "busy.test", *open_hosts]
        urls = [f"https://{host}/{folder}{number}.jpg" for number in range(5) for host in hosts for folder in ("", "no/")]
        daemon = self.daemon(
            web, [self.annotations(urls)], politeness={"min_interval": f"{INTERVAL_MS}ms", "tdmrep": True}
        )
        daemon.start(once=False)
        self.wait_settled(daemon, 60)
        control = self.control(daemon)
        outcomes = control.stats()["outcomes"]
        record = control.record("https://part.test/no/1.jpg")
        self.terminate(daemon)
        self.run_once(daemon, 30)
        web.stop()
        self.assert_polite(web, Rules(min_interval_ms=INTERVAL_MS, robots_first=True))
        self.assertEqual((record["outcome"], record["detail"]), ("opted_out", "tdmrep.json"))
        self.assertEqual(outcomes["opted_out"], 5 + 2 * 10)
        self.assertEqual(outcomes["stored"], 5 + len(open_hosts) * 10)
        requests = web.requests()
        asked = Counter(r.host for r in requests if r.is_tdmrep)
        self.assertEqual(
            asked,
            {host: 1 for host in hosts if host != "hidden.test"} | {"busy.test": 2},
            "once, and not again after a restart; nor where nobody knows whether it may be asked",
        )
        for host in ("whole.test", "busy.test"):
            self.assertEqual([str(r) for r in requests if r.host == host and not r.is_site_file], [])
        for host in asked:
            answered = max(r.end_ns for r in requests if r.host == host and r.is_tdmrep)
            images = [r.t_ns for r in requests if r.host == host and not r.is_site_file]
            self.assertGreater(min(images, default=answered + 1), answered, host)

    def test_tdmrep_json_counts_without_robots_txt(self):
        web = self.web([{"tdmrep": [{"location": "*/no/", "tdm-reservation": 1}], "robots": "User-agent: *\nDisallow: /\n"}])
        urls = self.urls(["a.test", "b.test"], 3)
        daemon = self.daemon(
            web,
            [self.annotations(urls)],
            politeness={"min_interval": f"{INTERVAL_MS}ms", "tdmrep": True, "robots": False},
        )
        self.run_once(daemon, 30)
        web.stop()
        requests = web.requests()
        self.assertEqual([str(r) for r in requests if r.is_robots or r.path.startswith("/no/")], [])
        self.assertEqual(sum(r.served_image for r in requests), len(urls) // 2)
        self.assertEqual(Counter((r.scheme, r.host) for r in requests if r.is_tdmrep).total(), 4)


if __name__ == "__main__":
    unittest.main()
