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
OF_EACH_KIND = [
    *("en/index.html", "zh/index.html", "en/linear-regression.html"),
    *("en/solutions/use-gpu.html", "en/references.html"),
]


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


# For what does not depend on where the page comes from.
once = pytest.mark.parametrize("base", ["http"], indirect=True)

FAULTS = """() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const copy = document.querySelector("main").cloneNode(true);
  copy.querySelectorAll("pre, code").forEach((e) => e.remove());
  const named = all("[title], [aria-label]").flatMap((e) => [e.title, e.ariaLabel]);
  return {
    "images that did not load":
      all("img").filter((i) => !i.naturalWidth).map((i) => i.src),
    "images without a size": all("img").filter((i) => !i.width).map((i) => i.src),
    "images without alternative text":
      all("article img, article svg[role]")
        .filter((i) => (i.alt ?? i.ariaLabel).length < 4)
        .map((i) => i.outerHTML.slice(0, 80)),
    "formulas not set":
      all("math").filter((e) => e.checkVisibility() && !e.getBoundingClientRect().width)
        .map((e) => e.textContent),
    "raw dollar signs": copy.textContent.match(/.{0,30}\\$.{0,30}/g) || [],
    "labels not in Chinese": document.documentElement.lang.startsWith("zh")
      ? named.filter((name) => name && !/[\u3400-\u9fff]/.test(name)) : [],
  };
}"""
HEADINGS = """[...document.querySelectorAll('article :is(h1, h2, h3, h4, h5, h6)')]
  .map((h) => Number(h.tagName[1]))"""
LETTERS = """[...document.querySelectorAll("svg.drawing text")].map((text) => [
  parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a, text.textContent
]).filter(([size]) => size < 11)"""
WIDTHS = """[document.documentElement.scrollWidth,
  document.querySelector('article p')?.getBoundingClientRect().width ?? 0]"""


@pytest.mark.parametrize("base", ["file"], indirect=True)  # axe opens each by http
def test_page_is_whole(open_page, page_name):
    page = open_page(page_name, SIZES[0])
    page.evaluate(
        "document.querySelectorAll('details').forEach((box) => (box.open = true));"
        "document.querySelectorAll('img').forEach((i) => (i.loading = 'eager'))"
    )
    page.wait_for_function("[...document.images].every((i) => i.complete)")
    faults = {what: found for what, found in page.evaluate(FAULTS).items() if found}
    levels = page.evaluate(HEADINGS)
    if levels.count(1) != 1 or any(b - a > 1 for a, b in pairwise(levels)):
        faults["headings that do not nest"] = levels
    for width in SIZES:
        page.set_viewport_size({"width": width, "height": 900})
        widest, text = page.evaluate(WIDTHS)
        if widest > width:
            faults[f"sideways scroll on a screen of {width}"] = widest
        if width == 390 and (small := page.evaluate(LETTERS)):
            faults["lettering under 11 px on a phone"] = small
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


@once
@pytest.mark.parametrize("key", ["/", "Control+k"])
def test_search_is_opened(open_page, key):
    page = open_page(LESSON)
    page.evaluate("globalThis.openSearch = () => (document.title = 'opened')")
    page.keyboard.press(key)
    assert page.title() == "opened"
    page.evaluate("document.title = ''")
    page.get_by_role("button", name="Search").click()
    assert page.title() == "opened"


