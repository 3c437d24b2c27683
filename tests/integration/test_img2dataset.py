"""layout = "img2dataset": what loaders of that program's output find."""

from __future__ import annotations

import hashlib
import json
import unittest

from harness.case import CrawlCase
from harness.checker import Options, check, read_map

RULES = [
    {"name": "gone", "path": "/gone*", "status": 404},
    {"name": "shared", "path": "/shared*", "redirect": {"to": "https://origin.test/the.jpg"}},
]
# As img2dataset's writer orders them behind the columns of the input.
OWN = ["caption", "url", "key", "status", "error_message", "width", "height", "original_width", "original_height", "sha256"]
STATS = ["count", "successes", "failed_to_download", "failed_to_resize", "duration", "start_time", "end_time", "status_dict"]


class Img2Dataset(CrawlCase):
    def crawler(self, urls: list[str], **storage):
        source = self.directory / "annotations.jsonl"
        lines = [
            {"key": f"x{number}", "id": 1795296605919 + number, "url": url, "caption": f"a \u2014 picture {number}",
             "width": 5, "noun_chunks": [[0, 1, 0.96034423510233560, 1]]}
            for number, url in enumerate(urls)
        ]
        source.write_text("".join(json.dumps(line) + "\n" for line in lines))
        web = self.web(RULES, mean_bytes=3000)
        politeness = {"min_interval": "10ms", "connections_per_address": 4096, "connections_per_domain": 64}
        daemon = self.daemon(web, [source], politeness=politeness, storage={"layout": "img2dataset", "min_free": "0B"} | storage)
        return web, source, daemon

    def test_loaders_find_names_sidecars_and_stats(self):
        urls = [f"https://h{host}.test/{n}.{kind}" for n, kind in enumerate(["jpg", "png", "webp", "gif"]) for host in range(5)]
        urls += ["https://h0.test/gone.jpg", "https://h1.test/gone.jpg", "https://h2.test/shared.jpg", "https://h3.test/shared.jpg"]
        web, source, daemon = self.crawler(urls, dedupe_content=False)
        self.run_once(daemon, 60)
        web.stop()
        entries = read_map(daemon.state_dir)
        self.assert_clean(check([source], web.log_file, daemon.root, entries, Options()))
        folder = daemon.root / "00000"
        for number, url in enumerate(urls):
            key = f"{number:09d}"
            if "gone" in url:
                self.assertEqual(list(folder.glob(f"{key}*")), [], "sidecars are for successes alone")
                continue
            self.assertEqual({path.name for path in folder.glob(f"{key}*")}, {f"{key}.jpg", f"{key}.json", f"{key}.txt"})
            self.assertEqual(entries[url.encode()], f"00000/{key}.jpg")
            sidecar = json.loads((folder / f"{key}.json").read_text())
            self.assertEqual(list(sidecar), ["id", "noun_chunks"] + OWN)
            self.assertEqual((sidecar["url"], sidecar["key"], sidecar["status"]), (url, key, "success"))
            self.assertEqual(sidecar["sha256"], hashlib.sha256((folder / f"{key}.jpg").read_bytes()).hexdigest())
            self.assertEqual((folder / f"{key}.txt").read_text(), f"a \u2014 picture {number}")
            self.assertEqual(sidecar["caption"], f"a \u2014 picture {number}")
            self.assertEqual(sidecar["noun_chunks"], [[0, 1, 0.96034423510233560, 1]])
            self.assertGreater(sidecar["original_width"], 5, "the image's, not the annotation's")
        stats = json.loads((daemon.root / "00000_stats.json").read_text())
        self.assertEqual(list(stats), STATS)
        self.assertEqual(stats["status_dict"], {"success": 22, "http_not_found": 2})
        self.assertEqual([stats[name] for name in STATS[:4]], [24, 22, 2, 0])
        self.assertGreater(stats["end_time"], stats["start_time"])

    def test_sidecars_go_with_their_image(self):
        urls = [f"https://h{host}.test/{n}.jpg" for n in range(4) for host in range(3)]
        web, source, daemon = self.crawler(urls)
        daemon.start(once=False)
        self.wait_settled(daemon, 30)
        self.wait_for("stats", lambda: (daemon.root / "00000_stats.json").exists())
        self.assertEqual(daemon.ctl_json("optout", "h1.test", "--delete")["files_removed"], 4)
        files = {path.name.partition(".")[0] for path in (daemon.root / "00000").iterdir()}
        self.assertEqual(files, {f"{number:09d}" for number, url in enumerate(urls) if "h1.test" not in url})
        self.terminate(daemon)

    def test_a_kill_leaves_whole_samples(self):
        urls = [f"https://h{host}.test/{n}.jpg" for n in range(20) for host in range(20)]
        web, source, daemon = self.crawler(urls)
        for stored in (50, 150):
            daemon.start(once=False)
            control = self.wait_ready(daemon)
            self.wait_for("some are stored", lambda: control.status()["outcomes"].get("stored", 0) > stored)
            daemon.kill()
            for location in read_map(daemon.state_dir).values():
                image = daemon.root / location
                sidecar = json.loads(image.with_suffix(".json").read_text())
                self.assertEqual(sidecar["sha256"], hashlib.sha256(image.read_bytes()).hexdigest())
                self.assertTrue(image.with_suffix(".txt").exists())
        self.run_once(daemon, 60)
        stats = json.loads((daemon.root / "00000_stats.json").read_text())
        self.assertEqual((stats["count"], stats["successes"], stats["status_dict"]), (400, 400, {"success": 400}))
        self.assertEqual(len(list((daemon.root / "00000").iterdir())), 1200)
        self.assertEqual(list((daemon.root / ".gritd" / "tmp").iterdir()), [])


if __name__ == "__main__":
    unittest.main()
