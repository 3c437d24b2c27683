"""Judges politeness from what the web saw: run as `python3 -m harness.judge DIR/requests.jsonl [...]`.

What is held against a client, per host (by its canonical name, found here anew: whatever the spelling, the scheme and
the port, robots.txt included):

- more than `per_host` requests open at once. The web's interval of a request lies inside the client's (its `end_ns` is
  taken before the last bytes are sent), so no tolerance is needed;
- a start closer to the one before than `min_interval` less `tolerance`. Arrival times are the kernel's, in its ticks:
  only uncertainty about the *earlier* request makes a gap look too short, and the web logs how much that is (`lag_ns`),
  which is taken off. What remains is the way through loopback and the client's own scheduling between taking a permit
  and writing: 10 ms bound it on a 2-core machine under full load;
- a start before the time its last whole 429 or 503 with a Retry-After named. A request that arrives within `crossing`
  of that answer may have been on its way already, and is only counted;
- with `robots_first`: a request to an origin before its robots.txt was answered (a 5xx, a 429 and a broken answer are none);
  a path that the last answer forbids, or a gap shorter than its Crawl-delay, as far as `robots` has the text of the web's
  rule that gave it (for a rule that redirects: the text that it leads to); a robots.txt that is asked for again after an
  answer in the same life of the client.

And with `per_domain` and `per_address`: requests open at once to a registrable domain and to a dialled address.

With kill instants: requests that were open then end there (`cut_by_kills`), and what an answer said less than `persist` before
a kill may be forgotten; such cases are counted by kind (`exempt`), not as violations. A clean stop excuses nothing. The least
interval has no exemption: who does not know what was asked last has to wait as if it had been just now.
"""

from __future__ import annotations

import argparse
import bisect
import email.utils
import functools
import json
import re
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import Callable, Iterable

from .classes import HostClass, class_of
from .judge_robots import Answers, judge_delays, judge_paths, judge_repeats, origin_of
from .log import MS, S, Request, read_log
from .urls import canonical_host

DAY_NS = 24 * 3600 * S


@dataclass
class Rules:
    per_host: int = 2
    min_interval_ms: float = 100
    tolerance_ms: float = 10
    crossing_ms: float = 10
    per_domain: int | None = None  # by the last two labels: right for .test and .example, the names tests use
    per_address: int | None = None
    classes: tuple[HostClass, ...] = ()  # what holds for hosts by how their names end
    robots_first: bool = False
    ports: int = 1  # of a host and scheme: each has a robots.txt of its own, and the log does not tell them apart
    robots: dict[str, str] = field(default_factory=dict)  # by the name of the web's rule
    kills_ns: list[int] = field(default_factory=list)  # when the process was seen dead
    stops_ns: list[int] = field(default_factory=list)  # when it had ended by itself
    persist_ms: float = 1000  # how old a fact has to be to survive a kill

    def kill_within(self, first_ns: int, last_ns: int) -> bool:
        """`kills_ns` is in order by then."""
        at = bisect.bisect_left(self.kills_ns, first_ns)
        return at < len(self.kills_ns) and self.kills_ns[at] <= last_ns

    def of(self, host: str) -> Rules:
        """Those of one host."""
        own = class_of(host, self.classes)
        if own is None:
            return self
        interval_ms = self.min_interval_ms if own.min_interval_ms is None else own.min_interval_ms
        return replace(self, per_host=own.per_host or self.per_host, min_interval_ms=interval_ms)


@dataclass
class Violation:
    kind: str
    group: str
    what: str


