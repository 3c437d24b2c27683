"""Configures, runs, kills and restarts gritd against a test web."""

from __future__ import annotations

import copy
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import IO

from . import processes
from .web import Web


def toml_of(tables: dict[str, dict]) -> str:
    """TOML of a table of tables. JSON texts, numbers and lists are valid TOML; inline tables are written here."""

    def value_of(value: object) -> str:
        if isinstance(value, dict):
            return "{ " + ", ".join(f"{json.dumps(str(k))} = {value_of(v)}" for k, v in value.items()) + " }"
        if isinstance(value, (list, tuple)):
            return "[" + ", ".join(value_of(v) for v in value) + "]"
        return json.dumps(str(value) if isinstance(value, Path) else value)

    lines: list[str] = []
    for table, keys in tables.items():
        lines.append(f"[{table}]")
        lines += [f"{key} = {value_of(value)}" for key, value in keys.items()]
        lines.append("")
    return "\n".join(lines)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def config_for(web: Web, directory: str | Path, annotations: list[str | Path], **overrides: dict) -> dict[str, dict]:
    """A config that sends gritd to a test web.

    @param overrides  tables to merge in: `politeness={"min_interval": "20ms"}`.
    """
    directory = Path(directory)
    tables: dict[str, dict] = {
        "input": {"annotations": [str(path) for path in annotations]},
        "storage": {"root": directory / "images", "layout": "files", "min_free": "64MiB"},
        "state": {"dir": directory / "state"},
        "fetch": {
            "max_in_flight": 500,
            "connect_timeout": "3s",
            "first_byte_timeout": "3s",
            "idle_timeout": "3s",
            "total_timeout": "10s",
            "user_agent": "gritd/1.0 (+https://example.org/contact)",
        },
        # One request less per origin: most tests count. Those of politeness, sites and chaos switch it on.
        "politeness": {"connections_per_host": 2, "min_interval": "100ms", "tdmrep": False},
        "retry": {"schedule": ["1s", "2s"], "once_patience": "5s"},
        "dns": {"servers": [f"127.0.0.1:{web.dns_port}"]},
        "tls": {"ca_file": web.ca_file},
        "network": {"allow": ["127.0.0.0/8"], "port_map": {"80": web.http_port, "443": web.https_port}},
        "metrics": {"listen": f"127.0.0.1:{free_port()}"},
        "admin": {"socket": directory / "grit.sock"},
        "log": {"level": "info"},
    }
    tables = copy.deepcopy(tables)
    for table, keys in overrides.items():
        tables.setdefault(table, {}).update(keys)
    return tables


class Daemon:
    """gritd with one config; may be started again and again. A context manager that leaves nothing running.

    `kills_ns` and `stops_ns` collect the instants at which a killed process was seen dead, and at which one that ended by itself
    was (wall clock), for the judge.
    """

    def __init__(
        self,
        directory: str | Path,
        config: dict[str, dict],
        program: str | Path | None = None,
        ctl: str | Path | None = None,
    ) -> None:
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        for folder in (config["storage"]["root"], config["state"]["dir"]):
            Path(folder).mkdir(parents=True, exist_ok=True)
        self.config = config
        self.config_file = self.directory / "gritd.toml"
        self.write_config()
        self.log_file = self.directory / "gritd.log"
        self.kills_ns: list[int] = []
        self.stops_ns: list[int] = []
        self._program = program
        self._ctl = ctl
        self._process: subprocess.Popen | None = None

    def write_config(self) -> None:
        """As `config` is now: for the next start, or a reload."""
        self.config_file.write_text(toml_of(self.config))

    @property
    def root(self) -> Path:
        return Path(self.config["storage"]["root"])

    @property
    def state_dir(self) -> Path:
        return Path(self.config["state"]["dir"])

    @property
    def pid(self) -> int:
        assert self._process is not None, "gritd is not running"
        return self._process.pid

    def rewrite_config(self, **overrides: dict) -> None:
        """What the next start or reload reads: keys are merged into their tables, as `config_for` does."""
        for table, keys in overrides.items():
            self.config.setdefault(table, {}).update(keys)
        self.config_file.write_text(toml_of(self.config))

    def start(
        self, once: bool = True, environment: dict[str, str] | None = None, stdin: int | None = None, options: tuple[str, ...] = ()
    ) -> None:
        """Returns at once; its log is appended to `log_file`. @param stdin as of Popen. @param options more words of `gritd run`."""
        assert self._process is None, "gritd is running already"
        program = self._program or processes.find_program("gritd", "GRITD")
        command = [str(program), "run", "--config", str(self.config_file), *options] + (["--once"] if once else [])
        with open(self.log_file, "ab") as log:
            environment = {**os.environ, **(environment or {})}
            self._process = processes.start(command, stdout=log, stderr=log, stdin=stdin, env=environment)

    @property
    def stdin(self) -> IO[bytes]:
        """Its standard input, if it was started with stdin=PIPE."""
        assert self._process is not None and self._process.stdin is not None
        return self._process.stdin

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def exit_code(self) -> int | None:
        """Of a process that ended by itself; negative: the signal that killed it. None while it runs."""
        assert self._process is not None, "gritd was not started"
        return self._process.poll()

    def wait(self, timeout_s: float) -> int:
        """Waits for its own end. @return the exit code. Raises subprocess.TimeoutExpired."""
        assert self._process is not None, "gritd is not running"
        code = self._process.wait(timeout=timeout_s)
        self.stops_ns.append(time.time_ns())
        self._forget()
        return code

    def run_once(self, timeout_s: float) -> int:
        self.start(once=True)
        return self.wait(timeout_s)

    def kill(self) -> None:
        """kill -9, and notes when it was dead."""
        assert self._process is not None, "gritd is not running"
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self.kills_ns.append(time.time_ns())
        self._forget()

    def _forget(self) -> None:
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()
        self._process = None

    def terminate(self, timeout_s: float = 60) -> int:
        assert self._process is not None, "gritd is not running"
        self._process.terminate()
        return self.wait(timeout_s)

    def signal(self, number: int) -> None:
        assert self._process is not None, "gritd is not running"
        self._process.send_signal(number)

    def ctl(self, *arguments: str, timeout_s: float = 30) -> subprocess.CompletedProcess:
        """Runs gritctl on this daemon's socket; its exit code is for the test to judge."""
        program = self._ctl or processes.find_program("gritctl", "GRITCTL")
        command = [str(program), "--socket", str(self.config["admin"]["socket"]), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)

    def ctl_json(self, *arguments: str) -> object:
        done = self.ctl(*arguments, "--json")
        if done.returncode != 0:
            raise RuntimeError(f"gritctl {' '.join(arguments)} ended with {done.returncode}: {done.stderr}")
        return json.loads(done.stdout)

    def log_text(self) -> str:
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def __enter__(self) -> Daemon:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._forget()
