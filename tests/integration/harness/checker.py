"""Checks a crawl from outside, without gritd's own counters: run as `python3 -m harness.checker --help`.

Given are the annotations, the web's log, the image root and the state. It holds against the crawl:

- an entry of url_to_path that no annotation has, whose file is missing, or whose bytes are not what the log says was
  served for that URL (or for a URL that its redirects lead to);
- an image file (or tar member) that no entry points to; ROOT/.gritd is the depot's own and not looked at;
- a URL whose image was wholly served and that has no entry (with `finished`);
- an annotation with a URL that can be fetched and no entry (with `require_all`: a web without faults);
- a URL whose whole image was served more than 1 + `allowance` times, or `max_refetched` exceeded by all together.
  A URL that redirects also lead to may rightly be asked for more often: such ones are counted apart.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tarfile
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterable, Iterator

from .log import Request, read_log
from .urls import canonical, resolve

Url = tuple[str, str, str]  # scheme, host, target

KEY_LIMIT = 500  # bytes; longer URLs are entered under their digest
SIDECARS = {".json", ".txt", ".idx"}  # of the layouts webdataset and img2dataset: no images
MAX_REDIRECTS = 20


@dataclass
class Options:
    finished: bool = True
    require_all: bool = False
    allowance: int = 0
    max_refetched: int | None = None
    refusing_rules: frozenset[str] = frozenset()  # rules whose answers a client has to refuse (opt-out headers)


@dataclass
class Report:
    annotations: int = 0
    distinct_urls: int = 0
    entries: int = 0
    files: int = 0
    images_served: int = 0
    refetched: int = 0  # whole servings beyond the first, of all URLs
    refetched_urls: list[str] = field(default_factory=list)
    redirect_targets_served_again: int = 0
    problems: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    @property
    def ok(self) -> bool:
        return not any(self.problems.values())

    def to_dict(self) -> dict:
        out = dict(self.__dict__, ok=self.ok)
        out["refetched_urls"] = self.refetched_urls[:100]
        out["problem_counts"] = {kind: len(cases) for kind, cases in self.problems.items()}
        out["problems"] = {kind: cases[:20] for kind, cases in self.problems.items()}
        return out


def map_key(raw_url: str) -> bytes:
    encoded = raw_url.encode()
    return encoded if len(encoded) <= KEY_LIMIT else b"sha256:" + hashlib.sha256(encoded).hexdigest().encode()


def read_annotations(paths: Iterable[str | Path], url_field: str = "url") -> tuple[int, dict[bytes, str]]:
    """(lines, {key: URL as written}); lines that are no annotation are passed over."""
    lines = 0
    urls: dict[bytes, str] = {}
    for path in paths:
        with open(path, "rb") as file:
            for line in file:
                lines += 1
                try:
                    record = json.loads(line)
                    url = record[url_field]
                    if isinstance(url, str):
                        urls[map_key(url)] = url
                except (ValueError, KeyError, TypeError, RecursionError):
                    continue
    return lines, urls


def read_map(state_dir: str | Path) -> dict[bytes, str]:
    """The whole of url_to_path."""
    import lmdb  # Debian: python3-lmdb; only this function needs it

    with lmdb.open(str(state_dir), readonly=True, max_dbs=64, create=False) as env:
        table = env.open_db(b"url_to_path", create=False)
        with env.begin(db=table) as transaction:
            return {bytes(key): bytes(value).decode() for key, value in transaction.cursor()}


class Images:
    """The image files under a root: plain ones as `a/b.jpg`, members of tar files as `a.tar#b.jpg`. Links below the root are
    volumes of their own: `NAME/a/b.jpg`."""

    def __init__(self, root: str | Path) -> None:
        self._root = Path(root)
        self._shards: dict[Path, dict[str, str]] = {}  # digests of the members of each tar that was asked for

    def names(self) -> Iterator[str]:
        for volume in sorted(self._root.iterdir()):
            if volume.is_symlink() and volume.is_dir():
                yield from (f"{volume.name}/{name}" for name in Images(volume.resolve()).names())
        for path in sorted(self._root.rglob("*")):
            name = path.relative_to(self._root)
            if name.parts[0] in (".gritd", "outcomes") or not path.is_file() or path.suffix in SIDECARS:
                continue
            if path.suffix != ".tar":
                yield str(name)
                continue
            with tarfile.open(path) as tar:
                for member in tar:
                    if member.isfile() and Path(member.name).suffix not in SIDECARS:
                        yield f"{name}#{member.name}"

    def digest(self, name: str) -> str | None:
        """SHA-256 in hex; None if there is no such file or it would be outside of the root."""
        file_name, _, member = name.partition("#")
        path = self._root / file_name
        if Path(file_name).is_absolute() or ".." in Path(file_name).parts or not path.is_file():
            return None
        if not member:
            return hashlib.sha256(path.read_bytes()).hexdigest()
        if path not in self._shards:
            with tarfile.open(path) as tar:
                files = [one for one in tar if one.isfile()]
                self._shards[path] = {one.name: hashlib.sha256(tar.extractfile(one).read()).hexdigest() for one in files}
        return self._shards[path].get(member)


class Served:
    """What the log says about each URL."""

    def __init__(self, requests: Iterable[Request], refusing_rules: frozenset[str]) -> None:
        self.digests: dict[Url, Counter[str]] = defaultdict(Counter)
        self.locations: dict[Url, set[Url]] = defaultdict(set)
        for request in requests:
            url = (request.scheme, request.host, request.path)
            if request.served_image and request.rule not in refusing_rules:
                self.digests[url][request.sha256] += 1
            elif request.location is not None and 300 <= request.status < 400:
                target = resolve(url, request.location)
                if target is not None:
                    self.locations[url].add(target)
        self.redirect_targets = {target for targets in self.locations.values() for target in targets}

    def reachable(self, url: Url) -> set[str]:
        """Digests that were served for the URL, or for one that its redirects lead to."""
        found: set[str] = set()
        seen = {url}
        front = [url]
        for _ in range(MAX_REDIRECTS):
            found.update(digest for one in front for digest in self.digests.get(one, ()))
            front = [target for one in front for target in self.locations.get(one, ()) if target not in seen]
            seen.update(front)
        return found


def check_entries(
    entries: dict[bytes, str], urls: dict[bytes, str], served: Served, images: Images, report: Report
) -> None:
    digests: dict[str, str | None] = {}
    for key, path in entries.items():
        name = key.decode(errors="replace")
        raw = urls.get(key)
        if raw is None:
            report.problems["entry_without_annotation"].append(name)
            continue
        if path not in digests:
            digests[path] = images.digest(path)
        if digests[path] is None:
            report.problems["file_missing"].append(f"{name} -> {path}")
            continue
        url = canonical(raw)
        if url is None or digests[path] not in served.reachable(url):
            report.problems["bytes_never_served"].append(f"{name} -> {path}")


def check_files(entries: dict[bytes, str], images: Images, report: Report) -> None:
    known = set(entries.values())
    for name in images.names():
        report.files += 1
        if name not in known:
            report.problems["file_without_entry"].append(name)


def check_coverage(
    entries: dict[bytes, str], urls: dict[bytes, str], served: Served, options: Options, report: Report
) -> None:
    for key, raw in urls.items():
        url = canonical(raw)
        if key in entries or url is None:
            continue
        if options.require_all:
            report.problems["annotation_without_entry"].append(raw)
        elif options.finished and served.reachable(url):
            report.problems["served_but_not_stored"].append(raw)


def check_servings(served: Served, options: Options, report: Report) -> None:
    for url, digests in served.digests.items():
        times = sum(digests.values())
        report.images_served += times
        if times == 1:
            continue
        text = "{}://{}{}".format(*url)
        if url in served.redirect_targets:
            report.redirect_targets_served_again += times - 1
            continue
        report.refetched += times - 1
        report.refetched_urls.append(f"{times} x {text}")
        if times > 1 + options.allowance:
            report.problems["served_too_often"].append(f"{times} x {text}")
    if options.max_refetched is not None and report.refetched > options.max_refetched:
        report.problems["too_many_refetched"].append(f"{report.refetched}, {options.max_refetched} allowed")


def check(
    annotation_files: Iterable[str | Path],
    log_file: str | Path,
    root: str | Path,
    entries: dict[bytes, str],
    options: Options | None = None,
) -> Report:
    """Checks a crawl. @param entries url_to_path (`read_map`)."""
    options = options or Options()
    report = Report(entries=len(entries))
    report.annotations, urls = read_annotations(annotation_files)
    report.distinct_urls = len(urls)
    served = Served(read_log(log_file), options.refusing_rules)
    images = Images(root)
    check_entries(entries, urls, served, images, report)
    check_files(entries, images, report)
    check_coverage(entries, urls, served, options, report)
    check_servings(served, options, report)
    return report


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="checker", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--annotations", nargs="+", required=True)
    parser.add_argument("--log", required=True, help="requests.jsonl of the web")
    parser.add_argument("--root", required=True, help="where the images are")
    parser.add_argument("--state", required=True, help="the LMDB directory")
    parser.add_argument("--unfinished", action="store_true", help="the crawl is still under way, or was killed")
    parser.add_argument("--require-all", action="store_true")
    parser.add_argument("--allowance", type=int, default=0, help="servings beyond the first that any URL may have")
    parser.add_argument("--max-refetched", type=int)
    parser.add_argument("--refusing-rule", action="append", default=[])
    given = parser.parse_args(arguments)
    options = Options(
        not given.unfinished, given.require_all, given.allowance, given.max_refetched, frozenset(given.refusing_rule)
    )
    report = check(given.annotations, given.log, given.root, read_map(given.state), options)
    json.dump(report.to_dict(), sys.stdout, indent=2)
    print()
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
