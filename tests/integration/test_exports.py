"""The seed pipeline's files from a crawl: what Python makes of the same data; running or not; whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import time
import unittest
from pathlib import Path

from harness import processes
from harness.case import CrawlCase
from harness.checker import KEY_LIMIT, read_map

POLITENESS = {"min_interval": "10ms", "connections_per_address": 4096, "robots": False}
# What spelling has to survive: JSON and CSV quoting, non-ASCII, escapes that LMDB's order sorts apart from Python's.
ODD_PATHS = [
    'quo"te.jpg',
    "com,ma.jpg",
    "back\\slash.jpg",
    "tab\there.jpg",
    "ümläut-日本.jpg",
    "space in it.jpg",
    "a.jpg?x=1&y=2#frag",
    "a.jpg?x=1&amp;y=3",
    "%e4%f6.jpg",
    "emoji-😀.jpg",
    "'single'.jpg",
    "<tag>.jpg",
    "long-" + "x" * 600 + ".jpg",
    "line\u2028sep.jpg",
]


class Exports(CrawlCase):
    def setUp(self) -> None:
        super().setUp()
        urls = [f"https://h{number % 5}.test/{number}.jpg" for number in range(100)]
        urls += [f"http://odd.test/{path}" for path in ODD_PATHS]
        urls += [
            "https://gone.test/1.jpg",
            urls[0],
            "HTTPS://H0.test/0.jpg",
        ]  # gone; a duplicate; another spelling of one
        self.source = self.annotations(urls)
        web = self.web([{"name": "gone", "host": "gone.test", "status": 404}])
        self.crawler = self.daemon(web, [self.source], politeness=POLITENESS)
        self.crawler.start(once=False)
        self.wait_settled(self.crawler, 30)

    def export(self, what: str, file: str, *arguments: str) -> bytes:
        target = self.directory / file
        done = self.crawler.ctl("export", what, "-o", str(target), *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return target.read_bytes()

    def both_ways(self, what: str, *arguments: str) -> bytes:
        """The export through the running daemon and that without it; they have to be equal."""
        running = self.export(what, "running", *arguments)
        beside = self.export(what, "beside", *arguments, "--config", str(self.crawler.config_file))
        self.assertEqual(running, beside, "with the daemon running, through it and past it")
        return running

    def expected_paths(self) -> dict[str, str]:
        """{URL as written: path} in the order of the keys' bytes, from LMDB itself."""
        entries = read_map(self.crawler.state_dir)
        long = {key: url for url in self.written_urls() if len(key := url.encode()) > KEY_LIMIT}
        self.assertEqual(len(long), 1)
        short = {key.decode(): path for key, path in sorted(entries.items()) if not key.startswith(b"sha256:")}
        (digest,) = [key for key in entries if key.startswith(b"sha256:")]
        paths = short | {url: entries[digest] for url in long.values()}
        return {url: f"{self.crawler.root}/{path}" for url, path in paths.items()}

    def written_urls(self) -> list[str]:
        return [json.loads(line)["url"] for line in self.source.read_text(encoding="utf-8").splitlines()]

    def test_json_is_what_json_dumps_makes(self):
        expected = self.expected_paths()
        self.assertEqual(len(expected), 100 + len(ODD_PATHS) + 1)
        made = self.both_ways("url-to-path", "--format", "json")
        self.assertEqual(made.decode(), json.dumps(expected, ensure_ascii=False))
        self.assertTrue(all(Path(path).is_file() for path in json.loads(made).values()))
        self.after_the_end("url-to-path", made, "--format", "json")

    def test_csv_is_what_csv_writer_makes(self):
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(["url", "path"])
        writer.writerows(self.expected_paths().items())
        made = self.both_ways("url-to-path", "--format", "csv")
        self.assertEqual(made.decode(), text.getvalue())
        self.after_the_end("url-to-path", made, "--format", "csv")

    def test_jsonl_tells_more(self):
        made = self.both_ways("url-to-path", "--format", "jsonl")
        rows = [json.loads(line) for line in made.decode().split("\n")[:-1]]
        self.assertEqual({row["url"]: row["path"] for row in rows}, self.expected_paths())
        for row in rows:
            self.assertEqual(Path(row["path"]).stat().st_size, row["bytes"])
            self.assertEqual(row["media_type"], "image/jpeg")
            self.assertEqual(row["http_status"], 200)
        ordinals = {row["url"]: row["ordinal"] for row in rows}
        self.assertEqual(ordinals["https://h1.test/1.jpg"], 1)
        self.after_the_end("url-to-path", made, "--format", "jsonl")

    def test_url_list_is_the_seeds(self):
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(["url", "image_id"])
        for line in self.source.read_text(encoding="utf-8").splitlines():
            annotation = json.loads(line)
            writer.writerow([annotation["url"], annotation["key"]])
        made = self.both_ways("url-list")
        self.assertEqual(made.decode(), text.getvalue())
        self.after_the_end("url-list", made)

    def after_the_end(self, what: str, running: bytes, *arguments: str) -> None:
        """The same without any daemon."""
        self.terminate(self.crawler)
        self.assertEqual(self.crawler.ctl("export", what, *arguments, "-o", str(self.directory / "x")).returncode, 3)
        self.assertFalse((self.directory / "x").exists())
        alone = self.export(what, "alone", *arguments, "--config", str(self.crawler.config_file))
        self.assertEqual(alone, running)

    def test_standard_output_is_a_file_too(self):
        done = self.crawler.ctl("export", "url-to-path", "--format", "json", "-o", "-")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(json.loads(done.stdout), self.expected_paths())

    def test_a_file_that_can_not_be_written_is_told(self):
        for target in (self.directory / "absent" / "x.json", self.directory):
            done = self.crawler.ctl("export", "url-to-path", "-o", str(target))
            self.assertEqual(done.returncode, 1)
            self.assertIn(str(target), done.stderr)


