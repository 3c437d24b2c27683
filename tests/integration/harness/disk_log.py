"""Reads the log of tests/fault/interposed: what a process asked of the disk, in order, with what it wrote."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Call:
    """One call that has returned (`syncing` and `begin`: that begins).

    `name` is the call's own, but: `create`, `empty`, `open` (of a new file, one that is cut to nothing, any other), `write`
    and `dwrite` (O_DSYNC) of whatever form, `truncate`, `syncfail` of a sync that failed, `begin` of a process.
    """

    name: str
    descriptor: int
    result: int
    error: int  # errno; 0: it worked
    fault: bool  # made to fail by us
    offset: int  # of a write; the size of a truncate; the flags of an open
    path: str
    other: str  # of a rename: where to; of a sync: which
    data: bytes


def read_disk_log(path: str | Path) -> list[Call]:
    """What a killed process was about to write at the end is left out."""
    text = Path(path).read_bytes()
    calls: list[Call] = []
    place = 0
    while (end := text.find(b"\n", place)) >= 0:
        name, descriptor, result, error, fault, offset, size, where, other = text[place:end].decode().split("\t")
        place = end + 1
        data = text[place : place + int(size)]
        if size != "0":
            if place + int(size) >= len(text):
                break
            place += int(size) + 1
        calls.append(Call(name, int(descriptor), int(result), int(error), fault == "1", int(offset), where, other, data))
    return calls
