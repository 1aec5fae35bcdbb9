"""What the tests of the finished site need: the site, a web server, a browser.

They read _build/html and change nothing. Not part of `make test`: they need a built
book and a Chromium, which `pip` does not bring.
"""

import functools
import http.server
import shutil
import threading
from pathlib import Path

import pytest

SITE = Path(__file__).parents[2] / "_build" / "html"
QUIET = ["background-networking", "component-update", "sync", "default-apps"]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes ``page_name`` once for each page of the site."""
    if "page_name" in metafunc.fixturenames:
        metafunc.parametrize("page_name", metafunc.module.PAGES)


def pytest_collection_modifyitems(items: list) -> None:
    """Say in one sentence what is missing, before any test fails for it."""
    if not (SITE / "index.html").exists():
        pytest.exit(f"There is no book in {SITE}: run make html first.", 2)
    missing = []
    for module in ("playwright", "axe_playwright_python"):
        try:
            __import__(module)
        except ImportError:
            missing.append(module.replace("_", "-"))
    if missing:
        pytest.exit(f"The tests of the site need: pip install {' '.join(missing)}", 2)
    if not any(map(shutil.which, BROWSERS)):
        install = "on Debian or Ubuntu, apt-get install chromium fonts-noto-cjk"
        pytest.exit(f"The tests of the site need a Chromium: {install}.", 2)


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files and logs nothing."""

    def log_message(self, *args: object) -> None:
        """Be quiet."""


@pytest.fixture(scope="session")
def server():
    """Serve the folder above the site, so that the site lies in a subfolder."""
    handler = functools.partial(QuietHandler, directory=SITE.parent)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}/{SITE.name}"
        httpd.shutdown()


@pytest.fixture(scope="session")
def chromium():
    """Start a browser that calls nobody of its own accord."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=next(filter(None, map(shutil.which, BROWSERS))),
            args=["--no-sandbox", *(f"--disable-{name}" for name in QUIET)],
        )
        yield browser
        browser.close()


@pytest.fixture(params=["http", "file"])
def base(request: pytest.FixtureRequest) -> str:
    """Return the site's address, on a server and then on the disk."""
    if request.param == "file":
        return SITE.as_uri()
    return request.getfixturevalue("server")


@pytest.fixture
def open_page(chromium, base):
    """Return a function that opens a page and fails the test for what goes wrong on it.

    Wrong are script errors, messages of the console's error level, files that do not
    come, and requests to anywhere but the site.
    """
    contexts, wrong = [], []

    def open_page(name: str, width: int = 1280, **options: object):
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, **options
        )
        context.set_default_timeout(8_000)  # milliseconds
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(f"script error: {error}"))
        page.on(
            "console",
            lambda m: wrong.append(f"console: {m.text}") if m.type == "error" else None,
        )
        page.on(
            "requestfailed",
            lambda r: (
                None
                if "ERR_ABORTED" in (r.failure or "")  # the page was left before
                else wrong.append(f"did not come: {r.url}")
            ),
        )
        page.on(
            "request",
            lambda r: (
                None
                if r.url.startswith((base, "data:"))
                else wrong.append(f"outside request: {r.url}")
            ),
        )
        page.goto(f"{base}/{name}", wait_until="load")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not wrong, "\n".join(wrong)
