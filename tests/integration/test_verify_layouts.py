"""`gritctl verify` on tar shards and on img2dataset's files: what is damaged is told by name, and only that is fetched again."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import unittest
from pathlib import Path

from harness.case import CrawlCase
from harness.checker import Options, check, read_map
from harness.shards import Sample, all_samples, index_of, indexed_samples, is_whole, shards_in, stream_samples

POLITENESS = {"min_interval": "10ms", "connections_per_address": 4096, "connections_per_domain": 64, "robots": False}
SHARD_IMAGES = 20


def flip_byte(path: Path, at: int) -> None:
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 1]))


class VerifyLayout(CrawlCase):
    def crawled(self, count: int, **storage):
        urls = [f"https://h{number % 6}.test/{number}.jpg" for number in range(count)]
        web = self.web(mean_bytes=4000)
        daemon = self.daemon(web, [self.annotations(urls)], politeness=POLITENESS, storage={"min_free": "0B"} | storage)
        daemon.start(once=False)
        self.wait_settled(daemon, 40)
        return web, daemon

    def verify(self, daemon, *words: str, code: int = 0) -> dict:
        done = daemon.ctl("--json", "verify", *words)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def told_and_repaired(self, web, daemon, broken: set[str], before: dict[bytes, str]) -> None:
        """verify says of exactly these that they are broken, and a repair has them fetched again, and nothing else."""
        said = self.verify(daemon, code=1)
        listed = [json.loads(line) for line in Path(said["list"]).read_text().splitlines()]
        self.assertEqual({line["path"] for line in listed}, broken)
        self.assertEqual((said["broken"], said["requeued"]), (len(broken), 0))
        self.assertEqual(read_map(daemon.state_dir), before)
        asked = len(web.requests())
        self.assertEqual(self.verify(daemon, "--repair")["requeued"], len(broken))
        self.wait_settled(daemon, 60)
        self.assertEqual(len(web.requests()) - asked, len(broken))
        after = read_map(daemon.state_dir)
        self.assertEqual(set(after), set(before))
        self.assertEqual({key: path for key, path in after.items() if before[key] not in broken},
                         {key: path for key, path in before.items() if path not in broken}, "what is whole stays where it is")
        self.assertEqual(self.verify(daemon)["broken"], 0)
        self.assert_clean(check(daemon.config["input"]["annotations"], web.log_file, daemon.root, after, Options(allowance=1)))


class VerifyShards(VerifyLayout):
    def crawled_into_shards(self, count: int):
        web, daemon = self.crawled(count, layout="webdataset", shard_images=SHARD_IMAGES)
        return web, daemon, all_samples(daemon.root), read_map(daemon.state_dir)

    def cut_within(self, shard: Path, samples: dict[str, Sample], number: int, extension: str) -> set[str]:
        """Cuts a shard in the midst of a member of its sample of that number. @return the locations of what is lost by that."""
        inside = [location for location in samples if location.startswith(shard.name)]
        part = samples[inside[number]].members[extension]
        os.truncate(shard, shard.read_bytes().index(part) + len(part) // 2)
        return set(inside[number:])

    def check_shards(self, daemon) -> None:
        """For everybody who reads them, in each of the ways."""
        samples = all_samples(daemon.root)
        self.assertEqual(set(samples), set(read_map(daemon.state_dir).values()))
        self.assertEqual([location for location, sample in samples.items() if not is_whole(sample)], [])
        self.terminate(daemon)
        for shard in shards_in(daemon.root):
            self.assertEqual(indexed_samples(shard), stream_samples(shard))
            listed = subprocess.run(["tar", "tf", shard], capture_output=True, text=True, check=True)
            self.assertEqual(listed.stderr, "")
        indexes = {path.stem for path in daemon.root.glob("*.idx")}
        self.assertEqual(indexes, {shard.stem for shard in shards_in(daemon.root)})

    def test_each_kind_of_damage_of_sealed_shards(self):
        web, daemon, samples, before = self.crawled_into_shards(150)
        flipped, cut, beside, gone, unindexed, both, emptied, _ = shards_in(daemon.root)
        broken = {location for location in samples if location.startswith(gone.name)}
        one = next(location for location in samples if location.startswith(flipped.name))
        flip_byte(flipped, flipped.read_bytes().index(samples[one].image) + 100)
        broken |= {one} | self.cut_within(cut, samples, 8, "jpg") | self.cut_within(beside, samples, 3, "json")
        broken |= self.cut_within(both, samples, 10, "json") | self.cut_within(emptied, samples, 0, "jpg")
        gone.unlink()
        index_of(unindexed).unlink()
        index_of(both).unlink()
        index_of(emptied).write_text("v1.2 3\n")  # cut short, too
        self.told_and_repaired(web, daemon, broken, before)
        self.assertFalse(index_of(gone).exists(), "of nothing")
        self.check_shards(daemon)

    def test_the_shard_that_is_being_filled_is_removed(self):
        web, daemon, samples, before = self.crawled_into_shards(30)
        last = shards_in(daemon.root)[-1]
        last.unlink()
        self.told_and_repaired(web, daemon, {location for location in samples if location.startswith(last.name)}, before)
        self.check_shards(daemon)

    def test_the_shard_that_is_being_filled_is_cut(self):
        web, daemon, samples, before = self.crawled_into_shards(30)
        broken = self.cut_within(shards_in(daemon.root)[-1], samples, 4, "jpg")
        self.told_and_repaired(web, daemon, broken, before)
        self.check_shards(daemon)

    def test_it_is_cut_while_nobody_runs(self):
        web, daemon, samples, before = self.crawled_into_shards(30)
        self.terminate(daemon)
        broken = self.cut_within(shards_in(daemon.root)[-1], samples, 4, "json")
        daemon.start(once=False)
        self.wait_ready(daemon)
        self.assertIn("start.images_damaged", daemon.log_text())
        self.told_and_repaired(web, daemon, broken, before)
        self.check_shards(daemon)


class VerifyImg2dataset(VerifyLayout):
    def test_an_image_comes_back_with_what_is_beside_it(self):
        web, daemon = self.crawled(40, layout="img2dataset")
        before = read_map(daemon.state_dir)
        flipped, cut, missing = sorted(before.values())[5:35:10]
        flip_byte(daemon.root / flipped, 50)
        os.truncate(daemon.root / cut, 20)
        (daemon.root / missing).unlink()
        self.told_and_repaired(web, daemon, {flipped, cut, missing}, before)
        self.terminate(daemon)
        for path in before.values():
            image = daemon.root / path
            sidecar = json.loads(image.with_suffix(".json").read_text())
            self.assertEqual(sidecar["sha256"], hashlib.sha256(image.read_bytes()).hexdigest())
            self.assertEqual(image.with_suffix(".txt").read_text(), sidecar["caption"])
        names = {path.name for path in (daemon.root / "00000").iterdir()}
        self.assertEqual(len(names), 3 * len(before), "and nothing else")


if __name__ == "__main__":
    unittest.main()
