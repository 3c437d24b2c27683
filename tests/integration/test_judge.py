"""The judge on hand-made logs: it passes what is polite, and fails on each kind of violation."""

from __future__ import annotations

import contextlib
import dataclasses
import email.utils
import io
import json
import tempfile
import unittest
from pathlib import Path

from harness import judge as judge_module
from harness.classes import HostClass, class_of, shipped
from harness.judge import Rules, judge
from harness.log import MS, S, Request, read_log

START = 1_700_000_000 * S


def request(at_ms: float, end_ms: float | None = None, host: str = "a.test", **fields) -> Request:
    end_ms = at_ms + 1 if end_ms is None else end_ms
    fields.setdefault("path", f"/{at_ms}.jpg")
    return Request(t_ns=START + int(at_ms * MS), end_ns=START + int(end_ms * MS), host=host, **fields)


def at(ms: float) -> int:
    return START + int(ms * MS)


class JudgeTest(unittest.TestCase):
    def assert_passes(self, requests: list[Request], **rules) -> judge_module.Report:
        report = judge(requests, Rules(**rules))
        self.assertEqual(report.violations, [])
        self.assertTrue(report.ok)
        return report

    def assert_fails(self, kind: str, requests: list[Request], **rules) -> judge_module.Report:
        report = judge(requests, Rules(**rules))
        self.assertEqual([violation.kind for violation in report.violations], [kind], report.violations)
        self.assertFalse(report.ok)
        return report


class PoliteLogs(JudgeTest):
    def test_an_empty_log_has_nothing_against_it(self):
        self.assert_passes([])

    def test_paced_requests_of_several_hosts(self):
        requests = [request(i * 100, host=host) for i in range(20) for host in ("a.test", "b.test")]
        report = self.assert_passes(requests)
        self.assertEqual((report.requests, report.hosts), (40, 2))
        self.assertAlmostEqual(report.smallest_gap_ms, 100)

    def test_the_order_of_lines_does_not_matter(self):
        requests = [request(i * 100) for i in range(5)]
        self.assert_passes(requests[::-1])


class Spellings(JudgeTest):
    def test_one_host_however_it_is_spelt(self):
        spellings = ("example.org", "EXAMPLE.org.", "exampl%65.org", "example.org:8080", "\uff45xample.org", "example\u3002org")
        for other in spellings[1:]:
            self.assert_fails("too_soon", [request(0, host=spellings[0]), request(50, host=other)])
        for one, other in (
            ("b\u00fccher.example", "xn--bcher-kva.example"),
            ("127.0.0.1", "0x7f.1"),
            ("127.0.0.1", "017700000001"),
            ("127.0.0.1", "2130706433"),
            ("\uff11\uff12\uff17.0.0.1", "127.1"),
            ("[::1]", "[0:0::0:1]"),
        ):
            self.assert_fails("too_soon", [request(0, host=one), request(50, host=other)])

    def test_what_only_looks_alike_is_another(self):
        hosts = ("example.org", "example.org.test", "xexample.org", "127.0.0.1", "127.0.0.1.test", "256.1")
        self.assert_passes([request(0, host=host) for host in hosts])


class Classes(JudgeTest):
    CLASSES = (
        HostClass("fast", ("cdn.test",), per_host=4, min_interval_ms=20),
        HostClass("slow", ("slow.cdn.test",), per_host=1, min_interval_ms=500),
    )

    def test_a_host_has_the_rules_of_its_longest_suffix(self):
        self.assert_passes([request(i * 20, i * 20 + 70, host="a.cdn.test") for i in range(9)], classes=self.CLASSES)
        self.assert_fails("too_soon", [request(i * 20, host="acdn.test") for i in range(2)], classes=self.CLASSES)
        self.assert_fails("too_soon", [request(i * 480, host="x.slow.cdn.test") for i in range(2)], classes=self.CLASSES)
        both = [request(i * 500, i * 500 + 600, host="slow.cdn.test") for i in range(2)]
        self.assert_fails("too_many_open", both, classes=self.CLASSES)

    def test_the_shipped_ones_are_read(self):
        wikimedia = class_of("upload.wikimedia.org", shipped())
        self.assertEqual((wikimedia.per_host, wikimedia.min_interval_ms), (2, 400))
        self.assertIsNone(class_of("example.org", shipped()))


