"""Sealed: the operations that a model may consist of. Training and evaluator run a model with the same code, and no
operation looks at a later byte, so a model can neither bring code into the evaluator nor read the answer.

A model is a list of nodes {"op", "in": [names], "name", "weight"?: tensor, ...options}; the first input is "tokens",
the last node gives (batch, time, 256) logits. `F.linear` conventions: a weight is (outputs, inputs).
"""

import math

import torch
import torch.nn.functional as F

MAX_NODES = 5000
HAS_SDPA = hasattr(F, "scaled_dot_product_attention")


def _split(x, heads):
    batch, time, width = x.shape
    return x.view(batch, time, heads, width // heads).transpose(1, 2)


def _rotate(x, base):
    """Rotary positions (Su et al. 2021): the first half of a head's width is turned against the second."""
    half = x.shape[-1] // 2
    rates = base ** -(torch.arange(half, device=x.device).float() / half)
    angles = torch.outer(torch.arange(x.shape[-2], device=x.device).float(), rates)
    first, second = x[..., :half].float(), x[..., half : 2 * half].float()
    turned = (first * angles.cos() - second * angles.sin(), first * angles.sin() + second * angles.cos())
    return torch.cat((*turned, x[..., 2 * half :].float()), dim=-1).to(x.dtype)


def _norm(x, weight=None):
    exact = x.float()
    exact = exact * torch.rsqrt(exact.pow(2).mean(-1, keepdim=True) + 1e-6)
    return (exact if weight is None else exact * weight).to(x.dtype)


def _attention(q, k, v, heads, rotary=10_000.0, normalize=False, window=None):
    """Causal attention; `rotary` null is none, `normalize` norms queries and keys, `window` bytes back at most."""
    q, k, v = _split(q, heads), _split(k, heads), _split(v, heads)
    if rotary is not None:
        q, k = _rotate(q, rotary), _rotate(k, rotary)
    if normalize:
        q, k = _norm(q), _norm(k)
    q, k, time = q.to(v.dtype), k.to(v.dtype), q.shape[-2]
    if HAS_SDPA and window is None:
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    else:
        distance = torch.arange(time, device=q.device)[:, None] - torch.arange(time, device=q.device)
        hidden = (distance < 0) if window is None else (distance < 0) | (distance >= window)
        scores = (q @ k.transpose(-2, -1)) / math.sqrt(q.shape[-1])
        y = scores.float().masked_fill(hidden, float("-inf")).softmax(dim=-1).to(v.dtype) @ v
    return y.transpose(1, 2).reshape(y.shape[0], time, -1)


def _shift(x, by=1):
    """What stood `by` bytes earlier; zeros before the first."""
    if by < 1:
        raise ValueError("shift looks back: by must be 1 or more")
    return F.pad(x, (0, 0, by, 0))[:, : x.shape[1]]


# name: (function, inputs, needs a weight, options). A weight comes after the inputs.
OPERATIONS = {
    "embed": (lambda tokens, weight: F.embedding(tokens, weight), 1, True, set()),
    "linear": (lambda x, weight: F.linear(x, weight), 1, True, set()),
    "bias": (lambda x, weight: x + weight, 1, True, set()),
    "gain": (lambda x, weight: x * weight, 1, True, set()),
    "norm": (lambda x: _norm(x), 1, False, set()),
    "attention": (_attention, 3, False, {"heads", "rotary", "normalize", "window"}),
    "add": (lambda a, b: a + b, 2, False, set()),
    "multiply": (lambda a, b: a * b, 2, False, set()),
    "scale": (lambda x, by: x * by, 1, False, {"by"}),
    "shift": (_shift, 1, False, {"by"}),
    "gelu": (lambda x: F.gelu(x), 1, False, set()),
    "relu": (lambda x: F.relu(x), 1, False, set()),
    "silu": (lambda x: F.silu(x), 1, False, set()),
    "tanh": (lambda x: torch.tanh(x), 1, False, set()),
    "sigmoid": (lambda x: torch.sigmoid(x), 1, False, set()),
    "square": (lambda x: x * x, 1, False, set()),
}


def check(nodes, tensors):
    """Raises ValueError naming the first node that is not one of the above, or reads what is not there."""
    if not isinstance(nodes, list) or not 1 <= len(nodes) <= MAX_NODES:
        raise ValueError(f"a model has 1 to {MAX_NODES} nodes")
    known = {"tokens"}
    for node in nodes:
        name, op, inputs = node.get("name"), node.get("op"), node.get("in")
        if op not in OPERATIONS:
            raise ValueError(f"node {name}: there is no operation {op}; there are {', '.join(OPERATIONS)}")
        _, count, has_weight, options = OPERATIONS[op]
        if not isinstance(inputs, list) or len(inputs) != count or not set(inputs) <= known:
            raise ValueError(f"node {name}: {op} takes {count} nodes from before it, not {inputs}")
        # Bytes are numbers, but only embed reads them: logits must come from a weight.
        if ("tokens" in inputs) != (op == "embed"):
            raise ValueError(f"node {name}: tokens go to embed, and to nothing else")
        if has_weight and node.get("weight") not in tensors:
            raise ValueError(f"node {name}: {op} needs a weight, and {node.get('weight')} is no tensor")
        given = set(node) - {"name", "op", "in"} - ({"weight"} if has_weight else set())
        if not given <= options:
            raise ValueError(f"node {name}: {op} has no option {sorted(given - options)[0]}")
        if name in known:
            raise ValueError(f"two nodes are called {name}")
        known.add(name)


def run(nodes, tensors, tokens):
    """(batch, time) of byte values to (batch, time, 256) logits in fp32. `nodes` must have passed `check`."""
    values = {"tokens": tokens}
    for node in nodes:
        function, _, has_weight, options = OPERATIONS[node["op"]]
        inputs = [values[name] for name in node["in"]]
        if has_weight:
            inputs.append(tensors[node["weight"]])
        values[node["name"]] = function(*inputs, **{key: node[key] for key in options if key in node})
    return values[nodes[-1]["name"]].float()
