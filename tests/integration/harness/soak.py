"""A long crawl of a web with wishes and faults of every kind, under kills: the crawl, and the judgement of it.

Used by bench/soak (ten minutes, thousands of hosts) and, shorter, by test_soak."""

from __future__ import annotations

import itertools
import json
import random
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from . import checker
from .daemon import Daemon, config_for
from .judge import Report, Rules, judge
from .refetched import Refetched, find_refetched, longest_commit_ms
from .web import Web

MIN_INTERVAL_MS = 100
PER_HOST, PER_DOMAIN, PER_ADDRESS = 2, 8, 32
# What gritd sends before it has read the refusal that lies in its socket, on a machine under load. Who does not heed a
# refusal is early for at least a second.
CROSSING_MS = 200
ZIPF = 0.8
DUPLICATES = 0.03
PICTURES = "/*/*.???"  # neither robots.txt nor tdmrep.json

# The texts of robots.txt by the name of the rule that gives them; the judge reads them, too.
ROBOTS = {
    "delay": "User-agent: *\nCrawl-delay: 1\n",
    "part": "User-agent: other\nDisallow: /\n\nUser-agent: GRITD/1.0\nDisallow: /private/\nAllow: /private/*.gif$\n",
    "none": "User-agent: *\nDisallow: /\n",
    "shared_rules": "User-agent: gritd\nDisallow: /private/\n",
    "busy_robots": "User-agent: *\nDisallow: /private/\n",
}
ROBOTS["moved_rules"] = ROBOTS["shared_rules"]

# A host's kind is what its name begins with; first those of single hosts, then faults that befall every host.
RULES = [
    {"name": "no_name", "host": "noname*", "dns": "nxdomain"},
    {"name": "no_server", "host": "noserver*", "dns": "::1"},
    {"name": "expired", "host": "expired*", "certificate": "expired"},
    {"name": "slow_dns", "dns_delay_ms": 200, "fraction": 0.1},
    {"name": "delay", "host": "delay*", "robots": ROBOTS["delay"]},
    {"name": "part", "host": "part*", "robots": ROBOTS["part"]},
    {"name": "none", "host": "none*", "robots": ROBOTS["none"]},
    {"name": "sick", "host": "sick*", "robots": "", "robots_status": 500},
    {"name": "moved_rules", "host": "moved*", "path": "/robots.txt",
     "redirect": {"to": "https://rules.test/robots.txt", "status": 301}},
    {"name": "shared_rules", "host": "rules.test", "robots": ROBOTS["shared_rules"]},
    {"name": "no_time_for_rules", "host": "busyrobots*", "path": "/robots.txt", "status": 503, "retry_after": "2",
     "first_n": 1, "first_n_of": "host"},
    {"name": "busy_robots", "host": "busyrobots*", "robots": ROBOTS["busy_robots"]},
    {"name": "told_seconds", "host": "told*", "path": PICTURES, "status": 429, "retry_after": "2", "first_n": 1,
     "fraction": 0.1, "of": "path"},
    {"name": "told_date", "host": "dated*", "path": PICTURES, "status": 503, "retry_after": "date:+3", "first_n": 1,
     "fraction": 0.1, "of": "path"},
    {"name": "limit_window", "host": "limited*", "rate_limit": {"per_second": 4}, "retry_after": "1"},
    {"name": "limit_bucket", "host": "bucket*", "rate_limit": {"per_second": 5, "burst": 5}, "retry_after": "2"},
    {"name": "slow", "host": "slow*", "delay_ms": 400},
    {"name": "drip", "host": "drip*", "drip": 4000},
    {"name": "moves_away", "host": "moving*", "path": PICTURES, "fraction": 0.3, "of": "path",
     "redirect": {"to": "https://{host}.away.test{path}", "status": 302}},
    {"name": "moves_to_one", "host": "moving*", "path": PICTURES, "fraction": 0.1, "of": "path",
     "redirect": {"to": "https://cdn.away.test{path}?from={host}", "status": 307}},
    {"name": "moves_to_forbidden", "host": "moving*", "path": PICTURES, "fraction": 0.1, "of": "path",
     "redirect": {"to": "https://rules.test/private{path}?from={host}", "status": 302}},
    {"name": "reset_once", "path": PICTURES, "fraction": 0.01, "of": "path", "first_n": 1, "reset": True},
    {"name": "stall_once", "path": PICTURES, "fraction": 0.002, "of": "path", "first_n": 1, "stall": "head"},
    {"name": "cut_once", "path": PICTURES, "fraction": 0.01, "of": "path", "first_n": 1, "truncate": 0.5},
    {"name": "sick_once", "path": PICTURES, "fraction": 0.01, "of": "path", "first_n": 1, "status": 500},
    {"name": "gone", "path": PICTURES, "fraction": 0.03, "of": "path", "status": 404},
    {"name": "noai", "path": PICTURES, "fraction": 0.01, "of": "path", "x_robots_tag": "noai"},
    {"name": "late", "path": PICTURES, "fraction": 0.05, "of": "path", "delay_ms": 150},
    {"name": "closes", "path": PICTURES, "fraction": 0.05, "of": "path", "silent_close": True},
]  # fmt: skip
REFUSING = frozenset({"noai"})

