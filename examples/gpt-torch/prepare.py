"""The text: Python's own library source, which is on every machine with Python; or the files of NIGHTSHIFT_TEXT."""

import hashlib
import math
import os
import sysconfig
import time

MAX_FILE_BYTES = 100_000
MAX_TOTAL_BYTES = 24_000_000
MIN_TOTAL_BYTES = 500_000
HELD_OUT_SHARE = 0.12
SUFFIXES = (".py", ".txt", ".md", ".rst")
# Other people's packages differ from machine to machine; caches and the interpreter's configuration do too.
SKIPPED_FOLDERS = {"site-packages", "dist-packages", "__pycache__", "test", "tests", "idlelib"}
SKIPPED_FILES = ("_sysconfigdata",)


def text_folder():
    return os.environ.get("NIGHTSHIFT_TEXT") or sysconfig.get_paths()["stdlib"]


def load_corpus():
    """Returns (train, held_out) as bytes. A file's side follows from the hash of its content: copies do not leak."""
    folder = text_folder()
    sides = ([], [])
    seen = set()
    total = 0
    for path, names, files in os.walk(folder):
        names[:] = sorted(name for name in names if name not in SKIPPED_FOLDERS and not name.startswith("config-"))
        for name in sorted(files):
            file = os.path.join(path, name)
            if not name.endswith(SUFFIXES) or name.startswith(SKIPPED_FILES) or total >= MAX_TOTAL_BYTES:
                continue
            if not os.path.isfile(file):
                continue
            with open(file, "rb") as opened:
                data = opened.read(MAX_FILE_BYTES)
            digest = hashlib.sha256(data).digest()
            if len(data) < 200 or digest in seen:
                continue
            seen.add(digest)
            is_held_out = int.from_bytes(digest[:4], "big") / 2**32 < HELD_OUT_SHARE
            sides[is_held_out].append(data + b"\0")
            total += len(data) + 1
    if total < MIN_TOTAL_BYTES:
        raise SystemExit(f"only {total} bytes of text under {folder}: set NIGHTSHIFT_TEXT to a folder with more")
    return b"".join(sides[0]), b"".join(sides[1])


def evaluation_slices(held_out, length, slice_length):
    """Starts of the slices to be predicted, spread evenly; the same bytes whatever the model's sequence length is."""
    count = length // slice_length
    room = len(held_out) - slice_length - 1
    if room < length:
        count = max(1, math.floor(room / slice_length))
    return [room * index // max(1, count - 1) for index in range(count)]


if __name__ == "__main__":
    started = time.time()
    train, held_out = load_corpus()
    print(f"{text_folder()}: train {len(train)} bytes, held out {len(held_out)} bytes, {time.time() - started:.2f} s")
