"""sh python.sh -m unittest: no operation looks ahead, and what is no model is refused."""

import unittest

import torch

from network import OPERATIONS, check, run

WIDTH = 8
OPTIONS = {"attention": {"heads": 2}, "scale": {"by": 0.5}, "shift": {"by": 2}}
SHAPES = {"embed": (256, WIDTH), "linear": (WIDTH, WIDTH), "bias": (WIDTH,), "gain": (WIDTH,)}


def model_with(op, **options):
    """An embedding, the operation, and a head."""
    torch.manual_seed(3)
    _, inputs, has_weight, _ = OPERATIONS[op]
    tensors = {"e": torch.randn(256, WIDTH), "h": torch.randn(256, WIDTH)}
    nodes = [{"name": "x", "op": "embed", "in": ["tokens"], "weight": "e"}]
    if op != "embed":
        nodes.append({"name": "y", "op": op, "in": ["x"] * inputs, **OPTIONS.get(op, {}), **options})
        if has_weight:
            tensors["w"] = torch.randn(*SHAPES[op])
            nodes[-1]["weight"] = "w"
    nodes.append({"name": "z", "op": "linear", "in": [nodes[-1]["name"]], "weight": "h"})
    return nodes, tensors


class Network(unittest.TestCase):
    def test_later_bytes_change_nothing(self):
        cases = [(op, {}) for op in OPERATIONS]
        cases += [("attention", {"window": 3}), ("attention", {"rotary": None}), ("attention", {"normalize": True})]
        tokens = torch.randint(0, 256, (2, 12))
        changed = tokens.clone()
        changed[:, 6:] = (changed[:, 6:] + 1) % 256
        for op, options in cases:
            nodes, tensors = model_with(op, **options)
            check(nodes, tensors)
            before, after = run(nodes, tensors, tokens), run(nodes, tensors, changed)
            self.assertEqual(before.shape, (2, 12, 256))
            self.assertTrue(torch.allclose(before[:, :6], after[:, :6], atol=1e-5), op)
            self.assertFalse(torch.allclose(before[:, 6:], after[:, 6:], atol=1e-5), op)

    def test_a_window_hides_what_is_further_back(self):
        nodes, tensors = model_with("attention", window=3)
        tokens = torch.randint(0, 256, (1, 12))
        changed = tokens.clone()
        changed[:, 0] = (changed[:, 0] + 1) % 256
        before, after = run(nodes, tensors, tokens), run(nodes, tensors, changed)
        self.assertTrue(torch.allclose(before[:, 3:], after[:, 3:], atol=1e-5))

    def test_what_is_no_model_is_refused(self):
        nodes, tensors = model_with("gelu")
        for change, message in [
            ({"op": "eval"}, "no operation eval"),
            ({"in": ["z"]}, "takes 1 nodes from before it"),
            ({"in": ["tokens"]}, "tokens go to embed"),
            ({"by": 1}, "has no option by"),
            ({"name": "x"}, "two nodes are called x"),
        ]:
            with self.assertRaisesRegex(ValueError, message):
                check([nodes[0], {**nodes[1], **change}, *nodes[2:]], tensors)
        with self.assertRaisesRegex(ValueError, "needs a weight"):
            check(nodes, {"e": tensors["e"]})

    def test_shift_looks_back_only(self):
        nodes, tensors = model_with("shift", by=-1)
        with self.assertRaisesRegex(ValueError, "looks back"):
            run(nodes, tensors, torch.zeros(1, 4, dtype=torch.long))


if __name__ == "__main__":
    unittest.main()
