"""Classes of hosts, read and looked up anew from the rules (not by the daemon's code)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

SHIPPED = Path(__file__).resolve().parents[3] / "config" / "cdn_classes.toml"
UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000}


@dataclass(frozen=True)
class HostClass:
    """What a class says; None is "as any other host"."""

    name: str
    suffixes: tuple[str, ...]
    per_host: int | None = None
    min_interval_ms: float | None = None


def milliseconds(text: str) -> float:
    number = text.rstrip("ms")
    return float(number) * UNITS_MS[text[len(number) :]]


def host_class(table: dict) -> HostClass:
    """@param table  one [[politeness.class]]."""
    interval = table.get("min_interval")
    return HostClass(
        table["name"],
        tuple(table["suffixes"]),
        table.get("connections_per_host"),
        milliseconds(interval) if interval else None,
    )


def shipped() -> tuple[HostClass, ...]:
    """Those that gritd comes with."""
    return tuple(host_class(table) for table in tomllib.loads(SHIPPED.read_text())["politeness"]["class"])


def class_of(host: str, classes: tuple[HostClass, ...]) -> HostClass | None:
    """The class with the longest suffix, at a dot."""
    best: tuple[int, HostClass] | None = None
    for candidate in classes:
        for suffix in candidate.suffixes:
            if host == suffix or host.endswith("." + suffix):
                if best is None or len(suffix) > best[0]:
                    best = len(suffix), candidate
    return best[1] if best else None
