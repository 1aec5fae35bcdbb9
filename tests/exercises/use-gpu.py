"""Answers to the exercises of the lesson on GPUs, as learners may write them."""

WATCH = """count = 110
def watch(losses):
    shown = []
    for step, loss in enumerate(losses):
        {body}
    return shown
"""
MOVE = """
def to_device(batch, device):
    if isinstance(batch, torch.Tensor):
        return batch.to(device)
    if isinstance(batch, dict):
        {dict}
    if isinstance(batch, (list, tuple)):
        {list}
    return {rest}
"""
DICT = "return {key: to_device(each, device) for key, each in batch.items()}"
LIST = "return type(batch)([to_device(each, device) for each in batch])"
FIRST = """
def first_n(copies, latency=10e-6, bandwidth=25e9):
    n = 1
    while {link} + 2 * n**3 / 2e13 >= 2 * n**3 / 1e11:
        n += 1
    return n
"""
LINK = "copies * (latency + 4 * n**2 / bandwidth)"

WRONG = {
    "same_object": [
        "itself = True, True, True, True",
        "itself = True, False, True, False",
        "itself = True, True, False",
        "itself = 'yes', 'yes', 'yes', 'no'",
        "itself = True",
    ],
    "waits": [
        WATCH.format(body="pass").replace("110", "100"),
        WATCH.format(body="shown.append(loss.item())\n        if loss < 1e-3: break"),
        WATCH.format(body="if step % 10 == 0: shown.append(loss.item())"),
        WATCH.format(
            body="if step % 10 == 0:\n            shown.append(loss.item())\n"
            "            if loss < 1e-3: break"
        ),
        WATCH.format(
            body="if step % 10 == 0:\n            shown.append(loss.item())\n"
            "            if shown[-1] < 2e-3: break"
        ),
        "count = 110\ndef watch(losses):\n    return [x.item() for x in losses[::10]]",
        "count = 110\ndef watch(losses):\n    shown = []\n"
        "    for step, loss in enumerate(list(losses)):\n        if step % 10 == 0:\n"
        "            shown.append(loss.item())\n"
        "            if shown[-1] < 1e-3: break\n    return shown",
        "count = 110\ndef watch(losses):\n    while True: pass",
        "count = 110\ndef watch(losses):\n    for step, loss in enumerate(losses):\n"
        "        if step % 10 == 0: print(loss.item())",
    ],
    "to_device": [
        MOVE.format(dict=DICT, list=LIST.replace("type(batch)", ""), rest="batch"),
        MOVE.format(dict=DICT, list="return batch", rest="batch"),
        MOVE.format(dict=DICT, list=LIST, rest="None"),
        MOVE.format(dict=DICT, list=LIST, rest="batch.to(device)"),
        MOVE.format(dict=DICT, list=LIST, rest="batch").replace(
            "batch.to(device)", "batch.float().to(device)"
        ),
        MOVE.format(
            dict="for key in batch: batch[key] = to_device(batch[key], device)\n"
            "        return batch",
            list=LIST,
            rest="batch",
        ),
        MOVE.format(
            dict="return {key: each.to(device) for key, each in batch.items()}",
            list=LIST,
            rest="batch",
        ),
        MOVE.format(dict=DICT, list=LIST, rest="to_device(batch, device)"),
        "def to_device(batch, device):\n    while True: pass",
    ],
    "first_n": [
        FIRST.format(link="latency + copies * 4 * n**2 / bandwidth"),
        FIRST.format(link="copies * latency"),
        FIRST.format(link=LINK.replace("4 *", "8 *")),
        FIRST.format(link=LINK.replace("copies", "3")),
        FIRST.format(link=LINK.replace("/ bandwidth", "/ 25e9")),
        FIRST.format(link=LINK.replace("latency", "10e-6")),
        FIRST.format(link=LINK).replace("n += 1", "n *= 2"),
        FIRST.format(link=LINK).replace("n += 1", "pass"),
        FIRST.format(link=LINK).replace("2e13", "2e14"),
    ],
}
RIGHT = {
    "same_object": ["itself = [True] * 3 + [False]"],
    "waits": [
        "count = 110.0\n"
        "def watch(losses):\n    shown, number = [], 1.0\n"
        "    for step, loss in enumerate(losses, 1):\n        if step % 10 == 0:\n"
        "            number = float(loss)\n            print(number)\n"
        "            if number < 1e-3:\n                return shown\n"
        "            shown.append(number)\n    return shown",
    ],
    "to_device": [
        MOVE.format(dict=DICT, list=LIST, rest="batch"),
        "def to_device(batch, device):\n    match batch:\n"
        "        case torch.Tensor():\n            return batch.to(device, copy=True)\n"
        "        case dict():\n            keys, each = [*batch], [*batch.values()]\n"
        "            return dict(zip(keys, to_device(each, device)))\n"
        "        case tuple():\n            return (*to_device([*batch], device),)\n"
        "        case list():\n            out = []\n            for each in batch:\n"
        "                out.append(to_device(each, device))\n            return out\n"
        "    return batch",
    ],
    "first_n": [FIRST.format(link=LINK)],
}
SAME = {  # alterations of the solution that are right too
    "waits": [
        "step % 10 == 0 → step % 10 == 1",
        "step % 10 → step % -10",
        "shown[-1] < 0.001 → shown[-1] <= 0.001",
    ],
    "first_n": [
        "range(1, 2000) → range(-1, 2000)",
        "range(1, 2000) → range(1, 2001)",
        "gpu < 2 * n ** 3 / 100000000000.0 → gpu <= 2 * n ** 3 / 100000000000.0",
    ],
}
