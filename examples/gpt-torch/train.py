"""Trains a GPT for NIGHTSHIFT_BUDGET_SECONDS of wall time, start-up included, and writes model.pt."""

import time

STARTED = time.time()  # before torch is imported: that is part of the budget

import json  # noqa: E402
import math  # noqa: E402
import os  # noqa: E402
import resource  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402

import precision  # noqa: E402
from model import GPT, HAS_SDPA, VOCABULARY  # noqa: E402
from prepare import load_corpus  # noqa: E402
from settings import choose_device, read_knobs, report, shape_of  # noqa: E402

DIVERGED_LOSS = 100.0  # nats a byte; guessing costs 5.55
FINAL_RATE = 0.1  # share of the peak at the end of the cosine
REPORT_EVERY_SECONDS = 2.0
# Dense bf16 peaks in TFLOP/s from NVIDIA's data sheets, by a word of the device's name.
PEAK_TFLOPS = {"H200": 989, "H100": 989, "A100": 312, "GB10": 125, "L40S": 362, "4090": 165}


def reserve_seconds(budget):
    """Kept back for writing the checkpoint and leaving."""
    return min(5.0, max(0.6, 0.02 * budget))


def make_optimizer(model, knobs, device):
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": matrices, "weight_decay": knobs["weight_decay"]}, {"params": vectors, "weight_decay": 0.0}]
    settings = {"lr": knobs["lr"], "betas": (knobs["beta1"], knobs["beta2"])}
    if device.type == "cuda":
        try:
            return torch.optim.AdamW(groups, fused=True, **settings)
        except (TypeError, RuntimeError):
            pass  # torch before 2.0
    return torch.optim.AdamW(groups, **settings)


def rate_at(step, done, knobs):
    """Linear warm-up by steps, then a cosine over the elapsed share of the budget."""
    if step < knobs["lr_warmup"]:
        return knobs["lr"] * (step + 1) / (knobs["lr_warmup"] + 1)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
    return knobs["lr"] * (FINAL_RATE + (1 - FINAL_RATE) * cosine)


def synchronize(device):
    if device.type == "cuda":
        torch.cuda.synchronize()


def peak_flops(device):
    """From the data sheet where the device is known, else what one large product reaches here and now."""
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
        for word, teraflops in PEAK_TFLOPS.items():
            if word in name:
                return teraflops * 1e12
    size = 512 if device.type == "cpu" else 4096
    a = torch.randn(size, size, device=device)
    best = 0.0
    for _ in range(4):
        synchronize(device)
        begun = time.perf_counter()
        float((a @ a)[0, 0])
        best = max(best, 2 * size**3 / (time.perf_counter() - begun))
    return best


def peak_memory_mb(device):
    """Of the GPU; on a CPU the resident memory of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    if device.type == "mps" and hasattr(torch, "mps") and hasattr(torch.mps, "driver_allocated_memory"):
        return torch.mps.driver_allocated_memory() / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def main():
    if os.path.exists("model.pt"):
        os.remove("model.pt")  # a failed training must not be judged by an earlier one's checkpoint
    device, preset = choose_device()
    budget = float(os.environ.get("NIGHTSHIFT_BUDGET_SECONDS") or (12 if preset == "cpu" else 300))
    knobs = read_knobs()
    shape = shape_of(knobs, preset)
    seed = int(os.environ.get("NIGHTSHIFT_SEED") or 1)
    torch.manual_seed(seed)
    sampler = torch.Generator().manual_seed(seed)
    used, linear, autocast = precision.choose(knobs["precision"], device)
    text = torch.frombuffer(bytearray(load_corpus()[0]), dtype=torch.uint8)
    model = GPT(shape, linear).to(device)
    optimizer = make_optimizer(model, knobs, device)
    peak = peak_flops(device)
    parameters = sum(p.numel() for p in model.parameters())
    attention = "SDPA" if HAS_SDPA else "plain attention"
    print(f"torch {torch.__version__}, {device.type}, preset {preset}, {used}, {attention}", flush=True)
    print(f"{parameters / 1e6:.2f}M parameters, {len(text)} bytes of text, budget {budget:g} s, {shape}", flush=True)

    # The runner's INT at the end of the budget ends the loop and not the process: the checkpoint is still written.
    interrupted = []
    signal.signal(signal.SIGINT, lambda *_: interrupted.append(True))

    batch, length = knobs["batch_size"], shape["seq_len"]
    offsets = torch.arange(length + 1)
    end = STARTED + budget - reserve_seconds(budget)
    begun = time.time()
    step, smoothed, slowest, report_at = 0, float("nan"), 0.0, begun + REPORT_EVERY_SECONDS
    # A step that would run past the end is not begun; one step is always made.
    while step == 0 or (time.time() + slowest < end and not interrupted):
        step_begun = time.time()
        starts = torch.randint(0, len(text) - length, (batch, 1), generator=sampler)
        window = text[starts + offsets].long().to(device)
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, (step_begun - begun) / max(1e-9, end - begun), knobs)
        with autocast():
            logits = model(window[:, :-1])
            loss = F.cross_entropy(logits.reshape(-1, VOCABULARY), window[:, 1:].reshape(-1))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), knobs["grad_clip"])
        optimizer.step()
        value = loss.item()
        step += 1
        if not value <= DIVERGED_LOSS:
            print(f"FAIL: training loss {value} at step {step}", flush=True)
            report({"train_loss": value}, step)
            return 1
        now = time.time()
        if step > 2:  # the first steps compile kernels and fill caches
            slowest = max(0.9 * slowest, now - step_begun)  # one hiccup is forgotten after some steps
        smoothed = value if step == 1 else smoothed + (value - smoothed) * max(0.1, 1 / step)
        if now >= report_at:
            report_at = now + REPORT_EVERY_SECONDS
            rate = step * batch * length / (now - begun)
            report({"train_loss": smoothed, "tokens_per_second": rate}, step)
            print(f"step {step}  loss {smoothed:.4f}  {rate:.0f} bytes/s  {now - begun:.0f} s", flush=True)

    seconds = time.time() - begun
    tokens = step * batch * length
    stats = {
        "training_seconds": seconds,
        "peak_vram_mb": peak_memory_mb(device),
        "mfu_percent": 100 * model.flops_per_token() * tokens / seconds / peak,
        "total_tokens_M": tokens / 1e6,
        "num_steps": step,
        "num_params_M": parameters / 1e6,
        "depth": shape["n_layer"],
    }
    report({"train_loss": smoothed, **stats}, step)
    state = {name: tensor.cpu() for name, tensor in model.state_dict().items()}
    # Tensors and one string only: what every torch since 1.13 reads without unpickling code.
    about = json.dumps({"shape": shape, "stats": stats, "started": STARTED})
    torch.save({"state": state, "about": about}, "model.pt")
    print(f"trained {step} steps in {seconds:.1f} s, loss {smoothed:.4f}", flush=True)
    if not os.environ.get("NIGHTSHIFT_CONFIG"):
        import evaluate  # run by hand: there is no evaluate phase, so the summary is printed here

        return evaluate.main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