@dataclass
class Report:
    requests: int = 0
    hosts: int = 0
    peak_open: int = 0  # of all hosts together
    peak_open_per_host: int = 0
    peak_open_per_domain: int = 0  # only if it was judged; so with addresses
    peak_open_per_address: int = 0
    smallest_gap_ms: float | None = None  # between starts at one host, lag taken off
    retry_afters: int = 0
    unreadable_retry_afters: int = 0
    crossed: int = 0
    delayed: int = 0  # gaps that a Crawl-delay bound
    robots_answers: int = 0
    kills: int = 0
    cut_by_kills: int = 0
    exempt: Counter[str] = field(default_factory=Counter)
    worst_lag_ms: float = 0
    blurred: int = 0  # requests whose lag was above the tolerance: where the judge has to be lenient
    violations: list[Violation] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.violations

    @property
    def exemptions(self) -> int:
        return self.exempt.total()

    def accuse(self, kind: str, group: str, what: str) -> None:
        self.violations.append(Violation(kind, group, what))

    def excuse(self, kind: str) -> None:
        self.exempt[kind] += 1

    def to_dict(self) -> dict:
        out = dict(self.__dict__, ok=self.ok, exemptions=self.exemptions, violation_count=len(self.violations))
        out["violations"] = [violation.__dict__ for violation in self.violations[:100]]
        return out


def domain_of(host: str) -> str:
    return host if host.replace(".", "").isdigit() else ".".join(host.split(".")[-2:])


@functools.lru_cache(maxsize=None)
def canonical_name(host: str) -> str:
    return canonical_host(re.sub(r":\d*$", "", host)) or host


def host_of(request: Request) -> str:
    return canonical_name(request.host)


def clip_at_kills(requests: Iterable[Request], rules: Rules, report: Report) -> list[Request]:
    """A dead client has nothing open: what it left ends at its death, whenever the web noticed."""
    clipped = []
    for request in requests:
        at = bisect.bisect_left(rules.kills_ns, request.t_ns - request.lag_ns)
        if at < len(rules.kills_ns) and rules.kills_ns[at] < request.end_ns:
            request = replace(request, end_ns=max(request.t_ns, rules.kills_ns[at]), complete=False)
            report.cut_by_kills += 1
        clipped.append(request)
    return clipped


def group_by(requests: Iterable[Request], key: Callable[[Request], str]) -> dict[str, list[Request]]:
    groups: dict[str, list[Request]] = defaultdict(list)
    for request in requests:
        groups[key(request)].append(request)
    return groups


def open_at_starts(requests: list[Request]) -> list[tuple[Request, int]]:
    """For each request (by arrival), how many are open once it has arrived, itself included."""
    ends: list[int] = []
    result = []
    for request in requests:
        ends = [end for end in ends if end > request.t_ns]
        ends.append(request.end_ns)
        result.append((request, len(ends)))
    return result


def judge_open(group: str, requests: list[Request], limit: int, kind: str, report: Report) -> int:
    peak = 0
    for request, count in open_at_starts(requests):
        peak = max(peak, count)
        if count > limit:
            report.accuse(kind, group, f"{count} open, {limit} allowed: {request}")
    return peak


def judge_gaps(host: str, requests: list[Request], rules: Rules, report: Report) -> None:
    least_ns = (rules.min_interval_ms - rules.tolerance_ms) * MS
    for before, after in zip(requests, requests[1:]):
        gap_ns = after.t_ns - before.t_ns + before.lag_ns
        gap_ms = gap_ns / MS
        if report.smallest_gap_ms is None or gap_ms < report.smallest_gap_ms:
            report.smallest_gap_ms = gap_ms
        if gap_ns >= least_ns:
            continue
        report.accuse("too_soon", host, f"{gap_ms:.3f} ms after the one before: {after}")


