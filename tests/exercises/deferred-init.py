"""Answers to the exercises on deferred initialisation, as learners may write them."""

LLAMA = "count = {}\ngigabytes = {}"
HALF = "counted = {}\nfirst = {}"
MIXED = "seed_then_build = {}\nseed_then_dry_run = {}"

SUMMARY = """
def summary(build, size):
    def report(module, args, output):
        {report}

    with torch.device("meta"):
        model = build()
    {count_early}
    for module in {modules}:
        if not list(module.children()):
            module.register_forward_hook(report)
    model(torch.empty(size, device="meta"))
    n = {count}
    {end}
"""
GOOD = {
    "report": "print(type(module).__name__, tuple(output.shape))",
    "count_early": "",
    "modules": "model.modules()",
    "count": "sum(p.numel() for p in model.parameters())",
    "end": "return n",
}
RESET = """
def reset_all(module):
    {first}
    if isinstance(module, nn.MultiheadAttention):
        nn.init.{weight}(module.in_proj_weight)
        nn.init.zeros_(module.in_proj_bias)
        {bias}
"""
WELL = {
    "first": "reset(module)",
    "weight": "xavier_uniform_",
    "bias": "nn.init.zeros_(module.out_proj.bias)",
}

WRONG = {
    "larger_llama": [
        LLAMA.format("13_015_864_320", 24.24),
        LLAMA.format("13_015_864_320", 52),
        LLAMA.format("13_015_864_320", 26e9),
        LLAMA.format("13e9", 26),
        LLAMA.format("13_015_859_200", 26),  # without the last normalisation
        LLAMA.format("6_738_415_616", 13.5),
        LLAMA.format("None", 26),
    ],
    "half_made": [
        HALF.format(7946, "'Linear'"),
        HALF.format("'ValueError'", "'Linear'"),
        HALF.format(1, "nn.Linear"),
        HALF.format(0, "'LazyLinear'"),
        HALF.format(0, "nn.LazyLinear"),
        HALF.format(0, "nn.LazyLinear(4)"),
    ],
    "mixed": [
        MIXED.format(2, 0),
        MIXED.format(0, 4),
        MIXED.format(2, 2),
        MIXED.format(0, 0),
        MIXED.format("None", 2),
    ],
    "summary": [
        SUMMARY.format(**GOOD | answer)
        for answer in (
            {"report": "print(type(module).__name__, tuple(args[0].shape))"},
            {"report": "print(tuple(output.shape))"},
            {"report": "print(type(module).__name__)"},
            {"report": "pass"},
            {"modules": "model.children()"},
            {"modules": "[model]"},
            {"count": "sum(p.numel() for p in model.parameters() if p.dim() > 1)"},
            {"count": "len(list(model.parameters()))"},
            {"count_early": "n = sum(p.numel() for p in model.parameters())"},
            {"end": "print(n)"},
            {"end": "return 61706"},
            {"end": "while True: pass"},
        )
    ]
    + [
        SUMMARY.format(**GOOD).replace("if not list(module.children())", "if True"),
        SUMMARY.format(**GOOD)
        .replace('torch.device("meta")', 'torch.device("cpu")')
        .replace('device="meta"', 'device="cpu"'),
        SUMMARY.format(**GOOD).replace(
            'with torch.device("meta")', "torch.set_default_device('meta')\n    if True"
        ),
        "summary = 61706",
    ],
    "reset_all": [
        RESET.format(**WELL | answer)
        for answer in (
            {"first": "pass"},
            {"first": "torch.manual_seed(0)\n    reset(module)"},
            {"weight": "xavier_normal_"},
            {"weight": "kaiming_uniform_"},
            {"weight": "zeros_"},
            {"bias": ""},
            {"bias": "nn.init.ones_(module.out_proj.bias)"},
            {"bias": "reset(module.out_proj)"},
            {"bias": "while True: pass"},
        )
    ]
    + [
        "reset_all = reset",
        "def reset_all(module):\n    for p in module.parameters():\n"
        "        nn.init.zeros_(p)",
    ],
}
RIGHT = {
    "larger_llama": [
        LLAMA.format("40 * 317_204_480 + 64_001 * 5120", 26),
        LLAMA.format("torch.tensor(13_015_864_320)", 26.03),
    ],
    "half_made": [
        HALF.format("0.0", "nn.Linear"),
        HALF.format(0, "'nn.Linear'"),
        HALF.format(0, "nn.Linear(3, 4)"),
    ],
    "mixed": [MIXED.format("torch.tensor(0)", "4 - 2")],
    "summary": [
        SUMMARY.format(
            **GOOD
            | {
                "report": "print(f'{type(module)}: {list(output.shape)}')",
                "end": "print('in all', n)\n    return n",
            }
        ),
        """
def summary(build, size):
    names = []

    def report(module, args, output):
        if next(module.children(), None) is None:
            print(f"{len(names)}: {module.__class__.__name__:12}{output.shape}")
            names.append(module)

    handle = nn.modules.module.register_module_forward_hook(report)
    with torch.device("meta"), torch.no_grad():
        net = build()
        net(torch.zeros(*size))
    handle.remove()
    return sum(t.numel() for t in net.state_dict().values())
""",
    ],
    "reset_all": [
        """
def reset_all(module):
    if isinstance(module, nn.MultiheadAttention):
        module._reset_parameters()
    else:
        reset(module)
""",
        """
def reset_all(module):
    if isinstance(module, nn.MultiheadAttention):
        module.in_proj_weight = nn.Parameter(
            nn.init.xavier_uniform_(torch.empty(module.in_proj_weight.shape))
        )
        with torch.no_grad():
            module.in_proj_bias.fill_(0)
            module.out_proj.bias.fill_(0)
    elif hasattr(module, "reset_parameters"):
        module.reset_parameters()
""",
    ],
}
SAME = {
    "summary": [  # what else stands in a line, and in which order, is free
        "print(type(module).__name__, tuple(output.shape)) → "
        "print(tuple(output.shape), type(module).__name__)",
        "print(type(module).__name__, tuple(output.shape)) → "
        "print(type(module).__name__, output.shape)",
    ],
}
