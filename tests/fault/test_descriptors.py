"""Too few file descriptors: slower, but nobody's fault, and no host is asked twice for it."""

from __future__ import annotations

import unittest

from harness import processes
from harness.case import CrawlCase
from harness.checker import Options, check, read_map
from harness.daemon import Daemon

LIMIT = 100
HOSTS, EACH = 150, 3


class FewDescriptors(CrawlCase):
    def test_a_crawl_fits_itself_into_what_there_is(self):
        urls = [f"https://h{host}.test/{number}.jpg" for number in range(EACH) for host in range(HOSTS)]
        web = self.web([{"name": "slow", "delay_ms": 100}])
        politeness = {"min_interval": "20ms", "connections_per_address": 4096}
        unlimited = self.daemon(web, [self.annotations(urls)], politeness=politeness)
        limited = self.directory / "gritd-limited"
        program = processes.find_program("gritd", "GRITD")
        limited.write_text(f'#!/bin/sh\nulimit -n {LIMIT} && exec "{program}" "$@"\n')
        limited.chmod(0o755)
        daemon = Daemon(unlimited.directory, unlimited.config, program=limited)
        self.addCleanup(daemon.__exit__)
        daemon.start(once=False)
        self.wait_settled(daemon, 60)  # asks the control socket all the time
        outcomes = {name: count for name, count in self.control(daemon).stats()["outcomes"].items() if count}
        self.assertEqual(outcomes, {"stored": len(urls)}, "nobody is charged")
        self.assertEqual(self.metrics(daemon)[0], 200)
        self.terminate(daemon)
        web.stop()
        source = daemon.config["input"]["annotations"]
        options = Options(require_all=True, allowance=2, max_refetched=len(urls) // 10)
        self.assert_clean(check(source, web.log_file, daemon.root, read_map(daemon.state_dir), options))
        self.assertLess(len(daemon.log_text().splitlines()), 100, "said once, not ten times a second")


if __name__ == "__main__":
    unittest.main()
