"""push, status, logs and output, driven as one types them, with the real kaggle client.

Every command is a process of its own; the stub is Kaggle and the proxy of all other addresses.
"""

import json
import os
import pathlib
import re
import resource
import signal
import sys

import pytest

from tests.kernels_stub import KEY, PAGE_SIZE, TOKEN, KernelsStub
from tests.typist import ROOT, Typist, refused

HOME = pathlib.Path("runs/kaggle/taller2_cnn_mnist")
LOG = json.dumps([{"stream_name": "stdout", "time": 1.5, "data": "epoch 1\n"}])


@pytest.fixture
def kaggle():
    with KernelsStub() as stub:
        yield stub
    assert stub.egress == []


@pytest.fixture
def course(kaggle, tmp_path):
    return Typist(kaggle, tmp_path)


def saves(kaggle):
    return kaggle.names().count("SaveKernel")


# ---- the straight road


def test_push_wait_brings_the_run_home(course, kaggle):
    kaggle.states, kaggle.log = ["QUEUED", "RUNNING", "COMPLETE"], LOG
    kaggle.outputs = {
        "runs/taller2_cnn_mnist/card.json": b"{}",
        "runs/taller2_cnn_mnist/checkpoints/last.json": b"[1]",
        "runs/taller2_cnn_mnist/history.csv": b"epoch,loss\n",
        "notes.txt": b"mine",
        "empty.txt": b"",
    }
    assert len(kaggle.outputs) > 2 * PAGE_SIZE
    answer = course("push", "taller2", "--wait")
    assert answer.code == 0
    lines = answer.out.splitlines()
    assert re.fullmatch(r"Pushed (ana/\S+), version 1: https://www.kaggle.com/code/\1", lines[0])
    assert lines[1:4] == [
        "taller2_cnn_mnist: queued, 0 min, GPU: 21.5 of 30 h left this week",
        "taller2_cnn_mnist: running, 0 min, GPU: 21.5 of 30 h left this week",
        f"{lines[0].split()[1][:-1]}: complete",
    ]
    assert max(map(len, lines[1:3])) < 80  # a terminal of the usual width shows all of it
    assert f"python -m course evaluate {HOME}" in answer.out
    home = course.work / HOME
    assert {str(p.relative_to(home)): p.read_bytes() for p in home.rglob("*") if p.is_file()} == {
        "card.json": b"{}",
        "checkpoints/last.json": b"[1]",
        "history.csv": b"epoch,loss\n",
        "kaggle/notes.txt": b"mine",
        "kaggle/empty.txt": b"",
        "kaggle/kernel.log": b"epoch 1\n",
    }
    assert os.listdir(home.parent) == [home.name]  # nothing half there
    assert kaggle.names().count("ListKernelSessionOutput") == 3


def test_what_is_pushed_is_the_lesson_and_its_metadata(course, kaggle):
    answer = course("push", "taller2", "--timeout", "3600")
    assert answer.code == 0
    body = kaggle.pushed()
    assert body["slug"].startswith("ana/") and body["sessionTimeoutSeconds"] == 3600
    assert body["machineShape"] == "NvidiaTeslaT4" and body["enableGpu"] is True
    assert body["datasetDataSources"] == ["hojjatk/mnist-dataset"]
    assert "compile" in body["text"]
    assert "status taller2_cnn_mnist --wait" in answer.out
    assert course("push", "taller2", "--accelerator", "none").code == 0
    assert kaggle.pushed()["enableGpu"] is False and "machineShape" not in kaggle.pushed()


def test_a_lesson_may_go_as_a_notebook(course, kaggle):
    assert course("push", "taller1", "--as", "notebook").code == 0
    body = kaggle.pushed()
    assert body["kernelType"] == "notebook" and body["enableGpu"] is False
    assert json.loads(body["text"])["metadata"]["kernelspec"]["language"] == "python"


def test_the_kaggle_command_pushes_what_was_built(course, kaggle):
    folder = course("build", "taller2").out.strip()
    by_hand = [sys.executable, "-m", "kaggle", "kernels", "push", "-p", folder]
    answer = course.finish(course.start(command=by_hand))
    assert answer.code == 0 and "Kernel version 1 successfully pushed" in answer.out
    theirs = kaggle.pushed()
    assert course("push", "taller2").code == 0
    assert kaggle.pushed() == theirs


def test_a_lesson_that_there_is_not(course, kaggle):
    for verb in ("push", "status", "logs", "output"):
        answer = course(verb, "taler2")
        assert answer.code == 2 and "Did you mean taller2" in answer.err
    assert kaggle.requests == []


