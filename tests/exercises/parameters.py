"""Answers to the exercises of the lesson on parameters, as learners may write them."""

THREE_POINT = """
@torch.no_grad()
def three_point_(weight):
    a = {a}
    u = torch.rand(weight.shape)
    weight.copy_({fill})
    return weight
"""
FILL = "a * ((u > 0.75).float() - (u < 0.25).float())"

WRONG = {
    "small_network": [
        "shapes = {'0.weight': (3, 4), '0.bias': (4,), '2.weight': (4, 1),"
        " '2.bias': (1,)}\ncount = 21",
        "shapes = {'0.weight': (4, 3), '0.bias': (4,), '1.weight': (1, 4),"
        " '1.bias': (1,)}\ncount = 21",
        "shapes = {'0.weight': (4, 3), '0.bias': (4,), '2.weight': (1, 4),"
        " '2.bias': (1,)}\ncount = 16",
        "shapes = [(4, 3), (4,), (1, 4), (1,)]\ncount = 21",
    ],
    "claims": ["wrong = {'a'}", "wrong = {'a', 'b', 'd'}", "wrong = 'abcd'"],
    "three_point": [
        THREE_POINT.format(a="2 / weight.shape[0] ** 0.5", fill=FILL),
        THREE_POINT.format(a="2.2 / weight.shape[1] ** 0.5", fill=FILL),
        THREE_POINT.format(a="2 / 20 ** 0.5", fill=FILL),
        THREE_POINT.format(a="2 / weight.shape[1] ** 0.5", fill="a * (u - 0.5).sign()"),
        THREE_POINT.format(a="2 / weight.shape[1] ** 0.5", fill=FILL).replace(
            "torch.rand(weight.shape)", "torch.empty(weight.shape)"
        ),
        "def three_point_(weight):\n    while True:\n        pass",
        "def three_point_(weight):\n    return torch.zeros(2)",
    ],
    "untie": [
        "def untie(net):\n    net[4] = copy.deepcopy(net[2])\n    return net",
        "def untie(net):\n    return copy.deepcopy(net)",
        "def untie(net):\n    net = copy.deepcopy(net)\n"
        "    net[4] = nn.Linear(*net[2].weight.shape)\n    return net",
    ],
}
RIGHT = {
    "small_network": [
        "shapes = {'2.bias': [1], '2.weight': [1, 4], '0.bias': [4],"
        " '0.weight': [4, 3]}\ncount = 21.0"
    ],
    "claims": ["wrong = ['d', 'a']"],
    "three_point": [THREE_POINT.format(a="(4 / weight.shape[1]) ** 0.5", fill=FILL)],
    "untie": [
        "def untie(net):\n    other = copy.deepcopy(net)\n"
        "    layer = nn.Linear(*net[2].weight.shape)\n"
        "    layer.load_state_dict(net[2].state_dict())\n"
        "    other[4] = layer\n    return other"
    ],
}
FITTED = {  # to the numbers that the open seed draws: hidden tests refuse it
    "three_point": THREE_POINT.format(a="2 / {n} ** 0.5", fill=FILL)
}
SAME = {  # alterations of the solution that are right too
    "small_network": ["3 * 4 + 4 + 4 * 1 → 3 * 4 + 4 + 4 / 1"],
    "three_point": [
        "1.0 → -1.0",
        "factor * 2 → factor * -2",
        "weight[u < 0.25] → weight[u <= 0.25]",
        "weight[u > 0.75] → weight[u >= 0.75]",
    ],
}
