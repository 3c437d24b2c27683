"""Nobody in gritd keeps a reading transaction open: one that stays makes the state's file grow by all that is committed meanwhile."""

from __future__ import annotations

import subprocess
import time
import unittest

import lmdb
from harness import processes
from harness.case import CrawlCase

POLITENESS = {"min_interval": "20ms", "connections_per_address": 4096, "connections_per_domain": 64}
# Of one reader. A look takes microseconds, a slice of a walk some milliseconds; the rest is for a busy machine.
LONGEST_S = 1.0
COMMITS = 20


class Readers(CrawlCase):
    def test_no_reader_stays_while_everything_is_at_work(self):
        urls = [f"https://h{host}.test/{number}.jpg" for number in range(120) for host in range(60)]
        web = self.web([{"name": "hiccup", "status": 500, "first_n": 1, "fraction": 0.2, "of": "path", "path": "*"}], mean_bytes=2000)
        daemon = self.daemon(web, [self.annotations(urls)], politeness=POLITENESS)
        daemon.start(once=False)
        control = self.wait_ready(daemon)
        self.wait_for("it is under way", lambda: control.status()["outcomes"].get("stored", 0) > 200)
        env = lmdb.open(str(daemon.state_dir), max_dbs=16, readonly=True, map_size=1 << 40)
        self.addCleanup(env.close)
        first = env.info()["last_txnid"]
        since: dict[tuple[str, str], float] = {}
        longest = 0.0
        seen = 0
        jobs: list[subprocess.Popen] = []
        ends = time.monotonic() + 8
        step = 0
        while time.monotonic() < ends:
            if step % 100 == 0:
                jobs.append(subprocess.Popen([*self.ctl(daemon), "verify"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
                jobs.append(subprocess.Popen([*self.ctl(daemon), "export", "url-to-path", "-o", str(self.directory / "map")],
                                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
                control.get("hosts", limit="100", sort="eta")
                control.record(urls[-1])
            step += 1
            active = self.readers_of(env, daemon.pid)
            seen += len(active)
            now = time.monotonic()
            since = {reader: since.get(reader, now) for reader in active}
            longest = max([longest, *(now - begun for begun in since.values())])
            time.sleep(0.005)  # between two looks
        commits = env.info()["last_txnid"] - first
        for job in jobs:
            job.wait(30)
        print(f"{commits} commits, {seen} readers seen in {step} looks, the longest for {longest * 1000:.0f} ms")
        self.assertGreater(commits, COMMITS, "it was at work")
        self.assertLess(longest, LONGEST_S)
        self.wait_settled(daemon, 60)
        self.assertEqual(self.readers_of(env, daemon.pid), set(), "none is left")
        self.terminate(daemon)

    def ctl(self, daemon) -> list[str]:
        return [str(processes.find_program("gritctl", "GRITCTL")), "--socket", daemon.config["admin"]["socket"]]

    @staticmethod
    def readers_of(env, pid: int) -> set[tuple[str, str]]:
        """(slot, transaction) of those that are open (mdb_reader_list: pid, thread, txnid)."""
        found = set()
        for slot, line in enumerate(env.readers().splitlines()[1:]):
            fields = line.split()
            if len(fields) == 3 and fields[0] == str(pid) and fields[2] != "-":
                found.add((str(slot), fields[2]))
        return found


if __name__ == "__main__":
    unittest.main()
