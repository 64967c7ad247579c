"""What the `precision` knob means on this machine: fp8 products where the device has them, bf16, else fp32."""

import contextlib

import torch

E4M3_MAX = 448.0


def _quantise(tensor):
    scale = E4M3_MAX / tensor.detach().abs().max().float().clamp(min=1e-12)
    return (tensor.float() * scale).to(torch.float8_e4m3fn), scale.reciprocal()


def _scaled_product(x, weight):
    """x @ weight.T with both operands in e4m3 and one scale each; bf16 out. Sizes are multiples of 16."""
    x8, x_scale = _quantise(x)
    weight8, weight_scale = _quantise(weight)
    out = torch._scaled_mm(x8, weight8.t(), scale_a=x_scale, scale_b=weight_scale, out_dtype=torch.bfloat16)
    return out[0] if isinstance(out, tuple) else out  # torch before 2.5 also returns the largest value


class _Fp8Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight):
        flat = x.reshape(-1, x.shape[-1]).to(torch.bfloat16)
        ctx.save_for_backward(flat, weight)
        ctx.shape, ctx.dtype = x.shape, x.dtype
        return _scaled_product(flat, weight).reshape(*x.shape[:-1], weight.shape[0])

    @staticmethod
    def backward(ctx, gradient):
        # Gradients stay in bf16: e4m3 has too little range for them.
        flat, weight = ctx.saved_tensors
        g = gradient.reshape(-1, gradient.shape[-1]).to(torch.bfloat16)
        for_x = (g @ weight.to(torch.bfloat16)).reshape(ctx.shape).to(ctx.dtype)
        return for_x, (g.t() @ flat).to(weight.dtype)


class Fp8Linear(torch.nn.Linear):
    """A linear layer without bias whose forward product is taken in fp8."""

    def forward(self, x):
        return _Fp8Product.apply(x, self.weight)


def _fp8_works(device):
    """Tries one product and compares it: builds, drivers and chips differ too much to go by version numbers."""
    try:
        x = torch.randn(64, 64, device=device, dtype=torch.bfloat16)
        weight = torch.randn(64, 64, device=device, dtype=torch.bfloat16)
        exact = x.float() @ weight.float().t()
        error = (_scaled_product(x, weight).float() - exact).norm() / exact.norm()
        return bool(error < 0.1)
    except (AttributeError, RuntimeError, TypeError, ValueError, NotImplementedError):
        return False


def _autocast_works(device):
    try:
        x = torch.randn(16, 16, device=device)
        with torch.autocast(device.type, dtype=torch.bfloat16):
            return bool(torch.isfinite((x @ x).float()).all())
    except (RuntimeError, ValueError, TypeError):
        return False


def choose(wanted, device):
    """Returns (precision used, linear layer class, function that makes the autocast context)."""
    used = wanted
    if used == "fp8" and (device.type != "cuda" or not _fp8_works(device)):
        used = "bf16"
    # On a CPU without matrix units bf16 is emulated and several times slower than fp32.
    if used == "bf16" and (device.type == "cpu" or not _autocast_works(device)):
        used = "fp32"
    if used != wanted:
        print(f"note: precision {wanted} is not supported on this {device.type} device, using {used}", flush=True)
    linear = Fp8Linear if used == "fp8" else torch.nn.Linear
    if used == "fp32":
        return used, linear, contextlib.nullcontext
    return used, linear, lambda: torch.autocast(device.type, dtype=torch.bfloat16)
