"""gritctl rebuild of layouts with sidecars, and of several volumes: state and journal are lost, in parts or wholly."""

from __future__ import annotations

import json
import shutil
import time
import unittest
from pathlib import Path

from harness.case import CrawlCase, write_annotations
from harness.checker import Images, read_map
from harness.shards import all_samples, is_whole, shards_in, stream_samples
from harness.small_crawl import SmallCrawl

SLOW = {"min_interval": "40ms", "connections_per_address": 4096, "connections_per_domain": 64, "robots": False}
SHARDS = {"layout": "webdataset", "shard_images": 10}
FOLDERS = {"layout": "img2dataset"}


class RebuildCase(CrawlCase):
    def rebuild(self, daemon, *words: str) -> dict:
        said = daemon.ctl("--json", "rebuild", *words, "--config", str(daemon.config_file))
        self.assertEqual(said.returncode, 0, said.stderr)
        return json.loads(said.stdout)

    def refused(self, daemon, words: str, *arguments: str) -> None:
        said = daemon.ctl("rebuild", *arguments, "--config", str(daemon.config_file))
        self.assertEqual(said.returncode, 1, said.stdout)
        self.assertIn(words, said.stderr)
        self.assertFalse((daemon.state_dir / "data.mdb").exists())

    def crawl_a_part(self, crawl: SmallCrawl, part: int) -> None:
        """Killed in the middle."""
        crawl.daemon.start(once=False)
        control = self.wait_ready(crawl.daemon)
        self.wait_for(f"{part} are stored", lambda: control.status()["outcomes"].get("stored", 0) >= part)
        crawl.daemon.kill()

    def lose_state(self, crawl: SmallCrawl) -> dict[bytes, str]:
        crawl.note_recorded()
        before = read_map(crawl.daemon.state_dir)
        shutil.rmtree(crawl.daemon.state_dir)
        return before

    def lose_journal_tail(self, crawl: SmallCrawl, share: float) -> None:
        """The open file is torn, in the middle of a line."""
        [plain] = (crawl.daemon.root / "outcomes").glob("*.jsonl")
        text = plain.read_bytes()
        plain.write_bytes(text[: int(len(text) * share)])

    def samples(self, root: Path) -> dict:
        """Of all volumes, and each is whole. Raises where a shard can not be read as a stream."""
        found = dict(all_samples(root))
        for link in (path for path in root.iterdir() if path.is_symlink()):
            found |= {f"{link.name}/{location}": sample for location, sample in all_samples(link.resolve()).items()}
        self.assertEqual([location for location, sample in found.items() if not is_whole(sample)], [])
        return found

    def check_shards(self, crawl: SmallCrawl) -> None:
        samples = self.samples(crawl.daemon.root)
        self.assertEqual(set(samples), set(read_map(crawl.daemon.state_dir).values()))
        self.assertEqual([text for text in (sample.json.get("caption") for sample in samples.values()) if text != "a picture"], [])
        self.assertNotIn("start.images_damaged", crawl.daemon.log_text())


