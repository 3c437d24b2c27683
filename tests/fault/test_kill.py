"""kill -9 at random moments of one crawl: nothing is lost, torn, done twice or asked too soon.

What may be fetched again: results that no commit had taken yet (harness.refetched).
"""

from __future__ import annotations

import json
import os
import random
import time
import unittest
from collections import defaultdict

from harness.case import SHARED_DATA, CrawlCase, dialled_ports, needs_data
from harness.classes import shipped
from harness.checker import Images, Options, check, read_annotations, read_map
from harness.judge import Rules
from harness.refetched import find_refetched, longest_commit_ms
from harness.urls import canonical
from harness.web import make_sample

# A crawl of the real input that is to be killed a hundred times takes some minutes: GRIT_KILLS=100.
KILLS = int(os.environ.get("GRIT_KILLS", "10"))
LINES = 600_000  # of the test that kills while reading
SEED = int(os.environ.get("GRIT_KILL_SEED", "20240611"))
MIN_INTERVAL_MS = 30
# What gritd sends before it has read the refusal that lies in its socket. Who does not heed it is early for two seconds.
CROSSING_MS = 200
RULES = [
    {"name": "busy", "status": 429, "retry_after": "2", "first_n": 2, "first_n_of": "host", "fraction": 0.2},
    {
        "name": "busy_until",
        "status": 503,
        "retry_after": "date:+3",
        "first_n": 1,
        "first_n_of": "host",
        "fraction": 0.1,
    },
    {"name": "gone", "status": 404, "fraction": 0.05, "of": "path", "path": "*"},
    {"name": "no_host", "dns": "nxdomain", "fraction": 0.03},
    {"name": "hiccup", "status": 500, "first_n": 1, "fraction": 0.03, "of": "path", "path": "*"},
]


