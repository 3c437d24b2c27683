"""Child processes that never outlive their test."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from pathlib import Path

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_parent() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def start(command: list[str], **keywords) -> subprocess.Popen:
    """Popen; the kernel kills the child if this process dies in whatever way."""
    return subprocess.Popen(command, preexec_fn=_die_with_parent, **keywords)


def find_program(name: str, variable: str) -> Path:
    """The program that an environment variable names, else the newest one under build/."""
    if variable in os.environ:
        return Path(os.environ[variable])
    repository = Path(__file__).resolve().parents[3]
    found = [
        path for path in (repository / "build").glob(f"*/**/{name}") if path.is_file() and os.access(path, os.X_OK)
    ]
    if not found:
        raise FileNotFoundError(f"{name} is not built; {variable} may name it")
    return max(found, key=lambda path: path.stat().st_mtime)


def interposed(folders: list[str], **settings: str) -> dict[str, str]:
    """The environment of a process whose calls for files below these folders go through tests/fault/interposed. @param settings
    FAULT, LIFT, LOG, CONTENT."""
    library = find_program("libgrit_faults.so", "GRIT_FAULTS_LIB")
    options = {f"GRIT_DISK_{name}": value for name, value in settings.items()}
    return {"LD_PRELOAD": str(library), "GRIT_DISK_PATHS": ":".join(folders)} | options