class Shards(RebuildCase):
    def test_after_a_kill_in_the_middle(self):
        crawl = SmallCrawl(self, "crawl", politeness=SLOW, storage=SHARDS)
        self.crawl_a_part(crawl, 25)
        before = self.lose_state(crawl)
        self.assertGreater(len(shards_in(crawl.daemon.root)), 2)
        report = self.rebuild(crawl.daemon)
        after = read_map(crawl.daemon.state_dir)
        self.assertLessEqual(before.items(), after.items())
        self.assertEqual((report["lines_missing"], report["lines_damaged"], report["lost"], report["unknown"]), (0, 0, 0, 0), report)
        crawl.finish()
        self.assertLessEqual(after.items(), read_map(crawl.daemon.state_dir).items(), "a start cuts off nothing that is on record")
        crawl.check()
        self.check_shards(crawl)

    def test_what_the_journal_lost_is_taken_over_by_its_sidecars(self):
        crawl = SmallCrawl(self, "crawl", politeness=SLOW, storage=SHARDS)
        self.crawl_a_part(crawl, 40)
        before = self.lose_state(crawl)
        self.lose_journal_tail(crawl, 0.5)
        with open(shards_in(crawl.daemon.root)[-1], "ab") as shard:
            shard.write(b"a torn group" * 500)
        report = self.rebuild(crawl.daemon)
        self.assertGreater(report["found"], 5, report)
        self.assertEqual((report["lost"], report["unknown"], report["lines_damaged"]), (0, 0, 1), report)
        self.assertIn("6000 bytes behind its last whole image", "\n".join(report["problems"]))
        self.check_nothing_is_fetched_again(crawl, before)
        self.check_shards(crawl)

    def check_nothing_is_fetched_again(self, crawl: SmallCrawl, before: dict[bytes, str]) -> None:
        after = read_map(crawl.daemon.state_dir)
        self.assertEqual(set(before.values()) - set(after.values()), set(), "each image that is there has a record")
        # What had no image of its own (equal bytes under another URL) was told by the journal alone.
        crawl.begin_again()
        crawl.finish()
        crawl.check()

    def test_with_no_journal_at_all(self):
        crawl = SmallCrawl(self, "crawl", politeness=SLOW, storage=SHARDS)
        self.crawl_a_part(crawl, 30)
        before = self.lose_state(crawl)
        shutil.rmtree(crawl.daemon.root / "outcomes")
        images = len(self.torn_samples(crawl))
        report = self.rebuild(crawl.daemon)
        self.assertGreaterEqual(report["found"], len(set(before.values())))
        self.assertEqual((report["found"], report["unknown"], report["lost"]), (images, 0, 0), report)
        after = read_map(crawl.daemon.state_dir)
        self.assertEqual(set(before.values()) - set(after.values()), set())
        recorded = set(after)
        asked = len(crawl.web.requests())
        crawl.begin_again()
        crawl.finish()
        self.assertEqual(self.asked_again(crawl, recorded, asked), [])
        crawl.check()  # each line is counted once: sidecars and inputs tell which line had which number
        self.check_shards(crawl)
        self.assertEqual(self.rebuilt_again(crawl), read_map(crawl.daemon.state_dir), "it has a journal again")

    def torn_samples(self, crawl: SmallCrawl) -> list:
        return [sample for shard in shards_in(crawl.daemon.root) for sample in stream_samples(shard, torn=True)]

    def asked_again(self, crawl: SmallCrawl, recorded: set[bytes], asked: int) -> list[str]:
        later = {f"{request.scheme}://{request.host}{request.path}" for request in crawl.web.requests()[asked:]}
        return [key.decode() for key in recorded if key.decode() in later]

    def rebuilt_again(self, crawl: SmallCrawl) -> dict[bytes, str]:
        before = read_map(crawl.daemon.state_dir)
        shutil.rmtree(crawl.daemon.state_dir)
        report = self.rebuild(crawl.daemon)
        self.assertEqual((report["lost"], report["found"], report["unknown"]), (0, 0, 0), report)
        self.assertEqual(read_map(crawl.daemon.state_dir), before)
        return before

    def test_a_journal_that_was_switched_off_stays_off(self):
        crawl = SmallCrawl(self, "crawl", storage=SHARDS, journal={"enabled": False})
        crawl.life({})
        before = self.lose_state(crawl)
        report = self.rebuild(crawl.daemon)
        self.assertEqual(report["found"], len(set(before.values())))
        self.assertFalse((crawl.daemon.root / "outcomes").exists())

    def test_an_image_with_other_bytes_than_its_sidecar_tells_is_not_believed(self):
        crawl = SmallCrawl(self, "crawl", storage=SHARDS, journal={"enabled": False})
        crawl.life({})
        before = self.lose_state(crawl)
        location, sample = next(iter(self.samples(crawl.daemon.root).items()))
        shard = crawl.daemon.root / location.partition("#")[0]
        content = shard.read_bytes()
        at = content.index(sample.image) + len(sample.image) // 2
        shard.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        report = self.rebuild(crawl.daemon)
        self.assertEqual((report["found"], report["unknown"]), (len(set(before.values())) - 1, 1), report)
        listed = [json.loads(line) for line in Path(report["list"]).read_text().splitlines()]
        self.assertEqual([entry["path"] for entry in listed if entry["fate"] == "unknown"], [location])
        crawl.finish()
        url = sample.json["url"].encode()
        again = read_map(crawl.daemon.state_dir)[url]
        self.assertNotEqual(again, location)
        keys = [one.key for one in self.torn_samples(crawl)]
        self.assertEqual(len(keys), len(set(keys)), "no key is there twice")

    def test_retries_wait_for_their_annotations(self):
        urls = [f"https://h{number % 7}.test/{number}.jpg" for number in range(140)]
        web = self.web([{"name": "hiccup", "path": "/*2.jpg", "status": 500, "first_n": 1}])
        sources = [write_annotations(self.directory / f"{from_}.jsonl", urls[from_ : from_ + 70], from_) for from_ in (0, 70)]
        daemon = self.daemon(web, sources, politeness=SLOW, storage=SHARDS | {"min_free": "0B"}, retry={"schedule": ["4s"], "once_patience": "10s"})
        daemon.start(once=False)
        control = self.wait_ready(daemon)
        self.wait_for("14 wait for a retry", lambda: control.status()["records"]["waiting"] == 14 and control.status()["records"]["done"] == 126)
        daemon.kill()
        waited_from = time.monotonic()
        shutil.rmtree(daemon.state_dir)
        self.assertEqual(self.rebuild(daemon)["waiting"], 14)
        time.sleep(max(0.0, waited_from + 4 - time.monotonic()))  # until all are due: a start would ask at once
        daemon.rewrite_config(input={"annotations": [str(source) for source in reversed(sources)]})
        self.run_once(daemon, 60)
        samples = self.samples(daemon.root)
        self.assertEqual({sample.json["url"]: sample.json.get("caption") for sample in samples.values()},
                         {url: f"picture {number}" for number, url in enumerate(urls)})
        self.assertEqual({int(sample.key) for sample in samples.values()}, set(range(140)))

    def test_another_layout_is_refused(self):
        crawl = SmallCrawl(self, "crawl", storage=SHARDS)
        crawl.life({})
        self.lose_state(crawl)
        crawl.daemon.rewrite_config(storage={"layout": "img2dataset"})
        self.refused(crawl.daemon, 'storage.layout is "img2dataset", but the journal')
        self.refused(crawl.daemon, 'was begun as "webdataset"')

    def test_without_journal_and_sidecars_nothing_can_be_done(self):
        crawl = SmallCrawl(self, "crawl", journal={"enabled": False})
        crawl.life({})
        self.lose_state(crawl)
        self.refused(crawl.daemon, "there is nothing to rebuild from")


