"""The finished site in a real browser: what a reader would stumble over.

Run by `python -m pytest tests/site`, after `make html`. Nearly every test runs twice:
from a server, where the site lies in a subfolder, and from the disk.
"""

from html.parser import HTMLParser
from itertools import pairwise, product
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


FAULTS = """() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const copy = document.querySelector("main").cloneNode(true);
  copy.querySelectorAll("pre, code, script").forEach((e) => e.remove());
  const named = all("[title], [aria-label]").flatMap((e) => [e.title, e.ariaLabel]);
  return {
    "images that did not load":
      all("img").filter((i) => !i.naturalWidth).map((i) => i.src),
    "images without alternative text":
      all("article img").filter((i) => i.alt.trim().length < 4).map((i) => i.src),
    "formulas not set":
      all(".math").filter((e) => !e.querySelector("math")?.clientWidth)
        .map((e) => e.textContent),
    "raw dollar signs": copy.textContent.match(/.{0,30}\\$.{0,30}/g) || [],
    "labels not in Chinese": document.documentElement.lang.startsWith("zh")
      ? named.filter((name) => name && !/[\u3400-\u9fff]/.test(name)) : [],
  };
}"""
HEADINGS = """[...document.querySelectorAll('article :is(h1, h2, h3, h4, h5, h6)')]
  .map((h) => Number(h.tagName[1]))"""
WIDTHS = """[document.documentElement.scrollWidth,
  document.querySelector('article p')?.getBoundingClientRect().width ?? 0]"""


def test_page_is_whole(open_page, page_name):
    page = open_page(page_name, SIZES[0])
    faults = {what: found for what, found in page.evaluate(FAULTS).items() if found}
    levels = page.evaluate(HEADINGS)
    titles = 0 if page_name.endswith("search.html") else 1
    if levels.count(1) != titles or any(b - a > 1 for a, b in pairwise(levels)):
        faults["headings that do not nest"] = levels
    for width in SIZES:
        page.set_viewport_size({"width": width, "height": 900})
        widest, text = page.evaluate(WIDTHS)
        if widest > width:
            faults[f"sideways scroll on a screen of {width}"] = widest
        if text > 680:
            faults[f"lines too long to read on a screen of {width}"] = text
    assert not faults


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
def test_search_by_keyboard(open_page, width):
    page = open_page(LESSON, width)
    field = page.locator("dialog[open] input[name=q]")
    for key in ("Control+k", "/"):
        page.keyboard.press(key)
        field.wait_for()
        page.keyboard.press("Escape")
        field.wait_for(state="hidden")
    page.keyboard.press("/")
    page.keyboard.type("load_state_dict")
    page.keyboard.press("Enter")
    result = page.locator("#search-results li a").first
    result.wait_for()
    assert "parameters-in-depth.html" in result.get_attribute("href")
    result.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/parameters-in-depth.html*")
    page.wait_for_function("CSS.highlights.get('search')?.size > 0")
    first = "[...CSS.highlights.get('search')][0].toString()"
    assert page.evaluate(first) == "load_state_dict"


@pytest.mark.parametrize(
    ("language", "queries"),
    [
        ("en", ("load_state_dict", "names come from", "weight decay", "initialising")),
        ("zh", ("load_state_dict", "参数", "初始化", "反向传播", "共享权重的梯度")),
    ],
)
def test_search_finds(open_page, language, queries):
    if not (SITE / language).exists():
        pytest.skip("the site has no Chinese edition to search")
    page = open_page(f"{language}/search.html")
    results = page.locator("#search-results li")
    for query in queries:
        page.locator("#search-results").evaluate("list => list.replaceChildren()")
        page.locator(".bd-search-container input").fill(query)
        assert results.count() > 0, query
        lessons = results.locator("a:not([href^='index.html'])")
        assert lessons.count() > 0, f"{query}: found in no lesson"
        assert results.locator("mark").count() > 0, f"{query}: no hit is marked"
    page.locator(".bd-search-container input").fill("xyzzy 乜嘢")
    assert results.count() == 0
    assert page.locator("#search-status").inner_text() != ""


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


FOCUSED = """() => {
  const element = document.activeElement, style = getComputedStyle(element);
  const again = element === document.body || "reached" in element.dataset;
  element.dataset.reached = "";
  const name = element.ariaLabel || element.innerText?.trim() || element.className;
  const ring = style.outlineStyle !== "none" || style.boxShadow !== "none";
  return [again, name, ring];
}"""


def test_by_keyboard_alone(open_page):
    page = open_page("en/index.html")
    reached, unmarked = [], []
    for _ in range(60):
        page.keyboard.press("Tab")
        again, name, ring = page.evaluate(FOCUSED)
        if again:
            break
        reached.append(name)
        if not ring:
            unmarked.append(name)
        if name == "Color mode":
            for key in ("Enter", *["ArrowDown"] * 3, "Enter"):
                page.keyboard.press(key)
            assert page.evaluate("document.documentElement.dataset.theme") == "dark"
            page.locator(".theme-switch-button").focus()
    for wanted in ("Skip to", "Search", "Color mode", "Start the first", "The words"):
        assert any(name.startswith(wanted) for name in reached), (wanted, reached)
    assert not unmarked, f"one cannot see that these have the focus: {unmarked}"


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


def test_download_notebook(open_page):
    page = open_page(LESSON)
    with page.expect_download() as download:
        page.locator("a[download]").click()
    expected = (SITE / LESSON).with_suffix(".ipynb").read_bytes()
    assert download.value.path().read_bytes() == expected


# The code of a lesson is thousands of coloured words, in few colours. axe measures
# each; one word of each kind, in each kind of place, is enough.
ONE_OF_EACH = """() => {
  const seen = new Set();
  for (const word of document.querySelectorAll("pre span")) {
    const place = word.closest("[class*=area]")?.className;
    const kind = `${place} ${word.className} ${word.style.cssText}`;
    seen.has(kind) ? word.replaceWith(...word.childNodes) : seen.add(kind);
  }
  document.querySelectorAll("details").forEach((box) => (box.open = true));
}"""


@pytest.mark.parametrize("base", ["http"], indirect=True)
def test_accessible(open_page, page_name):
    from axe_playwright_python.sync_playwright import Axe

    page, faults = open_page(page_name, color_scheme="light"), []
    page.evaluate(ONE_OF_EACH)
    for theme, width in product(("light", "dark"), (1280, 390)):
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(f"document.documentElement.dataset.theme === '{theme}'")
        page.wait_for_timeout(500)  # until the theme has seen what scrolls here
        options = {"preload": False, "resultTypes": ["violations"]}
        faults += [
            f"{theme}, {width}, {fault['impact']}: {fault['id']}: {fault['help']}: "
            + "; ".join(node["html"][:200] for node in fault["nodes"][:3])
            for fault in Axe().run(page, options=options).response["violations"]
            if fault["impact"] != "minor"
        ]
    assert not faults, "\n".join(faults)
