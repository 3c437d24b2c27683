"""Several image volumes: they fill by their free space; one that fails or vanishes is taken out, and the crawl goes on."""

from __future__ import annotations

import json
import time
import unittest

from harness.case import CrawlCase
from harness.checker import Options, check, read_map
from harness.small_volume import MountedFolder, SmallVolume

POLITENESS = {"min_interval": "10ms", "connections_per_address": 4096, "robots": False}
SLOWER = POLITENESS | {"min_interval": "150ms"}  # tens of seconds for some fifty URLs a host
HOSTS = 30


class Volumes(CrawlCase):
    def begin(self, web, count: int, root, volumes: dict, **overrides):
        source = self.annotations(f"https://h{number % HOSTS}.test/{number}.jpg" for number in range(count))
        storage = {"root": root, "min_free": "1MiB", "volumes": {name: str(path) for name, path in volumes.items()}}
        daemon = self.daemon(web, [source], **{"politeness": POLITENESS, "storage": storage, **overrides})
        daemon.start(once=False)
        return daemon

    def root(self):
        """As large as the others, so that they get their share."""
        return SmallVolume(self, self.directory / "first", 64).path

    def volume(self, daemon, name: str) -> dict:
        return next(one for one in self.control(daemon).get("volumes")["volumes"] if one["name"] == name)

    def wait_volume(self, daemon, name: str, state: str, limit_s: float = 30) -> dict:
        def reached() -> dict | None:
            self.check_running(daemon)
            found = self.volume(daemon, name)
            return found if found["state"] == state else None

        return self.wait_for(f"volume {name} is {state}", reached, limit_s)

    def check_whole(self, web, daemon, **options) -> dict[bytes, str]:
        """What is recorded is there with the bytes that were served, and what is there is recorded."""
        entries = read_map(daemon.state_dir)
        source = daemon.config["input"]["annotations"]
        self.assert_clean(check(source, web.log_file, daemon.root, entries, Options(allowance=1000, **options)))
        counted = self.control(daemon).stats()["outcomes"]
        self.assertEqual(counted["stored"], len(entries))
        self.assertEqual(sum(counted.values()), len(entries), "nobody is charged for our disks")
        return entries

    def wait_for_images(self, daemon, count: int) -> None:
        control = self.wait_ready(daemon)
        self.wait_for("the crawl is under way", lambda: control.status()["records"]["done"] >= count)

    def test_they_fill_by_free_space_and_the_crawl_waits_for_room(self):
        first = SmallVolume(self, self.directory / "first", 8)
        second = SmallVolume(self, self.directory / "second", 16)
        web = self.web()
        storage = {"root": first.path, "min_free": "4MiB", "volumes": {"b": str(second.path)}}
        daemon = self.begin(web, 3000, first.path, {}, storage=storage, politeness=SLOWER)
        control = self.wait_ready(daemon)
        self.wait_for("a pause", lambda: control.status()["state"] == "paused", 60)
        self.wait_volume(daemon, "root", "full")
        self.wait_volume(daemon, "b", "full")
        reason = control.status()["pause_reason"]
        self.assertIn("disk_full: no image volume can be used: root: ", reason)
        self.assertIn("; b: ", reason)
        self.assertEqual(self.metrics(daemon, "/readyz")[0], 503)
        self.assertIn("no image volume can be used", self.metrics(daemon, "/readyz")[1])
        metrics = self.metrics(daemon)[1]
        self.assertIn('gritd_volume_state{volume="b",state="full"} 1', metrics)
        self.assertRegex(metrics, r'gritd_volume_free_bytes\{volume="b"\} [0-9.e+]+')
        self.assertIn("crawl.paused", daemon.log_text())
        self.wait_for("what was in flight has ended", lambda: control.status()["records"]["in_flight"] == 0)
        entries = self.check_whole(web, daemon, finished=False)
        on_b = sum(path.startswith("b/") for path in entries.values())
        self.assertGreater(on_b, 2 * (len(entries) - on_b), "12 MiB against 4 MiB")
        self.assertLess(on_b, 6 * (len(entries) - on_b))
        asked = len(web.requests())
        time.sleep(1.5)  # it looks each second
        self.assertEqual(len(web.requests()), asked, "nothing is asked for while there is no room")
        second.resize(64)
        self.wait_settled(daemon, 60)
        self.assertEqual(self.volume(daemon, "b")["state"], "in_use")
        entries = self.check_whole(web, daemon, require_all=True)
        self.assertEqual(self.volume(daemon, "root")["state"], "full")
        self.assertIn("b", daemon.ctl("volumes").stdout)
        self.assertIn("volume root full", daemon.ctl("status").stdout)
        self.terminate(daemon)

    def test_one_that_becomes_read_only_is_taken_out_and_comes_back(self):
        self.one_goes_and_comes_back("files", MountedFolder.make_read_only, "[Rr]ead-only", MountedFolder.make_writable)

    def test_so_is_one_whose_shards_are_open_when_it_is_unmounted(self):
        self.one_goes_and_comes_back("webdataset", MountedFolder.unmount, "marker|mounted", MountedFolder.mount)

    def one_goes_and_comes_back(self, layout: str, goes, why: str, comes) -> None:
        disk = SmallVolume(self, self.directory / "disk", 64)
        second = MountedFolder(self, disk.path / "held", self.directory / "second")
        web = self.web()
        storage = {"root": self.root(), "layout": layout, "min_free": "1MiB", "volumes": {"b": str(second.path)}}
        daemon = self.begin(web, 3000, self.root, {}, storage=storage, politeness=SLOWER)
        self.wait_for_images(daemon, 300)
        goes(second)
        out = self.wait_volume(daemon, "b", "out")
        self.assertRegex(out["why"], why)
        held = self.wait_for("what it held is listed", lambda: self.held(daemon, "b"), 10)
        with open(held["list"], encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        self.assertEqual(len(lines), held["records"])
        self.assertGreater(len(lines), 50)
        entries = read_map(daemon.state_dir)
        on_b = {key.decode(): path for key, path in entries.items() if path.startswith("b/")}
        self.assertEqual({line["url"]: line["path"] for line in lines}, on_b, "path and URL of each")
        self.assertRegex(daemon.log_text(), f"volume.held .*records={len(on_b)}")
        before = self.control(daemon).status()["records"]["done"]
        self.wait_for("the crawl goes on", lambda: self.control(daemon).status()["records"]["done"] > before + 100)
        self.assertEqual(self.control(daemon).status()["state"], "running")
        self.assertIn("volume b out", daemon.ctl("status").stdout)
        comes(second)
        self.wait_volume(daemon, "b", "in_use")
        self.wait_for("the log says so", lambda: "volume.back volume=b" in daemon.log_text(), 5)
        self.wait_settled(daemon, 60)
        entries = self.check_whole(web, daemon, require_all=True)
        self.assertGreater(sum(path.startswith("b/") for path in entries.values()), len(on_b), "it is used again")
        self.assertEqual(list((second.held / ".gritd" / "tmp").iterdir()), [], "left-over temporaries")
        self.terminate(daemon)

    def held(self, daemon, name: str) -> dict | None:
        held = self.volume(daemon, name)["held"]
        return held if held and held["complete"] else None

    def test_one_that_is_unmounted_is_taken_out_and_nothing_is_written_below(self):
        disk = SmallVolume(self, self.directory / "disk", 64)
        second = MountedFolder(self, disk.path / "held", self.directory / "second")
        web = self.web()
        daemon = self.begin(web, 1500, self.root(), {"b": second.path}, politeness=SLOWER)
        self.wait_for_images(daemon, 300)
        second.unmount()
        self.wait_volume(daemon, "b", "out")
        before = self.control(daemon).status()["records"]["done"]
        self.wait_for("the crawl goes on", lambda: self.control(daemon).status()["records"]["done"] > before + 200)
        self.assertEqual(list(second.path.iterdir()), [], "the empty mount point")
        verified = daemon.ctl("verify", "--repair")
        self.assertEqual(verified.returncode, 0, "what is not mounted is not broken: " + verified.stdout + verified.stderr)
        self.assertIn("on volumes that are out", verified.stdout)
        # A start without it is refused in words, and so is one without its name.
        self.terminate(daemon)
        self.refused_start(daemon, 75, "is its volume mounted")
        with_it = daemon.config["storage"].pop("volumes")
        daemon.write_config()
        self.refused_start(daemon, 78, "gritctl volumes lost b --config")
        daemon.config["storage"]["volumes"] = with_it
        daemon.write_config()
        self.assertEqual(list(second.path.iterdir()), [], "the empty mount point")
        second.mount()
        daemon.start(once=False)
        self.wait_settled(daemon, 60)
        self.check_whole(web, daemon, require_all=True)
        self.terminate(daemon)

    def refused_start(self, daemon, code: int, words: str) -> None:
        daemon.start(once=False)
        self.assertEqual(daemon.wait(20), code)
        self.assertIn(words, daemon.log_text().splitlines()[-2] + daemon.log_text().splitlines()[-1])

    def test_what_a_lost_one_held_is_asked_for_again(self):
        disk = SmallVolume(self, self.directory / "disk", 64)
        second = MountedFolder(self, disk.path / "held", self.directory / "second")
        third = disk.path / "third"
        third.mkdir()
        web = self.web()
        daemon = self.begin(web, 900, self.root(), {"b": second.path, "c": third})
        self.wait_settled(daemon, 60)
        held = sum(path.startswith("b/") for path in read_map(daemon.state_dir).values())
        self.assertGreater(held, 0)
        refused = daemon.ctl("volumes", "lost", "b")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("only one that is out", refused.stderr)
        second.unmount()
        self.wait_volume(daemon, "b", "out")
        given_up = daemon.ctl("volumes", "lost", "b")
        self.assertEqual(given_up.returncode, 0, given_up.stderr)
        self.wait_for("it is forgotten", lambda: "volume.forgotten" in daemon.log_text(), 20)
        self.wait_settled(daemon, 60)
        entries = self.check_whole(web, daemon, require_all=True)
        self.assertEqual([path for path in entries.values() if path.startswith("b/")], [])
        self.assertEqual(list(second.path.iterdir()), [], "the empty mount point")
        self.terminate(daemon)
        # Without a daemon: the next one begins it.
        daemon.config["storage"]["volumes"] = {}
        daemon.write_config()
        self.refused_start(daemon, 78, "gritctl volumes lost c --config")
        noted = daemon.ctl("volumes", "lost", "c", "--config", str(daemon.config_file))
        self.assertEqual(noted.returncode, 0, noted.stderr)
        daemon.start(once=False)
        self.wait_for("it is forgotten, too", lambda: "volume.forgotten volume=c" in daemon.log_text(), 20)
        self.wait_settled(daemon, 60)
        entries = self.check_whole(web, daemon, require_all=True)
        self.assertEqual([path for path in entries.values() if path[0] in "bc"], [])
        self.terminate(daemon)


if __name__ == "__main__":
    unittest.main()