def test_logs_and_status(course, kaggle):
    kaggle.pushes, kaggle.states = 1, ["RUNNING"]
    answer = course("status", "taller2")
    assert answer.code == 0 and answer.out.endswith(", version 1: running\n")
    assert refused(course("logs", "taller2"), "is running and has no log yet", "--wait")
    kaggle.states = ["ERROR"]
    assert refused(course("logs", "taller2"), "ended in an error and has left no log")
    kaggle.log = LOG
    assert course("logs", "taller2").out == "epoch 1\n"


def test_a_command_is_light(course, kaggle):
    kaggle.pushes = 1
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    answer = course("status", "taller2")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert answer.code == 0
    assert (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime) < 1.5
    answer = course("status", "taller2", PYTHONPROFILEIMPORTTIME="1")
    loaded = {line.rpartition("|")[2].strip() for line in answer.err.splitlines()}
    assert "kagglesdk" in loaded and loaded & {"tensorflow", "keras"} == set()


# ---- Kaggle says no, one way at a time


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, ["does not accept the key", "kaggle.json", "https://www.kaggle.com/settings"]),
        (403, ["may not do that", "ana is your account", "telephone"]),
        (404, ["does not find", "doctor"]),
        (409, ["has this title", "rename", "https://www.kaggle.com/ana/code"]),
        (500, ["server is in trouble", "before you push again", "status taller2_cnn_mnist"]),
    ],
)
def test_a_push_that_is_refused(course, kaggle, status, words):
    kaggle.fail(status, on="SaveKernel", headers={"Content-Type": "application/json"})
    assert refused(course("push", "taller2", "--wait"), "not confirm", str(status), *words)
    assert saves(kaggle) == 1  # a second one might be a second run


def test_429_is_asked_again_after_the_seconds_it_names(course, kaggle):
    kaggle.fail(429, on="SaveKernel", headers={"Retry-After": "0.5"})
    answer = course("push", "taller2")
    assert answer.code == 0 and "Trying again in 0.5 s" in answer.err
    assert saves(kaggle) == 2
    kaggle.fail(429, on="SaveKernel", headers={"Retry-After": "3600"})
    assert refused(course("push", "taller2"), "come back in 3600 s", "wait some minutes")


def test_a_push_whose_answer_is_lost_is_not_repeated(course, kaggle):
    kaggle.hang_ups = {"SaveKernel": 1}
    answer = course("push", "taller2")
    assert refused(answer, "may have arrived", "look before you push again", "newest version")
    assert saves(kaggle) == kaggle.pushes == 1
    assert ", version 1: complete" in course("status", "taller2").out


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Maximum weekly GPU quota of 30.00 hours reached.", ["--accelerator none", "doctor"]),
        ("Maximum batch GPU session count of 2 reached.", ["another of your kernels has ended"]),
        ("Notebook not found", ["see that the owner is your account"]),
        (f"token={TOKEN}", ["Kaggle says"]),
    ],
)
def test_an_error_within_a_good_answer_is_an_error(course, kaggle, said, words):
    kaggle.error = said
    answer = course("push", "taller2", "--wait")
    assert refused(answer, "was not pushed", *words)
    assert TOKEN in said or said in answer.err
    assert "GetKernelSessionStatus" not in kaggle.names()


def test_a_data_set_that_kaggle_does_not_take_is_an_error(course, kaggle):
    kaggle.invalid = ["hojjatk/mnist-dataset"]
    answer = course("push", "taller2", "--wait")
    assert refused(answer, "runs without a source", "hojjatk/mnist-dataset", "stop it at")
    assert answer.out == ""


def test_another_slug_than_asked_for_is_an_error(course, kaggle):
    kaggle.ref = "ana/another-name"
    answer = course("push", "taller2", "--wait")
    assert refused(answer, "got ana/another-name", "https://www.kaggle.com/code/ana/another-name")


def test_a_login_page_in_place_of_an_answer_is_told(course, kaggle):
    kaggle.pushes, kaggle.page = 1, "GetKernelSessionStatus"
    assert refused(course("status", "taller2"), "no answer of Kaggle's", "login page")


def test_an_unknown_accelerator_or_time_is_refused_before_anything(course, kaggle):
    answer = course("push", "taller2", "--accelerator", "nvidiateslat4")
    assert refused(answer, "Did you mean NvidiaTeslaT4?")
    assert refused(course("push", "taller2", "--accelerator", "GPU"), "--accelerator NvidiaTeslaT4")
    assert "43200" in course("push", "taller2", "--timeout", "50000").err
    assert "43200" in course("push", "taller2", "--timeout", "0").err
    assert kaggle.requests == []


# ---- watching


