"""The daemon as its operator knows it: start and stop, --once, the control socket, metrics, systemd."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
import time
import unittest

from harness.case import REPOSITORY, CrawlCase
from harness.checker import Options, check, read_map
from harness.daemon import Daemon, free_port

POLITENESS = {"min_interval": "20ms", "connections_per_address": 4096, "robots": False}


def urls_of(host: str, count: int) -> list[str]:
    return [f"https://{host}/{number}.jpg" for number in range(count)]


def keys_of(value: object, below: str = "") -> set[str]:
    """Every key of nested objects, as dotted paths. What `outcomes` holds depends on the crawl."""
    if not isinstance(value, dict) or below == "outcomes.":
        return set()
    return {below + key for key in value} | {path for key in value for path in keys_of(value[key], f"{below}{key}.")}


class DaemonCase(CrawlCase):
    def crawl(self, urls: list[str], rules: list[dict] | None = None, once: bool = False, **overrides):
        """(web, daemon that runs)"""
        web = self.web(rules)
        overrides["politeness"] = POLITENESS | overrides.get("politeness", {})
        daemon = self.daemon(web, [self.annotations(urls)], **overrides)
        daemon.start(once=once)
        return web, daemon


class StartAndStop(DaemonCase):
    def test_a_second_daemon_on_the_same_state_is_sent_away(self):
        web, first = self.crawl(urls_of("a.test", 3))
        self.wait_settled(first, 20)
        second = self.daemon(web, first.config["input"]["annotations"], name="second", state=first.config["state"])
        second.start(once=True)
        self.finish(second, 10, code=75)
        self.assertIn(str(first.state_dir), second.log_text())
        self.assertRegex(second.log_text(), "daemon.not_started problem=.*(another|running|locked|in use)")
        self.assertTrue(first.running())
        self.terminate(first)
        self.run_once(first, 10)

    def test_a_second_daemon_on_the_same_root_is_sent_away(self):
        web, first = self.crawl(urls_of("a.test", 3))
        self.wait_settled(first, 20)
        second = self.daemon(web, first.config["input"]["annotations"], name="second", storage=first.config["storage"])
        second.start(once=True)
        self.finish(second, 10, code=75)
        self.assertIn(str(first.root), second.log_text())
        self.terminate(first)

    def test_a_socket_that_somebody_answers_on_is_refused(self):
        web, first = self.crawl(urls_of("a.test", 3))
        self.wait_settled(first, 20)
        second = self.daemon(web, first.config["input"]["annotations"], name="second", admin=first.config["admin"])
        second.start(once=True)
        self.finish(second, 10, code=74)
        self.assertIn("grit.sock", second.log_text())
        self.assertTrue(self.control(first).status())
        self.terminate(first)

    def test_sigterm_lets_what_is_in_flight_end(self):
        urls = [url for number in range(10) for url in urls_of(f"h{number}.test", 4)]
        web, daemon = self.crawl(urls, [{"name": "slow", "delay_ms": 1000}])
        control = self.wait_ready(daemon)
        self.wait_for("many are in flight", lambda: control.status()["records"]["in_flight"] >= 15)
        self.terminate(daemon)
        self.wait_for("the web has logged them", lambda: len(web.requests()) >= 15, 5)
        asked = web.requests()
        self.assertEqual([str(r) for r in asked if not r.complete], [], "none was cut")
        self.assertLess(len(asked), len(urls), "nothing new was begun")
        self.assertEqual(len(read_map(daemon.state_dir)), len(asked), "what came was recorded")
        self.run_once(daemon, 30)
        web.stop()
        self.assertEqual(len(web.requests()), len(urls), "nothing was fetched twice")
        self.assert_clean(
            check(
                daemon.config["input"]["annotations"],
                web.log_file,
                daemon.root,
                read_map(daemon.state_dir),
                Options(require_all=True),
            )
        )

    def test_a_second_sigterm_ends_at_once_and_loses_nothing(self):
        web, daemon = self.crawl(
            urls_of("a.test", 5) + urls_of("b.test", 5), [{"name": "hung", "host": "b.test", "delay_ms": 2500}]
        )
        self.wait_for("one host is done", lambda: sum(r.host == "a.test" for r in web.requests()) == 5)
        daemon.signal(signal.SIGTERM)
        self.wait_for("it drains", lambda: "daemon.draining" in daemon.log_text())
        self.assertTrue(daemon.running(), "it waits for the host that takes its time")
        began = time.monotonic()
        daemon.signal(signal.SIGTERM)
        self.finish(daemon, 2)
        self.assertLess(time.monotonic() - began, 1)
        self.assertEqual(len(read_map(daemon.state_dir)), 5, "what was fetched is on record")
        self.run_once(daemon, 40)
        web.stop()
        self.assertEqual(sum(r.host == "a.test" for r in web.requests()), 5)
        self.assert_clean(
            check(
                daemon.config["input"]["annotations"],
                web.log_file,
                daemon.root,
                read_map(daemon.state_dir),
                Options(require_all=True),
            )
        )

    def test_a_drain_ends_with_its_limit(self):
        web, daemon = self.crawl(
            urls_of("a.test", 2), [{"name": "hung", "delay_ms": 2900}], stop={"drain_limit": "500ms"}
        )
        control = self.wait_ready(daemon)
        self.wait_for("both are in flight", lambda: control.status()["records"]["in_flight"] == 2)
        began = time.monotonic()
        self.terminate(daemon, 5)
        self.assertLess(time.monotonic() - began, 1.5)
        self.run_once(daemon, 20)

    def test_a_stop_does_not_wait_for_a_silent_name_server(self):
        web, daemon = self.crawl(
            urls_of("silent.test", 2), [{"name": "silent", "dns": "timeout"}], stop={"drain_limit": "200ms"}
        )
        self.wait_for("it asks", lambda: "silent.test" in (web.directory / "dns.jsonl").read_text())
        began = time.monotonic()
        self.terminate(daemon, 20)
        self.assertLess(time.monotonic() - began, 1.2)

    def test_drain_and_stop_over_the_socket_end_it(self):
        for command in ("drain", "stop"):
            with self.subTest(command):
                web = self.web(name=f"web-{command}")
                daemon = self.daemon(web, [self.annotations(urls_of("a.test", 5))], name=command, politeness=POLITENESS)
                daemon.start(once=False)
                self.wait_settled(daemon, 20)
                self.assertEqual(daemon.ctl(command).returncode, 0)
                self.finish(daemon, 10)
                self.assertEqual(daemon.ctl("status").returncode, 3)
                self.assertFalse(daemon.config["admin"]["socket"].exists(), "its socket is gone")


class Once(DaemonCase):
    def test_a_host_that_is_down_beyond_the_patience_is_7_and_0_when_it_is_back(self):
        rules = [
            {"name": "down", "host": "down.test", "dns": "servfail", "until_s": 4},
            {"name": "sick", "host": "sick.test", "status": 500, "until_s": 4},
        ]
        began = time.monotonic()
        web, daemon = self.crawl(
            urls_of("down.test", 3) + urls_of("sick.test", 2) + urls_of("well.test", 3),
            rules,
            once=True,
            retry={"schedule": ["5s", "1h"], "once_patience": "1s"},
        )
        self.finish(daemon, 15, code=7)
        self.assertEqual(len(read_map(daemon.state_dir)), 3)
        # The wait that was promised to the hosts is held over the restart, 20 % of jitter included.
        until = began + 7
        while time.monotonic() < until:
            time.sleep(0.1)
        self.run_once(daemon, 20, code=0)
        self.assertEqual(len(read_map(daemon.state_dir)), 8)
        self.assertEqual(sum(r.host == "sick.test" and r.status == 500 for r in web.requests()), 2)

    def test_a_wait_within_the_patience_is_waited(self):
        rules = [{"name": "sick", "host": "sick.test", "status": 500, "first_n": 1}]
        _, daemon = self.crawl(
            urls_of("sick.test", 3), rules, once=True, retry={"schedule": ["500ms"], "once_patience": "3s"}
        )
        self.finish(daemon, 15, code=0)
        self.assertEqual(len(read_map(daemon.state_dir)), 3)

    def test_what_is_gone_is_settled_too(self):
        rules = [
            {"name": "sick", "host": "sick.test", "status": 500},
            {"name": "none", "host": "none.test", "dns": "nxdomain"},
        ]
        urls = urls_of("sick.test", 2) + urls_of("none.test", 2)
        _, daemon = self.crawl(urls, rules, once=True, retry={"schedule": ["200ms"], "once_patience": "3s"})
        self.finish(daemon, 15, code=0)
        self.assertEqual(read_map(daemon.state_dir), {})


class Operating(DaemonCase):
    def test_pause_and_resume(self):
        urls = [url for number in range(5) for url in urls_of(f"h{number}.test", 60)]
        web, daemon = self.crawl(urls, politeness={"min_interval": "50ms"})
        self.wait_for("the crawl is under way", lambda: len(web.requests()) > 20)
        self.assertEqual(daemon.ctl("pause", "moving the rack").returncode, 0)
        control = self.control(daemon)
        status = control.status()
        self.assertEqual((status["state"], status["pause_reason"]), ("paused", "moving the rack"))
        self.wait_for("what was in flight has ended", lambda: control.status()["records"]["in_flight"] == 0)
        asked = len(web.requests())
        self.assertEqual(self.metrics(daemon, "/readyz")[0], 503)
        self.assertIn("moving the rack", self.metrics(daemon, "/readyz")[1])
        self.assertEqual(self.metrics(daemon, "/healthz")[0], 200, "a pause is no illness")
        self.assertIn("\ngritd_paused 1\n", self.metrics(daemon)[1])
        self.assertIn("moving the rack", daemon.ctl("status").stdout)
        self.assertIn("moving the rack", control.get("explain", url=urls[-1])["why"])
        time.sleep(0.5)  # ten intervals of five hosts
        self.assertEqual(len(web.requests()), asked, "nothing new is begun")
        self.assertEqual(daemon.ctl("resume").returncode, 0)
        self.assertEqual(control.status()["pause_reason"], "")
        self.assertEqual(self.metrics(daemon, "/readyz")[0], 200)
        self.wait_settled(daemon, 30)
        self.assertEqual(len(web.requests()), len(urls))
        self.terminate(daemon)

    def test_a_reload_changes_what_may_change(self):
        web, daemon = self.crawl(urls_of("a.test", 5))
        self.wait_settled(daemon, 20)
        text = daemon.config_file.read_text()
        daemon.config_file.write_text(text.replace('level = "info"', 'level = "debug"'))
        self.assertEqual(daemon.ctl("reload").returncode, 0)
        daemon.config_file.write_text(text.replace("max_in_flight = 500", "max_in_flight = 0"))
        refused = daemon.ctl("reload")
        self.assertEqual(refused.returncode, 1)
        self.assertRegex(refused.stderr, r"gritd\.toml:\d+:\d+: ")
        self.assertIn("\ngritd_config_last_reload_successful 0\n", self.metrics(daemon)[1])
        daemon.config_file.write_text(
            text.replace('"100ms"', '"100ms"').replace(str(daemon.root), str(daemon.root) + "2")
        )
        refused = daemon.ctl("reload")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("storage.root", refused.stderr)
        self.assertIn("restart", refused.stderr)
        daemon.config_file.write_text(text)
        daemon.signal(signal.SIGHUP)
        self.wait_for(
            "the reload is good again", lambda: "\ngritd_config_last_reload_successful 1\n" in self.metrics(daemon)[1]
        )
        self.terminate(daemon)

    def test_the_log_level_changes_at_run_time(self):
        web, daemon = self.crawl(
            urls_of("a.test", 3), [{"name": "busy", "host": "late.test", "status": 503, "retry_after": "1"}]
        )
        self.wait_settled(daemon, 20)
        self.assertNotIn(" debug ", daemon.log_text())
        self.assertEqual(daemon.ctl("log-level", "debug").returncode, 0)
        with open(daemon.config["input"]["annotations"][0], "a") as file:
            file.write(json.dumps({"url": "https://late.test/1.jpg"}) + "\n")
        daemon.ctl("reload")  # the config says info: it is in force again
        daemon.ctl("log-level", "debug")
        self.wait_for("debug lines", lambda: " debug " in daemon.log_text())
        self.assertEqual(self.control(daemon).ask("POST", "log-level", {"level": "loud"})[0], 400)
        daemon.ctl("stop")
        self.finish(daemon, 10)

    def test_a_retry_asks_again_what_failed(self):
        rules = [
            {"name": "later", "host": "later.test", "status": 404, "first_n": 1},
            {"name": "none", "host": "none.test", "status": 404},
        ]
        later, none = urls_of("later.test", 3), urls_of("none.test", 2)
        web, daemon = self.crawl(later + none, rules)
        self.wait_settled(daemon, 20)
        self.assertEqual(self.control(daemon).record(later[0])["outcome"], "http_not_found")
        counts = self.control(daemon).stats()["outcomes"]
        self.assertEqual((counts["http_not_found"], counts["stored"]), (5, 0))
        for arguments, wanted in (
            (("--outcome", "http_not_found", "--dry-run"), 5),
            (("--outcome", "http_not_found", "--host", "later.test", "--dry-run"), 3),
            (("--outcome", "http_not_found,robots_denied", "--since", "1h", "--dry-run"), 5),
            (("--outcome", "robots_denied", "--dry-run"), 0),
            (("--outcome", "http_not_found", "--host", "later.test"), 3),
        ):
            self.assertEqual(daemon.ctl_json("retry", *arguments), {"requeued": wanted})
        self.assertEqual(daemon.ctl("retry", "--outcome", "dns_failure", "--host", "unknown.test").returncode, 1)
        self.wait_for("they are stored", lambda: self.control(daemon).stats()["outcomes"]["stored"] == 3)
        self.wait_settled(daemon, 20)
        counts = self.control(daemon).stats()["outcomes"]
        self.assertEqual((counts["http_not_found"], counts["stored"]), (2, 3))
        self.assertEqual(sum(r.host == "none.test" for r in web.requests()), 2)
        self.assertEqual(set(read_map(daemon.state_dir)), {url.encode() for url in later})
        self.terminate(daemon)
        self.run_once(daemon, 10)
        self.assertEqual(len(web.requests()), 8)


class Answers(DaemonCase):
    def test_status_has_exactly_the_documented_keys(self):
        web, daemon = self.crawl(urls_of("a.test", 3))
        self.wait_settled(daemon, 20)
        documentation = (REPOSITORY / "docs" / "admin_api.md").read_text()
        documented = json.loads(re.search(r"## Status\s+```json\n(.*?)```", documentation, re.DOTALL)[1])
        status = daemon.ctl_json("status")
        self.assertEqual(keys_of(status), keys_of(documented))
        self.assertEqual(status["instance"], "gritd")
        self.assertIn(status["state"], documented["state"].split("|"))
        self.assertEqual(status["outcomes"], {"stored": 3})
        self.assertEqual(status["records"], {"pending": 0, "in_flight": 0, "waiting": 0, "done": 3, "gone": 0})
        self.assertEqual(status["hosts"]["known"], status["hosts"]["finished"])
        self.assertEqual(status["metrics"], f"http://{daemon.config['metrics']['listen']}/metrics")
        self.assertEqual(status["stored_bytes"], sum(path.stat().st_size for path in daemon.root.rglob("*.jpg")))
        for plain in (daemon.ctl("status").stdout, daemon.ctl("stats").stdout):
            self.assertNotIn("\x1b", plain, "no colours into a pipe")
        self.terminate(daemon)

    def test_hosts_and_records_are_told(self):
        urls = urls_of("big.test", 9) + urls_of("bad.test", 4) + urls_of("small.test", 1)
        web, daemon = self.crawl(urls, [{"name": "bad", "host": "bad.test", "status": 404}])
        self.wait_settled(daemon, 20)
        names = lambda sort: [host["name"] for host in daemon.ctl_json("hosts", "--sort", sort)["hosts"]]
        self.assertEqual(names("stored"), ["big.test", "small.test", "bad.test"])
        self.assertEqual(names("errors")[0], "bad.test")
        self.assertEqual(len(daemon.ctl_json("hosts", "--limit", "2")["hosts"]), 2)
        host = daemon.ctl_json("host", "bad.test")
        self.assertEqual((host["name"], host["stored"], host["failed"], host["remaining"]), ("bad.test", 0, 4, 0))
        record = daemon.ctl_json("record", "HTTPS://BIG.test:443/x/../0.jpg")  # as an annotation might spell it
        self.assertEqual((record["url"], record["outcome"], record["ordinal"]), (urls[0], "stored", 0))
        self.assertTrue((daemon.root / record["path"]).is_file())
        self.assertEqual((daemon.root / record["path"]).stat().st_size, record["bytes"])
        self.assertIn("stored", daemon.ctl_json("explain", urls[0])["why"])
        self.assertIn("no annotation", daemon.ctl_json("explain", "https://unknown.test/")["why"])
        for unknown in (
            ("record", "https://big.test/absent.jpg"),
            ("record", "https://unknown.test/1.jpg"),
            ("host", "unknown.test"),
        ):
            done = daemon.ctl(*unknown)
            self.assertEqual((done.returncode, done.stdout), (4, ""))
            self.assertIn(unknown[1], done.stderr)
        self.terminate(daemon)

    def test_what_is_wrong_with_a_request_is_told(self):
        web, daemon = self.crawl(urls_of("a.test", 1))
        control = self.wait_ready(daemon)
        for method, path, query, body, wanted in (
            ("GET", "nothing", {}, None, 404),
            ("GET", "pause", {}, None, 405),
            ("GET", "hosts", {"limit": "many"}, None, 400),
            ("GET", "hosts", {"colour": "red"}, None, 400),
            ("GET", "record", {}, None, 400),
            ("POST", "retry", {}, {"outcomes": ["no_such_outcome"]}, 400),
            ("POST", "retry", {}, {"outcomes": ["dns_failure"], "hosts": "a.test"}, 400),
            ("POST", "pause", {}, {"reason": 5}, 400),
        ):
            with self.subTest(path=path, query=query, body=body):
                status, problem = control.ask(method, path, body, **query)
                self.assertEqual((status, problem["status"]), (wanted, wanted))
                self.assertNotEqual(problem["detail"], "")
        self.assertEqual(control.raw("GET", "/v1/nothing")[1], "application/problem+json")
        self.terminate(daemon)

    def test_events_tell_the_state_until_the_end(self):
        web, daemon = self.crawl(urls_of("a.test", 100))
        self.wait_ready(daemon)
        watch = (
            subprocess.Popen(
                ["curl", "-sN", "--unix-socket", daemon.config["admin"]["socket"], "http://grit/v1/events"],
                stdout=subprocess.PIPE,
                text=True,
            )
            if shutil.which("curl")
            else self.skipTest("no curl here")
        )
        self.addCleanup(watch.kill)
        self.wait_settled(daemon, 20)
        daemon.ctl("pause", "for the test")
        time.sleep(1.2)  # a progress event comes each second
        daemon.ctl("drain")
        text, _ = watch.communicate(timeout=10)
        self.finish(daemon, 10)
        events = [json.loads(line) for line in text.splitlines()]
        self.assertEqual([event["seq"] for event in events], list(range(1, len(events) + 1)))
        states = [event["to"] for event in events if event["event"] == "state"]
        self.assertEqual(events[0]["event"], "state")
        self.assertIn("paused", states)
        self.assertTrue(any(event["event"] == "progress" and event["status"]["records"]["done"] for event in events))
        self.assertEqual(events[-1]["event"], "end")


class Watched(DaemonCase):
    @unittest.skipUnless(shutil.which("promtool"), "promtool is not installed")
    def test_metrics_please_promtool_and_are_few(self):
        web, daemon = self.crawl([url for number in range(100) for url in urls_of(f"h{number}.test", 5)])
        self.wait_for("the crawl is under way", lambda: len(web.requests()) > 50)
        status, during = self.metrics(daemon)
        self.assertEqual(status, 200)
        self.assertTrue(daemon.running())
        linted = subprocess.run(
            ["promtool", "check", "metrics"], input=during, capture_output=True, text=True, check=False
        )
        self.assertEqual((linted.returncode, linted.stdout + linted.stderr), (0, ""))
        series = [line for line in during.splitlines() if line and not line.startswith("#")]
        self.assertLess(len(series), 500)
        self.assertNotIn(".test", during, "no host in a label")
        self.wait_settled(daemon, 30)
        after = self.wait_for("the gauges follow", lambda: self.gauges(daemon, 500))
        self.assertIn('\ngritd_fetches_total{outcome="stored"} 500\n', after)
        self.assertIn("\ngritd_lines_ingested_total 500\n", after)
        self.assertRegex(after, r"\ngritd_last_success_timestamp_seconds 1\.?\d+")
        self.assertEqual(self.metrics(daemon, "/healthz")[0], 200)
        self.assertEqual(self.metrics(daemon, "/readyz")[0], 200)
        self.assertEqual(self.metrics(daemon, "/nothing")[0], 404)
        self.terminate(daemon)

    def gauges(self, daemon: Daemon, done: int) -> str | None:
        text = self.metrics(daemon)[1]
        return text if f'\ngritd_records{{state="done"}} {done}\n' in text else None

    def test_systemd_is_told(self):
        path = self.directory / "notify.sock"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(str(path))
            notify.settimeout(10)
            web = self.web()
            daemon = self.daemon(web, [self.annotations(urls_of("a.test", 5))], politeness=POLITENESS)
            daemon.start(once=False, environment={"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "1500000"})
            told: list[str] = []

            def until(word: str) -> str:
                while True:
                    told.append(notify.recv(4096).decode())
                    if word in told[-1]:
                        return told[-1]

            until("READY=1")
            self.assertTrue(self.control(daemon).status(), "it answers when it says so")
            first = time.monotonic()
            until("WATCHDOG=1")
            until("WATCHDOG=1")
            self.assertLess(time.monotonic() - first, 1.5 * 2, "in time, twice")
            self.assertRegex(until("STATUS="), r"STATUS=\d+ of \d+ lines settled")
            daemon.signal(signal.SIGHUP)
            self.assertRegex(until("RELOADING=1"), r"MONOTONIC_USEC=\d+")
            until("READY=1")
            daemon.signal(signal.SIGTERM)
            until("STOPPING=1")
            self.finish(daemon, 10)
            self.assertEqual(sum("STOPPING=1" in message for message in told), 1)

    def test_no_listener_is_no_listener(self):
        web, daemon = self.crawl(urls_of("a.test", 1), metrics={"listen": ""})
        self.assertIsNone(self.wait_ready(daemon).status()["metrics"])
        self.terminate(daemon)

    def test_a_port_that_is_taken_is_refused_in_words(self):
        with socket.create_server(("127.0.0.1", free_port())) as taken:
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            _, daemon = self.crawl(urls_of("a.test", 1), metrics={"listen": address}, once=True)
            self.finish(daemon, 10, code=74)
            self.assertIn(address, daemon.log_text())


if __name__ == "__main__":
    unittest.main()
