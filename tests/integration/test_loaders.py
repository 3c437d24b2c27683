"""What loaders of training programs make of a dataset: the real packages, each skipped where it is not there.

They run in the Python of GRIT_PIP_PYTHON (else python3): `pip install webdataset datasets pillow nvidia-dali-cuda120`."""

from __future__ import annotations

import json
import subprocess
import unittest
from pathlib import Path

from harness.case import CrawlCase
from harness.checker import read_map
from harness.pip_python import needs, python

POLITENESS = {"min_interval": "10ms", "connections_per_address": 4096}
KINDS = ["jpg", "png", "webp", "gif"]
URLS = [f"https://h{number % 5}.test/{number}.{KINDS[number % 4]}" for number in range(48)]

# Each prints {caption: [width, height] of the decoded image}. `tars` and `indexes` are lists of files, `root` the folder.
WEBDATASET = """
import webdataset
found = {}
for sample in webdataset.WebDataset(tars, shardshuffle=False).decode("pil"):
    [image] = [value for key, value in sample.items() if key in ("jpg", "png", "webp", "gif")]
    assert sample["json"]["caption"] == sample["txt"], sample["__key__"]
    found[sample["txt"]] = image.size
"""
# As open_clip's data.py has it: https://github.com/mlfoundations/open_clip
OPEN_CLIP = """
import webdataset
def has_both(sample):
    return "txt" in sample and any(kind in sample for kind in ("png", "jpg", "jpeg", "webp"))
pipeline = webdataset.DataPipeline(
    webdataset.SimpleShardList(tars), webdataset.tarfile_to_samples(), webdataset.select(has_both), webdataset.decode("pilrgb"),
    webdataset.rename(image="jpg;png;jpeg;webp", text="txt"), webdataset.to_tuple("image", "text"))
found = {text: image.size for image, text in pipeline}
"""
HUGGINGFACE = """
import datasets, tempfile
found = {}
for streaming in (True, False):
    with tempfile.TemporaryDirectory() as cache:
        rows = datasets.load_dataset("webdataset", data_files={"train": tars}, split="train", streaming=streaming, cache_dir=cache)
        seen = {row["txt"]: row["jpg"].size for row in rows}
    assert seen == found or streaming, (seen, found)
    found = seen
"""
DALI = """
import numpy
from nvidia.dali import fn, pipeline_def
@pipeline_def(batch_size=1, num_threads=1, device_id=None)
def samples():
    images, texts = fn.readers.webdataset(
        paths=tars, index_paths=indexes, ext=["jpg;png;webp", "txt"], missing_component_behavior="skip")
    return fn.decoders.image(images, device="cpu"), texts
pipeline = samples()
pipeline.build()
found = {}
for _ in range(next(iter(pipeline.reader_meta().values()))["epoch_size"]):
    image, text = pipeline.run()
    height, width, _ = image.at(0).shape
    found[text.at(0).tobytes().decode()] = [width, height]
"""
IMG2DATASET = """
import json
from PIL import Image
found = {}
for path in sorted(root.glob("*/*.jpg")):
    sidecar = json.loads(path.with_suffix(".json").read_text())
    with Image.open(path) as image:
        image.load()
        assert image.size == (sidecar["width"], sidecar["height"]), path
        found[path.with_suffix(".txt").read_text()] = image.size
"""
HEAD = """
import json, os, pathlib, sys
os.environ["HF_HUB_OFFLINE"] = os.environ["HF_DATASETS_OFFLINE"] = "1"
root = pathlib.Path(sys.argv[1])
tars = sorted(str(path) for path in root.glob("*.tar"))
indexes = [tar[:-3] + "idx" for tar in tars]
"""
TAIL = """
print("\\n" + json.dumps(found))
"""


class Loaders(CrawlCase):
    def crawl(self, layout: str, **storage: object) -> dict[str, list[int]]:
        """@return {caption: [width, height]}, by the records."""
        source = self.directory / "annotations.jsonl"
        lines = ({"key": f"{number:09d}", "url": url, "caption": f"a \u2014 picture {number}"} for number, url in enumerate(URLS))
        source.write_text("".join(json.dumps(line) + "\n" for line in lines))
        web = self.web(mean_bytes=3000)
        storage = {"layout": layout, "min_free": "0B", "dedupe_content": False} | storage
        self.crawler = self.daemon(web, [source], politeness=POLITENESS, storage=storage)
        self.run_once(self.crawler, 60)
        self.assertEqual(len(read_map(self.crawler.state_dir)), len(URLS))
        self.crawler.start(once=False)
        self.wait_ready(self.crawler)
        records = [self.crawler.ctl_json("record", url) for url in URLS]
        self.terminate(self.crawler)
        return {f"a \u2014 picture {number}": [record["width"], record["height"]] for number, record in enumerate(records)}

    def read(self, script: str) -> dict[str, list[int]]:
        root: Path = self.crawler.root
        ran = subprocess.run([python(), "-W", "ignore", "-c", HEAD + script + TAIL, str(root)], capture_output=True, text=True,
                             timeout=120, check=False)
        self.assertEqual(ran.returncode, 0, ran.stderr[-3000:])
        return json.loads(ran.stdout.splitlines()[-1])

    @staticmethod
    def without(sizes: dict[str, list[int]], kind: str) -> dict[str, list[int]]:
        return {caption: size for (caption, size), url in zip(sizes.items(), URLS) if not url.endswith(kind)}

    @needs("webdataset", "PIL")
    def test_webdataset_and_open_clip(self):
        sizes = self.crawl("webdataset", shard_images=20)
        self.assertEqual(self.read(WEBDATASET), sizes)
        self.assertEqual(self.read(OPEN_CLIP), self.without(sizes, ".gif"))

    @needs("datasets", "PIL")
    def test_huggingface_where_all_images_have_one_name(self):
        sizes = self.crawl("webdataset", shard_images=20, all_jpg=True)
        self.assertEqual(self.read(HUGGINGFACE), sizes)

    @needs("webdataset", "PIL")
    def test_open_clip_where_all_images_have_one_name(self):
        sizes = self.crawl("webdataset", shard_images=20, all_jpg=True)
        self.assertEqual(self.read(OPEN_CLIP), sizes)

    @needs("nvidia.dali")
    def test_dali_finds_samples_by_our_indexes(self):
        sizes = self.crawl("webdataset", shard_images=20)
        self.assertEqual(self.read(DALI), self.without(sizes, ".gif"))

    @needs("PIL")
    def test_folders_of_img2dataset(self):
        sizes = self.crawl("img2dataset")
        self.assertEqual(self.read(IMG2DATASET), sizes)


if __name__ == "__main__":
    unittest.main()
