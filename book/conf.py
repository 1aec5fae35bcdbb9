"""Sphinx settings of the book, one file for both languages.

``tools/build_html.py`` runs it once per language with the tag ``en`` or ``zh`` and
the folder of that language's notebooks. Nothing here executes a notebook.
"""

import os
import re
import sys
from pathlib import Path

import pypandoc
from sphinx.errors import ConfigError

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
os.environ["PATH"] = os.pathsep.join(
    [str(Path(pypandoc.get_pandoc_path()).parent), os.environ["PATH"]]
)

chinese = tags.has("zh")  # noqa: F821  (Sphinx defines tags)
language = "zh_CN" if chinese else "en"
project = "深度学习计算" if chinese else "Deep Learning Computation"
author = ""
html_title = project

extensions = [
    "nbsphinx",
    "sphinx_copybutton",
    "book_links",
    "book_mathml",
    "book_pages",
    "book_search",
]
source_suffix = {".ipynb": "jupyter_notebook"}
root_doc = "index"
nitpicky = True
exclude_patterns = ["zh", "**.ipynb_checkpoints"]
templates_path = ["templates"]

# The outputs in the notebooks are the checked ones: never execute, load nothing.
nbsphinx_execute = "never"
nbsphinx_requirejs_path = ""
nbsphinx_widgets_path = ""
html_math_renderer = "mathml"

html_theme = "sphinx_book_theme"
html_static_path = ["static"]
html_css_files = ["book.css"]
html_copy_source = False
html_show_sphinx = False
html_use_index = False
html_domain_indices = False
html_theme_options = {
    "article_header_end": ["header-buttons.html"],
    "article_footer_items": ["colophon.html"],
    "back_to_top_button": False,
    "footer_content_items": "",
    "navbar_persistent": [],
    "primary_sidebar_end": [],
    "pygments_dark_style": "a11y-high-contrast-dark",
    "pygments_light_style": "a11y-high-contrast-light",
    "toc_title": "本页内容" if chinese else "On this page",
    "use_download_button": False,
    "use_fullscreen_button": False,
}
copybutton_selector = "div.input_area div.highlight pre, details div.highlight pre"


def executed_with() -> str:
    """Return the version of torch that made the stored outputs."""
    pins = HERE.parent / "constraints.txt"
    text = pins.read_text("utf-8") if pins.exists() else ""
    found = re.search(r"^torch==([\w.]+)", text, re.M)
    if not found:
        raise ConfigError(f"{pins} names no torch: a line torch==… is needed.")
    return found[1]


html_context = {
    "default_mode": "light",  # without JavaScript; the page's script obeys the system
    "torch_version": executed_with(),
    "words": {
        "executed": "本页的输出由 PyTorch {} 在 CPU 上运行得到。"
        if chinese
        else "The outputs on this page were made by PyTorch {} on a CPU.",
        "download": "下载本页的笔记本" if chinese else "Download this notebook",
        "licence": "文字和图：CC BY-SA 4.0，代码：MIT。"
        if chinese
        else "Text and figures CC BY-SA 4.0, code MIT.",
        "stop": "。" if chinese else ".",
        "other": "English" if chinese else "中文",
        "site": "本书" if chinese else "This book",
    },
}
