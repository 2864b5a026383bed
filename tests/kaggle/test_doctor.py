"""The doctor: every line says "bien", or one says "falta" and what to do."""

import json
import os

import pytest

from course.datasets import catalog
from tests import ROOT
from tests.kernels_stub import KEY, TOKEN


@pytest.fixture
def well(course, kaggle):
    """A computer on which everything is in order."""
    for name in catalog.names():
        info = catalog.get(name)
        kaggle.serve(info.handle, {"a": b""}, info.version)
    return kaggle


def to_do(answer):
    """The one line that is not fine."""
    lines = [line for line in answer.out.splitlines() if line.startswith("falta ")]
    assert answer.code == 2 and len(lines) == 1, answer.out
    return lines[0]


def test_all_is_fine(course, well):
    answer = course("doctor")
    assert answer.code == 0 and answer.err == ""
    lines = answer.out.splitlines()
    assert all(line.startswith("bien ") for line in lines)
    for word in ("kaggle: 2.", "kagglehub: 1.", "cuenta: ana", "GPU: quedan 21,5 de 30", "mnist: "):
        assert word in answer.out
    assert len(lines) == 5 + len(catalog.names())


def test_whoever_reads_only_the_first_line_sees_no_traceback(course, well):
    process = course.start("doctor")
    assert process.stdout.readline().startswith("bien ")
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), err) == (141, "")


def test_no_credential_is_one_line_and_asks_nobody(course, well):
    course.key.unlink()
    assert "No hay ninguna credencial de Kaggle" in to_do(course("doctor"))
    assert well.requests == []


def test_a_damaged_kaggle_json_beside_a_good_token_is_named(course, well):
    course.key.write_text('{"username": "ana"}')
    line = to_do(course("doctor", KAGGLE_API_TOKEN=TOKEN))
    assert "no es lo que se esperaba" in line and str(course.key) in line


def test_a_file_that_others_can_read_is_named(course, well):
    course.key.chmod(0o640)
    answer = course("doctor")
    assert f"chmod 600 {course.key}" in to_do(answer)
    assert "chmod" not in answer.err  # once is enough


def test_a_login_is_enough(course, well):
    course.key.unlink()
    login = course.key.with_name("credentials.json")
    fresh = {"refresh_token": "r", "access_token": TOKEN, "username": "ana"}
    fresh["access_token_expiration"] = "2999-01-01T00:00:00+00:00"
    login.write_text(json.dumps(fresh))
    login.chmod(0o600)
    answer = course("doctor")
    assert answer.code == 0 and "la sesión de ~/.kaggle/credentials.json" in answer.out


def test_two_accounts_are_named(course, well):
    course.key.write_text(json.dumps({"username": "eva", "key": KEY}))
    line = to_do(course("doctor", KAGGLE_USERNAME="ana"))
    assert "falta KAGGLE_KEY" in line


def test_a_name_with_spaces_is_named(course, well):
    course.key.write_text(json.dumps({"username": "Ana Maria", "key": KEY}))
    assert "'Ana Maria'" in to_do(course("doctor"))


def test_a_key_that_kaggle_refuses_is_named(course, well):
    course.key.write_text(json.dumps({"username": "ana", "key": "old"}))
    assert "no acepta la clave" in to_do(course("doctor"))


def test_a_spent_quota_is_named(course, well):
    well.gpu_used_s = 31 * 3600
    line = to_do(course("doctor"))
    assert "quedan 0,0 de 30 hasta el 28/11, 00:00 UTC; envía con --accelerator none" in line


def test_a_data_set_that_is_gone_is_named(course, well):
    well.fail(403, on="GetDataset")
    line = to_do(course("doctor"))
    assert "responde 403" in line and "https://www.kaggle.com/datasets/" in line


def test_a_data_set_that_there_is_not_is_named(course, well):
    well.fail(404, on="GetDataset")
    assert "responde 404: no está" in to_do(course("doctor"))


def test_a_newer_version_of_a_data_set_is_no_fault(course, well):
    well.serve(catalog.get("mnist").handle, {"a": b""}, 99)
    answer = course("doctor")
    assert answer.code == 0 and "la más nueva es la 99" in answer.out


def test_a_missing_six_is_named(course, well, tmp_path):
    (tmp_path / "six.py").write_text("raise ModuleNotFoundError(name='six')")
    answer = course("doctor", PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    line = answer.out.splitlines()[0]
    assert answer.code == 2
    assert line.startswith("falta  kaggle: El paquete six no está instalado")
    assert "python -m pip install kaggle six" in line
