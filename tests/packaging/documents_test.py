#!/usr/bin/python3
"""What the documents tell people to do works, and what they list is what there is."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

SOURCE = Path(os.environ.get("GRIT_SOURCE") or Path(__file__).resolve().parents[2])
BUILD = Path(os.environ.get("GRIT_BUILD") or SOURCE / "build" / "release")
GRITD = BUILD / "daemon" / "gritd"
GRITCTL = BUILD / "daemon" / "ctl" / "gritctl"
TESTWEB = BUILD / "tests" / "web" / "grit-testweb"
README = SOURCE / "README.md"
DESIGN = SOURCE / "docs" / "design.md"
DOCUMENTS = [README, SOURCE / "CHANGELOG.md", *sorted((SOURCE / "docs").glob("*.md")), SOURCE / "tests" / "web" / "README.md"]

sys.path.insert(0, str(SOURCE / "tests" / "integration"))
from harness.daemon import Daemon, config_for  # noqa: E402
from harness.web import Web  # noqa: E402


def blocks(path: Path, language: str) -> list[str]:
    """The fenced blocks of that language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL)


def built(*programs: Path):
    missing = [program.name for program in programs if not os.access(program, os.X_OK)]
    return unittest.skipIf(missing, f"not built: {missing}")


def dispositions() -> dict[str, list[str]]:
    """{disposition: its outcomes}, as the code has them."""
    rows = re.findall(r'\{Outcome::(\w+), "\w+", Disposition::(\w+)\}', (SOURCE / "src/base/outcome.cpp").read_text())
    found: dict[str, list[str]] = {}
    for outcome, disposition in rows:
        found.setdefault(disposition, []).append(outcome)
    return found


def outcome_table(path: Path) -> list[list[str]]:
    """The outcomes of each row of the document's table of outcomes."""
    lines = path.read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if re.match(r"\| (disposition|what is done about it) \| outcomes \|", line))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append(re.findall(r"`([a-z_]+)`", line.split("|")[2]))
    return rows


class Documents(unittest.TestCase):
    def test_links_lead_somewhere(self) -> None:
        for document in DOCUMENTS:
            for target in re.findall(r"\]\(([^)#\s]+)", document.read_text()):
                if "://" not in target:
                    self.assertTrue((document.parent / target).exists(), f"{document.relative_to(SOURCE)}: {target}")

    def test_scripts_that_are_named_exist(self) -> None:
        for document in DOCUMENTS:
            for script in set(re.findall(r"\bscripts/[a-z]+\b", document.read_text())):
                self.assertTrue((SOURCE / script).exists(), f"{document.relative_to(SOURCE)}: {script}")

    def test_outcomes_are_those_of_the_code(self) -> None:
        expected = sorted(dispositions().values())
        self.assertEqual(38, sum(len(row) for row in expected))
        self.assertEqual(expected, sorted(outcome_table(README)))
        self.assertEqual(expected, sorted(outcome_table(DESIGN)))

    def test_floors_are_those_of_the_build(self) -> None:
        floors = re.findall(r"^grit_floor\((\d+) ([^)]*)\)", (SOURCE / "CMakeLists.txt").read_text(), re.MULTILINE)
        expected = {module: number for number, modules in floors for module in modules.split()}
        found: dict[str, str] = {}
        for number, modules in re.findall(r"^\| (\d) \| ((?:`\w+`(?:, )?)+) \|", DESIGN.read_text(), re.MULTILINE):
            found.update({module: number for module in re.findall(r"`(\w+)`", modules)})
        self.assertEqual(expected, found)

    def test_tables_of_the_state_are_those_of_the_code(self) -> None:
        header = (SOURCE / "include/grit/store/tables.hpp").read_text()
        expected = re.findall(r"^// \| (\w+) +\| ", header, re.MULTILINE)[1:]
        self.assertGreater(len(expected), 8)
        section = DESIGN.read_text().split("## On disk")[1].split("\n## ")[0]
        self.assertEqual(expected, re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))

    @built(GRITD)
    def test_configs_are_good(self) -> None:
        configs = blocks(README, "toml")
        self.assertTrue(configs)
        for text in configs:
            with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
                file.write(text)
                file.flush()
                checked = subprocess.run([GRITD, "check-config", "--config", file.name], capture_output=True, text=True)
                self.assertEqual(0, checked.returncode, checked.stderr)

    @built(GRITD, GRITCTL)
    def test_commands_exist(self) -> None:
        commands = []
        for text in blocks(README, "sh"):
            for line in text.splitlines():
                words = shlex.split(line, comments=True)
                if words and words[0] == "gritctl":
                    commands.append(words[1:])
        self.assertGreater(len(commands), 4)
        for words in commands:
            # Parsed as it stands, but against a socket that nobody answers on: 3 is "not running", 2 would be "usage".
            self.assertEqual(["--instance", "grit"], words[:2])
            with tempfile.TemporaryDirectory(prefix="grit-documents-") as folder:
                line = [GRITCTL, "--socket", f"{folder}/none.sock", *words[2:]]
                done = subprocess.run(line, capture_output=True, text=True, cwd=folder)
                self.assertNotEqual(2, done.returncode, f"{words}: {done.stderr}")

    def test_no_word_of_machines(self) -> None:
        for document in DOCUMENTS:
            for word in ("/work/", "/home/", "/root/", "shared/research"):
                self.assertNotIn(word, document.read_text(), document.name)