def retry_after_until(request: Request) -> int | None:
    """When the host may be asked again, or None if the header can not be read. Capped at a day, as clients do."""
    text = (request.retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return request.end_ns + min(int(text) * S, DAY_NS)
    try:
        until = int(email.utils.parsedate_to_datetime(text).timestamp()) * S
    except (ValueError, TypeError):
        return None
    return min(until, request.end_ns + DAY_NS)


def judge_retry_after(host: str, requests: list[Request], rules: Rules, report: Report) -> None:
    starts = [request.t_ns for request in requests]
    for told in requests:
        if told.status not in (429, 503) or told.retry_after is None or not told.complete:
            continue
        until_ns = retry_after_until(told)
        if until_ns is None:
            report.unreadable_retry_afters += 1
            continue
        report.retry_afters += 1
        last_ns = until_ns - rules.tolerance_ms * MS
        for early in requests[bisect.bisect_right(starts, told.end_ns) :]:
            if early.t_ns >= last_ns:
                break
            if early.t_ns - early.lag_ns <= told.end_ns + rules.crossing_ms * MS:
                report.crossed += 1
            elif rules.kill_within(told.t_ns, min(early.t_ns, int(told.end_ns + rules.persist_ms * MS))):
                report.excuse("retry_after")
            else:
                early_ms = (until_ns - early.t_ns) / MS
                report.accuse(
                    "before_retry_after", host, f"{early_ms:.0f} ms early (Retry-After {told.retry_after}): {early}"
                )


def judge_robots(hosts: dict[str, list[Request]], rules: Rules, report: Report) -> None:
    for host, requests in hosts.items():
        origins = group_by(requests, origin_of)
        answers = {origin: Answers(own, rules.robots) for origin, own in origins.items()}
        for origin, own in origins.items():
            judge_paths(origin, own, answers[origin], report.accuse)
        judge_delays(host, requests, list(answers.values()), rules, report)
    judge_repeats([request for requests in hosts.values() for request in requests], rules, report)


def judge(requests: Iterable[Request], rules: Rules) -> Report:
    """Judges a log. `requests` in any order."""
    rules = replace(rules, kills_ns=sorted(rules.kills_ns))
    report = Report(kills=len(rules.kills_ns))
    requests = sorted(clip_at_kills(requests, rules, report), key=lambda request: request.t_ns)
    report.requests = len(requests)
    report.worst_lag_ms = max((request.lag_ns for request in requests), default=0) / MS
    report.blurred = sum(request.lag_ns > rules.tolerance_ms * MS for request in requests)
    report.peak_open = peak_of(requests)
    hosts = group_by(requests, host_of)
    report.hosts = len(hosts)
    for host, own in hosts.items():
        its = rules.of(host)
        peak = judge_open(host, own, its.per_host, "too_many_open", report)
        report.peak_open_per_host = max(report.peak_open_per_host, peak)
        judge_gaps(host, own, its, report)
        judge_retry_after(host, own, rules, report)
    if rules.per_domain is not None:
        for domain, own in group_by(requests, lambda request: domain_of(host_of(request))).items():
            peak = judge_open(domain, own, rules.per_domain, "too_many_open_in_domain", report)
            report.peak_open_per_domain = max(report.peak_open_per_domain, peak)
    if rules.per_address is not None:
        for address, own in group_by(requests, lambda request: request.address).items():
            peak = judge_open(address, own, rules.per_address, "too_many_open_at_address", report)
            report.peak_open_per_address = max(report.peak_open_per_address, peak)
    if rules.robots_first:
        judge_robots(hosts, rules, report)
    return report


def peak_of(requests: list[Request]) -> int:
    events = sorted([(r.t_ns, 1) for r in requests] + [(r.end_ns, -1) for r in requests])  # ends before starts
    peak = count = 0
    for _, change in events:
        count += change
        peak = max(peak, count)
    return peak


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="judge", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("log", help="requests.jsonl")
    parser.add_argument("--per-host", type=int, default=Rules.per_host)
    parser.add_argument("--per-domain", type=int)
    parser.add_argument("--per-address", type=int)
    parser.add_argument("--min-interval-ms", type=float, default=Rules.min_interval_ms)
    parser.add_argument("--tolerance-ms", type=float, default=Rules.tolerance_ms)
    parser.add_argument("--crossing-ms", type=float, default=Rules.crossing_ms)
    parser.add_argument("--persist-ms", type=float, default=Rules.persist_ms)
    parser.add_argument("--kill-ns", type=int, action="append", default=[], help="an instant of kill -9 (repeatable)")
    parser.add_argument("--stop-ns", type=int, action="append", default=[], help="an instant of a clean end (repeatable)")
    parser.add_argument("--robots-first", action="store_true")
    options = vars(parser.parse_args(arguments))
    log = options.pop("log")
    report = judge(read_log(log), Rules(kills_ns=options.pop("kill_ns"), stops_ns=options.pop("stop_ns"), **options))
    json.dump(report.to_dict(), sys.stdout, indent=2)
    print()
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
