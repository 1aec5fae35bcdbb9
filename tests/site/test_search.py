"""The search of the built book: what a reader types leads to the right section.

A query passes if its section is among the first three results.
"""

import pytest

LESSON = "parameters.html"
STABILITY = "numerical-stability-and-init.html"
DEPTH = "parameters-in-depth.html"
QUERIES = [  # language, query, page, part of the section's heading
    ("en", "weight tying", LESSON, "Tied parameters"),
    ("en", "freeze", LESSON, "Freeze"),
    ("en", "paramters", LESSON, "named_parameters()"),
    ("en", "exploding gradients", STABILITY, "vanishing and exploding gradients"),
    ("en", "kaiming", STABILITY, "Kaiming and Xavier"),
    ("en", "deepcopy", DEPTH, "deepcopy"),
    ("en", "half zero", LESSON, "An initialiser of your own"),
    ("en", "std=0.01", LESSON, "nn.init: normal and constant"),
    ("en", "requires_grad_", LESSON, "Freeze"),
    ("en", "nn.init.normal_", LESSON, "nn.init: normal and constant"),
    ("en", "state_dict()", LESSON, "is it a snapshot"),
    ("en", "what is a buffer", "model-construction.html", "Buffers"),
    ("en", "initialization", LESSON, "nitialise"),
    ("zh", "参数", LESSON, "参数"),
    ("zh", "参数是什么", LESSON, "模型参数"),
    ("zh", "权重绑定", LESSON, "参数绑定"),
    ("zh", "梯度消失", STABILITY, "梯度消失与梯度爆炸"),
    ("zh", "如何冻结参数", LESSON, "冻结参数"),
    ("zh", "freezing", LESSON, "冻结参数"),
    ("zh", "冻结", LESSON, "冻结参数"),
    ("zh", "std=0.01", LESSON, "nn.init：正态分布与常数"),
]


def search(open_page, language, query, width=1280):
    """Open a lesson, type a query, and return the page."""
    page = open_page(f"{language}/parameters.html", width)
    page.keyboard.press("/")
    page.wait_for_function("!!globalThis.findSections")
    page.locator("#search input").fill(query)
    return page


@pytest.mark.parametrize("base", ["file"], indirect=True)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_finds(open_page, language):
    page = search(open_page, language, "")
    wrong = {}
    for _, query, name, heading in [q for q in QUERIES if q[0] == language]:
        page.locator("#search input").fill(query)
        first = page.locator("#search a").all()[:3]
        found = [(a.get_attribute("href"), a.locator("b").inner_text()) for a in first]
        if not any(f"/{name}" in link and heading in text for link, text in found):
            wrong[query] = found
    assert not wrong
    page.locator("#search input").fill("xyzzy 乜嘢")
    assert page.locator("#search a").count() == 0
    assert page.get_by_role("status").last.inner_text() in ("Nothing found", "没有找到")


@pytest.mark.parametrize(
    ("width", "base"), [(1280, "file"), (390, "http")], indirect=["base"]
)
def test_by_keyboard(open_page, width):
    page = open_page("en/parameters.html", width)
    field = page.locator("#search input")
    page.locator("main p a").first.focus()
    focused = "document.activeElement.outerHTML"
    before = page.evaluate(focused)
    for key in ("Control+k", "/"):
        page.keyboard.press(key)
        field.wait_for()
        page.keyboard.type("deepcopy")
        page.locator("#search mark").first.wait_for()
        page.keyboard.press("Escape")
        field.wait_for(state="hidden")
        assert page.evaluate(focused) == before
    page.keyboard.press("/")
    for key in ("ArrowDown", "ArrowDown", "ArrowUp", "ArrowUp", "ArrowDown"):
        page.keyboard.press(key)
    assert page.evaluate(focused).startswith("<a")
    overflow = "document.querySelector('#search').scrollWidth - innerWidth"
    assert page.evaluate(overflow) <= 0
    page.keyboard.press("Enter")
    page.wait_for_url("**/parameters-in-depth.html?*")
    page.wait_for_function("CSS.highlights.get('search')?.size > 0")
    first = "[...CSS.highlights.get('search')][0].toString()"
    assert page.evaluate(first) == "deepcopy"


@pytest.mark.parametrize("base", ["http"], indirect=True)
def test_marks_a_word_of_code_that_stands_in_pieces(open_page):
    page = search(open_page, "en", "std=0.01")
    page.keyboard.press("Enter")
    page.locator("#search").wait_for(state="hidden")
    places = """[...CSS.highlights.get("search")].map((range) =>
      range.startContainer !== range.endContainer &&
      Boolean(range.commonAncestorContainer.closest?.(".in pre")) && `${range}`)"""
    assert "std=0.01" in page.evaluate(places)


def test_within_the_page(open_page):
    page = search(open_page, "en", "freeze")
    code = page.locator("#search b code")
    assert code.first.inner_text() == "requires_grad_(False)"
    page.keyboard.press("Enter")
    page.locator("#search").wait_for(state="hidden")
    heading = page.get_by_role("heading", name="Freeze")
    assert 0 <= heading.bounding_box()["y"] < 900
    assert page.evaluate("CSS.highlights.get('search').size") > 0


def test_answers_stay_covered(open_page):
    page = search(open_page, "en", "RuntimeError")
    assert page.locator("#search a").count() > 0
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**mark=RuntimeError*")
    assert page.locator("details.covered[open]").count() == 0
