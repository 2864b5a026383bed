"""Where credentials lie, held against what the real clients read."""

import json
import os
import pathlib
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from course.errors import CourseError
from course.kaggle import credentials
from tests import ROOT
from tests.kernels_stub import KEY, TOKEN, KernelsStub
from tests.typist import refused

GOOD = json.dumps({"username": "ana", "key": "k3y"})


def put(home, name, text):
    path = pathlib.Path(home, ".kaggle", name)
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


PLACES = {
    "token variable": lambda home: os.environ.update(KAGGLE_API_TOKEN=TOKEN),
    "token file": lambda home: put(home, "access_token", TOKEN + "\n"),
    "token file of Windows": lambda home: put(home, "access_token.txt", TOKEN),
    "key variables": lambda home: os.environ.update(KAGGLE_USERNAME="eva", KAGGLE_KEY="k"),
    "key file": lambda home: put(home, "kaggle.json", GOOD),
}


def chosen():
    return credentials.choose(credentials.find())


@pytest.fixture
def places(fresh_home, monkeypatch):
    """Fills some of the places, emptied again afterwards."""
    for name in ("KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY"):
        monkeypatch.setenv(name, "")  # so that what a test sets is undone
        monkeypatch.delenv(name)
    return lambda *names: [PLACES[name](fresh_home) for name in names]


@pytest.mark.parametrize(
    "names",
    [
        ["token variable", "key file"],
        ["token file", "key variables"],
        ["token file of Windows"],
        ["key variables", "key file"],
        ["key file"],
    ],
)
def test_we_choose_what_both_real_clients_choose(places, fresh_home, names):
    places(*names)
    ours = chosen()
    ask = (
        "import json, kaggle, kagglehub.config as hub\n"
        "key = kaggle.api.config_values; hub = hub.get_kaggle_credentials()\n"
        "print(json.dumps([key.get('token'), key.get('username'), key.get('key'),"
        " hub.api_key, hub.username, hub.key]))"
    )
    with KernelsStub() as kaggle:
        environment = {**os.environ, **kaggle.environment(fresh_home)}
        said = subprocess.check_output([sys.executable, "-c", ask], env=environment, text=True)
    token, owner, key, hub_token, hub_owner, hub_key = json.loads(said.splitlines()[-1])
    if ours.kind == "token":
        assert ours.secret == token == hub_token
    else:
        assert token is None and hub_token is None
        assert (ours.owner, ours.secret) == (owner, key) == (hub_owner, hub_key)


def test_a_variable_may_name_a_file_with_the_token(places, fresh_home, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", str(put(fresh_home, "elsewhere", TOKEN)))
    assert chosen().secret == TOKEN


def test_a_login_is_the_last_choice(places, fresh_home):
    put(fresh_home, "credentials.json", json.dumps({"refresh_token": "r", "username": "ana"}))
    login = chosen()
    assert (login.kind, login.owner, login.secret) == ("login", "ana", "r")
    places("key file")
    assert chosen().kind == "key"


def test_the_config_folder_of_linux(fresh_home, monkeypatch):
    monkeypatch.delenv("KAGGLE_CONFIG_DIR")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(fresh_home / "config"))
    monkeypatch.setattr(sys, "platform", "linux")
    (fresh_home / "config" / "kaggle").mkdir(parents=True)
    (fresh_home / "config" / "kaggle" / "kaggle.json").write_text(GOOD)
    assert chosen().secret == "k3y"
    (fresh_home / ".kaggle").mkdir()  # once there is one, kaggle looks nowhere else
    assert credentials.find() == []


