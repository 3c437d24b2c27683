"""What a running daemon says of itself: why a URL is not being fetched now, which hosts take long, and the warning about
the longest one."""

from __future__ import annotations

import re
import time
import unittest

from harness.case import CrawlCase

POLITENESS = {"min_interval": "50ms", "connections_per_address": 4096, "robots": True}


def urls_of(host: str, count: int) -> list[str]:
    return [f"https://{host}/{number}.jpg" for number in range(count)]


class InsightCase(CrawlCase):
    def crawl(self, urls: list[str], rules: list[dict] | None = None, **overrides):
        """(web, daemon that runs)"""
        web = self.web(rules)
        overrides["politeness"] = POLITENESS | overrides.get("politeness", {})
        daemon = self.daemon(web, [self.annotations(urls)], **overrides)
        daemon.start(once=False)
        return web, daemon

    def codes(self, daemon, url: str) -> list[str]:
        return [reason["code"] for reason in self.explain(daemon, url)["reasons"]]

    def explain(self, daemon, url: str) -> dict:
        return self.control(daemon).get("explain", url=url)

    def reason(self, daemon, url: str, code: str) -> dict:
        """That reason for that URL, waited for."""

        def found():
            self.check_running(daemon)
            return [one for one in self.explain(daemon, url)["reasons"] if one["code"] == code]

        return self.wait_for(f"{url} has the reason {code}", found)[0]


class Explain(InsightCase):
    def test_hosts_that_hold_their_urls_say_until_when(self):
        rules = [
            {"name": "busy", "host": "busy.test", "path": "/*.jpg", "status": 429, "retry_after": "600"},
            {"name": "tired", "host": "tired.test", "path": "/*.jpg", "status": 503},
            {"name": "down", "host": "down.test", "dns": "servfail"},
            {"name": "part", "host": "part.test", "robots": "User-agent: *\nDisallow: /*9.jpg$\nCrawl-delay: 3600\n"},
            {"name": "sick", "host": "sick.test", "path": "/*.jpg", "status": 500},
        ]
        urls = [url for host in ("busy", "tired", "down", "part", "sick") for url in urls_of(f"{host}.test", 10)]
        web, daemon = self.crawl(urls, rules, retry={"schedule": ["10m", "1h"]}, politeness={"max_interval": "1h"})
        self.wait_ready(daemon)
        now = time.time()

        told = self.reason(daemon, "https://busy.test/5.jpg", "host_retry_after")
        self.assertAlmostEqual(told["until"] - now, 600, delta=60)
        self.assertIn("http_too_many_requests", told["why"])
        own = self.reason(daemon, "https://tired.test/5.jpg", "host_back_off")
        self.assertAlmostEqual(own["until"] - now, 60, delta=40)
        down = self.reason(daemon, "https://down.test/5.jpg", "host_down")
        self.assertAlmostEqual(down["until"] - now, 600, delta=90)
        self.assertIn("attempt 1 of 3", down["why"])
        self.assertIn("dns_failure", down["why"])

        # The host is asked once an hour: what its rules forbid is not settled yet.
        forbidden = self.reason(daemon, "https://part.test/9.jpg", "site_forbids")
        self.assertIn('"Disallow: /*9.jpg$"', forbidden["why"])
        self.assertIn("https://part.test:443", forbidden["why"])
        self.reason(daemon, "https://part.test/3.jpg", "host_paced")
        waiting = self.explain(daemon, "https://part.test/3.jpg")
        by_code = {reason["code"]: reason for reason in waiting["reasons"]}
        self.assertEqual(set(by_code), {"host_paced", "in_order"})
        self.assertIn("every 1h", by_code["host_paced"]["why"])
        self.assertIn("number 4 of 10", by_code["in_order"]["why"])
        self.assertAlmostEqual(by_code["in_order"]["until"] - now, 4 * 3600, delta=60)
        self.assertEqual(waiting["not_before"], by_code["in_order"]["until"])

        retried = self.reason(daemon, "https://sick.test/0.jpg", "retry_wait")
        self.assertIn("try 1 of 3 ended as http_server_error", retried["why"])
        self.assertAlmostEqual(retried["until"] - now, 600, delta=150)

        text = daemon.ctl("explain", "https://busy.test/5.jpg").stdout
        self.assertRegex(text, r"(?m)^why     its host asked to be left alone")
        self.assertRegex(text, r"(?m)^        until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d, in \d+m")
        states = {host["name"]: host["state"] for host in self.control(daemon).get("hosts")["hosts"]}
        self.assertEqual((states["busy.test"], states["down.test"]), ("backoff", "down"))
        self.assertEqual(
            [host["name"] for host in self.control(daemon).get("hosts", state="down")["hosts"]], ["down.test"]
        )
        self.wait_for(
            "the metrics follow", lambda: '\ngritd_hosts{state="open_circuit"} 1\n' in self.metrics(daemon)[1]
        )
        self.terminate(daemon)

    def test_a_pause_and_the_place_in_the_order(self):
        urls = urls_of("long.test", 400)
        web, daemon = self.crawl(urls, politeness={"min_interval": "100ms"})
        self.wait_for("it is under way", lambda: len(web.requests()) > 3)
        daemon.ctl("pause", "moving the rack")
        control = self.control(daemon)
        self.wait_for("what was in flight has ended", lambda: control.status()["records"]["in_flight"] == 0)
        held = self.explain(daemon, urls[-1])
        self.assertEqual([reason["code"] for reason in held["reasons"]][0], "paused")
        self.assertEqual(held["reasons"][0]["remedy"], "gritctl resume")
        self.assertEqual(held["state"], "waiting")
        place = held["reasons"][-1]
        self.assertEqual(place["code"], "in_order")
        numbers = [int(number) for number in re.search(r"number (\d+) of (\d+)", place["why"]).groups()]
        self.assertEqual(numbers, [held["host_remaining"]] * 2, "the last line is the last in the order")
        self.assertIn("moving the rack", daemon.ctl("explain", urls[-1]).stdout)
        self.assertEqual(self.codes(daemon, urls[0]), ["settled"])
        self.assertIn("line 0", self.explain(daemon, "HTTPS://long.test:443/0.jpg")["why"] + " line 0")
        self.assertEqual(self.codes(daemon, "https://long.test/none.jpg"), ["unknown"])
        self.assertEqual(self.codes(daemon, "https://none.test/"), ["unknown"])
        self.assertEqual(self.codes(daemon, "nonsense"), ["no_url"])
        daemon.ctl("resume")
        self.assertNotIn("paused", self.codes(daemon, urls[-1]))
        self.terminate(daemon)

    def test_a_fetch_in_flight_is_told_as_such(self):
        web, daemon = self.crawl(
            urls_of("slow.test", 1), [{"name": "slow", "host": "slow.test", "path": "/*.jpg", "delay_ms": 2500}]
        )
        self.wait_ready(daemon)
        self.reason(daemon, "https://slow.test/0.jpg", "in_flight")
        self.wait_settled(daemon, 10)
        self.assertEqual(self.codes(daemon, "https://slow.test/0.jpg"), ["settled"])
        self.terminate(daemon)


