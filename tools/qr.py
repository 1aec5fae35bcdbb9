"""Draw the QR code of each lesson's discussion thread: python tools/qr.py.

Writes img/qr_<lesson>.svg and nothing else; tests/test_images.py reads them back.
"""

from pathlib import Path

import segno
from notebooks import ROOT

THREADS = {"parameters": "https://discuss.gluon.ai/t/topic/987"}


def draw(lesson: str, folder: Path) -> Path:
    """Write the code of a lesson's thread into `folder`; return the file's path."""
    url = THREADS[lesson]
    path = folder / f"qr_{lesson}.svg"
    segno.make_qr(url, error="m").save(
        str(path),
        scale=6,
        unit="px",  # with it comes a viewBox, so that the page can scale it
        light="white",  # a quiet ground of its own, so that it scans in dark mode
        title=f"QR code of {url}",
        desc=f"Scan it to open the discussion of the lesson “{lesson}”: {url}",
    )
    return path


if __name__ == "__main__":
    for name in THREADS:
        print(draw(name, ROOT / "img").relative_to(ROOT))
