"""The finished slides in a real browser: what a class would see.

Run by `make test-site`, after `make slides`. Each deck is opened from the disk, as a
lecturer does, and every slide looked at twice: before the first click and after the
last.
"""

from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
SLIDES = ROOT / "_build" / "slides"
CHAPTER = ROOT / "chapter_deep-learning-computation"
PAGES = [str(path.relative_to(SLIDES)) for path in sorted(SLIDES.glob("*/*.html"))]
LOOK = """() => Reveal.getSlides().map((slide, k) => {
  const {h, v} = Reveal.getIndices(slide);
  Reveal.slide(h, v, -1);
  const seen = (cell) => [...cell.querySelectorAll(".jp-OutputArea")]
    .some((output) => output.checkVisibility({visibilityProperty: true}));
  const predictions = [...slide.querySelectorAll(".celltag_predict")];
  const early = predictions.filter(seen).length;
  while (Reveal.availableFragments().next) Reveal.nextFragment();
  return {
    number: k + 1,
    heading: slide.querySelector("h1, h2, h3")?.innerText ?? "",
    text: parseFloat(getComputedStyle(slide).fontSize),
    fits: slide.scrollHeight <= 700 && slide.scrollWidth <= 1120,
    predictions: predictions.length,
    early,
    covered: predictions.length - predictions.filter(seen).length,
    broken: [...slide.querySelectorAll("img")].filter((i) => !i.naturalWidth).length,
  };
})"""


@pytest.fixture
def show(chromium):
    """Return a function that opens a deck, and fails the test for what goes wrong."""
    wrong = []
    context = chromium.new_context(viewport={"width": 1120, "height": 700})

    def show(name: str):
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(f"script error: {error}"))
        page.on("requestfailed", lambda r: wrong.append(f"did not come: {r.url}"))
        page.on(
            "request",
            lambda r: (
                r.url.startswith(("file:", "data:", "about:"))
                or wrong.append(f"outside request: {r.url}")
            ),
        )
        page.goto((SLIDES / name).as_uri(), wait_until="load")
        page.wait_for_function("Reveal.isReady()")
        return page

    yield show
    context.close()
    assert not wrong, "\n".join(wrong)


def test_every_lesson_has_slides():
    lessons = {
        path.stem for path in CHAPTER.glob("*.ipynb") if "in-depth" not in path.stem
    } - {"index"}
    wanted = {f"{tag}/{name}.html" for tag in ("en", "zh") for name in lessons}
    assert wanted == set(PAGES), "run make slides"


def test_slides_fit_and_predictions_are_covered(show, page_name):
    slides = show(page_name).evaluate(LOOK)
    assert 20 <= len(slides) <= 40, "more than 45 minutes, or less"
    for slide in slides:
        assert slide["heading"], slide
        assert slide["fits"] and slide["text"] >= 21, f"too much on it: {slide}"
        assert not slide["early"], f"the answer shows before the click: {slide}"
        assert not slide["covered"] and not slide["broken"], slide
    cells = nbformat.read(
        CHAPTER / Path(page_name).name.replace("html", "ipynb"), 4
    ).cells
    asked = [
        cell.id
        for cell in cells
        if "predict" in cell.metadata.get("tags", [])
        and cell.metadata.get("slideshow", {}).get("slide_type") != "skip"
    ]
    assert sum(slide["predictions"] for slide in slides) == len(asked) >= 4


def test_speaker_notes_follow_the_slides(show):
    page = show("en/linear-regression.html")
    with page.context.expect_page() as opened:
        page.keyboard.press("s")
    opened.value.locator("#current-slide iframe").wait_for()  # it follows from now on
    notes = opened.value.locator(".speaker-controls-notes .value")
    for _ in range(3):  # title, goals, tensors, seeds
        page.evaluate("Reveal.next()")
    notes.get_by_text("The same seed").wait_for(timeout=30_000)
