"""Device, preset and knobs of this run, from the environment that the runner gives."""

import json
import os

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
# The cpu preset divides by these: a job then takes seconds, and the knobs still mean what they say.
CPU_DIVISORS = {"d_model": 8, "d_ff": 8, "seq_len": 16, "n_head": 4}


def has_mps():
    backend = getattr(torch.backends, "mps", None)
    return backend is not None and backend.is_available()


def choose_device():
    """Returns (device, preset). NIGHTSHIFT_PRESET is cpu or full; without it the machine decides."""
    preset = os.environ.get("NIGHTSHIFT_PRESET") or ("full" if torch.cuda.is_available() or has_mps() else "cpu")
    if preset not in ("cpu", "full"):
        raise SystemExit(f"NIGHTSHIFT_PRESET must be cpu or full, got {preset}")
    if preset == "full" and torch.cuda.is_available():
        return torch.device("cuda"), preset
    if preset == "full" and has_mps():
        return torch.device("mps"), preset
    return torch.device("cpu"), preset


def read_knobs():
    """The menu's defaults, overlaid with the file named by NIGHTSHIFT_CONFIG."""
    with open(os.path.join(HERE, "menu.json"), encoding="utf-8") as file:
        knobs = {name: knob["default"] for name, knob in json.load(file)["knobs"].items()}
    path = os.environ.get("NIGHTSHIFT_CONFIG")
    if path:
        with open(path, encoding="utf-8") as file:
            given = json.load(file)
        unknown = sorted(set(given) - set(knobs))
        if unknown:
            raise SystemExit(f"{path}: unknown knob {unknown[0]}")
        knobs.update(given)
    return knobs


def shape_of(knobs, preset):
    """The model's sizes; on a CPU a fraction of them, and an eighth of the layers (24 becomes 3)."""
    shape = {name: knobs[name] for name in ("n_layer", "n_head", "d_model", "d_ff", "seq_len")}
    if preset == "cpu":
        shape = {name: value // CPU_DIVISORS.get(name, 1) for name, value in shape.items()}
        shape["n_layer"] = (knobs["n_layer"] + 4) // 8
    return shape


def report(values, step=None):
    """Appends metrics to the file that the runner reads; JSON has no NaN, so it goes as a word."""
    path = os.environ.get("NIGHTSHIFT_METRICS")
    if not path:
        return
    with open(path, "a", encoding="utf-8") as file:
        for name, value in values.items():
            is_finite = value == value and abs(value) != float("inf")
            point = {"name": name, "value": value if is_finite else str(value)}
            if step is not None:
                point["step"] = step
            file.write(json.dumps(point) + "\n")
