"""A folder to Hugging Face: the real client against a stub, each refusal as one message."""

import sys
import threading
import time

import pytest

from course.datasets.download import answers
from course.demo import hub, space
from course.errors import CourseError
from tests.demo.hub_stub import TOKEN, HubStub, Space

huggingface_hub = pytest.importorskip("huggingface_hub")
PAGE = "<!doctype html>\n<title>á 3</title>\n".encode() * 40_000  # 1.4 MB
README = f"---\ntitle: x\nsdk: static\ntags:\n- keras\n- {space.TAG}\n---\n".encode()


@pytest.fixture
def home(monkeypatch, tmp_path):
    """The client as it is on a computer of its own with a token; what it waits is not slept."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setattr(constants, "HF_STORED_TOKENS_PATH", str(tmp_path / "stored_tokens"))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name in ("HUGGING_FACE_HUB_TOKEN", "HF_OIDC_RESOURCE"):
        monkeypatch.delenv(name, raising=False)
    slept, sleep = [], time.sleep
    others = {*threading.enumerate()} - {threading.current_thread()}  # what earlier tests left

    def note(seconds):
        sleep(seconds) if threading.current_thread() in others else slept.append(seconds)

    monkeypatch.setattr(time, "sleep", note)
    return slept


@pytest.fixture
def stub(monkeypatch, home):
    from huggingface_hub import constants

    with HubStub() as stub:
        monkeypatch.setattr(constants, "ENDPOINT", stub.address)
        yield stub
    huggingface_hub.close_session()


@pytest.fixture
def folder(tmp_path):
    """A static Space's folder, with one file that goes the way of large ones."""
    folder = tmp_path / "space"
    (folder / "run").mkdir(parents=True)
    (folder / "index.html").write_bytes(PAGE)
    (folder / "README.md").write_bytes(README)
    (folder / "run" / "model.keras").write_bytes(bytes(range(256)) * 400)
    return folder


def contents(folder):
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def refused(folder, capsys, name="ana/digitos"):
    """The message of a push that fails; nowhere is the token."""
    with pytest.raises(CourseError) as caught:
        hub.push(folder, name)
    shown = capsys.readouterr()
    assert TOKEN not in str(caught.value) + shown.out + shown.err
    assert caught.value.__cause__ is None or TOKEN not in str(caught.value.__cause__)
    return str(caught.value)


def test_a_new_space_is_static_and_holds_the_folder_byte_for_byte(stub, folder, capsys):
    assert hub.push(folder, "ana/digitos") == f"{stub.address}/spaces/ana/digitos"
    made = stub.spaces["ana/digitos"]
    assert made.sdk == "static" and made.files == contents(folder)
    assert len(made.commits) == 2  # all of it at once
    assert stub.readmes == [README.decode()]
    shown = capsys.readouterr()
    assert "ana/digitos: Space creado (static)." in shown.out
    assert "Se envían 3\u00a0archivos, 1,5 MB" in shown.out
    assert TOKEN not in shown.out + shown.err and shown.err == ""


def test_a_second_push_leaves_exactly_the_folder(stub, folder, capsys):
    hub.push(folder, "ana/digitos")
    (folder / "run" / "model.keras").unlink()
    (folder / "index.html").write_bytes(b"<p>2</p>")
    capsys.readouterr()
    hub.push(folder, "ana/digitos")
    assert stub.spaces["ana/digitos"].files == contents(folder)
    assert "ana/digitos ya existe: se actualiza." in capsys.readouterr().out


def test_the_same_folder_again_is_no_new_commit(stub, folder, capfd):
    hub.push(folder, "ana/digitos")
    hub.push(folder, "ana/digitos")
    assert len(stub.spaces["ana/digitos"].commits) == 2
    assert capfd.readouterr().err == ""  # the client would say so in English


def test_a_space_of_others_making_stays_as_it_is(stub, folder, capsys):
    theirs = Space("static", 2 * [{"README.md": b"---\nsdk: static\n---\n"}])
    stub.spaces["ana/tesis"] = theirs
    said = refused(folder, capsys, "ana/tesis")
    assert "ana/tesis ya existe y no lo publicó este programa: queda como está." in said
    assert len(theirs.commits) == 2


def test_a_push_that_was_cut_after_the_making_goes_on(stub, folder, capsys):
    stub.fail(403, on="commit")
    assert "403" in refused(folder, capsys)
    hub.push(folder, "ana/digitos")
    assert stub.spaces["ana/digitos"].files == contents(folder)


