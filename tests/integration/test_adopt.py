"""What img2dataset has left behind is taken over: its images are not asked for again, its final failures neither."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import subprocess
import tarfile
import unittest
from pathlib import Path

from harness.case import CrawlCase, write_annotations
from harness.checker import map_key, read_map
from harness.processes import interposed

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

    def adopt(self, daemon, *options: str) -> dict:
        done = daemon.ctl("--json", "adopt", str(self.old), "--failures", str(self.directory / "failures.jsonl"), *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def crawl(self, *options: str, kill: bool = False, **overrides: dict):
        """Adopts before the first line is there to be fetched; then the lines come."""
        source = self.annotations([], "lines.jsonl")
        daemon = self.daemon(self.web_, [source], politeness=POLITENESS, **overrides)
        daemon.start(once=False)
        self.wait_ready(daemon)
        told = self.adopt(daemon, *options)
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

    def check_taken(self, daemon, **how: int) -> dict[str, tuple[Path, Path]]:
        """By which ways images came. @return {url: (file of the old dataset, image)} of those that are files."""
        text = self.metrics(daemon)[1]
        counted = {match[1]: int(float(match[2])) for match in re.finditer(r'gritd_adoptions_total\{how="(\w+)"\} (\S+)', text)}
        self.assertEqual({name: count for name, count in counted.items() if count}, how)
        entries = read_map(daemon.state_dir)
        return {
            url: (self.old / "00000" / f"{number:09d}.jpg", daemon.root / entries[map_key(url)])
            for number, url in enumerate(STORED)
        }

    def test_images_and_final_failures_are_not_asked_for_again(self):
        daemon = self.crawl()
        self.check(daemon)
        entries = read_map(daemon.state_dir)
        for url in [*STORED, *IN_TAR]:
            self.assertEqual((daemon.root / entries[map_key(url)]).read_bytes(), self.images[url])
        counts = self.control(daemon).status()["outcomes"]
        self.assertEqual(sum(counts.values()), len(self.urls), counts)
        self.terminate(daemon)

    def test_a_kill_forgets_none_of_it(self):
        self.check(self.crawl(kill=True))

    def test_files_on_the_same_file_system_are_not_copied(self):
        daemon = self.crawl()
        # What is no good was linked, too, before it was judged. Of BLOCKED the image was good.
        pairs = self.check_taken(daemon, linked=len(STORED), copied=len(IN_TAR), refused=2)
        for url, (old, image) in pairs.items():
            self.assertTrue(old.samefile(image), url)
        self.assertEqual({path.name for path in (daemon.root / ".gritd/tmp").iterdir()}, set())
        # The other name is the operator's: what is written there is written to the image, and verify says so.
        old, image = pairs[STORED[3]]
        with open(old, "r+b") as file:
            file.write(b"no image")
        self.assertEqual(daemon.ctl("verify", "--repair").returncode, 0)
        self.wait_settled(daemon, 30)
        self.assertFalse(old.samefile(image))
        self.assertEqual(hashlib.sha256(image.read_bytes()).hexdigest(), daemon.ctl_json("record", STORED[3])["sha256"])
        shutil.rmtree(self.old)
        verified = daemon.ctl_json("verify")
        self.assertEqual((verified["broken"], verified["checked"] > 40), (0, True), verified)
        self.terminate(daemon)

    def test_blocks_are_shared_where_the_file_system_can_do_it(self):
        volume = self.directory / "xfs"
        volume.mkdir()
        image = self.directory / "xfs.img"
        with open(image, "wb") as file:
            file.truncate(400 << 20)
        try:
            for command in (["mkfs.xfs", "-q", "-m", "reflink=1", image], ["mount", "-o", "loop", image, volume]):
                subprocess.run(command, capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            self.skipTest(f"no file system that shares blocks can be made here: {error}")
        self.addCleanup(subprocess.run, ["umount", "-l", str(volume)], check=False)
        shutil.move(self.old, volume / "old")
        self.old = volume / "old"
        daemon = self.crawl("--no-hard-links", storage={"root": str(volume / "images"), "min_free": "0B"})
        self.check(daemon)
        pairs = self.check_taken(daemon, cloned=len(STORED), copied=len(IN_TAR), refused=2)
        for old, taken in pairs.values():
            self.assertFalse(old.samefile(taken))
            old.write_bytes(b"it is at work again")
        self.assertEqual(daemon.ctl_json("verify")["broken"], 0, "none of ours")
        self.terminate(daemon)

    def start_with_all_noted(self, *options: str, environment: dict[str, str] | None = None):
        """@return a daemon that has noted the old folder, and the function that gives it the lines."""
        source = self.annotations([], "lines.jsonl")
        daemon = self.daemon(self.web_, [source], politeness=POLITENESS)
        daemon.start(once=False, environment=environment)
        self.wait_ready(daemon)
        self.adopt(daemon, *options)

        def give(urls: list[str]) -> None:
            write_annotations(source, urls)
            self.assertEqual(daemon.ctl("reload").returncode, 0)

        return daemon, give

    def asked(self) -> set[str]:
        return {f"{request.scheme}://{request.host}{request.path}" for request in self.web_.requests()[self.asked_before :]}

    def test_a_folder_that_goes_away_is_waited_for(self):
        daemon, give = self.start_with_all_noted()
        away = self.directory / "away"
        self.old.rename(away)
        self.old.mkdir()  # as a mount point is, when nothing is mounted
        give([*STORED, *IN_TAR])
        reason = self.wait_for("the crawl pauses", lambda: self.control(daemon).status()["pause_reason"])
        self.assertIn("an adopted folder can not be reached", reason)
        self.assertIn(str(self.old), reason)
        told = daemon.ctl_json("adopt")
        self.assertEqual((told["pause_reason"], told["left"], told["taken"]["refused"]), (reason, 54, 0))
        self.assertIn(reason, daemon.ctl("adopt").stdout)
        self.old.rmdir()
        away.rename(self.old)
        self.wait_settled(daemon, 60)
        self.assertEqual(self.asked(), set())
        self.check_taken(daemon, linked=len(STORED), copied=len(IN_TAR))
        self.terminate(daemon)

    def test_a_folder_that_is_gone_for_good_is_given_up_by_order(self):
        daemon, give = self.start_with_all_noted()
        shutil.rmtree(self.old / "00000")
        give(STORED[:5])
        self.wait_for("the crawl pauses", lambda: self.control(daemon).status()["pause_reason"])
        self.assertEqual(daemon.ctl("adopt", "--forget").returncode, 1)
        self.assertEqual(daemon.ctl("adopt", "--forget", "--force").returncode, 0)
        self.wait_settled(daemon, 60)
        self.assertEqual(self.asked(), set(STORED[:5]))
        self.terminate(daemon)

    def test_a_file_that_can_not_be_read_waits_alone(self):
        faults = interposed([str(self.old)], FAULT="open:EIO:1:on:000000005.jpg")
        daemon, give = self.start_with_all_noted(environment=faults)
        give(STORED)
        self.wait_for("all others are taken over", lambda: daemon.ctl_json("adopt")["taken"]["linked"] == len(STORED) - 1)
        self.wait_for("it waits", lambda: daemon.ctl_json("record", STORED[5])["state"] == "waiting")
        record = daemon.ctl_json("record", STORED[5])
        self.assertEqual(self.control(daemon).status()["pause_reason"], "")
        self.assertIn("000000005.jpg: Input/output error", record["detail"])
        told = daemon.ctl_json("adopt")
        self.assertEqual((told["taken"]["held"], told["taken"]["refused"]), (1, 0))
        self.assertEqual(self.asked(), set())
        self.terminate(daemon)

    def test_what_no_input_has_is_told_and_forgotten(self):
        source = self.annotations([], "lines.jsonl")
        daemon = self.daemon(self.web_, [source], politeness=POLITENESS)
        daemon.start(once=False)
        self.wait_ready(daemon)
        told = daemon.ctl_json("adopt")
        self.assertEqual((told["state"], told["left"]), ("none", 0))
        self.assertEqual(self.adopt(daemon)["left"], 54)
        slow = [f"https://later.test/{number}.jpg" for number in range(200)]
        write_annotations(source, [*STORED[10:], *IN_TAR[1:], FORBIDDEN, *slow])
        self.assertEqual(daemon.ctl("reload").returncode, 0)
        self.wait_for("the lines are read", lambda: self.control(daemon).status()["input"]["lines"] > 100)
        early = daemon.ctl("adopt", "--forget")
        self.assertEqual((early.returncode, "not through" in early.stderr), (1, True), early)
        self.wait_settled(daemon, 60)
        waiting = daemon.ctl_json("adopt", "--waiting", "--config", str(daemon.config_file))
        shards = [{"shard": f"{self.old}/00000", "images": 13}, {"shard": f"{self.old}/00001.tar", "images": 1}]
        self.assertEqual(waiting, {"shards": shards, "failures": 0})
        self.assertEqual(daemon.ctl_json("adopt")["left"], 14)
        daemon.kill()  # what waits is in the state, not in the job
        daemon.start(once=False)
        self.wait_settled(daemon, 30)
        told = daemon.ctl_json("adopt")
        self.assertEqual((told["state"], told["left"]), ("none", 14))
        told = daemon.ctl_json("adopt", "--forget")
        self.assertEqual((told["state"], told["forgotten"], told["left"]), ("done", 14, 0))
        self.assertIn("adopt.forgotten urls=14", daemon.log_text())
        asked = len(self.web_.requests())
        write_annotations(source, [*STORED[10:], *IN_TAR[1:], FORBIDDEN, *slow, STORED[0]])
        self.assertEqual(daemon.ctl("reload").returncode, 0)
        self.wait_for("it is asked for", lambda: daemon.ctl("record", STORED[0]).returncode == 0)
        self.assertEqual([request.path for request in self.web_.requests()[asked:]], ["/0.jpg"])
        self.terminate(daemon)

    def test_an_operator_may_want_no_hard_links(self):
        daemon = self.crawl("--no-hard-links")
        for url, (old, image) in self.check_taken(daemon, copied=len(STORED) + len(IN_TAR), refused=2).items():
            self.assertFalse(old.samefile(image), url)
        self.check(daemon)
        self.terminate(daemon)

    def test_files_that_others_may_write_are_copied(self):
        for path in (self.old / "00000").glob("*.jpg"):
            path.chmod(0o666)
        daemon = self.crawl()
        self.check_taken(daemon, copied=len(STORED) + len(IN_TAR), refused=2)
        self.check(daemon)
        self.terminate(daemon)

    def test_files_of_another_mount_are_copied(self):
        """One file system, two mounts: as a service has it whose folders are bound (systemd's ReadWritePaths)."""
        elsewhere = self.directory / "elsewhere"
        elsewhere.mkdir()
        bound = subprocess.run(["mount", "--bind", str(self.old), str(elsewhere)], capture_output=True, text=True, check=False)
        if bound.returncode != 0:
            self.skipTest(f"nothing can be bound here: {bound.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", str(elsewhere)], check=False)
        self.old = elsewhere
        daemon = self.crawl()
        self.check_taken(daemon, copied=len(STORED) + len(IN_TAR), refused=2)
        self.check(daemon)
        self.terminate(daemon)

    def test_files_of_the_same_volume_are_copied_into_tar_shards(self):
        daemon = self.crawl(storage={"layout": "webdataset"})
        self.assertIn(f'gritd_adoptions_total{{how="copied"}} {len(STORED) + len(IN_TAR)}', self.metrics(daemon)[1])
        self.check(daemon)
        self.terminate(daemon)
        for number, url in enumerate(STORED):
            self.assertEqual((self.old / "00000" / f"{number:09d}.jpg").read_bytes(), self.images[url], "it is the operator's")

    def test_what_is_no_such_folder_is_refused_in_words(self):
        daemon = self.daemon(self.web_, [self.annotations([], "lines.jsonl")], politeness=POLITENESS)
        daemon.start(once=False)
        self.wait_ready(daemon)
        refused = daemon.ctl("adopt", str(self.directory / "first"))
        self.assertEqual(refused.returncode, 1)
        self.assertIn("no shards of img2dataset", refused.stderr)


if __name__ == "__main__":
    unittest.main()
