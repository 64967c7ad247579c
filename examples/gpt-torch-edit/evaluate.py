"""Sealed: true bits per byte of model.pt on files that training never saw, and the summary block of the field.

model.pt holds numbers and a list of nodes from network.py. Nothing of train.py runs here.
"""

import contextlib
import json
import math
import sys
import time

import torch

from network import check, run
from prepare import ARTIFACT, choose_device, load_corpus, report

# Bytes to be predicted and the slice they come in, the same for every model; a shorter model gets a slice in parts.
SIZES = {"cpu": (2**14, 128), "gpu": (2**20, 2048)}
BATCH_BYTES = {"cpu": 4096, "gpu": 65_536}


@torch.no_grad()
def bits_per_byte(nodes, tensors, length, held_out, device):
    kind = "cpu" if device.type == "cpu" else "gpu"
    total, slice_length = SIZES[kind]
    if not isinstance(length, int) or not 1 <= length <= slice_length or slice_length % length:
        raise ValueError(f"the length of a sequence must divide {slice_length}; {length} does not")
    text = torch.frombuffer(bytearray(held_out), dtype=torch.uint8)
    room = len(text) - slice_length - 1
    count = max(1, min(total // slice_length, room // slice_length))
    slices = [room * index // max(1, count - 1) for index in range(count)]
    starts = torch.tensor([start + inner for start in slices for inner in range(0, slice_length, length)])
    windows = text[starts[:, None] + torch.arange(length + 1)].long()
    autocast = torch.autocast("cuda", dtype=torch.bfloat16) if device.type == "cuda" else contextlib.nullcontext()
    nats = 0.0
    for batch in windows.split(max(1, BATCH_BYTES[kind] // length)):
        batch = batch.to(device)
        with autocast:
            logits = run(nodes, tensors, batch[:, :-1])
        if logits.shape != (*batch[:, 1:].shape, 256):
            raise ValueError(f"the model gives {tuple(logits.shape)}, not 256 logits for each byte")
        # The softmax is taken here, not in the model, so that what counts as a probability sums to one.
        logs = logits.log_softmax(-1)
        nats -= logs.gather(-1, batch[:, 1:, None]).sum(dtype=torch.float32).item()
    return nats / (windows.shape[0] * length) / math.log(2)


def main():
    device = choose_device()
    # Weights only: an artifact is data, and must not run code in the evaluator.
    artifact = torch.load(ARTIFACT, map_location="cpu", weights_only=True)
    about = json.loads(artifact["about"])
    nodes, stats = about["nodes"], about["stats"]
    tensors = {name: tensor.to(device) for name, tensor in artifact["state"].items()}
    check(nodes, tensors)
    value = bits_per_byte(nodes, tensors, about["length"], load_corpus()[1], device)
    report({"val_bpb": value})
    print("---")
    print(f"val_bpb:          {value:.6f}")
    print(f"training_seconds: {stats['training_seconds']:.1f}")
    print(f"total_seconds:    {time.time() - stats['started']:.1f}")
    print(f"peak_vram_mb:     {stats['peak_vram_mb']:.1f}")
    print(f"total_tokens_M:   {stats['total_tokens_M']:.3f}")
    print(f"num_steps:        {stats['num_steps']}")
    print(f"num_params_M:     {sum(t.numel() for t in tensors.values()) / 1e6:.2f}")
    print(f"depth:            {sum(node['op'] == 'attention' for node in nodes)}", flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ValueError, KeyError, RuntimeError, OSError) as error:
        sys.exit(f"evaluate: {type(error).__name__}: {error}")
