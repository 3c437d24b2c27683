"""kill -9 while a domain is being deleted: it is finished, whatever the moment."""

from __future__ import annotations

import json
import os
import random
import time
import unittest

from harness.case import CrawlCase
from harness.checker import read_map

KILLS = 6
SEED = int(os.environ.get("GRIT_KILL_SEED", "20240611"))
POLITENESS = {"min_interval": "10ms", "connections_per_address": 4096, "connections_per_domain": 256, "robots": False}


class KilledOptOut(CrawlCase):
    def test_kills_while_deleting(self):
        urls = [f"https://h{number}.objects.test/{n}.jpg" for number in range(60) for n in range(40)]
        others = [f"https://other{number}.test/{n}.jpg" for number in range(10) for n in range(10)]
        web = self.web(mean_bytes=600)
        daemon = self.daemon(web, [self.annotations(urls + others)], politeness=POLITENESS)
        daemon.start(once=False)
        self.wait_settled(daemon, 90)
        self.assertEqual(len(read_map(daemon.state_dir)), 2500)
        asked = len(web.requests())
        lot = random.Random(SEED)
        self.control(daemon).post("optout", {"domain": "objects.test", "delete": True, "reason": "asked by mail"})
        left = []
        for _ in range(KILLS):
            time.sleep(lot.uniform(0, 0.06))  # the moment of a kill is what is drawn by lot, not a wait for something
            daemon.kill()
            left.append(sum(b"objects.test" in url for url in read_map(daemon.state_dir)))
            daemon.start(once=False)
            self.wait_ready(daemon)
        print(f"seed {SEED}, {left} names left after each kill")
        ledger = daemon.state_dir / "optouts.jsonl"
        self.wait_for("it is done", ledger.exists, 60)
        self.wait_for("and said so", lambda: "objects.test" in ledger.read_text(), 10)
        self.terminate(daemon)
        entries = read_map(daemon.state_dir)
        self.assertEqual(sorted(entries), sorted(url.encode() for url in others))
        images = {str(path.relative_to(daemon.root)) for path in daemon.root.glob("[0-9]*/*")}
        self.assertEqual(images, set(entries.values()))
        [line] = [json.loads(text) for text in ledger.read_text().splitlines()]
        self.assertEqual((line["listed"], line["deleted"], line["files_removed"]), (2400, 2400, 2400))
        listed = (daemon.state_dir / "optouts" / line["list"]).read_text().splitlines()
        self.assertEqual(sorted(json.loads(text)["url"] for text in listed), sorted(urls))
        daemon.start(once=False)
        status = self.wait_settled(daemon, 20)
        self.assertEqual(status["outcomes"], {"stored": 100, "opted_out": 2400})
        self.assertEqual(status["stored_bytes"], sum(path.stat().st_size for path in daemon.root.glob("[0-9]*/*")))
        self.assertEqual(len(web.requests()), asked, "nothing was asked again")
        self.terminate(daemon)


if __name__ == "__main__":
    unittest.main()
