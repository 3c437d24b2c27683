"""Calls that concern the state and the images fail, at the first, second, ... of them: once, or from then on.

gritd goes on, or pauses, or ends and says why; nobody is charged, nothing is lost, and no byte of a failed sync is ever believed.
In CI the calls of some kinds are gone through with a stride; GRIT_DISK_FAULTS=all takes every one with every error.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import unittest
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness import processes
from harness.belief import Belief
from harness.case import CrawlCase
from harness.disk_log import read_disk_log
from harness.small_crawl import OPTED_OUT, SmallCrawl

ALL = os.environ.get("GRIT_DISK_FAULTS") == "all"
# A run mostly waits: a fault of our own rests the crawl for five seconds.
JOBS = int(os.environ.get("GRIT_KILL_JOBS", "24"))
LANES = 3  # of the calls of a kind, side by side
# Ended by itself, and why: all settled, something waits, the disk failed at the start, or goes on failing.
GOOD_ENDS = (0, 7, 74, 75)
ERRORS = {
    "sync": ("EIO", "ENOSPC", "EROFS"),
    "write": ("ENOSPC", "EIO", "EROFS", "SHORT"),
    "open": ("EMFILE", "ENOSPC", "EIO", "EROFS"),
}
MOST_CALLS = 1000
REFUSALS = ("create", "write", "syncfail", "rename", "mkdir")  # that say something of a volume


class Sweep(CrawlCase):
    """Crawls of which each has one call that fails, or all from one on."""

    HOSTS = 3
    STORAGE: dict = {}
    VOLUMES: tuple[str, ...] = ()
    PART = ""  # of the paths whose calls fail
    # class of calls: (errors in CI, stride in CI); with all of them: every error, stride 1.
    KINDS: dict[str, tuple[tuple[str, ...], int]] = {}

    def crawl(self, name: str) -> SmallCrawl:
        retry = {"schedule": ["100ms", "100ms"], "once_patience": "8s"}
        return SmallCrawl(self, name, hosts=self.HOSTS, volumes=self.VOLUMES, storage=self.STORAGE, retry=retry)

    def errors_of(self, kind: str) -> tuple[str, ...]:
        return ERRORS.get(kind, ("ENOSPC", "EIO", "EROFS")) if ALL else self.KINDS[kind][0]

    def sweep(self, run, every: int = 1) -> None:
        """`run(kind, error, n)` for each, or every third; it says what came of it, or None if there was no n-th call."""

        def every_time(kind: str, error: str, lane: int) -> list[str]:
            met = []
            stride = 1 if ALL else self.KINDS[kind][1] * every
            for n in range(1 + lane * stride, MOST_CALLS, LANES * stride):
                try:
                    how = run(kind, error, n)
                except Exception as failure:
                    raise self.failureException(f"{kind} {n} fails with {error}: {failure}") from failure
                if how is None:
                    return met
                met.append(how)
            raise self.failureException(f"{kind}: more than {MOST_CALLS} calls")

        wanted = os.environ.get("GRIT_DISK_ONLY", "")
        with ThreadPoolExecutor(JOBS) as pool:
            runs = {
                f"{kind} {error}": [pool.submit(every_time, kind, error, lane) for lane in range(LANES)]
                for kind in self.KINDS
                for error in self.errors_of(kind)
                if wanted in f"{kind} {error}"
            }
        failures = [run.exception() for lanes in runs.values() for run in lanes if run.exception()]
        for what, lanes in runs.items():
            if not any(run.exception() for run in lanes):
                met = Counter(how for run in lanes for how in run.result())
                print(f"{what}: {met.total()} calls failed: {dict(met)}")
                if not met:
                    failures.append(self.failureException(f"{what}: no call of that kind was met, so nothing was tried"))
        if failures:
            raise failures[0]

    def fail_once(self, kind: str, error: str, n: int) -> str | None:
        crawl = self.crawl(f"{kind}-{error}-{n}")
        crawl.life(self.environment(crawl, FAULT=f"{kind}:{error}:{n}:once:{self.PART}"), codes=GOOD_ENDS)
        return f"ended {crawl.last_code}" if self.judge(crawl) else None

    def fail_until_mended(self, kind: str, error: str, n: int) -> str | None:
        """A daemon that is to run for days: it waits for the disk, or ends to be started again."""
        crawl = self.crawl(f"{kind}-{error}-{n}-on")
        lift = crawl.daemon.directory / "mended"
        how = crawl.wait_out(self.environment(crawl, FAULT=f"{kind}:{error}:{n}:on:{self.PART}", LIFT=str(lift)), lift)
        return how if self.judge(crawl) else None

    def environment(self, crawl: SmallCrawl, **settings: str) -> dict[str, str]:
        return processes.interposed(crawl.folders, LOG=str(self.log(crawl)), **settings)

    @staticmethod
    def log(crawl: SmallCrawl) -> Path:
        return crawl.daemon.directory / "disk.log"

    def judge(self, crawl: SmallCrawl) -> bool:
        """Finishes and checks what the life with the fault has left. @return whether anything failed in that life."""
        failed = any(call.fault for call in read_disk_log(self.log(crawl)))
        crawl.finish(self.environment(crawl))
        crawl.check()
        for root in crawl.folders[1:]:
            self.assertEqual(Belief(root).follow(read_disk_log(self.log(crawl))), [])
        return failed


class DiskFaults(Sweep):
    """One root, a file per image; the state's calls, too."""

    KINDS = {
        "sync": (("EIO",), 1),
        "rename": (("ENOSPC", "EIO"), 4),
        "mkdir": (("ENOSPC", "EROFS"), 1),
        "truncate": (("EIO",), 1),
        "unlink": (("EIO",), 4),
        "open": (("EMFILE", "EIO"), 6),
        "write": (("ENOSPC", "SHORT"), 8),
    }

    def test_one_call_fails(self):
        self.sweep(self.fail_once)

    def test_all_calls_fail_until_the_disk_is_mended(self):
        self.sweep(self.fail_until_mended, every=3)


