"""Every command of the READMEs is one that works, and every file they name is there."""

import re
import shlex
import subprocess
import sys

import pytest

from course import cli
from course.kaggle import lessons
from tests import ROOT

READMES = ("README.md", "README.es.md")


def blocks(name):
    return re.findall(r"```\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL)


def commands(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    lines = [line for block in blocks(name) for line in block.splitlines()]
    lines += re.findall(r"`(python [^`]+|make [a-z-]+)`", text)
    words = (shlex.split(line, comments=True, posix=False) for line in lines)
    return sorted({" ".join(w) for w in words if w and w[0] in ("make", "python", "pip")})


ALL = [(name, command) for name in READMES for command in commands(name)]


def test_the_readmes_show_the_two_commands():
    for name in READMES:
        assert "make train" in commands(name)
        assert "pip install -r requirements.txt" in commands(name)
        assert "python -m course run taller2 --source sample" in commands(name)
    assert "make test" in commands("README.md")


@pytest.mark.parametrize("name, command", [pair for pair in ALL if "-m course" in pair[1]])
def test_every_course_command_is_understood(name, command):
    """The real parser takes it and names its verb; the verbs have tests of their own."""
    given = cli._parser().parse_args(shlex.split(command)[3:])
    assert callable(given.action)
    for word in {"lesson", "taller"} & vars(given).keys():
        assert lessons.find(getattr(given, word)).is_file()


@pytest.mark.parametrize("name, command", [pair for pair in ALL if pair[1].startswith("make")])
def test_every_make_target_exists(name, command):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{command.split()[1]}:", makefile, re.MULTILINE)


@pytest.mark.parametrize("name", READMES)
def test_links_lead_to_files(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_the_example_in_the_readme_trains(monkeypatch):
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    names = {}
    exec(code.replace("epochs=3", "epochs=1"), names)
    assert names["model"].history.history["accuracy"][-1] > 0.5


def test_each_data_set_is_credited():
    from course.datasets import catalog

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    credits = text[text.index("## Credits") :]
    for info in map(catalog.get, catalog.names()):
        first_author = info.citation.split(",")[0]
        assert info.handle in credits and first_author in " ".join(credits.split()), info.name


@pytest.mark.parametrize("name, command", [pair for pair in ALL if pair[1].startswith("python b")])
def test_every_script_is_there_and_says_what_it_does(name, command):
    """What takes hours is not run here, but it starts, and knows the flags that are shown."""
    script, *flags = shlex.split(command)[1:]
    done = subprocess.run([sys.executable, ROOT / script, "--help"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [flag for flag in flags if flag.startswith("--") and flag not in done.stdout] == []
