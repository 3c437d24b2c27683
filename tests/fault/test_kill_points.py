"""The process dies at every point of its work that the sources name, at the first, second, ... time it comes by.

The points are `kill_point("part.step")` in the sources; a build with GRIT_KILL_POINTS has them. A new point needs no word
here, but if no crawl of these comes by it, that is a failure: then its part needs a crawl in CRAWLS.
"""

from __future__ import annotations

import json
import os
import re
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness import processes
from harness.case import REPOSITORY, CrawlCase
from harness.ordered_crawl import OrderedCrawl
from harness.small_crawl import SmallCrawl

BUILT_WITH_POINTS = os.environ.get("GRIT_KILL_POINTS") == "ON"
# Each run waits more than it works: timers of the commit and of the end.
JOBS = int(os.environ.get("GRIT_KILL_JOBS", "10"))
MOST_TIMES = 400  # a point that a crawl of 200 lines comes by more often than this would be endless
# Where a life before has to end so that the start has images without a record to clean up. Whether temporaries are left too
# depends on how many images were under way, so one is put there.
LEFTOVERS = "publish.renamed:4"
SHARDS = {"layout": "webdataset", "shard_images": 10}
FILES_AND_SIDECARS = {"layout": "img2dataset"}
# Points that a crawl into files with sidecars comes by, too.
OF_SIDECARS = ("commit.synced", "commit.intended", "publish.renamed", "commit.published", "commit.recorded")
# Points that other work comes by, too, than the one that they are named for.
ELSEWHERE = {
    "repair": ("removal.file_removed", "removal.synced", "erasure_shard.blanked", "erasure_shard.erased", "erasure_shard.synced", "list.synced"),
    "lose_volume": ("verify.given_up", "verify.told", "verify.files_due"),
    "adopt": ("commit.published", "commit.recorded"),
}


def points() -> list[str]:
    found = set()
    for folder in ("src", "daemon"):
        for path in (REPOSITORY / folder).rglob("*.cpp"):
            found.update(re.findall(r'\bkill_point\("([a-z_.0-9]+)"\)', path.read_text()))
    return sorted(found)


@unittest.skipUnless(BUILT_WITH_POINTS, "this build has no kill points (GRIT_KILL_POINTS)")
class KillPoints(CrawlCase):
    def test_every_time_at_every_point(self):
        ways = {
            "start": self.die_in_clean_up,
            "optout": self.die_in_opt_out,
            "list": self.die_in_opt_out,
            "removal": self.die_in_opt_out,
            "erasure_shard": self.die_in_opt_out,
            "verify": OrderedCrawl.repair,
            "verify_shard": OrderedCrawl.repair,
            "volume_lost": OrderedCrawl.lose_volume,
            "volume_back": OrderedCrawl.return_volume,
            "adopt": OrderedCrawl.adopt,
            "image.shared": OrderedCrawl.adopt,
        }

        def way_of(name: str):
            return ways.get(name) or ways.get(name.split(".")[0], self.die_in_crawl)

        wanted = os.environ.get("GRIT_KILL_ONLY", "")
        tries = [(name, name, way_of(name)) for name in points()]
        tries += [(f"{name} in {way}", name, getattr(OrderedCrawl, way)) for way, names in ELSEWHERE.items() for name in names]
        tries += [(f"{name} in img2dataset", name, self.die_beside_sidecars) for name in OF_SIDECARS]
        tries = [one for one in tries if wanted in one[0]]
        self.assertTrue(tries)
        with ThreadPoolExecutor(JOBS) as pool:
            runs = {called: pool.submit(self.every_time, called, name, die) for called, name, die in tries}
        deaths = {name: run.result() for name, run in runs.items()}
        again = [count for refetched in deaths.values() for count in refetched]
        print(f"{len(again)} deaths at {len(deaths)} points: { {name: len(refetched) for name, refetched in deaths.items()} }")
        print(f"fetched again after a death: {max(again)} of {SmallCrawl.IMAGES} images at most, {sum(again)} in all")
        self.assertEqual([name for name, refetched in deaths.items() if not refetched], [], "no crawl comes by these points")

    def every_time(self, called: str, name: str, die) -> list[int]:
        """@return for each death how many images were fetched again."""
        refetched = []
        part = name.split(".")[0]
        options = {"storage": SHARDS} if part.endswith("shard") else {}
        options |= {"storage": FILES_AND_SIDECARS, "hosts": 3} if die == self.die_beside_sidecars else {}
        options |= {"volumes": ("b",)} if die in (OrderedCrawl.lose_volume, OrderedCrawl.return_volume) else {}
        options |= {"hosts": 2} if die == OrderedCrawl.adopt else {}  # each image dies there
        for time in range(1, MOST_TIMES):
            is_opt_out = die == self.die_in_opt_out
            crawl = OrderedCrawl(self, f"{called.replace(' ', '-')}-{time}", optout=is_opt_out, busy="wishes" in name, **options)
            try:
                died = die(crawl, {"GRIT_KILL_AT": f"{name}:{time}"})
                crawl.finish()
                again = crawl.check()
                if die == self.die_beside_sidecars:
                    self.check_sidecars(crawl.daemon.root)
            except self.failureException as failure:
                raise self.failureException(f"{called}, time {time}: {failure}") from failure
            if not died:
                return refetched
            refetched.append(again)
        raise self.failureException(f"{called} is passed more than {MOST_TIMES} times")

    @staticmethod
    def die_in_crawl(crawl: SmallCrawl, environment: dict) -> bool:
        return crawl.life(environment)

    @staticmethod
    def die_beside_sidecars(crawl: SmallCrawl, environment: dict) -> bool:
        return crawl.life(environment)

    def check_sidecars(self, root: Path) -> None:
        """Each image has its own two, whole, and there are no others."""
        images = {path.with_suffix("") for path in root.glob("0*/*.jpg")}
        self.assertTrue(images)
        for suffix in (".json", ".txt"):
            self.assertEqual({path.with_suffix("") for path in root.glob(f"0*/*{suffix}")}, images)
        for image in images:
            self.assertEqual(json.loads(image.with_suffix(".json").read_text())["key"], image.name)
            self.assertEqual(image.with_suffix(".txt").read_text(), "a picture")

    def die_in_clean_up(self, crawl: SmallCrawl, environment: dict) -> bool:
        self.assertTrue(crawl.life({"GRIT_KILL_AT": LEFTOVERS}), "nothing was left to be cleaned up")
        (crawl.daemon.root / ".gritd" / "tmp" / "left-over.part").write_bytes(b"a part of an image")
        return crawl.life(environment)

    @staticmethod
    def die_in_opt_out(crawl: SmallCrawl, environment: dict) -> bool:
        crawl.life({})
        return crawl.opt_out(environment)


class OrdinaryBuild(unittest.TestCase):
    @unittest.skipIf(BUILT_WITH_POINTS, "this build has kill points")
    def test_has_no_kill_points(self):
        names = points()
        self.assertGreater(len(names), 30)
        program = processes.find_program("gritd", "GRITD").read_bytes()
        self.assertNotIn(b"GRIT_KILL_AT", program)
        self.assertEqual([name for name in names if name.encode() + b"\0" in program], [])


if __name__ == "__main__":
    unittest.main()
