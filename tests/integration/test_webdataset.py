"""layout = "webdataset": what other programs find in the shards, and what gritd does with images in them."""

from __future__ import annotations

import json
import subprocess
import unittest

from harness.case import CrawlCase
from harness.checker import Options, check, read_map
from harness.shards import all_samples, index_of, indexed_samples, is_whole, shards_in, stream_samples

POLITENESS = {"min_interval": "10ms", "connections_per_address": 4096, "connections_per_domain": 64}
SHARD_IMAGES = 20
MOVED = {"name": "moved", "path": "/moved*", "redirect": {"to": "https://{host}/there{path}"}}
SHARED = {"name": "shared", "path": "/shared*", "redirect": {"to": "https://origin.test/the.jpg"}}


def line_of(number: int, url: str) -> str:
    """As GRIT has them: numbers that no second writing leaves as they are."""
    return json.dumps(
        {"key": f"{number:09d}", "clip_similarity_vitb32": 0.353271484375, "id": 1795296605919 + number, "url": url,
         "caption": "a wire hanger \u2014 \"quoted\"", "width": 1024, "height": 693}
    )[:-1] + f', "noun_chunks": [[19, 32, 1.9644069503434333e-2, 0.96034423510233560, 10E-1]], "empty": {{}} , "n": {number}}}'


