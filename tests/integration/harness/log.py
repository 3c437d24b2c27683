"""Reads requests.jsonl of grit-testweb (tests/web/README.md explains its fields)."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

MS = 1_000_000  # nanoseconds
S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Request:
    """One line of the log. Times are nanoseconds since 1970 of one wall clock."""

    t_ns: int
    end_ns: int
    host: str
    path: str
    lag_ns: int = 0
    conn: int = 0
    address: str = ""  # that was dialled
    scheme: str = "https"
    method: str = "GET"
    status: int = 200
    bytes: int = 0
    complete: bool = True
    sha256: str | None = None
    retry_after: str | None = None
    location: str | None = None
    rule: str | None = None
    user_agent: str = ""
    resumed: bool = False

    @property
    def is_robots(self) -> bool:
        return self.path == "/robots.txt"

    @property
    def is_tdmrep(self) -> bool:
        return self.path == "/.well-known/tdmrep.json"

    @property
    def is_site_file(self) -> bool:
        """The site speaks of itself."""
        return self.is_robots or self.is_tdmrep

    @property
    def served_image(self) -> bool:
        """The URL's whole image went out."""
        return self.status == 200 and self.complete and self.sha256 is not None and self.method == "GET"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}{self.path} [{self.status}] at {self.t_ns / S:.6f}"


# The same few texts stand in millions of lines.
REPEATED = ("host", "scheme", "address", "method", "rule", "user_agent")


def parse_line(line: str) -> Request:
    fields = json.loads(line)
    for name in REPEATED:
        if fields.get(name):
            fields[name] = sys.intern(fields[name])
    return Request(**fields)


def read_log(path: str | Path) -> list[Request]:
    """All requests by arrival. A last line without its line end is a bug of the web and raises."""
    with open(path, encoding="ascii") as file:
        requests = [parse_line(line) for line in file]
    return sorted(requests, key=lambda request: request.t_ns)