class OpenAtOnce(JudgeTest):
    def test_more_than_allowed(self):
        self.assert_fails("too_many_open", [request(0, 500), request(100, 500), request(200, 500)])

    def test_exactly_as_many_as_allowed(self):
        report = self.assert_passes([request(0, 200), request(100, 500), request(200, 500)])
        self.assertEqual(report.peak_open_per_host, 2)

    def test_another_limit(self):
        self.assert_fails("too_many_open", [request(0, 500), request(100, 500)], per_host=1)

    def test_robots_counts_as_a_request(self):
        self.assert_fails(
            "too_many_open", [request(0, 500, path="/robots.txt"), request(100, 500), request(200, 500, scheme="http")]
        )

    def test_other_hosts_do_not_count(self):
        report = self.assert_passes([request(i, 500, host=f"h{i}.test") for i in range(10)])
        self.assertEqual(report.peak_open, 10)

    def test_a_killed_client_has_nothing_open(self):
        requests = [request(0, 5000), request(100, 5000), request(1000, 1500)]
        self.assert_fails("too_many_open", requests)
        report = self.assert_passes(requests, kills_ns=[at(500)])
        self.assertEqual((report.kills, report.cut_by_kills), (1, 2))

    def test_a_kill_before_the_requests_excuses_nothing(self):
        requests = [request(1000, 5000), request(1100, 5000), request(1200, 1500)]
        self.assert_fails("too_many_open", requests, kills_ns=[at(500)])

    def test_domains_have_a_limit_of_their_own(self):
        requests = [request(i, 500, host=f"h{i}.shared.test") for i in range(4)]
        self.assert_fails("too_many_open_in_domain", requests, per_domain=3)
        self.assert_passes(requests, per_domain=4)

    def test_addresses_have_a_limit_of_their_own(self):
        requests = [request(i, 500, host=f"h{i}.test", address="127.0.0.2") for i in range(4)]
        self.assert_fails("too_many_open_at_address", requests, per_address=3)
        report = self.assert_passes([*requests, request(9, 500, address="127.0.0.3")], per_address=4)
        self.assertEqual(report.peak_open_per_address, 4)


class Gaps(JudgeTest):
    def test_too_soon(self):
        self.assert_fails("too_soon", [request(0), request(89)])

    def test_within_the_tolerance(self):
        self.assert_passes([request(0), request(91)])

    def test_tolerance_can_be_taken_away(self):
        self.assert_fails("too_soon", [request(0), request(91)], tolerance_ms=0)

    def test_another_scheme_is_the_same_host(self):
        self.assert_fails("too_soon", [request(0), request(50, scheme="http")])

    def test_robots_is_paced_too(self):
        self.assert_fails("too_soon", [request(0, path="/robots.txt"), request(50)])

    def test_lateness_of_the_earlier_request_is_taken_off(self):
        report = self.assert_passes([request(0, lag_ns=40 * MS), request(60)])
        self.assertEqual((report.blurred, report.worst_lag_ms), (1, 40))

    def test_lateness_of_the_later_request_excuses_nothing(self):
        self.assert_fails("too_soon", [request(0), request(60, lag_ns=40 * MS)])

    def test_a_kill_excuses_nothing(self):
        self.assert_fails("too_soon", [request(0), request(60)], kills_ns=[at(30)])


