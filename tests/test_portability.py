"""Any machine: cells that depend on the machine or on no seed are named, others not."""

import os
import re
import shutil
import subprocess
import sys

from conftest import ROOT, code

from bookproof import book as reading
from bookproof import vary
from bookproof.refresh import refresh
from bookproof.vary import Machine, machines

BITS, CHANCE = "Its last bits show", "It differs by chance"
FICKLE = {  # each cell, and why it differs
    "chaos": (
        "import torch\n\nx = torch.tensor(0.3)\n"
        "for _ in range(100):\n    x = torch.sin(torch.pi * x)\nround(x.item(), 2)",
        BITS,
    ),
    "digits": (
        "x = torch.linspace(0, 1, 999)\n[(x * k).sum().item() for k in range(9)]",
        BITS,
    ),
    "threads": ("torch.get_num_threads()", BITS),
    "hash": ('"".join({"a", "b", "c", "d", "e"})', f"{BITS}|{CHANCE}"),
    "no-seed": ("torch.rand(2)", CHANCE),
    "seed": ("torch.manual_seed(0)\ng = torch.Generator().manual_seed(0)", ""),
    "seeded-before": ("torch.rand(2)", CHANCE),
    "generator-before": ("torch.rand(2, generator=g)", CHANCE),
    "python": ("import random\n\nrandom.random()", CHANCE),
}
STEADY = {
    "equal": (
        "import torch\n\ntorch.manual_seed(0)\na = torch.randn(40, 40)\n"
        "torch.equal(a @ a, a @ a), torch.equal(a.exp(), a.clone().exp())"
    ),
    "count": "(a > 0).sum().item() > 700, a.numel()",
    "whole": (
        "w = torch.ones(30, 30)\nx = torch.arange(30.0)\n"
        "(w @ x).tolist() == [435.0] * 30, (x * x).sum().item(), x.mean().item()"
    ),
    "is": "b = a\nb is a, a.std() is a.std()",
    "digits": "f'{a.sum():.2f} {a.log_softmax(0).mean():.3f}'",
    "version": "v = torch.empty(3).normal_()\nv._version",
    "trained": (
        "torch.manual_seed(1)\nnet = torch.nn.Linear(3, 1)\n"
        "opt = torch.optim.Adam(net.parameters(), lr=0.1)\n"
        "x = torch.rand(20, 3)\ny = x.sum(1, keepdim=True)\n"
        "for _ in range(50):\n    opt.zero_grad()\n"
        "    loss = torch.nn.functional.mse_loss(net(x), y)\n"
        "    loss.backward()\n    opt.step()\n"
        "loss.item() < 0.1"
    ),
}


def said_of(book, cells: dict[str, str]) -> tuple[int, str]:
    """Return what the command answers about a lesson of these cells."""
    book.write("plant", [code(id_, text) for id_, text in cells.items()])
    (book.root / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "worst_machine.py", book.root / "tools")
    refresh(book.book, "plant")
    return book.run("vary", "plant", "--seeds", "2")


def test_cells_that_depend_on_the_machine_or_on_no_seed_are_named(book):
    status, said = said_of(book, {id_: text for id_, (text, _) in FICKLE.items()})
    assert status == 1 and "Traceback" not in said, said
    pattern = rf"^plant, cell ([\w-]+):.*?^({BITS}|{CHANCE})"
    found = dict(re.findall(pattern, said, re.MULTILINE | re.DOTALL))
    assert found.keys() == FICKLE.keys() - {"seed"}, said
    for id_, why in found.items():
        assert re.fullmatch(FICKLE[id_][1], why), id_
    assert "    stored: " in said and "    now:    4\n" in said
    assert "of 9 cells differ" in said
    assert "make refresh LESSON" not in said  # not the remedy here


def test_cells_that_hold_on_any_machine_are_not_named(book):
    status, said = said_of(book, STEADY)
    assert status == 0 and "plant, cell" not in said, said
    assert said.count(f": same ({len(STEADY)} cells") == 2


def test_every_seed_is_another_machine_and_each_value_has_its_turn():
    switches = ["no AVX", "other MKL"]
    rows = machines(10, switches, "cuda")
    assert len({row.rounding for row in rows}) == 11
    assert len({row.cell_seed for row in rows[:10]}) == 10
    assert {row.threads for row in rows[:10]} == {1, 4}
    assert {row.hash_seed for row in rows} == {0, 1}
    assert {row.switch for row in rows} == {*switches, ""}
    assert [row.device for row in rows] == ["cpu"] * 10 + ["cuda"]
    assert all(row.device == "cpu" for row in machines(2, [], ""))


def test_a_kernel_is_the_machine_that_its_row_names():
    text = (
        "import sys, torch, d2ltorch\n"
        "print(torch.backends.cpu.get_cpu_capability(), torch.get_num_threads(),"
        " hash('a'), d2ltorch.try_gpu())"
    )
    ours = reading.load(ROOT)
    switch = next(iter(ours.switches))
    hashes = set()
    for row in machines(2, [switch], ""):
        command = [sys.executable, "-c", text]
        environment = os.environ | row.environment(ours)
        out = subprocess.check_output(command, env=environment, text=True).split()
        assert (int(out[1]), out[3]) == (row.threads, "cpu")
        assert (out[0] == "DEFAULT") == (row.switch == switch)
        hashes.add(out[2])
    assert len(hashes) == 2


def test_playing_a_machine_ends_with_the_environment_as_it_was(tmp_path):
    before = dict(os.environ)
    with vary.playing(Machine(3, 4), reading.load(ROOT), str(tmp_path)):
        assert os.environ["ROUNDING_SEED"] == "3"
        assert os.environ["IPYTHONDIR"] == str(tmp_path)
    assert dict(os.environ) == before
