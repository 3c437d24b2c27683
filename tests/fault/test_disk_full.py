"""A volume that fills up: the crawl pauses and says why, records nothing that is not whole, and goes on by itself."""

from __future__ import annotations

import re
import time
import unittest

from harness.case import CrawlCase
from harness.checker import Options, check, read_map
from harness.small_volume import SmallVolume

MIB = 1 << 20
POLITENESS = {"min_interval": "10ms", "connections_per_address": 4096, "robots": False}

SLOWER = POLITENESS | {"min_interval": "80ms"}  # fifty URLs a host: the volume is looked at each second


class DiskFull(CrawlCase):
    def crawl(self, web, count: int, **overrides):
        source = self.annotations(f"https://h{number % 30}.test/{number}.jpg" for number in range(count))
        daemon = self.daemon(web, [source], **{"politeness": POLITENESS, **overrides})
        daemon.start(once=False)
        return daemon

    def wait_paused(self, daemon, word: str) -> dict:
        control = self.wait_ready(daemon)

        def paused() -> dict | None:
            status = control.status()
            if status["state"] == "paused":
                self.assertNotEqual(status["pause_reason"], "", "whoever looks at once is told why, too")
            return status if word in status["pause_reason"] else None

        status = self.wait_for(f"a pause for {word}", paused, 30, step_s=0.002)
        self.assertEqual(status["state"], "paused")
        self.assertIn(word, daemon.ctl("status").stdout)
        self.wait_for("the log says so", lambda: re.search(f"crawl.paused reason=.*{word}", daemon.log_text()), 2)
        self.assertEqual(self.metrics(daemon, "/readyz")[0], 503)
        self.assertEqual(self.metrics(daemon, "/healthz")[0], 200, "to be restarted would not help")
        return status

    def check_whole(self, web, daemon, **options) -> None:
        """What is recorded is there, and what is there is recorded."""
        entries = read_map(daemon.state_dir)
        source = daemon.config["input"]["annotations"]
        report = check(source, web.log_file, daemon.root, entries, Options(allowance=1000, **options))
        self.assert_clean(report)
        counted = self.control(daemon).stats()["outcomes"]
        self.assertEqual(counted["stored"], len(entries))
        self.assertEqual(sum(counted.values()), len(entries), "nobody is charged for our disk")

    def test_the_floor_is_kept(self):
        volume = SmallVolume(self, self.directory / "volume", 64)
        web = self.web()
        ballast = volume.path / "ballast"
        daemon = self.crawl(web, 1500, storage={"root": volume.path / "images", "min_free": "24MiB"}, politeness=SLOWER)
        control = self.wait_ready(daemon)
        self.wait_for("the crawl is under way", lambda: control.status()["records"]["done"] > 50)
        self.assertTrue(control.status()["records"]["pending"] > 0)
        ballast.write_bytes(bytes(40 * MIB))
        self.wait_paused(daemon, "disk_full")
        self.wait_for("what was in flight has ended", lambda: control.status()["records"]["in_flight"] == 0)
        asked = len(web.requests())
        self.check_whole(web, daemon, finished=False)
        time.sleep(1.5)  # it looks at the volume each second
        self.assertEqual(len(web.requests()), asked, "nothing is asked for while there is no room")
        ballast.unlink()
        self.wait_settled(daemon, 40)
        self.assertIn("crawl.resumed", daemon.log_text())
        self.check_whole(web, daemon, require_all=True)
        self.assertEqual(
            len(web.requests()), 1500, "the floor leaves room for what is in flight: nothing was fetched twice"
        )
        self.terminate(daemon)

    def test_a_volume_without_a_byte_left(self):
        volume = SmallVolume(self, self.directory / "volume", 3)
        web = self.web()
        # The journal elsewhere: on the full volume nothing could be recorded at all (the tests below).
        journal = {"dir": self.directory / "outcomes"}
        daemon = self.crawl(web, 800, storage={"root": volume.path / "images", "min_free": "0B"}, journal=journal)
        self.wait_paused(daemon, "disk_full")
        control = self.control(daemon)
        self.wait_for("what was in flight has ended", lambda: control.status()["records"]["in_flight"] == 0)
        self.check_whole(web, daemon, finished=False)
        stored = control.stats()["outcomes"]["stored"]
        self.assertGreater(stored, 50)
        self.assertLess(stored, 800)
        volume.resize(64)
        self.wait_settled(daemon, 40)
        self.check_whole(web, daemon, require_all=True)
        self.assertEqual(list((daemon.root / ".gritd" / "tmp").iterdir()), [], "left-over temporaries")
        self.terminate(daemon)

    def test_a_full_volume_survives_a_kill(self):
        volume = SmallVolume(self, self.directory / "volume", 3)
        web = self.web()
        daemon = self.crawl(web, 800, storage={"root": volume.path / "images", "min_free": "0B"})
        self.wait_paused(daemon, "disk_full")
        daemon.kill()
        daemon.start(once=False)
        self.wait_paused(daemon, "disk_full")
        volume.resize(64)
        self.wait_settled(daemon, 40)
        self.check_whole(web, daemon, require_all=True)
        self.terminate(daemon)

    def test_one_volume_for_images_and_state(self):
        volume = SmallVolume(self, self.directory / "volume", 4)
        web = self.web()
        folders = {"storage": {"root": volume.path / "images", "min_free": "0B"}, "state": {"dir": volume.path / "state"}}
        daemon = self.crawl(web, 800, **folders)
        self.wait_paused(daemon, "disk_full")
        daemon.kill()
        self.check_on_disk(web, daemon)
        daemon.start(once=False)  # with nothing free: it waits, or ends and is started again
        self.wait_for("it waits, or has ended", lambda: not daemon.running() or self.control(daemon).status(), 30)
        volume.resize(64)
        if not daemon.running():
            self.assertIn(daemon.wait(1), (74, 75))
            daemon.start(once=False)
        self.wait_settled(daemon, 60)
        self.check_whole(web, daemon, require_all=True)
        self.terminate(daemon)

    def check_on_disk(self, web, daemon) -> None:
        """What is recorded is there and whole, after a kill: a start has not cleaned up yet."""
        source = daemon.config["input"]["annotations"]
        report = check(source, web.log_file, daemon.root, read_map(daemon.state_dir), Options(finished=False, allowance=1000))
        report.problems.pop("file_without_entry", None)
        self.assert_clean(report)

    def test_a_full_state_loses_no_line(self):
        volume = SmallVolume(self, self.directory / "volume", 1)
        # A record for each line, without a request for it.
        web = self.web([{"name": "none", "robots": "User-agent: *\nDisallow: /\n"}])
        daemon = self.crawl(web, 60_000, state={"dir": volume.path / "state"}, politeness=POLITENESS | {"robots": True})
        status = self.wait_paused(daemon, "disk_full")
        self.assertIn("state", status["pause_reason"])
        volume.resize(256)
        self.wait_settled(daemon, 60)
        stats = self.control(daemon).stats()
        self.assertEqual(stats["lines"], 60_000)
        self.assertEqual({name: count for name, count in stats["outcomes"].items() if count}, {"robots_denied": 60_000})
        self.terminate(daemon)


if __name__ == "__main__":
    unittest.main()