class WhileItRuns(CrawlCase):
    def test_python_reads_the_map_while_the_daemon_writes(self):
        urls = [f"https://h{number % 40}.test/{number}.jpg" for number in range(2000)]
        web = self.web()
        daemon = self.daemon(web, [self.annotations(urls)], politeness=POLITENESS | {"min_interval": "50ms"})
        daemon.start(once=False)
        control = self.wait_ready(daemon)
        sizes, exported = [], []
        while control.status()["records"]["done"] < len(urls):
            entries = read_map(daemon.state_dir)  # opens and closes the environment like any other program
            sizes.append(len(entries))
            for path in list(entries.values())[-20:]:
                self.assertTrue((daemon.root / path).is_file(), "what the map names is there")
            if len(sizes) % 5 == 1:
                done = daemon.ctl("export", "url-to-path", "--format", "json", "-o", "-")
                exported.append(len(json.loads(done.stdout)))
            time.sleep(0.05)  # a reader that comes again and again
        self.assertEqual(sizes, sorted(sizes), "it only grows")
        self.assertGreater(len(set(sizes)), 3, "read in the midst of writing")
        self.assertEqual(exported, sorted(exported))
        self.assertEqual(set(read_map(daemon.state_dir)), {url.encode() for url in urls})
        self.terminate(daemon)

    def test_an_export_that_is_cut_leaves_the_old_file(self):
        web = self.web()
        count = 3000
        urls = [f"https://h{number % 100}.test/{number}.jpg" for number in range(count)]
        daemon = self.daemon(web, [self.annotations(urls)], politeness=POLITENESS | {"min_interval": "5ms"})
        self.run_once(daemon, 60)
        target = self.directory / "map.json"
        target.write_text("old")
        program = str(processes.find_program("gritctl", "GRITCTL"))
        command = [
            program,
            "export",
            "url-to-path",
            "--format",
            "json",
            "-o",
            str(target),
            "--config",
            str(daemon.config_file),
        ]
        whole = 0
        for step in range(60):
            export = processes.start(command, stderr=subprocess.DEVNULL)
            time.sleep(step * 0.0005)  # from before its first step until after its last
            export.kill()
            export.wait()
            text = target.read_text()
            if text != "old":
                whole += 1
                self.assertEqual(len(json.loads(text)), count)
                target.write_text("old")
        print(f"{whole} of 60 exports were whole before the kill")
        self.assertLess(whole, 60, "some were killed in time")
        leftovers = sorted(path.name for path in self.directory.iterdir() if path.name.startswith("map.json."))
        self.assertLessEqual(len(leftovers), 1, "at most the name that is about to be given")


if __name__ == "__main__":
    unittest.main()
