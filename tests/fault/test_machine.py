"""What a machine does to a process: a halt in the midst of work, a volume that is not there, a damaged state."""

from __future__ import annotations

import os
import shutil
import signal
import time
import unittest

from harness.case import CrawlCase
from harness.checker import Options, check, read_map
from harness.judge import Rules

POLITENESS = {"min_interval": "20ms", "connections_per_address": 4096}


def urls_of(hosts: int, each: int) -> list[str]:
    return [f"https://h{host}.test/{number}.jpg" for number in range(each) for host in range(hosts)]


class Machine(CrawlCase):
    def crawler(self, urls: list[str], rules: list[dict] | None = None, **overrides):
        web = self.web(rules)
        return web, self.daemon(web, [self.annotations(urls)], **{"politeness": POLITENESS, **overrides})

    def check_complete(self, web, daemon, **options) -> None:
        web.stop()
        source = daemon.config["input"]["annotations"]
        options = Options(require_all=True, **options)
        self.assert_clean(check(source, web.log_file, daemon.root, read_map(daemon.state_dir), options))

    def test_a_halt_in_the_midst_of_work_is_survived_politely(self):
        web, daemon = self.crawler(urls_of(40, 25), [{"name": "slow", "delay_ms": 50}])
        daemon.start(once=False)
        self.wait_for("the crawl is under way", lambda: sum(r.served_image for r in web.requests()) > 200)
        daemon.signal(signal.SIGSTOP)
        time.sleep(4)  # beyond the time-outs of all that is open
        daemon.signal(signal.SIGCONT)
        self.wait_settled(daemon, 40)
        outcomes = {name: count for name, count in self.control(daemon).stats()["outcomes"].items() if count}
        self.assertEqual(outcomes, {"stored": 1000})
        self.terminate(daemon)
        self.check_complete(web, daemon, allowance=1)
        self.assert_polite(web, Rules(min_interval_ms=20, per_domain=8, robots_first=True))

    def test_a_volume_that_is_not_there_is_not_filled_anew(self):
        web, daemon = self.crawler(urls_of(5, 2))
        self.run_once(daemon, 20)
        away = daemon.root.with_name("away")
        daemon.root.rename(away)
        daemon.root.mkdir()  # the mount point without its volume
        self.run_once(daemon, 20, code=75)
        self.assertIn(str(daemon.root), daemon.log_text())
        self.assertEqual(list(daemon.root.rglob("*.jpg")), [])
        daemon.root.rmdir()
        self.run_once(daemon, 20, code=75)
        away.rename(daemon.root)
        self.run_once(daemon, 20)
        self.check_complete(web, daemon)
        self.assertEqual(sum(r.served_image for r in web.requests()), 10)

    def test_another_datasets_volume_is_refused(self):
        web, first = self.crawler(urls_of(2, 2))
        self.run_once(first, 20)
        second = self.daemon(web, first.config["input"]["annotations"], name="second", storage=first.config["storage"])
        self.run_once(second, 20, code=75)
        self.assertIn(str(first.root), second.log_text())
        self.assertIn("dataset", second.log_text())

    def test_a_damaged_state_is_refused_in_words(self):
        web, daemon = self.crawler(urls_of(3, 2))
        self.run_once(daemon, 20)
        data = daemon.state_dir / "data.mdb"
        # An empty file is a new state to LMDB: then it is the images that belong to another one.
        for damage, wanted in (("garbage", 74), ("cut", 74), ("empty", 75)):
            with self.subTest(damage):
                shutil.copy(data, self.directory / "saved.mdb")
                if damage == "garbage":
                    data.write_bytes(os.urandom(data.stat().st_size))
                else:
                    os.truncate(data, 5000 if damage == "cut" else 0)
                self.run_once(daemon, 20, code=wanted)
                self.assertIn(str(daemon.directory), daemon.log_text().splitlines()[-1])
                shutil.copy(self.directory / "saved.mdb", data)
        self.run_once(daemon, 20)
        self.assertEqual(len(web.requests()), 3 + 6, "robots.txt and the pictures, once")


if __name__ == "__main__":
    unittest.main()
