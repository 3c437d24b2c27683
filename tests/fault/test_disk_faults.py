"""Calls that concern the state and the images fail, at the first, second, ... of them: once, or from then on.

gritd goes on, or pauses, or ends and says why; nobody is charged, nothing is lost, and no image of a failed sync is ever named.
In CI the calls of each kind are gone through with a stride; GRIT_DISK_FAULTS=all takes every one with every error.
"""

from __future__ import annotations

import os
import unittest
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness import processes
from harness.case import CrawlCase
from harness.disk_log import Call, read_disk_log
from harness.small_crawl import SmallCrawl

ALL = os.environ.get("GRIT_DISK_FAULTS") == "all"
# A run mostly waits: a fault of our own rests the crawl for five seconds.
JOBS = int(os.environ.get("GRIT_KILL_JOBS", "12"))
HOSTS = 3
# Ended by itself, and why: all settled, something waits, the disk failed at the start, or goes on failing.
GOOD_ENDS = (0, 7, 74, 75)
# class of calls: (errors in CI, stride in CI); with all of them: every error, stride 1.
KINDS = {
    "sync": (("EIO",), 1),
    "rename": (("ENOSPC", "EIO"), 4),
    "mkdir": (("ENOSPC", "EROFS"), 1),
    "truncate": (("EIO",), 1),
    "unlink": (("EIO",), 4),
    "open": (("EMFILE", "EIO"), 6),
    "write": (("ENOSPC", "SHORT"), 8),
}
ERRORS = {
    "sync": ("EIO", "ENOSPC", "EROFS"),
    "write": ("ENOSPC", "EIO", "EROFS", "SHORT"),
    "open": ("EMFILE", "ENOSPC", "EIO", "EROFS"),
}
MOST_CALLS = 1000


def errors_of(kind: str) -> tuple[str, ...]:
    return ERRORS.get(kind, ("ENOSPC", "EIO", "EROFS")) if ALL else KINDS[kind][0]


class DiskFaults(CrawlCase):
    def crawl(self, name: str, **overrides: dict) -> SmallCrawl:
        retry = {"schedule": ["100ms", "100ms"], "once_patience": "3s"}
        return SmallCrawl(self, name, hosts=HOSTS, **({"retry": retry} | overrides))

    def sweep(self, run) -> None:
        """`run(kind, error, n)` for each; it says what came of it, or None if there was no n-th call."""

        def every_time(kind: str, error: str) -> list[str]:
            met = []
            for n in range(1, MOST_CALLS, 1 if ALL else KINDS[kind][1]):
                try:
                    how = run(kind, error, n)
                except Exception as failure:
                    raise self.failureException(f"{kind} {n} fails with {error}: {failure}") from failure
                if how is None:
                    return met
                met += [how] if how else []
            raise self.failureException(f"{kind}: more than {MOST_CALLS} calls")

        wanted = os.environ.get("GRIT_DISK_ONLY", "")
        with ThreadPoolExecutor(JOBS) as pool:
            runs = {
                f"{kind} {error}": pool.submit(every_time, kind, error)
                for kind in KINDS
                for error in errors_of(kind)
                if wanted in f"{kind} {error}"
            }
        failures = [run.exception() for run in runs.values() if run.exception()]
        for what, run in runs.items():
            if not run.exception():
                print(f"{what}: {len(run.result())} calls failed: {dict(Counter(run.result()))}")
        if failures:
            raise failures[0]

    def test_one_call_fails(self):
        self.sweep(self.fail_once)

    def fail_once(self, kind: str, error: str, n: int) -> str | None:
        crawl = self.crawl(f"{kind}-{error}-{n}")
        log = Path(crawl.folders[0]).parent / "disk.log"
        environment = processes.interposed(crawl.folders, FAULT=f"{kind}:{error}:{n}:once", LOG=str(log))
        crawl.life(environment, codes=GOOD_ENDS)
        code = crawl.last_code
        calls = read_disk_log(log)
        crawl.finish()
        crawl.check()
        self.check_failed_syncs(calls, crawl.folders[1])
        return f"ended {code}" if any(call.fault for call in calls) else None

    def check_failed_syncs(self, calls: list[Call], root: str) -> None:
        """What was written before a sync of the images that failed, and after the last one that worked, is never published."""
        dirty: set[str] = set()
        lost: set[str] = set()
        for call in calls:
            if not call.path.startswith(root):
                continue
            if call.name in ("create", "write") and call.error == 0:
                dirty.add(call.path)
            elif call.name == "syncfs":
                dirty.clear()
            elif call.name == "syncfail" and call.other == "syncfs":
                lost |= dirty
                dirty.clear()
            elif call.name == "rename" and call.error == 0 and "/tmp/" in call.path:
                self.assertNotIn(call.path, lost, "published after its sync failed")

    def test_all_calls_fail_until_the_disk_is_mended(self):
        self.sweep(self.fail_until_mended)

    def fail_until_mended(self, kind: str, error: str, n: int) -> str | None:
        """A daemon that is to run for days: it waits for the disk, or ends to be started again."""
        if not ALL and n > 1 and n % (3 * KINDS[kind][1]) != 1:
            return ""  # left out
        crawl = self.crawl(f"{kind}-{error}-{n}-on")
        folder = Path(crawl.folders[0]).parent
        lift, log = folder / "mended", folder / "disk.log"
        environment = processes.interposed(crawl.folders, FAULT=f"{kind}:{error}:{n}:on", LIFT=str(lift), LOG=str(log))
        how = crawl.wait_out(environment, lift)
        calls = read_disk_log(log)
        crawl.finish()
        crawl.check()
        self.check_failed_syncs(calls, crawl.folders[1])
        return how if any(call.fault for call in calls) else None


class Killed(DiskFaults):
    """kill -9 before and after each call, LMDB's own among them: the release binary, with nothing built in."""

    test_one_call_fails = test_all_calls_fail_until_the_disk_is_mended = None

    def test_killed_at_each_call(self):
        before = os.environ.get("GRIT_DISK_ONLY", "")
        if before not in "any KILLED":
            self.skipTest("another kind is asked for")
        stride = 1 if ALL else 9

        def killed(n: int) -> bool:
            crawl = self.crawl(f"killed-{n}")
            died = crawl.life(processes.interposed(crawl.folders, FAULT=f"any:KILLED:{n}:once"))
            crawl.finish()
            crawl.check()
            return died

        count = 0
        with ThreadPoolExecutor(JOBS) as pool:
            for died in pool.map(killed, range(1, MOST_CALLS, stride)):
                if not died:
                    pool.shutdown(cancel_futures=True)
                    break
                count += 1
        print(f"killed at {count} calls")
        self.assertGreater(count, 10)


if __name__ == "__main__":
    unittest.main()
