"""What the benchmarks read of a running gritd and of its files."""

from __future__ import annotations

import os
import urllib.request
from pathlib import Path

MB = 1024 * 1024

# Of make_sample: the ten largest hosts get a sixth of the lines, as in GRIT.
GRIT_ZIPF = 0.97


def metric(config: dict[str, dict], name: str) -> float:
    """The value of a metric by its full name, labels included; 0 while there is none."""
    try:
        text = urllib.request.urlopen(f"http://{config['metrics']['listen']}/metrics", timeout=10).read().decode()
    except OSError:
        return 0
    return next((float(line.split()[-1]) for line in text.splitlines() if line.startswith(name + " ")), 0)


def hosts_known(config: dict[str, dict]) -> int:
    states = ("ready", "active", "paced", "awaits_site", "awaits_domain", "backoff", "open_circuit", "drained")
    return round(sum(metric(config, f'gritd_hosts{{state="{state}"}}') for state in states))


def memory_mb(pid: int) -> tuple[float, float]:
    """@return resident, and of that anonymous."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    return tuple(int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "RssAnon"))


def cpu_of(stat: str) -> float:
    fields = stat.rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    return cpu_of(Path(f"/proc/{pid}/stat").read_text())


def busiest_threads(pid: int, count: int) -> list[float]:
    """CPU-seconds of the threads that have used most."""
    spent = (cpu_of((task / "stat").read_text()) for task in Path(f"/proc/{pid}/task").iterdir())
    return sorted(spent, reverse=True)[:count]


def drop_pages(path: Path) -> None:
    """Out of the page cache; the disk's own cache is as it is."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)
