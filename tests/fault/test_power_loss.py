"""The power goes at any moment: a real gritd goes on from what the disk may have kept, and loses nothing.

Computed, not pulled: gritd's calls are logged with what they wrote, and a cut is any state of the files that the log allows
(harness.power). GRIT_POWER_CUTS: how many cuts per recording; GRIT_POWER_SEED.
"""

from __future__ import annotations

import os
import random
import unittest
from collections import Counter

from harness import power, processes
from harness.case import CrawlCase
from harness.disk_log import Call, read_disk_log
from harness.small_crawl import SmallCrawl

CUTS = int(os.environ.get("GRIT_POWER_CUTS", "15"))
SEED = int(os.environ.get("GRIT_POWER_SEED", "20240611"))
HOSTS = 6


class PowerLoss(CrawlCase):
    def setUp(self) -> None:
        super().setUp()
        self.lot = random.Random(f"{SEED} {self.id()}")

    def recorded(self, crawl: SmallCrawl, **settings: str) -> dict[str, str]:
        self.log = crawl.daemon.directory / "disk.log"
        return processes.interposed(crawl.folders, LOG=str(self.log), CONTENT="1", **settings)

    def cut(self, crawl: SmallCrawl, calls: list[Call], position: int, lot: random.Random, without: power.Mutation | None = None) -> int:
        """The power goes, comes back, and gritd goes on. @return how many images were fetched again since the first life."""
        tree = power.tree_after(calls, position, crawl.folders, lot, without)
        state = str(crawl.daemon.state_dir / "data.mdb")
        newest = power.newest_transaction(tree, state)
        self.assertGreaterEqual(newest, power.committed(calls[:position], state), "a commit that was reported is not there")
        power.put_on_disk(tree, crawl.folders)
        crawl.begin_again()
        crawl.finish()
        return crawl.check(go_on=True)

    def cut_often(self, crawl: SmallCrawl, first: int = 0) -> None:
        calls = read_disk_log(self.log)
        print(f"{len(calls)} calls: {dict(Counter(call.name for call in calls))}")
        for number in range(CUTS):
            position = self.lot.randrange(first, len(calls) + 1)
            seed = self.lot.getrandbits(32)
            try:
                self.cut(crawl, calls, position, random.Random(seed))
            except self.failureException as failure:
                where = calls[min(position, len(calls) - 1)]
                raise self.failureException(
                    f"cut {number} behind call {position} of {len(calls)} (next: {where.name} {where.path}), seed {seed}: {failure}"
                ) from failure
        print(f"{CUTS} cuts survived, seed {SEED}")

    def test_a_crawl(self):
        crawl = SmallCrawl(self, "crawl", hosts=HOSTS)
        crawl.life(self.recorded(crawl))
        self.cut_often(crawl)

    def test_a_crawl_that_was_killed_and_cleans_up(self):
        crawl = SmallCrawl(self, "crawl", hosts=HOSTS)
        self.assertTrue(crawl.life(self.recorded(crawl, FAULT="rename:KILLED:9:once")))
        before = len(read_disk_log(self.log))
        crawl.life(self.recorded(crawl))
        self.cut_often(crawl, first=before)

    def test_an_opt_out(self):
        crawl = SmallCrawl(self, "crawl", hosts=2, optout=True)
        crawl.life(self.recorded(crawl))
        before = len(read_disk_log(self.log))
        crawl.opt_out(self.recorded(crawl))
        self.cut_often(crawl, first=before)

    def test_syncs_that_failed_before(self):
        """What a failed sync may have thrown away is never counted on, whatever sync worked later."""
        for number, fault in enumerate(("sync:EIO:2:once:images", "sync:EIO:3:once:images", "sync:EIO:7:once:data.mdb", "sync:EIO:8:once:data.mdb")):
            with self.subTest(fault):
                crawl = SmallCrawl(self, f"crawl{number}", hosts=HOSTS)
                crawl.life(self.recorded(crawl, FAULT=fault), codes=(0, 74, 75))
                self.assertIn("syncfail", [call.name for call in read_disk_log(self.log)])
                crawl.life(self.recorded(crawl))  # also what a life after it makes of that is cut
                self.cut_often(crawl)


class Mutations(PowerLoss):
    """A sync less, and the cuts above find it: they would be worth nothing otherwise."""

    test_a_crawl = test_a_crawl_that_was_killed_and_cleans_up = test_an_opt_out = test_syncs_that_failed_before = None

    def breach(self, without: power.Mutation) -> str:
        """@return how the first breach was seen."""
        crawl = SmallCrawl(self, "crawl", hosts=HOSTS)
        crawl.life(self.recorded(crawl))
        calls = read_disk_log(self.log)
        for _ in range(60):
            position = self.lot.randrange(len(calls) // 2, len(calls) + 1)
            try:
                self.cut(crawl, calls, position, random.Random(self.lot.getrandbits(32)), without)
            except self.failureException as failure:
                crawl.daemon.__exit__()
                return str(failure)
        self.fail("sixty cuts, and nobody missed it")

    # The first two are those of the root's marker; then each group has one for the bytes and one for the names.
    def test_images_that_are_not_synced(self):
        self.assertRegex(self.breach(lambda call, before: call.name == "syncfs" and before >= 2), "bytes_never_served|file_missing")

    def test_names_of_images_that_are_not_synced(self):
        self.assertIn("file_missing", self.breach(lambda call, before: call.name == "syncfs" and before >= 2 and before % 2 == 1))

    def test_a_state_that_is_not_synced(self):
        self.breach(lambda call, before: call.name == "fdatasync")

    def test_headers_of_the_state_that_are_not_synced(self):
        self.assertIn("reported", self.breach(lambda call, before: call.name == "dwrite"))


if __name__ == "__main__":
    unittest.main()
