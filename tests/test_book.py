"""The build of the HTML book (tools/build_html.py, book/), on a chapter of its own.

No browser needed; the finished site is looked at in one by tests/site. Each test
copies book/ and the tool beside a few small notebooks in a temporary folder, so
nothing here reads the real lessons or writes to _build.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from nbformat import v4

ROOT = Path(__file__).parent.parent
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAA"
    "AABJRU5ErkJggg=="
)
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" fill="#222"/>'


def markdown(cell_id: str, source: str, **metadata: object) -> nbformat.NotebookNode:
    """Return a Markdown cell."""
    return v4.new_markdown_cell(source, id=cell_id, metadata=metadata)


def code(cell_id: str, source: str, *outputs: dict, **metadata: object) -> dict:
    """Return an executed code cell."""
    outputs = [v4.new_output(**output) for output in outputs]
    return v4.new_code_cell(
        source, id=cell_id, metadata=metadata, outputs=outputs, execution_count=1
    )


def picture() -> dict:
    """Return the output of a cell that drew something."""
    return {"output_type": "display_data", "data": {"image/png": PIXEL}}


def table() -> dict:
    """Return a result that has a table."""
    html = "<table><tr><td>0.5</td></tr></table>"
    data = {"text/plain": "0.5", "text/html": html}
    return {"output_type": "execute_result", "data": data, "execution_count": 1}


def contents(*lessons: str) -> nbformat.NotebookNode:
    """Return the cell that lists the lessons."""
    links = "\n".join(f"- [{name}]({name}.ipynb)" for name in lessons)
    return markdown("contents", f"## Lessons\n\n{links}")


class Covers(HTMLParser):
    """Collects the texts of a slide that are seen before the first click."""

    def __init__(self) -> None:
        super().__init__()
        self.above: list[bool] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        """Note whether a division is revealed later."""
        if tag == "div":
            self.above.append("fragment" in (dict(attrs).get("class") or "").split())

    def handle_endtag(self, tag: str) -> None:
        """Leave a division."""
        if tag == "div":
            self.above.pop()

    def handle_data(self, data: str) -> None:
        """Note an answer that nothing covers."""
        if "ANSWER" in data and not any(self.above):
            self.open.append(data)


@pytest.fixture
def write(tmp_path: Path):
    """Return a function that writes a notebook of a small repository."""
    shutil.copytree(
        ROOT / "book", tmp_path / "book", ignore=shutil.ignore_patterns("__pycache__")
    )
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "build_html.py", tmp_path / "tools")
    shutil.copy(ROOT / "constraints.txt", tmp_path)
    made_by = {"torch": "2.99.1", "python": "3.11", "device": "CPU"}
    made_by["date"] = "2026-01-31"
    (tmp_path / "book" / "executed.json").write_text(json.dumps({"one": made_by}))
    (tmp_path / "img").mkdir()
    (tmp_path / "img" / "figure.svg").write_text(SVG)
    chapter = tmp_path / "chapter_deep-learning-computation"

    def write(name: str, *cells: nbformat.NotebookNode) -> None:
        path = chapter / name
        path.parent.mkdir(parents=True, exist_ok=True)
        notebook = v4.new_notebook(cells=list(cells))
        notebook.metadata["language_info"] = {"name": "python"}
        nbformat.write(notebook, path)

    write("index.ipynb", markdown("title", "# The book"), contents("one"))
    return write


def build(root: Path) -> subprocess.CompletedProcess:
    """Run the command behind ``make html``."""
    return subprocess.run(
        [sys.executable, "tools/build_html.py"],
        cwd=root,
        capture_output=True,
        encoding="utf-8",
        env={k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"},
    )


def test_page_has_what_the_notebook_has(write, tmp_path):
    formula = r"$$\begin{aligned} a &= \mathbf{W}x \\ &= 2 \end{aligned}$$"
    write(
        "one.ipynb",
        markdown("title", "# One\n\n" + formula),
        markdown("figure", "![A figure](../img/figure.svg)\n\n*Its caption.*"),
        markdown("link", "[`torch.nn`](https://pytorch.org) [x](two.ipynb#Part-B)"),
        markdown("listed", "(a) Not a list.\n\n[here](#Second-part)\n\n## Second part"),
        code("plot", "plot()", picture(), alt="A flat line."),
        markdown(
            "caption", "*The plot's $x_1$ caption.*\n\nLong: `a.b(cc=True, dd=False)`."
        ),
        code("table", "df", table()),
        code(
            "guess",
            "f()",
            table(),
            tags=["predict"],
            predict={"find": "0.5", "choices": ["0.5", "5"]},
        ),
        markdown("told", "What it gave."),
        code(
            "fail",
            "1 / 0",
            {
                "output_type": "error",
                "ename": "ZeroDivisionError",
                "evalue": "division by zero",
                "traceback": ["ZeroDivisionError: division by zero"],
            },
        ),
    )
    two = markdown("title", "# Two"), markdown("b", "## Part B\n\nText.")
    write("two.ipynb", *two)
    write("index.ipynb", markdown("t", "# Book"), contents("one", "two"))
    write("solutions/one.ipynb", markdown("title", "# Solutions"))
    write("zh/index.ipynb", markdown("t", "# 书"), contents("one"))
    write("zh/one.ipynb", markdown("title", "# 一\n\n就是$x$。"))

    done = build(tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    site = tmp_path / "_build" / "html"
    assert "_build/html/index.html" in done.stdout
    assert "zh/index.html" in (site / "index.html").read_text("utf-8")
    page = (site / "en" / "one.html").read_text("utf-8")
    assert 'alt="A flat line."' in page
    assert '<svg class="drawing" role="img" aria-label="A figure"' in page
    captions = re.findall("<figcaption><p[^>]*>(.*?)</p>", page, re.S)
    assert captions[0] == "<strong>Figure 1</strong> Its caption."
    assert captions[1].startswith("<strong>Figure 2</strong> The plot\u2019s <math")
    covered = page.split('<details class="covered">')[1].split("</details>")[0]
    assert "<td>0.5</td>" in covered and "What it gave." in covered
    assert "<td>0.5</td>" in page.split('<details class="covered">')[0]
    assert "f()" not in covered and "fail" not in covered
    assert '<button type="button">0.5</button>' in page and 'data-answer="0.5"' in page
    assert ">(a) Not a list.</p>" in page
    assert re.sub("</?span[^>]*>", "", page).count("a.b(<wbr>cc=<wbr>True") == 1
    assert 'id="cell-plot"' in page and 'id="cell-told"' in page
    assert 'aria-label="Input 1"' in page and 'aria-label="Output 1"' in page
    assert '<section id="listed">\n<span id="Second-part">' in page
    assert 'href="#listed"' in page, "JupyterLab's anchor within a page"
    assert "traceback" in page
    assert page.count("<mtr>") == 2
    assert "$" not in re.sub("<script.*?</script>", "", page, flags=re.S)
    link = re.search('<a [^>]*href="https://pytorch.org"[^>]*>(.*?)</a>', page)[1]
    assert "<code" in link and "torch.nn" in link
    assert 'href="two.html#b"' in page
    assert "PyTorch 2.99.1 and Python 3.11 on a CPU, on 2026-01-31." in page
    assert 'href="one.ipynb" download' in page
    assert 'href="../zh/one.html"' in page
    assert "../zh/" not in (site / "en" / "two.html").read_text("utf-8")
    chinese = (site / "zh" / "one.html").read_text("utf-8")
    assert '<html lang="zh-CN"' in chinese
    assert "</math>。</span>" in chinese, "the full stop could begin a line"
    assert 'href="../en/one.html"' in chinese
    assert (site / "404.html").exists()
    assert "sphinx" not in page.lower()


def test_faults_are_named_and_the_last_book_stays(write, tmp_path):
    page = tmp_path / "_build" / "html" / "en" / "one.html"
    page.parent.mkdir(parents=True)
    page.write_text("The last good book.")
    write(
        "one.ipynb",
        markdown("title", "# One\n\nRight: $a$. Wrong: $\\fracc{1}{2}$"),
        markdown("unpaired", "$$\\left( x$$"),
        markdown("numbered", "$$x \\tag{1}$$"),
        markdown("dollar", "A dollar $ that starts nothing."),
        markdown("link", "[gone](gone.ipynb) and [away](index.ipynb#Nowhere)"),
        markdown("fold", "<details><summary>More</summary>\n\nText."),
        code(
            "guess",
            "f()",
            table(),
            tags=["predict"],
            predict={"find": "7", "choices": ["7"]},
        ),
    )
    lost = markdown("title", "# The book\n\n![Lost](../img/lost.svg)")
    write("index.ipynb", lost, contents("one"))
    for _ in range(2):  # the second run must not take the first one's pages for good
        done = build(tmp_path)
        assert done.returncode == 1
        for fault in (
            r"one.ipynb: cell title, line 3: WARNING: this LaTeX cannot be set",
            r"\fracc{1}{2}",
            "cell unpaired, line 1: WARNING: this LaTeX cannot be set",
            "cell numbered, line 1: WARNING: this LaTeX cannot be set",
            "cell dollar, line 1: WARNING: the reader would see this markup",
            "cell link, line 1: WARNING: ",
            "gone.ipynb",
            "Nowhere",
            "cell title, line 3: WARNING: image file not readable: ../img/lost.svg",
            "cell fold, line 1: WARNING: <details> is not closed",
            "cell guess, line 1: WARNING: its prediction finds nothing",
            "The book (en) was not built",
        ):
            assert fault in done.stderr, fault
        assert "Traceback" not in done.stderr
        assert page.read_text() == "The last good book."

    write("index.ipynb", markdown("title", "# The book"), contents("one"))
    write("one.ipynb", markdown("title", "# One again"))
    assert build(tmp_path).returncode == 0
    assert "One again" in page.read_text("utf-8")


def set_repository(root: Path, address: str) -> None:
    """Set the one setting that the links to Colab and Binder need."""
    launch = root / "book" / "launch.py"
    text, setting = launch.read_text("utf-8"), 'REPOSITORY = "'
    assert f'\n{setting}"\n' in text or f"\n{setting}http" in text
    text = re.sub(f'(?m)^{setting}.*"$', f'{setting}{address}"', text)
    launch.write_text(text, "utf-8")


def git(folder: Path, *arguments: str) -> str:
    """Return what git says."""
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_links_lead_to_notebooks_that_run_alone(write, tmp_path):
    prose = "# One\n\n![A dot](../img/figure.svg) [Home](index.ipynb#Lessons) `a[0](x)`"
    source = "import safetensors\nfrom d2ltorch import try_gpu"
    write("one.ipynb", markdown("title", prose), code("x", source))
    write("zh/index.ipynb", markdown("t", "# 书"), contents("one"))
    write("zh/one.ipynb", markdown("title", "# 一"), code("x", "import torch"))
    set_repository(tmp_path, "https://github.com/ann/d2l.book/tree/work/v2")
    done = build(tmp_path)
    assert done.returncode == 0, done.stderr
    for tag, folder in (("en", ""), ("zh", "zh/")):
        page = (tmp_path / "_build" / "html" / tag / "one.html").read_text("utf-8")
        path = f"chapter_deep-learning-computation/{folder}one.ipynb"
        links = re.findall(r'href="(https://[^"]*)"', page)
        colab = "https://colab.research.google.com/github/ann/d2l.book/blob/colab/"
        assert colab + path in links
        binder = (
            "https://mybinder.org/v2/gh/ann/d2l.book/work%2Fv2?urlpath=lab%2Ftree%2F"
        )
        assert binder + path.replace("/", "%2F") in links

    git(tmp_path, "init", "-q", "--bare", "origin")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "chapter_deep-learning-computation")
    git(tmp_path, "remote", "add", "origin", str(tmp_path / "origin"))
    named = ("-c", "user.name=a", "-c", "user.email=a@localhost")
    git(tmp_path, *named, "commit", "-q", "-m", "First")
    shutil.copy(ROOT / "tools" / "share.py", tmp_path / "tools")
    share = [sys.executable, "tools/share.py"]
    subprocess.run([*share, "colab"], cwd=tmp_path, check=True)
    folder = "colab:chapter_deep-learning-computation"
    text = git(tmp_path / "origin", "show", f"{folder}/one.ipynb")
    page = tmp_path / "_build" / "html" / "en" / "one.html"
    assert page.with_suffix(".ipynb").read_text("utf-8") == text, "the download"
    install, title, _ = nbformat.reads(text, 4).cells
    wanted = "git+https://github.com/ann/d2l.book@work/v2 safetensors"
    assert install.source.endswith(f"    %pip install -q --no-deps {wanted}")
    assert "`a[0](x)`" in title.source
    raw = "https://raw.githubusercontent.com/ann/d2l.book/work/v2/img/figure.svg"
    assert f"![A dot]({raw})" in title.source
    assert (
        f"[Home]({colab}chapter_deep-learning-computation/index.ipynb#L" in title.source
    )
    chinese = git(tmp_path / "origin", "show", f"{folder}/zh/one.ipynb")
    assert len(nbformat.reads(chinese, 4).cells) == 2, "nothing to install"

    hub = [*share, "hub-link", "https://hub.example.org/", "zh/one"]
    said = subprocess.run(hub, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert said.stdout == (
        "https://hub.example.org/hub/user-redirect/git-pull"
        "?repo=https%3A%2F%2Fgithub.com%2Fann%2Fd2l.book&urlpath=lab%2Ftree%2Fd2l.book"
        "%2Fchapter_deep-learning-computation%2Fzh%2Fone.ipynb\n"
    )

    set_repository(tmp_path, "https://github.com/ann/d2l.book")
    done = build(tmp_path)
    assert done.returncode == 1
    assert "https://github.com/<owner>/<name>/tree/<tag>" in done.stderr
    assert "Traceback" not in done.stderr


def test_pages_link_the_zip_and_a_pdf_that_is_not_older(write, tmp_path):
    write("one.ipynb", markdown("title", "# One"))
    (tmp_path / "d2ltorch" / "__pycache__").mkdir(parents=True)
    for name in ("start.py", "d2ltorch/a.py", "d2ltorch/__pycache__/a.pyc"):
        (tmp_path / name).write_text("a = 1\n")
    pdf = tmp_path / "_build" / "pdf" / "deep-learning-computation.en.pdf"
    pdf.parent.mkdir(parents=True)
    site = tmp_path / "_build" / "html"

    def built() -> list[str]:
        """Return what the pages link of the site's root."""
        assert build(tmp_path).returncode == 0
        pages = [site / "en" / name for name in ("index.html", "one.html")]
        found = [re.findall(r'"\.\./(deep[^"]*)"', p.read_text("utf-8")) for p in pages]
        assert found[0] == found[1] and "python start.py" in pages[1].read_text("utf-8")
        return found[0]

    zipped = "deep-learning-computation.zip"
    pdf.write_text("of an earlier book")
    assert built() == [zipped]
    with zipfile.ZipFile(site / zipped) as archive:
        names = [name.partition("/")[2] for name in archive.namelist()]
    lessons = [f"chapter_deep-learning-computation/{n}.ipynb" for n in ("index", "one")]
    assert names == sorted(
        [*lessons, "constraints.txt", "d2ltorch/a.py", "img/figure.svg", "start.py"]
    )
    before = (site / zipped).read_bytes()
    pdf.write_text("of this one")
    (tmp_path / "start.py").touch()
    assert built() == [zipped, pdf.name] and (site / pdf.name).exists()
    assert (site / zipped).read_bytes() == before
    write("one.ipynb", markdown("title", "# Two"))
    assert built() == [zipped] and not (site / pdf.name).exists()


