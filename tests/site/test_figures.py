"""What teaches beside the prose: figures that move, notes, cards and the seal."""

import json
from pathlib import Path

import pytest

FAN, SHAPES, TIE = "numerical-stability-and-init", "linear-regression", "parameters"
ROOT = Path(__file__).parents[2]
once = pytest.mark.parametrize("base", ["http"], indirect=True)
PARTS = """(html) => [...(html ? new DOMParser().parseFromString(html, "text/html")
  : document).querySelectorAll("[data-part]")].map((part) =>
  ["d", "x", "y", "visibility"].map((name) => part.getAttribute(name))
    .concat(part.matches("text") ? part.textContent : ""))"""
OPEN = "document.querySelectorAll('details').forEach((box) => (box.open = true))"


@pytest.mark.parametrize("folder", ["en", "zh"])
@pytest.mark.parametrize("lesson", [FAN, SHAPES, TIE])
@once
def test_drawing_stands_as_its_script_draws_it(open_page, lesson, folder):
    stored = (ROOT / "_build" / "html" / folder / f"{lesson}.html").read_text("utf-8")
    page = open_page(f"{folder}/{lesson}.html")
    assert page.evaluate(PARTS, stored) == page.evaluate(PARTS) != []


@pytest.mark.parametrize(
    ("lesson", "key", "said"),
    [
        (FAN, "End", "each layer multiplies by 16.0; layer 32 no longer"),
        (FAN, "Home", "after 50 layers the signal is 10⁻⁴⁰ times as large."),
        (SHAPES, "Home", "(3, 1) − (3, 1): each minus its own, three differences."),
        (TIE, "Space", "Untied: two parameters with equal values"),
    ],
)
@once
def test_figure_moves_by_keyboard_and_says_what_it_shows(open_page, lesson, key, said):
    page = open_page(f"en/{lesson}.html")
    page.evaluate(OPEN)
    before = page.evaluate(PARTS)
    control = page.locator(".moving input").first
    control.press(key)
    shown = page.locator(".moving output").first.inner_text()
    assert said in shown and page.evaluate(PARTS) != before
    if lesson != TIE:
        assert control.get_attribute("aria-valuetext") == shown


@once
def test_notes_show_on_hover_and_focus_only(open_page):
    page = open_page(f"en/{FAN}.html")
    source = page.locator("#further .noted", has_text="Glorot").locator("> a")
    tip = page.locator("#further .tip", has_text="Understanding the difficulty")
    assert not tip.is_visible()
    source.focus()
    assert tip.is_visible()
    name = page.locator("a.api").first
    assert name.get_attribute("href").startswith("https://docs.pytorch.org/docs/2.")
    term = page.locator(".noted", has=page.locator('[lang="zh"]')).first
    assert not term.locator(".tip").is_visible()
    term.hover()
    assert term.locator(".tip").is_visible()


@once
@pytest.mark.parametrize("folder", ["en", "zh"])
def test_first_page_shows_each_lesson_once_and_what_was_checked(open_page, folder):
    page = open_page(f"{folder}/index.html")
    cards = page.locator(".cards li")
    links = [link.get_attribute("href") for link in cards.locator("a").all()]
    aside = page.locator("#site li a").evaluate_all(
        "all => all.map((link) => link.getAttribute('href'))"
    )
    lessons = [a for a in aside if "/" not in a and not a.endswith("-in-depth.html")]
    assert links == lessons and cards.locator("svg").count() == len(links) >= 4
    for link in links:
        assert page.locator(f'main a[href="{link}"]:not(.button)').count() <= 2
    made = json.loads((ROOT / "book" / "executed.json").read_text("utf-8"))
    newest = max(made.values(), key=lambda by: by["date"])
    seal = page.locator(".seal").inner_text()
    assert newest["date"] in seal and newest["torch"] in seal
    cards.first.click()
    page.wait_for_url(f"**/{links[0]}")


@once
def test_references_are_reached_from_every_page(open_page):
    page = open_page(f"zh/{TIE}.html")
    page.locator(".colophon a").click()
    page.wait_for_url("**/zh/references.html")
    assert page.locator("article li a").count() > 10
    assert page.locator('main a[href*="references"]').count() == 0
    page.locator(".other").click()
    page.wait_for_url("**/en/references.html")
