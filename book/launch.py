"""Sphinx extension: from a page to its code, by download, Colab and Binder.

The addresses follow from the one setting ``REPOSITORY`` in conf.py; while that is empty
there are no links to Colab and Binder.
"""

import re
import shutil
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
    app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None
) -> None:
    """Put the notebook beside its page, and give the template the links to it."""
    if doctree is None:
        return
    notebook = Path(app.env.doc2path(page))
    copy = Path(app.outdir, f"{page}.ipynb")
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(notebook, copy)
    path = notebook.relative_to(Path(app.confdir).parent).as_posix()
    context["notebook"] = notebook.name
    context |= launch_urls(context["repository"], path)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the function above to the build."""
    app.connect("html-page-context", add_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
