"""A large host that can not be reached: it ends in one step, comes back in one, and no kill on the way loses a line."""

from __future__ import annotations

import os
import random
import time
import unittest

from harness.case import CrawlCase

SEED = int(os.environ.get("GRIT_KILL_SEED", "20240611"))
LINES = 40_000  # of the host that is not there
WELL = [f"https://well{host}.test/{number}.jpg" for host in range(4) for number in range(5)]
KILLS = 8


def url(number: int) -> str:
    return f"https://none.test/{number}.jpg"


class HostEnd(CrawlCase):
    def crawler(self, schedule: list[str]):
        web = self.web([{"name": "none", "host": "none.test", "dns": "nxdomain"}])
        source = self.annotations(WELL + [url(number) for number in range(LINES)])
        return self.daemon(
            web,
            [source],
            politeness={"min_interval": "20ms"},
            retry={"schedule": schedule, "once_patience": "2s"},
        )

    def settle(self, daemon) -> dict:
        self.wait_settled(daemon, 60)
        stats = self.control(daemon).stats()
        self.assertEqual(sum(stats["outcomes"].values()), stats["lines"], stats)
        self.assertEqual(stats["lines"], LINES + len(WELL))
        self.assertEqual(stats["outcomes"]["dns_not_found"], LINES)
        self.assertEqual(stats["outcomes"]["stored"] + stats["outcomes"]["duplicate_content"], len(WELL))
        return stats

    def test_it_ends_and_comes_back_as_a_whole(self):
        daemon = self.crawler(["100ms", "100ms"])
        daemon.start(once=False)
        self.settle(daemon)
        control = self.control(daemon)
        host = control.get("hosts/none.test")
        self.assertEqual((host["gone_as"], host["remaining"], host["failed"]), ("dns_not_found", 0, LINES))
        record = control.record(url(LINES - 1))
        self.assertEqual((record["state"], record["outcome"], record["ordinal"]), ("gone", "dns_not_found", LINES - 1 + len(WELL)))
        self.assertIn("its host", record["detail"])
        self.assertRegex(control.get("explain", url=url(7))["why"], "given up.* end as dns_not_found")
        self.assertEqual(control.ask("GET", "record", url="https://none.test/other.jpg")[0], 404)

        wanted = {"outcomes": ["dns_not_found"]}
        self.assertEqual(control.post("retry", wanted | {"dry_run": True}), {"requeued": LINES})
        self.assertEqual(control.post("retry", wanted | {"host": "well1.test"}), {"requeued": 0})
        said = daemon.ctl("retry", "--outcome", "dns_not_found")
        self.assertEqual((said.returncode, said.stdout.strip()), (0, f"{LINES // 1000} 000 URLs will be asked again"))
        self.settle(daemon)
        self.assertEqual(control.get("hosts/none.test")["failed"], LINES)
        self.terminate(daemon)
        self.run_once(daemon, 20, code=0)

    def test_kills_on_the_way_lose_no_line(self):
        daemon = self.crawler(["50ms", "50ms"])
        lot = random.Random(SEED)
        moments = [round(lot.uniform(0.02, 0.5), 3) for _ in range(KILLS)]
        print(f"seed {SEED}, kills after {moments} s")
        for moment in moments:
            daemon.start(once=False)
            control = self.wait_ready(daemon)
            control.post("retry", {"outcomes": ["dns_not_found"]})
            time.sleep(moment)  # the moment of a kill is what is drawn by lot, not a wait for something
            daemon.kill()
        daemon.start(once=False)
        self.settle(daemon)
        self.terminate(daemon)


if __name__ == "__main__":
    unittest.main()
