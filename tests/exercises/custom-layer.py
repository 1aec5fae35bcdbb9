"""Answers to the exercises on custom layers, as learners may write them."""

SAFE = """
class SafeRMSNorm(RMSNorm):
    def forward(self, x):
        {lines}
"""
MENDED = """
class Mended(nn.Module):
    def __init__(self, n):
        super().__init__()
        {init}

    def forward(self, x):
        {forward}
"""
NAMED = """self.factor = nn.Parameter(torch.ones(n))
        self.shift = nn.Parameter(torch.zeros(n))"""
CENTRED = "return self.factor * (x - x.mean(-1, keepdim=True)) + self.shift"
LAYER = """
class {name}(nn.Module):
    def __init__(self, a, b, device=None, dtype=None):
        super().__init__()
        self.a, self.b = a, b
        {init}
        self.reset_parameters()

    def reset_parameters(self):
        {reset}

    def forward(self, x):
        return {y}

    def extra_repr(self):
        return {printed}
"""
DENSE = {
    "name": "Dense",
    "init": "self.weight = nn.Parameter(torch.empty(b, a, device=device, dtype=dtype))"
    "\n        self.bias = nn.Parameter(torch.empty(b, device=device, dtype=dtype))",
    "reset": "for p in (self.weight, self.bias):"
    "\n            nn.init.uniform_(p, -(self.a**-0.5), self.a**-0.5)",
    "y": "x @ self.weight.mT + self.bias",
    "printed": "f'in_features={self.a}, out_features={self.b}'",
}
QUAD = {
    "name": "Quad",
    "init": "self.W = nn.Parameter(torch.empty(b, a, a, device=device, dtype=dtype))",
    "reset": "nn.init.xavier_uniform_(self.W)",
    "y": "((x @ self.W) * x).sum(-1).T",
    "printed": "f'{self.a}, {self.b}'",
}

WRONG = {
    "safe": [
        SAFE.format(lines="return super().forward(x)"),
        SAFE.format(lines="return super().forward(x.clamp(-255, 255))"),
        SAFE.format(lines="return super().forward(x.float())"),
        SAFE.format(lines="return super().forward(x.float()).to(x.dtype)"),
        SAFE.format(
            lines="return nn.functional.rms_norm(x, (self.n,), None, self.eps)"
        ),
        SAFE.format(lines="return nn.functional.rms_norm(x, (self.n,), self.weight)"),
        SAFE.format(lines="while True: pass"),
        "SafeRMSNorm = RMSNorm(2)",
    ],
    "mended": [
        MENDED.format(
            init=NAMED,
            forward="return self.factor * (x - x.mean()) + self.shift",
        ),
        MENDED.format(
            init=NAMED,
            forward="x -= x.mean(dim=-1, keepdim=True)\n"
            "        return self.factor * x + self.shift",
        ),
        MENDED.format(
            init="self.factor, self.shift = torch.ones(n), torch.zeros(n)",
            forward=CENTRED,
        ),
        MENDED.format(
            init=NAMED,
            forward="return self.factor * (x - x.mean(0, keepdim=True)) + self.shift",
        ),
        MENDED.format(
            init=NAMED,
            forward="m = x.data.mean(-1, keepdim=True)\n"
            "        return self.factor * (x - m) + self.shift",
        ),
        MENDED.format(init=NAMED, forward=CENTRED.replace("+ self", "- self")),
    ],
    "dense": [
        LAYER.format(**DENSE | {"y": "x @ self.weight.mT"}),
        LAYER.format(**DENSE | {"y": "x @ self.weight.data.mT + self.bias"}),
        LAYER.format(**DENSE | {"init": DENSE["init"].replace("b, a", "a, b")}),
        LAYER.format(**DENSE | {"init": DENSE["init"].replace(", dtype=dtype", "")}),
        LAYER.format(**DENSE | {"printed": "''"}),
        LAYER.format(
            **DENSE
            | {
                "reset": DENSE["reset"].replace(
                    "weight, self.bias", "bias, self.weight"
                )
            }
        ),
        LAYER.format(**DENSE | {"reset": "torch.manual_seed(0)"}),
        "Dense = nn.Linear(3, 2)",
    ],
    "quad": [
        LAYER.format(**QUAD | {"y": "torch.einsum('bi,kij,bj->k', x, self.W, x)"}),
        LAYER.format(**QUAD | {"y": "torch.einsum('bi,kii,bi->bk', x, self.W, x)"}),
        LAYER.format(**QUAD | {"y": "((x @ self.W.data) * x).sum(-1).T"}),
        LAYER.format(**QUAD | {"init": QUAD["init"].replace("b, a, a", "a, a, b")}),
        LAYER.format(**QUAD | {"init": QUAD["init"].replace("device=device, ", "")}),
        LAYER.format(**QUAD | {"reset": "pass"}),
        LAYER.format(**QUAD | {"reset": "while True: pass"}),
    ],
    "enough": ["enough = 30", "enough = 75", "enough = 46"],
}
RIGHT = {
    "safe": [
        SAFE.format(
            lines="return nn.functional.rms_norm(x, (self.n,), self.weight, self.eps)"
        ),
        SAFE.format(
            lines="most = x.abs().amax(-1, keepdim=True)\n"
            "        square = (x / most).pow(2).mean(-1, keepdim=True)\n"
            "        y = x / most / (square + self.eps / most / most).sqrt()\n"
            "        return y * self.weight"
        ),
        SAFE.format(lines="return super().forward(x.double()).to(x.dtype)"),
    ],
    "mended": [
        MENDED.format(
            init="self.both = nn.Parameter(torch.stack([torch.ones(n), "
            "torch.zeros(n)]))",
            forward="return self.both[0] * (x - x.mean(-1, True)) + self.both[1]",
        ),
        MENDED.format(
            init="self.both = nn.ParameterList([torch.zeros(n), torch.ones(n)])",
            forward="return self.both[1] * (x - x.mean(-1, True)) + self.both[0]",
        ),
    ],
    "dense": [LAYER.format(**DENSE), "class Dense(nn.Linear):\n    pass"],
    "quad": [
        LAYER.format(**QUAD),
        LAYER.format(**QUAD | {"y": "nn.functional.bilinear(x, x, self.W)"}),
    ],
    "enough": ["enough = 3 * 5 * 6 / 2"],
}
SAME = {  # alterations of the solution that are right too
    "safe": [
        "wide = torch.promote_types(x.dtype, torch.float32) → "
        "wide = torch.promote_types(torch.float32, x.dtype)"
    ],
    "mended": ["-1 → --1"],
    "quad": [  # how large the first numbers are is free
        "1 / self.n → 2 / self.n",
        "nn.init.normal_(self.weight, std=1 / self.n) → nn.init.normal_(self.weight)",
        "std=1 / self.n → std=1 * self.n",
    ],
}
