"""The sealed evaluator: true bits per byte of model.pt on files that training never saw, and the field's summary."""

import json
import math
import sys
import time

import torch

from model import GPT
from prepare import evaluation_slices, load_corpus
from settings import choose_device, report

# Bytes to be predicted and the slice they come in: the longest sequence of the menu, so that all models get the same.
SIZES = {"full": (2**20, 2048), "cpu": (2**15, 128)}
BATCH_BYTES = {"full": 32_768, "cpu": 8_192}


def check_causal(model, tokens):
    """Changing later bytes must not change the predictions of earlier ones: otherwise the model reads the answer."""
    half = tokens.shape[1] // 2
    changed = tokens.clone()
    changed[:, half:] = (changed[:, half:] + 1) % 256
    difference = (model(tokens)[:, :half] - model(changed)[:, :half]).abs().max().item()
    if not difference < 1e-2:
        raise SystemExit(f"the model is not causal: logits moved by {difference} when later bytes were changed")


@torch.no_grad()
def bits_per_byte(model, held_out, device, preset):
    total, slice_length = SIZES[preset]
    length = model.shape["seq_len"]
    text = torch.frombuffer(bytearray(held_out), dtype=torch.uint8)
    starts = [
        start + inner
        for start in evaluation_slices(held_out, total, slice_length)
        for inner in range(0, slice_length, length)
    ]
    windows = text[torch.tensor(starts)[:, None] + torch.arange(length + 1)].long()
    check_causal(model, windows[:1, :-1].to(device))
    nats = 0.0
    for batch in windows.split(max(1, BATCH_BYTES[preset] // length)):
        batch = batch.to(device)
        # The softmax is taken here, not in the model, so that what counts as a probability sums to one.
        logs = model(batch[:, :-1]).float().log_softmax(-1)
        nats -= logs.gather(-1, batch[:, 1:, None]).sum(dtype=torch.float32).item()
    return nats / (windows.shape[0] * length) / math.log(2)


def main():
    device, preset = choose_device()
    # Weights only: a checkpoint is data, and must not run code in the evaluator.
    checkpoint = torch.load("model.pt", map_location="cpu", weights_only=True)
    about = json.loads(checkpoint["about"])
    model = GPT(about["shape"])
    model.load_state_dict(checkpoint["state"])
    value = bits_per_byte(model.to(device).eval(), load_corpus()[1], device, preset)
    stats = about["stats"]
    report({"val_bpb": value})
    print("---")
    print(f"val_bpb:          {value:.6f}")
    print(f"training_seconds: {stats['training_seconds']:.1f}")
    print(f"total_seconds:    {time.time() - about['started']:.1f}")
    print(f"peak_vram_mb:     {stats['peak_vram_mb']:.1f}")
    print(f"mfu_percent:      {stats['mfu_percent']:.2f}")
    print(f"total_tokens_M:   {stats['total_tokens_M']:.3f}")
    print(f"num_steps:        {stats['num_steps']}")
    print(f"num_params_M:     {stats['num_params_M']:.2f}")
    print(f"depth:            {stats['depth']}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
