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


@pytest.mark.parametrize(
    "command",
    [
        "check-jsonschema --builtin-schema vendor.github-workflows",
        "zizmor --offline --persona=pedantic --quiet",
    ],
)
def test_they_follow_the_schema_and_have_no_known_weakness(command):
    name, *options = command.split()
    program = Path(sys.executable).with_name(name)
    done = subprocess.run([program, *options, *WORKFLOWS], capture_output=True)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_it_runs_only_make_targets_and_ci_run(path):
    for job in YAML(typ="safe").load(path)["jobs"].values():
        for step in job["steps"]:
            said = step.get("run", ".ci/run")
            if not said.startswith("sudo apt-get update"):  # which make cannot do
                assert re.fullmatch(
                    r'\.ci/run|make ("\$TARGET"|pdf|colab)( [A-Z]+=\S+)*', said
                )
        included = job.get("strategy", {}).get("matrix", {}).get("include", [])
        assert {each["target"] for each in included} <= TARGETS


def test_the_gpu_job_is_off_until_somebody_has_a_runner():
    workflow = YAML(typ="safe").load(ROOT / ".github" / "workflows" / "gpu.yml")
    assert list(workflow["on"]) == ["workflow_dispatch"]
    for job in workflow["jobs"].values():
        assert job["if"] == "vars.GPU_RUNNER != ''"
