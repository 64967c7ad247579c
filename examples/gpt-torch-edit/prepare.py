"""Sealed: the text, the clock, the seed, the device, the progress lines and the form of the artifact.

The text is Python's own library source, which is on every machine with Python, or the files under NIGHTSHIFT_TEXT.
"""

import time

STARTED = time.time()  # before torch is imported: that is part of the budget

import hashlib  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import resource  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
import sysconfig  # noqa: E402

import torch  # noqa: E402

ARTIFACT = "model.pt"
MAX_FILE_BYTES = 100_000
MAX_TOTAL_BYTES = 24_000_000
MIN_TOTAL_BYTES = 500_000
HELD_OUT_SHARE = 0.12
SUFFIXES = (".py", ".txt", ".md", ".rst")
# Other people's packages differ from machine to machine; caches and the interpreter's configuration do too.
SKIPPED_FOLDERS = {"site-packages", "dist-packages", "__pycache__", "test", "tests", "idlelib"}
SKIPPED_FILES = ("_sysconfigdata",)
DIVERGED_LOSS = 100.0  # nats a byte; guessing costs 5.55
REPORT_EVERY_SECONDS = 2.0
# On a CPU: processor time as a share of the budget, so that a busy machine makes training slower and not worse.
PROCESSOR_SHARE = 1 / 6


def load_corpus():
    """Returns (train, held_out) as bytes. A file's side follows from the hash of its content: copies do not leak."""
    folder = os.environ.get("NIGHTSHIFT_TEXT") or sysconfig.get_paths()["stdlib"]
    sides = ([], [])
    seen = set()
    total = 0
    for path, names, files in os.walk(folder):
        names[:] = sorted(name for name in names if name not in SKIPPED_FOLDERS and not name.startswith("config-"))
        for name in sorted(files):
            file = os.path.join(path, name)
            if not name.endswith(SUFFIXES) or name.startswith(SKIPPED_FILES) or total >= MAX_TOTAL_BYTES:
                continue
            if not os.path.isfile(file):
                continue
            with open(file, "rb") as opened:
                data = opened.read(MAX_FILE_BYTES)
            digest = hashlib.sha256(data).digest()
            if len(data) < 200 or digest in seen:
                continue
            seen.add(digest)
            is_held_out = int.from_bytes(digest[:4], "big") / 2**32 < HELD_OUT_SHARE
            sides[is_held_out].append(data + b"\0")
            total += len(data) + 1
    if total < MIN_TOTAL_BYTES:
        raise SystemExit(f"only {total} bytes of text under {folder}: set NIGHTSHIFT_TEXT to a folder with more")
    return b"".join(sides[0]), b"".join(sides[1])


def choose_device():
    """The GPU if there is one, unless NIGHTSHIFT_PRESET=cpu. Everything but a CPU gets the full sizes."""
    if os.environ.get("NIGHTSHIFT_PRESET") != "cpu":
        if torch.cuda.is_available():
            return torch.device("cuda")
        backend = getattr(torch.backends, "mps", None)
        if backend is not None and backend.is_available():
            return torch.device("mps")
    return torch.device("cpu")


def report(values, step=None):
    """Appends metrics to the file that the runner reads; JSON has no NaN, so it goes as a word."""
    path = os.environ.get("NIGHTSHIFT_METRICS")
    if not path:
        return
    with open(path, "a", encoding="utf-8") as file:
        for name, value in values.items():
            is_finite = value == value and abs(value) != float("inf")
            point = {"name": name, "value": value if is_finite else str(value)}
            file.write(json.dumps(point if step is None else {**point, "step": step}) + "\n")


class Training:
    """One training: `device`, `text` (uint8 on the CPU), `generator` for choosing what to learn from, and the clock."""

    def __init__(self):
        if os.path.exists(ARTIFACT):
            os.remove(ARTIFACT)  # a failed training must not be judged by an earlier one's artifact
        self.device = choose_device()
        self.is_small = self.device.type == "cpu"
        self.budget = float(os.environ.get("NIGHTSHIFT_BUDGET_SECONDS") or (60 if self.is_small else 300))
        seed = int(os.environ.get("NIGHTSHIFT_SEED") or 1)
        torch.manual_seed(seed)
        self.generator = torch.Generator().manual_seed(seed)
        self.text = torch.frombuffer(bytearray(load_corpus()[0]), dtype=torch.uint8)
        self.steps, self.bytes_seen = 0, 0
        self._begun, self._loss, self._report_at, self._cut = time.time(), float("nan"), 0.0, []
        self._progress_begun = self._used()
        # The runner's INT at the end of the budget ends the loop and not the process: the artifact is still written.
        signal.signal(signal.SIGINT, lambda *_: self._cut.append(True))
        print(f"torch {torch.__version__}, {self.device.type}, {len(self.text)} bytes of text, budget {self.budget:g} s", flush=True)

    def _used(self):
        reserve = min(5.0, max(0.6, 0.02 * self.budget))  # for writing the artifact and leaving
        wall = (time.time() - STARTED) / (self.budget - reserve)
        return max(wall, time.process_time() / (PROCESSOR_SHARE * self.budget)) if self.is_small else wall

    def progress(self):
        """Share of the time for training that is used up, 0 to 1; stop at 1. Start-up has been taken off before."""
        if self._cut:
            return 1.0
        return min(1.0, (self._used() - self._progress_begun) / max(1e-9, 1 - self._progress_begun))

    def step_done(self, loss, count):
        """Call it after every step with its mean loss in nats (a float) and the bytes it predicted."""
        self.steps += 1
        self.bytes_seen += count
        self._loss = loss if self.steps == 1 else self._loss + (loss - self._loss) * max(0.1, 1 / self.steps)
        if not loss <= DIVERGED_LOSS:
            print(f"FAIL: training loss {loss} at step {self.steps}", flush=True)
            report({"train_loss": loss}, self.steps)
            sys.exit(1)
        now = time.time()
        if now >= self._report_at:
            self._report_at = now + REPORT_EVERY_SECONDS
            report({"train_loss": self._loss}, self.steps)
            rate = self.bytes_seen / max(1e-9, now - self._begun)
            print(f"step {self.steps}  loss {self._loss:.4f}  {rate:.0f} bytes/s  {now - self._begun:.0f} s", flush=True)

    def save(self, nodes, tensors, length):
        """Leaves model.pt: the nodes that network.py runs, their tensors, and the longest sequence they may be given."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
        if self.device.type == "cuda":
            peak = torch.cuda.max_memory_allocated() / 2**20
        stats = {
            "training_seconds": time.time() - self._begun,
            "peak_vram_mb": peak,
            "total_tokens_M": self.bytes_seen / 1e6,
            "num_steps": self.steps,
            "started": STARTED,
        }
        report({"train_loss": self._loss}, self.steps)
        state = {name: tensor.detach().float().cpu().contiguous() for name, tensor in tensors.items()}
        # Tensors and one string only: what every torch since 1.13 reads without unpickling code.
        torch.save({"state": state, "about": json.dumps({"nodes": nodes, "length": length, "stats": stats})}, ARTIFACT)
        print(f"trained {self.steps} steps, loss {self._loss:.4f}", flush=True)