def test_a_secret_is_in_no_repr(places):
    places("key file", "token file")
    assert "k3y" not in repr(credentials.find()) and TOKEN not in repr(credentials.find())


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such bits")
def test_who_else_can_read_a_file(places, fresh_home):
    places("key file")
    advice = f"escribe: chmod 600 {put(fresh_home, 'kaggle.json', GOOD)}"
    for mode, exposed in ((0o600, False), (0o640, True), (0o604, True), (0o622, False)):
        put(fresh_home, "kaggle.json", GOOD).chmod(mode)
        assert (advice in chosen().exposed) is bool(chosen().exposed) is exposed


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.binary(max_size=60)
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["username", "key"]), inner)
        ),
        max_leaves=4,
    ).map(lambda value: json.dumps(value).encode())
)
def test_any_kaggle_json_is_a_credential_or_an_error_message(fresh_home, data):
    put(fresh_home, "kaggle.json", "").write_bytes(data)
    [found] = credentials.find()
    if found.problem is None:
        assert found.owner.strip() and found.secret.strip()
        assert json.loads(data) == {**json.loads(data), "username": found.owner}
        return
    with pytest.raises(CourseError, match="Qué hacer: "):
        chosen()


@pytest.mark.parametrize("owner", ["ana", "ana-maria2", "A_b", "7up"])
def test_a_possible_owner(owner):
    assert credentials.check_owner(owner, "kaggle.json") == owner


@pytest.mark.parametrize("owner", ["", "Ana María", "a b", "-a", "a/b", "ñ", None, "ana\n"])
def test_an_impossible_owner(owner):
    with pytest.raises(CourseError, match="kaggle.json: se esperaba el nombre de una cuenta"):
        credentials.check_owner(owner, "kaggle.json")


def test_what_is_hidden():
    text = f"k3y at http://x/?X-Goog-Signature=ab%20c&n=1 Bearer abc {TOKEN} token=xyz quota 30 h"
    hidden = credentials.hide(text, ["k3y", ""])
    for secret in ("k3y", "ab%20c", "abc", TOKEN, "xyz"):
        assert secret not in hidden
    assert "n=1" in hidden and "quota 30 h" in hidden


# ---- typed, with the real client


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, ["No hay ninguna credencial de Kaggle", "KAGGLE_API_TOKEN", "Generate New Token"]),
        ('{"username": "ana", "key"', ["no es lo que se esperaba", "kaggle.json"]),
        ('["ana"]', ["no es lo que se esperaba"]),
        (
            json.dumps({"username": "Ana Pérez", "key": KEY}, ensure_ascii=False),
            ["'Ana Pérez'", "dirección de tu página"],
        ),
    ],
)
def test_a_credential_that_cannot_be(course, kaggle, text, words):
    course.key.unlink()
    if text is not None:
        course.key.write_text(text, encoding="utf-8")
    assert refused(course("push", "taller2"), *words)
    assert "SaveKernel" not in kaggle.names()


def test_a_credential_that_others_can_read_is_used_with_a_warning(course, kaggle):
    course.key.chmod(0o644)
    answer = course("push", "taller2")
    assert answer.code == 0
    assert f"chmod 600 {course.key}" in answer.err


def test_a_token_names_its_owner_and_an_old_one_is_named(course, kaggle):
    kaggle.pushes = 1
    answer = course("status", "taller2", KAGGLE_API_TOKEN=TOKEN, VERBOSE="1")
    assert answer.code == 0
    answer = course("status", "taller2", KAGGLE_API_TOKEN="KGAT_old")
    assert refused(answer, "tapa la otra credencial de este computador", "KAGGLE_API_TOKEN")
    course.key.unlink()
    answer = course("status", "taller2", KAGGLE_API_TOKEN="KGAT_old")
    assert refused(answer, "no acepta el token de la variable KAGGLE_API_TOKEN")
    assert "KGAT_old" not in answer.out + answer.err


@pytest.mark.parametrize("package", ["kaggle", "six"])
def test_a_missing_package_is_named_with_the_command(course, kaggle, tmp_path, package):
    shadow = tmp_path / "shadow"
    shadow.mkdir()
    (shadow / f"{package}.py").write_text(f"raise ModuleNotFoundError(name={package!r})")
    answer = course("push", "taller2", PYTHONPATH=f"{shadow}{os.pathsep}{ROOT}")
    assert refused(answer, f"El paquete {package} no está instalado", "pip install kaggle six")
    assert kaggle.requests == []
