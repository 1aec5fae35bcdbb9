"""Sphinx settings of the book, one file for both languages.

``tools/build_html.py`` runs it once per language with the tag ``en`` or ``zh`` and
the folder of that language's notebooks. Nothing here executes a notebook.
"""

import json
import os
import sys
from pathlib import Path

import pypandoc

# Where the repository is to be read, as a browser shows it, branch included:
# "https://github.com/<owner>/<name>/tree/<branch>". The buttons for Colab and Binder
# need it; while it is empty there are none.
REPOSITORY = ""

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
    "book_launch",
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
html_js_files = ["book.js"]
html_additional_pages = {"search": "search.html"}
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
    "search_bar_text": "搜索" if chinese else "Search",
    "toc_title": "本页内容" if chinese else "On this page",
    "use_download_button": False,
    "use_fullscreen_button": False,
}
copybutton_selector = "div.input_area div.highlight pre, details div.highlight pre"

english_words = {
    "executed": "The outputs on this page were made by PyTorch {torch} and "
    "Python {python} on a {device}, on {date}.",
    "covered": "Made your prediction? Show the output",
    "download": "Download notebook",
    "colab": "Open in Colab",
    "binder": "Open in Binder",
    "run": "This page as a notebook",
    "in_colab": "In Colab, first run",
    "licence": "Text and figures CC BY-SA 4.0, code MIT.",
    "other": "English" if chinese else "中文",
    "site": "This book",
    "lessons": "Lessons",
    "show_site": "Show or hide the contents",
    "show_toc": "Show or hide the contents of this page",
    "colours": "Color mode",
    "auto": "As the system",
    "light": "Light",
    "dark": "Dark",
    "start": "Start the first lesson",
    "facts": "A textbook chapter that runs. Every output is checked against a fresh "
    "run. Free to read, copy and change.",
    "search": "Search",
    "found": "Sections found: {}",
    "none": "Nothing found. Try fewer words, or a part of one.",
    "no_script": "Search needs JavaScript, which is switched off.",
}
chinese_words = {
    "executed": "本页的输出于{date}由PyTorch {torch}和Python {python}在{device}上"
    "运行得到。",
    "covered": "猜好了吗？显示输出",
    "download": "下载笔记本",
    "colab": "在Colab中打开",
    "binder": "在Binder中打开",
    "run": "本页的笔记本",
    "in_colab": "在Colab中请先运行",
    "licence": "文字和图：CC BY-SA 4.0，代码：MIT。",
    "site": "本书",
    "lessons": "各课",
    "show_site": "显示或隐藏目录",
    "show_toc": "显示或隐藏本页内容",
    "colours": "颜色模式",
    "auto": "跟随系统",
    "light": "亮色",
    "dark": "暗色",
    "start": "从第一课开始",
    "facts": "可以运行的一章教科书。每一处输出都与重新运行的结果核对过。"
    "可自由阅读、复制和修改。",
    "search": "搜索",
    "found": "找到的小节：{}",
    "none": "没有找到。请减少词语，或只输入其中一部分。",
    "no_script": "搜索需要JavaScript，而浏览器禁用了它。",
}
executed = HERE / "executed.json"  # page: what made its outputs; written by refresh
html_context = {
    "default_mode": "light",  # without JavaScript; the page's script obeys the system
    "executed": json.loads(executed.read_text("utf-8")) if executed.exists() else {},
    "repository": REPOSITORY,
    "words": english_words | (chinese_words if chinese else {}),
}
