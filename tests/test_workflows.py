"""The GitHub workflows, as far as they can be checked without GitHub: form, actions, commands.

None of them has been seen running by these tests.
"""

import re
import shlex

import pytest
import yaml

from course import cli
from tests import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
# each action with the version that it is used in, and what it may be given
ACTIONS = {
    "actions/checkout@v4": set(),
    "actions/setup-python@v5": {"python-version"},
    "actions/upload-pages-artifact@v3": {"path"},
    "actions/deploy-pages@v4": set(),
}
JOB_KEYS = {
    *("runs-on", "timeout-minutes", "strategy", "steps", "needs", "if", "permissions"),
    "environment",
}


def read(path):
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    found["on"] = found.pop(True)  # YAML 1.1 reads `on` as a truth
    return found


def steps(workflow):
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_has_the_form_that_github_reads(path):
    workflow = read(path)
    assert set(workflow) <= {"name", "on", "jobs", "permissions", "concurrency"}
    for job in workflow["jobs"].values():
        assert set(job) <= JOB_KEYS and job["timeout-minutes"] <= 90
        assert job.get("needs") in (None, *workflow["jobs"])
    for step in steps(workflow):
        assert ("uses" in step) != ("run" in step) and set(step) <= {"uses", "run", "with", "id"}
        assert set(step.get("with", {})) <= ACTIONS[step["uses"]] if "uses" in step else True
    text = path.read_text(encoding="utf-8")
    assert text.count("${{") == len(re.findall(r"\$\{\{ [\w.-]+ \}\}", text))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_what_a_workflow_types_can_be_typed(path):
    make = (ROOT / "Makefile").read_text(encoding="utf-8")
    extras = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for step in steps(read(path)):
        words = shlex.split(step.get("run", ""))
        if words[:1] == ["make"]:
            assert re.search(rf"^{words[1]}:", make, re.MULTILINE)
        elif words[:3] == ["python", "-m", "course"]:
            assert callable(cli._parser().parse_args(words[3:]).action)
        elif words[:3] == ["python", "-m", "pytest"]:
            assert " ".join(words[1:]) in make
        elif words:
            assert words[:-1] == ["python", "-m", "pip", "install", "-e"]
            (extra,) = re.findall(r"\[(\w+)\]", words[-1])
            assert re.search(rf"^{extra} = ", extras, re.MULTILINE)


def test_pages_are_published_from_what_was_built():
    pages = read(ROOT / ".github" / "workflows" / "pages.yml")
    build, deploy = pages["jobs"]["build"], pages["jobs"]["deploy"]
    (sent,) = (one["with"]["path"] for one in build["steps"] if "pages-artifact" in str(one))
    built = [shlex.split(one["run"])[-1] for one in build["steps"] if "course" in str(one)]
    assert sent in built and all(place.startswith(sent) for place in built if "/" in place)
    assert deploy["permissions"] == {"pages": "write", "id-token": "write"}
    assert deploy["needs"] == "build" and "github-pages" in str(deploy["environment"])
    assert pages["permissions"] == {"contents": "read"}
