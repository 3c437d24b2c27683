"""gritctl rebuild: the state is lost, and made anew of the outcome journal and the images."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import unittest

from harness.case import CrawlCase
from harness.checker import read_map
from harness.small_crawl import OPTED_OUT, SmallCrawl

SLOW = {"min_interval": "40ms", "connections_per_address": 4096, "connections_per_domain": 64, "robots": False}


class Rebuild(CrawlCase):
    def rebuild(self, daemon) -> dict:
        said = daemon.ctl("--json", "rebuild", "--config", str(daemon.config_file))
        self.assertEqual(said.returncode, 0, said.stderr)
        return json.loads(said.stdout)

    def crawl_a_part(self, crawl: SmallCrawl, part: int) -> None:
        crawl.daemon.start(once=False)
        control = self.wait_ready(crawl.daemon)
        self.wait_for(f"{part} are stored", lambda: control.status()["outcomes"].get("stored", 0) >= part)

    def lose_state(self, crawl: SmallCrawl) -> dict[bytes, str]:
        crawl.note_recorded()
        before = read_map(crawl.daemon.state_dir)
        shutil.rmtree(crawl.daemon.state_dir)
        return before

    def test_after_a_kill_in_the_middle(self):
        crawl = SmallCrawl(self, "crawl", politeness=SLOW)
        self.crawl_a_part(crawl, 25)
        crawl.daemon.kill()
        before = self.lose_state(crawl)
        self.assertGreaterEqual(len(before), 25)
        report = self.rebuild(crawl.daemon)
        after = read_map(crawl.daemon.state_dir)
        self.assertLessEqual(before.items(), after.items())
        self.assertEqual((report["lines_missing"], report["lines_damaged"], report["unknown"]), (0, 0, 0), report)
        again = crawl.daemon.ctl("rebuild", "--config", str(crawl.daemon.config_file))
        self.assertEqual(again.returncode, 1)
        self.assertIn("opens: there is nothing to rebuild", again.stderr)
        crawl.finish()
        crawl.check()

    def test_after_the_end_nothing_is_asked(self):
        crawl = SmallCrawl(self, "crawl")
        crawl.life({})
        outcomes = self.stats_of(crawl)
        before = self.lose_state(crawl)
        report = self.rebuild(crawl.daemon)
        self.assertEqual(read_map(crawl.daemon.state_dir), before)
        self.assertEqual((report["lost"], report["found"], report["unknown"], report["waiting"]), (0, 0, 0, 0), report)
        asked = len(crawl.web.requests())
        crawl.finish()
        self.assertEqual(crawl.stats["outcomes"], outcomes)
        self.assertEqual(len(crawl.web.requests()), asked, "all was settled, and somebody was asked")
        crawl.check()

    def stats_of(self, crawl: SmallCrawl) -> dict:
        crawl.daemon.start(once=False)
        self.wait_settled(crawl.daemon, 60)
        outcomes = self.control(crawl.daemon).stats()["outcomes"]
        self.terminate(crawl.daemon)
        return outcomes

    def test_an_opt_out_stays_done(self):
        crawl = SmallCrawl(self, "crawl", optout=True)
        crawl.life({})
        crawl.opt_out({})
        self.lose_state(crawl)
        report = self.rebuild(crawl.daemon)
        self.assertEqual((report["blocks"], report["lost"]), (1, 0), report)
        ledger = [json.loads(line) for line in (crawl.daemon.state_dir / "optouts.jsonl").read_text().splitlines()]
        self.assertEqual([(entry["domain"], entry["delete"]) for entry in ledger], [(OPTED_OUT, True)])
        crawl.finish()
        crawl.check()

    def test_a_host_that_was_given_up_stays_so_and_is_counted_once(self):
        urls = [f"http://{host}.test/{number}.jpg" for number in range(6) for host in ("here", "nowhere")]
        web = self.web([{"name": "nowhere", "host": "nowhere.test", "dns": "nxdomain"}])
        sources = [self.annotations(urls[:7], "first.jsonl"), self.annotations(urls[7:], "second.jsonl")]
        daemon = self.daemon(web, sources, politeness=SLOW, retry={"schedule": ["50ms"], "once_patience": "10s"})
        self.run_once(daemon, 60)
        expected = {"stored": 6, "dns_not_found": 6}
        self.assertEqual(self.outcomes_after_start(daemon), expected)
        shutil.rmtree(daemon.state_dir)
        self.rebuild(daemon)
        daemon.rewrite_config(input={"annotations": [str(source) for source in reversed(sources)]})  # lines keep their ordinals
        self.assertEqual(self.outcomes_after_start(daemon), expected)
        self.assertEqual(len([1 for query in web.requests() if query.host == "nowhere.test"]), 0)

    def outcomes_after_start(self, daemon) -> dict:
        daemon.start(once=False)
        self.wait_settled(daemon, 60)
        stats = self.control(daemon).stats()
        self.terminate(daemon)
        self.assertEqual(stats["lines"], sum(stats["outcomes"].values()), stats)
        return {outcome: count for outcome, count in stats["outcomes"].items() if count}

    def test_damage_is_said_by_name_and_costs_no_image_that_is_there(self):
        crawl = SmallCrawl(self, "crawl", politeness=SLOW | {"min_interval": "400ms"})
        for part in (10, 20, 30):  # a clean stop seals a file
            self.crawl_a_part(crawl, part)
            self.terminate(crawl.daemon)
        before = self.lose_state(crawl)
        journal = crawl.daemon.root / "outcomes"
        names = sorted(os.listdir(journal))
        self.assertEqual(names, [f"outcomes-{number:08}.jsonl.zst" for number in (1, 2, 3)])
        (journal / names[1]).unlink()
        damaged = bytearray((journal / names[2]).read_bytes())
        damaged[len(damaged) // 2] ^= 0x10
        (journal / names[2]).write_bytes(damaged)
        first = map(json.loads, subprocess.run(["zstd", "-dc", names[0]], cwd=journal, capture_output=True, check=True).stdout.splitlines())
        lost = crawl.daemon.root / next(line["path"] for line in first if line["outcome"] == "stored")
        lost.unlink()
        report = self.rebuild(crawl.daemon)
        said = "\n".join(report["problems"])
        self.assertIn("outcomes-00000002.jsonl.zst is not there", said)
        self.assertIn("outcomes-00000003.jsonl.zst", said)
        self.assertGreater(report["found"], 0, report)
        self.assertIn(report["lost"], (1, 2), "its record, and that of equal bytes")
        self.assertEqual(report["unknown"], 0, report)
        # All that is there has its record again, by the input where no line tells of it; a copy's name comes with its line.
        after = read_map(crawl.daemon.state_dir)
        there = {path for path in before.values() if path != str(lost.relative_to(crawl.daemon.root))}
        self.assertEqual(set(after.values()), there)
        asked_before = len(crawl.web.requests())
        crawl._recorded.clear()
        crawl.note_recorded()
        crawl.finish()
        crawl.check()
        self.assertGreater(len(crawl.web.requests()), asked_before)

    def test_it_does_not_touch_what_is_not_its_own(self):
        crawl = SmallCrawl(self, "crawl")
        crawl.life({})
        before = self.lose_state(crawl)
        moved = crawl.daemon.root.with_name("elsewhere")
        crawl.daemon.root.rename(moved)
        crawl.daemon.root.mkdir()
        said = crawl.daemon.ctl("rebuild", "--config", str(crawl.daemon.config_file))
        self.assertEqual(said.returncode, 1)
        self.assertIn("is its volume mounted?", said.stderr)
        crawl.daemon.root.rmdir()
        moved.rename(crawl.daemon.root)
        # A state that can not be opened is kept, and the rebuilt one takes its place.
        crawl.daemon.state_dir.mkdir(exist_ok=True)
        (crawl.daemon.state_dir / "data.mdb").write_bytes(b"no LMDB file" * 1000)
        self.rebuild(crawl.daemon)
        self.assertEqual(len(list(crawl.daemon.state_dir.glob("data.mdb.damaged-*"))), 1)
        self.assertEqual(read_map(crawl.daemon.state_dir), before)


class Journal(CrawlCase):
    """What other programs find."""

    def test_zstd_and_a_json_reader_are_enough(self):
        crawl = SmallCrawl(self, "crawl")
        crawl.life({})
        mapped = {key.decode(): path for key, path in read_map(crawl.daemon.state_dir).items()}
        lines = []
        for file in sorted((crawl.daemon.root / "outcomes").iterdir()):
            self.assertTrue(file.name.endswith(".jsonl.zst"), "a clean stop seals")
            text = subprocess.run(["zstd", "-dc", str(file)], capture_output=True, check=True).stdout.decode()
            lines += [json.loads(line) for line in text.splitlines()]
        self.assertEqual([line["seq"] for line in lines], list(range(1, len(lines) + 1)))
        self.assertEqual({tuple(line) for line in lines}, {tuple(lines[0])}, "the same fields in each")
        last = {line["url"]: line for line in lines if line["outcome"]}
        stored = {url: line["path"] for url, line in last.items() if line["path"]}
        self.assertLessEqual(stored.items(), mapped.items())
        self.assertEqual(set(stored.values()), set(mapped.values()))
        spelled = {line["url"] for line in lines if line["kind"] == "duplicate"}
        self.assertLessEqual(set(mapped) - set(stored), spelled)


if __name__ == "__main__":
    unittest.main()
