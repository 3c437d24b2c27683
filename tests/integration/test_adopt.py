"""What img2dataset has left behind is taken over: its images are not asked for again, its final failures neither."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import unittest
from pathlib import Path

from harness.case import CrawlCase, write_annotations
from harness.checker import map_key, read_map

POLITENESS = {"min_interval": "10ms", "connections_per_address": 4096, "robots": False}
STORED = [f"https://h{number % 4}.test/{number}.jpg" for number in range(40)]
IN_TAR = [f"http://tar.test/{number}.jpg" for number in range(10)]
TRUNCATED = "https://h1.test/truncated.jpg"
VANISHED = "https://h1.test/vanished.jpg"
FORBIDDEN = "https://forbidden.test/1.jpg"
TIMED_OUT = "https://h2.test/timed_out.jpg"
NEW = [f"https://new.test/{number}.jpg" for number in range(5)]
BLOCKED = "https://blocked.test/1.jpg"
ASKED_AGAIN = {TRUNCATED, VANISHED, TIMED_OUT, *NEW}


def sidecar(url: str, key: str) -> bytes:
    return json.dumps({"url": url, "key": key, "status": "success", "error_message": None}, indent=4).encode()


class Adoption(CrawlCase):
    def setUp(self) -> None:
        super().setUp()
        self.web_ = self.web()
        self.urls = [*STORED, *IN_TAR, TRUNCATED, VANISHED, FORBIDDEN, TIMED_OUT, *NEW, BLOCKED]
        self.images = self.images_of_another_crawl([*STORED, *IN_TAR, TRUNCATED])
        self.asked_before = len(self.web_.requests())
        self.old = self.directory / "old"
        self.write_old_dataset()

    def images_of_another_crawl(self, urls: list[str]) -> dict[str, bytes]:
        """Real images: a byte more each, behind the end mark of a JPEG, so that no other crawl has just these."""
        crawler = self.daemon(self.web_, [self.annotations(urls, "first.jsonl")], name="first", politeness=POLITENESS)
        self.run_once(crawler, 60)
        entries = read_map(crawler.state_dir)
        return {url: (crawler.root / entries[map_key(url)]).read_bytes() + b"\0" for url in urls}

    def write_old_dataset(self) -> None:
        folder = self.old / "00000"
        folder.mkdir(parents=True)
        for number, url in enumerate(STORED):
            (folder / f"{number:09d}.jpg").write_bytes(self.images[url])
            (folder / f"{number:09d}.json").write_bytes(sidecar(url, f"{number:09d}"))
        (folder / "000000100.jpg").write_bytes(self.images[TRUNCATED][: len(self.images[TRUNCATED]) // 2])
        (folder / "000000100.json").write_bytes(sidecar(TRUNCATED, "000000100"))
        (folder / "000000101.jpg").write_bytes(b"is removed before its turn comes")
        (folder / "000000101.json").write_bytes(sidecar(VANISHED, "000000101"))
        (folder / "000000102.jpg").write_bytes(self.images[STORED[0]])
        (folder / "000000102.json").write_bytes(sidecar(BLOCKED, "000000102"))
        (self.old / "00000_stats.json").write_text(json.dumps({"count": 43, "successes": 43}))
        with tarfile.open(self.old / "00001.tar", "w") as tar:
            for number, url in enumerate(IN_TAR):
                for extension, data in (("jpg", self.images[url]), ("json", sidecar(url, f"{10000 + number:09d}"))):
                    member = tarfile.TarInfo(f"{10000 + number:09d}.{extension}")
                    member.size = len(data)
                    tar.addfile(member, io.BytesIO(data))
        failures = [
            {"url": FORBIDDEN, "status": "failed_to_download", "error_message": "HTTP Error 403: Forbidden"},
            {"url": TIMED_OUT, "status": "failed_to_download", "error_message": "<urlopen error timed out>"},
        ]
        (self.directory / "failures.jsonl").write_text("".join(json.dumps(row) + "\n" for row in failures))

    def adopt(self, daemon) -> dict:
        done = daemon.ctl("--json", "adopt", str(self.old), "--failures", str(self.directory / "failures.jsonl"))
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def crawl(self, source: Path, kill: bool, **overrides: dict):
        """Adopts before the first line is there to be fetched; then the lines come."""
        daemon = self.daemon(self.web_, [source], politeness=POLITENESS, **overrides)
        daemon.start(once=False)
        self.wait_ready(daemon)
        told = self.adopt(daemon)
        self.assertEqual((told["images"], told["final_failures"], told["open_failures"]), (53, 1, 1), told)
        self.assertEqual(daemon.ctl("block", "host", "blocked.test").returncode, 0)
        (self.old / "00000" / "000000101.jpg").unlink()
        if kill:  # what was noted is durable
            daemon.kill()
            daemon.start(once=False)
            self.wait_ready(daemon)
        write_annotations(source, self.urls)
        self.assertEqual(daemon.ctl("reload").returncode, 0)
        self.wait_for("the lines are read", lambda: self.control(daemon).status()["input"]["lines"] == len(self.urls))
        self.wait_settled(daemon, 60)
        return daemon

    def check(self, daemon) -> None:
        asked = {f"{request.scheme}://{request.host}{request.path}" for request in self.web_.requests()[self.asked_before :]}
        self.assertEqual(asked, ASKED_AGAIN)
        records = {url: daemon.ctl_json("record", url) for url in self.urls}
        for url in [*STORED, *IN_TAR]:
            self.assertEqual(records[url]["outcome"], "stored", records[url])
            self.assertIn("adopted from img2dataset", records[url]["detail"])
            self.assertEqual(records[url]["sha256"], hashlib.sha256(self.images[url]).hexdigest())
        self.assertEqual(records[FORBIDDEN]["outcome"], "http_forbidden")
        self.assertIn("HTTP Error 403", records[FORBIDDEN]["detail"])
        self.assertEqual(records[BLOCKED]["outcome"], "opted_out")
        for url in ASKED_AGAIN:
            self.assertEqual((records[url]["outcome"], records[url]["detail"]), ("stored", None), url)

    def test_images_and_final_failures_are_not_asked_for_again(self):
        source = self.annotations([], "lines.jsonl")
        daemon = self.crawl(source, kill=False)
        self.check(daemon)
        entries = read_map(daemon.state_dir)
        for url in [*STORED, *IN_TAR]:
            self.assertEqual((daemon.root / entries[map_key(url)]).read_bytes(), self.images[url])
        counts = self.control(daemon).status()["outcomes"]
        self.assertEqual(sum(counts.values()), len(self.urls), counts)
        self.terminate(daemon)

    def test_a_kill_forgets_none_of_it(self):
        self.check(self.crawl(self.annotations([], "lines.jsonl"), kill=True))

    def test_what_is_no_such_folder_is_refused_in_words(self):
        daemon = self.daemon(self.web_, [self.annotations([], "lines.jsonl")], politeness=POLITENESS)
        daemon.start(once=False)
        self.wait_ready(daemon)
        refused = daemon.ctl("adopt", str(self.directory / "first"))
        self.assertEqual(refused.returncode, 1)
        self.assertIn("no shards of img2dataset", refused.stderr)


if __name__ == "__main__":
    unittest.main()
