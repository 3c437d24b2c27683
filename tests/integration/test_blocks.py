"""An operator's blocks: live, kept, taken back."""

from __future__ import annotations

import time
import unittest

from harness.case import CrawlCase
from harness.log import MS

POLITENESS = {"min_interval": "50ms", "connections_per_address": 4096}
# What gritd has written before the block reached the shard may still lie in the web's socket.
CROSSING_NS = 300 * MS


def urls_of(host: str, count: int) -> list[str]:
    return [f"https://{host}/{number}.jpg" for number in range(count)]


class Blocks(CrawlCase):
    def crawl(self, urls: list[str], rules: list[dict] | None = None, addresses: int = 1, **overrides):
        web = self.web(rules, addresses=addresses)
        politeness = POLITENESS | overrides.pop("politeness", {})
        return web, self.daemon(web, [self.annotations(urls)], politeness=politeness, **overrides)

    def block(self, daemon, *words: str) -> int:
        """@return the wall time in ns at which the block was in force."""
        done = daemon.ctl("block", *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return time.time_ns()

    def assert_not_asked(self, web, host: str, since_ns: int) -> None:
        late = [str(r) for r in web.requests() if r.host == host and r.t_ns > since_ns + CROSSING_NS]
        self.assertEqual(late, [])

    def test_a_block_is_live_survives_a_kill_and_is_undone(self):
        web, daemon = self.crawl(urls_of("img.objects.test", 60) + urls_of("other.test", 30))
        daemon.start(once=False)
        control = self.wait_ready(daemon)
        self.wait_for("it is being asked", lambda: sum(r.host == "img.objects.test" for r in web.requests()) > 5)
        since = self.block(daemon, "OBJECTS.test.", "--reason", "asked by mail")
        asked = sum(r.host == "img.objects.test" for r in web.requests())
        status = self.wait_settled(daemon, 30)
        self.assert_not_asked(web, "img.objects.test", since)
        self.assertGreater(status["outcomes"]["opted_out"], 30)
        self.assertLessEqual(status["outcomes"]["opted_out"], 60 - asked + 4)
        last = control.record("https://img.objects.test/59.jpg")
        self.assertEqual(last["outcome"], "opted_out")
        self.assertEqual(last["detail"], "blocked: domain objects.test (asked by mail)")
        listed = daemon.ctl_json("blocks")["blocks"]
        self.assertEqual([(b["kind"], b["value"], b["reason"]) for b in listed], [("domain", "objects.test", "asked by mail")])
        self.assertRegex(daemon.log_text(), r'block.added block="domain objects.test" reason="asked by mail" uid=\d+')

        daemon.kill()
        with open(daemon.config["input"]["annotations"][0], "a", encoding="utf-8") as more:
            more.writelines(f'{{"url": "{url}"}}\n' for url in urls_of("new.objects.test", 5) + urls_of("third.test", 5))
        daemon.start(once=False)
        self.wait_settled(daemon, 30)
        self.assert_not_asked(web, "img.objects.test", since)
        self.assertEqual([r for r in web.requests() if r.host == "new.objects.test"], [], "not even its robots.txt")
        self.assertEqual(sum(r.host == "third.test" and not r.is_robots for r in web.requests()), 5)

        done = daemon.ctl("unblock", "objects.test")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("no longer blocked: domain objects.test", done.stdout)
        status = self.wait_settled(daemon, 30)
        self.assertEqual(status["outcomes"], {"stored": 100})
        self.assertEqual(daemon.ctl_json("blocks"), {"blocks": []})
        self.assertEqual(daemon.ctl("unblock", "objects.test").returncode, 4)
        self.terminate(daemon)

    def test_an_answer_that_is_under_way_is_not_kept(self):
        web, daemon = self.crawl(urls_of("slow.test", 3), [{"name": "slow", "delay_ms": 1500}])
        daemon.start(once=False)
        control = self.wait_ready(daemon)
        self.wait_for("it is being asked", lambda: control.status()["records"]["in_flight"] > 0 and "slow.test" in
                      (web.directory / "dns.jsonl").read_text())
        # Long enough for the requests to be sent, and far less than what the web takes to answer.
        self.wait_for("it has been sent", lambda: control.status()["hosts"]["active"] == 1 and time.sleep(0.5) is None)
        self.block(daemon, "host", "slow.test")
        status = self.wait_settled(daemon, 20)
        self.assertEqual(status["outcomes"], {"opted_out": 3})
        self.assertEqual(list(daemon.root.glob("*/*.jpg")), [])
        self.terminate(daemon)
        web.stop()
        self.assertGreaterEqual(sum(r.status == 200 and not r.is_robots for r in web.requests()), 1, "it was asked")

    def test_a_redirect_is_not_followed_to_where_it_is_blocked(self):
        rule = {"name": "away", "host": "a.test", "redirect": {"to": "https://cdn.objects.test{path}"}}
        web, daemon = self.crawl(urls_of("a.test", 40) + urls_of("b.test", 3), [rule])
        daemon.start(once=False)
        self.wait_ready(daemon)
        self.wait_for("it is being followed", lambda: any(r.host == "cdn.objects.test" and not r.is_robots for r in web.requests()))
        since = self.block(daemon, "objects.test")
        status = self.wait_settled(daemon, 30)
        self.assert_not_asked(web, "cdn.objects.test", since)
        self.assertGreater(status["outcomes"]["opted_out"], 10)
        self.terminate(daemon)

    def test_addresses(self):
        # Both are at 127.0.0.2; the others stay at 127.0.0.1.
        rules = [{"name": "elsewhere", "host": "*.far.test", "dns": "127.0.0.2"}]
        urls = urls_of("one.far.test", 40) + urls_of("two.far.test", 3) + urls_of("near.test", 40)
        web, daemon = self.crawl(urls, rules, addresses=2)
        daemon.start(once=False)
        control = self.wait_ready(daemon)
        self.wait_for("it is being asked", lambda: sum(r.host == "one.far.test" for r in web.requests()) > 3)
        since = self.block(daemon, "127.0.0.2/31", "--reason", "abuse")
        with open(daemon.config["input"]["annotations"][0], "a", encoding="utf-8") as more:
            more.writelines(f'{{"url": "{url}"}}\n' for url in urls_of("three.far.test", 5))
        self.assertEqual(daemon.ctl("reload").returncode, 0)
        status = self.wait_settled(daemon, 30)
        self.assert_not_asked(web, "one.far.test", since)
        self.assertEqual([r for r in web.requests() if r.host == "three.far.test"], [], "not even its robots.txt")
        self.assertGreater(status["outcomes"]["address_refused"], 20)
        self.assertEqual(control.record("https://three.far.test/4.jpg")["detail"], "blocked: cidr 127.0.0.2/31 (abuse)")
        self.assertEqual(sum(r.host == "near.test" and r.served_image for r in web.requests()), 40)
        self.assertEqual(daemon.ctl("unblock", "127.0.0.3/31").returncode, 0, "another spelling of the same")
        status = self.wait_settled(daemon, 30)
        self.assertEqual(status["outcomes"], {"stored": 88})
        asked = [r for r in web.requests() if r.host == "three.far.test"]
        self.assertTrue(asked[0].is_robots, "its rules are asked for before its images")
        self.terminate(daemon)

    def test_patterns(self):
        urls = [f"https://a.test/{folder}/{n}.jpg" for n in range(10) for folder in ("ads", "photos")]
        urls += [f"https://b.test/private/{n}.jpg" for n in range(3)]
        web, daemon = self.crawl(urls)
        daemon.start(once=False)
        self.wait_ready(daemon)
        daemon.ctl("pause")
        self.block(daemon, "a.test/ads/")
        self.block(daemon, "pattern", "*/private/*")
        daemon.ctl("resume")
        status = self.wait_settled(daemon, 30)
        self.terminate(daemon)
        web.stop()
        self.assertGreaterEqual(status["outcomes"]["stored"], 10)
        self.assertEqual(sum(status["outcomes"].values()), 23)
        self.assertEqual(sum("/photos/" in r.path for r in web.requests()), 10)
        self.assertGreater(status["outcomes"]["opted_out"], 8)

    def test_what_is_no_block_is_refused_in_words(self):
        web, daemon = self.crawl(urls_of("a.test", 1))
        daemon.start(once=False)
        self.wait_settled(daemon, 20)
        for words, said in [
            (["co.uk"], "public suffix"),
            (["cidr", "a.test"], "is no CIDR"),
            (["host", "a.test/x"], "is no name of a host"),
            (["0.0.0.0/0"], "every address"),
        ]:
            done = daemon.ctl("block", *words)
            self.assertEqual((done.returncode, said in done.stderr), (1, True), done.stderr)
        self.assertEqual(daemon.ctl("block", "domian", "a.test").returncode, 2)
        self.block(daemon, "b.test")
        self.assertIn("blocked: domain b.test", self.control(daemon).get("explain", url="http://www.b.test/x.jpg")["why"])
        self.terminate(daemon)


if __name__ == "__main__":
    unittest.main()