@pytest.mark.parametrize("command", [["status", "taller2"], ["status", "taller2", "--wait"]])
def test_a_kernel_in_error_is_an_error(course, kaggle, command):
    kaggle.pushes, kaggle.states = 1, ["ERROR"]
    kaggle.failure = "Your notebook tried to allocate more memory than is available."
    answer = course(*command)
    assert refused(answer, "ended in an error", kaggle.failure, "kernels logs taller2_cnn_mnist")
    assert not (course.work / "runs").exists()


def test_a_cancelled_kernel_is_an_error(course, kaggle):
    kaggle.pushes, kaggle.states = 1, ["CANCEL_ACKNOWLEDGED"]
    assert refused(course("status", "taller2"), "was cancelled", "--timeout")


def test_a_kernel_that_there_is_not(course, kaggle):
    for verb in ("status", "logs", "output"):
        answer = course(verb, "taller2")
        assert refused(answer, "403", "none of this name", "kernels push taller2_cnn_mnist")


def test_watching_survives_a_blip(course, kaggle):
    kaggle.pushes, kaggle.states = 1, ["RUNNING", "COMPLETE"]
    kaggle.outputs = {"a.txt": b"a"}
    kaggle.hang_ups = {"GetKernelSessionStatus": 1}
    kaggle.fail(503, on="GetKernelSessionStatus")
    answer = course("status", "taller2", "--wait")
    assert answer.code == 0
    assert "no answer from Kaggle, asking again" in answer.out
    assert (course.work / HOME / "a.txt").read_bytes() == b"a"


def test_ctrl_c_leaves_the_kernel_running_and_says_how_to_go_on(course, kaggle):
    kaggle.states = ["RUNNING"]
    process = course.start("push", "taller2", "--wait")
    for line in process.stdout:
        if "running" in line:
            break
    process.send_signal(signal.SIGINT)
    answer = course.finish(process)
    assert answer.code == 130
    assert "The kernel goes on at Kaggle" in answer.out
    assert "python -m course kernels status taller2_cnn_mnist --wait" in answer.out
    assert not [name for name in kaggle.names() if "Cancel" in name or "Delete" in name]


def test_two_pushes_at_once_are_two_versions(course, kaggle):
    first, second = [course.start("push", name) for name in ("taller2", "taller2")]
    answers = [course.finish(first), course.finish(second)]
    assert [answer.code for answer in answers] == [0, 0]
    assert {re.search(r"version (\d)", answer.out)[1] for answer in answers} == {"1", "2"}
    texts = {r.body["text"] for r in kaggle.requests if r.name == "SaveKernel"}
    assert len(texts) == 1


def test_a_push_that_another_one_replaced_is_told(course, kaggle):
    kaggle.states = ["RUNNING"]
    process = course.start("push", "taller2", "--wait")
    for line in process.stdout:
        if "running" in line:
            break
    kaggle.pushes, kaggle.states = 2, ["COMPLETE"]
    answer = course.finish(process)
    assert refused(answer, "while version 1 was watched, version 2 was pushed")
    assert not (course.work / "runs").exists()


# ---- bringing home


@pytest.fixture
def finished(kaggle):
    """A kernel that has ended well, with a run in its output."""
    kaggle.pushes = 1
    kaggle.outputs = {
        "runs/x/card.json": b'{"task": "classification"}',
        "runs/x/figures/a.png": b"\x89PNG and so on",
        "runs/x/report.html": b"<!doctype html><title>report</title>",
    }
    return kaggle


def test_an_output_never_overwrites(course, finished):
    home = course.work / HOME
    home.mkdir(parents=True)
    (home / "thesis.txt").write_text("years of work")
    answer = course("output", "taller2")
    assert answer.code == 0 and f"{HOME} was there already; it is now {HOME}-1." in answer.out
    assert (home.with_name(home.name + "-1") / "thesis.txt").read_text() == "years of work"
    assert sorted(os.listdir(home)) == ["card.json", "figures", "report.html"]
    (course.work / "docs").mkdir()
    assert course("output", "taller2", "-o", "docs").code == 0  # empty: it may be used
    before = sorted((course.work / "docs").rglob("*"))
    finished.requests.clear()
    assert refused(course("output", "taller2", "-o", "docs"), "docs is there already and not empty")
    assert sorted((course.work / "docs").rglob("*")) == before
    assert "ListKernelSessionOutput" not in finished.names()


