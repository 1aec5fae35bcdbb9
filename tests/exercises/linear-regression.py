"""Answers to the exercises of the lesson on linear regression, as learners write."""

LAYER = "weight = {}\nbias = {}\ncount = {}"
FLAT = "weights = {}\nbias = {}"
CORRELATED = "curvatures = {}\nlimit = {}\nscatter = {}"

ACCUMULATE = """
def accumulate(net, X, y, sizes):
    for X_part, y_part in zip(X.split(sizes), y.split(sizes)):
        loss = loss_fn(net(X_part), y_part)
        ({loss}).backward()
        {more}
"""
PARTS = {"loss": "loss * len(X_part) / len(X)", "more": ""}

LOSSES = """
def mean_losses(X, y, X_val, y_val, size):
    train, val = [], []
    for part in range(0, len(X), size):
        A, targets = {A}, y[part : part + size]
        fit = torch.linalg.solve(A.T @ A, A.T @ targets)
        train.append({train})
        val.append(loss_fn({A_val} @ fit, y_val))
    return {answer}
"""
FITS = {
    "A": "with_ones(X[part : part + size])",
    "A_val": "with_ones(X_val)",
    "train": "loss_fn(A @ fit, targets)",
    "answer": "sum(train) / len(train), sum(val) / len(val)",
}

WRONG = {
    "linear_layer": [
        LAYER.format("(20, 256)", "(256,)", 5376),
        LAYER.format("(256, 20)", "(256)", 5376),
        LAYER.format("(256, 20)", "(20,)", 5376),
        LAYER.format("(256, 20)", "(256, 1)", 5376),
        LAYER.format("(256, 20)", "(256,)", 5120),
        LAYER.format("5120", "(256,)", 5376),
    ],
    "flat_target": [
        FLAT.format("[3.0, -2.0]", "1.0"),
        FLAT.format("[0.0, 0.0]", "1.0"),
        FLAT.format("[0.0, 0.0]", "0.0"),
        FLAT.format("[0.0, 0.0]", "y"),
        FLAT.format("0.0", "y.mean()"),
        FLAT.format("[0.0, 1.0]", "y.mean()"),
    ],
    "accumulation": [
        ACCUMULATE.format(**PARTS | answer)
        for answer in (
            {"loss": "loss"},
            {"loss": "loss / len(sizes)"},
            {"loss": "loss / len(X)"},
            {"loss": "loss * len(X_part)"},
            {"more": "torch.optim.SGD(net.parameters(), lr=0.1).step()"},
            {"more": "net.zero_grad()"},
        )
    ]
    + [
        "def accumulate(net, X, y, sizes):\n    loss_fn(net(X), y).backward()",
        "def accumulate(net, X, y, sizes):\n"
        "    total = 0\n"
        "    for X_part, y_part in zip(X.split(sizes), y.split(sizes)):\n"
        "        total = total + ((net(X_part) - y_part) ** 2).sum()\n"
        "    (total / len(X)).backward()",
        "def accumulate(net, X, y, sizes):\n    for part in X.split(250):\n"
        "        loss_fn(net(part), y[: len(part)]).backward()",
        "def accumulate(net, X, y, sizes):\n    while True:\n        pass",
    ],
    "mean_losses": [
        LOSSES.format(**FITS | answer)
        for answer in (
            {"A": "X[part : part + size]", "A_val": "X_val"},
            {"A_val": "with_ones(X_val)[:size]"},
            {"train": "((A @ fit - targets) ** 2).sum()"},
            {"answer": "train, val"},
            {"answer": "sum(val) / len(val), sum(train) / len(train)"},
            {"answer": "sum(train) / len(train)"},
            {"answer": "train[0], val[0]"},
            {"answer": "0.175, 0.37"},
        )
    ]
    + [LOSSES.format(**FITS).replace("size]", "10]").replace("X), size", "X), 10")],
    "correlated": [
        CORRELATED.format("[1.95, 1, 0.05]", 0.51, 0.05),
        CORRELATED.format("[3.9, 0.1]", 0.51, 0.05),
        CORRELATED.format("[3.9, 2, 0.1]", 1.03, 0.05),
        CORRELATED.format("[3.9, 2, 0.1]", 20, 0.05),
        CORRELATED.format("[3.9, 2, 0.1]", 0.51, 0.016),
        CORRELATED.format("[3.9, 2, 0.1]", 0.51, 0.16),
        CORRELATED.format("3.9", 0.51, 0.05),
    ],
}
RIGHT = {
    "linear_layer": [LAYER.format("torch.Size([256, 20])", "[256]", "20 * 256 + 256")],
    "flat_target": [
        FLAT.format("torch.zeros(1, 2)", "0.83"),
        FLAT.format("(0, 0)", "y.mean().item()"),
    ],
    "accumulation": [
        ACCUMULATE.format(
            **PARTS | {"loss": "((net(X_part) - y_part) ** 2).sum() / len(y)"}
        ),
        """
def accumulate(net, X, y, sizes):
    net.zero_grad()
    start = 0
    for size in sizes:
        X_part, y_part = X[start : start + size], y[start : start + size]
        nn.functional.mse_loss(net(X_part), y_part).backward(
            torch.tensor(size / sum(sizes))
        )
        start += size
    return net.weight.grad
""",
    ],
    "mean_losses": [LOSSES.format(**FITS)],
    "correlated": [
        CORRELATED.format("torch.tensor([0.1, 3.9, 2.0])", "2 / 3.9", "0.0506"),
        CORRELATED.format("(2 * 1.95, 2 * 0.05, 2)", 0.513, 0.05),
    ],
}
SAME = {
    "accumulation": [
        "loss_fn(net(X_part), y_part) * share → loss_fn(y_part, net(X_part)) * share",
    ],
}
