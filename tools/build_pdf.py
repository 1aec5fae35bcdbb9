"""Print the built book, one PDF per language, into _build/pdf (`make pdf`).

Joins the pages of _build/html, in the order of the contents, into one long page, and
lets Chromium print it on A4, with page numbers, bookmarks and the answers opened.
Changes nothing in the book; a PDF is moved into place when it is whole.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).absolute().parent.parent
SITE, TARGET = ROOT / "_build" / "html", ROOT / "_build" / "pdf"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def pages_of(soup) -> list[str]:
    """Return the pages of a book in reading order, from its contents."""
    links = [a["href"].split("#")[0] for a in soup.select("#site li a[href]")]
    return ["index.html", *dict.fromkeys(links)]


def join(book: Path) -> str:
    """Return one HTML page with the articles of all pages of one language.

    Ids get the page's number in front, and links from page to page become links
    within; links to pages that are not in the contents are taken out.
    """
    from bs4 import BeautifulSoup

    def read(name: str) -> BeautifulSoup:
        return BeautifulSoup((book / name).read_text("utf-8"), "html.parser")

    whole = read("index.html")
    names = pages_of(whole)
    numbers = {(book / name).resolve(): k for k, name in enumerate(names)}
    articles = []
    for name in names:
        here = (book / name).resolve()
        article = read(name).select_one("article")
        article["id"] = f"page-{numbers[here]}"
        for tag in article.find_all(id=True):
            tag["id"] = f"{numbers[here]}-{tag['id']}"
        for drawing in article.find_all("svg"):  # it refers to its own parts
            for tag in drawing.find_all(True):
                for name, value in tag.attrs.items():
                    if "url(#" in value:
                        tag[name] = value.replace("url(#", f"url(#{numbers[here]}-")
        for box in article.find_all("details"):
            box["open"] = ""
        for image in article.find_all("img"):
            image["src"] = (here.parent / unquote(image["src"])).resolve().as_uri()
            del image["loading"]
        for link in article.find_all("a", href=True):
            parts = urlsplit(link["href"])
            if parts.scheme:
                continue
            path = (here.parent / unquote(parts.path)).resolve() if parts.path else here
            if path not in numbers:
                del link["href"]
            elif parts.fragment:
                link["href"] = f"#{numbers[path]}-{unquote(parts.fragment)}"
            else:
                link["href"] = f"#page-{numbers[path]}"
        articles.append(article)
    whole.select_one("article").replace_with(*articles)
    for script in whole.find_all("script"):
        script.decompose()
    for sheet in whole.select('link[rel="stylesheet"]'):
        sheet["href"] = (book / urlsplit(sheet["href"]).path).resolve().as_uri()
    return str(whole)


def print_book(browser, book: Path, target: Path) -> None:
    """Print one language; the PDF appears at its name when it is whole."""
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        joined, draft = Path(folder, "book.html"), Path(folder, "book.pdf")
        joined.write_text(join(book), "utf-8")
        page = browser.new_page()
        page.goto(joined.as_uri(), wait_until="load")
        page.evaluate("document.fonts.ready.then(() => true)")
        page.pdf(
            path=draft,
            format="A4",
            prefer_css_page_size=True,  # book.css has the margins and page numbers
            print_background=True,
            outline=True,
            tagged=True,
        )
        page.close()
        os.replace(draft, target)


def main() -> int:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    books = [book for book in (SITE / "en", SITE / "zh") if book.is_dir()]
    if not books:
        sys.exit(f"make pdf: there is no book in {SITE}: run make html first.")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        sys.exit("make pdf: not installed: playwright. Run: pip install -e '.[site]'")
    if not program:
        sys.exit("make pdf: this needs a Chromium (apt-get install chromium).")
    TARGET.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox"]
        )
        for book in books:
            target = TARGET / f"deep-learning-computation.{book.name}.pdf"
            print(f"Printing {os.path.relpath(target)} ...", flush=True)
            print_book(browser, book, target)
        browser.close()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("make pdf: interrupted; older PDFs are as they were.")
