"""push, status, logs and output, driven as one types them, with the real kaggle client.

Every command is a process of its own; the stub is Kaggle and the proxy of all other addresses.
"""

import json
import os
import re
import resource
import sys

import pytest

from tests.kernels_stub import PAGE_SIZE, TOKEN
from tests.typist import refused

HOME = "runs/kaggle/taller2_cnn_mnist"
LOG = json.dumps([{"stream_name": "stdout", "time": 1.5, "data": "epoch 1\n"}])


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
    assert re.fullmatch(r"Enviado: (ana/\S+), versión 1: https://www.kaggle.com/code/\1", lines[0])
    assert lines[1:4] == [
        "taller2_cnn_mnist: en cola, 0 min, GPU: quedan 21,5 de 30 h esta semana",
        "taller2_cnn_mnist: en marcha, 0 min, GPU: quedan 21,5 de 30 h esta semana",
        f"{lines[0].split()[1][:-1]}: terminado",
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
        assert answer.code == 2 and "¿Querías decir taller2" in answer.err
    assert kaggle.requests == []


def test_logs_and_status(course, kaggle):
    kaggle.pushes, kaggle.states = 1, ["RUNNING"]
    answer = course("status", "taller2")
    assert answer.code == 0 and answer.out.endswith(", versión 1: en marcha\n")
    assert refused(course("logs", "taller2"), "en marcha, no tiene registro", "--wait")
    kaggle.states = ["ERROR"]
    assert refused(course("logs", "taller2"), "terminado con un error, no tiene registro")
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
        (401, ["no acepta la clave", "kaggle.json", "https://www.kaggle.com/settings"]),
        (403, ["no puede hacer eso", "ana sea tu cuenta", "teléfono"]),
        (404, ["no encuentra", "doctor"]),
        (409, ["tiene este título", "cambia de nombre", "https://www.kaggle.com/ana/code"]),
        (
            500,
            ["el servidor tiene problemas", "antes de enviar otra vez", "status taller2_cnn_mnist"],
        ),
    ],
)
def test_a_push_that_is_refused(course, kaggle, status, words):
    kaggle.fail(status, on="SaveKernel", headers={"Content-Type": "application/json"})
    assert refused(course("push", "taller2", "--wait"), "no confirmó", str(status), *words)
    assert saves(kaggle) == 1  # a second one might be a second run


def test_429_is_asked_again_after_the_seconds_it_names(course, kaggle):
    kaggle.fail(429, on="SaveKernel", headers={"Retry-After": "0.5"})
    answer = course("push", "taller2")
    assert answer.code == 0 and "Otro intento en " in answer.err
    assert saves(kaggle) == 2
    kaggle.fail(429, on="SaveKernel", headers={"Retry-After": "3600"})
    assert refused(course("push", "taller2"), "pide volver en 3600 s", "espera unos minutos")


def test_a_push_whose_answer_is_lost_is_not_repeated(course, kaggle):
    kaggle.hang_ups = {"SaveKernel": 1}
    answer = course("push", "taller2")
    assert refused(
        answer, "puede haber llegado", "mira antes de enviar otra vez", "versión más nueva"
    )
    assert saves(kaggle) == kaggle.pushes == 1
    assert ", versión 1: terminado" in course("status", "taller2").out


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Maximum weekly GPU quota of 30.00 hours reached.", ["--accelerator none", "doctor"]),
        ("Maximum batch GPU session count of 2 reached.", ["a que termine otro de tus kernels"]),
        ("Notebook not found", ["mira que el dueño sea tu cuenta"]),
        (f"token={TOKEN}", ["Kaggle dice"]),
    ],
)
def test_an_error_within_a_good_answer_is_an_error(course, kaggle, said, words):
    kaggle.error = said
    answer = course("push", "taller2", "--wait")
    assert refused(answer, "no se envió", *words)
    assert TOKEN in said or said in answer.err
    assert "GetKernelSessionStatus" not in kaggle.names()


def test_a_data_set_that_kaggle_does_not_take_is_an_error(course, kaggle):
    kaggle.invalid = ["hojjatk/mnist-dataset"]
    answer = course("push", "taller2", "--wait")
    assert refused(answer, "se ejecuta sin lo que", "hojjatk/mnist-dataset", "detenlo en")
    assert answer.out == ""


def test_another_slug_than_asked_for_is_an_error(course, kaggle):
    kaggle.ref = "ana/another-name"
    answer = course("push", "taller2", "--wait")
    assert refused(answer, "llegó ana/another-name", "https://www.kaggle.com/code/ana/another-name")


def test_a_login_page_in_place_of_an_answer_is_named(course, kaggle):
    kaggle.pushes, kaggle.page = 1, "GetKernelSessionStatus"
    assert refused(course("status", "taller2"), "no es una respuesta de Kaggle", "página de acceso")


def test_a_tpu_is_refused_with_the_way_by_hand(course, kaggle):
    answer = course("push", "taller2", "--accelerator", "TpuV5E8")
    assert refused(answer, "imagen de CPU", "Settings → Accelerator", "Run All")


def test_an_unknown_accelerator_or_time_is_refused_before_anything(course, kaggle):
    answer = course("push", "taller2", "--accelerator", "nvidiateslat4")
    assert refused(answer, "¿Querías decir NvidiaTeslaT4?")
    assert refused(course("push", "taller2", "--accelerator", "GPU"), "--accelerator NvidiaTeslaT4")
    assert "43200" in course("push", "taller2", "--timeout", "50000").err
    assert "43200" in course("push", "taller2", "--timeout", "0").err
    assert kaggle.requests == []
