"""The power goes at any moment: a real gritd goes on from what the disk may have kept, and loses nothing.

Computed, not pulled: gritd's calls are logged with what they wrote, and a cut is any state of the files that the log allows
(harness.power). GRIT_POWER_CUTS: how many cuts per recording; GRIT_POWER_SEED.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import unittest
from collections import Counter

from harness import power, processes
from harness.case import CrawlCase
from harness.checker import read_map
from harness.disk_log import Call, read_disk_log
from harness.shards import all_samples, is_whole
from harness.small_crawl import SmallCrawl

CUTS = int(os.environ.get("GRIT_POWER_CUTS", "15"))
SEED = int(os.environ.get("GRIT_POWER_SEED", "20240611"))
HOSTS = 6


class Cuts(CrawlCase):
    STORAGE: dict = {}

    def crawl(self, name: str, hosts: int = HOSTS, **options) -> SmallCrawl:
        return SmallCrawl(self, name, hosts=hosts, storage=self.STORAGE, **options)

    def look(self, crawl: SmallCrawl) -> None:
        """At what a layout has besides images, when all is over."""

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
        again = crawl.check(go_on=True)
        self.look(crawl)
        return again

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


class PowerLoss(Cuts):
    # In whose midst a life before is killed, and syncs that fail.
    KILLED_AT = "rename:KILLED:9:once"
    FAILED_SYNCS = ("sync:EIO:2:once:images", "sync:EIO:3:once:images", "sync:EIO:7:once:data.mdb", "sync:EIO:8:once:data.mdb")

    def test_a_crawl(self):
        crawl = self.crawl("crawl")
        crawl.life(self.recorded(crawl))
        self.cut_often(crawl)

    def test_a_crawl_that_was_killed_and_cleans_up(self):
        crawl = self.crawl("crawl")
        self.assertTrue(crawl.life(self.recorded(crawl, FAULT=self.KILLED_AT)))
        before = len(read_disk_log(self.log))
        crawl.life(self.recorded(crawl))
        self.cut_often(crawl, first=before)

    def test_an_opt_out(self):
        crawl = self.crawl("crawl", hosts=2, optout=True)
        crawl.life(self.recorded(crawl))
        before = len(read_disk_log(self.log))
        crawl.opt_out(self.recorded(crawl))
        self.cut_often(crawl, first=before)

    def test_syncs_that_failed_before(self):
        """What a failed sync may have thrown away is never counted on, whatever sync worked later."""
        for number, fault in enumerate(self.FAILED_SYNCS):
            with self.subTest(fault):
                crawl = self.crawl(f"crawl{number}")
                crawl.life(self.recorded(crawl, FAULT=fault), codes=(0, 74, 75))
                self.assertIn("syncfail", [call.name for call in read_disk_log(self.log)])
                crawl.life(self.recorded(crawl))  # also what a life after it makes of that is cut
                self.cut_often(crawl)


class ShardPowerLoss(PowerLoss):
    """Tar shards: a sync of the shard takes the place of that of the temporaries, and its name is synced when it is new."""

    STORAGE = {"layout": "webdataset", "shard_images": 10}
    KILLED_AT = "sync:KILLED:2:once:.tar"
    FAILED_SYNCS = ("sync:EIO:1:once:.tar", "sync:EIO:2:once:.tar", "sync:EIO:3:once:images/")

    def look(self, crawl: SmallCrawl) -> None:
        samples = all_samples(crawl.daemon.root)
        self.assertEqual(set(samples), set(read_map(crawl.daemon.state_dir).values()))
        self.assertEqual([location for location, sample in samples.items() if not is_whole(sample)], [])


class SidecarPowerLoss(Cuts):
    """img2dataset's names: the files beside an image are as durable as it is."""

    STORAGE = {"layout": "img2dataset"}

    def look(self, crawl: SmallCrawl) -> None:
        for path in set(read_map(crawl.daemon.state_dir).values()):
            image = crawl.daemon.root / path
            sidecar = json.loads(image.with_suffix(".json").read_text())
            self.assertEqual(sidecar["sha256"], hashlib.sha256(image.read_bytes()).hexdigest())
            self.assertEqual(image.with_suffix(".txt").read_text(), sidecar["caption"])

    def test_a_crawl(self):
        crawl = self.crawl("crawl")
        crawl.life(self.recorded(crawl))
        self.cut_often(crawl)


class VolumePowerLoss(Cuts):
    """Two volumes, and each has lost what it has lost."""

    def test_a_crawl(self):
        crawl = self.crawl("crawl", volumes=("b",))
        crawl.life(self.recorded(crawl))
        self.cut_often(crawl)

    def test_a_crawl_into_shards(self):
        self.STORAGE = ShardPowerLoss.STORAGE
        self.test_a_crawl()


class Mutations(Cuts):
    """A sync less, and the cuts above find it: they would be worth nothing otherwise."""

    def breach(self, without: power.Mutation) -> str:
        """@return how the first breach was seen."""
        crawl = self.crawl("crawl")
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

    def test_shards_that_are_not_synced(self):
        self.STORAGE = {"layout": "webdataset", "shard_images": 1000}  # or the sync of a new name covers others' bytes
        seen = self.breach(lambda call, before: call.path.endswith(".tar") and call.name == "fdatasync")
        self.assertRegex(seen, "bytes_never_served|file_missing")

    def test_names_of_shards_that_are_not_synced(self):
        self.STORAGE = ShardPowerLoss.STORAGE
        self.assertIn("file_missing", self.breach(lambda call, before: call.name == "syncfs" and before >= 2))


if __name__ == "__main__":
    unittest.main()
