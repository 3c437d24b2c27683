"""The machine's clock jumps by a day, either way, while gritd runs or between two runs: nobody is asked too early, and nobody
waits for it."""

from __future__ import annotations

import os
import struct
import time
import unittest
from collections import defaultdict

import lmdb
from harness import processes
from harness.case import CrawlCase

DAY_MS = 86_400_000
HOSTS = 8
RETRY_AFTER_S = 9
RETRY_S = 8  # spread by a fifth
RULES = [
    {"name": "busy", "host": "busy*", "status": 429, "retry_after": str(RETRY_AFTER_S), "first_n": 1, "first_n_of": "host", "path": "/*.jpg"},
    {"name": "hiccup", "host": "hiccup*", "status": 500, "first_n": 1},
]
# What a start, a commit and a busy machine take.
LATE_S = 6


class Run:
    """A crawl whose machine's clock is the test's."""

    def __init__(self, case: CrawlCase, name: str) -> None:
        self.case = case
        self.name = name
        self.web = case.web(RULES, name=f"web-{name}", mean_bytes=600)
        urls = [f"https://{kind}{host}.test/{n}.jpg" for host in range(HOSTS) for kind in ("busy", "hiccup") for n in range(1)]
        self.daemon = case.daemon(
            self.web,
            [case.annotations(urls, f"{name}.jsonl")],
            name=name,
            politeness={"min_interval": "10ms", "connections_per_address": 4096, "robots": True},
            retry={"schedule": [f"{RETRY_S}s"], "once_patience": "30s"},
        )
        self.shift = case.directory / f"shift-{name}"
        self.jump(0)

    def jump(self, ms: int) -> None:
        with open(self.shift, "r+b" if self.shift.exists() else "wb") as file:
            file.write(struct.pack("=q", ms))

    def start(self) -> None:
        preload = processes.find_program("libgrit_clock_shift.so", "GRIT_CLOCK_SHIFT_LIBRARY")
        self.daemon.start(once=False, environment={"LD_PRELOAD": str(preload), "GRIT_CLOCK_SHIFT": str(self.shift)})

    def all_refused(self) -> bool:
        """Each host has answered once, and what it said is on record."""
        if sum(request.path.endswith(".jpg") for request in self.web.requests()) < 2 * HOSTS:
            return False
        env = lmdb.open(str(self.daemon.state_dir), max_dbs=16, readonly=True, map_size=1 << 40)
        try:
            retries = env.open_db(b"retries", create=False)
            with env.begin(db=retries) as txn:
                return txn.stat()["entries"] >= HOSTS
        finally:
            env.close()

    def waits(self) -> dict[str, list[float]]:
        """{kind of host: the seconds between its two requests for a picture}."""
        asked = defaultdict(list)
        for request in self.web.requests():
            if request.path.endswith(".jpg"):
                asked[request.host].append(request.t_ns)
        waits = defaultdict(list)
        for host, times in asked.items():
            self.case.assertEqual(len(times), 2, f"{self.name}: {host}")
            waits[host.rstrip("0123456789.tes")].append((times[1] - times[0]) / 1e9)
        return waits


class Clock(CrawlCase):
    def test_a_day_either_way(self):
        runs = {}
        for between in (False, True):
            for ms in (DAY_MS, -DAY_MS):
                name = f"{'between' if between else 'running'}-{'forward' if ms > 0 else 'back'}"
                runs[name] = (Run(self, name), between, ms)
        for run, _, _ in runs.values():
            run.start()
        for run, between, ms in runs.values():
            self.wait_for(f"{run.name}: all have answered", run.all_refused, 30)
        time.sleep(1)  # whatever else is on its way into the state
        for run, between, ms in runs.values():
            if between:
                run.daemon.kill()
            run.jump(ms)
            if between:
                run.start()
        for name, (run, between, ms) in runs.items():
            with self.subTest(name):
                status = self.wait_settled(run.daemon, 60)
                self.assertEqual(status["outcomes"], {"stored": 2 * HOSTS})
                waits = run.waits()
                print(f"{name}: {', '.join(f'{kind} {min(all):.1f} to {max(all):.1f} s' for kind, all in sorted(waits.items()))}")
                self.assertGreaterEqual(min(waits["busy"]), RETRY_AFTER_S)
                self.assertLess(max(waits["busy"]), RETRY_AFTER_S * 1.1 + LATE_S)
                self.assertGreaterEqual(min(waits["hiccup"]), RETRY_S * 0.8)
                self.assertLess(max(waits["hiccup"]), RETRY_S * 1.2 + LATE_S)
                robots = sum(request.path == "/robots.txt" for request in run.web.requests())
                self.assertEqual(robots, 2 * HOSTS, "what is believed for a day is not asked again after seconds")
                self.assertIn("clock.jumped", run.daemon.log_text())
                self.terminate(run.daemon)

    def test_a_retry_is_shown_as_the_machine_has_it(self):
        run = Run(self, "shown")
        run.start()
        self.wait_for("all have answered", run.all_refused, 30)
        run.jump(DAY_MS)
        record = self.control(run.daemon).record("https://hiccup0.test/0.jpg")
        if record["state"] == "waiting":
            due = time.mktime(time.strptime(record["next_try"][:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
            self.assertTrue(abs(due - time.time() - DAY_MS / 1000) < 60, record)
        explained = self.control(run.daemon).get("explain", url="https://hiccup0.test/0.jpg")
        if explained["not_before"]:
            self.assertLess(explained["not_before"] - explained["now"], 60)
        self.terminate(run.daemon)


if __name__ == "__main__":
    unittest.main()
