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

X = np.linspace(0, 5, 100)
RANDOM = np.random.default_rng(0).uniform(size=5120)
FIGURES = {  # each is drawn with a constant, which is 1
    "curves": lambda ax, c: (
        ax.plot(X, c * np.sin(X), label="measured"),
        ax.plot(X, np.cos(X), "--", label="predicted"),
        ax.set_xlabel("depth"),
        ax.legend(),
    ),
    "bars": lambda ax, c: (
        ax.hist(0.22 * ((1 + c) * RANDOM - 1), bins=40),
        ax.set_title("Default weights"),
    ),
    "decay": lambda ax, c: (
        ax.semilogy((0.4 * c) ** np.arange(50)),
        ax.set_ylabel("RMS"),
    ),
    "band": lambda ax, c: (
        ax.set(xlim=(-0.25, 0.25), title="20 inputs", ylabel="density"),
        ax.axvspan(-0.07 * c, 0.07 * c, color="0.88"),
    ),
    "field": lambda ax, c: ax.imshow(c * RANDOM[:64].reshape(8, 8), vmin=0, vmax=1),
}


def text_of(save, *arguments, **options) -> str:
    """Return the picture that `save` writes, as base64 text."""
    buffer = io.BytesIO()
    save(buffer, *arguments, **options)
    return base64.b64encode(buffer.getvalue()).decode()


def draw(kind: str, constant: float = 1.0, **options) -> str:
    figure, ax = plt.subplots(**options)
    FIGURES[kind](ax, constant)
    plt.close(figure)
    return text_of(figure.savefig, format="png", bbox_inches="tight")


DRAWN = pytest.mark.parametrize("kind", FIGURES)
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


stored_picture = cache(draw)


@DRAWN
@pytest.mark.parametrize("settings", RENDERING, ids=str)
def test_another_rendering_of_text_is_forgiven(kind, settings):
    stored = stored_picture(kind)
    with plt.rc_context(settings):
        new = draw(kind)
    assert stored != new, "this setting changes nothing, so it proves nothing"
    assert figures.difference(stored, new) <= 1
    assert not figures.noise_only(stored, new)


@DRAWN
def test_other_edges_are_forgiven_and_a_constant_off_by_a_twentieth_is_seen(kind):
    stored = stored_picture(kind)
    picture = figures.decode(stored)
    half_a_pixel = (1, 0, 0.5, 0, 1, 0.5)
    moved = picture.transform(
        picture.size, Image.AFFINE, half_a_pixel, Image.BILINEAR, fillcolor="white"
    )
    new = text_of(moved.save, "png", dpi=picture.info["dpi"])
    assert 0 < figures.difference(stored, new) <= 1
    assert figures.difference(stored, draw(kind, 1.05)) > 1


def test_another_picture_and_another_size_are_seen():
    assert figures.difference(*map(stored_picture, ("curves", "bars"))) > 1
    taller = draw("decay", figsize=(5, 4))
    assert figures.difference(stored_picture("decay"), taller) == float("inf")


def test_noise_is_no_change_of_a_reduced_picture():
    raw = draw("curves")
    stored = figures.reduced(raw)
    assert len(stored) < len(raw) / 2
    pixels = np.asarray(figures.decode(raw), dtype=int)
    noise = np.random.default_rng(0).integers(-1, 2, pixels.shape)
    noisy = Image.fromarray((pixels - noise * (pixels < 255)).clip(0).astype("uint8"))
    new = text_of(noisy.save, "png", dpi=(200, 200))
    assert new != stored
    assert figures.noise_only(stored, new)


@pytest.mark.parametrize(
    "change",
    [
        lambda ax: ax.set_xlabel("Depth"),
        lambda ax: ax.set_xlabel("depth."),
        lambda ax: ax.lines[0].set_linewidth(2.2),
        lambda ax: ax.lines[0].set_color("#0086ce"),
        lambda ax: ax.plot([1], [0.5], "o", markersize=1),
    ],
)
def test_what_an_author_changes_is_no_noise(change):
    figure, ax = plt.subplots()
    FIGURES["curves"](ax, 1.0)
    change(ax)
    plt.close(figure)
    new = text_of(figure.savefig, format="png", bbox_inches="tight")
    assert not figures.noise_only(figures.reduced(stored_picture("curves")), new)


def test_pictures_are_left_for_a_person(tmp_path):
    stored, new = stored_picture("curves"), draw("curves", 1.5)
    path = figures.save_comparison(stored, new, tmp_path, "lesson-cell-1")
    assert {file.name for file in tmp_path.iterdir()} == {
        f"lesson-cell-1-{kind}.png" for kind in ("stored", "new", "difference")
    }
    assert path.name == "lesson-cell-1-difference.png"
    assert len(Image.open(path).getcolors(256)) > 10
