"""The file to edit: model, optimizer and loop of a small GPT over bytes. Run: sh python.sh train.py"""

import contextlib
import math
import resource
import sys
import time

START = time.time()

import torch
import torch.nn.functional as F
from torch import nn

from prepare import MAX_SEQ_LEN, TIME_BUDGET, VOCAB_SIZE, batches, evaluate_bpb

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
is_small = device.type == "cpu"

DEPTH = 2 if is_small else 8
WIDTH = 64 if is_small else 512
HEADS = 2 if is_small else 8
BATCH_SIZE = 8 if is_small else 64
LEARNING_RATE = 1e-3 if is_small else 6e-4
WEIGHT_DECAY = 0.1
WARMUP = 0.05  # share of the time
SEED = 42


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.out = nn.Linear(WIDTH, WIDTH, bias=False)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def attention(self, x):
        batch, length, _ = x.shape
        q, k, v = self.qkv(x).view(batch, length, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        if hasattr(F, "scaled_dot_product_attention"):
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            scores = q @ k.transpose(-2, -1) / math.sqrt(WIDTH // HEADS)
            later = torch.ones(length, length, dtype=torch.bool, device=x.device).triu(1)
            y = scores.masked_fill(later, float("-inf")).softmax(-1) @ v
        return self.out(y.transpose(1, 2).reshape(batch, length, WIDTH))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(VOCAB_SIZE, WIDTH)
        self.positions = nn.Embedding(MAX_SEQ_LEN, WIDTH)
        self.blocks = nn.Sequential(*(Block() for _ in range(DEPTH)))
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, VOCAB_SIZE, bias=False)
        for parameter in self.parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=0.02)

    def forward(self, tokens):
        places = torch.arange(tokens.shape[1], device=tokens.device)
        return self.head(self.norm(self.blocks(self.tokens(tokens) + self.positions(places))))


def rate_at(done):
    return LEARNING_RATE * min(1.0, (done + 0.001) / WARMUP) * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * done)))


torch.manual_seed(SEED)
model = GPT().to(device)
optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.95), weight_decay=WEIGHT_DECAY)
autocast = torch.autocast("cuda", dtype=torch.bfloat16) if device.type == "cuda" else contextlib.nullcontext()
data = batches("train", BATCH_SIZE, device, SEED)

begun = time.time()
step, smoothed = 0, 0.0
while time.time() - begun < TIME_BUDGET:
    inputs, targets = next(data)
    done = min(1.0, (time.time() - begun) / TIME_BUDGET)
    for group in optimizer.param_groups:
        group["lr"] = rate_at(done)
    with autocast:
        logits = model(inputs)
    loss = F.cross_entropy(logits.float().reshape(-1, VOCAB_SIZE), targets.reshape(-1))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    step += 1
    value = loss.item()
    if not value < 100:
        print("FAIL")
        sys.exit(1)
    smoothed = value if step == 1 else 0.9 * smoothed + 0.1 * value
    print(f"\rstep {step:05d} ({100 * done:.1f}%) | loss: {smoothed:.4f}    ", end="", flush=True)
training_seconds = time.time() - begun
print()

model.eval()
with autocast:
    val_bpb = evaluate_bpb(model, BATCH_SIZE, device)
if device.type == "cuda":
    peak = torch.cuda.max_memory_allocated() / 2**20
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
print("---")
print(f"val_bpb:          {val_bpb:.6f}")
print(f"training_seconds: {training_seconds:.1f}")
print(f"total_seconds:    {time.time() - START:.1f}")
print(f"peak_vram_mb:     {peak:.1f}")
print(f"total_tokens_M:   {step * BATCH_SIZE * MAX_SEQ_LEN / 1e6:.1f}")
print(f"num_steps:        {step}")
print(f"num_params_M:     {sum(p.numel() for p in model.parameters()) / 1e6:.1f}")
print(f"depth:            {DEPTH}")
