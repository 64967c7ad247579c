"""Fixed: the text, the time budget, and the evaluation that train.py calls. Not to be edited.

The text is Python's own library source; the last part of the files, by the hash of their content, is held out.
"""

import hashlib
import math
import os
import sysconfig

import torch

VOCAB_SIZE = 256  # bytes
MAX_SEQ_LEN = 512 if torch.cuda.is_available() else 64
TIME_BUDGET = 300 if torch.cuda.is_available() else 10  # seconds of training, start-up and evaluation not included
EVAL_BYTES = 2**20 if torch.cuda.is_available() else 2**14
HELD_OUT_SHARE = 0.12


def _files():
    for path, names, files in os.walk(sysconfig.get_paths()["stdlib"]):
        names[:] = sorted(name for name in names if name not in ("site-packages", "dist-packages", "__pycache__", "test"))
        for name in sorted(files):
            if name.endswith(".py") and not name.startswith("_sysconfigdata") and os.path.isfile(os.path.join(path, name)):
                yield os.path.join(path, name)


def load(split):
    """The bytes of one split, "train" or "val", as a tensor on the CPU."""
    parts, seen = [], set()
    for path in _files():
        with open(path, "rb") as file:
            data = file.read(100_000)
        digest = hashlib.sha256(data).digest()
        is_held_out = int.from_bytes(digest[:4], "big") / 2**32 < HELD_OUT_SHARE
        if len(data) >= 200 and digest not in seen and is_held_out == (split == "val"):
            seen.add(digest)
            parts.append(data + b"\0")
    return torch.frombuffer(bytearray(b"".join(parts)), dtype=torch.uint8)


def batches(split, batch_size, device, seed):
    """Endless (inputs, targets), each (batch_size, MAX_SEQ_LEN), from random places of the text."""
    text, generator = load(split), torch.Generator().manual_seed(seed)
    while True:
        starts = torch.randint(0, len(text) - MAX_SEQ_LEN, (batch_size, 1), generator=generator)
        window = text[starts + torch.arange(MAX_SEQ_LEN + 1)].long().to(device)
        yield window[:, :-1], window[:, 1:]


@torch.no_grad()
def evaluate_bpb(model, batch_size, device):
    """Bits per byte of `model` (tokens to logits) on the same held-out bytes for every model."""
    text = load("val")
    count = min(EVAL_BYTES, len(text) - 1) // MAX_SEQ_LEN
    windows = text[torch.arange(count)[:, None] * MAX_SEQ_LEN + torch.arange(MAX_SEQ_LEN + 1)].long()
    nats = 0.0
    for batch in windows.split(batch_size):
        batch = batch.to(device)
        logs = model(batch[:, :-1]).float().log_softmax(-1)
        nats -= logs.gather(-1, batch[:, 1:, None]).sum(dtype=torch.float32).item()
    return nats / (count * MAX_SEQ_LEN) / math.log(2)


if __name__ == "__main__":
    print(f"train {len(load('train'))} bytes, held out {len(load('val'))} bytes")
