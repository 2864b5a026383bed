"""`course demo` as it is typed, up to where the server takes over."""

import pytest

from course import cli
from course.demo import server
from tests.demo import served


@pytest.fixture
def asked(monkeypatch):
    """What the server was asked for, which is not started."""
    given = []
    monkeypatch.setattr(server, "serve", lambda *arguments: given.append(arguments))
    return given


def test_what_is_typed_arrives(asked):
    assert cli.main(["demo"]) == 0
    more = ["--port", "9000", "--host", "0.0.0.0", "--cases", "c", "--no-browser"]
    assert cli.main(["demo", "runs/x", *more]) == 0
    assert asked == [
        (None, "127.0.0.1", 8000, True, None),
        ("runs/x", "0.0.0.0", 9000, False, "c"),
    ]


@pytest.mark.parametrize("port", ["-1", "65536"])
def test_a_port_that_there_is_not(asked, capsys, port):
    assert cli.main(["demo", "--port", port]) == 2
    assert not asked and "--port" in capsys.readouterr().err


def said(capsys, *arguments):
    assert cli.main(["demo", *map(str, arguments), "--port", "0", "--no-browser"]) == 2
    shown = capsys.readouterr()
    assert not shown.out
    return shown.err


def test_a_run_that_is_none_is_one_sentence(capsys, tmp_path):
    assert "no existe: se esperaba la carpeta de una corrida" in said(capsys, tmp_path / "nada")
    assert "repite su orden con --resume" in said(capsys, tmp_path)
    (tmp_path / "model.keras").touch()
    (tmp_path / "card.json").write_text('{"card_version": 1, "task": "translation"}')
    assert "'translation'" in said(capsys, tmp_path)


def test_a_network_that_no_page_can_show_is_one_sentence(capsys, tmp_path):
    run = served.digits_run(tmp_path / "run", preparation=None)
    assert "La página no sabe mostrar esta red" in said(capsys, run)


def test_cases_of_no_use_are_said(capsys, tmp_path):
    run = served.digits_run(tmp_path / "run")
    assert "Qué hacer: quita --cases." in said(capsys, run, "--cases", tmp_path)
    run = served.brains_run(tmp_path / "brains")
    assert "no tiene ningún caso de BraTS" in said(capsys, run, "--cases", tmp_path / "run")


def test_a_run_of_a_newer_keras_is_one_sentence(capsys, tmp_path):
    """Its model has a layer that this Keras does not know."""
    import json
    import zipfile

    run = served.digits_run(tmp_path / "run")
    card = json.loads((run / "card.json").read_text())
    card["versions"]["keras"] = "9.1.0"
    (run / "card.json").write_text(json.dumps(card))
    with zipfile.ZipFile(run / "model.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["config.json"] = members["config.json"].replace(b'"Flatten"', b'"Flatten9"')
    with zipfile.ZipFile(run / "model.keras", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    assert cli.main(["demo", str(run), "--port", "0", "--no-browser"]) == 2
    shown = capsys.readouterr()
    assert "hecho con Keras 9.1.0" in shown.err and shown.out.startswith("La página está en")