class Folders(RebuildCase):
    def test_after_a_kill_in_the_middle(self):
        crawl = SmallCrawl(self, "crawl", politeness=SLOW, storage=FOLDERS)
        self.crawl_a_part(crawl, 25)
        before = self.lose_state(crawl)
        report = self.rebuild(crawl.daemon)
        self.assertLessEqual(before.items(), read_map(crawl.daemon.state_dir).items())
        self.assertEqual((report["lost"], report["unknown"]), (0, 0), report)
        crawl.finish()
        crawl.check()
        self.check_sidecars(crawl)

    def check_sidecars(self, crawl: SmallCrawl) -> None:
        for location in set(read_map(crawl.daemon.state_dir).values()):
            sidecar = json.loads((crawl.daemon.root / location).with_suffix(".json").read_text())
            self.assertEqual(sidecar["caption"], "a picture", location)

    def test_with_no_journal_at_all(self):
        crawl = SmallCrawl(self, "crawl", politeness=SLOW, storage=FOLDERS)
        self.crawl_a_part(crawl, 30)
        before = self.lose_state(crawl)
        shutil.rmtree(crawl.daemon.root / "outcomes")
        report = self.rebuild(crawl.daemon)
        after = read_map(crawl.daemon.state_dir)
        self.assertEqual(set(before.values()) - set(after.values()), set())
        self.assertEqual((report["lost"], report["unknown"]), (0, 0), report)
        crawl.begin_again()
        crawl.finish()
        self.assertLessEqual(after.items(), read_map(crawl.daemon.state_dir).items())
        crawl._check_asked({key: key.decode() for key in after})
        self.assertEqual(set(Images(crawl.daemon.root).names()), set(read_map(crawl.daemon.state_dir).values()))
        self.check_sidecars(crawl)


