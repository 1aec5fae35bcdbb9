"""The drawings in img/: well-formed, described, self-contained."""

import io
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
import resvg_py
from PIL import Image

ROOT = Path(__file__).parents[1]

SVG = "{http://www.w3.org/2000/svg}"
HREF = re.compile(r"(\{.*\})?href|src")
OUTSIDE = re.compile(r"url\(\s*['\"]?(?!#)|@import|data:|javascript:")
DRAWINGS = sorted((ROOT / "img").glob("*.svg"))


def complaints(path: Path) -> list[str]:
    """Return what is wrong with one drawing."""
    try:
        root = ElementTree.fromstring(path.read_text("utf-8"))
    except ElementTree.ParseError as error:
        return [f"{path.name}: not well-formed XML ({error})"]
    found = []
    if root.tag != f"{SVG}svg":
        found.append(f"{path.name}: its root is {root.tag}, not an SVG")
    for kind in ("title", "desc"):
        if not (root.findtext(f"{SVG}{kind}") or "").strip():
            found.append(f"{path.name}: no <{kind}> for readers who cannot see it")
    for element in root.iter():
        texts = [element.text or "", *element.attrib.values()]
        targets = [v for k, v in element.attrib.items() if HREF.fullmatch(k)]
        if element.tag in (f"{SVG}script", f"{SVG}foreignObject"):
            found.append(f"{path.name}: holds <{element.tag.removeprefix(SVG)}>")
        if any(not target.startswith("#") for target in targets):
            found.append(f"{path.name}: refers to {targets}, outside itself")
        if any(OUTSIDE.search(text) for text in texts):
            found.append(f"{path.name}: loads something from outside itself")
    return found


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.name)
def test_drawing_is_described_self_contained_and_draws(path):
    assert complaints(path) == []
    png = resvg_py.svg_to_bytes(svg_path=str(path), background="white")
    picture = Image.open(io.BytesIO(bytes(png))).convert("RGB")
    assert len(picture.getcolors(2**24)) > 1, "one colour only"


DRAWING = f'<svg xmlns="{SVG[1:-1]}"><title>T</title><desc>D</desc><path/></svg>'
FAULTS = {
    "not well-formed": ("</svg>", ""),
    "not an SVG": (" xmlns=", " id="),
    "no <title>": ("<title>T", "<title>"),
    "no <desc>": ("desc>", "g>"),
    "outside itself": ("<path", '<image href="https://example.org/x.png"/><path'),
    "loads something": ("<path", '<path style="fill:url(https://example.org)"'),
    "holds <script>": ("<path", "<script>1</script><path"),
}


@pytest.mark.parametrize("expected", FAULTS)
def test_fault_in_a_drawing_is_noticed(expected, tmp_path):
    path = tmp_path / "bad.svg"
    path.write_text(DRAWING, "utf-8")
    assert complaints(path) == []
    path.write_text(DRAWING.replace(*FAULTS[expected]), "utf-8")
    assert any(expected in said for said in complaints(path)), complaints(path)
