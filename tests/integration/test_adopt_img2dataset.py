"""Takes over what the real img2dataset has made: of both layouts, with its own failures, and cut off by kill -9.

Skipped where the Python of GRIT_PIP_PYTHON (else python3) has no img2dataset: `pip install img2dataset`."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import tarfile
import unittest
from pathlib import Path

from harness import img2dataset
from harness.case import CrawlCase, write_annotations
from harness.checker import map_key, read_map
from harness.pip_python import needs
from harness.urls import canonical

POLITENESS = {"min_interval": "10ms", "connections_per_address": 4096, "robots": False}
FINAL = {400: "http_client_error", 401: "http_forbidden", 403: "http_forbidden", 404: "http_not_found", 410: "http_not_found",
         418: "http_client_error", 451: "http_forbidden"}
# What that program meets once, and gritd does not meet again.
ONCE = {
    **{f"s{code}": {"status": code} for code in (408, 425, 429, 500, 503)},
    "html": {"html": True},
    "empty": {"empty": True},
    "stall": {"stall": "head"},
    "cut": {"truncate": True},
    "image_cut": {"image_cut": 0.6},
    "reset": {"reset": True},
}
RULES = [{"host": f"s{code}.test", "status": code} for code in FINAL]
RULES += [{"host": "opted_out.test", "x_robots_tag": "noai"}]
RULES += [{"host": f"{name}.test", "first_n": 1} | rule for name, rule in ONCE.items()]
RULES += [{"host": "moved.test", "redirect": {"to": "https://ok0.test/where.jpg"}}, {"host": "slow.test", "delay_ms": 60}]
OK = [f"https://ok{number % 3}.test/{number}.{kind}" for number, kind in enumerate(("jpg", "png", "webp", "gif") * 8)]
MIXED = [
    *OK,
    "https://moved.test/1.jpg",
    *[f"https://s{code}.test/1.jpg" for code in FINAL],
    "https://opted_out.test/1.jpg",
    *[f"https://{name}.test/1.jpg" for name in ONCE],
    "https://a.unknown.test/1.jpg",  # no name to that program
    "http://ok0.test/with a blank.jpg",  # it asks for no such URL
    "http://ok0.test/\u00e9.jpg",
    "https://ok0.test/0.jpg",  # the same again, and in another spelling
    "HTTP://OK1.test:80/one.jpg",
]
SLOW = [f"http://slow.test/{number}.jpg" for number in range(120)]


def read_output(folder: Path) -> dict[str, list[bytes]]:
    """{url: images} of the folder, read by other means than gritd's; of a tar that was cut what is whole."""
    members: dict[str, bytes] = {str(path): path.read_bytes() for path in folder.glob("*/*.*")}
    for shard in folder.glob("*.tar"):
        try:
            with tarfile.open(shard, "r:") as tar:
                for member in tar:
                    data = tar.extractfile(member).read()
                    if len(data) == member.size:
                        members[f"{shard}/{member.name}"] = data
        except tarfile.TarError:
            pass
    images: dict[str, list[bytes]] = {}
    for name, data in members.items():
        image = next((members[name[:-4] + kind] for kind in ("jpg", "png") if name[:-4] + kind in members), None)
        if name.endswith(".json") and image is not None:
            try:
                images.setdefault(str(json.loads(data)["url"]), []).append(image)
            except ValueError:
                pass  # cut off
    return images


