"""The two READMEs: in step with each other, and with what is in the repository."""

import re
from collections import Counter

import pytest
from conftest import ROOT

from bookproof.markdown import plain, targets, tokens
from bookproof.rules.chinese import misset

NAMES = ["README.md", "README.zh-CN.md"]
TEXTS = {name: (ROOT / name).read_text("utf-8") for name in NAMES}


def code(name: str) -> list[str]:
    """Return what is set as code, without comments, in order."""
    kinds = ("codespan", "block_code")
    found = [t["raw"] for t in tokens(TEXTS[name]) if t["type"] in kinds]
    return [re.sub(r"\s*#.*", "", text).strip() for text in found]


def outline(name: str) -> list[tuple[str, object]]:
    """Return the headings, table rows and blocks of code, in order."""
    kinds = {"heading", "table_head", "table_row", "block_code", "image"}
    return [
        (token["type"], token.get("attrs", {}).get("level"))
        for token in tokens(TEXTS[name])
        if token["type"] in kinds
    ]


def test_readmes_have_the_same_sections():
    english, chinese = map(outline, NAMES)
    assert english == chinese
    assert ("heading", 2) in english


def test_readmes_give_the_same_commands_and_names():
    english, chinese = (Counter(code(name)) for name in NAMES)
    only = {"`README.md`": english - chinese, "`README.zh-CN.md`": chinese - english}
    extra = {name: sorted(texts) for name, texts in only.items() if texts}
    assert extra == {}, "what one of them has and the other has not"


def test_readmes_give_the_same_numbers():
    assert Counter(re.findall(r"\d[\d.]*\b", TEXTS[NAMES[0]])) == Counter(
        re.findall(r"\d[\d.]*(?!\w)", TEXTS[NAMES[1]], re.ASCII)
    )


def test_readmes_lead_to_each_other_from_the_top():
    for name, other in zip(NAMES, reversed(NAMES), strict=True):
        title, line = re.findall(r"^\S.*$", TEXTS[name], re.MULTILINE)[:2]
        assert title.startswith("# ")
        assert f"({other})" in line, f"{name}: its second line links {other}"


@pytest.mark.parametrize("name", NAMES)
def test_commands_are_in_the_makefile(name):
    makefile = (ROOT / "Makefile").read_text("utf-8")
    known = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = {t for text in code(name) for t in re.findall(r"\bmake ([a-z]+)", text)}
    assert named, "a README says what to type"
    assert named <= known, f"make has no {', '.join(sorted(named - known))}"


@pytest.mark.parametrize("name", NAMES)
def test_named_files_and_folders_exist(name):
    chapter = ROOT / "chapter_deep-learning-computation"
    paths = [t for t in code(name) if re.fullmatch(r"[\w-]+/|[\w-]+(\.\w+)+", t)]
    paths += ["LICENSE", "Makefile"]
    paths += [aim for _, aim, _ in targets(TEXTS[name]) if ":" not in aim]
    homes = (ROOT, chapter)
    lost = [path for path in paths if not any((home / path).exists() for home in homes)]
    assert lost == []


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_says_what_it_shows(name):
    for token in tokens(TEXTS[name]):
        if token["type"] == "image":
            assert len(plain(token)) > 10


def test_chinese_readme_is_set_in_chinese():
    assert list(misset(TEXTS[NAMES[1]])) == []
