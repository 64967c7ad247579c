"""A compact GPT over bytes, its optimizer and its training loop: the file to edit. The rest of the folder is sealed.

The model is a list of nodes (network.py has the operations), so that the evaluator can run it without running this file.
"""

from prepare import Training  # the first import: it starts the clock

import contextlib
import math

import torch
import torch.nn.functional as F

from network import check, run

training = Training()
device, is_small = training.device, training.is_small

# Shape and settings; on a CPU a small share of what a GPU gets.
DEPTH = 2 if is_small else 8
WIDTH = 64 if is_small else 512
HEADS = 2 if is_small else 8
INNER = 4 * WIDTH
LENGTH = 64 if is_small else 512
BATCH = 8 if is_small else 64
RATE = 1e-3 if is_small else 6e-4
BETAS = (0.9, 0.95)
WEIGHT_DECAY = 0.1
CLIP = 1.0
WARMUP = 0.05  # share of the time
FINAL_RATE = 0.1  # share of the peak

nodes, tensors = [], {}


def node(op, *inputs, **options):
    """Adds an operation to the model and returns its name."""
    name = f"{len(nodes)}_{op}"
    nodes.append({"name": name, "op": op, "in": list(inputs), **options})
    return name


def tensor(name, *shape, std=0.0, mean=0.0):
    """Adds a parameter, normally distributed, and returns its name."""
    tensors[name] = torch.nn.Parameter(torch.randn(*shape, device=device) * std + mean)
    return name


def norm(x, name):
    return node("gain", node("norm", x), weight=tensor(name, WIDTH, mean=1.0))


def block(x, index):
    """Attention and a feed-forward layer, each added to what it read."""
    # What a block adds shrinks with depth, so that the variance of the residual stream does not grow.
    out_std = 0.02 / math.sqrt(2 * DEPTH)
    y = norm(x, f"norm1.{index}")
    q, k, v = (node("linear", y, weight=tensor(f"{part}.{index}", WIDTH, WIDTH, std=0.02)) for part in "qkv")
    y = node("attention", q, k, v, heads=HEADS)
    x = node("add", x, node("linear", y, weight=tensor(f"out.{index}", WIDTH, WIDTH, std=out_std)))
    y = node("linear", norm(x, f"norm2.{index}"), weight=tensor(f"up.{index}", INNER, WIDTH, std=0.02))
    y = node("linear", node("gelu", y), weight=tensor(f"down.{index}", WIDTH, INNER, std=out_std))
    return node("add", x, y)


def build():
    x = node("embed", "tokens", weight=tensor("embedding", 256, WIDTH, std=0.02))
    for index in range(DEPTH):
        x = block(x, index)
    node("linear", norm(x, "norm"), weight=tensor("head", 256, WIDTH, std=0.02))
    check(nodes, tensors)


def make_optimizer():
    matrices = [p for p in tensors.values() if p.dim() >= 2]
    vectors = [p for p in tensors.values() if p.dim() < 2]
    groups = [{"params": matrices, "weight_decay": WEIGHT_DECAY}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=RATE, betas=BETAS)


def rate_at(done):
    """Linear warm-up, then a cosine."""
    if done < WARMUP:
        return RATE * (done + 0.001) / (WARMUP + 0.001)
    cosine = 0.5 * (1 + math.cos(math.pi * (done - WARMUP) / (1 - WARMUP)))
    return RATE * (FINAL_RATE + (1 - FINAL_RATE) * cosine)


def autocast():
    return torch.autocast("cuda", dtype=torch.bfloat16) if device.type == "cuda" else contextlib.nullcontext()


def train():
    build()
    optimizer = make_optimizer()
    text, offsets = training.text, torch.arange(LENGTH + 1)
    print(f"{sum(p.numel() for p in tensors.values()) / 1e6:.2f}M parameters, depth {DEPTH}, width {WIDTH}", flush=True)
    done = training.progress()
    while done < 1:
        starts = torch.randint(0, len(text) - LENGTH, (BATCH, 1), generator=training.generator)
        window = text[starts + offsets].to(device).long()
        for group in optimizer.param_groups:
            group["lr"] = rate_at(done)
        with autocast():
            logits = run(nodes, tensors, window[:, :-1])
        loss = F.cross_entropy(logits.reshape(-1, 256), window[:, 1:].reshape(-1))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(tensors.values()), CLIP)
        optimizer.step()
        training.step_done(loss.item(), BATCH * LENGTH)
        done = training.progress()
    training.save(nodes, tensors, LENGTH)


if __name__ == "__main__":
    train()