class AdoptReal(CrawlCase):
    def setUp(self) -> None:
        super().setUp()
        self.web_ = self.web(RULES, mean_bytes=3000)
        self.old = self.directory / "old"

    def url_list(self, urls: list[str], **fields: object) -> Path:
        """Lines with fields besides, of which the other program keeps copies."""
        path = self.directory / "urls.jsonl"
        lines = ({"url": url, "caption": f"a \u2014 picture {number}", **fields} for number, url in enumerate(urls))
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return path

    def taken_over(self, urls: list[str]) -> tuple[dict, dict]:
        """Adopts what is there, lets gritd come to its end, and checks every URL. @return what adopt said, all records."""
        failures = img2dataset.failures(self.old)
        self.assertEqual(failures.returncode, 0, failures.stderr)
        (self.directory / "failures.jsonl").write_text(failures.stdout)
        asked_before = len(self.web_.requests())
        source = self.annotations([], "lines.jsonl")
        daemon = self.daemon(self.web_, [source], politeness=POLITENESS)
        daemon.start(once=False)
        self.wait_ready(daemon)
        done = daemon.ctl("--json", "adopt", str(self.old), "--failures", str(self.directory / "failures.jsonl"))
        self.assertEqual(done.returncode, 0, done.stderr)
        write_annotations(source, urls)
        self.assertEqual(daemon.ctl("reload").returncode, 0)
        self.wait_for("the lines are read", lambda: self.control(daemon).status()["input"]["lines"] == len(urls))
        self.wait_settled(daemon, 60)
        told = json.loads(done.stdout)
        self.assertEqual((told["state"], told["damaged_shards"], told["bad_urls"]), ("done", 0, 0), told)
        records = {url: daemon.ctl_json("record", url) for url in urls}
        self.check_images(daemon, records)
        asked = {f"{request.scheme}://{request.host}{request.path}" for request in self.web_.requests()[asked_before:]}
        self.terminate(daemon)
        return told, {"asked": asked, "records": records}

    def check_images(self, daemon, records: dict[str, dict]) -> None:
        """Records of images that were taken over have the digest of what lies in the old folder, and so has the map's file."""
        entries = read_map(daemon.state_dir)
        by_url: dict[object, set[str]] = {}
        for url, images in read_output(self.old).items():
            by_url.setdefault(canonical(url), set()).update(hashlib.sha256(image).hexdigest() for image in images)
        for url, record in records.items():
            if not (record["detail"] or "").startswith("adopted from img2dataset"):
                continue
            self.assertIn(record["sha256"], by_url[canonical(url)], url)
            stored = (daemon.root / entries[map_key(url)]).read_bytes()
            self.assertEqual(hashlib.sha256(stored).hexdigest(), record["sha256"], url)

    def check_mixed(self, told: dict, result: dict) -> None:
        self.assertEqual((told["damaged"], told["imageless"]), (0, 0), told)
        for url, record in result["records"].items():
            host = url.partition("://")[2].partition(".test")[0]
            adopted = (record["detail"] or "").startswith("adopted from img2dataset")
            if host.lower() in ("ok0", "ok1", "ok2", "moved"):
                is_kept = " " not in url and url.isascii()
                self.assertEqual((record["outcome"] in ("stored", "duplicate_content"), adopted), (True, is_kept), (url, record))
            elif host[1:].isdigit() and int(host[1:]) in FINAL:
                self.assertEqual(record["outcome"], FINAL[int(host[1:])], record)
                self.assertIn("img2dataset: HTTP Error", record["detail"])
            elif host == "opted_out":
                self.assertEqual((record["outcome"], record["detail"][:12]), ("opted_out", "img2dataset:"), record)
            else:
                self.assertIn(record["outcome"], ("stored", "duplicate_content"), record)
        again = {f"https://{name}.test/1.jpg" for name in ONCE} | {"https://a.unknown.test/1.jpg"}
        self.assertEqual(result["asked"], again | {"http://ok0.test/with%20a%20blank.jpg", "http://ok0.test/%C3%A9.jpg"})

    @needs("img2dataset")
    def test_files_without_resizing(self):
        img2dataset.run(self.web_, self.url_list(MIXED), self.old, input_format="jsonl", caption_col="caption",
                        output_format="files", resize_mode="no", number_sample_per_shard=20)
        told, result = self.taken_over(MIXED)
        self.assertEqual((told["images"], told["final_failures"]), (len(OK) + 3, len(FINAL) + 1), told)
        self.check_mixed(told, result)

    @needs("img2dataset")
    def test_webdataset_with_its_default_resizing(self):
        img2dataset.run(self.web_, self.url_list(MIXED), self.old, input_format="jsonl", caption_col="caption",
                        output_format="webdataset", number_sample_per_shard=20)
        told, result = self.taken_over(MIXED)
        self.assertEqual((told["images"], told["shards"]), (len(OK) + 3, 3), told)
        self.check_mixed(told, result)

    @needs("img2dataset")
    def test_bytes_as_they_came_and_numbers_that_are_none(self):
        """That program does not look whether they are images; what it hands on of the input is not always JSON."""
        columns = {"score": float("nan"), "boxes": [[0, 1, 0.5]]}
        img2dataset.run(self.web_, self.url_list(MIXED, **columns), self.old, input_format="jsonl", output_format="files",
                        disable_all_reencoding=True, save_additional_columns=list(columns), compute_hash=None)
        told, result = self.taken_over(MIXED)
        self.assertEqual(told["images"], len(OK) + 3 + 3, told)  # with "html", "empty" and "image_cut"
        self.check_mixed(told, result)

    def kill_in_the_second_shard(self, **options: object) -> None:
        process = img2dataset.start(self.web_, self.url_list(SLOW), self.old, input_format="jsonl", thread_count=2,
                                    number_sample_per_shard=60, start_new_session=True, **options)

        def is_under_way() -> bool:
            second = [path for path in (self.old / "00001").glob("*.json")] or [self.old / "00001.tar"]
            return (self.old / "00000_stats.json").exists() and second[-1].exists() and (
                len(second) > 5 or second[-1].stat().st_size > 20_000)

        self.wait_for("img2dataset writes its second shard", is_under_way, 60)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self.assertTrue((self.old / "_tmp").is_dir())
        self.assertFalse((self.old / "00001_stats.json").exists())

    def check_killed(self) -> None:
        kept = set(read_output(self.old))
        self.assertTrue(60 <= len(kept) < len(SLOW), len(kept))
        _, result = self.taken_over(SLOW)
        self.assertEqual(result["asked"], set(SLOW) - kept, "what is whole is not asked for again")
        self.assertLessEqual({record["outcome"] for record in result["records"].values()}, {"stored", "duplicate_content"})

    @needs("img2dataset")
    def test_files_of_one_that_was_killed(self):
        self.kill_in_the_second_shard(output_format="files", resize_mode="no")
        self.check_killed()

    @needs("img2dataset")
    def test_a_tar_of_one_that_was_killed(self):
        self.kill_in_the_second_shard(output_format="webdataset", resize_mode="no")
        self.check_killed()


if __name__ == "__main__":
    unittest.main()