def test_dark_and_light(open_page):
    page = open_page(LESSON, color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    dark, switch = page.evaluate(background), page.get_by_role("button", name="Dark")
    assert switch.get_attribute("aria-pressed") == "true"
    switch.click()
    light = page.evaluate(background)
    assert light != dark and switch.get_attribute("aria-pressed") == "false"
    page.reload()
    assert page.evaluate(background) == light
    switch.click()
    page.emulate_media(color_scheme="light")  # a choice like the system's is none
    assert page.evaluate(background) == light


FOCUSED = """() => {
  const element = document.activeElement, style = getComputedStyle(element);
  const again = element === document.body || "reached" in element.dataset;
  element.dataset.reached = "";
  const name = element.ariaLabel || element.innerText?.trim() || element.className;
  const ring = style.outlineStyle !== "none" || style.boxShadow !== "none";
  return [again, name, ring];
}"""


@once
def test_by_keyboard_alone(open_page):
    page = open_page("en/index.html")
    reached, unmarked = [], []
    for _ in range(90):
        page.keyboard.press("Tab")
        again, name, ring = page.evaluate(FOCUSED)
        if again:
            break
        reached.append(name)
        if not ring:
            unmarked.append(name)
    names = ("Skip to", "Search", "Dark", "Start the first", "The words", "Link to")
    for wanted in names:
        assert any(name.startswith(wanted) for name in reached), (wanted, reached)
    assert not unmarked, f"one cannot see that these have the focus: {unmarked}"


def test_copy_button(open_page, base):
    granted = ["clipboard-read", "clipboard-write"] if base.startswith("http") else []
    page = open_page(LESSON, permissions=granted)
    cell = page.get_by_role("group", name="Input 2", exact=True)
    cell.hover()
    cell.get_by_role("button", name="Copy cell 2").click()
    cell.locator("button.copied").wait_for()
    if granted:
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied == cell.locator("pre").inner_text()


def test_code_on_a_phone(open_page):
    page = open_page(LESSON, 390, has_touch=True, is_mobile=True)
    cell = page.get_by_role("group", name="Input 1", exact=True)
    code = cell.locator("pre")
    wide = "e => e.scrollWidth > e.clientWidth"
    assert code.evaluate(wide) and code.get_attribute("tabindex") == "0"
    short = page.get_by_role("group", name="Input 3", exact=True)
    assert not short.get_by_role("button", name="Wrap").is_visible()
    assert cell.locator(".tools").evaluate("e => getComputedStyle(e).opacity") == "1"
    cell.get_by_role("button", name="Wrap").tap()
    assert not code.evaluate(wide)
    page.reload()
    assert not code.evaluate(wide)


PARAGRAPHS = """(id) => {
  const [cell, next] = [...document.querySelectorAll("article [id^=cell-]")].filter(
    (one, k, all) => one.id === id || all[k - 1]?.id === id);
  return [...document.querySelectorAll("article p")].filter((p) =>
    cell.compareDocumentPosition(p) & 4 && p.compareDocumentPosition(next) & 4);
}"""


@pytest.mark.parametrize(
    ("cell", "number", "hash", "base"),
    [
        ("cell-by-name", None, "#cell-by-name", "http"),
        ("cell-data-intro", 1, "#cell-data-intro.2-3", "file"),
        ("cell-summary", 2, "#cell-summary.6-29", "http"),
    ],
    indirect=["base"],
)
def test_other_language_keeps_the_place(open_page, cell, number, hash):
    if not (SITE / "zh").exists():
        pytest.skip("the site has no Chinese edition")
    page = open_page(LESSON)
    page.evaluate("document.fonts.ready.then(() => 0)")
    place = f"document.getElementById('{cell}')"
    if number is not None:
        place = f"({PARAGRAPHS})('{cell}')[{number}]"
    page.evaluate(f"{place}.scrollIntoView()")
    page.wait_for_function(f"document.querySelector('.other').hash === '{hash}'")
    box = page.locator(".other").bounding_box()  # click() would scroll the page first
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_url("**/zh/parameters.html*")
    assert page.url.endswith(hash)
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    assert 0 <= page.evaluate(f"{place}.getBoundingClientRect().top") < 200


@once
def test_a_place_that_the_other_language_lacks_is_its_cell(open_page):
    page = open_page(f"{LESSON}#cell-data-intro.7-9")
    page.wait_for_function("scrollY > 1000")
    top = "document.getElementById('cell-data-intro').getBoundingClientRect().top"
    assert 0 <= page.evaluate(top) < 200


def test_next_visit_continues(open_page):
    page = open_page(LESSON)
    page.evaluate("document.getElementById('share').scrollIntoView()")
    page.wait_for_function("(localStorage.place ?? '').includes('share')")
    page.goto(page.url.replace("parameters", "index"))
    page.locator(".continue a").click()
    page.wait_for_url("**/parameters.html#*")
    assert page.evaluate("scrollY") > 5000


@once
@pytest.mark.parametrize("scripts", [True, False])
def test_drawers_on_a_phone(open_page, scripts):
    page = open_page("en/index.html", 390, java_script_enabled=scripts)
    drawer, opener = page.locator("#site"), page.locator("[popovertarget=site]").first
    opener.click()
    drawer.wait_for()
    page.keyboard.press("Escape")
    drawer.wait_for(state="hidden")
    opener.click()
    drawer.locator("a", has_text="Parameters").first.click()
    page.wait_for_url(f"**/{LESSON}")
    if scripts:
        page.locator("header [popovertarget=toc]").click()
        page.locator("#toc a", has_text="Summary").click()
        page.locator("#toc").wait_for(state="hidden")


def test_prediction_is_judged_and_remembered(open_page):
    page = open_page(LESSON)
    cell = page.locator("#cell-weight-whole")
    box, verdict = cell.locator("details"), cell.get_by_role("status")
    assert not box.evaluate("e => e.open")
    cell.get_by_role("button", name="[2, 3]").focus()
    page.keyboard.press("Enter")
    assert verdict.inner_text() == "You said [2, 3]; the output says [3, 2]."
    assert box.evaluate("e => e.open")
    number = page.locator("#cell-named-parameters")
    number.get_by_role("textbox").fill("7946")
    page.keyboard.press("Enter")
    assert number.get_by_role("status").inner_text().endswith("so does the output.")
    page.locator("#cell-snapshot summary").click()  # to open is not to predict
    page.locator("#cell-snapshot .out").wait_for()
    assert page.locator(".progress").inner_text() == "2 of 12 predicted"
    page.reload()
    assert page.locator("#cell-snapshot .out").is_visible()
    assert box.evaluate("e => e.open") and verdict.inner_text()
    assert page.locator(".progress").inner_text() == "2 of 12 predicted"


@once
def test_prediction_without_javascript(open_page):
    page = open_page(LESSON, java_script_enabled=False)
    cell = page.locator("#cell-weight-whole")
    assert "[2, 3]" in cell.locator("fieldset").inner_text()
    assert not cell.locator(".out").is_visible()
    cell.locator("summary").click()
    assert cell.locator(".out").is_visible()
    page.emulate_media(media="print")
    assert page.locator("#cell-snapshot .out").is_visible()


@once
def test_link_into_a_covered_place_uncovers_it(open_page):
    page = open_page(f"{LESSON}#cell-weight-shape-why")
    assert page.locator("#cell-weight-whole details").evaluate("e => e.open")


SHIFT = """new Promise((done) => new PerformanceObserver((list) => done(
  list.getEntries().reduce((sum, entry) => sum + entry.value, 0)
)).observe({ type: "layout-shift", buffered: true }) || setTimeout(done, 700, 0))"""


@once
@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_moves_while_a_page_loads(open_page, width):
    page = open_page(LESSON, width)
    assert page.evaluate(SHIFT) < 0.01


@once
def test_download_notebook(open_page):
    page = open_page(LESSON)
    with page.expect_download() as download:
        page.locator("a[download]").click()
    expected = (SITE / LESSON).with_suffix(".ipynb").read_bytes()
    assert download.value.path().read_bytes() == expected


# The code of a lesson is hundreds of coloured words, in few colours. axe measures each;
# one word of each kind, in each kind of place, is enough, and one formula.
ONE_OF_EACH = """() => {
  const seen = new Set();
  for (const word of document.querySelectorAll("pre span")) {
    const kind = `${word.closest(".in, .out")?.className} ${word.className}`;
    seen.has(kind) ? word.replaceWith(...word.childNodes) : seen.add(kind);
  }
  for (const formula of document.querySelectorAll("math")) {
    const kind = formula.parentElement.closest(":not(span)").tagName;
    seen.has(kind) ? formula.replaceWith(formula.textContent) : seen.add(kind);
  }
  document.querySelectorAll("details").forEach((box) => (box.open = true));
}"""


@once
def test_accessible(open_page, page_name):
    from axe_playwright_python.sync_playwright import Axe

    page, faults = open_page(page_name, color_scheme="light"), []
    page.evaluate(ONE_OF_EACH)
    # A page and its twin differ in words only: each is seen in one theme and width.
    states = [("dark", 390) if page_name.startswith("zh") else ("light", 1280)]
    if page_name in OF_EACH_KIND:  # the frame, which is the same on all, in all four
        states = list(product(("light", "dark"), (1280, 390)))
    for theme, width in states:
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(100)  # until the page has seen what scrolls here
        options = {"preload": False, "resultTypes": ["violations"]}
        faults += [
            f"{theme}, {width}, {fault['impact']}: {fault['id']}: {fault['help']}: "
            + "; ".join(node["html"][:200] for node in fault["nodes"][:3])
            for fault in Axe().run(page, options=options).response["violations"]
        ]
    assert not faults, "\n".join(faults)
