"""What may be on a disk after a power cut, computed from a log of what was asked of it (disk_log).

Everything synced is there. Of the rest, any part, by lot: bytes of a file in any order, torn anywhere (those of LMDB at sectors of
512 bytes, as its design asks of a disk); names (new, moved, removed) in any order, but each wholly or not at all; a name
without its bytes, bytes without their name. A sync covers what had returned before it began. fsync and fdatasync cover
one file's bytes, or the names in one folder; syncfs covers the volume; a write with O_DSYNC covers itself. A sync that failed covers
nothing, and the kernel may have thrown away for good what it was about: half of that is never written, whatever sync works later.
"""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

from .disk_log import Call

SECTOR = 512


@dataclass(eq=False)
class File:
    """Bytes, wherever they are named."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, int, bytes | None]] = field(default_factory=list)  # (number, offset, bytes); None: cut to that size


FOLDER = "folder"
Mutation = Callable[[Call, int], bool]
Names = dict[str, "File | str | None"]  # None: no such name


def apply(content: bytearray, offset: int, data: bytes | None) -> None:
    size = offset if data is None else offset + len(data)
    if data is None:
        del content[size:]
    if len(content) < size:
        content.extend(bytes(size - len(content)))
    if data is not None:
        content[offset:size] = data


class Volume:
    """One of the folders, as if it were a file system of its own."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.files: list[File] = []
        self.now: Names = {folder: FOLDER}
        self.durable: Names = {folder: FOLDER}
        self.pending: list[tuple[int, Names]] = []

    def holds(self, path: str) -> bool:
        return path == self.folder or path.startswith(self.folder + "/")


