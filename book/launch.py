"""From a page to its code: by download, in Colab, on Binder, on the hub of a class.

All addresses follow from the one setting below. `setup` makes this file an extension of
Sphinx; tools/share.py uses it too, and needs nothing but the standard library.
"""

import json
import posixpath
import re
from pathlib import Path
from urllib.parse import quote

# Where the repository is to be read, as a browser shows it, with the tag or branch that
# readers get: "https://github.com/<owner>/<name>/tree/<tag>". While it is empty, pages
# offer downloads only.
REPOSITORY = ""

FORM = "https://github.com/<owner>/<name>/tree/<tag>"
ADDRESS = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+)/tree/(\S+)")
LINK = re.compile(r"(\]\()([^)\s:#]+\.(?:ipynb|svg|png))(?=[)#])")  # within the book
NEEDED = re.compile(r"\b(d2ltorch|safetensors)\b")  # imported, or a style's home
INSTALL = """\
import importlib.util

if not importlib.util.find_spec("d2ltorch"):
    %pip install -q --no-deps {}"""


def parts(repository: str) -> tuple[str, str]:
    """Return "owner/name" and the tag; ValueError says what the address has to be."""
    if match := ADDRESS.fullmatch(repository):
        return match.groups()
    said = (
        f"REPOSITORY in book/launch.py is {repository!r}, and has to look like {FORM}"
    )
    raise ValueError(f"{said}, or be empty.")


def colab_url(name: str, path: str) -> str:
    """Return the address of a notebook in Colab: of its copy that runs alone."""
    return f"https://colab.research.google.com/github/{name}/blob/colab/{quote(path)}"


def launch_urls(repository: str, path: str) -> dict[str, str]:
    """Return the addresses that open a notebook of the repository elsewhere."""
    if not repository:
        return {}
    name, tag = parts(repository)
    binder = f"https://mybinder.org/v2/gh/{name}/{quote(tag, safe='')}"
    return {
        "colab_url": colab_url(name, path),
        "binder_url": f"{binder}?urlpath={quote(f'lab/tree/{path}', safe='')}",
    }


def hub_url(hub: str, repository: str, path: str) -> str:
    """Return the link that gives each student of a JupyterHub a notebook of their own.

    The hub needs nbgitpuller. It follows the default branch, since it knows no tags.
    """
    name, _ = parts(repository)
    source = quote(f"https://github.com/{name}", safe="")
    place = quote(f"lab/tree/{name.partition('/')[2]}/{path}", safe="")
    start = f"{hub.rstrip('/')}/hub/user-redirect/git-pull"
    return f"{start}?repo={source}&urlpath={place}"


def standalone(text: str, repository: str, path: str) -> str:
    """Return a notebook that runs away from the repository, in Colab for example.

    Its links and pictures are absolute. If it needs what Colab may lack, its first
    cell installs that.
    """
    name, tag = parts(repository)

    def absolute(match: re.Match) -> str:
        start, target = match.groups()
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        if target.endswith(".ipynb"):
            return start + colab_url(name, target)
        return f"{start}https://raw.githubusercontent.com/{name}/{quote(tag)}/{target}"

    notebook = json.loads(text)
    needed = set()
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            cell["source"] = LINK.sub(absolute, source).splitlines(keepends=True)
        else:
            needed.update(NEEDED.findall(source))
    if needed:
        wanted = [f"git+https://github.com/{name}@{tag}", *(needed - {"d2ltorch"})]
        install = {"cell_type": "code", "id": "install", "metadata": {}, "outputs": []}
        install["source"] = INSTALL.format(" ".join(wanted)).splitlines(keepends=True)
        notebook["cells"].insert(0, install | {"execution_count": None})
    return json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def add_links(app, page: str, template: str, context: dict, doctree) -> None:
    """Put the notebook beside its page, and give the template the links to it."""
    if doctree is None:
        return
    notebook = Path(app.env.doc2path(page))
    copy = Path(app.outdir, f"{page}.ipynb")
    copy.parent.mkdir(parents=True, exist_ok=True)
    path = notebook.relative_to(Path(app.confdir).parent).as_posix()
    text = notebook.read_text("utf-8")
    copy.write_text(standalone(text, REPOSITORY, path) if REPOSITORY else text, "utf-8")
    context["notebook"] = notebook.name
    context |= launch_urls(REPOSITORY, path)


def setup(app) -> dict[str, bool]:
    """Connect `add_links` to the build."""
    from sphinx.errors import ConfigError

    try:
        launch_urls(REPOSITORY, "")
    except ValueError as error:
        raise ConfigError(str(error)) from None
    app.connect("html-page-context", add_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
