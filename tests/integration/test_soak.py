"""bench/soak in short: every wish and fault of the web at once, a clean stop, and kills, judged from the log."""

from __future__ import annotations

import json
import os

from harness.case import CrawlCase
from harness.soak import Plan, Soak

SEED = int(os.environ.get("GRIT_SOAK_SEED", "3"))


class ShortSoak(CrawlCase):
    def test_manners_survive_kills(self):
        soak = Soak(self.directory, Plan(seconds=22, lines=12_000, hosts=300, kills=2, stops=1, addresses=3, seed=SEED))
        self.addCleanup(soak.web.stop)
        self.addCleanup(soak.daemon.__exit__)
        soak.run()
        soak.web.stop()
        found = soak.judge()
        report = found.politeness
        self.assertTrue(report.ok, json.dumps(report.to_dict(), indent=1)[:6000])
        self.assertEqual(found.refetched.unexcused, [])
        self.assert_clean(found.pictures)
        self.assertEqual(report.kills, 2)
        self.assertGreater(report.requests, 1000)
        self.assertGreater(report.retry_afters, 20)
        self.assertGreater(report.delayed, 20)
        print(f"{report.requests} requests, {found.refetched.again} refetched, exempt for a kill: {report.exempt}")
