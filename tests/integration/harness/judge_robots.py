"""What the judge holds against a client about robots.txt; the rules of each are in `harness.judge`."""

from __future__ import annotations

import bisect
import functools
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Callable, Iterable

from .log import MS, S, Request
from .robots import Robots
from .urls import resolve

if TYPE_CHECKING:
    from .judge import Report, Rules

ROBOTS = "/robots.txt"


def origin_of(request: Request) -> str:
    return f"{request.scheme}://{request.host}"


def is_settled(answer: Request) -> bool:
    """It says what is allowed: RFC 9309 sections 2.3.1.1 to 2.3.1.3. 429 is a wish for time, 5xx is "unreachable"."""
    return answer.complete and (answer.status < 500 and answer.status != 429)


class Answers:
    """The answers to one origin's robots.txt that settled what is allowed, in order of their ends."""

    def __init__(self, requests: Iterable[Request], texts: dict[str, str]) -> None:
        self._settled = sorted((r for r in requests if r.is_robots and is_settled(r)), key=lambda r: r.end_ns)
        self._ends = [answer.end_ns for answer in self._settled]
        self._texts = texts

    def before(self, instant_ns: int) -> Request | None:
        """The last one that had ended by then."""
        at = bisect.bisect_right(self._ends, instant_ns)
        return self._settled[at - 1] if at else None

    def rules_of(self, answer: Request) -> Robots | None:
        """Nothing: all is allowed, or it is not known what its text was."""
        text = self._texts.get(answer.rule or "") if answer.status < 400 else None
        return read(text) if text is not None else None

    def delay_s(self, instant_ns: int) -> float:
        answer = self.before(instant_ns)
        rules = self.rules_of(answer) if answer else None
        return (rules.delay_s if rules else None) or 0.0


@functools.cache
def read(text: str) -> Robots:
    return Robots(text)


def judge_paths(origin: str, requests: list[Request], answers: Answers, accuse: Callable) -> None:
    """Nothing is asked before robots.txt has been answered, and nothing that it forbids."""
    for request in requests:
        if request.is_robots:
            continue
        answer = answers.before(request.t_ns)
        rules = answers.rules_of(answer) if answer else None
        if answer is None:
            accuse("before_robots", origin, str(request))
        elif rules is not None and not rules.allows(request.path):
            accuse("forbidden", origin, f"by rule {answer.rule}: {request}")


def judge_delays(host: str, requests: list[Request], answers: list[Answers], rules: Rules, report: Report) -> None:
    """Crawl-delay lies between all requests to a host that follow the answer which names it."""
    for before, after in zip(requests, requests[1:]):
        delay_s = max(origin.delay_s(before.t_ns - before.lag_ns) for origin in answers)
        if not delay_s:
            continue
        report.delayed += 1
        gap_ns = after.t_ns - before.t_ns + before.lag_ns
        if gap_ns >= delay_s * S - rules.tolerance_ms * MS:
            continue
        if rules.kill_within(before.t_ns - before.lag_ns, min(after.t_ns, int(before.t_ns + rules.persist_ms * MS))):
            report.excuse("crawl_delay")
        else:
            what = f"{gap_ns / MS:.0f} ms after the one before, {delay_s} s asked for: {after}"
            report.accuse("before_crawl_delay", host, what)


def robots_target(answer: Request) -> str | None:
    """The origin to whose robots.txt the answer redirects."""
    if answer.location is None or not 300 <= answer.status < 400:
        return None
    target = resolve((answer.scheme, answer.host, answer.path), answer.location)
    return "{}://{}".format(*target) if target is not None and target[2] == ROBOTS else None


def judge_repeats(requests: list[Request], rules: Rules, report: Report) -> None:
    """In one life of the client one settled answer per robots.txt is enough; each redirect to it allows one more.

    A redirect whose target did not answer settles nothing. Of which one that was, the log does not tell: so many may be asked
    again as redirects to that target lack an answer there, and one, since the target has an answer on its own account."""
    ends_ns = sorted(rules.kills_ns + rules.stops_ns)
    settled: dict[tuple[str, int], list[Request]] = defaultdict(list)
    led: Counter[tuple[str, int]] = Counter()
    for request in requests:
        if request.is_robots and is_settled(request):
            life = bisect.bisect_left(ends_ns, request.t_ns)
            settled[origin_of(request), life].append(request)
            if target := robots_target(request):
                led[target, life] += 1
    excused = {key: max(0, count - len(settled.get(key, ())) + 1) for key, count in led.items()}
    for (origin, life), answers in settled.items():
        report.robots_answers += len(answers)
        again = max(0, len(answers) - rules.ports - led[origin, life])
        for answer in answers[:-1]:
            target = (robots_target(answer), life)
            if again > 0 and excused.get(target, 0) > 0:
                excused[target] -= 1
                again -= 1
        if again > 0:
            what = f"{again} times more in life {life}, {led[origin, life]} redirects led to it"
            report.accuse("robots_again", origin, what)
