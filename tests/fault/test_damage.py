"""Damage of the state, and a state that is not the right one: refused in words, or mended; never a crash, never silence."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import unittest

import lmdb
from harness.case import CrawlCase
from harness.checker import read_map

PAGE = 4096
POLITENESS = {"min_interval": "10ms", "connections_per_address": 4096, "connections_per_domain": 64, "robots": False}
REMEDY = "backup"
SEEDS = range(1, 1 + int(os.environ.get("GRIT_DAMAGE_SEEDS", "40")))


def urls_of(hosts: int, each: int, name: str = "h") -> list[str]:
    return [f"https://{name}{host}.test/{number}.jpg" for number in range(each) for host in range(hosts)]


def pages_of_trees(data: bytes) -> list[int]:
    """The branches and leaves of a file of LMDB: what lies in others is a value's bytes alone."""
    flags = {page: int.from_bytes(data[page * PAGE + 10 : page * PAGE + 12], "little") for page in range(2, len(data) // PAGE)}
    pages, page = [], 2
    while page in flags:
        if flags[page] & 0x04:  # a large value, over so many pages
            page += int.from_bytes(data[page * PAGE + 12 : page * PAGE + 16], "little")
            continue
        pages += [page] if flags[page] & 0x03 else []
        page += 1
    return pages


class Damage(CrawlCase):
    def crawled(self, urls: list[str], rules: list[dict] | None = None, **overrides):
        web = self.web(rules, mean_bytes=1000)
        daemon = self.daemon(web, [self.annotations(urls)], politeness=POLITENESS, **overrides)
        self.run_once(daemon, 60)
        return web, daemon

    def refused(self, daemon, *words: str, code: int = 74) -> None:
        """A start ends with that code, and its last words name the folder, what is wrong and what to do."""
        daemon.log_file.unlink(missing_ok=True)
        self.run_once(daemon, 30, code=code)
        last = daemon.log_text().splitlines()[-1]
        for word in words:
            self.assertIn(word, last)

    def edit(self, daemon, table: str):
        """The table, to be changed under a daemon that does not run."""
        env = lmdb.open(str(daemon.state_dir), max_dbs=16, map_size=1 << 30, subdir=True)
        self.addCleanup(env.close)
        return env, env.open_db(table.encode(), create=False)

    # The file -----------------------------------------------------------------------------------------------------------

    def test_files_that_are_torn_are_refused(self):
        web, daemon = self.crawled(urls_of(10, 10))
        data = daemon.state_dir / "data.mdb"
        whole = data.read_bytes()
        zeros = bytes(PAGE)
        middle = len(whole) // 2 // PAGE * PAGE
        torn = {
            "cut in the middle": whole[:middle],
            "cut to the headers": whole[: 2 * PAGE],
            "cut within the headers": whole[:100],
            "first header zeroed": zeros + whole[PAGE:],
            "second header zeroed": whole[:PAGE] + zeros + whole[2 * PAGE :],
            "headers zeroed": zeros * 2 + whole[2 * PAGE :],
            "headers of something else": os.urandom(2 * PAGE) + whole[2 * PAGE :],
            "all of it": os.urandom(len(whole)),
        }
        for name, content in torn.items():
            with self.subTest(name):
                data.write_bytes(content)
                self.refused(daemon, str(data), REMEDY)
                self.assertEqual(data.read_bytes(), content, "nothing was made of it")
                for command in ("export", "backup"):
                    target = str(self.directory / f"{command}-{name}")
                    words = ["export", "url-to-path", "-o", target] if command == "export" else ["backup", target]
                    done = daemon.ctl(*words, "--config", str(daemon.config_file))
                    self.assertEqual((done.returncode, str(data) in done.stderr), (1, True), done.stderr)
        data.write_bytes(whole)
        asked = len(web.requests())
        self.run_once(daemon, 30)
        self.assertEqual(len(web.requests()), asked)

    def test_garbage_in_the_middle_is_found_and_never_worked_on(self):
        web, daemon = self.crawled(urls_of(60, 20))
        data = daemon.state_dir / "data.mdb"
        compacted = self.directory / "compacted"
        compacted.mkdir()
        with lmdb.open(str(daemon.state_dir), readonly=True, lock=False) as env:
            env.copy(str(compacted), compact=True)  # without free pages: nobody misses those
        whole = (compacted / "data.mdb").read_bytes()
        trees = pages_of_trees(whole)
        found = 0
        for seed in SEEDS:
            with self.subTest(seed=seed):
                lot = random.Random(seed)
                content = bytearray(whole)
                share = lot.choice([0.02, 0.2, 0.9])
                for page in [page for page in trees if lot.random() < share] or [lot.choice(trees)]:
                    at = page * PAGE + lot.choice([0, 0, 16])  # with its header, or behind it
                    length = PAGE - at % PAGE
                    content[at : at + length] = lot.choice([bytes(length), lot.randbytes(length), b"\xff" * length])
                data.write_bytes(content)
                daemon.log_file.unlink(missing_ok=True)
                daemon.start(once=False)
                try:
                    ended = daemon.wait(30)  # found by the start, or by the look at all pages right after
                except subprocess.TimeoutExpired:
                    daemon.kill()
                    self.fail(f"damage was not found:\n{daemon.log_text()[-3000:]}")
                self.assertEqual(ended, 74, daemon.log_text()[-3000:])
                self.assertIn("damage", daemon.log_text())
                self.assertIn(REMEDY, daemon.log_text())
                found += 1
                # It stays so: the next start is refused as well.
                daemon.log_file.unlink(missing_ok=True)
                self.run_once(daemon, 30, code=74)
                self.assertIn(str(daemon.state_dir), daemon.log_text())
                (daemon.state_dir / "damaged").unlink(missing_ok=True)
        print(f"{found} of {len(SEEDS)} found")
        data.write_bytes(whole)
        self.run_once(daemon, 30)

    def test_a_file_that_is_cut_while_it_is_used_ends_gritd_in_words(self):
        web = self.web([{"name": "slow", "delay_ms": 30}], mean_bytes=1000)
        daemon = self.daemon(web, [self.annotations(urls_of(60, 50))], politeness=POLITENESS)
        daemon.start(once=False)
        control = self.wait_ready(daemon)
        self.wait_for("it is under way", lambda: control.status()["outcomes"].get("stored", 0) > 300)
        data = daemon.state_dir / "data.mdb"
        os.truncate(data, 2 * PAGE)
        self.assertEqual(daemon.wait(30), 74, daemon.log_text()[-2000:])
        self.assertIn("state.damaged", daemon.log_text())
        self.assertIn(REMEDY, daemon.log_text())
        self.assertTrue((daemon.state_dir / "damaged").exists())
        self.refused(daemon, str(daemon.state_dir))

    def test_a_note_of_damage_that_is_none_goes(self):
        web, daemon = self.crawled(urls_of(5, 5))
        (daemon.state_dir / "damaged").write_text("a page of its file could not be had\n")
        self.run_once(daemon, 30)
        self.assertFalse((daemon.state_dir / "damaged").exists())
        self.assertIn("state.found_whole", daemon.log_text())

    # The wrong one --------------------------------------------------------------------------------------------------------

    def test_another_schema_is_refused(self):
        web, daemon = self.crawled(urls_of(3, 3))
        for schema in (b"1", b"3", b"77"):
            with self.subTest(schema=schema):
                env, meta = self.edit(daemon, "meta")
                with env.begin(write=True, db=meta) as txn:
                    txn.put(b"schema", schema)
                env.close()
                self.refused(daemon, str(daemon.state_dir), f"schema {schema.decode()}", "reads schema 2")

    def test_the_state_of_another_dataset_is_refused(self):
        web, first = self.crawled(urls_of(3, 3))
        second = self.daemon(web, [self.annotations(urls_of(3, 3, "other"), "other.jsonl")], name="second", politeness=POLITENESS)
        self.run_once(second, 30)
        before = sorted(second.root.rglob("*"))
        shutil.rmtree(second.state_dir)
        shutil.copytree(first.state_dir, second.state_dir)
        self.refused(second, str(second.root), "another dataset", code=75)
        self.assertEqual(sorted(second.root.rglob("*")), before)

    def test_a_state_that_was_lost_is_not_begun_anew_over_its_images(self):
        web, daemon = self.crawled(urls_of(3, 3))
        asked = len(web.requests())
        shutil.rmtree(daemon.state_dir)
        self.refused(daemon, str(daemon.root), "rebuild", REMEDY, code=75)
        self.assertEqual(len(web.requests()), asked)

    def test_a_root_that_was_moved(self):
        web, daemon = self.crawled(urls_of(3, 3))
        asked = len(web.requests())
        old = daemon.root
        new = daemon.directory / "elsewhere"
        daemon.rewrite_config(storage={"root": str(new)})
        self.refused(daemon, str(new), "missing", code=75)
        self.assertFalse(new.exists(), "no empty root is made beside a state with images")
        new.mkdir()
        self.refused(daemon, str(new), "move", code=75)
        new.rmdir()
        old.rename(new)
        self.run_once(daemon, 30)
        self.assertEqual(len(web.requests()), asked)
        self.assertTrue(all((new / path).exists() for path in read_map(daemon.state_dir).values()))

    # Single rows ----------------------------------------------------------------------------------------------------------

    def break_rows(self, daemon, table: str, choose=lambda key: True, value: bytes = b"\x01\xff") -> int:
        env, rows = self.edit(daemon, table)
        with env.begin(write=True, db=rows) as txn:
            keys = [key for key, _ in txn.cursor() if choose(key)]
            for key in keys:
                txn.put(key, value)
        env.close()
        return len(keys)

    def test_damaged_rows_of_hosts_are_mended_from_what_else_is_known(self):
        web = self.web(mean_bytes=1000)
        source = self.annotations(urls_of(20, 60))
        daemon = self.daemon(web, [source], politeness=POLITENESS)
        daemon.start(once=False)
        control = self.wait_ready(daemon)
        self.wait_for("it is half-way", lambda: control.status()["outcomes"].get("stored", 0) > 400)
        daemon.kill()
        self.assertEqual(self.break_rows(daemon, "hosts", lambda key: key[-1] % 3 == 0), 6)
        daemon.start(once=False)
        status = self.wait_settled(daemon, 90)
        self.assertEqual((status["outcomes"], status["hosts"]["known"]), ({"stored": 1200}, 20))
        self.assertEqual(daemon.log_text().count("start.host_mended"), 6)
        self.assertEqual(len(read_map(daemon.state_dir)), 1200)
        self.terminate(daemon)
        self.run_once(daemon, 30)
        self.assertEqual(daemon.log_text().count("start.host_mended"), 6, "they are written anew")

    def test_damaged_rows_of_retries_are_mended_from_the_records(self):
        rules = [{"name": "hiccup", "status": 500, "first_n": 1}]
        web = self.web(rules, mean_bytes=1000)
        daemon = self.daemon(web, [self.annotations(urls_of(20, 5))], politeness=POLITENESS,
                             retry={"schedule": ["6s"], "once_patience": "1s"})
        self.run_once(daemon, 60, code=7)
        env, rows = self.edit(daemon, "retries")
        with env.begin(write=True, db=rows) as txn:
            keys = [key for key, _ in txn.cursor()]
            self.assertEqual(len(keys), 100)
            for number, key in enumerate(keys):
                if number % 4 == 0:
                    txn.put(key, b"")  # what it was is not known, which is
                elif number % 4 == 1:
                    txn.delete(key)
                    txn.put(key[:9], b"\x01\x13")  # which it was is not known
        env.close()
        daemon.start(once=False)
        status = self.wait_settled(daemon, 60)
        self.assertEqual(status["outcomes"], {"stored": 100})
        self.assertIn("retries.row_damaged", daemon.log_text())
        self.terminate(daemon)


if __name__ == "__main__":
    unittest.main()
