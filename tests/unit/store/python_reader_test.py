#!/usr/bin/python3
"""Reads url_to_path with python3-lmdb while another process holds the state open and writes to it.

Usage: python_reader_test.py WRITER. Ends with 77 (skipped) where python3-lmdb is missing."""
import hashlib
import subprocess
import sys
import tempfile

try:
    import lmdb
except ImportError:
    print("python3-lmdb is missing")
    sys.exit(77)


def map_key(url):
    key = url.encode()
    return key if len(key) <= 500 else b"sha256:" + hashlib.sha256(key).hexdigest().encode()


def url(i):
    return "http://example.org/%d%s.jpg" % (i, "x" * 600 if i % 100 == 0 else "")


def check(writer, folder):
    durable = int(writer.stdout.readline())
    # map_size=0: as large as the writer's, so that the file may grow under the reader.
    env = lmdb.open(folder, readonly=True, max_dbs=16, map_size=0)
    table = env.open_db(b"url_to_path", create=False)
    for _ in range(20):
        durable = int(writer.stdout.readline())
        with env.begin(db=table) as txn:
            assert txn.stat(table)["entries"] >= durable, "what was acknowledged is there"
            for i in range(durable):
                path = txn.get(map_key(url(i)))
                expected = b"%05d/%09d.jpg" % (i // 10000, i)
                assert path == expected, (i, path, expected)
    assert durable > 10000, durable
    env.close()
    print("read", durable, "paths beside a writer")


def main():
    with tempfile.TemporaryDirectory(prefix="grit-python-") as folder:
        writer = subprocess.Popen([sys.argv[1], folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            check(writer, folder)
        finally:
            writer.communicate()
        assert writer.returncode == 0, writer.returncode


main()
