# Every task a person runs. It holds no logic: each target calls one file in tools/.
# .venv is created, and renewed when the list of packages changed, by tools/install.py.

PYTHON = python3
LESSON =
TRANSLATED =
SEEDS ?= 2
venv = .venv/installed
python = .venv/bin/python

.PHONY: help html lab test refresh sync lint test-site portability mutate upgrade-report pdf slides

help:  ## print this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1~\2/p' Makefile | awk -F'~' '{printf "%-20s %s\n", $$1, $$2}'
	@echo "One lesson only: make test LESSON=parameters (and refresh, sync, ...). Another Python: make html PYTHON=python3.12"

html: $(venv)  ## build the book in _build/html and say which page to open
	@$(python) tools/build_html.py

lab: $(venv)  ## open JupyterLab on the chapter
	@$(python) -m jupyterlab --custom-css "--ServerApp.tornado_settings={'static_custom_path': ['tools/jupyterlab']}" chapter_deep-learning-computation/index.ipynb

test: $(venv)  ## check that every notebook gives its stored outputs, and all of tests/
	@$(python) tools/check.py "$(LESSON)"

refresh: $(venv)  ## execute the notebooks and store their outputs
	@$(python) tools/refresh.py "$(LESSON)"

sync: $(venv)  ## copy code and outputs into the Chinese edition and list what is stale
	@$(python) tools/sync.py "$(LESSON)" "$(TRANSLATED)"

lint: $(venv)  ## check style and formatting of code, in notebooks too
	@$(python) -m ruff check --quiet
	@$(python) -m ruff format --check --quiet

test-site: html  ## look at the built book in a real browser (needs chromium)
	@$(python) -m pip install -q -c constraints.txt -e '.[site]'
	@$(python) -m pytest -q -n 2 tests/site

portability: $(venv)  ## run every notebook on machines that round otherwise (SEEDS=10)
	@$(python) tools/portability.py --seeds $(SEEDS) $(LESSON)

mutate: $(venv)  ## alter code and outputs one at a time: what does no check notice?
	@$(python) tools/mutate.py "$(LESSON)"

upgrade-report: $(venv)  ## show what this environment would print differently
	@$(python) tools/upgrade_report.py $(LESSON)

pdf: html  ## print the book to one PDF for each language (needs chromium)
	@$(python) -m pip install -q -c constraints.txt -e '.[site]'
	@$(python) tools/build_pdf.py

slides: $(venv)  ## make slides of the lessons, to be shown offline
	@$(python) tools/build_slides.py $(LESSON)

$(venv): pyproject.toml constraints.txt tools/install.py
	@$(PYTHON) tools/install.py