class DurabilityDocument(unittest.TestCase):
    """What docs/durability.md names is there: tests and kill points."""

    def setUp(self) -> None:
        self.text = (SOURCE / "docs" / "durability.md").read_text()

    def test_tests_exist(self) -> None:
        existing = set()
        for path in (SOURCE / "tests" / "fault").glob("test_*.py"):
            for name, body in re.findall(r"^class (\w+)\(.*?\):\n(.*?)(?=^class |\Z)", path.read_text(), re.MULTILINE | re.DOTALL):
                existing.update(f"{name}.{test}" for test in re.findall(r"^    def (test_\w+)", body, re.MULTILINE))
        for path in (SOURCE / "tests" / "unit").rglob("*.cpp"):
            existing.update(".".join(test) for test in re.findall(r"\bTEST(?:_[FP])?\(\s*(\w+),\s*(\w+)\)", path.read_text()))
        named = set(re.findall(r"`([A-Z]\w+\.\w+)`", self.text))
        self.assertGreater(len(named), 15)
        self.assertEqual(set(), named - existing)

    def test_kill_points_exist_and_none_is_left_out(self) -> None:
        existing = set()
        for path in (SOURCE / "src").rglob("*.cpp"):
            existing.update(re.findall(r'\bkill_point\("([a-z_.0-9]+)"\)', path.read_text()))
        parts = "|".join({name.split(".")[0] for name in existing})
        named = set(re.findall(rf"`((?:{parts})\.[a-z_]+)`", self.text)) - {"state.closed"}
        self.assertGreater(len(named), 35)
        self.assertEqual(existing, named)

    def test_the_promise_comes_first(self) -> None:
        promise = (
            "an image that is recorded is on disk, whole and with the recorded digest; an annotation that was read is stored, "
            "settled or still in the frontier; nothing stored is fetched again; manners survive every restart."
        )
        self.assertIn(promise, " ".join(self.text.split("\n\n")[1].split()).lower())


@built(GRITD, GRITCTL, TESTWEB)
class MapFromPython(unittest.TestCase):
    """The README's way to read the map, as it stands, beside a running daemon."""

    def test_reads_what_the_daemon_stored(self) -> None:
        try:
            import lmdb  # noqa: F401
        except ImportError:
            self.skipTest("python3-lmdb is missing")
        long_url = "http://one.test/" + "l" * 600 + ".jpg"
        urls = ["http://one.test/a.jpg", "https://two.test/b.png?c=d&e", long_url]
        with tempfile.TemporaryDirectory(prefix="grit-documents-") as folder:
            annotations = Path(folder) / "annotations.jsonl"
            annotations.write_text("".join(json.dumps({"url": url}) + "\n" for url in urls))
            with Web(Path(folder) / "web", program=TESTWEB, stop_after_s=120) as web:
                config = config_for(web, folder, [annotations], metrics={"listen": ""})
                with Daemon(folder, config, GRITD, GRITCTL) as daemon:
                    daemon.start(once=False)
                    self.wait_until_stored(daemon, len(urls))
                    paths = self.run_snippet(daemon.state_dir, [*urls, "http://one.test/never-heard-of.jpg"])
                    self.assertTrue(daemon.running())
                    self.assertIsNone(paths.pop())
                    for url, path in zip(urls, paths):
                        expected, size = web.expected([url.split("://")[1]])[url.split("://")[1]]
                        self.assertEqual(size, (daemon.root / path).stat().st_size, url)
                        self.assertRegex(path, r"^\d{5}/\d{9}\.(jpg|png)$")

    def wait_until_stored(self, daemon: Daemon, images: int) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until and daemon.running():
            done = daemon.ctl("status", "--json")
            if done.returncode == 0 and json.loads(done.stdout)["outcomes"].get("stored") == images:
                return
            time.sleep(0.05)
        self.fail(f"not stored in time: {daemon.log_text()}")

    def run_snippet(self, state: Path, urls: list[str]) -> list[str | None]:
        (snippet,) = blocks(README, "python")
        self.assertIn('"/var/lib/gritd/grit"', snippet)
        program = snippet.replace('"/var/lib/gritd/grit"', repr(str(state)))
        program += f"\nimport json\nprint(json.dumps([path_of(url) for url in {urls!r}]))\n"
        done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=60)
        self.assertEqual(0, done.returncode, done.stderr)
        first, answer = done.stdout.splitlines()
        self.assertEqual("None", first)  # the README's own example
        return json.loads(answer)


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=1))
