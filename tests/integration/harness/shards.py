"""Reads the tar shards of a dataset as other programs do: as a stream from front to end, and by their indexes."""

from __future__ import annotations

import hashlib
import json
import tarfile
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Sample:
    """What WebDataset's readers make of neighbours with one key."""

    key: str
    members: dict[str, bytes] = field(default_factory=dict)  # by extension

    @property
    def extension(self) -> str:
        """Of the image."""
        [extension] = set(self.members) - {"json", "txt"}
        return extension

    @property
    def image(self) -> bytes:
        return self.members[self.extension]

    @property
    def text(self) -> str:
        return self.members["json"].decode()

    @property
    def json(self) -> dict:
        return json.loads(self.members["json"])

    @property
    def name(self) -> str:
        return f"{self.key}.{self.extension}"


def shards_in(root: Path) -> list[Path]:
    return sorted(root.glob("*.tar"))


def stream_samples(shard: Path, torn: bool = False) -> list[Sample]:
    """By Python's tarfile in stream mode, and the rule of WebDataset's tar_file_iterator and group_by_keys.

    @param torn  what lies behind the last whole sample may be anything.
    """
    samples: list[Sample] = []
    with open(shard, "rb") as file:
        try:
            with tarfile.open(fileobj=file, mode="r|") as stream:
                for member in stream:
                    if not member.isreg() or (member.name.startswith("__") and member.name.endswith("__")):
                        continue
                    key, _, extension = member.name.partition(".")
                    content = stream.extractfile(member).read()
                    if not samples or samples[-1].key != key:
                        samples.append(Sample(key))
                    assert extension not in samples[-1].members, member.name
                    samples[-1].members[extension] = content
        except tarfile.ReadError:
            if not torn:
                raise
    return [sample for sample in samples if not torn or "json" in sample.members]


def index_of(shard: Path) -> Path:
    return shard.with_suffix(".idx")


def indexed_samples(shard: Path) -> list[Sample]:
    """By the index alone: what stands at each offset."""
    lines = index_of(shard).read_text().splitlines()
    version, count = lines[0].split()
    assert version == "v1.2" and int(count) == len(lines) - 1, lines[0]
    samples = []
    with open(shard, "rb") as file:
        for line in lines[1:]:
            words = line.split(" ")
            assert len(words) % 4 == 0, line
            sample = Sample(words[3].partition(".")[0])
            for extension, offset, size, name in zip(*[iter(words)] * 4):
                assert name == f"{sample.key}.{extension}", line
                file.seek(int(offset))
                sample.members[extension] = file.read(int(size))
            samples.append(sample)
    return samples


def all_samples(root: Path) -> dict[str, Sample]:
    """By location, as `url_to_path` has it. Raises if a key is there twice."""
    found: dict[str, Sample] = {}
    keys: set[str] = set()
    for shard in shards_in(root):
        for sample in stream_samples(shard):
            assert sample.key not in keys, f"{sample.key} is there twice"
            keys.add(sample.key)
            found[f"{shard.name}#{sample.name}"] = sample
    return found


def is_whole(sample: Sample) -> bool:
    """The image is the one that its record speaks of."""
    record = sample.json["gritd"]
    return record["sha256"] == hashlib.sha256(sample.image).hexdigest() and record["bytes"] == len(sample.image)