# Shares of the hosts; the rest are "plain".
KINDS = {
    "told": 0.06, "dated": 0.06, "limited": 0.06, "bucket": 0.06, "delay": 0.06, "part": 0.06, "moved": 0.05,
    "busyrobots": 0.04, "none": 0.04, "sick": 0.02, "slow": 0.04, "drip": 0.02, "moving": 0.08, "noname": 0.03,
    "noserver": 0.02, "expired": 0.02,
}  # fmt: skip


def host_names(count: int, lot: random.Random) -> list[str]:
    """A third of them share a domain with up to 29 others; two of three of the rest have a domain of their own."""
    kinds = lot.choices([*KINDS, "plain"], [*KINDS.values(), 1 - sum(KINDS.values())], k=count)
    names = []
    for number, kind in enumerate(kinds):
        if number % 3 == 0:
            domain = f"blogs{number // 90}.test"
        elif number % 9 == 1:
            domain = f"pair{number // 18}.example"
        else:
            domain = f"site{number}.test"
        names.append(f"{kind}{number}.{domain}")
    lot.shuffle(names)
    return names


def write_corpus(path: Path, lines: int, hosts: int, seed: int) -> list[str]:
    """Zipf sizes; a host is asked by https, by http (each fourth) or by both (each tenth). @return the hosts."""
    lot = random.Random(seed)
    names = host_names(hosts, lot)
    weights = list(itertools.accumulate((rank + 1) ** -ZIPF for rank in range(hosts)))
    ranks = list(range(hosts)) + lot.choices(range(hosts), cum_weights=weights, k=max(0, lines - hosts))
    lot.shuffle(ranks)
    with path.open("w") as out:
        url = ""
        for number, rank in enumerate(ranks):
            if not url or lot.random() >= DUPLICATES:
                plain = rank % 4 == 0 or (rank % 10 == 5 and lot.random() < 0.5)
                folder = lot.choice(("img", "photos", "uploads/2018", "private"))
                ending = "gif" if folder == "private" and lot.random() < 0.2 else "jpg"
                url = f"{'http' if plain else 'https'}://{names[rank]}/{folder}/{number}.{ending}"
            out.write(json.dumps({"key": f"{number:09d}", "url": url}) + "\n")
    return names


@dataclass
class Plan:
    seconds: float = 600
    lines: int = 600_000
    hosts: int = 2500
    kills: int = 24
    stops: int = 6
    addresses: int = 8
    in_flight: int = 400
    seed: int = 1


@dataclass
class Findings:
    politeness: Report
    pictures: checker.Report
    refetched: Refetched
    longest_commit_ms: float
    seconds: float

    @property
    def ok(self) -> bool:
        return self.politeness.ok and self.pictures.ok and not self.refetched.unexcused


