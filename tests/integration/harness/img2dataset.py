"""Runs the real img2dataset (pip) against the test web, where there is one."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from . import processes
from .pip_python import python
from .web import Web

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"
_SITE = Path(__file__).resolve().parent / "img2dataset_site"
_RUN = "import sys, json; from img2dataset import download; download(**json.loads(sys.argv[1]))"


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
