"""The GitHub workflows: valid, without known weaknesses, and without own logic.

They cannot be run here. What they run is .ci/run and make targets, which can.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from ruamel.yaml import YAML

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.M))
EACH = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def read(path: Path) -> dict:
    return YAML(typ="safe").load(path)


def steps(path: Path) -> list[dict]:
    return [step for job in read(path)["jobs"].values() for step in job["steps"]]


def test_there_is_a_workflow_for_each_purpose():
    assert [path.stem for path in WORKFLOWS] == ["ci", "gpu", "pages", "weekly"]


def check(name: str, *arguments) -> None:
    command = [Path(sys.executable).with_name(name), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_they_follow_the_schema():
    schema = ("--builtin-schema", "vendor.github-workflows")
    check("check-jsonschema", *schema, *WORKFLOWS)


def test_zizmor_finds_no_weakness():
    check("zizmor", "--offline", "--persona=pedantic", "--quiet", *WORKFLOWS)


@EACH
def test_actions_are_named_by_commit_and_say_which_version(path):
    used = [line for line in path.read_text("utf-8").splitlines() if "uses:" in line]
    assert used
    for line in used:
        assert re.search(r"uses: actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line)


def test_an_action_has_one_commit_everywhere():
    text = "\n".join(path.read_text("utf-8") for path in WORKFLOWS)
    pairs = set(re.findall(r"(actions/[\w-]+)@(\w+)", text))
    assert len(pairs) == len({name for name, _ in pairs})


@EACH
def test_a_checkout_keeps_no_credentials(path):
    checkouts = [s for s in steps(path) if s.get("uses", "").startswith("actions/che")]
    assert checkouts
    for step in checkouts:
        assert step["with"]["persist-credentials"] is False


@EACH
def test_it_may_read_and_only_the_deployment_may_more(path):
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    more = {
        k: j["permissions"] for k, j in workflow["jobs"].items() if "permissions" in j
    }
    deploy = {"deploy": {"pages": "write", "id-token": "write"}}
    assert more == (deploy if path.stem == "pages" else {})


@EACH
def test_it_runs_only_make_targets_and_ci_run(path):
    for step in steps(path):
        said = step.get("run", ".ci/run")
        if said.startswith("sudo apt-get update"):  # the one thing make cannot do
            assert path.stem == "ci"
            continue
        assert said in (".ci/run", 'make "$TARGET"', "make html")
    for job in read(path)["jobs"].values():
        targets = job.get("strategy", {}).get("matrix", {}).get("target", [])
        assert set(targets) <= TARGETS


def test_each_push_is_checked_with_the_oldest_and_the_newest_python():
    workflow = read(ROOT / ".github" / "workflows" / "ci.yml")
    matrix = workflow["jobs"]["check"]["strategy"]["matrix"]
    needed = re.search(
        r'requires-python = ">=(.+)"', (ROOT / "pyproject.toml").read_text()
    )
    assert matrix["python"] == [needed[1], "3.14"]
    assert {"push", "pull_request"} <= set(workflow["on"])


def test_the_gpu_job_is_off_until_somebody_has_a_runner():
    workflow = read(ROOT / ".github" / "workflows" / "gpu.yml")
    assert list(workflow["on"]) == ["workflow_dispatch"]
    for job in workflow["jobs"].values():
        assert job["if"] == "vars.GPU_RUNNER != ''"
        assert "self-hosted" in job["runs-on"]
