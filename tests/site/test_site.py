"""The finished site in a real browser: what a reader would stumble over.

Run by `python -m pytest tests/site`, after `make html`. Nearly every test runs twice:
from a server, where the site lies in a subfolder, and from the disk.
"""

from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

SITE = Path(__file__).parents[2] / "_build" / "html"
PAGES = [str(path.relative_to(SITE)) for path in sorted(SITE.glob("*/**/*.html"))]
LESSON = "en/parameters.html"
SIZES = [1440, 768, 390, 320]


class Anchors(HTMLParser):
    """Collects the links and the ids of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        """Note the tag's link and id."""
        attributes = dict(attrs)
        if attributes.get("id"):
            self.ids.append(attributes["id"])
        for name in ("href", "src", "action"):
            if attributes.get(name):
                self.links.append(attributes[name])


def test_links_and_anchors():
    pages = {SITE / name: Anchors((SITE / name).read_text("utf-8")) for name in PAGES}
    pages[SITE / "index.html"] = Anchors((SITE / "index.html").read_text("utf-8"))
    broken, checked = [], 0
    for path, page in pages.items():
        doubled = {name for name in page.ids if page.ids.count(name) > 1}
        assert not doubled, f"{path}: ids given twice: {doubled}"
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or link == "#":
                continue
            checked += 1
            target = (
                (path.parent / unquote(parts.path)).resolve() if parts.path else path
            )
            if not target.is_file():
                broken.append(f"{path}: {link}: no such file")
            elif parts.fragment and not (
                {parts.fragment, unquote(parts.fragment)} & set(pages[target].ids)
            ):  # browsers look for both
                broken.append(f"{path}: {link}: no such place in the page")
    assert checked > 20
    assert not broken, "\n".join(broken)


def test_page_is_whole(open_page, page_name):
    page = open_page(page_name)
    lost = page.evaluate(
        "[...document.images].filter(i => !i.naturalWidth).map(i => i.src)"
    )
    assert not lost, f"images that did not load: {lost}"
    nameless = page.evaluate(
        "[...document.querySelectorAll('article img')]"
        ".filter(i => i.alt.trim().length < 4).map(i => i.src)"
    )
    assert not nameless, f"images without alternative text: {nameless}"
    unset = page.evaluate(
        "[...document.querySelectorAll('.math')]"
        ".filter(e => !e.querySelector('math')?.clientWidth).map(e => e.textContent)"
    )
    assert not unset, f"formulas not set: {unset}"
    prose = page.evaluate(
        "(() => { const copy = document.querySelector('main').cloneNode(true);"
        "copy.querySelectorAll('pre, code, script').forEach(e => e.remove());"
        "return copy.textContent; })()"
    )
    assert "$" not in prose
    levels = page.evaluate(
        "[...document.querySelectorAll('article :is(h1, h2, h3, h4, h5, h6)')]"
        ".map(h => Number(h.tagName[1]))"
    )
    assert levels.count(1) == (0 if page_name.endswith("search.html") else 1)
    assert all(b - a <= 1 for a, b in pairwise(levels)), levels


@pytest.mark.parametrize("width", SIZES)
def test_no_sideways_scroll(open_page, page_name, width):
    page = open_page(page_name, width)
    widest = page.evaluate("document.documentElement.scrollWidth")
    assert widest <= width, f"{page_name} is {widest} wide on a screen of {width}"
    text = page.evaluate(
        "(() => { const p = document.querySelector('article p');"
        "return p ? p.getBoundingClientRect().width : 0; })()"
    )
    assert text <= 680, "lines too long to read"


def test_front_door(open_page, base):
    page = open_page("index.html", locale="en-GB")
    page.wait_for_url(f"{base}/en/index.html")
    if (SITE / "zh").exists():
        page = open_page("index.html", locale="zh-CN")
        page.wait_for_url(f"{base}/zh/index.html")


def test_front_door_without_javascript(open_page, base):
    page = open_page("index.html", java_script_enabled=False)
    page.wait_for_url(f"{base}/en/index.html")


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("key", ["Control+k", "/"])
def test_search_by_keyboard(open_page, width, key):
    page = open_page(LESSON, width)
    page.keyboard.press(key)
    page.keyboard.type("load_state_dict")
    page.keyboard.press("Enter")
    result = page.locator("#search-results li a").first
    result.wait_for()
    assert "parameters.html" in result.get_attribute("href")
    result.click()
    page.wait_for_url("**/parameters.html*")
    page.wait_for_function("CSS.highlights.get('search')?.size > 0")


def test_search_in_chinese(open_page):
    if not (SITE / "zh").exists():
        pytest.skip("the site has no Chinese edition to search")
    for term in ("参数", "初始化", "load_state_dict"):
        page = open_page(f"zh/search.html?q={term}")
        page.locator("#search-results li a").first.wait_for()


def test_dark_and_light(open_page):
    page = open_page(LESSON, color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    mode = "document.documentElement.dataset.theme"
    assert page.evaluate(mode) == "dark"
    dark = page.evaluate(background)
    page.get_by_role("button", name="Color mode").click()
    page.get_by_role("button", name="Light").click()
    assert page.evaluate(mode) == "light"
    assert page.evaluate(background) != dark
    page.reload()
    assert page.evaluate(mode) == "light"


def test_copy_button(open_page, base):
    granted = ["clipboard-read", "clipboard-write"] if base.startswith("http") else []
    page = open_page(LESSON, permissions=granted)
    cell = page.locator(".nbinput").first
    cell.hover()
    cell.locator("button.copybtn").click()
    cell.locator("button.copybtn.success").wait_for()
    if granted:
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied.strip() == cell.locator("pre").inner_text().strip()


def test_switcher(open_page):
    page = open_page(LESSON)
    other = page.locator("a[hreflang]:visible")
    assert other.count() == (1 if (SITE / "zh" / "parameters.html").exists() else 0)
    if other.count():
        other.click()
        page.wait_for_url("**/zh/parameters.html")
        assert page.evaluate("document.documentElement.lang") == "zh-CN"


def test_contents_on_a_phone(open_page):
    page = open_page("en/index.html", 390)
    page.locator(".bd-header-article .primary-toggle").click()
    page.locator("#pst-primary-sidebar-modal a", has_text="Parameters").first.click()
    page.wait_for_url(f"**/{LESSON}")


def test_predictions_open(open_page):
    page = open_page(LESSON)
    box = page.locator("article details").first
    assert not box.evaluate("e => e.open")
    box.locator("summary").focus()
    page.keyboard.press("Enter")
    assert box.evaluate("e => e.open")


@pytest.mark.parametrize("base", ["http"], indirect=True)
def test_download_notebook(open_page):
    page = open_page(LESSON)
    with page.expect_download() as download:
        page.locator("a[download]").click()
    expected = (SITE / LESSON).with_suffix(".ipynb").read_bytes()
    assert download.value.path().read_bytes() == expected


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("base", ["http"], indirect=True)
def test_accessible(open_page, page_name, scheme, width):
    from axe_playwright_python.sync_playwright import Axe

    page = open_page(page_name, width, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    faults = [
        f"{fault['impact']}: {fault['id']}: {fault['help']}: "
        + "; ".join(node["html"][:200] for node in fault["nodes"][:3])
        for fault in Axe().run(page, options={"preload": False}).response["violations"]
        if fault["impact"] != "minor"
    ]
    assert not faults, "\n".join(faults)
