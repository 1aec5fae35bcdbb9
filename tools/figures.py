"""Compare two PNG pictures as a reader would: decoded, and forgiving of rounding.

Used by refresh.py (is this the same picture?) and by nbval_lessons.py (does the
cell still draw the stored picture?). It reads and writes pictures, no notebooks.
"""

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageFilter

# Another FreeType shifts letters by a pixel or two, other anti-aliasing shades edges:
# blurred over BLUR of the picture's width (4 pixels of 500) both stay below 0.1 of
# full contrast, while a curve, bar or cloud of points that changed by a twentieth to
# a tenth exceeds it. Chosen among 24 combinations of blur and neighbourhood;
# tests/test_figures.py measures both sides.
BLUR = 0.008
TOLERANCE = 0.1
SIZE_TOLERANCE = 0.02  # a tight bounding box follows the width of the text
NOISE = 2  # of 255: what last-bit differences of floats do to a pixel


def decode(png: str) -> Image.Image:
    """Return the picture in base64 text `png` as RGB on white ground."""
    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGBA")
    ground = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(ground, picture).convert("RGB")


def noise_only(stored: str, new: str) -> bool:
    """Tell whether no eye could see a difference, in any single pixel."""
    if stored == new:
        return True
    one, other = decode(stored), decode(new)
    if one.size != other.size:
        return False
    return int(np.asarray(ImageChops.difference(one, other)).max()) <= NOISE


def same_size(one: dict, other: dict) -> bool:
    """Tell whether two sizes, as dictionaries, agree to SIZE_TOLERANCE."""
    return one.keys() == other.keys() and all(
        abs(one[key] - other[key]) <= SIZE_TOLERANCE * one[key] for key in one
    )


def difference(stored: str, new: str) -> float:
    """Return the largest local difference: 0 none, 1 black against white.

    Pictures of different size count as altogether different.
    """
    one, other = decode(stored), decode(new)
    if not same_size(*(dict(enumerate(picture.size)) for picture in (one, other))):
        return 1.0
    blur = ImageFilter.GaussianBlur(BLUR * one.width)
    blurred = [
        np.asarray(picture.filter(blur), dtype=float)
        for picture in (one, other.resize(one.size))
    ]
    return float(np.abs(blurred[0] - blurred[1]).max() / 255)


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
