"""Holds against a log of calls (disk_log) that no byte of a failed sync was ever believed to be on the disk."""

from __future__ import annotations

import os
from collections import defaultdict

from .disk_log import Call

SYNCED, WRITTEN, LOST = 0, 1, 2
LOSING = bytes((SYNCED, LOST, LOST)).ljust(256)  # what a sync that fails makes of each byte's state
KEEPING = bytes((SYNCED, SYNCED, LOST)).ljust(256)  # and one that works


class Belief:
    """What became of each byte below a folder: synced, only written, or lost: written before a sync that failed, and not since.

    A temporary with lost bytes is never published, a shard with lost bytes never synced as if they were there, and in the end none
    has any: each was cut off, removed, or written once more. Problems are gathered in words.
    """

    def __init__(self, folder: str) -> None:
        self.problems: list[str] = []
        self._folder = folder
        self._files: defaultdict[str, bytearray] = defaultdict(bytearray)

    def follow(self, calls: list[Call]) -> list[str]:
        """@return the problems."""
        for call in calls:
            if call.path.startswith(self._folder):
                self._follow(call)
        self.problems += [f"in the end {self._short(path)} has lost bytes" for path in self._files if self._is_image(path) and self._lost(path)]
        return self.problems

    def _follow(self, call: Call) -> None:
        if call.name == "syncfail":
            self._each_of(call, LOSING)
        elif call.error != 0:
            return
        elif call.name in ("create", "empty"):
            self._files[call.path] = bytearray()
        elif call.name == "write":
            state = self._files[call.path]
            state.extend(bytes(max(0, call.offset + call.result - len(state))))
            state[call.offset : call.offset + call.result] = bytes([WRITTEN]) * call.result
        elif call.name == "truncate":
            del self._files[call.path][call.offset :]
        elif call.name == "unlink":
            self._files.pop(call.path, None)
        elif call.name == "rename":
            if self._lost(call.path):
                self.problems.append(f"{self._short(call.path)} was published after its sync had failed")
            self._files[call.other] = self._files.pop(call.path, bytearray())
        elif call.name in ("fsync", "fdatasync", "syncfs"):
            self._each_of(call, KEEPING)

    def _each_of(self, call: Call, becomes: bytes) -> None:
        """@param call a sync: of the volume, of which nobody concludes anything for a shard, or of one file."""
        if "syncfs" not in (call.name, call.other):
            if becomes is KEEPING and call.path.endswith(".tar") and self._lost(call.path):
                self.problems.append(f"{self._short(call.path)} was synced again with lost bytes in it")
            paths = [call.path]
        else:
            paths = list(self._files)
        for path in paths:
            self._files[path] = self._files[path].translate(becomes)

    def _lost(self, path: str) -> bool:
        return LOST in self._files.get(path, b"")

    def _is_image(self, path: str) -> bool:
        return self._short(path)[:1].isdigit() and not path.endswith(".idx")

    def _short(self, path: str) -> str:
        return os.path.relpath(path, self._folder)