class RetryAfter(JudgeTest):
    def told(self, status: int = 429, retry_after: str = "2", **fields) -> Request:
        return request(0, 10, status=status, retry_after=retry_after, **fields)

    def test_too_early_after_seconds(self):
        for status in (429, 503):
            self.assert_fails("before_retry_after", [self.told(status), request(1500)])

    def test_in_time_after_seconds(self):
        report = self.assert_passes([self.told(), request(2011)])
        self.assertEqual(report.retry_afters, 1)

    def test_a_date(self):
        date = email.utils.formatdate(START // S + 3, usegmt=True)
        self.assert_fails("before_retry_after", [self.told(retry_after=date), request(2900)])
        self.assert_passes([self.told(retry_after=date), request(3000)])

    def test_robots_and_the_other_scheme_wait_too(self):
        self.assert_fails("before_retry_after", [self.told(), request(1000, path="/robots.txt")])
        self.assert_fails("before_retry_after", [self.told(), request(1000, scheme="http")])

    def test_other_hosts_go_on(self):
        self.assert_passes([self.told(), request(1000, host="b.test")])

    def test_every_early_request_is_one(self):
        report = judge([self.told(), request(1000), request(1200), request(2100)], Rules())
        self.assertEqual(len(report.violations), 2)

    def test_what_was_on_its_way_is_only_counted(self):
        report = self.assert_passes([self.told(), request(15)], min_interval_ms=0)
        self.assertEqual(report.crossed, 1)

    def test_an_answer_that_never_arrived_binds_nobody(self):
        self.assert_passes([self.told(complete=False), request(1000)])

    def test_other_statuses_do_not_count(self):
        self.assert_passes([self.told(status=301), request(1000)])

    def test_unreadable_ones_are_counted(self):
        report = self.assert_passes([self.told(retry_after="soon"), request(1000)])
        self.assertEqual(report.unreadable_retry_afters, 1)

    def test_a_day_is_the_most(self):
        week = str(7 * 24 * 3600)
        self.assert_passes([self.told(retry_after=week), request(24 * 3600 * 1000 + 20)])
        self.assert_fails("before_retry_after", [self.told(retry_after=week), request(23 * 3600 * 1000)])

    def test_learnt_just_before_a_kill_is_an_exemption(self):
        report = self.assert_passes([self.told(), request(1500)], kills_ns=[at(500)])
        self.assertEqual(report.exemptions, 1)

    def test_learnt_long_before_a_kill_is_none(self):
        requests = [self.told(retry_after="20"), request(15_000)]
        self.assert_fails("before_retry_after", requests, kills_ns=[at(5000)])

    def test_a_kill_after_the_early_request_is_none(self):
        self.assert_fails("before_retry_after", [self.told(), request(500)], kills_ns=[at(800)])


class RobotsFirst(JudgeTest):
    def test_before_the_answer(self):
        requests = [request(0, 300, path="/robots.txt"), request(200)]
        self.assert_fails("before_robots", requests, robots_first=True)
        self.assert_passes(requests)

    def test_never_asked(self):
        self.assert_fails("before_robots", [request(0)], robots_first=True)

    def test_each_origin_has_its_own(self):
        requests = [request(0, path="/robots.txt"), request(200), request(400, scheme="http")]
        self.assert_fails("before_robots", requests, robots_first=True)

    def test_after_the_answer(self):
        self.assert_passes([request(0, path="/robots.txt"), request(200)], robots_first=True)

    def test_an_answer_that_settles_nothing_is_none(self):
        for answer in ({"status": 500}, {"status": 429}, {"complete": False}):
            self.assert_fails("before_robots", [request(0, path="/robots.txt", **answer), request(200)], robots_first=True)
        self.assert_passes([request(0, path="/robots.txt", status=404), request(200)], robots_first=True)


class RobotsRules(JudgeTest):
    TEXTS = {"part": "User-agent: *\nDisallow: /\n\nUser-agent: gritd\nDisallow: /private/\nAllow: /private/*.gif$\n"}

    def robots(self, at_ms: float = 0, **fields) -> Request:
        return request(at_ms, path="/robots.txt", **{"rule": "part"} | fields)

    def judge(self, *requests: Request, kind: str | None = None, **rules) -> judge_module.Report:
        rules = {"robots_first": True, "robots": self.TEXTS} | rules
        return self.assert_fails(kind, [*requests], **rules) if kind else self.assert_passes([*requests], **rules)

    def test_a_forbidden_path(self):
        self.judge(self.robots(), request(200, path="/private/a.jpg"), kind="forbidden")
        self.judge(self.robots(), request(200, path="/%70rivate/a.jpg"), kind="forbidden")
        self.judge(self.robots(), request(200, path="/private/a.gif?"), kind="forbidden")

    def test_an_allowed_path(self):
        self.judge(self.robots(), request(200, path="/a.jpg"), request(400, path="/private/a.gif"))

    def test_each_origin_has_its_own(self):
        plain = request(200, scheme="http", path="/robots.txt", status=404)
        self.judge(self.robots(), plain, request(400, scheme="http", path="/private/a.jpg"))

    def test_the_last_answer_counts(self):
        later = self.robots(300, status=404)
        self.judge(self.robots(), request(200, path="/private/"), later, request(400, path="/private/"),
                   kind="forbidden", stops_ns=[at(250)])  # fmt: skip
        self.judge(later, self.robots(500), request(700, path="/private/"), kind="forbidden", stops_ns=[at(450)])

    def test_an_error_takes_nothing_back(self):
        self.judge(self.robots(), self.robots(200, status=500), request(400, path="/private/"), kind="forbidden")

    def test_rules_by_way_of_a_redirect(self):
        moved = self.robots(status=301, location="https://b.test/robots.txt")
        self.judge(moved, request(200, path="/private/"), kind="forbidden")

    def test_more_than_once_in_a_life(self):
        self.judge(self.robots(), self.robots(200), kind="robots_again")
        self.judge(self.robots(), self.robots(200, scheme="http"))
        for end in ({"kills_ns": [at(150)]}, {"stops_ns": [at(150)]}):
            self.judge(self.robots(), self.robots(200), **end)
            self.judge(self.robots(), self.robots(200), self.robots(400), kind="robots_again", **end)

    def test_once_more_after_an_error(self):
        self.judge(self.robots(status=503), self.robots(200, complete=False), self.robots(400))

    def test_once_more_after_a_redirect_to_nowhere(self):
        moved = [self.robots(i, status=301, location="https://b.test/robots.txt") for i in (0, 500)]
        self.judge(*moved)
        self.judge(*moved, self.robots(200, host="b.test", status=502))
        answered = [self.robots(at_ms, host="b.test") for at_ms in (200, 400, 600)]
        self.judge(*moved, *answered[:2])
        self.judge(*moved, *answered, kind="robots_again")

    def test_once_more_for_each_redirect(self):
        moved = [self.robots(i, host=f"{i}.test", status=301, location="https://a.test/robots.txt") for i in range(2)]
        asked = [self.robots(500 + 200 * i) for i in range(3)]
        self.judge(*moved, *asked)
        self.judge(*moved, *asked, self.robots(1200), kind="robots_again")


class CrawlDelay(JudgeTest):
    RULES = {"robots_first": True, "robots": {"delay": "User-agent: *\nCrawl-delay: 0.5\n"}}

    def robots(self) -> Request:
        return request(0, path="/robots.txt", rule="delay")

    def test_too_soon(self):
        report = self.assert_fails("before_crawl_delay", [self.robots(), request(200), request(680)], **self.RULES)
        self.assertEqual(report.delayed, 1)

    def test_in_time(self):
        self.assert_passes([self.robots(), request(200), request(691)], **self.RULES)

    def test_the_other_scheme_waits_too(self):
        plain = request(0.5, path="/robots.txt", scheme="http", status=404)
        requests = [self.robots(), plain, request(600), request(800, scheme="http")]
        self.assert_fails("before_crawl_delay", requests, min_interval_ms=0, **self.RULES)

    def test_other_hosts_have_none(self):
        requests = [self.robots(), request(200, host="b.test", path="/robots.txt"), request(400, host="b.test")]
        self.assert_passes(requests, **self.RULES)

    def test_unsaved_at_a_kill_is_an_exemption(self):
        requests = [self.robots(), request(200), request(500)]
        report = self.assert_passes(requests, kills_ns=[at(300)], **self.RULES)
        self.assertEqual(report.exempt, {"crawl_delay": 1})
        self.assert_fails("before_crawl_delay", requests, kills_ns=[at(300)], persist_ms=50, **self.RULES)


class CommandLine(unittest.TestCase):
    def run_on(self, requests: list[Request], *arguments: str) -> tuple[int, dict]:
        with tempfile.TemporaryDirectory() as directory:
            log = Path(directory) / "requests.jsonl"
            log.write_text("".join(json.dumps(dataclasses.asdict(request)) + "\n" for request in requests))
            self.assertEqual(len(read_log(log)), len(requests))
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                code = judge_module.main([str(log), *arguments])
            return code, json.loads(out.getvalue())

    def test_exit_codes_and_options(self):
        requests = [request(0), request(60)]
        code, report = self.run_on(requests)
        self.assertEqual((code, report["ok"], report["violation_count"]), (1, False, 1))
        self.assertEqual(report["violations"][0]["kind"], "too_soon")
        code, report = self.run_on(requests, "--min-interval-ms", "50")
        self.assertEqual((code, report["ok"]), (0, True))
        code, report = self.run_on(requests, "--kill-ns", str(at(30)))
        self.assertEqual((code, report["exempt"]), (1, {}))
        requests = [request(0, 10, status=429, retry_after="2"), request(1500)]
        code, report = self.run_on(requests, "--kill-ns", str(at(500)))
        self.assertEqual((code, report["exemptions"], report["exempt"]), (0, 1, {"retry_after": 1}))


if __name__ == "__main__":
    unittest.main()
