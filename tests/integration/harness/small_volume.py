"""Volumes of a test's own: a tmpfs whose size can be changed, and a folder of one that can be mounted and unmounted."""

from __future__ import annotations

import subprocess
import time
import unittest
from pathlib import Path


def run(*command: object) -> None:
    subprocess.run([str(word) for word in command], check=True, capture_output=True)


class SmallVolume:
    """A tmpfs of a size that can be changed. Skips the test where nothing can be mounted."""

    def __init__(self, case: unittest.TestCase, path: Path, size_mib: int) -> None:
        self.path = path
        path.mkdir()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size_mib}m,mode=0755", "tmpfs", str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        if mounted.returncode != 0:
            case.skipTest(f"a small volume can not be mounted here: {mounted.stderr.strip()}")
        case.addCleanup(subprocess.run, ["umount", "-l", str(path)], check=False)

    def resize(self, size_mib: int) -> None:
        run("mount", "-o", f"remount,size={size_mib}m", self.path)


class MountedFolder:
    """A folder of another volume, mounted where a test says, with what it holds outliving an unmount."""

    def __init__(self, case: unittest.TestCase, held: Path, path: Path) -> None:
        self.held = held
        self.path = path
        held.mkdir(exist_ok=True)
        path.mkdir(exist_ok=True)
        case.addCleanup(subprocess.run, ["umount", "-l", str(path)], check=False, capture_output=True)
        self.mount()

    def mount(self) -> None:
        run("mount", "--bind", self.held, self.path)

    def unmount(self) -> None:
        """Lazily: whoever has a file open there keeps it."""
        run("umount", "-l", self.path)

    def make_read_only(self, limit_s: float = 20) -> None:
        """Refused while a file is open for writing: tried until it is not."""
        until = time.monotonic() + limit_s
        while True:
            try:
                run("mount", "-o", "remount,ro,bind", self.path)
                return
            except subprocess.CalledProcessError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.001)

    def make_writable(self) -> None:
        run("mount", "-o", "remount,rw,bind", self.path)