def test_a_book_with_an_address_says_where_it_is(write, tmp_path):
    write("one.ipynb", markdown("title", "# One\n\nWhat a layer is about."))
    write("zh/index.ipynb", markdown("t", "# 书"), contents("one"))
    write("zh/one.ipynb", markdown("title", "# 一"))
    for start, title in (("", "# Book"), ("../", "# 书")):
        drawing = f"\n\n![A figure](../{start}img/figure.svg)"
        opening = markdown("t", title + drawing), contents("one")
        write("index.ipynb" if not start else "zh/index.ipynb", *opening)
    assert build(tmp_path).returncode == 0
    assert "og:image" not in (tmp_path / "_build/html/en/one.html").read_text("utf-8")
    conf = tmp_path / "book" / "conf.py"
    site = "https://ann.github.io/book"
    text = conf.read_text("utf-8")
    conf.write_text(text.replace('ADDRESS = ""', f'ADDRESS = "{site}/"'), "utf-8")
    done = build(tmp_path)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "_build" / "html" / "en"
    page = (folder / "one.html").read_text("utf-8")
    assert f'rel="canonical" href="{site}/en/one.html"' in page
    assert f'hreflang="zh" href="{site}/zh/one.html"' in page
    assert '<meta name="description" content="What a layer is about.">' in page
    assert f'"og:image" content="{site}/en/_images/figure.png"' in page
    assert (folder / "_images" / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert f"<loc>{site}/en/one.html</loc>" in (folder / "sitemap.xml").read_text()


def test_only_what_changed_is_read_again(write, tmp_path):
    write(
        "one.ipynb", markdown("title", "# One"), code("plot", "p", picture(), alt="A")
    )
    assert build(tmp_path).returncode == 0
    html = tmp_path / "_build" / "html"
    first = {p: p.read_bytes() for p in html.rglob("*.html")}
    index = (tmp_path / "_build/book/en/doctrees/index.doctree").stat().st_mtime_ns
    assert list((html / "en" / "_images").iterdir())

    write("one.ipynb", markdown("title", "# One\n\nChanged."))
    assert build(tmp_path).returncode == 0
    changed = {p for p in html.rglob("*.html") if p.read_bytes() != first.get(p)}
    assert changed == {html / "en" / "one.html"}
    same = (tmp_path / "_build/book/en/doctrees/index.doctree").stat().st_mtime_ns
    assert same == index
    assert not list((html / "en" / "_images").glob("*")), "a picture that is gone"

    write("one.ipynb", markdown("title", "# Another title\n\nChanged."))
    assert build(tmp_path).returncode == 0
    assert "Another title" in (html / "en" / "index.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda root: one(root).write_text("{]"), "one.ipynb is not a notebook"),
        (lambda root: one(root).write_text("[]"), "one.ipynb is not a notebook"),
        (lambda root: one(root).with_name("index.ipynb").unlink(), "index.ipynb"),
    ],
)
def test_bad_input_is_one_sentence(write, tmp_path, damage, message):
    write("one.ipynb", markdown("title", "# One"))
    damage(tmp_path)
    done = build(tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("make html: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert not (tmp_path / "_build" / "html").exists()


def one(root: Path) -> Path:
    """Return the path of the lesson."""
    return root / "chapter_deep-learning-computation" / "one.ipynb"


def test_missing_package_is_named(tmp_path):
    script = "import build_html; build_html.NEEDED['nosuch'] = 'no-such-package';"
    script += "build_html.check_tools()"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT / "tools",
        capture_output=True,
        encoding="utf-8",
    )
    assert "Not installed: no-such-package" in done.stderr


def on(kind: str) -> dict:
    """Return the metadata of a cell with this slide type."""
    return {"slideshow": {"slide_type": kind}}


def slides(folder: Path) -> list[str]:
    """Build the slides of a small repository; return the HTML of each English one."""
    shutil.copy(ROOT / "tools" / "build_slides.py", folder / "tools")
    done = subprocess.run(
        [sys.executable, "tools/build_slides.py"],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    page = (folder / "_build" / "slides" / "en" / "one.html").read_text("utf-8")
    assert not re.search(r'(?:src|href)="https?:', page)
    shown = [text.split("</section>")[0] for text in page.split("<section>")[1:]]
    return [text for text in shown if text.strip()]


def text_of(html: str) -> str:
    """Return what a reader sees of HTML, in one line."""
    return " ".join(re.sub("<[^>]*>", " ", html).split())


def test_slides_begin_at_headings_and_answers_are_for_the_speaker(write, tmp_path):
    write(
        "one.ipynb",
        markdown("title", "# One", **on("slide")),
        markdown("access", "## 1. Access\n\n### What is `x`?", **on("slide")),
        code("x", "x = 1\n\n\nx", {"output_type": "stream", "text": "1"}),
        markdown("why", "It is one.\n\n### And $y$?", **on("subslide")),
        code("y", "y = 2", **on("subslide")),
        markdown("law", "Since\n\n$$y=2$$\n\n### Why?\n\nSo.", **on("subslide")),
        markdown("rest", "Not shown.", **on("skip")),
    )
    write("zh/one.ipynb", markdown("title", "# 一"), markdown("access", "## 取用"))
    made = slides(tmp_path)
    assert 'class="notes"' in made[1]
    assert [text_of(slide) for slide in made] == [
        "One",
        "1. Access What is x ? x = 1 x 1 It is one.",
        "1. Access And y ?",
        "1. Access And y ? y = 2",
        "1. Access And y ? Since y = 2",
        "1. Access Why? So.",
    ]
    assert 'lang="zh-CN"' in (tmp_path / "_build/slides/zh/one.html").read_text("utf-8")


def test_the_answer_to_a_prediction_waits_for_a_click(write, tmp_path):
    answer = {"output_type": "stream", "text": "ANSWER"}
    cells = [markdown("title", "# One", **on("slide"))]
    for k, kind in enumerate(["-", "fragment", "subslide"]):
        cells += [
            markdown(f"ask-{k}", "### Predict it", **on("slide")),
            code(f"run-{k}", "print(x)", answer, tags=["predict"], **on(kind)),
            markdown(f"why-{k}", "It is ANSWER."),
        ]
    write("one.ipynb", *cells)
    page = "".join(slides(tmp_path))
    assert page.count("ANSWER") == 6
    parser = Covers()
    parser.feed(page)
    assert parser.open == []


def test_old_anchors_lead_to_what_took_their_place(write, tmp_path):
    write("one.ipynb", markdown("title", "# One\n\n## New `name`\n\nText."))
    moved = tmp_path / "book" / "moved.tsv"
    head = moved.read_text("utf-8").splitlines()[0]
    moved.write_text(f"{head}\none\tOld-name\tNew name\n", "utf-8")
    assert build(tmp_path).returncode == 0
    page = (tmp_path / "_build" / "html" / "en" / "one.html").read_text("utf-8")
    assert 'id="Old-name"' in page
    moved.write_text(f"{head}\none\tOld-name\tNo name\n", "utf-8")
    done = build(tmp_path)
    assert done.returncode == 1
    assert "there is no heading “No name” for the old anchor Old-name" in done.stderr
