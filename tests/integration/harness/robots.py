"""robots.txt as RFC 9309 has it, written anew from the standard (not from the daemon's code): for judges.

Covers what the rules of tests contain; hostile files are not its business."""

from __future__ import annotations

import functools
import re
import urllib.parse
from dataclasses import dataclass, field


@dataclass
class Group:
    rules: list[tuple[bool, str]] = field(default_factory=list)  # (allow, path pattern)
    delay_s: float | None = None


class Robots:
    """What one robots.txt says to one product token."""

    def __init__(self, text: str, token: str = "gritd") -> None:
        ours, everybody, named = Group(), Group(), False
        current: list[Group] = []
        in_rules = False
        for line in re.split("\r\n|\r|\n", text):
            key, colon, value = (part.strip() for part in line.partition("#")[0].partition(":"))
            key = key.lower()
            if key == "user-agent":
                current = [] if in_rules else current
                in_rules = False
                agent = re.match(r"[\w-]*", value, re.ASCII)[0].lower()
                named |= agent == token.lower()
                current += [ours] * (agent == token.lower()) + [everybody] * (value == "*")
            elif key in ("allow", "disallow"):
                in_rules = True
                for group in current:
                    group.rules += [(key == "allow", value)] if value else []
            elif key == "crawl-delay":
                for group in current:
                    group.delay_s = max(group.delay_s or 0.0, float(value))
        self._group = ours if named else everybody

    @property
    def delay_s(self) -> float | None:
        return self._group.delay_s

    def allows(self, target: str) -> bool:
        if target == "/robots.txt":
            return True
        target = urllib.parse.unquote(target)
        matches = [(len(path), allow) for allow, path in self._group.rules if _pattern(path).match(target)]
        return max(matches)[1] if matches else True  # the longest; "allow" where two are equally long


@functools.cache
def _pattern(path: str) -> re.Pattern:
    parts = urllib.parse.unquote(path.removesuffix("$")).split("*")
    return re.compile(".*".join(map(re.escape, parts)) + ("$" if path.endswith("$") else ""), re.DOTALL)