def test_a_fault_on_the_second_page_loses_no_file(course, finished):
    assert PAGE_SIZE < len(finished.outputs) <= 2 * PAGE_SIZE
    finished.hang(0, on="ListKernelSessionOutput")  # the first page comes as it should
    finished.fail(503, on="ListKernelSessionOutput")
    answer = course("output", "taller2")
    assert answer.code == 0 and "answers 503" in answer.err
    assert sorted(os.listdir(course.work / HOME)) == ["card.json", "figures", "report.html"]
    finished.hang(0, on="ListKernelSessionOutput")
    finished.fail(403, on="ListKernelSessionOutput")
    assert refused(course("output", "taller2", "-o", "new"), "did not tell its output", "403")
    assert not (course.work / "new").exists()


def test_an_error_page_is_never_saved_as_a_file(course, finished):
    page = b"<?xml version='1.0'?><Error><Code>ExpiredToken</Code></Error>"
    finished.bodies = {"runs/x/card.json": page}  # with code 200
    # with --wait the command would push again: the letter names another one
    for command in (["output", "taller2"], ["push", "taller2", "--wait"]):
        answer = course(*command)
        assert refused(answer, "card.json did not arrive", "Nothing was kept", "kernels output")
        assert os.listdir(course.work / "runs/kaggle") == []


def test_a_refused_file_is_told_and_nothing_is_kept(course, finished):
    finished.fail(403, on="storage")
    answer = course("output", "taller2", "-o", "here")
    assert refused(answer, "storage answers 403", "card.json")
    assert os.listdir(course.work) == []


def test_a_cut_download_is_asked_for_again(course, finished):
    finished.cut(5, times=1)
    assert course("output", "taller2").code == 0
    card = course.work / HOME / "card.json"
    assert card.read_bytes() == finished.outputs["runs/x/card.json"]


def test_a_download_that_is_always_cut_leaves_nothing_and_changes_nothing(course, finished):
    assert course("output", "taller2").code == 0
    before = sorted(course.work.rglob("*"))
    finished.cut(5, times=4)
    assert refused(course("output", "taller2"), "connection was cut", "output taller2_cnn_mnist")
    assert sorted(course.work.rglob("*")) == before


def test_output_of_a_running_or_failed_kernel(course, finished):
    finished.states = ["RUNNING"]
    assert refused(course("output", "taller2"), "is running: its output is not complete", "--wait")
    finished.states = ["ERROR"]
    answer = course("output", "taller2")
    assert answer.code == 0 and "ended in an error: this is what it wrote" in answer.out
    finished.outputs = {}
    assert refused(course("output", "taller2"), "has left no file and no log")


# ---- who one is


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, ["There is no Kaggle credential", "KAGGLE_API_TOKEN", "Generate New Token"]),
        ('{"username": "ana", "key"', ["this is not JSON", "kaggle.json"]),
        ('["ana"]', ["does not hold these two texts"]),
        (
            json.dumps({"username": "Ana Pérez", "key": KEY}, ensure_ascii=False),
            ["'Ana Pérez'", "address of your page"],
        ),
    ],
)
def test_a_credential_that_cannot_be(course, kaggle, text, words):
    course.key.unlink()
    if text is not None:
        course.key.write_text(text, encoding="utf-8")
    assert refused(course("push", "taller2"), *words)
    assert saves(kaggle) == 0


def test_a_credential_that_others_can_read_is_used_and_told(course, kaggle):
    course.key.chmod(0o644)
    answer = course("push", "taller2")
    assert answer.code == 0
    assert f"chmod 600 {course.key}" in answer.err


def test_a_token_names_its_owner_and_an_old_one_is_told(course, kaggle):
    kaggle.pushes = 1
    answer = course("status", "taller2", KAGGLE_API_TOKEN=TOKEN, VERBOSE="1")
    assert answer.code == 0
    answer = course("status", "taller2", KAGGLE_API_TOKEN="KGAT_old")
    assert refused(answer, "it hides this computer's other credential", "KAGGLE_API_TOKEN")
    course.key.unlink()
    answer = course("status", "taller2", KAGGLE_API_TOKEN="KGAT_old")
    assert refused(answer, "does not accept the token in the variable KAGGLE_API_TOKEN")
    assert "KGAT_old" not in answer.out + answer.err


@pytest.mark.parametrize("package", ["kaggle", "six"])
def test_a_missing_package_is_named_with_the_command(course, kaggle, tmp_path, package):
    shadow = tmp_path / "shadow"
    shadow.mkdir()
    (shadow / f"{package}.py").write_text(f"raise ModuleNotFoundError(name={package!r})")
    answer = course("push", "taller2", PYTHONPATH=f"{shadow}{os.pathsep}{ROOT}")
    assert refused(answer, f"The package {package} is not installed", "pip install kaggle six")
    assert kaggle.requests == []
