#!/usr/bin/python3
"""The rules of the house that a compiler does not check, on the sources as they are (docs/design.md, "Code").

Each rule is a function from a tree to a list of complaints; each is tried on a small tree that breaks it, too."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import unittest
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(os.environ.get("GRIT_SOURCE") or Path(__file__).resolve().parents[2])
MOST_LINES = 600
OURS = ("include", "src", "daemon")

_COMMENT_OR_TEXT = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])'", re.DOTALL)


def code_of(text: str) -> str:
    """Without comments and string literals; the number of lines stays."""
    return _COMMENT_OR_TEXT.sub(lambda match: "\n" * match.group().count("\n"), text)


def files_of(top: Path) -> Iterator[Path]:
    for folder in OURS:
        yield from sorted(path for path in (top / folder).rglob("*") if path.suffix in (".cpp", ".hpp"))


def floors_of(top: Path) -> dict[str, int]:
    """{module: floor} as the top CMakeLists.txt has them."""
    floors = {}
    for number, modules in re.findall(r"^grit_floor\((\d+) ([^)]*)\)", (top / "CMakeLists.txt").read_text(), re.MULTILINE):
        floors.update({module: int(number) for module in modules.split()})
    return floors


def module_of(top: Path, path: Path) -> str | None:
    """Of include/grit/<module>/... and src/<module>/...; None for daemon/, which stands above all floors."""
    parts = path.relative_to(top).parts
    if parts[:2] == ("include", "grit"):
        return parts[2]
    return parts[1] if parts[0] == "src" else None


def upward_includes(top: Path) -> list[str]:
    """A file includes only what is of its own module or of a lower floor."""
    floors = floors_of(top)
    complaints = []
    for path in files_of(top):
        module = module_of(top, path)
        if module is None:
            continue
        place = path.relative_to(top)
        if module not in floors:
            complaints.append(f"{place}: '{module}' has no floor in the top CMakeLists.txt")
            continue
        for line, text in enumerate(path.read_text().splitlines(), 1):
            included = re.match(r'\s*#\s*include\s*[<"]grit/([a-z_]+)/', text)
            if not included or included[1] == module:
                continue
            if included[1] not in floors:
                complaints.append(f"{place}:{line}: includes '{included[1]}', which is no module")
            elif floors[included[1]] >= floors[module]:
                complaints.append(
                    f"{place}:{line}: '{module}' (floor {floors[module]}) includes '{included[1]}' (floor {floors[included[1]]})"
                )
    return complaints


def detached_coroutines(top: Path) -> list[str]:
    """A coroutine that nobody joins is begun only inside TaskGroup, which joins it."""
    home = Path("src/async/task_group.cpp")
    complaints = []
    for path in files_of(top):
        place = path.relative_to(top)
        if place == home:
            continue
        for line, text in enumerate(code_of(path.read_text()).splitlines(), 1):
            if re.search(r"\bdetach(ed)?\b", text) and not text.lstrip().startswith("#"):
                complaints.append(f"{place}:{line}: only {home} may detach")
    return complaints


def long_files(top: Path) -> list[str]:
    lengths = ((path, path.read_text().count("\n")) for path in files_of(top))
    return [f"{path.relative_to(top)}: {lines} lines, more than {MOST_LINES}" for path, lines in lengths if lines > MOST_LINES]


class House(unittest.TestCase):
    def test_includes_go_down(self) -> None:
        self.assertEqual([], upward_includes(SOURCE))

    def test_only_task_group_detaches(self) -> None:
        self.assertEqual([], detached_coroutines(SOURCE))

    def test_no_file_is_too_long(self) -> None:
        self.assertEqual([], long_files(SOURCE))

    def test_the_sources_were_found(self) -> None:
        self.assertGreater(len(list(files_of(SOURCE))), 100)
        self.assertEqual(0, floors_of(SOURCE)["base"])


class RulesFindWhatBreaksThem(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="grit-house-")
        self.addCleanup(scratch.cleanup)
        self.top = Path(scratch.name)
        self.write("CMakeLists.txt", "grit_floor(0 base)\ngrit_floor(2 url robots)\ngrit_floor(3 net)\n")

    def write(self, place: str, text: str) -> None:
        path = self.top / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def test_down_and_within_is_fine(self) -> None:
        self.write("src/net/a.cpp", '#include "grit/net/a.hpp"\n#include "grit/url/u.hpp"\n#include <vector>\n')
        self.write("daemon/app.cpp", '#include "grit/net/a.hpp"\n')
        self.assertEqual([], upward_includes(self.top))

    def test_up_is_found(self) -> None:
        self.write("src/url/a.cpp", '#include "grit/url/u.hpp"\n#include "grit/net/a.hpp"\n')
        self.assertEqual(["src/url/a.cpp:2: 'url' (floor 2) includes 'net' (floor 3)"], upward_includes(self.top))

    def test_sideways_is_found(self) -> None:
        self.write("include/grit/url/a.hpp", '#include "grit/robots/rules.hpp"\n')
        self.assertEqual(1, len(upward_includes(self.top)))

    def test_no_module_is_found(self) -> None:
        self.write("src/url/a.cpp", '#include "grit/nowhere/a.hpp"\n')
        self.write("src/attic/a.cpp", "\n")
        self.assertEqual(2, len(upward_includes(self.top)))

    def test_detached_is_found_in_code_alone(self) -> None:
        self.write("src/net/a.cpp", '// not detached\nconst char* text = "detached";\nco_spawn(io, run(), asio::detached);\n')
        self.write("src/net/b.cpp", "std::thread(f).detach();\n")
        self.write("src/async/task_group.cpp", "co_spawn(io, run(), asio::detached);\n")
        self.assertEqual(
            ["src/net/a.cpp:3: only src/async/task_group.cpp may detach", "src/net/b.cpp:1: only src/async/task_group.cpp may detach"],
            detached_coroutines(self.top),
        )

    def test_long_files_are_found(self) -> None:
        self.write("src/net/a.cpp", "\n" * MOST_LINES)
        self.assertEqual([], long_files(self.top))
        self.write("src/net/a.cpp", "\n" * (MOST_LINES + 1))
        self.assertEqual(1, len(long_files(self.top)))


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=1))
