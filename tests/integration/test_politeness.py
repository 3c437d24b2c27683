"""A web with wishes of every kind, judged by what it saw: pace, Retry-After, robots.txt, opt-outs, shared limits."""

from __future__ import annotations

import unittest
from collections import Counter

from harness.case import CrawlCase
from harness.checker import Options, check, read_map
from harness.judge import Rules
from harness.log import S

MIN_INTERVAL_MS = 50
CRAWL_DELAY_S = 1

RULES = [
    {
        "name": "told_seconds",
        "host": "seconds*.test",
        "status": 429,
        "retry_after": "1",
        "first_n": 2,
        "first_n_of": "host",
    },
    {
        "name": "told_longer",
        "host": "longer*.test",
        "status": 429,
        "retry_after": "3",
        "first_n": 1,
        "first_n_of": "host",
    },
    {
        "name": "told_date",
        "host": "date*.test",
        "status": 503,
        "retry_after": "date:+3",
        "first_n": 1,
        "first_n_of": "host",
    },
    {"name": "window", "host": "window*.test", "status": 503, "retry_after": "2", "until_s": 4},
    {"name": "hidden_limit", "host": "limited.test", "rate_limit": {"per_second": 5}, "retry_after": "1"},
    {"name": "delay", "host": "delay.test", "robots": f"User-agent: *\nCrawl-delay: {CRAWL_DELAY_S}\n"},
    {
        "name": "part",
        "host": "part.test",
        "robots": "User-agent: other\nDisallow: /\n\nUser-agent: gritd\nDisallow: /private/\n",
    },
    {"name": "none", "host": "none.test", "robots": "User-agent: *\nDisallow: /\n"},
    {"name": "sick", "host": "sick.test", "robots_status": 500, "robots": "User-agent: *\nAllow: /\n"},
    {"name": "noai", "host": "noai.test", "x_robots_tag": "noai"},
    {"name": "scoped", "host": "scoped.test", "x_robots_tag": "gritd: noindex"},
    {"name": "other_bot", "host": "otherbot.test", "x_robots_tag": "otherbot: noai"},
    {"name": "tdm", "host": "tdm.test", "tdm": 1},
    {"name": "slow", "host": "*.shared.test", "delay_ms": 150},
    {"name": "slow_pair", "host": "both.test", "delay_ms": 120},
]
REFUSING = frozenset({"noai", "scoped", "tdm"})


def paths(host: str, count: int, scheme: str = "https", folder: str = "") -> list[str]:
    return [f"{scheme}://{host}/{folder}{number}.jpg" for number in range(count)]


def urls() -> list[str]:
    found: list[str] = []
    for number in range(3):
        found += paths(f"big{number}.test", 150)
    for number in range(80):
        found += paths(f"small{number}.test", 4, "https" if number % 3 else "http")
    for number in range(4):
        for kind in ("seconds", "longer", "date", "window"):
            found += paths(f"{kind}{number}.test", 8)
    found += paths("limited.test", 40)
    found += paths("delay.test", 5)
    found += paths("part.test", 5) + paths("part.test", 5, folder="private/")
    found += paths("none.test", 5) + paths("sick.test", 5)
    for host in ("noai.test", "scoped.test", "otherbot.test", "tdm.test"):
        found += paths(host, 3)
    for number in range(24):
        found += paths(f"h{number}.shared.test", 4)
    found += paths("both.test", 6) + paths("both.test", 6, "http", "plain/")
    return found


