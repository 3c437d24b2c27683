"""gritctl backup and compact: copies of the state that a crawl goes on from."""

from __future__ import annotations

import json
import shutil
import subprocess
import unittest

from harness.case import CrawlCase
from harness.checker import Options, check, read_map

POLITENESS = {"min_interval": "20ms", "connections_per_address": 4096, "connections_per_domain": 64}


def urls_of(hosts: int, each: int) -> list[str]:
    return [f"https://h{host}.test/{number}.jpg" for number in range(each) for host in range(hosts)]


class Backup(CrawlCase):
    def test_a_backup_made_while_crawling_is_one_to_go_on_from(self):
        urls = urls_of(40, 30)
        web = self.web()
        source = self.annotations(urls)
        with open(source, "a", encoding="utf-8") as file:
            file.write("no JSON\n")
        daemon = self.daemon(web, [source], politeness=POLITENESS)
        daemon.start(once=False)
        control = self.wait_ready(daemon)
        self.wait_for("it is half-way", lambda: control.status()["outcomes"].get("stored", 0) > 400)
        folder = self.directory / "backup"
        said = daemon.ctl("--json", "backup", str(folder))
        self.assertEqual(said.returncode, 0, said.stderr)
        state = json.loads(said.stdout)
        self.assertEqual((state["state"], state["dir"]), ("done", str(folder)))
        copied = len(read_map(folder))
        (folder / "lock.mdb").unlink()  # the reader's
        self.assertGreaterEqual(copied, 400)
        sums = subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=folder, capture_output=True, text=True)
        self.assertEqual(sums.returncode, 0, sums.stdout + sums.stderr)
        names = {str(path.relative_to(folder)) for path in folder.rglob("*")}
        self.assertEqual(names, {"data.mdb", "quarantine.jsonl", "SHA256SUMS", "backup.json"})
        about = json.loads((folder / "backup.json").read_text())
        self.assertEqual((about["schema"], about["state_dir"]), (2, str(daemon.state_dir)))

        # The state is lost, and the crawl goes on from the backup.
        daemon.kill()
        at_kill = len(read_map(daemon.state_dir))
        shutil.rmtree(daemon.state_dir)
        shutil.copytree(folder, daemon.state_dir)
        self.assertEqual(daemon.run_once(30), 75, "the journal knows more")
        for words in (f"the state in {daemon.state_dir} is a backup of 20", "gritctl rebuild", "gritd run --older-state"):
            self.assertIn(words, daemon.log_text())
        daemon.start(once=False, options=("--older-state",))
        status = self.wait_settled(daemon, 60)
        self.assertEqual((status["outcomes"], status["input"]["quarantined"]), ({"stored": 1200}, 1))
        self.terminate(daemon)
        web.stop()
        again = at_kill - copied + 500  # since the backup, and what the kill cut
        self.assert_clean(check([source], web.log_file, daemon.root, read_map(daemon.state_dir), Options(True, True, 1, again)))

    def test_what_was_ordered_since_a_backup_is_not_forgotten_by_a_restore(self):
        web = self.web()
        source = self.annotations(urls_of(10, 20))
        daemon = self.daemon(web, [source], politeness=POLITENESS, storage={"layout": "webdataset"})
        daemon.start(once=False)
        control = self.wait_ready(daemon)
        folder = self.directory / "backup"
        self.wait_for("some are stored", lambda: control.status()["outcomes"].get("stored", 0) > 20)
        self.assertEqual(daemon.ctl("backup", str(folder)).returncode, 0)
        self.assertEqual(daemon.ctl("optout", "h1.test", "--delete").returncode, 0)
        self.assertEqual(daemon.ctl("block", "h2.test").returncode, 0)
        daemon.kill()
        shutil.rmtree(daemon.state_dir)
        shutil.copytree(folder, daemon.state_dir)
        asked = len(web.requests())
        journal = {path.name: path.read_bytes() for path in (daemon.root / "outcomes").iterdir()}
        self.assertEqual(daemon.run_once(30), 75)
        self.assertEqual({path.name: path.read_bytes() for path in (daemon.root / "outcomes").iterdir()}, journal)

        (daemon.state_dir / "data.mdb").unlink()
        said = daemon.ctl("--json", "rebuild", "--config", str(daemon.config_file))
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertEqual(json.loads(said.stdout)["blocks"], 2)
        daemon.start(once=False)
        self.wait_settled(daemon, 60)
        self.terminate(daemon)
        hosts = {request.host for request in web.requests()[asked:]}
        self.assertFalse(hosts & {"h1.test", "h2.test"}, "asked in spite of an opt-out, or a block")

    def test_folders_that_will_not_do_are_refused(self):
        web = self.web()
        daemon = self.daemon(web, [self.annotations(urls_of(2, 2))], politeness=POLITENESS)
        daemon.start(once=False)
        self.wait_settled(daemon, 20)
        full = self.directory / "full"
        full.mkdir()
        (full / "mine").write_text("mine")
        for folder, words in ((full, "not empty"), (daemon.state_dir / "copy", "state folder"), (self.directory / "no" / "parent", "can not be made")):
            with self.subTest(words):
                said = daemon.ctl("backup", str(folder))
                self.assertEqual((said.returncode, words in said.stderr), (1, True), said.stderr)
        self.assertEqual([path.name for path in full.iterdir()], ["mine"])
        self.assertFalse((daemon.state_dir / "copy").exists())
        self.assertEqual(daemon.ctl("backup").returncode, 2)
        self.terminate(daemon)

    def test_without_a_daemon_by_the_config(self):
        web = self.web()
        daemon = self.daemon(web, [self.annotations(urls_of(4, 5))], politeness=POLITENESS)
        self.run_once(daemon, 20)
        folder = self.directory / "backup"
        said = daemon.ctl("backup", str(folder), "--config", str(daemon.config_file))
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertEqual(read_map(folder), read_map(daemon.state_dir))
        hint = daemon.ctl("backup", str(self.directory / "other"))
        self.assertEqual((hint.returncode, "--config" in hint.stderr), (3, True))

    def test_compact_gives_back_what_free_pages_take(self):
        web = self.web([{"name": "no_host", "dns": "nxdomain"}])
        source = self.annotations(f"https://gone{host}.test/{n}-{'x' * 200}.jpg" for host in range(400) for n in range(100))
        daemon = self.daemon(web, [source], politeness=POLITENESS, retry={"schedule": ["10ms"], "once_patience": "2s"})
        self.run_once(daemon, 60)
        before = (daemon.state_dir / "data.mdb").stat().st_size
        config = ("--config", str(daemon.config_file))
        daemon.start(once=False)
        stats = self.wait_settled(daemon, 20)["outcomes"]
        busy = daemon.ctl("compact", *config)
        self.assertEqual((busy.returncode, "in use by process" in busy.stderr), (1, True), busy.stderr)
        self.terminate(daemon)
        said = daemon.ctl("--json", "compact", *config)
        self.assertEqual(said.returncode, 0, said.stderr)
        answer = json.loads(said.stdout)
        after = (daemon.state_dir / "data.mdb").stat().st_size
        self.assertEqual((answer["bytes_after"], after < before), (after, True), f"{before} before, {after} after")
        self.assertEqual([path.name for path in daemon.state_dir.glob("compact*")], [])
        daemon.start(once=False)
        self.assertEqual(self.wait_settled(daemon, 20)["outcomes"], stats)
        self.terminate(daemon)


if __name__ == "__main__":
    unittest.main()
