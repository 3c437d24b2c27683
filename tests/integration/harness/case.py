"""What crawl tests have in common: a folder, a web, daemons that never outlive the test, and waiting with a limit."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path
from typing import Callable, Iterable

from .control import Control
from .daemon import Daemon, config_for
from .judge import Report, Rules, judge
from .web import Web

REPOSITORY = Path(__file__).resolve().parents[3]
SHARED_DATA = REPOSITORY.parent / "shared" / "data"
# No web outlives a test that hangs, whatever ends the test.
WEB_LIMIT_S = 300
LOG_TAIL = 4000


def needs_data(name: str):
    """Skips a test where a file of real annotations is not there."""
    path = SHARED_DATA / name
    return unittest.skipUnless(path.exists(), f"{path} is absent: it is not part of the project")


def write_annotations(path: str | Path, urls: Iterable[str], first_key: int = 0) -> Path:
    """One GRIT-like line per URL."""
    with open(path, "w", encoding="utf-8") as file:
        for number, url in enumerate(urls, first_key):
            file.write(json.dumps({"key": f"{number:09d}", "caption": f"picture {number}", "url": url}) + "\n")
    return Path(path)


def dialled_ports(urls: dict[bytes, str], web) -> dict[str, int]:
    """Every port that the input names, on the web's one of that scheme."""
    ports = {"80": web.http_port, "443": web.https_port}
    for raw in urls.values():
        scheme, _, rest = raw.partition("://")
        _, colon, port = rest.partition("/")[0].rpartition(":")
        if colon and port.isdigit():
            ports[port] = web.http_port if scheme.lower() == "http" else web.https_port
    return ports


class CrawlCase(unittest.TestCase):
    """Each test has a folder of its own; GRIT_KEEP=1 leaves it behind."""

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="grit-it-"))
        if not os.environ.get("GRIT_KEEP"):
            self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def web(self, rules: list[dict] | None = None, **options) -> Web:
        """A running web, stopped with the test (or before, by the test)."""
        name = options.pop("name", "web")
        options.setdefault("stop_after_s", WEB_LIMIT_S)
        web = Web(self.directory / name, rules, **options)
        web.start()
        self.addCleanup(web.stop)
        return web

    def daemon(self, web: Web, annotations: list[str | Path], name: str = "gritd", **overrides: dict) -> Daemon:
        """A daemon that is not started yet. @param overrides as of `config_for`."""
        directory = self.directory / name
        directory.mkdir(exist_ok=True)
        daemon = Daemon(directory, config_for(web, directory, annotations, **overrides))
        self.addCleanup(daemon.__exit__)
        return daemon

    def control(self, daemon: Daemon) -> Control:
        return Control(daemon.config["admin"]["socket"])

    def annotations(self, urls: Iterable[str], name: str = "annotations.jsonl") -> Path:
        return write_annotations(self.directory / name, urls)

    # Waiting ----------------------------------------------------------------------------------------------------------

    def wait_for(self, what: str, ready: Callable[[], object], limit_s: float = 30, step_s: float = 0.02):
        """Waits until `ready` gives something true, and returns it; connection errors count as "not yet"."""
        until = time.monotonic() + limit_s
        while True:
            try:
                found = ready()
            except OSError:
                found = None
            if found:
                return found
            if time.monotonic() > until:
                self.fail(f"after {limit_s} s still not: {what}")
            time.sleep(step_s)

    def wait_ready(self, daemon: Daemon, limit_s: float = 30) -> Control:
        """Waits until the daemon answers on its socket."""
        control = self.control(daemon)

        def answers() -> bool:
            self.check_running(daemon)
            return bool(control.status())

        self.wait_for("gritd answers", answers, limit_s)
        return control

    def check_running(self, daemon: Daemon) -> None:
        if not daemon.running():
            self.fail(f"gritd has ended by itself ({daemon.exit_code()}):\n{daemon.log_text()[-LOG_TAIL:]}")

    def wait_settled(self, daemon: Daemon, limit_s: float) -> dict:
        """Waits until the input is read and nothing is open; returns the status."""
        control = self.wait_ready(daemon)

        def settled() -> dict | None:
            self.check_running(daemon)
            status = control.status()
            open_records = sum(status["records"][state] for state in ("pending", "in_flight", "waiting"))
            return status if status["input"]["complete"] and open_records == 0 else None

        try:
            return self.wait_for("all records are settled", settled, limit_s, step_s=0.1)
        except self.failureException as failure:
            left = [
                host for host in control.get("hosts", limit="10")["hosts"] if host["remaining"] or host["open_requests"]
            ]
            self.fail(f"{failure}: {json.dumps(control.status(), indent=1)} {json.dumps(left, indent=1)}")

    def wait_settled_or_ended(self, daemon: Daemon, limit_s: float) -> None:
        """As `wait_settled`, of a daemon that may rightly end instead."""
        try:
            self.wait_settled(daemon, limit_s)
        except (self.failureException, OSError):
            if daemon.running():
                raise

    def finish(self, daemon: Daemon, limit_s: float, code: int = 0) -> None:
        """Waits for gritd's own end and judges its exit code."""
        try:
            ended = daemon.wait(limit_s)
        except subprocess.TimeoutExpired:
            self.fail(f"gritd still runs after {limit_s} s:\n{daemon.log_text()[-LOG_TAIL:]}")
        self.assertEqual(ended, code, f"exit code of gritd; its log:\n{daemon.log_text()[-LOG_TAIL:]}")

    def run_once(self, daemon: Daemon, limit_s: float, code: int = 0) -> None:
        daemon.start(once=True)
        self.finish(daemon, limit_s, code)

    def terminate(self, daemon: Daemon, limit_s: float = 30) -> None:
        """SIGTERM, and a clean end."""
        daemon.signal(15)
        self.finish(daemon, limit_s)

    # Judging ----------------------------------------------------------------------------------------------------------

    def assert_polite(self, web: Web, rules: Rules) -> Report:
        """Judges what has been asked so far; stop the web before."""
        report = judge(web.requests(), rules)
        self.assertTrue(
            report.ok, json.dumps(report.to_dict() | {"violations": report.to_dict()["violations"][:15]}, indent=1)
        )
        return report

    def assert_clean(self, report) -> None:
        """A checker's report."""
        self.assertTrue(report.ok, json.dumps(report.to_dict(), indent=1)[:LOG_TAIL])

    def metrics(self, daemon: Daemon, path: str = "/metrics") -> tuple[int, str]:
        """(status, body) of the metrics listener."""
        url = f"http://{daemon.config['metrics']['listen']}{path}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read().decode()

    def named_hosts(self, source: Path) -> Path:
        """The input with names for the few hosts that are addresses: those would be dialled themselves, not the web."""
        address = re.compile(rb'("url": *"https?://)(\d+)\.(\d+)\.(\d+)\.(\d+)(?=[:/])')
        text, count = address.subn(rb"\1\2-\3-\4-\5.test", source.read_bytes())
        self.assertLess(count, 10, "an input of names")
        copy = self.directory / source.name
        copy.write_bytes(text)
        return copy
