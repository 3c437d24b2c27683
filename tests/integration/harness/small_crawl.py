"""A crawl of some 200 lines with a bit of everything, that is hurt, finished, and judged: for tests that do it hundreds of
times."""

from __future__ import annotations

import json
import subprocess
import time
import unittest
from pathlib import Path

from .case import CrawlCase
from .checker import Options, check, read_annotations, read_map
from .daemon import Daemon
from .urls import canonical

HOSTS = 12
OPTED_OUT = "objects.test"
OPTED_OUT_IMAGES = 12
RULES = [
    {"name": "gone", "path": "/gone*", "status": 404},
    {"name": "moved", "path": "/moved*", "redirect": {"to": "https://{host}/image9{path}"}},
    {"name": "hiccup", "path": "/image1.jpg", "host": "h1.test", "status": 500, "first_n": 1},
]
# Hosts that ask to be left alone for a second, at the first request.
BUSY = {"name": "busy", "host": "h1*.test", "status": 429, "retry_after": "1", "first_n": 1, "first_n_of": "host"}
LIFE_LIMIT_S = 60
SIGKILL = 9


def lines(hosts: int) -> list[str]:
    """Images, the same ones again, equal bytes under two URLs, redirects, pages that are gone, and what is no annotation."""
    urls = []
    for host in range(hosts):
        name = f"h{host}.test"
        urls += [f"https://{name}/image{number}.jpg" for number in range(4)]
        urls += [f"http://{name}/image0.jpg", f"https://{name}/gone.jpg", f"https://{name}/moved.png"]
        urls += [f"https://{name}/image{number}.jpg#again" for number in range(4)]
        urls += [f"https://{name}/image{number}.jpg" for number in range(4)]
    urls += [f"https://h{number % 3}.{OPTED_OUT}/{number}.webp" for number in range(OPTED_OUT_IMAGES)]
    text = [json.dumps({"key": f"{number:09d}", "caption": "a picture", "url": url}) for number, url in enumerate(urls)]
    bad = ["{not json", '{"url": 5}', '{"caption": "no url"}', '{"url": "ftp://h0.test/x.jpg"}', '{"url": "https://"}']
    for number, line in enumerate(bad):
        text.insert(number * len(text) // len(bad), line)
    return text


class SmallCrawl:
    """One dataset with a web of its own. The folder goes with a check that found nothing."""

    IMAGES = HOSTS * 6 + OPTED_OUT_IMAGES  # that are served

    def __init__(
        self,
        case: CrawlCase,
        name: str,
        optout: bool = False,
        hosts: int = HOSTS,
        busy: bool = False,
        volumes: tuple[str, ...] = (),
        **overrides: dict,
    ) -> None:
        """@param volumes names of image volumes besides the root. @param overrides as of `config_for`."""
        self._case = case
        self._folder = case.directory / name
        self._folder.mkdir()
        text = lines(hosts)
        self.sources = [self._folder / "first.jsonl", self._folder / "second.jsonl"]  # a run each
        self.sources[0].write_text("\n".join(text[: len(text) // 3]) + "\n")
        self.sources[1].write_text("\n".join(text[len(text) // 3 :]) + "\n")
        self.web = case.web(([BUSY] if busy else []) + RULES, name=f"{name}/web", mean_bytes=3000)
        options = {
            "politeness": {"min_interval": "10ms", "connections_per_address": 4096, "connections_per_domain": 64, "robots": False},
            "retry": {"schedule": ["100ms", "100ms"], "once_patience": "10s"},
            "metrics": {"listen": ""},
            "storage": {"min_free": "0B"},
        }
        for table, keys in overrides.items():
            options[table] = options.get(table, {}) | keys
        self._volumes = {name: self._folder / f"volume-{name}" for name in volumes}
        for path in self._volumes.values():
            path.mkdir()
        if volumes:
            options["storage"]["volumes"] = {name: str(path) for name, path in self._volumes.items()}
        self.daemon: Daemon = case.daemon(self.web, self.sources, name=f"{name}/gritd", **options)
        self._optout = optout
        self._ordered = False
        self._recorded: list[tuple[int, set[bytes]]] = []

    def life(self, environment: dict, codes: tuple[int, ...] = (0,)) -> bool:
        """Runs until gritd ends, by itself or killed by what the environment tells it. @return whether it was killed."""
        self.daemon.start(once=True, environment=environment)
        return self._end(codes)

    def _end(self, codes: tuple[int, ...]) -> bool:
        try:
            code = self.daemon.wait(LIFE_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._case.fail(f"gritd still runs after {LIFE_LIMIT_S} s:\n{self.daemon.log_text()[-4000:]}")
        self.note_recorded()
        self.last_code = code
        if code != -SIGKILL:
            self._case.assertIn(code, codes, f"exit code of gritd; its log:\n{self.daemon.log_text()[-4000:]}")
        return code == -SIGKILL

    def wait_out(self, environment: dict, lift: Path) -> str:
        """A daemon whose disk fails from some moment on until `lift` is there. @return what it did about it, in a word or two."""
        self.daemon.start(once=False, environment=environment)
        control = self._case.control(self.daemon)

        def seen() -> str | None:
            if not self.daemon.running():
                return f"ended {self.daemon.exit_code()}"
            status = control.status()
            if status["state"] == "paused":
                return "paused: " + status["pause_reason"].split(":")[0]
            left = sum(status["records"][state] for state in ("pending", "in_flight", "waiting"))
            return "went on" if status["input"]["complete"] and left == 0 else None

        how = self._case.wait_for("it pauses, ends or does without", seen, LIFE_LIMIT_S)
        lift.touch()
        if how.startswith("paused"):
            self._case.wait_settled_or_ended(self.daemon, LIFE_LIMIT_S)
        if self.daemon.running():
            self.daemon.signal(15)
        self._end((0, 74, 75))
        return how if self.last_code == 0 or how.startswith("ended") else f"{how}, ended {self.last_code}"

    def note_recorded(self) -> None:
        """What is on record now must never be asked for again."""
        now = time.time_ns()
        there = (self.daemon.state_dir / "data.mdb").exists()
        try:
            self._recorded.append((now, set(read_map(self.daemon.state_dir)) if there else set()))
        except Exception as error:  # lmdb has many: a state that was being made has no tables yet
            self._case.assertIn(type(error).__name__, ("NotFoundError", "ReadonlyError", "InvalidError", "Error"))

    def opt_out(self, environment: dict) -> bool:
        """Has the images of a domain deleted. @return whether gritd was killed on the way."""
        self.daemon.start(once=False, environment=environment)
        self._order()
        self._case.wait_for("the end of the opt-out, or of gritd", lambda: self._opted_out() or not self.daemon.running(), 30)
        if self.daemon.running():
            self.daemon.signal(15)
        return self._end((0,))

    def _order(self) -> None:
        control = self._case.control(self.daemon)

        def ordered() -> bool:
            if not self.daemon.running() or self._opted_out():
                return True
            if control.ask("GET", "optout")[0] == 200:
                return True  # noted in an earlier life that could not say so
            status, answer = control.ask("POST", "optout", {"domain": OPTED_OUT, "delete": True, "reason": "asked by mail"})
            self._case.assertIn(status, (200, 202, 409), answer)
            self._ordered = True
            return True

        self._case.wait_for("gritd takes the order, or dies of it", ordered, 30)

    def _opted_out(self) -> bool:
        ledger = self.daemon.state_dir / "optouts.jsonl"
        return ledger.exists() and ledger.read_text().endswith("\n")

    def finish(self, environment: dict | None = None) -> None:
        """A life without faults, to the end."""
        self.daemon.start(once=False, environment=environment)
        if self._optout and not self._ordered:
            self._order()  # who got no answer asks again
        self._case.wait_settled(self.daemon, LIFE_LIMIT_S)
        if self._optout:
            self._case.wait_for("the opt-out is done", self._opted_out, 30)
        self.stats = self._case.control(self.daemon).stats()
        self._case.terminate(self.daemon)

    @property
    def folders(self) -> list[str]:
        """What a disk's failures are about: the state and the images."""
        return [str(path) for path in (self.daemon.state_dir, self.daemon.root, *self._volumes.values())]

    def begin_again(self) -> None:
        """The folders were changed: what was on record in earlier lives counts no more, what is there now does."""
        self._recorded.clear()
        self._ordered = False
        self.note_recorded()

    def check(self, go_on: bool = False) -> int:
        """Judges it all. @param go_on the web is needed again. @return how many images were fetched more than once."""
        if not go_on:
            self.web.stop()
        case, daemon = self._case, self.daemon
        count, urls = read_annotations(self.sources)
        entries = read_map(daemon.state_dir)
        wanted = {key for key, url in urls.items() if canonical(url) is not None and "gone" not in url}
        if self._optout:
            wanted = {key for key in wanted if OPTED_OUT.encode() not in key}
            case.assertEqual(len((daemon.state_dir / "optouts.jsonl").read_text().splitlines()), 1)
        case.assertEqual(set(entries), wanted)
        report = check(self.sources, self.web.log_file, daemon.root, entries, Options(finished=not self._optout, allowance=1000))
        case.assert_clean(report)
        for root in (daemon.root, *self._volumes.values()):
            case.assertEqual(list((root / ".gritd" / "tmp").iterdir()), [], "left-over temporaries")
        case.assertEqual(self.stats["lines"], count)
        case.assertEqual(sum(self.stats["outcomes"].values()) + self.stats["quarantined"], count, self.stats)
        bad = [(entry["file"], entry["line"]) for entry in map(json.loads, (daemon.state_dir / "quarantine.jsonl").read_text().splitlines())]
        case.assertEqual(len(bad), self.stats["quarantined"])
        case.assertEqual(bad, sorted(set(bad)), "each bad line once, in order")
        self._check_asked(urls)
        return report.refetched + report.redirect_targets_served_again

    def _check_asked(self, urls: dict[bytes, str]) -> None:
        asked = {(r.scheme, r.host, r.path): r.t_ns for r in self.web.requests()}
        for death_ns, keys in self._recorded:
            again = [urls[key] for key in keys if asked.get(canonical(urls[key]), 0) > death_ns]
            self._case.assertEqual(again, [], "on record, and asked for again")
