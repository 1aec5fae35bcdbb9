"""Compare two PNG pictures as a reader would: decoded, and forgiving of rendering.

Refresh asks whether a picture is the same, the check whether the cell still draws the
stored one. It reads and writes pictures, no notebooks.
"""

import base64
import io
from functools import reduce
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageFilter

# Another FreeType shifts letters by a pixel or two, other anti-aliasing shades edges.
# Two measures stay small then, and grow when a curve, bar or colour changed by a
# twentieth: the largest difference after a blur of BLUR inches (something moved), and
# the share of the area whose colour is not found within REACH inches (much changed, if
# only a little). They were chosen among some thirty combinations, for the 200 pixels
# an inch that lessons store; tests/test_figures.py measures both sides.
BLUR, LARGEST = 4 / 150, 0.1
REACH, SHARE, VISIBLE = 2 / 150, 0.01, 0.03
SIZE_TOLERANCE = 0.02  # a tight bounding box follows the width of the text
NOISE = 0.1  # a difference that no eye sees: last bits, and fewer colours, do 0.08


def decode(png: str) -> Image.Image:
    """Return the picture in base64 text `png` as RGB on white ground."""
    picture = Image.open(io.BytesIO(base64.b64decode(png)))
    ground = Image.new("RGBA", picture.size, "white")
    flat = Image.alpha_composite(ground, picture.convert("RGBA")).convert("RGB")
    flat.info = picture.info
    return flat


def reduced(png: str) -> str:
    """Return a picture in the 256 colours that suit it: a third of the size."""
    picture, buffer = decode(png), io.BytesIO()
    few = picture.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(buffer, "PNG", optimize=True, dpi=picture.info.get("dpi"))
    small = base64.b64encode(buffer.getvalue()).decode()
    return min(png, small, key=len)


def noise_only(stored: str, new: str) -> bool:
    """Tell whether no eye could see a difference; another letter is ten times that."""
    return difference(stored, new) <= NOISE


def same_size(one: dict, other: dict) -> bool:
    """Tell whether two sizes, as dictionaries, agree to SIZE_TOLERANCE."""
    apart = {key: abs(one[key] - other.get(key, one[key])) for key in one}
    near = all(gap <= SIZE_TOLERANCE * one[key] for key, gap in apart.items())
    return one.keys() == other.keys() and near


def difference(stored: str, new: str) -> float:
    """Return how different two pictures are; up to 1 is what rendering may do.

    Pictures of different size are infinitely different.
    """
    if stored == new:
        return 0.0
    one, other = decode(stored), decode(new)
    if not same_size(*(dict(enumerate(picture.size)) for picture in (one, other))):
        return float("inf")
    other = other.resize(one.size)
    dpi = one.info.get("dpi", (100, 100))[0]
    return max(largest(one, other, dpi) / LARGEST, changed(one, other, dpi) / SHARE)


def largest(one: Image.Image, other: Image.Image, dpi: float) -> float:
    """Return the largest difference of blurred pictures, 1 for black and white."""
    blur = ImageFilter.GaussianBlur(BLUR * dpi)
    gap = ImageChops.difference(one.filter(blur), other.filter(blur))
    return float(np.asarray(gap).max() / 255)


def changed(one: Image.Image, other: Image.Image, dpi: float) -> float:
    """Return the share of pixels whose colour is not in the other's neighbourhood."""
    soft = ImageFilter.GaussianBlur(0.75 * REACH * dpi)
    pixels = [np.asarray(picture.filter(soft)) for picture in (one, other)]
    reach, gaps = round(REACH * dpi), []
    for picture, reference in (pixels, pixels[::-1]):
        low, high = reference, reference
        for axis in (0, 1):  # what is moved over the margin is white
            moves = range(-reach, reach + 1)
            low = reduce(np.minimum, (np.roll(low, n, axis) for n in moves))
            high = reduce(np.maximum, (np.roll(high, n, axis) for n in moves))
        gaps.append(np.where(picture > high, picture - high, 0))
        gaps.append(np.where(picture < low, low - picture, 0))
    return float((reduce(np.maximum, gaps).max(axis=2) > VISIBLE * 255).mean())


def save_comparison(stored: str, new: str, folder: Path, name: str) -> Path:
    """Write name-stored.png, -new.png and -difference.png; return the last path."""
    folder.mkdir(parents=True, exist_ok=True)
    one, other = decode(stored), decode(new)
    one.save(folder / f"{name}-stored.png")
    other.save(folder / f"{name}-new.png")
    path = folder / f"{name}-difference.png"
    gap = ImageChops.difference(one, other.resize(one.size)).convert("L")
    gap.point(lambda value: 255 - min(255, 3 * value)).save(path)
    return path