class Hosts(InsightCase):
    def test_orders(self):
        rules = [
            {"name": "crawl_delay", "host": "slow.test", "robots": "User-agent: *\nCrawl-delay: 600\n"},
            {"name": "bad", "host": "bad.test", "path": "/*.jpg", "status": 404},
        ]
        urls = urls_of("many.test", 200) + urls_of("slow.test", 6) + urls_of("bad.test", 5)
        web, daemon = self.crawl(urls, rules, politeness={"min_interval": "200ms", "max_interval": "1h"})
        self.wait_ready(daemon)
        control = self.control(daemon)
        nobody = [{"name": "", "failed": 0}]  # before the first lines are read
        first = lambda sort: (control.get("hosts", sort=sort)["hosts"] or nobody)[0]
        self.wait_for("the failures are counted", lambda: first("errors")["failed"] == 5)
        self.wait_for("the slow host is known to be", lambda: first("pace")["name"] == "slow.test")
        self.assertEqual(first("errors")["name"], "bad.test")
        self.assertEqual(first("remaining")["name"], "many.test")
        slow = first("eta")
        self.assertEqual((slow["name"], slow["interval_ms"]), ("slow.test", 600_000))
        self.assertAlmostEqual(slow["eta_seconds"], 600 * 6, delta=610)
        table = daemon.ctl("hosts", "--sort", "pace", "--limit", "1").stdout.splitlines()
        self.assertRegex(table[0], r"^HOST +STATE +LEFT +OPEN +EVERY")
        self.assertRegex(table[1], r"^slow\.test +\w+ +\d +\d +10m ")
        self.assertEqual(len(table), 2)
        # The status says which host bounds the crawl, and its ETA is no shorter.
        self.wait_for("the longest host is known", lambda: (control.status()["longest_host"] or {}).get("name") == "slow.test")
        status = control.status()
        self.assertGreaterEqual(status["eta_seconds"], status["longest_host"]["eta_seconds"])
        self.assertRegex(daemon.ctl("status").stdout, r"(?m)^    longest   slow\.test, \d lines left, ETA \d")
        self.terminate(daemon)


class LongestHost(InsightCase):
    def test_a_host_that_takes_over_a_day_is_warned_of_once(self):
        urls = urls_of("vast.test", 100) + urls_of("small.test", 2)
        web, daemon = self.crawl(urls, politeness={"min_interval": "1h", "max_interval": "2h"})
        self.wait_for("the warning", lambda: "crawl.longest_host" in daemon.log_text())
        time.sleep(2.5)  # a look a second
        warnings = [line for line in daemon.log_text().splitlines() if "crawl.longest_host" in line]
        self.assertEqual(len(warnings), 1, warnings)
        self.assertRegex(warnings[0], r"host=vast\.test lines=(99|100) interval=1h days=4\.\d+ remedy=.*min_interval")
        self.assertRegex(daemon.ctl("status").stdout, r"longest   vast\.test, (99|100) lines left, ETA 4d")
        self.terminate(daemon)
        daemon.start(once=False)
        self.wait_for("the next start says it again", lambda: daemon.log_text().count("crawl.longest_host") == 2)
        self.terminate(daemon)

    def test_short_crawls_are_not_warned_of(self):
        web, daemon = self.crawl(urls_of("short.test", 5))
        self.wait_settled(daemon, 20)
        time.sleep(1.2)
        self.assertNotIn("crawl.longest_host", daemon.log_text())
        self.assertIsNone(self.control(daemon).status()["longest_host"])
        self.terminate(daemon)


if __name__ == "__main__":
    unittest.main()