class WebDataset(CrawlCase):
    def lines(self, urls: list[str]) -> list[str]:
        return [line_of(number, url) for number, url in enumerate(urls)]

    def crawler(self, urls: list[str], rules: list[dict] | None = None, **storage):
        source = self.directory / "annotations.jsonl"
        source.write_text("".join(line + "\n" for line in self.lines(urls)))
        web = self.web(rules, mean_bytes=4000)
        storage = {"layout": "webdataset", "shard_images": SHARD_IMAGES, "min_free": "0B"} | storage
        return web, source, self.daemon(web, [source], politeness=POLITENESS, storage=storage)

    def urls(self, hosts: int = 5, each: int = 10) -> list[str]:
        kinds = ["jpg", "png", "webp", "gif"]
        return [f"https://h{host}.test/{n}.{kinds[n % 4]}" for n in range(each) for host in range(hosts)]

    def test_other_programs_find_images_and_annotations(self):
        urls = self.urls() + ["https://h0.test/moved.jpg", "https://h1.test/shared.jpg", "https://h2.test/shared.jpg"]
        web, source, daemon = self.crawler(urls + urls[:3], [MOVED, SHARED])
        self.run_once(daemon, 60)
        web.stop()
        entries = read_map(daemon.state_dir)
        self.assert_clean(check([source], web.log_file, daemon.root, entries, Options(require_all=True)))
        # Inodes: shards and their indexes, and nothing else.
        files = {path.name for path in daemon.root.iterdir()}
        self.assertEqual(files, {".gritd", "outcomes"} | {f"0000{n}.{kind}" for n in range(3) for kind in ("tar", "idx")})
        samples = all_samples(daemon.root)
        self.assertEqual(set(samples), set(entries.values()))
        self.assertEqual([len(stream_samples(shard)) for shard in shards_in(daemon.root)], [20, 20, 12])
        by_url = {json.loads(line)["url"]: line for line in self.lines(urls)}
        for location, sample in samples.items():
            record = sample.json["gritd"]
            line = by_url[record["url"]]
            self.assertTrue(sample.text.startswith(line[:-1].rstrip() + ", \"gritd\": {"), sample.text)
            self.assertEqual({key: value for key, value in sample.json.items() if key != "gritd"}, json.loads(line))
            self.assertTrue(is_whole(sample), location)
            self.assertEqual(sample.members["txt"].decode(), sample.json["caption"])
            self.assertEqual(entries[record["url"].encode()], location)
            self.assertEqual(int(sample.key), record["ordinal"])
            self.assertGreater(record["width"] * record["height"], 0)
            self.assertEqual((record["status"], record["media_type"].partition("/")[0]), (200, "image"))
            self.assertEqual(record["final_url"] is not None, "moved" in record["url"] or "shared" in record["url"])
        for shard in shards_in(daemon.root):
            self.assertEqual(indexed_samples(shard), stream_samples(shard))
            listed = subprocess.run(["tar", "tf", shard], capture_output=True, text=True, check=True)
            self.assertEqual((len(listed.stdout.split()), listed.stderr), (3 * len(stream_samples(shard)), ""))
        done = daemon.ctl("export", "url-to-path", "--format", "json", "-o", "-", "--config", str(daemon.config_file))
        self.assertEqual(done.returncode, 0, done.stderr)
        exported = json.loads(done.stdout)
        self.assertEqual(exported, {url.decode(): f"{daemon.root}/{path}" for url, path in entries.items()})

    def test_the_open_shard_is_found_in_and_the_input_need_not_stay(self):
        web, source, daemon = self.crawler([])
        daemon.rewrite_config(input={"annotations": ["-"]})
        urls = self.urls(2, 3)
        daemon.start(once=False, stdin=subprocess.PIPE)
        daemon.stdin.write("".join(line + "\n" for line in self.lines(urls)).encode())
        daemon.stdin.flush()
        control = self.wait_ready(daemon)
        self.wait_for("all are stored", lambda: control.status()["outcomes"].get("stored", 0) == len(urls))
        self.assertFalse(index_of(shards_in(daemon.root)[0]).exists())
        self.assertEqual({sample.json["url"] for sample in all_samples(daemon.root).values()}, set(urls))
        record = control.record(urls[1])
        self.assertEqual(record["path"], read_map(daemon.state_dir)[urls[1].encode()])
        said = daemon.ctl("explain", urls[1])
        self.assertEqual((said.returncode, "it is settled as stored" in said.stdout), (0, True), said.stderr)
        daemon.stdin.close()
        self.terminate(daemon)
        self.assertEqual(len(indexed_samples(shards_in(daemon.root)[0])), len(urls), "a clean end leaves an index, too")

    def test_a_layout_never_changes(self):
        web, source, daemon = self.crawler(self.urls(1, 1))
        self.run_once(daemon, 30)
        daemon.rewrite_config(storage={"layout": "files"})
        self.assertEqual(daemon.run_once(30), 78)
        self.assertIn('storage.layout is \\"files\\", but this dataset was begun as \\"webdataset\\"', daemon.log_text())
        daemon.rewrite_config(storage={"layout": "webdataset"})
        self.run_once(daemon, 30)
        self.assertEqual(len(all_samples(daemon.root)), 1)

    def test_what_opted_out_is_overwritten(self):
        urls = self.urls() + ["https://h1.test/shared.jpg", "https://h2.test/shared.jpg"]
        web, source, daemon = self.crawler(urls, [SHARED])
        daemon.start(once=False)
        self.wait_settled(daemon, 30)
        before = all_samples(daemon.root)
        gone = {location: sample for location, sample in before.items() if "h1.test/" in sample.json["url"]}
        secrets = [sample.image for sample in gone.values() if "shared" not in sample.json["url"]]
        answer = daemon.ctl_json("optout", "h1.test", "--delete")
        self.assertEqual((answer["state"], answer["deleted"], answer["files_removed"]), ("done", 11, 10))
        after = all_samples(daemon.root)
        self.assertEqual(set(after), set(read_map(daemon.state_dir).values()))
        self.assertEqual(len(before) - len(after), 10)
        bytes_now = [shard.read_bytes() for shard in shards_in(daemon.root)]
        for secret in secrets:
            self.assertFalse(any(secret in shard for shard in bytes_now))
        for shard in shards_in(daemon.root):
            if index_of(shard).exists():
                self.assertEqual(indexed_samples(shard), stream_samples(shard))
            subprocess.run(["tar", "tf", shard], capture_output=True, check=True)
        self.terminate(daemon)

    def test_a_broken_image_is_fetched_again(self):
        web, source, daemon = self.crawler(self.urls(2, 15))
        daemon.start(once=False)
        self.wait_settled(daemon, 30)
        before = all_samples(daemon.root)
        location, sample = next(iter(before.items()))
        shard = daemon.root / location.partition("#")[0]
        bytes_before = shard.read_bytes()
        at = bytes_before.index(sample.image)
        with open(shard, "r+b") as file:
            file.seek(at + len(sample.image) // 2)
            file.write(b"DAMAGE")
        said = self.verify(daemon, 1)
        self.assertEqual((said["checked"], said["wrong_digest"]), (len(before), 1))
        self.assertEqual(self.verify(daemon, 0, "--repair")["requeued"], 1)
        url = sample.json["url"].encode()
        self.wait_for("it is there again", lambda: url in read_map(daemon.state_dir), 40)
        again = all_samples(daemon.root)
        self.assertNotEqual(read_map(daemon.state_dir)[url], location)
        self.assertEqual(again[read_map(daemon.state_dir)[url]].image, sample.image)
        self.assertEqual(len(again), len(before))
        self.assertEqual(self.verify(daemon, 0)["broken"], 0)
        self.terminate(daemon)

    def test_a_damaged_header_is_found_and_the_shard_can_be_read_again(self):
        web, source, daemon = self.crawler(self.urls(2, 15))
        daemon.start(once=False)
        self.wait_settled(daemon, 30)
        before = all_samples(daemon.root)
        location, sample = list(before.items())[3]
        shard = daemon.root / location.partition("#")[0]
        at = shard.read_bytes().index(f"{location.partition('#')[2].partition('.')[0]}.json".encode())
        with open(shard, "r+b") as file:
            file.seek(at + 130)  # of the sidecar's size
            file.write(b"9")
        self.assertNotEqual(subprocess.run(["tar", "tf", shard], capture_output=True, check=False).returncode, 0)
        said = self.verify(daemon, 1)
        self.assertEqual((said["checked"], said["broken"], said["wrong_header"]), (len(before), 1, 1))
        self.assertEqual(self.verify(daemon, 0, "--repair")["requeued"], 1)
        subprocess.run(["tar", "tf", shard], capture_output=True, check=True)
        url = sample.json["url"].encode()
        self.wait_for("it is there again", lambda: url in read_map(daemon.state_dir), 40)
        self.assertEqual(len(all_samples(daemon.root)), len(before))
        self.assertEqual(self.verify(daemon, 0)["broken"], 0)
        self.terminate(daemon)

    def verify(self, daemon, code: int, *words: str) -> dict:
        done = daemon.ctl("--json", "verify", *words)
        self.assertEqual(done.returncode, code, done.stderr)
        return json.loads(done.stdout)

    def test_equal_bytes_can_be_stored_again(self):
        urls = [f"https://h{n}.test/shared.jpg" for n in range(4)]
        web, source, daemon = self.crawler(urls, [SHARED], dedupe_content=False)
        self.run_once(daemon, 30)
        samples = all_samples(daemon.root)
        self.assertEqual({sample.json["url"] for sample in samples.values()}, set(urls))
        self.assertEqual(len({sample.image for sample in samples.values()}), 1)
        self.assertEqual(len(set(read_map(daemon.state_dir).values())), 4)


if __name__ == "__main__":
    unittest.main()
