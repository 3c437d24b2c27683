"""kill -9 in the midst of a crawl into tar shards: what has a record is whole in a shard, once, and nothing else is."""

from __future__ import annotations

import json
import os
import random
import time
import unittest

from harness.case import CrawlCase
from harness.checker import Options, check, read_map
from harness.shards import all_samples, index_of, indexed_samples, is_whole, shards_in, stream_samples
from harness.web import make_sample

KILLS = 5
SEED = int(os.environ.get("GRIT_KILL_SEED", "20240611"))
SHARD_IMAGES = 150


def recorded_shards(state_dir) -> int:
    """Of the one volume: how many shards the state knows."""
    import lmdb  # Debian: python3-lmdb

    with lmdb.open(str(state_dir), readonly=True, max_dbs=64, create=False) as env:
        table = env.open_db(b"shards", create=False)
        with env.begin(db=table) as transaction:
            return transaction.stat(table)["entries"]


class ShardKill(CrawlCase):
    def test_kills_leave_whole_samples_alone(self):
        source = self.directory / "sample.jsonl"
        make_sample(source, annotations=2500, hosts=150, seed=6, bad_lines=True)
        web = self.web([{"name": "gone", "status": 404, "fraction": 0.05, "of": "path", "path": "*"}], seed=4)
        daemon = self.daemon(
            web,
            [source],
            politeness={"min_interval": "20ms", "connections_per_address": 4096},
            storage={"layout": "webdataset", "shard_images": SHARD_IMAGES, "min_free": "0B"},
            retry={"schedule": ["1s"], "once_patience": "8s"},
        )
        lot = random.Random(SEED)
        moments = [round(lot.uniform(0.3, 1.2), 3) for _ in range(KILLS)]
        print(f"seed {SEED}, kills after {moments} s")
        recorded: list[set[str]] = []
        for moment in moments:
            daemon.start(once=False)
            self.wait_ready(daemon)
            time.sleep(moment)  # the moment of a kill is what is drawn by lot, not a wait for something
            self.check_running(daemon)
            daemon.kill()
            recorded.append(set(read_map(daemon.state_dir).values()))
            self.check_recorded(daemon, recorded[-1])
        print(f"on record at each kill: {[len(locations) for locations in recorded]}")
        daemon.start(once=False)
        self.wait_settled(daemon, 100)
        verified = daemon.ctl_json("verify")
        self.terminate(daemon)
        web.stop()

        entries = read_map(daemon.state_dir)
        self.assert_clean(check([source], web.log_file, daemon.root, entries, Options(allowance=KILLS)))
        self.assertTrue(all(locations <= set(entries.values()) for locations in recorded), "what was on record stays where it is")
        samples = all_samples(daemon.root)  # raises if a key is there twice
        self.assertEqual(set(samples), set(entries.values()))
        self.assertEqual([location for location, sample in samples.items() if not is_whole(sample)], [])
        self.assertEqual((verified["checked"], verified["broken"]), (len(samples), 0))
        lines = {line for line in source.read_text(errors="replace").splitlines()}
        for sample in samples.values():
            self.assertIn(sample.text[: sample.text.index(', "gritd": {')] + "}", lines, "an annotation as it was read")
        sizes = [len(stream_samples(shard)) for shard in shards_in(daemon.root)]
        self.assertEqual(set(sizes[:-1]), {SHARD_IMAGES})
        for shard in shards_in(daemon.root):
            self.assertEqual(indexed_samples(shard), stream_samples(shard))
        self.assertEqual(list((daemon.root / ".gritd" / "tmp").iterdir()), [], "left-over temporaries")

    def test_a_group_may_begin_many_shards(self):
        """Large images and small shards: a kill in the midst of a group leaves more new shards than any count of images explains."""
        source = self.annotations(f"https://h{number % 60}.test/{number}.jpg" for number in range(3000))
        web = self.web(mean_bytes=300_000)
        storage = {"layout": "webdataset", "shard_size": "1MiB", "min_free": "0B"}
        politeness = {"min_interval": "10ms", "connections_per_address": 4096, "connections_per_domain": 64, "robots": False}
        daemon = self.daemon(web, [source], politeness=politeness, storage=storage)
        unrecorded = 0
        for _ in range(10):
            daemon.start(once=False)
            self.wait_ready(daemon)
            self.kill_in_a_group(daemon)
            unrecorded = len(shards_in(daemon.root)) - recorded_shards(daemon.state_dir)
            if unrecorded > 4:
                break
        self.assertGreater(unrecorded, 4, "no kill came in the midst of a group")
        before = set(read_map(daemon.state_dir).values())
        daemon.start(once=False)
        self.wait_ready(daemon)  # it does not take them for those of a newer state
        daemon.kill()
        self.assertIn("start.unrecorded_images_removed", daemon.log_text())
        self.assertEqual(before - set(read_map(daemon.state_dir).values()), set())
        self.check_recorded(daemon, set(read_map(daemon.state_dir).values()))

    def kill_in_a_group(self, daemon) -> None:
        def grows() -> bool:
            self.check_running(daemon)
            before = len(shards_in(daemon.root)) - recorded_shards(daemon.state_dir)
            return before > 5

        self.wait_for("a group is being appended", grows, 30, step_s=0.001)
        daemon.kill()

    def check_recorded(self, daemon, locations: set[str]) -> None:
        """Each is whole in its shard already now, before anything was cleaned up."""
        found = {
            f"{shard.name}#{sample.name}": sample
            for shard in shards_in(daemon.root)
            for sample in stream_samples(shard, torn=True)
        }
        self.assertEqual(locations - set(found), set(), "on record, and not there")
        self.assertEqual([location for location in locations if not is_whole(found[location])], [])


if __name__ == "__main__":
    unittest.main()