def test_without_a_token_nothing_is_asked(stub, folder, capsys, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    said = refused(folder, capsys)
    assert "El token de Hugging Face de este computador falta" in said
    assert "huggingface_hub.login()" in said and stub.requests == []


def test_a_token_that_no_header_can_carry(stub, folder, capsys, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_ñ")
    assert "está mal copiado" in refused(folder, capsys) and stub.requests == []


def test_without_the_client_there_is_one_sentence(folder, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert "python -m pip install huggingface_hub" in refused(folder, capsys)


@pytest.mark.parametrize(
    "name",
    [
        "digitos",
        "a/b/c",
        "ana/",
        "/x",
        "ana/mi red",
        "ana/señas",
        "ana/a--b",
        "ana/a..b",
        "ana/x.git",
    ]
    + ["ana/-x", "ana/x.", "ana/" + 96 * "x", "https://huggingface.co/spaces/ana/x", "", "ana/x\n"],
)
def test_a_name_that_is_not_allowed_is_told_before_anything(stub, folder, capsys, name):
    said = refused(folder, capsys, name)
    assert said.startswith("--to: se esperaba DUEÑO/NOMBRE") and stub.requests == []


def test_a_token_that_is_not_accepted(stub, folder, capsys, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN + "x")
    said = refused(folder, capsys)
    assert "401: no acepta el token" in said and "settings/tokens" in said


def test_only_static_is_free(stub, folder, capsys):
    (folder / "app.py").write_text("")
    said = refused(folder, capsys)
    assert "402: Un Space de Gradio pide un plan de pago" in said
    assert "repite la misma orden sin --gradio" in said and stub.spaces == {}


def test_of_another_owner(stub, folder, capsys):
    said = refused(folder, capsys, "otra/x")
    assert "403: este token no puede escribir en otra" in said


@pytest.mark.parametrize(
    "status, on, said, todo",
    [
        (400, "commit", "400: no acepta lo que se le pide: no: …", "corrige eso"),
        (402, "create", "402: esta cuenta no tiene permitido otro Space", "billing"),
        (404, "commit", "404: no encuentra ana o ana/digitos", "corrige --to"),
        (409, "create", "409: otra operación con ana/digitos está en marcha", "espera un minuto"),
        (413, "commit", "413: es demasiado grande", "una red más pequeña"),
        (418, "preupload", "responde 418: no: …", "repite la misma orden"),
    ],
)
def test_a_refusal_is_told_at_once(stub, home, folder, capsys, status, on, said, todo):
    stub.fail(status, on=on)
    message = refused(folder, capsys)
    assert said in message and todo in message.partition("Qué hacer: ")[2]
    assert stub.requests.count(on) == 1 and home == []


@pytest.mark.parametrize("on", ["info", "create", "validate-yaml", "preupload", "lfs", "storage"])
def test_429_tells_the_seconds_to_wait(stub, home, folder, capsys, on):
    stub.fail(429, on=on, headers={"RateLimit": '"api";r=0;t=287', "RateLimit-Policy": '"x"'})
    message = refused(folder, capsys)
    assert "responde 429: demasiadas peticiones; pide volver en 287 s." in message
    assert stub.requests.count(on) == 1 and home == []  # nor did the client wait in silence


def test_a_short_wait_is_waited_for(stub, home, folder, capsys):
    stub.fail(429, on="commit", headers={"Retry-After": "7"})
    hub.push(folder, "ana/digitos")
    assert len(home) == 1 and 7 <= home[0] <= 8
    assert "429" in capsys.readouterr().err
    assert stub.spaces["ana/digitos"].files == contents(folder)


@pytest.mark.parametrize("on", ["info", "create", "tree", "validate-yaml", "preupload", "commit"])
def test_a_server_in_trouble_is_asked_again_and_then_told(stub, home, folder, capsys, on):
    stub.fail(503, on=on, times=2)
    hub.push(folder, "ana/digitos")
    assert stub.spaces["ana/digitos"].files == contents(folder) and len(home) == 2
    (folder / "index.html").write_bytes(b"<p>2</p>")
    stub.fail(500, on=on, times=9, body=b"<html>")
    if on == "create":
        stub.spaces.clear()
    assert "Hugging Face responde 500: el servidor tiene problemas." in refused(folder, capsys)


@pytest.mark.parametrize("on", ["info", "commit"])
def test_a_line_that_is_cut_is_told(stub, folder, capsys, on):
    stub.hang_up(on=on, times=9)
    assert "la conexión se cortó" in refused(folder, capsys)


def test_a_login_page_is_no_answer(stub, folder, capsys):
    stub.fail(200, on="info", times=9, body=b"<html>sign in</html>")
    assert "no es una respuesta de Hugging Face" in refused(folder, capsys)


def test_without_internet(home, folder, capsys, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    said = refused(folder, capsys)
    assert "Hugging Face no responde: aquí no hay red" in said and "conéctate a internet" in said


def test_a_proxy_that_does_not_let_through(stub, folder, capsys, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "https://hub.invalid")
    monkeypatch.setenv("HTTPS_PROXY", stub.address)
    huggingface_hub.close_session()
    assert "el proxy que nombran https_proxy" in refused(folder, capsys)
    assert set(stub.requests) == {"CONNECT"}


def test_a_computer_that_is_told_to_stay_offline(stub, folder, capsys, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    huggingface_hub.close_session()
    said = refused(folder, capsys)
    assert "HF_HUB_OFFLINE prohíbe usar la red" in said and "HF_HUB_OFFLINE; después" in said


def test_a_connection_that_is_not_secure(stub, folder, capsys, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", stub.address.replace("http:", "https:"))
    assert "la conexión segura con Hugging Face" in refused(folder, capsys)


def test_an_unknown_end_names_its_kind_and_not_its_words(stub, folder, capsys, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError(TOKEN)

    monkeypatch.setattr(huggingface_hub.HfApi, "create_commit", broken)
    said = refused(folder, capsys)
    assert "se detuvo con RuntimeError" in said and "pip install -U huggingface_hub" in said


def test_every_row_of_the_table_is_whole():
    for gradio in (False, True):
        asked = hub._asked("ana/x", gradio, TOKEN)
        for key in answers._TABLE | asked.rows:
            trouble = answers.of_key(key, asked, {"kind": "X", "refusal": "Y."})
            assert trouble.why.endswith(".") and "{" not in trouble.why + trouble.todo
            assert "Kaggle" not in trouble.why
