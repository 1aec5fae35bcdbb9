"""The comparison of figures: it forgives rendering, and sees what a reader would."""

import base64
import io
from functools import cache

import matplotlib
import numpy as np
import pytest
from PIL import Image

from bookproof import figures

matplotlib.use("agg")
import matplotlib.pyplot as plt


def png(figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight")
    plt.close(figure)
    return base64.b64encode(buffer.getvalue()).decode()


def curves(constant: float = 1.0) -> str:
    x = np.linspace(0, 5, 100)
    figure, ax = plt.subplots()
    ax.plot(x, constant * np.sin(x), label="measured")
    ax.plot(x, np.cos(x), "--", label="predicted")
    ax.set_xlabel("depth")
    ax.legend()
    return png(figure)


def bars(constant: float = 1.0) -> str:
    values = np.random.default_rng(0).uniform(-0.22, 0.22 * constant, 5120)
    figure, ax = plt.subplots()
    ax.hist(values, bins=40)
    ax.set_title("Default weights")
    return png(figure)


def decay(constant: float = 1.0) -> str:
    figure, ax = plt.subplots()
    ax.semilogy((0.4 * constant) ** np.arange(50))
    ax.set_ylabel("RMS")
    return png(figure)


def band(constant: float = 1.0) -> str:
    figure, ax = plt.subplots()
    ax.set(xlim=(-0.25, 0.25), title="20 inputs", ylabel="density")
    ax.axvspan(-0.07 * constant, 0.07 * constant, color="0.88")
    return png(figure)


def field(constant: float = 1.0) -> str:
    figure, ax = plt.subplots()
    values = constant * np.random.default_rng(0).uniform(size=(8, 8))
    ax.imshow(values, vmin=0, vmax=1)
    return png(figure)


DRAWN = pytest.mark.parametrize("draw", [curves, bars, decay, band, field])
RENDERING = [
    {"text.hinting": "no_hinting"},
    {"text.hinting": "force_autohint"},
    {"text.antialiased": False},
]


@pytest.fixture(autouse=True)
def style():
    with plt.style.context(["default", "d2ltorch.lesson"]):
        plt.rcParams["figure.dpi"] = 200  # what "retina" stores
        yield


@cache
def stored_picture(draw) -> str:
    return draw()


@DRAWN
@pytest.mark.parametrize("settings", RENDERING, ids=str)
def test_another_rendering_of_text_is_forgiven(draw, settings):
    stored = stored_picture(draw)
    with plt.rc_context(settings):
        new = draw()
    assert stored != new, "this setting changes nothing, so it proves nothing"
    assert figures.difference(stored, new) <= 1
    assert not figures.noise_only(stored, new)


@DRAWN
def test_other_edges_are_forgiven(draw):
    stored = stored_picture(draw)
    picture = figures.decode(stored)
    half_a_pixel = (1, 0, 0.5, 0, 1, 0.5)
    moved = picture.transform(
        picture.size, Image.AFFINE, half_a_pixel, Image.BILINEAR, fillcolor="white"
    )
    buffer = io.BytesIO()
    moved.save(buffer, "png", dpi=picture.info["dpi"])
    new = base64.b64encode(buffer.getvalue()).decode()
    assert 0 < figures.difference(stored, new) <= 1


@DRAWN
def test_a_constant_off_by_a_twentieth_is_seen(draw):
    assert figures.difference(stored_picture(draw), draw(1.05)) > 1


def test_another_picture_and_another_size_are_seen():
    assert figures.difference(*map(stored_picture, (curves, bars))) > 1
    figure, ax = plt.subplots(figsize=(5, 4))
    ax.plot([0, 1])
    taller = png(figure)
    assert figures.difference(stored_picture(decay), taller) == float("inf")


def test_invisible_noise_is_not_a_change():
    stored = stored_picture(curves)
    pixels = np.asarray(figures.decode(stored), dtype=int)
    for shift, only_noise in ((figures.NOISE, True), (figures.NOISE + 1, False)):
        moved = pixels.copy()
        moved[5, 5] -= shift
        buffer = io.BytesIO()
        Image.fromarray(moved.clip(0).astype("uint8")).save(buffer, "png")
        new = base64.b64encode(buffer.getvalue()).decode()
        assert figures.noise_only(stored, new) is only_noise


def test_pictures_are_left_for_a_person(tmp_path):
    path = figures.save_comparison(
        stored_picture(curves), curves(1.5), tmp_path, "lesson-cell-1"
    )
    kinds = ("stored", "new", "difference")
    assert [file.name for file in sorted(tmp_path.iterdir())] == sorted(
        f"lesson-cell-1-{kind}.png" for kind in kinds
    )
    assert path.name == "lesson-cell-1-difference.png"
    assert len(Image.open(path).getcolors(256)) > 10
