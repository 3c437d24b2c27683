"""What a killed crawl fetched again, and whether it may have.

A result waits for the commit under way (C), then for the next one to begin (every 200 ms, looked at every 25 ms), then for
that one (C). So a picture that was served whole more than W = 225 ms + 2 C before a kill is on record, and is never asked
for again. C is the longest commit that gritd itself has measured in any of its lives here.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Container, Iterable

from .log import MS, S, Request

COMMIT_INTERVAL_MS = 225
# Between the last byte's way into the web's socket and the result that gritd makes of it, on a machine under load.
HANDOVER_MS = 250

Url = tuple[str, str, str]  # scheme, host, target


def longest_commit_ms(metrics: str) -> float:
    """The bound of the bucket that holds the longest commit, of a page of gritd's metrics."""
    buckets = re.findall(r'^gritd_state_commit_duration_seconds_bucket\{le="([^"]+)"\} (\d+)$', metrics, re.MULTILINE)
    total = int(buckets[-1][1]) if buckets else 0
    return next(float(bound) for bound, count in buckets if int(count) == total) * 1000 if total else 0


@dataclass
class Refetched:
    window_ms: float
    again: int = 0  # whole servings beyond the first
    at_risk: int = 0  # servings that a kill may have lost
    unexcused: list[str] = field(default_factory=list)


def find_refetched(
    requests: Iterable[Request], kills_ns: list[int], longest_ms: float, leave_out: Container[Url] = frozenset()
) -> Refetched:
    """@param leave_out  URLs that may rightly be served more than once: redirects lead to them."""
    found = Refetched(COMMIT_INTERVAL_MS + HANDOVER_MS + 2 * longest_ms)
    window_ns = int(found.window_ms * MS)
    served: dict[Url, list[Request]] = defaultdict(list)
    for request in requests:
        url = (request.scheme, request.host, request.path)
        if request.served_image and url not in leave_out:
            served[url].append(request)
    for url, servings in served.items():
        # A picture may have been on its way when its client died: the web serves it to the end all the same.
        excused = [any(r.t_ns <= kill <= r.end_ns + window_ns for kill in kills_ns) for r in servings]
        found.at_risk += sum(excused)
        found.again += len(servings) - 1
        for first, excuse, again in zip(servings, excused, servings[1:]):
            if not any(first.t_ns <= kill <= again.t_ns for kill in kills_ns):
                found.unexcused.append(f"{url}: twice without a kill between")
            elif not excuse:
                early = min(kill - first.end_ns for kill in kills_ns if kill > first.end_ns) / S
                found.unexcused.append(f"{url}: served {early:.3f} s before a kill, and again")
    return found