class Volumes(RebuildCase):
    def crawl(self, **storage) -> SmallCrawl:
        for name in ("b", "c"):
            (self.directory / name).mkdir()
        storage["volumes"] = {name: str(self.directory / name) for name in ("b", "c")}
        return SmallCrawl(self, "crawl", politeness=SLOW, storage=storage)

    def test_shards_of_each(self):
        crawl = self.crawl(**SHARDS)
        self.crawl_a_part(crawl, 30)
        before = self.lose_state(crawl)
        self.lose_journal_tail(crawl, 0.6)
        self.assertEqual({location.partition("/")[0] for location in before.values() if "/" in location}, {"b", "c"})
        report = self.rebuild(crawl.daemon)
        self.assertEqual((report["lost"], report["unknown"]), (0, 0), report)
        self.assertGreater(report["found"], 0)
        after = read_map(crawl.daemon.state_dir)
        self.assertEqual(set(before.values()) - set(after.values()), set())
        crawl.begin_again()
        crawl.finish()
        self.assertLessEqual(after.items(), read_map(crawl.daemon.state_dir).items())
        crawl.check()
        self.check_shards(crawl)

    def test_one_that_is_not_mounted_is_not_lost_until_somebody_says_so(self):
        crawl = self.crawl()
        self.crawl_a_part(crawl, 30)
        before = self.lose_state(crawl)
        away = self.directory / "away"
        (self.directory / "b").rename(away)
        (self.directory / "b").mkdir()
        self.refused(crawl.daemon, "is it mounted?")
        self.assertEqual(list((self.directory / "b").iterdir()), [], "the empty mount point")
        self.refused(crawl.daemon, "take it out there", "--lost", "b")
        del crawl.daemon.config["storage"]["volumes"]["b"]
        crawl.daemon.write_config()
        self.refused(crawl.daemon, "gritctl rebuild --lost b")
        report = self.rebuild(crawl.daemon, "--lost", "b")
        on_b = {location for location in before.values() if location.startswith("b/")}
        after = read_map(crawl.daemon.state_dir)
        self.assertGreater(len(on_b), 0)
        self.assertGreaterEqual(report["lost"], len(on_b))
        self.assertEqual(set(before.values()) - set(after.values()), on_b)
        crawl.begin_again()
        crawl.finish()
        crawl.check()
        self.assertEqual({location for location in read_map(crawl.daemon.state_dir).values() if location.startswith("b/")}, set())

    def test_with_no_journal_a_link_tells_of_one_that_the_config_lacks(self):
        crawl = self.crawl(**SHARDS)
        self.crawl_a_part(crawl, 30)
        before = self.lose_state(crawl)
        shutil.rmtree(crawl.daemon.root / "outcomes")
        volumes = dict(crawl.daemon.config["storage"]["volumes"])
        del crawl.daemon.config["storage"]["volumes"]["c"]
        crawl.daemon.write_config()
        self.refused(crawl.daemon, "leads to an image volume")
        crawl.daemon.rewrite_config(storage={"volumes": volumes})
        self.rebuild(crawl.daemon)
        self.assertEqual(set(before.values()) - set(read_map(crawl.daemon.state_dir).values()), set())


if __name__ == "__main__":
    unittest.main()
