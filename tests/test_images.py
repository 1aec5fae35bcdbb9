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
def test_drawing_is_described_and_self_contained(path):
    assert complaints(path) == []


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.name)
def test_drawing_draws(path):
    picture = render(path)
    assert len(picture.getcolors(2**24)) > 1, "one colour only"


FAULTS = {
    "not well-formed": ("</svg>", ""),
    "no <title>": ("<title>", "<title></title><g>"),
    "no <desc>": ("desc>", "g>"),
    "outside itself": ("<path", '<image href="https://example.org/x.png"/><path'),
    "loads something": ("<path", '<path style="fill:url(https://example.org)"'),
    "holds <script>": ("<path", "<script>1</script><path"),
}


@pytest.mark.parametrize("expected", FAULTS)
def test_fault_in_a_drawing_is_noticed(expected, tmp_path):
    text = (ROOT / "img" / "qr_parameters.svg").read_text("utf-8")
    old, new = FAULTS[expected]
    text = text.replace(old, new)
    if expected == "no <title>":
        text = text.replace("</title><desc>", "</g><desc>")
    bad = tmp_path / "bad.svg"
    bad.write_text(text, "utf-8")
    assert any(expected in said for said in complaints(bad)), complaints(bad)


def render(path: Path) -> Image.Image:
    """Return the drawing as a picture, on white ground."""
    png = resvg_py.svg_to_bytes(svg_path=str(path), background="white")
    return Image.open(io.BytesIO(bytes(png))).convert("RGB")
