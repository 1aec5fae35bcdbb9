"""The two READMEs: in step with each other, and with what is in the repository."""

import re
from collections import Counter

import pytest
from conftest import ROOT

from bookproof.markdown import plain, targets, tokens
from bookproof.rules.chinese import misset

NAMES = ["README.md", "README.zh-CN.md"]
TEXTS = {name: (ROOT / name).read_text("utf-8") for name in NAMES}
OUTLINE = {"heading", "table_head", "table_row", "block_code", "image"}


def code(name: str) -> list[str]:
    """Return what is set as code, without comments, in order."""
    kinds = ("codespan", "block_code")
    found = [t["raw"] for t in tokens(TEXTS[name]) if t["type"] in kinds]
    return [re.sub(r"\s*#.*", "", text).strip() for text in found]


def test_readmes_correspond():
    english, chinese = (
        [
            (token["type"], token.get("attrs", {}).get("level"))
            for token in tokens(TEXTS[name])
            if token["type"] in OUTLINE
        ]
        for name in NAMES
    )
    assert english == chinese and ("heading", 2) in english
    english, chinese = (Counter(code(name)) for name in NAMES)
    assert english == chinese, "commands and names"
    english, chinese = (
        Counter(re.findall(r"\d[\d.]*(?!\w)", TEXTS[name], re.ASCII)) for name in NAMES
    )
    assert english == chinese, "numbers"


def test_chinese_readme_is_set_in_chinese():
    assert list(misset(TEXTS[NAMES[1]])) == []


@pytest.mark.parametrize("name", NAMES)
def test_what_a_readme_names_is_there(name):
    makefile = (ROOT / "Makefile").read_text("utf-8")
    known = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = {t for text in code(name) for t in re.findall(r"\bmake ([a-z]+)", text)}
    assert named, "a README says what to type"
    assert named <= known, f"make has no {', '.join(sorted(named - known))}"
    paths = [t for t in code(name) if re.fullmatch(r"[\w-]+/|[\w-]+(\.\w+)+", t)]
    paths += [aim for _, aim, _ in targets(TEXTS[name]) if ":" not in aim]
    homes = (ROOT, ROOT / "chapter_deep-learning-computation")
    lost = [path for path in paths if not any((home / path).exists() for home in homes)]
    assert lost == []
    for token in tokens(TEXTS[name]):
        if token["type"] == "image":
            assert len(plain(token)) > 10, "a picture says what it shows"


@pytest.mark.parametrize(("name", "other"), [NAMES, NAMES[::-1]])
def test_readmes_lead_to_each_other_from_the_top(name, other):
    line = re.findall(r"^\S.*$", TEXTS[name], re.MULTILINE)[1]
    assert f"({other})" in line, f"{name}: its second line links {other}"
