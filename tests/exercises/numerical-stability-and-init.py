"""Answers to the exercises on numerical stability, as learners may write them."""

SIGMAS = "sigma_forward = {}\nsigma_back = {}"
NOT_ZERO = "relu = {}\nsigmoid = {}"
GAINS = "gain_abs = {}\ngain_leaky = {}"
ALTERNATING = "fan_in = {}\nfan_out = {}\nxavier = {}"

CALIBRATE = """
@torch.no_grad()
def calibrate(net, X):
    outs = []
    for m in {modules}:
        if isinstance(m, nn.Linear):
            {bias}
            hook = m.register_forward_hook(lambda layer, args, out: outs.append(out))
            net(X)
            {remove}
            {scale}
"""
PASSES = {
    "modules": "net.modules()",
    "bias": "nn.init.zeros_(m.bias)",
    "remove": "hook.remove()",
    "scale": "m.weight /= rms(outs[-1])",
}
ONE_BY_ONE = """
def calibrate(net, X):
    for layer in net:
        if isinstance(layer, nn.Linear):
            layer.bias.data.zero_()
            layer.weight.data /= rms(layer(X))
        X = layer(X)
"""
HOOKS = """
@torch.no_grad()
def calibrate(net, X):
    def scale(layer, args, out):
        layer.bias.zero_()
        layer.weight /= rms(layer.weight @ args[0].mT)
        {last}

    hooks = [m.register_forward_hook(scale) for m in net.modules() if {linear}]
    net(X)
    for hook in hooks:
        hook.remove()
"""
LINEAR = "isinstance(m, nn.Linear)"

WRONG = {
    "sigmas": [
        SIGMAS.format(0.141, 0.082),
        SIGMAS.format(0.082, 0.082),
        SIGMAS.format(0.058, 0.1),
        SIGMAS.format("2 / 300", "2 / 100"),
        SIGMAS.format(0.1, 0.1),
    ],
    "not_zero": [
        NOT_ZERO.format("[]", "['2.weight', '2.bias']"),
        NOT_ZERO.format("['2.bias']", "['2.bias']"),
        NOT_ZERO.format("['2.weight', '2.bias']", "['2.weight', '2.bias']"),
        NOT_ZERO.format("['0.bias', '2.bias']", "['2.weight', '2.bias']"),
        NOT_ZERO.format("['1.bias']", "['1.weight', '1.bias']"),
        NOT_ZERO.format("1", "2"),
    ],
    "gains": [
        GAINS.format("math.sqrt(2)", "math.sqrt(2 / 1.25)"),
        GAINS.format(1, "math.sqrt(2)"),
        GAINS.format(1, 1.6),
        GAINS.format(1, "math.sqrt(2 / 1.5)"),
        GAINS.format(1, 1.3),
    ],
    "alternating": [
        ALTERNATING.format("1, 1", "1, 1", "1, 1"),
        ALTERNATING.format("1, 1", "1, 1", "0.8**50, 0.8**50"),
        ALTERNATING.format("1, 1", "2**25, 2**-25", "0.8**25, 0.8**25"),
        ALTERNATING.format("0.52, 0.78", "0.52, 0.78", "0.0019, 0.0029"),
        ALTERNATING.format("1", "1", "0.8**25"),
        ALTERNATING.format("[1]", "[1]", "[0.8**25]"),
    ],
    "calibrate": [
        *(
            CALIBRATE.format(**PASSES | answer)
            for answer in (
                {"modules": "net"},
                {"modules": "reversed(list(net.modules()))"},
                {"bias": "pass"},
                {"remove": "pass"},
                {"scale": "m.weight /= outs[-1].std()"},
                {"scale": "m.weight /= outs[-1].square().mean()"},
                {"scale": "m.weight /= -rms(outs[-1])"},
                {"scale": "m.weight /= rms(m.weight)"},
                {"scale": "m.weight /= outs[-1].square().mean(0).sqrt()[:, None]"},
                {"scale": "m.weight = nn.Parameter(m.weight / rms(outs[-1]), False)"},
                {"scale": "nn.init.kaiming_normal_(m.weight, nonlinearity='relu')"},
            )
        ),
        ONE_BY_ONE,
        HOOKS.format(last="", linear=LINEAR),
        HOOKS.format(last="return layer(args[0])", linear=LINEAR),
        "def calibrate(net, X):\n    while True:\n        pass",
    ],
}
RIGHT = {
    "sigmas": [
        SIGMAS.format("math.sqrt(2 / 300)", "math.sqrt(2 / 100)"),
        SIGMAS.format("torch.tensor(0.0816)", 0.14),
    ],
    "not_zero": [
        NOT_ZERO.format("{'2.bias'}", "('2.bias', '2.weight')"),
        NOT_ZERO.format("'2.bias'", "['2.bias', '2.weight']"),
    ],
    "gains": [
        GAINS.format(1, 1.26),
        GAINS.format(
            "nn.init.calculate_gain('linear')",
            "nn.init.calculate_gain('leaky_relu', 0.5)",
        ),
    ],
    "alternating": [
        ALTERNATING.format("(1.0, 1.0)", "[1.0, 1.0]", "0.8**25, 0.8**25"),
        ALTERNATING.format("torch.ones(2)", "(1, 1)", "(0.004, 0.004)"),
    ],
    "calibrate": [
        CALIBRATE.format(**PASSES),
        CALIBRATE.format(
            **PASSES
            | {
                "bias": "pass",
                "scale": "size = rms(outs[-1]); m.weight /= size; m.bias /= size",
            }
        ),
        CALIBRATE.format(
            **PASSES | {"scale": "m.weight = nn.Parameter(m.weight / rms(outs[-1]))"}
        ),
        HOOKS.format(last="return args[0] @ layer.weight.T", linear=LINEAR),
    ],
}
SAME = {}
