"""A compact GPT over bytes: pre-norm blocks, rotary positions, no biases. Runs on torch 1.13 and later."""

import math

import torch
import torch.nn.functional as F
from torch import nn

VOCABULARY = 256
HAS_SDPA = hasattr(F, "scaled_dot_product_attention")


def causal_attention(q, k, v):
    """(batch, heads, time, width) each; every position sees itself and what came before."""
    if HAS_SDPA:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    time = q.shape[-2]
    scores = (q @ k.transpose(-2, -1)) / math.sqrt(q.shape[-1])
    later = torch.ones(time, time, dtype=torch.bool, device=q.device).triu(1)
    return scores.masked_fill(later, float("-inf")).softmax(dim=-1).to(v.dtype) @ v


class Norm(nn.Module):
    """Root mean square normalisation, in fp32."""

    def __init__(self, width):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))

    def forward(self, x):
        exact = x.float()
        return (exact * torch.rsqrt(exact.pow(2).mean(-1, keepdim=True) + 1e-6) * self.gain).to(x.dtype)


class Block(nn.Module):
    def __init__(self, shape, linear):
        super().__init__()
        width, inner = shape["d_model"], shape["d_ff"]
        self.heads = shape["n_head"]
        self.norm1, self.norm2 = Norm(width), Norm(width)
        self.qkv = linear(width, 3 * width, bias=False)
        self.out = linear(width, width, bias=False)
        self.up = linear(width, inner, bias=False)
        self.down = linear(inner, width, bias=False)

    def forward(self, x, cosine, sine):
        batch, time, width = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(batch, time, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        y = causal_attention(rotate(q, cosine, sine).to(v.dtype), rotate(k, cosine, sine).to(v.dtype), v)
        x = x + self.out(y.transpose(1, 2).reshape(batch, time, width))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


def rotate(x, cosine, sine):
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cosine - second * sine, first * sine + second * cosine), dim=-1)


class GPT(nn.Module):
    """`shape`: n_layer, n_head, d_model, d_ff, seq_len. `linear` makes the layers of the blocks."""

    def __init__(self, shape, linear=nn.Linear):
        super().__init__()
        width, half = shape["d_model"], shape["d_model"] // shape["n_head"] // 2
        self.shape = shape
        self.embedding = nn.Embedding(VOCABULARY, width)
        self.blocks = nn.ModuleList(Block(shape, linear) for _ in range(shape["n_layer"]))
        self.norm = Norm(width)
        self.head = nn.Linear(width, VOCABULARY, bias=False)
        angles = torch.outer(torch.arange(shape["seq_len"]).float(), 10_000.0 ** -(torch.arange(half).float() / half))
        self.register_buffer("cosine", angles.cos(), persistent=False)
        self.register_buffer("sine", angles.sin(), persistent=False)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                # What a block adds to the residual stream shrinks with depth, so that its variance does not grow.
                is_output = name.endswith(("out.weight", "down.weight"))
                nn.init.normal_(parameter, std=0.02 / (math.sqrt(2 * shape["n_layer"]) if is_output else 1))

    def forward(self, tokens):
        """(batch, time) of byte values to (batch, time, 256) logits in fp32."""
        time = tokens.shape[1]
        cosine, sine = self.cosine[:time], self.sine[:time]
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x, cosine, sine)
        return self.head(self.norm(x)).float()

    def flops_per_token(self):
        """Forward and backward: 6 a parameter that multiplies, and the attention (Chowdhery et al. 2022, appendix B)."""
        multiplying = sum(p.numel() for n, p in self.named_parameters() if p.dim() == 2 and "embedding" not in n)
        return 6 * multiplying + 12 * self.shape["n_layer"] * self.shape["d_model"] * self.shape["seq_len"]