class Disk:
    """Follows the log. @param without which syncs are taken for not done (mutations): (call, how many of its name came before)."""

    def __init__(self, folders: list[str], lot: random.Random, without: Mutation | None = None) -> None:
        self.volumes = [Volume(folder) for folder in folders]
        self._lot = lot
        self._without = without or (lambda call, before: False)
        self._count: Counter[str] = Counter()
        self._number = 0
        self._opened: dict[int, File | str] = {}
        self._syncing: dict[tuple[int, str], int] = {}

    def follow(self, call: Call) -> None:
        self._number += 1
        if call.name == "begin":
            self._opened.clear()
        elif call.name == "syncing":
            self._syncing[call.descriptor, call.path] = self._number
        elif call.name == "syncfail":
            self._lose(call, self._syncing.pop((call.descriptor, call.path), self._number))
        elif call.error == 0:
            getattr(self, "_" + call.name)(call)

    # Files ------------------------------------------------------------------------------------------------------------

    def _volume(self, path: str) -> Volume:
        return next(volume for volume in self.volumes if volume.holds(path))

    def _create(self, call: Call) -> None:
        file = File()
        volume = self._volume(call.path)
        volume.files.append(file)
        self._rename_all(volume, {call.path: file})
        self._opened[call.descriptor] = file

    def _open(self, call: Call) -> None:
        known = self._volume(call.path).now.get(call.path)
        if known is None:
            raise ValueError(f"{call.path} was opened, but who made it is not in the log")
        self._opened[call.descriptor] = call.path if known == FOLDER else known

    def _empty(self, call: Call) -> None:
        self._open(call)
        self._opened[call.descriptor].pending.append((self._number, 0, None))

    def _close(self, call: Call) -> None:
        self._opened.pop(call.descriptor, None)

    def _write(self, call: Call) -> None:
        self._opened[call.descriptor].pending.append((self._number, call.offset, call.data))

    def begin_write(self, call: Call) -> None:
        """The power goes while this one is under way."""
        self._number += 1
        self._write(call)

    def _dwrite(self, call: Call) -> None:
        self._write(call)
        if not self._swallowed(call):
            file = self._opened[call.descriptor]
            apply(file.durable, call.offset, file.pending.pop()[2])

    def _truncate(self, call: Call) -> None:
        self._opened[call.descriptor].pending.append((self._number, call.offset, None))

    # Names ------------------------------------------------------------------------------------------------------------

    def _rename_all(self, volume: Volume, names: Names) -> None:
        volume.now.update(names)
        volume.pending.append((self._number, names))

    def _rename(self, call: Call) -> None:
        volume = self._volume(call.path)
        what = volume.now[call.path]
        assert what != FOLDER, "folders are not renamed"
        self._rename_all(volume, {call.path: None, call.other: what})

    def _link(self, call: Call) -> None:
        volume = self._volume(call.path)
        self._rename_all(volume, {call.other: volume.now[call.path]})

    def _unlink(self, call: Call) -> None:
        self._rename_all(self._volume(call.path), {call.path: None})

    _rmdir = _unlink

    def _mkdir(self, call: Call) -> None:
        self._rename_all(self._volume(call.path), {call.path: FOLDER})

    def _opendir(self, call: Call) -> None:
        pass

    # Syncs ------------------------------------------------------------------------------------------------------------

    def _sync(self, call: Call) -> None:
        before = self._syncing.pop((call.descriptor, call.path))
        if self._swallowed(call):
            return
        target = self._opened[call.descriptor]
        volume = self._volume(call.path)
        if call.name == "syncfs":
            for file in volume.files:
                self._settle(file, before)
            self._settle_names(volume, before, None)
        elif isinstance(target, File):
            self._settle(target, before)
        else:
            self._settle_names(volume, before, target)

    _fsync = _fdatasync = _syncfs = _sync

    def _swallowed(self, call: Call) -> bool:
        self._count[call.name] += 1
        return self._without(call, self._count[call.name] - 1)

    @staticmethod
    def _settle(file: File, before: int) -> None:
        for number, offset, data in file.pending:
            if number < before:
                apply(file.durable, offset, data)
        file.pending = [one for one in file.pending if one[0] >= before]

    @staticmethod
    def _settle_names(volume: Volume, before: int, folder: str | None) -> None:
        left = []
        for number, names in volume.pending:
            if number < before and (folder is None or any(os.path.dirname(path) == folder for path in names)):
                volume.durable.update(names)
            else:
                left.append((number, names))
        volume.pending = left

    def _lose(self, call: Call, before: int) -> None:
        target = self._opened.get(call.descriptor)
        files = self._volume(call.path).files if call.other == "syncfs" else [target] if isinstance(target, File) else []
        for file in files:
            file.pending = [one for one in file.pending if one[0] >= before or self._lot.random() < 0.5]

    # The cut ----------------------------------------------------------------------------------------------------------

    def cut(self) -> dict[str, bytes | None]:
        """{path: bytes, or None for a folder} of what is found when the power is back."""
        found: dict[str, bytes | None] = {}
        for volume in self.volumes:
            names = dict(volume.durable)
            for change in self._some([names for _, names in volume.pending]):
                names.update(change)
            for path in sorted(path for path, what in names.items() if what is not None):
                if path != volume.folder and found.get(os.path.dirname(path), b"") is not None:
                    continue  # its folder is not there
                what = names[path]
                found[path] = None if what == FOLDER else self._bytes(what, os.path.basename(path))
        return found

    def _some(self, changes: list) -> list:
        how = self._lot.choice(("none", "all", "first", "any"))
        if how == "first":
            return changes[: self._lot.randrange(len(changes) + 1)]
        return [change for change in changes if how == "all" or (how == "any" and self._lot.random() < 0.5)]

    def _bytes(self, file: File, name: str) -> bytes:
        content = bytearray(file.durable)
        grain = SECTOR if name == "data.mdb" else 1
        for _, offset, data in self._some(file.pending):
            if data and self._lot.random() < 0.3:
                data = data[: self._lot.randrange(len(data) + 1) // grain * grain]
            apply(content, offset, data)
        return bytes(content)


def tree_after(calls: list[Call], position: int, folders: list[str], lot: random.Random, without: Mutation | None = None) -> dict[str, bytes | None]:
    """What is found after a cut behind the first `position` calls; the next one, if it is a write, may have begun."""
    disk = Disk(folders, lot, without)
    for call in calls[:position]:
        disk.follow(call)
    if position < len(calls) and calls[position].name in ("write", "dwrite") and calls[position].error == 0:
        disk.begin_write(calls[position])
    return disk.cut()


def put_on_disk(tree: dict[str, bytes | None], folders: list[str]) -> None:
    """Makes the folders be what the tree says, and nothing else."""
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    for path, content in tree.items():
        if content is None:
            Path(path).mkdir()
        else:
            Path(path).write_bytes(content)


# The headers of LMDB 0.9 on a 64-bit machine: the first two pages, each with the number of its transaction (mdb.c, MDB_meta).
PAGE = 4096
TRANSACTION = 144


def committed(calls: list[Call], file: str) -> int:
    """The last transaction of this file that was reported as committed: its header was written, and nothing failed."""
    last = 0
    for call, after in zip(calls, calls[1:] + [None]):
        page = call.offset // PAGE
        at = page * PAGE + TRANSACTION - call.offset
        is_header = call.name in ("write", "dwrite") and call.error == 0 and page < 2 and 0 <= at < len(call.data) < PAGE
        if is_header and call.path == file and not (after and after.name == "syncfail"):
            last = max(last, int.from_bytes(call.data[at : at + 8], "little"))
    return last


def newest_transaction(tree: dict[str, bytes | None], file: str) -> int:
    content = tree.get(file) or b""
    return max(int.from_bytes(content[at : at + 8], "little") for at in (TRANSACTION, PAGE + TRANSACTION))