class ShardFaults(Sweep):
    """Tar shards: what the volume of the images refuses."""

    HOSTS = 1
    STORAGE = {"layout": "webdataset", "shard_images": 5}
    PART = "/images"
    KINDS = {
        "sync": (("EIO",), 1),
        "rename": (("ENOSPC",), 1),
        "unlink": (("EIO",), 3),
        "open": (("EMFILE", "EIO"), 3),
        "write": (("ENOSPC", "SHORT"), 1),
    }

    def test_one_call_fails(self):
        self.sweep(self.fail_once)

    def test_all_calls_fail_until_the_disk_is_mended(self):
        self.sweep(self.fail_until_mended, every=3)

    def test_what_a_failed_sync_was_about_can_not_be_cut_off_either(self):
        self.KINDS = {"sync": (("EIO",), 1)}
        self.sweep(self.fail_to_cut)

    def fail_to_cut(self, kind: str, error: str, n: int) -> str | None:
        crawl = self.crawl(f"{kind}-{error}-{n}-cut")
        faults = (f"{what}:{error}:{times}:once:.tar" for what, times in ((kind, n), ("truncate", 1), ("unlink", 1)))
        crawl.life(self.environment(crawl, FAULT=";".join(faults)))
        return "ended 0" if self.judge(crawl) else None


class SidecarFaults(Sweep):
    """A file per image, and two beside it."""

    HOSTS = 1
    STORAGE = {"layout": "img2dataset"}
    PART = "/images"
    KINDS = {
        "sync": (("EIO",), 1),
        "rename": (("EIO",), 3),
        "write": (("SHORT",), 4),
    }

    def test_one_call_fails(self):
        self.sweep(self.fail_once)


class VolumeFaults(Sweep):
    """One of two volumes refuses: the other goes on, and nothing is paused for it."""

    HOSTS = 1
    VOLUMES = ("b",)
    PART = "/volume-b"
    KINDS = {
        "sync": (("EIO",), 1),
        "rename": (("EROFS",), 1),
        "mkdir": (("ENOSPC",), 1),
        "unlink": (("EIO",), 1),
        "open": (("EIO",), 2),
        "write": (("ENOSPC", "SHORT"), 2),
    }

    def errors_of(self, kind: str) -> tuple[str, ...]:
        return tuple(error for error in super().errors_of(kind) if error != "EMFILE")  # is nobody's volume's

    def test_one_call_fails(self):
        self.sweep(self.fail_once)

    def test_shards_on_two_volumes(self):
        self.STORAGE = {"layout": "webdataset", "shard_images": 5}
        self.sweep(self.fail_once)

    def judge(self, crawl: SmallCrawl) -> bool:
        said = crawl.daemon.log_text()
        if "daemon.ready" in said:
            self.assertNotIn("crawl.paused", said, "the other volume is sound")
            self.assertEqual(crawl.last_code, 0, said[-4000:])
            if any(call.fault and call.result < 0 and call.name in REFUSALS for call in read_disk_log(self.log(crawl))):
                self.assertRegex(said, r"volume\.(out|full) volume=b", "told, however soon the end was")
        return super().judge(crawl)


class Rebuilt(CrawlCase):
    """What a rebuild writes beside the new state."""

    def test_the_ledger_of_opt_outs_gets_its_name_when_it_is_on_the_disk(self):
        crawl = SmallCrawl(self, "crawl", hosts=1, optout=True)
        crawl.life({})
        crawl.opt_out({})
        shutil.rmtree(crawl.daemon.state_dir)
        log = crawl.daemon.directory / "disk.log"
        environment = os.environ | processes.interposed(crawl.folders, LOG=str(log), CONTENT="1")
        command = [str(processes.find_program("gritctl", "GRITCTL")), "rebuild", "--config", str(crawl.daemon.config_file)]
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60)
        calls = read_disk_log(log)
        named = [i for i, call in enumerate(calls) if call.name == "rename" and call.other.endswith("/optouts.jsonl")]
        self.assertEqual(len(named), 1, "one that is there is believed: it has to be whole")
        before = calls[: named[0]]
        last = max(i for i, call in enumerate(before) if call.name == "write" and OPTED_OUT.encode() in call.data)
        synced = [call for call in before[last:] if call.name == "fsync" and call.descriptor == before[last].descriptor]
        self.assertEqual(len(synced), 1)


class Killed(Sweep):
    """kill -9 before and after each call, LMDB's own among them: the release binary, with nothing built in."""

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
