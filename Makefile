# Every task a person runs. It holds no logic: a target calls bookproof or a file in tools/.
# .venv is made by the first target, and brought up to date when the list of packages
# changed. PINS= takes the newest of everything: make upgrade-report PINS=

PYTHON = python3
LESSON =
TITLE =
TRANSLATED =
HUB =
SEEDS ?= 2
PINS = constraints.txt
SHELL = bash
.SHELLFLAGS = -o pipefail -c
venv = .venv/installed
python = .venv/bin/python
proof = $(python) -m bookproof

.PHONY: help html lab new test refresh sync rules lint test-site portability class test-class mutate upgrade-report pdf slides colab hub-link

help:  ## print this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1~\2/p' Makefile | awk -F'~' '{printf "%-20s %s\n", $$1, $$2}'
	@echo "One lesson only: make test LESSON=parameters (and refresh, sync, ...). Another Python: make html PYTHON=python3.12"

html: $(venv)  ## build the book in _build/html and say which page to open
	@$(python) tools/build_html.py

lab: $(venv)  ## open JupyterLab on the chapter
	@$(python) -m jupyterlab --custom-css "--ServerApp.tornado_settings={'static_custom_path': ['tools/jupyterlab']}" --ServerApp.root_dir=. chapter_deep-learning-computation/index.ipynb

new: $(venv)  ## start a lesson: make new LESSON=name TITLE="What it is about"
	@$(proof) new "$(LESSON)" "$(TITLE)"

test: $(venv)  ## check that every notebook gives its stored outputs, the rules, and all of tests/
	@$(proof) check $(LESSON) $(if $(LESSON),,--also tests)

refresh: $(venv)  ## execute the notebooks and store their outputs
	@$(proof) refresh $(LESSON)

sync: $(venv)  ## bring the Chinese edition and the exercises in step; list what is stale
	@$(proof) sync $(LESSON) --translated "$(TRANSLATED)"
	@$(python) tools/exercises.py

rules: $(venv)  ## check what needs no kernel, in two seconds
	@$(proof) rules $(LESSON)

lint: $(venv)  ## check style and formatting of code, in notebooks too
	@$(python) -m ruff check --quiet
	@$(python) -m ruff format --check --quiet

test-site: html slides  ## look at the built book and slides in a real browser (needs chromium)
	@$(python) -m pip install -q -c constraints.txt -e '.[site]'
	@$(python) -m pytest -q -n 2 tests/site

portability: $(venv)  ## run every notebook on machines that round otherwise (SEEDS=10)
	@$(proof) vary $(LESSON) --seeds $(SEEDS)

class: $(venv)  ## make a graded course: make class LESSON=parameters (or zh/parameters)
	@$(python) tools/course.py $(LESSON)

test-class: $(venv)  ## grade five students with nbgrader and with otter-grader
	@$(python) -m pip install -q -c constraints.txt nbgrader otter-grader
	@$(python) -m pytest -q -s -W ignore tests/course

mutate: $(venv)  ## alter code and outputs one at a time: what does no check notice?
	@$(proof) mutate $(LESSON)

upgrade-report: $(venv)  ## show what this environment would print differently
	@$(proof) report $(LESSON)

pdf: html  ## print the book to one PDF for each language (needs chromium)
	@$(python) -m pip install -q -c constraints.txt -e '.[site]'
	@$(python) tools/build_pdf.py
	@$(python) tools/build_html.py

slides: $(venv)  ## make slides of the lessons, to be shown offline
	@$(python) tools/build_slides.py $(LESSON)

colab:  ## push the notebooks that Colab opens to the branch colab
	@$(PYTHON) tools/share.py colab

hub-link:  ## print the link to a lesson for a class's hub (HUB=https://...)
	@$(PYTHON) tools/share.py hub-link "$(HUB)" "$(LESSON)"

$(venv): pyproject.toml $(PINS)
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("make: Python %d.%d is too old, need 3.11 or newer. Name a newer one, for example: make PYTHON=python3.12 html" % sys.version_info[:2])'
	@echo "Installing into .venv (the first time a few minutes)"
	@$(PYTHON) -m venv .venv || { echo "make: on Debian and Ubuntu, apt install python3-venv brings what is missing" >&2; exit 1; }
	@$(python) -m pip install --disable-pip-version-check $(PINS:%=-c %) -e '.[notebook,test,book]' \
	| awk '/^Collecting/ {print "    " $$2} /^Installing/ {print "    unpacking"} {fflush()}'
	@touch $@
