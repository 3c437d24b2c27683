"""Runs the real img2dataset (pip) against the test web, where there is one."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import unittest
from pathlib import Path

from . import processes
from .web import Web

VARIABLE = "GRIT_IMG2DATASET_PYTHON"
SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"
_SITE = Path(__file__).resolve().parent / "img2dataset_site"
_RUN = "import sys, json; from img2dataset import download; download(**json.loads(sys.argv[1]))"


def python() -> str:
    return os.environ.get(VARIABLE, "python3")


@functools.cache
def missing(*modules: str) -> str:
    """Why that Python can not import them; empty if it can."""
    try:
        ran = subprocess.run([python(), "-c", f"import {', '.join(modules)}"], capture_output=True, text=True, timeout=120, check=False)
    except OSError as error:
        return str(error)
    return "" if ran.returncode == 0 else (ran.stderr.strip().splitlines() or [f"exit code {ran.returncode}"])[-1]


def needs(*modules: str):
    """Skips a test where the Python of GRIT_IMG2DATASET_PYTHON (else python3) does not have these packages of pip."""

    def decorate(test):
        @functools.wraps(test)
        def run(*arguments, **keywords):
            if why := missing(*modules):
                raise unittest.SkipTest(f"{python()} has no {', '.join(modules)} ({why}); {VARIABLE} may name one that has")
            return test(*arguments, **keywords)

        return run

    return decorate


def environment(web: Web) -> dict[str, str]:
    return os.environ | {
        "PYTHONPATH": str(_SITE),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NO_ALBUMENTATIONS_UPDATE": "1",
        "SSL_CERT_FILE": str(web.ca_file),
        "GRIT_WEB_HTTP": str(web.http_port),
        "GRIT_WEB_HTTPS": str(web.https_port),
    }


def start(web: Web, url_list: Path, output: Path, start_new_session: bool = False, **options: object) -> subprocess.Popen:
    """@param options  as of `img2dataset.download`. @param start_new_session  its processes are a group of their own."""
    given = {"url_list": str(url_list), "output_folder": str(output), "thread_count": 16, "timeout": 2} | options
    log = open(output.with_suffix(".log"), "ab")
    with log:
        return processes.start([python(), "-c", _RUN, json.dumps(given)], stdout=log, stderr=log, env=environment(web), start_new_session=start_new_session)


def run(web: Web, url_list: Path, output: Path, **options: object) -> None:
    process = start(web, url_list, output, **options)
    if process.wait(timeout=120) != 0:
        raise RuntimeError(f"img2dataset ended with {process.returncode}:\n{output.with_suffix('.log').read_text()[-4000:]}")


def failures(folder: Path) -> subprocess.CompletedProcess:
    """What scripts/img2dataset-failures makes of its parquet files."""
    return subprocess.run([python(), str(SCRIPTS / "img2dataset-failures"), str(folder)], capture_output=True, text=True, check=False)