class Politeness(CrawlCase):
    def test_every_wish_of_the_web_is_met(self):
        source = self.annotations(urls())
        web = self.web(RULES)
        daemon = self.daemon(
            web,
            [source],
            politeness={"min_interval": f"{MIN_INTERVAL_MS}ms", "connections_per_address": 4096, "tdmrep": True},
            retry={"schedule": ["500ms", "1s"], "once_patience": "10s"},
        )
        daemon.start(once=False)
        self.wait_settled(daemon, 60)
        outcomes = self.control(daemon).stats()["outcomes"]
        self.terminate(daemon)
        web.stop()
        report = self.assert_polite(
            web, Rules(per_host=2, per_domain=8, min_interval_ms=MIN_INTERVAL_MS, robots_first=True)
        )
        print(
            f"{report.requests} requests, {report.retry_afters} Retry-Afters,"
            f" smallest gap {report.smallest_gap_ms:.1f} ms"
        )
        self.assertGreaterEqual(report.retry_afters, 4 * (2 + 1 + 1 + 2))
        self.assertEqual(report.peak_open_per_host, 2, "two connections may be used, and are")
        requests = web.requests()
        self.check_robots(requests)
        self.check_crawl_delay(requests)
        self.check_hidden_limit(requests)
        options = Options(finished=True, max_refetched=0, refusing_rules=REFUSING)
        self.assert_clean(check([source], web.log_file, daemon.root, read_map(daemon.state_dir), options))
        self.assertEqual(outcomes["robots_denied"], 5 + 5 + 5)
        self.assertEqual(outcomes["opted_out"], 3 * 3)
        self.assertEqual(outcomes["stored"], len(urls()) - 15 - 9, "what was put off is fetched in the end")

    def check_robots(self, requests) -> None:
        asked = Counter((r.scheme, r.host) for r in requests if r.is_robots)
        origins = {(r.scheme, r.host) for r in requests}
        self.assertEqual({origin for origin in origins if asked[origin] != 1}, {("https", "sick.test")})
        self.assertEqual(asked["https", "sick.test"], 3, "as often as the schedule says")
        self.assertIn(("http", "both.test"), origins)
        forbidden = [str(r) for r in requests if not r.is_robots and r.host in ("none.test", "sick.test")]
        reservations = Counter((r.scheme, r.host) for r in requests if r.is_tdmrep)
        self.assertEqual(set(reservations.values()), {1})
        self.assertEqual(forbidden, [])
        self.assertEqual([str(r) for r in requests if r.path.startswith("/private/")], [])
        self.assertEqual({r.user_agent for r in requests}, {"gritd/1.0 (+https://example.org/contact)"})

    def check_crawl_delay(self, requests) -> None:
        starts = sorted(r.t_ns for r in requests if r.host == "delay.test")
        gaps = [(after - before) / S for before, after in zip(starts, starts[1:])]
        self.assertGreaterEqual(len(gaps), 5)
        self.assertGreaterEqual(min(gaps), CRAWL_DELAY_S - 0.01)
        self.assertLess(max(gaps), CRAWL_DELAY_S + 1)

    def check_hidden_limit(self, requests) -> None:
        """A host that only ever answers 5 requests a second is found out, not hammered."""
        own = [r for r in requests if r.host == "limited.test" and not r.is_site_file]
        refused = sum(r.status == 429 for r in own)
        self.assertEqual(sum(r.served_image for r in own), 40)
        self.assertGreater(refused, 0)
        self.assertLess(refused, 20, "the pace adapts")

    def test_an_address_has_its_own_limit(self):
        source = self.annotations([url for number in range(40) for url in paths(f"h{number}.test", 3, "http")])
        web = self.web([{"name": "slow", "delay_ms": 100}])
        daemon = self.daemon(
            web, [source], politeness={"min_interval": "20ms", "connections_per_address": 8, "robots": False}
        )
        self.run_once(daemon, 60)
        web.stop()
        report = self.assert_polite(web, Rules(per_host=2, min_interval_ms=20))
        self.assertLessEqual(report.peak_open, 8)
        self.assertGreaterEqual(report.peak_open, 6, "the limit is used")
        self.assert_clean(
            check([source], web.log_file, daemon.root, read_map(daemon.state_dir), Options(require_all=True))
        )
        self.assertIn("robots", daemon.log_text(), "that robots.txt is not read is written into the log")

    def test_what_is_switched_off_is_not_asked_for(self):
        source = self.annotations(paths("noai.test", 2) + paths("tdm.test", 2) + paths("none.test", 2))
        web = self.web(RULES)
        daemon = self.daemon(
            web,
            [source],
            politeness={"min_interval": "20ms", "robots": False, "disallowed_directives": [], "tdm_reservation": False},
        )
        self.run_once(daemon, 30)
        web.stop()
        self.assertEqual([str(r) for r in web.requests() if r.is_site_file], [])
        self.assertEqual(len(read_map(daemon.state_dir)), 6)
        for key in ("robots", "disallowed_directives", "tdm_reservation", "tdmrep"):
            self.assertIn(key, daemon.log_text(), "off is written into the log")


if __name__ == "__main__":
    unittest.main()