class Soak:
    """One crawl in many lives. The caller stops `web`, and `daemon` if anything raises."""

    def __init__(self, directory: Path, plan: Plan) -> None:
        self.plan = plan
        self.annotations = directory / "annotations.jsonl"
        self.hosts = write_corpus(self.annotations, plan.lines, plan.hosts, plan.seed)
        self.web = Web(
            directory / "web",
            RULES,
            seed=plan.seed,
            mean_bytes=2000,
            addresses=plan.addresses,
            stop_after_s=plan.seconds * 2 + 120,
        )
        self.web.start()
        self.daemon = Daemon(directory / "gritd", self._config(directory / "gritd"))
        self._longest_ms = 0.0

    def _config(self, directory: Path) -> dict[str, dict]:
        return config_for(
            self.web,
            directory,
            [self.annotations],
            fetch={
                "max_in_flight": self.plan.in_flight,
                "connect_timeout": "3s",
                "first_byte_timeout": "3s",
                "idle_timeout": "3s",
                "total_timeout": "15s",
                "user_agent": "gritd/1.0 (+https://example.org/contact)",
            },
            politeness={
                "min_interval": f"{MIN_INTERVAL_MS}ms",
                "connections_per_host": PER_HOST,
                "connections_per_domain": PER_DOMAIN,
                "connections_per_address": PER_ADDRESS,
                "tdmrep": True,
            },
            network={
                "allow": ["127.0.0.0/8", "::1/128"],
                "port_map": {"80": self.web.http_port, "443": self.web.https_port},
            },
            retry={"schedule": ["3s", "10s", "30s"], "once_patience": "5s"},
            stop={"drain_limit": "2s"},
        )

    def run(self) -> None:
        """Lives of random lengths, the first moments of some of them alone, and a clean end after the last."""
        plan = self.plan
        lot = random.Random(plan.seed)
        ends = ["kill"] * plan.kills + ["stop"] * plan.stops
        lot.shuffle(ends)
        begin = time.monotonic()
        for number, end in enumerate(ends):
            left_s = plan.seconds - (time.monotonic() - begin)
            mean_s = left_s / (len(ends) - number + 1)
            self.daemon.start(once=False)
            early = end == "kill" and lot.random() < 0.25
            self._live(lot.uniform(0, 0.3) if early else lot.uniform(0.4, 1.6) * mean_s)
            if end == "kill":
                self.daemon.kill()
            else:
                self._stop()
        self.daemon.start(once=False)
        self._live(max(1.0, plan.seconds - (time.monotonic() - begin)))
        self._stop()
        self.seconds = time.monotonic() - begin

    def _live(self, seconds: float) -> None:
        time.sleep(seconds)  # the moment of an end is what is drawn by lot, not a wait for something
        try:
            page = urllib.request.urlopen(f"http://{self.daemon.config['metrics']['listen']}/metrics", timeout=10)
            self._longest_ms = max(self._longest_ms, longest_commit_ms(page.read().decode()))
        except OSError:
            pass  # it still starts
        if not self.daemon.running():
            raise RuntimeError(f"gritd has ended by itself: {self.daemon.log_text()[-2000:]}")

    def _stop(self) -> None:
        if (code := self.daemon.terminate(timeout_s=60)) != 0:
            raise RuntimeError(f"gritd ended with {code}: {self.daemon.log_text()[-2000:]}")

    def judge(self) -> Findings:
        """Of what has been; the web has to be stopped before."""
        daemon = self.daemon
        requests = self.web.requests()
        targets = checker.Served(requests, REFUSING).redirect_targets
        served = [request for request in requests if request.rule not in REFUSING]
        refetched = find_refetched(served, daemon.kills_ns, self._longest_ms, leave_out=targets)
        rules = Rules(
            per_host=PER_HOST,
            min_interval_ms=MIN_INTERVAL_MS,
            crossing_ms=CROSSING_MS,
            per_domain=PER_DOMAIN,
            per_address=PER_ADDRESS,
            robots_first=True,
            robots=ROBOTS,
            kills_ns=daemon.kills_ns,
            stops_ns=daemon.stops_ns,
            # A wish is written down with the next commit, as results are.
            persist_ms=max(Rules.persist_ms, refetched.window_ms),
        )
        options = checker.Options(
            finished=False, allowance=len(daemon.kills_ns), max_refetched=refetched.at_risk, refusing_rules=REFUSING
        )
        entries = checker.read_map(daemon.state_dir)
        pictures = checker.check([self.annotations], self.web.log_file, daemon.root, entries, options)
        return Findings(judge(requests, rules), pictures, refetched, self._longest_ms, self.seconds)
