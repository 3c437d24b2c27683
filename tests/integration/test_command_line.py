"""What gritd and gritctl say and how they end, before there is any crawl to speak of."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import unittest
from pathlib import Path

from harness import processes
from harness.case import CrawlCase

NOBODY = "65534"
GOOD = """\
[input]
annotations = ["a.jsonl"]
[storage]
root = "images"
[state]
dir = "state"
"""
# Each mistake with the line and column that it has to be reported at, and what has to be said of it.
BAD = """\
[input]
annotations = ["a.jsonl"]
[storage]
root = "images"
min_free = "20GiBs"
[state]
dir = 5
[politeness]
min_intervall = "1s"
connections_per_host = 0
[fetch]
max_in_flight = "many"
user_agent = "gritd"
[network]
allow = ["10.0.0.0/33"]
[politenes]
robots = true
"""
MISTAKES = [
    (5, 12, "min_free"),
    (7, 7, "dir"),
    (9, 1, "min_interval"),
    (10, 24, "connections_per_host"),
    (12, 17, "max_in_flight"),
    (13, 14, "contact"),
    (15, 10, "10.0.0.0/33"),
    (16, 2, "politeness"),
]


def run(name: str, variable: str, *arguments: str) -> subprocess.CompletedProcess:
    program = processes.find_program(name, variable)
    return subprocess.run([str(program), *arguments], capture_output=True, text=True, timeout=30, check=False)


def gritd(*arguments: str) -> subprocess.CompletedProcess:
    return run("gritd", "GRITD", *arguments)


def gritctl(*arguments: str) -> subprocess.CompletedProcess:
    return run("gritctl", "GRITCTL", *arguments)


class Gritd(CrawlCase):
    def config(self, text: str) -> str:
        path = self.directory / "gritd.toml"
        path.write_text(text)
        return str(path)

    def test_every_mistake_of_a_config_is_told_at_once_with_its_place(self):
        path = self.config(BAD)
        for command in (("check-config",), ("run", "--once")):
            done = gritd(*command, "--config", path)
            self.assertEqual(done.returncode, 78)
            for line, column, word in MISTAKES:
                with self.subTest(command=command, line=line):
                    found = re.search(rf"^{re.escape(path)}:{line}:{column}: (.*)$", done.stderr, re.MULTILINE)
                    self.assertIsNotNone(found, done.stderr)
                    self.assertIn(word, found[1])
        self.assertIn("did you mean", gritd("check-config", "--config", path).stderr)

    def test_broken_toml_is_told_with_its_place(self):
        path = self.config(GOOD + "[log]\nlevel = \n")
        done = gritd("check-config", "--config", path)
        self.assertEqual(done.returncode, 78)
        self.assertRegex(done.stderr, rf"(?m)^{re.escape(path)}:8:\d+: ")

    def test_what_is_required_is_missed(self):
        done = gritd("check-config", "--config", self.config('[log]\nlevel = "info"\n'))
        self.assertEqual(done.returncode, 78)
        for key in ("annotations", "root", "dir"):
            self.assertIn(key, done.stderr)

    def test_a_good_config_is_good(self):
        done = gritd("check-config", "--config", self.config(GOOD))
        self.assertEqual((done.returncode, done.stdout.strip()), (0, f"{self.directory}/gritd.toml: ok"))

    def test_an_absent_config_is_told_in_words(self):
        for command in ("check-config", "run"):
            done = gritd(command, "--config", str(self.directory / "absent.toml"))
            self.assertEqual(done.returncode, 78)
            self.assertIn("absent.toml", done.stderr)
            self.assertIn("No such file", done.stderr)

    def test_usage(self):
        self.assertEqual(gritd("--help").returncode, 0)
        version = gritd("--version")
        self.assertEqual(version.returncode, 0)
        self.assertRegex(version.stdout, r"^gritd \d+\.\d+\.\d+ ")
        for arguments in (
            (),
            ("run",),
            ("fly",),
            ("run", "--config"),
            ("run", "--config", "x", "--twice"),
            ("check-config",),
        ):
            with self.subTest(arguments):
                done = gritd(*arguments)
                self.assertEqual(done.returncode, 64)
                self.assertNotEqual(done.stderr, "")


class Gritctl(CrawlCase):
    def test_usage_is_2(self):
        self.assertEqual(gritctl("--help").returncode, 0)
        self.assertRegex(gritctl("--version").stdout, r"^gritctl \d+\.\d+\.\d+ ")
        wrong = (
            (),
            ("stauts",),
            ("record",),
            ("retry",),
            ("retry", "--outcome", "stored"),
            ("retry", "--outcome", "dns_failur"),
            ("log-level", "loud"),
            ("hosts", "--limit", "0"),
            ("export", "url-to-path"),
            ("--socket",),
        )
        for arguments in wrong:
            with self.subTest(arguments):
                done = gritctl(*arguments)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertEqual(done.stdout, "")
                self.assertNotEqual(done.stderr, "")
        self.assertIn('did you mean "status"', gritctl("stauts").stderr)
        self.assertIn('did you mean "dns_failure"', gritctl("retry", "--outcome", "dns_failur").stderr)

    def test_nobody_there_is_3(self):
        for path in (self.directory / "absent.sock", self.stale_socket()):
            for command in (("status",), ("pause",), ("watch",), ("record", "https://a.test/1.jpg")):
                with self.subTest(path=path.name, command=command):
                    done = gritctl("--socket", str(path), *command)
                    self.assertEqual(done.returncode, 3)
                    self.assertIn(str(path), done.stderr)

    def stale_socket(self) -> Path:
        """As a killed daemon leaves it."""
        path = self.directory / "stale.sock"
        with socket.socket(socket.AF_UNIX) as abandoned:
            abandoned.bind(str(path))
        return path

    @unittest.skipUnless(
        os.geteuid() == 0 and shutil.which("setpriv"), "to become somebody else takes root and setpriv"
    )
    def test_somebody_elses_socket_is_5(self):
        web = self.web()
        daemon = self.daemon(web, [self.annotations(["https://a.test/1.jpg"])])
        daemon.start(once=False)
        self.wait_ready(daemon)
        program = shutil.copy(processes.find_program("gritctl", "GRITCTL"), self.directory / "gritctl")
        for folder in (self.directory, daemon.directory):
            folder.chmod(0o755)  # it is the socket's own mode that counts
        path = str(daemon.config["admin"]["socket"])
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o660)
        as_nobody = ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", program, "--socket", path]
        for command in ("status", "stop"):
            done = subprocess.run([*as_nobody, command], capture_output=True, text=True, timeout=30, check=False)
            self.assertEqual(done.returncode, 5, done.stderr)
            self.assertIn("not permitted", done.stderr)
        self.assertTrue(daemon.running())
        self.terminate(daemon)


if __name__ == "__main__":
    unittest.main()
