"""Sphinx extension: from a page to its code, by download, Colab and Binder.

The addresses follow from the one setting ``REPOSITORY`` in conf.py; while that is empty
there are no links to Colab and Binder. Beside each notebook of the site lies its text
as a script, for a browser that reads the site from a disk (see static/book.js).
"""

import json
import re
from pathlib import Path
from urllib.parse import quote

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ConfigError

ADDRESS = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+)/tree/(\S+)")


def launch_urls(repository: str, path: str) -> dict[str, str]:
    """Return the addresses that open a notebook of the repository elsewhere.

    Raises `ConfigError` if the repository's address is not of the form
    ``https://github.com/<owner>/<name>/tree/<branch>``.
    """
    if not repository:
        return {}
    match = ADDRESS.fullmatch(repository)
    if not match:
        raise ConfigError(
            f"REPOSITORY in book/conf.py is {repository!r}, and has to look like "
            "https://github.com/<owner>/<name>/tree/<branch>, or be empty."
        )
    name, branch = match.groups()
    place, ref = quote(path), quote(branch)  # Binder takes the branch in one piece
    binder = f"https://mybinder.org/v2/gh/{name}/{quote(branch, safe='')}"
    return {
        "colab_url": f"https://colab.research.google.com/github/{name}/blob/{ref}/{place}",
        "binder_url": f"{binder}?urlpath={quote(f'lab/tree/{path}', safe='')}",
        "package_url": f"git+https://github.com/{name}@{branch}",
    }


def add_links(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict,
    doctree: nodes.document | None,
) -> None:
    """Give the templates the links of a page that is a notebook."""
    if doctree is None:
        return
    notebook = Path(app.env.doc2path(pagename))
    context["notebook"] = notebook.name
    path = notebook.relative_to(Path(app.confdir).parent).as_posix()
    context |= launch_urls(context["repository"], path)


def write_scripts(app: Sphinx, exception: Exception | None) -> None:
    """Write each notebook of the site as a script that saves it."""
    for notebook in Path(app.outdir).rglob("*.ipynb"):
        text = json.dumps(notebook.read_text("utf-8"))
        script = f'saveNotebook("{notebook.name}", {text});\n'
        notebook.with_name(f"{notebook.name}.js").write_text(script, "utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the functions above to the build."""
    app.connect("html-page-context", add_links)
    app.connect("build-finished", write_scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
