"""Measure what a reader's browser receives of the built book (`make measure`).

Serves the site compressed on this machine, opens the flagship lesson in Chromium as a
first visit and one more page as a later one, and counts the bytes that came over the
wire; beside it the same notebooks through nbconvert's own HTML and through
sphinx-book-theme as it comes. Those two want more from other hosts, which is refused
here: it is counted in requests, not bytes. Writes to a temporary folder only.
"""

import argparse
import gzip
import shutil
import subprocess
import sys
import tempfile
import threading
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).absolute().parent.parent
CHAPTER = ROOT / "chapter_deep-learning-computation"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = ["--no-sandbox", "--disable-background-networking", "--disable-sync"]
OPTIONS += ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
KB = 1000
LIMITS = {"first": 400 * KB, "later": 120 * KB}
PLAIN_CONF = """
import os, pypandoc
from pathlib import Path
pandoc = str(Path(pypandoc.get_pandoc_path()).parent)
os.environ["PATH"] = os.pathsep.join([pandoc, os.environ["PATH"]])
extensions = ["nbsphinx"]
nbsphinx_execute = "never"
exclude_patterns = ["zh"]
html_theme = "sphinx_book_theme"
"""


@cache
def compressed(path: Path) -> bytes:
    """Return a file as a web server usually sends it."""
    return gzip.compress(path.read_bytes(), 6)


class Compressing(SimpleHTTPRequestHandler):
    """Serves files gzip-compressed, to be kept by the browser, and logs nothing."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Send a file; those that are compressed already go as they are."""
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            return self.send_error(404)
        packed = path.suffix in {".png", ".woff", ".woff2"}
        body = path.read_bytes() if packed else compressed(path)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=3600")
        if not packed:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(body)
        return None

    def log_message(self, *args: object) -> None:
        """Be quiet."""


def measure(folder: Path, pages: list[str]) -> tuple[list[int], int]:
    """Open pages one after the other in one browser.

    Returns the bytes that came over the wire for each, headers included, and how many
    requests went to other hosts.
    """
    from playwright.sync_api import sync_playwright

    handler = partial(Compressing, directory=folder)
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), handler) as server,
        sync_playwright() as playwright,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        here = f"http://127.0.0.1:{server.server_port}/"
        browser = playwright.chromium.launch(
            executable_path=next(filter(None, map(shutil.which, BROWSERS))),
            args=OPTIONS,
        )
        page, received, outside = browser.new_page(), [], set()
        page.on("request", lambda r: r.url.startswith(here) or outside.add(r.url))
        network = page.context.new_cdp_session(page)
        network.send("Network.enable")
        network.on(
            "Network.loadingFinished",
            lambda event: received.append(event["encodedDataLength"]),
        )
        sizes = []
        for name in pages:
            received.clear()
            page.goto(here + name, wait_until="load")
            page.wait_for_timeout(500)
            sizes.append(int(sum(received)))
        browser.close()
        server.shutdown()
    return sizes, len({url for url in outside if not url.startswith("data:")})


def run(*command: str | Path) -> None:
    """Run a builder; raises `SystemExit` with its last words if it fails."""
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    if done.returncode:
        sys.exit(f"measure: {command[2]} failed: {done.stderr.strip()[-500:]}")


def main() -> int:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    site = ROOT / "_build" / "html"
    if not (site / "en" / "parameters.html").exists():
        sys.exit(f"measure: there is no book in {site}: run make html first.")
    if not any(map(shutil.which, BROWSERS)):
        sys.exit("measure: this needs a Chromium (Debian: apt-get install chromium).")
    lessons = ["parameters.html", "solutions/parameters.html"]
    with tempfile.TemporaryDirectory() as folder:
        plain, themed = Path(folder, "nbconvert"), Path(folder, "theme")
        for name in lessons:
            source = (CHAPTER / name).with_suffix(".ipynb")
            output = ["--output-dir", (plain / name).parent]
            run(sys.executable, "-m", "nbconvert", "--to", "html", *output, source)
        Path(folder, "conf.py").write_text(PLAIN_CONF)
        run(sys.executable, "-m", "sphinx", "-qc", folder, CHAPTER, themed)
        rows = {
            "this book (en)": measure(site, [f"en/{name}" for name in lessons]),
            "nbconvert --to html": measure(plain, lessons),
            "sphinx-book-theme": measure(themed, lessons),
        }
        if (site / "zh").exists():
            rows["this book (zh)"] = measure(site, [f"zh/{name}" for name in lessons])
    print(f"{'KB received, compressed':24} first visit  later page  outside requests")
    ours = rows["this book (en)"][0]
    for name, ((first, later), outside) in rows.items():
        ratios = f"({first / ours[0]:.1f}x, {later / ours[1]:.1f}x)"
        print(f"{name:24} {first / KB:11.0f} {later / KB:11.0f} {outside:17}  {ratios}")
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    print(f"the whole site on a disk: {size / KB / KB:.1f} MB")
    over = ours[0] > LIMITS["first"] or ours[1] > LIMITS["later"]
    print("limits: 400 and 120 KB:", "exceeded" if over else "kept")
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
