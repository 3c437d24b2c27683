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
