"""A Python with packages of pip that tests want and the project does not: of GRIT_PIP_PYTHON, else python3."""

from __future__ import annotations

import functools
import os
import subprocess
import unittest

VARIABLE = "GRIT_PIP_PYTHON"


def python() -> str:
    return os.environ.get(VARIABLE, "python3")


@functools.cache
def missing(*modules: str) -> str:
    """Why it can not import them; empty if it can."""
    command = [python(), "-c", f"import {', '.join(modules)}"]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    except OSError as error:
        return str(error)
    return "" if ran.returncode == 0 else (ran.stderr.strip().splitlines() or [f"exit code {ran.returncode}"])[-1]


def needs(*modules: str):
    """Skips a test where they are not there."""

    def decorate(test):
        @functools.wraps(test)
        def run(*arguments, **keywords):
            if why := missing(*modules):
                raise unittest.SkipTest(f"{python()} can not import {', '.join(modules)} ({why}); {VARIABLE} may name one that can")
            return test(*arguments, **keywords)

        return run

    return decorate