class KilledCrawl(CrawlCase):
    def crawler(self, name: str):
        web = self.web(RULES, name=f"web-{name}", seed=9)
        daemon = self.daemon(
            web,
            [self.sample],
            name=name,
            politeness={"min_interval": f"{MIN_INTERVAL_MS}ms", "connections_per_address": 4096},
            network={"port_map": dialled_ports(read_annotations([self.sample])[1], web)},
            retry={"schedule": ["1s", "2s", "4s"], "once_patience": "8s"},
        )
        return web, daemon

    def undisturbed(self) -> tuple[dict, dict, list[str]]:
        web, daemon = self.crawler("undisturbed")
        daemon.start(once=False)
        self.wait_settled(daemon, 200)
        stats = self.control(daemon).stats()
        self.terminate(daemon)
        web.stop()
        self.assert_clean(
            check([self.sample], web.log_file, daemon.root, read_map(daemon.state_dir), Options(max_refetched=0))
        )
        return self.bytes_of(daemon), stats, (daemon.state_dir / "quarantine.jsonl").read_text().splitlines()

    @staticmethod
    def bytes_of(daemon) -> dict[bytes, str | None]:
        """The digest of what the map has for each URL."""
        images = Images(daemon.root)
        digests: dict[str, str | None] = {}
        entries = read_map(daemon.state_dir)
        for path in entries.values():
            if path not in digests:
                digests[path] = images.digest(path)
        return {key: digests[path] for key, path in entries.items()}

    def disturbed(self, web, daemon, moments: list[float]) -> float:
        """Kills at each of the moments, in seconds after a start or, every other time, after it was ready.

        @return the longest commit in ms.
        """
        longest = 0.0
        self.ready_ms: list[float] = []
        for number, moment in enumerate(moments):
            daemon.start(once=False)
            if number % 2 == 0:
                begun = time.monotonic()
                self.wait_ready(daemon)
                self.ready_ms.append((time.monotonic() - begun) * 1000)
            time.sleep(moment)  # the moment of a kill is what is drawn by lot, not a wait for something
            try:
                longest = max(longest, longest_commit_ms(self.metrics(daemon)[1]))
            except OSError:
                pass  # killed while it still starts
            self.check_running(daemon)
            if (daemon.state_dir / "data.mdb").exists():
                self.recorded.append(set(read_map(daemon.state_dir)))
            else:
                self.recorded.append(set())
            daemon.kill()
        daemon.start(once=False)
        self.wait_settled(daemon, 200)
        longest = max(longest, longest_commit_ms(self.metrics(daemon)[1]))
        return longest

    def test_kills_lose_nothing_and_repeat_nothing(self):
        self.sample = self.directory / "sample.jsonl"
        make_sample(self.sample, annotations=4000, hosts=250, seed=5, bad_lines=True)
        self.kill_often(latest_s=1.6, per_domain=8)

    @needs_data("grit_like_10000.jsonl")
    def test_kills_of_the_real_input(self):
        self.sample = self.named_hosts(SHARED_DATA / "grit_like_10000.jsonl")
        self.kill_often(latest_s=3 if KILLS <= 10 else 0.6, per_domain=None)  # real domains have suffixes of their own

    def kill_often(self, latest_s: float, per_domain: int | None) -> None:
        wanted, wanted_stats, wanted_quarantine = self.undisturbed()
        web, daemon = self.crawler("killed")
        self.recorded: list[set[bytes]] = []  # the keys of url_to_path before each kill
        lot = random.Random(SEED)
        moments = [round(lot.uniform(0.05, latest_s), 3) for _ in range(KILLS)]
        print(f"seed {SEED}, kills after {moments} s")
        longest_ms = self.disturbed(web, daemon, moments)
        stats = self.control(daemon).stats()
        self.terminate(daemon)
        self.assertEqual(len(daemon.kills_ns), KILLS)
        web.stop()

        entries = read_map(daemon.state_dir)
        # Not by paths: which of two URLs with equal bytes comes first, and names the file, is a matter of order.
        self.assertEqual(self.bytes_of(daemon), wanted)
        self.assertEqual((daemon.state_dir / "quarantine.jsonl").read_text().splitlines(), wanted_quarantine)
        lines, _ = read_annotations([self.sample])
        self.assertEqual(stats["lines"], lines)
        self.assertEqual(sum(stats["outcomes"].values()) + stats["quarantined"], lines, json.dumps(stats))
        self.assertEqual(stats, wanted_stats)
        self.assertEqual(list((daemon.root / ".gritd" / "tmp").iterdir()), [], "left-over temporaries")
        self.check_recorded(web, daemon)
        self.check_refetched(web, daemon, entries, longest_ms)
        rules = Rules(
            min_interval_ms=MIN_INTERVAL_MS,
            per_domain=per_domain,
            robots_first=True,
            classes=shipped(),
            crossing_ms=CROSSING_MS,
            kills_ns=daemon.kills_ns,
            stops_ns=daemon.stops_ns,
        )
        report = self.assert_polite(web, rules)
        self.assertGreater(report.retry_afters, 20, "the rules were meant to be met")
        print(f"{report.requests} requests, {report.retry_afters} Retry-Afters, exempt for a kill: {report.exempt}")

    def check_recorded(self, web, daemon) -> None:
        """What was on record when a kill came is never asked for again: exact, whatever the clocks say."""
        _, urls = read_annotations([self.sample])
        asked = defaultdict(int)  # the last request for each URL
        for request in web.requests():
            asked[request.scheme, request.host, request.path] = request.t_ns
        for kill_ns, keys in zip(daemon.kills_ns, self.recorded):
            again = [urls[key] for key in keys if asked[canonical(urls[key])] > kill_ns]
            self.assertEqual(again, [], "on record, and asked for again")
        again = [0] * len(daemon.kills_ns)
        served: dict[tuple, int] = {}
        for request in web.requests():
            if request.served_image:
                url = (request.scheme, request.host, request.path)
                if url in served:  # the kill between the two cost it
                    kill = next(i for i, kill_ns in enumerate(daemon.kills_ns) if kill_ns > served[url])
                    again[kill] += 1
                served[url] = request.t_ns
        print(f"on record before each kill: {[len(keys) for keys in self.recorded]}")
        print(f"fetched again for each kill: {again}, {max(again)} at most, {sum(again)} in all")
        print(f"ready again after {max(self.ready_ms):.0f} ms at most")

    def check_refetched(self, web, daemon, entries: dict, longest_ms: float) -> None:
        found = find_refetched(web.requests(), daemon.kills_ns, longest_ms)
        print(
            f"longest commit {longest_ms:.0f} ms: window {found.window_ms:.0f} ms;"
            f" {found.again} refetched, {found.at_risk} at risk"
        )
        self.assertEqual(found.unexcused, [])
        report = check(
            [self.sample], web.log_file, daemon.root, entries, Options(allowance=KILLS, max_refetched=found.at_risk)
        )
        self.assert_clean(report)

    def test_kills_in_the_first_moments_of_a_host_keep_its_interval(self):
        """A host that was asked once, a moment before the kill, is asked again when a second has passed."""
        source = self.annotations(f"http://h{host}.test/{n}.jpg" for n in range(4) for host in range(150))
        web = self.web(name="web-first")
        limits = {"min_interval": "1s", "connections_per_address": 4096}
        daemon = self.daemon(web, [source], name="first", politeness=limits)
        lot = random.Random(SEED + 2)
        for kill in range(8):
            daemon.start(once=False)
            self.wait_ready(daemon)
            # The moment of the kill is drawn by lot: after the second in which nobody may be asked.
            time.sleep(lot.uniform(0.05, 0.3) + (1 if kill else 0))
            self.check_running(daemon)
            daemon.kill()
        web.stop()
        report = self.assert_polite(web, Rules(min_interval_ms=1000, per_domain=8, kills_ns=daemon.kills_ns))
        self.assertGreater(report.requests, 300, "kills came while hosts were asked")

    def test_kills_while_reading_neither_lose_nor_repeat_a_line(self):
        """No host exists, so that every line is settled at reading speed, and counted."""
        sample = self.directory / "many.jsonl"
        summary = make_sample(sample, annotations=LINES, hosts=2000, seed=8, bad_lines=True)
        web = self.web([{"name": "none", "dns": "nxdomain"}], name="web-none")
        daemon = self.daemon(
            web, [sample], retry={"schedule": ["10ms"], "once_patience": "5s"}, fetch={"max_in_flight": 50}
        )
        lot = random.Random(SEED + 1)
        lines = []
        for longest_s in (0, 0.2, 0.4, 0.6, 0.6, 0.6):
            daemon.start(once=False)
            control = self.wait_ready(daemon)
            time.sleep(lot.uniform(0, longest_s))  # the moment of the kill is drawn by lot
            lines.append(control.status()["input"]["lines"])
            daemon.kill()
        daemon.start(once=False)
        self.wait_settled(daemon, 100)
        stats = self.control(daemon).stats()
        self.terminate(daemon)
        print(f"lines on record before each kill: {lines}")
        self.assertLess(lines[0], LINES, "killed in the midst of reading")
        quarantine = [json.loads(line) for line in (daemon.state_dir / "quarantine.jsonl").read_text().splitlines()]
        places = [entry["line"] for entry in quarantine]
        self.assertEqual(places, sorted(set(places)), "each bad line once, in order")
        self.assertEqual(len(places), summary["bad_lines"])
        self.assertEqual((stats["lines"], stats["quarantined"]), (LINES, summary["bad_lines"]))
        self.assertEqual(sum(stats["outcomes"].values()), LINES - summary["bad_lines"])
        outcomes = {name: count for name, count in stats["outcomes"].items() if count}
        unfetchable = outcomes.pop("bad_url", 0) + outcomes.pop("scheme_refused", 0)
        # Spellings that differ only before canonical form are duplicates too, so these two share their sum.
        self.assertEqual(set(outcomes), {"dns_not_found", "duplicate_url"})
        self.assertLessEqual(unfetchable, summary["bad_urls"])
        self.assertEqual(web.requests(), [])


if __name__ == "__main__":
    unittest.main()
