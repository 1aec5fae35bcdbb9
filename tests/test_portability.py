"""Portability: every kind of machine is covered, is really one, and is compared."""

import os
import subprocess
import sys

import notebooks
import portability
import pytest
import refresh
from conftest import code, markdown
from execution import differences, run_all
from portability import Configuration, configurations

CORES = "import torch\n\ntorch.get_num_threads()"
ORDER = 'len({"a", "b"}), hash("a") % 1000'


@pytest.mark.parametrize("gpu", ["", "cuda"])
@pytest.mark.parametrize("levels", [["default"], list(portability.LEVELS)])
def test_quick_covers_every_value_once_and_full_every_pair(levels, gpu):
    quick, full = (configurations(levels, gpu, quick) for quick in (True, False))
    for rows in (quick, full):
        assert {row.level for row in rows} == set(levels)
        assert {row.threads for row in rows} == {1, 2, 4}
        assert {row.hash_seed for row in rows} == {0, 1}
        assert {row.device for row in rows} == {"cpu", *([gpu] if gpu else [])}
    assert len(quick) == 3 + bool(gpu)
    pairs = {(row.level, row.threads) for row in full if row.device == "cpu"}
    assert len(pairs) == len(levels) * 3


def test_a_process_is_the_machine_that_its_configuration_names():
    levels, _ = portability.machine()
    text = (
        "import sys, torch, d2ltorch\n"
        "print(torch.backends.cpu.get_cpu_capability().lower(),"
        " torch.get_num_threads(), sys.flags.hash_randomization, hash('a'),"
        " d2ltorch.try_gpu())"
    )
    hashes = {}
    for row in configurations(levels, "", quick=True):
        command = [sys.executable, "-c", text]
        environment = os.environ | row.environment
        said = subprocess.check_output(command, env=environment, text=True).split()
        assert (said[0], int(said[1]), said[4]) == (row.level, row.threads, "cpu")
        hashes[row.hash_seed] = said[3]
    assert len(set(hashes.values())) == 2


def test_an_environment_variable_of_the_user_hides_no_instruction_set(monkeypatch):
    levels, _ = portability.machine()
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    assert portability.machine()[0] == levels


@pytest.fixture
def pages(book) -> list[notebooks.Page]:
    """Return a lesson that depends on threads and hash seed, and one that does not."""
    names = ("fickle", "steady")
    book.write("fickle", [code("threads", CORES), code("hash", ORDER), code("x", "1")])
    book.write("steady", [markdown("title", "# T"), code("fine", "2")])
    for name in ("demo", "index", "solutions/demo"):
        book.path(name).unlink()
    refresh.refresh(chapter=book.chapter)
    return [notebooks.Page.read(book.path(name), book.chapter) for name in names]


def test_cells_that_depend_on_the_machine_are_named(pages, capsys):
    rows = [Configuration("default", 1, 0), Configuration("default", 4, 1)]
    assert portability.portability(pages, rows) == 2
    said = capsys.readouterr().out
    lines = said.splitlines()
    heads = [line.split() for line in lines if line.startswith(" " * 20)]
    assert heads == [["fickle", "steady"]]
    second = next(line for line in lines if line.startswith("default, threads 4"))
    assert second.split("  ")[1:] == ["2 cells differ", " same"], second
    where = "fickle, cell threads, under default, threads 4, hash seed 1:\n"
    assert where + "  first difference, line 1 of text/plain:\n    stored: " in said
    assert "    now:    4\n" in said
    assert "fickle, cell hash, under" in said
    assert "cell x" not in said and "cell fine" not in said


def test_a_cell_that_kills_its_kernel_or_raises_is_a_difference(book):
    text = "import os\n\nos._exit(1)"
    path = book.write("demo", [code("x", "y"), code("dies", text), code("z", "1")])
    page = notebooks.Page.read(path, book.chapter)
    ((_, given),) = run_all([(page, {})])
    found = differences(page, given)
    assert "NameError: name 'y' is not defined" in "\n".join(found["x"])
    assert "now:    error" in found["dies"][0]
    assert found["z"] == ["  was not run"]
