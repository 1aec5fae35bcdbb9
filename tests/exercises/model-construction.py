"""Answers to the exercises of the lesson on model construction, as learners write."""

PUZZLE = "parameters = {}\nkeys = {}"
LISTED = "['shift', 'first.weight', 'first.bias', 'rest.1.weight', 'rest.1.bias']"
KEYS = "[*parameters, 'scale', 'again.weight', 'again.bias']"

MENDED = """
class Mended(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = {layers}
        self.head = nn.Linear(4, 1)
        {mean}

    def forward(self, X):
        X = X - self.mean
        for layer in self.layers:
            X = {relu}(layer(X))
        return self.head{forward}(X)
"""
MEND = {
    "layers": "nn.ModuleList([nn.Linear(2, 4), nn.Linear(4, 4)])",
    "mean": "self.register_buffer('mean', torch.tensor([1.0, -1.0]))",
    "relu": "torch.relu",
    "forward": "",
}

RESIDUAL = """
class Residual(nn.Module):
    def __init__(self, f):
        super().__init__()
        {keep}

    def forward(self, X):
        {compute}
"""
RIGHT_RESIDUAL = RESIDUAL.format(keep="self.f = f", compute="return X + self.f(X)")
CHAIN = """
def chain(width, depth):
    {layer}
    return nn.Sequential(*({block} for _ in range(depth)))


def count(width, depth):
    return {count}
"""
EACH = {
    "layer": "pass",
    "block": "Residual(nn.Linear(width, width))",
    "count": "depth * width * (width + 1)",
}

FIRST_NAN = """
def first_nan(model, X):
    found, handles = [], []
    for name, module in model.named_modules():

        def look(module, args, output, name=name):
            parts = output if isinstance(output, tuple) else [output]
            if {spoilt}:
                found.append(name)

        handles.append(module.register_forward_hook(look))
    {run}
    for handle in handles:
        handle.remove()
    return {answer}
"""
LOOK = {
    "spoilt": "any(part.isnan().any() for part in parts)",
    "run": "try:\n        model(X)\n    except RuntimeError:\n        pass",
    "answer": "found[0] if found else None",
}

LEAVES = """next((
        name
        for name, module in model.named_modules()
        if name in found and not list(module.children())
    ), None)"""

WRONG = {
    "puzzle": [
        PUZZLE.format(LISTED[:-1] + ", 'spare.x.weight']", KEYS),
        PUZZLE.format(LISTED.replace("'shift', ", "")[:-1] + ", 'shift']", KEYS),
        PUZZLE.format(LISTED.replace("rest.1", "rest.0"), KEYS),
        PUZZLE.format(LISTED, "[*parameters, 'scale']"),
        PUZZLE.format(LISTED, "parameters"),
        PUZZLE.format(LISTED, "parameters + parameters"),
        PUZZLE.format(LISTED, "[*parameters, 'scale', 'again.weight', 'shift']"),
        PUZZLE.format(LISTED[:-1] + ", 'shift']", KEYS),
        PUZZLE.format("'shift'", KEYS),
        PUZZLE.format("5", "8"),
    ],
    "mended": [
        MENDED.format(**MEND).replace("super().__init__()", "pass"),
        MENDED.format(**MEND | {"layers": "[nn.Linear(2, 4), nn.Linear(4, 4)]"}),
        MENDED.format(**MEND | {"mean": "self.mean = torch.tensor([1.0, -1.0])"}),
        MENDED.format(
            **MEND | {"mean": "self.mean = nn.Parameter(torch.tensor([1.0, -1.0]))"}
        ),
        MENDED.format(
            **MEND | {"mean": MEND["mean"].replace("]))", "]), persistent=False)")}
        ),
        MENDED.format(**MEND | {"forward": ".forward"}),
        MENDED.format(**MEND | {"relu": ""}),
        MENDED.format(**MEND).replace("self.mean", "torch.tensor([1.0, -1.0])"),
        "def Mended():\n    return [nn.Linear(2, 4)]",
    ],
    "residual": [
        RESIDUAL.format(keep="self.f = f", compute="return self.f(X)"),
        RESIDUAL.format(keep="self.f = f", compute="return X + self.f.forward(X)"),
        RESIDUAL.format(keep="self.f = [f]", compute="return X + self.f[0](X)"),
        RESIDUAL.format(keep="self.f = f", compute="X += self.f(X)\n        return X"),
        RESIDUAL.format(keep="self.f = f", compute="return (X + self.f(X)).sum()"),
        RIGHT_RESIDUAL.replace("super().__init__()", "pass"),
    ],
    "chain": [
        RIGHT_RESIDUAL + CHAIN.format(**EACH | answer)
        for answer in (
            {"layer": "one = nn.Linear(width, width)", "block": "Residual(one)"},
            {
                "layer": "one = Residual(nn.Linear(width, width))",
                "block": "one",
            },
            {"block": "nn.Linear(width, width)"},
            {"count": "depth * width**2"},
            {"count": "depth * (width**2 + 1)"},
            {"count": "90"},
        )
    ],
    "first_nan": [
        FIRST_NAN.format(**LOOK | answer)
        for answer in (
            {"answer": "found[-1] if found else None"},
            {"answer": "(found[0] or None) if found else None"},
            {"answer": "model.get_submodule(found[0])"},
            {"run": "model(X)"},
            {"spoilt": "output.isnan().any()"},
            {"spoilt": "not all(part.isfinite().all() for part in parts)"},
            {"spoilt": "parts[0].isnan().any()"},
            {"answer": "[n for n, _ in model.named_modules() if n in found][-1]"},
            {"answer": "found[0] if found and model(X).isnan().any() else None"},
            {"answer": LEAVES},
        )
    ]
    + [
        FIRST_NAN.format(**LOOK).replace("handle.remove()", "pass"),
        FIRST_NAN.format(**LOOK).replace(
            "handle.remove()", "[m._forward_hooks.clear() for m in model.modules()]"
        ),
        "def first_nan(model, X):\n    while True:\n        pass",
    ],
}
RIGHT = {
    "puzzle": [PUZZLE.format(LISTED, "set(" + KEYS + ")")],
    "mended": [
        """
class Mended(nn.Module):
    def __init__(self):
        super().__init__()
        mean = torch.tensor([[1, -1]])
        self.register_buffer("shift", mean)
        layers = [nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU()]
        self.all = nn.Sequential(*layers, nn.Linear(4, 1))

    def forward(self, X):
        return self.all(X - self.shift)
"""
    ],
    "residual": [
        "class Residual(nn.Sequential):\n    def forward(self, X):\n"
        "        return super().forward(X).add(X)"
    ],
    "chain": [
        """
class Residual(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.part = f

    def forward(self, X):
        return torch.add(self.part(X), X)


def chain(width, depth):
    net = nn.Sequential()
    while len(net) < depth:
        net.append(Residual(nn.Linear(width, width)))
    return net


def count(width, depth):
    return sum(p.numel() for p in chain(width, depth).parameters())
"""
    ],
    "first_nan": [
        FIRST_NAN.format(**LOOK),
        """
def first_nan(model, X):
    found = None

    def look(module, args, output):
        nonlocal found
        tensors = output if isinstance(output, tuple) else (output,)
        if found is None and any((t != t).any() for t in tensors):
            found = next(n for n, m in model.named_modules() if m is module)

    with nn.modules.module.register_module_forward_hook(look):
        model(X)
    return found
""",
    ],
}
SAME = {}
