"""gritctl verify: images on disk held against their records, beside a running crawl."""

from __future__ import annotations

import json
import os
import unittest
from pathlib import Path

from harness.case import CrawlCase
from harness.checker import Options, check, read_map

POLITENESS = {"min_interval": "10ms", "connections_per_address": 4096, "connections_per_domain": 64, "robots": False}
# Their images come from one URL, so their bytes are equal.
SHARED = {"name": "shared", "path": "/shared*", "redirect": {"to": "https://origin.test/the.jpg"}}


def urls_of(hosts: int, each: int) -> list[str]:
    return [f"https://h{host}.test/{number}.jpg" for number in range(each) for host in range(hosts)]


def lines_of(path) -> list[dict]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def break_images(root: Path, paths: list[str]) -> dict[str, str]:
    """Breaks each in another way. @return what verify has to say of it."""
    ways = ("missing", "wrong_size", "wrong_digest")
    said = {}
    for number, path in enumerate(paths):
        file = root / path
        said[path] = ways[number % 3]
        if said[path] == "missing":
            file.unlink()
        elif said[path] == "wrong_size":
            os.truncate(file, file.stat().st_size - 1)
        else:
            with open(file, "r+b") as image:
                image.seek(file.stat().st_size // 2)
                byte = image.read(1)
                image.seek(-1, os.SEEK_CUR)
                image.write(bytes([byte[0] ^ 1]))
    return said


class Verify(CrawlCase):
    def crawled(self, urls: list[str], rules: list[dict] | None = None):
        web = self.web(rules)
        daemon = self.daemon(web, [self.annotations(urls)], politeness=POLITENESS)
        daemon.start(once=False)
        self.wait_settled(daemon, 40)
        return web, daemon

    def verify(self, daemon, *words: str, code: int = 0) -> dict:
        done = daemon.ctl("--json", "verify", *words)
        self.assertEqual(done.returncode, code, done.stderr)
        return json.loads(done.stdout)

    def test_what_is_whole_is_said_to_be(self):
        web, daemon = self.crawled(urls_of(20, 10) + ["https://a.test/shared.jpg", "https://b.test/shared.jpg"], [SHARED])
        state = self.verify(daemon)
        self.assertEqual((state["state"], state["checked"], state["shared"], state["broken"]), ("done", 201, 1, 0))
        self.assertEqual(state["bytes_read"], sum(path.stat().st_size for path in daemon.root.glob("[0-9]*/*")))
        self.assertEqual(Path(state["list"]).read_text(), "")
        sampled = self.verify(daemon, "--sample", "50")
        self.assertEqual((sampled["images_total"], sampled["broken"]), (50, 0))
        self.assertTrue(40 <= sampled["checked"] <= 50, sampled)
        said = daemon.ctl("verify")
        self.assertEqual((said.returncode, "nothing is broken" in said.stdout), (0, True), said.stdout + said.stderr)
        self.terminate(daemon)

    def test_what_is_broken_is_told_by_name_and_kept(self):
        web, daemon = self.crawled(urls_of(20, 10))
        before = read_map(daemon.state_dir)
        broken = break_images(daemon.root, sorted(before.values())[5:200:20])
        images = {path: path.read_bytes() for path in daemon.root.glob("[0-9]*/*")}
        state = self.verify(daemon, code=1)
        self.assertEqual((state["missing"], state["wrong_size"], state["wrong_digest"], state["requeued"]), (4, 3, 3, 0))
        listed = lines_of(state["list"])
        self.assertEqual({line["path"]: line["fault"] for line in listed}, broken)
        urls = {path: url.decode() for url, path in before.items()}
        self.assertEqual({line["path"]: line["url"] for line in listed}, {path: urls[path] for path in broken})
        self.assertFalse(any(line["requeued"] for line in listed))
        self.assertEqual(read_map(daemon.state_dir), before)
        self.assertEqual({path: path.read_bytes() for path in daemon.root.glob("[0-9]*/*")}, images)
        said = daemon.ctl("verify")
        self.assertEqual(said.returncode, 1)
        self.assertIn("10 are broken: 4 missing, 3 of a wrong size, 3 of wrong bytes, 0 with a damaged tar header, 0 unreadable", said.stdout)
        self.assertIn("--repair", said.stderr)
        self.terminate(daemon)

    def test_a_sample_finds_its_share(self):
        web, daemon = self.crawled(urls_of(20, 20))
        paths = sorted(read_map(daemon.state_dir).values())
        break_images(daemon.root, paths[::2])
        state = self.verify(daemon, "--sample", "100", code=1)
        # Half of all are broken: 100 drawn have 30 to 70 of them but once in 25,000 times.
        self.assertTrue(30 <= state["broken"] <= 70, state)
        self.terminate(daemon)

    def test_repair_fetches_again_what_is_broken_and_nothing_else(self):
        shared = ["https://a.test/shared.jpg", "https://b.test/shared.jpg", "https://A.test/shared.jpg"]
        web, daemon = self.crawled(urls_of(20, 10) + shared, [SHARED])
        before = read_map(daemon.state_dir)
        shared_file = before[b"https://a.test/shared.jpg"]
        self.assertEqual({before[url.encode()] for url in shared}, {shared_file})
        broken = break_images(daemon.root, [shared_file] + sorted(set(before.values()) - {shared_file})[5:200:20])
        asked = len(web.requests())
        state = self.verify(daemon, "--repair")
        self.assertEqual((state["broken"], state["requeued"]), (12, 12), "two records share one of the 11 files")
        self.assertEqual({line["path"] for line in lines_of(state["list"])}, set(broken))
        left = read_map(daemon.state_dir)
        self.assertEqual({path for path in left.values() if not (daemon.root / path).exists()}, set())
        status = self.wait_settled(daemon, 60)
        after = read_map(daemon.state_dir)
        # Which of two URLs with equal bytes comes first, and names the file, is a matter of order.
        self.assertEqual(len({after[url.encode()] for url in shared}), 1, "one file still")
        own = [{url: path for url, path in entries.items() if url.decode() not in shared} for entries in (after, before)]
        self.assertEqual(own[0], own[1], "the same names, whole again")
        self.assertEqual(status["outcomes"]["stored"] + status["outcomes"]["duplicate_content"], 202)
        self.assertEqual(status["outcomes"]["duplicate_content"], 1)
        self.assertEqual(status["stored_bytes"], sum(path.stat().st_size for path in daemon.root.glob("[0-9]*/*")))
        again = [request for request in web.requests()[asked:] if request.path not in ("/robots.txt", "/the.jpg")]
        self.assertEqual(len(again), 12)
        self.assertEqual(self.verify(daemon)["broken"], 0)
        record = self.control(daemon).record("https://a.test/shared.jpg")
        self.assertEqual((record["attempts"], record["state"]), (1, "done"), "charged to nobody")
        self.terminate(daemon)
        web.stop()
        source = daemon.config["input"]["annotations"]
        self.assert_clean(check(source, web.log_file, daemon.root, after, Options(allowance=2)))

    def test_a_kill_in_the_midst_of_a_repair_leaves_nothing_half_done(self):
        web, daemon = self.crawled(urls_of(40, 40))
        before = read_map(daemon.state_dir)
        broken = break_images(daemon.root, sorted(before.values()))
        control = self.control(daemon)
        control.post("verify", {"repair": True})
        self.wait_for("it is at it", lambda: control.get("verify")["requeued"] > 0, step_s=0.001)
        daemon.kill()
        left = read_map(daemon.state_dir)
        print(f"{len(broken) - len(left)} of {len(broken)} given up before the kill")
        daemon.start(once=False)
        self.wait_ready(daemon)
        self.verify(daemon, "--repair")
        self.wait_settled(daemon, 60)
        self.assertEqual(read_map(daemon.state_dir), before)
        self.assertEqual(self.verify(daemon)["broken"], 0)
        images = {str(path.relative_to(daemon.root)) for path in daemon.root.glob("[0-9]*/*")}
        self.assertEqual(images, set(before.values()), "no file without a record")
        self.terminate(daemon)

    def test_a_repair_that_was_killed_is_finished_by_the_next_start(self):
        urls = urls_of(100, 40) + [f"https://s{number}.test/shared.jpg" for number in range(400)]
        web, daemon = self.crawled(urls, [SHARED])
        before = read_map(daemon.state_dir)
        for path in sorted(set(before.values())):
            with open(daemon.root / path, "r+b") as image:
                image.write(b"#####")
        control = self.control(daemon)
        control.post("verify", {"repair": True})
        self.wait_for("it is at it", lambda: control.get("verify")["requeued"] > 0, step_s=0.001)
        daemon.kill()

        def leads_nowhere() -> dict[bytes, str]:
            return {url: path for url, path in read_map(daemon.state_dir).items() if not (daemon.root / path).exists()}

        left = read_map(daemon.state_dir)
        print(f"{len(left)} of {len(before)} names left after the kill")
        self.assertGreater(len(left), 0, "it was over before the kill")
        self.assertEqual(leads_nowhere(), {})
        daemon.start(once=False)
        self.wait_ready(daemon)
        self.wait_for("it is finished", lambda: "verify.done" in daemon.log_text().rpartition("verify.resumed")[2], 20)
        self.assertIn("verify.resumed", daemon.log_text())
        self.assertTrue(control.get("verify")["resumed"])
        self.wait_settled(daemon, 60)
        self.assertEqual(leads_nowhere(), {})
        # Those that it had not come to are as they were.
        self.verify(daemon, "--repair")
        self.wait_settled(daemon, 60)
        self.assertEqual(read_map(daemon.state_dir).keys(), before.keys())
        self.assertEqual(self.verify(daemon)["broken"], 0)
        images = {str(path.relative_to(daemon.root)) for path in daemon.root.glob("[0-9]*/*")}
        self.assertEqual(images, set(read_map(daemon.state_dir).values()), "no file without a record")
        self.terminate(daemon)

    def test_a_volume_that_has_gone_is_no_damage(self):
        web, daemon = self.crawled(urls_of(5, 4))
        before = read_map(daemon.state_dir)
        away = daemon.root.with_name("away")
        daemon.root.rename(away)
        daemon.root.mkdir()
        done = daemon.ctl("verify", "--repair")
        self.assertEqual(done.returncode, 1)
        self.assertIn("is not mounted any more", done.stderr)
        self.assertEqual(read_map(daemon.state_dir), before)
        daemon.root.rmdir()
        away.rename(daemon.root)
        self.assertEqual(self.verify(daemon)["broken"], 0)
        self.terminate(daemon)

    def test_one_at_a_time_and_it_can_be_stopped(self):
        web, daemon = self.crawled(urls_of(20, 10))
        paths = sorted(read_map(daemon.state_dir).values())
        link = daemon.root / paths[100]
        link.unlink()
        link.symlink_to("/dev/zero")  # not followed
        state = self.verify(daemon, code=1)
        self.assertEqual((state["unreadable"], state["broken"]), (1, 1))
        [line] = lines_of(state["list"])
        self.assertEqual(line["fault"], "unreadable")
        self.assertEqual(self.verify(daemon, "--repair")["requeued"], 1)
        self.assertFalse(link.is_symlink())
        self.wait_settled(daemon, 40)
        self.assertEqual(self.verify(daemon)["broken"], 0)
        stopped = daemon.ctl("verify", "--stop")
        self.assertEqual((stopped.returncode, "none is under way" in stopped.stdout), (0, True), stopped.stdout)
        self.terminate(daemon)


if __name__ == "__main__":
    unittest.main()
