"""The build of the HTML book (tools/build_html.py, book/), on a chapter of its own.

No browser needed; the finished site is looked at in one by tests/site. Each test
copies book/ and the tools beside a few small notebooks in a temporary folder, so
nothing here reads the real lessons or writes to _build.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from conftest import BY, DOT, ROOT
from nbformat import v4

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
PICTURE = {"output_type": "display_data", "data": {"image/png": DOT}}
TABLE = {
    "output_type": "execute_result",
    "data": {"text/plain": "1", "text/html": "<table><tr><td>0.5</td></tr></table>"},
    "execution_count": 1,
}
ERROR = {
    "output_type": "error",
    "ename": "ZeroDivisionError",
    "evalue": "division by zero",
    "traceback": ["ZeroDivisionError: division by zero"],
}


def markdown(cell_id: str, source: str, **metadata: object) -> nbformat.NotebookNode:
    return v4.new_markdown_cell(source, id=cell_id, metadata=metadata)


def code(cell_id: str, source: str, *outputs: dict, **metadata: object) -> dict:
    """Return an executed code cell."""
    more = {"id": cell_id, "metadata": metadata, "execution_count": 1}
    return v4.new_code_cell(
        source, outputs=[v4.new_output(**each) for each in outputs], **more
    )


def contents(*lessons: str) -> nbformat.NotebookNode:
    """Return the cell that lists the lessons."""
    links = "\n".join(f"- [{name}]({name}.ipynb)" for name in lessons)
    return markdown("contents", links, **{"nbsphinx-toctree": {"maxdepth": 1}})


class Site:
    """A small repository, of which the book and the slides can be made."""

    def __init__(self, root: Path):
        self.root, self.html = root, root / "_build" / "html"
        cached = shutil.ignore_patterns("__pycache__")
        for folder in ("book", "tools"):
            shutil.copytree(ROOT / folder, root / folder, ignore=cached)
        (root / "book" / "executed.json").write_text(json.dumps({"one": BY}))
        (root / "img").mkdir()
        (root / "img" / "figure.svg").write_text(SVG)
        self.write("index", markdown("title", "# The book"), contents("one"))

    def path(self, name: str) -> Path:
        return self.root / "chapter_deep-learning-computation" / f"{name}.ipynb"

    def write(self, name: str, *cells: dict) -> None:
        self.path(name).parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(v4.new_notebook(cells=list(cells)), self.path(name))

    def build(self, tool: str = "build_html") -> str:
        """Run the command behind ``make html``; return what it says is wrong."""
        done = subprocess.run(
            [sys.executable, f"tools/{tool}.py"],
            cwd=self.root,
            capture_output=True,
            encoding="utf-8",
            env={k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"},
        )
        assert done.returncode == bool(done.stderr), done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr

    def page(self, name: str) -> str:
        return (self.html / f"{name}.html").read_text("utf-8")


@pytest.fixture
def site(tmp_path) -> Site:
    return Site(tmp_path)


def test_page_has_what_the_notebook_has(site):
    formula = r"$$\begin{aligned} a &= \mathbf{W}x \\ &= 2 \end{aligned}$$"
    site.write(
        "one",
        markdown("title", "# One\n\n> **Note.** Mind this.\n\n" + formula),
        markdown("figure", "![A figure](../img/figure.svg)\n\n*Its caption.*"),
        markdown("link", "[`torch.nn`](https://pytorch.org) [x](two.ipynb#Part-B)"),
        code("plot", "plot()", PICTURE, alt="A flat line."),
        markdown("caption", "*The plot's $x_1$ caption.*\n\n`a.b(cc=True, dd=False)`"),
        code("table", "df", TABLE),
        code("guess", "f()", TABLE, tags=["predict"]),
        markdown("told", "What it gave."),
        code("fail", "1 / 0", ERROR),
    )
    site.write("two", markdown("title", "# Two"), markdown("b", "## Part B\n\nText."))
    site.write("index", markdown("t", "# Book"), contents("one", "two"))
    site.write("solutions/one", markdown("title", "# Solutions"))
    site.write("zh/index", markdown("t", "# 书"), contents("one"))
    site.write("zh/one", markdown("title", "# 一\n\n就是$x$。"))
    assert site.build() == ""

    assert "zh/index.html" in site.page("index")
    assert "../zh/" not in site.page("en/two")
    chinese = site.page("zh/one")
    assert '<html lang="zh-CN"' in chinese
    assert "</math></span>。</span>" in chinese, "the full stop could begin a line"
    assert 'href="../en/one.html"' in chinese
    page = site.page("en/one")
    for text in (
        *('alt="A flat line."', 'alt="A figure"', 'blockquote class="note"'),
        *('id="cell-plot"', "traceback", 'href="two.html#Part-B"'),
        *('href="one.ipynb" download', 'href="../zh/one.html"'),
        "PyTorch 2.13.0 and Python 3.11 on a CPU, on 2026-01-01.",
    ):
        assert text in page
    captions = page.split('<p class="figure-caption">')[1:]
    assert len(captions) == 2 and "<math" in captions[1].split("</p>")[0]
    open_, covered = page.split('<details class="covered">')
    covered = covered.split("</details>")[0]
    assert "<td>0.5</td>" in open_
    assert "<td>0.5</td>" in covered and "What it gave." in covered
    assert "f()" not in covered and "fail" not in covered
    assert 'class="prompt' not in page
    assert re.sub("</?span[^>]*>", "", page).count("a.b(<wbr>cc=<wbr>True") == 1
    assert page.count("<mtr>") == 2
    assert "$" not in re.sub("<script.*?</script>", "", page, flags=re.S)
    link = re.search('<a [^>]*href="https://pytorch.org"[^>]*>(.*?)</a>', page)[1]
    assert "<code" in link and "torch.nn" in link
    assert not re.search(
        r"\.map$|fontawesome", "\n".join(map(str, site.html.rglob("*"))), re.M
    )


def test_faults_are_named_and_the_last_book_stays(site):
    page = site.html / "en" / "one.html"
    page.parent.mkdir(parents=True)
    page.write_text("The last good book.")
    site.write(
        "one",
        markdown("title", "# One\n\nRight: $a$. Wrong: $\\fracc{1}{2}$"),
        markdown("unpaired", "$$\\left( x$$"),
        markdown("numbered", "$$x \\tag{1}$$"),
        markdown("dollar", "A dollar $ that starts nothing."),
        markdown("link", "[gone](gone.ipynb) and [away](index.ipynb#Nowhere)"),
        markdown("image", "![](../img/figure.svg)"),
        code("plot", "plot()", PICTURE),
    )
    lost = markdown("title", "# The book\n\n![Lost](../img/lost.svg)")
    site.write("index", lost, contents("one"))
    moved = site.root / "book" / "moved.tsv"
    head = moved.read_text("utf-8").splitlines()[0]
    moved.write_text(f"{head}\none\tOld-name\tNo name\n", "utf-8")
    for _ in range(2):  # the second run must not take the first one's pages for good
        said = site.build()
        for fault in (
            r"cell title: this LaTeX cannot be set: \fracc{1}{2}",
            r"cell unpaired: this LaTeX cannot be set: \left( x",
            r"cell numbered: this LaTeX cannot be set: x \tag{1}",
            "cell dollar: the reader would see this markup",
            "gone.ipynb",
            "index.ipynb#nowhere",
            "figure.svg has no alternative text",
            "lost.svg",
            "cell plot: its figure has no alternative text",
            "there is no heading “No name” for the old anchor Old-name",
            "The book (en) was not built",
        ):
            assert fault in said, fault
        assert page.read_text() == "The last good book."


def test_a_book_is_mended_changed_and_only_what_changed_is_read_again(site):
    """Old anchors lead to what took their place; pictures that are gone are gone."""
    with open(site.root / "book" / "moved.tsv", "a") as moved:
        moved.write("one\tOld-name\tNew name\n")
    site.write(
        "one",
        markdown("title", "# One\n\n## New `name`\n\nText."),
        code("plot", "p", PICTURE, alt="A"),
    )
    assert site.build() == ""
    assert 'id="Old-name"' in site.page("en/one")
    first = {p: p.read_bytes() for p in site.html.rglob("*.html")}
    index = site.root / "_build/book/en/doctrees/index.doctree"
    written = index.stat().st_mtime_ns
    images = site.html / "en" / "_images"
    assert list(images.iterdir())

    site.write("one", markdown("title", "# One, changed\n\n## New name"))
    assert site.build() == ""
    changed = {p for p in site.html.rglob("*.html") if p.read_bytes() != first.get(p)}
    assert site.html / "en" / "one.html" in changed
    assert site.html / "en" / "search.html" not in changed
    assert index.stat().st_mtime_ns == written
    assert not list(images.glob("*")), "a picture that is gone"


def test_buttons_lead_to_the_notebook_in_the_repository(site):
    conf = site.root / "book" / "conf.py"

    def publish_at(address: str) -> str:
        pattern, setting = r'(?m)^REPOSITORY = ".*"$', f'REPOSITORY = "{address}"'
        text, count = re.subn(pattern, setting, conf.read_text("utf-8"))
        assert count == 1
        conf.write_text(text, "utf-8")
        return site.build()

    for folder in ("", "zh/"):
        site.write(f"{folder}index", markdown("t", "# Book 书"), contents("one"))
        site.write(f"{folder}one", markdown("title", "# One 一"), code("x", "x = 1"))
    assert publish_at("https://github.com/ann/d2l.book/tree/work/v2") == ""
    for tag, folder in (("en", ""), ("zh", "zh/")):
        page = site.page(f"{tag}/one")
        path = f"chapter_deep-learning-computation/{folder}one.ipynb"
        links = re.findall(r'href="(https://[^"]*)"', page)
        colab = "https://colab.research.google.com/github/ann/d2l.book/blob/work/v2/"
        assert colab + path in links
        binder = (
            "https://mybinder.org/v2/gh/ann/d2l.book/work%2Fv2?urlpath=lab%2Ftree%2F"
        )
        assert binder + path.replace("/", "%2F") in links
        assert "%pip install git+https://github.com/ann/d2l.book@work/v2" in page
    wanted = "https://github.com/<owner>/<name>/tree/<branch>"
    assert wanted in publish_at("https://github.com/ann/d2l.book")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("one", "{]", "one.ipynb is not a notebook"),
        ("one", "[]", "one.ipynb is not a notebook"),
        ("index", None, "index.ipynb is missing"),
    ],
)
def test_bad_input_is_one_sentence(name, text, message, site):
    if text:
        site.path(name).write_text(text)
    else:
        site.path(name).unlink()
    said = site.build()
    assert said.startswith("make html: ") and message in said
    assert said.count("\n") == 1, said
    assert not site.html.exists()


def test_slides_tell_their_place_and_part_answer_from_question(site):
    def on(kind: str) -> dict:
        return {"slideshow": {"slide_type": kind}}

    site.write(
        "one",
        markdown("title", "# One", **on("slide")),
        markdown("access", "## 1. Access\n\n### What is `x`?", **on("slide")),
        code("x", "x = 1\n\n\nx", TABLE, **on("-")),
        markdown("why", "It is one.\n\n### And $y$?", **on("subslide")),
        code("y", "y = 2", **on("subslide")),
        markdown("rest", "Not shown.", **on("skip")),
    )
    site.write("zh/one", markdown("title", "# 一"), markdown("access", "## 取用"))
    assert site.build("build_slides") == ""
    folder = site.root / "_build" / "slides"
    page = (folder / "en" / "one.html").read_text("utf-8").split("<body")[1]
    slides = [text.split("</section>")[0] for text in page.split("<section>")]
    texts = [" ".join(re.sub("<[^>]*>", " ", slide).split()) for slide in slides]
    texts = [text for text in texts[1:] if text]
    assert texts[0] == "One"
    assert texts[1].startswith("1. Access What is x ? x = 1 x 0.5 It is one.")
    assert texts[2].startswith("1. Access And")
    assert texts[3].startswith("1. Access · And") and texts[3].endswith("y = 2")
    assert "Not shown" not in page
    assert not re.search(r'(?:src|href)="https?:', page)
    assert 'lang="zh-CN"' in (folder / "zh" / "one.html").read_text("utf-8")
