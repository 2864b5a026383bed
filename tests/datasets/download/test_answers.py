"""The one table of answers: each row reads well, and a request that may have arrived is not sent
twice."""

import io
import json
import types

import pytest
import requests
from requests import exceptions

from course.datasets import catalog
from course.datasets.download import answers

ONCE = "mira antes de enviar otra vez"
TOKEN = "KGAT_secret"


def refusal(status, body=b"", **headers):
    response = requests.Response()
    response.status_code, response.raw = status, io.BytesIO(body)
    response.headers.update(headers)
    return requests.HTTPError(TOKEN, response=response)


@pytest.mark.parametrize("asked", [answers.Asked(), answers.data_set(catalog.get("mnist"))])
def test_every_row_is_whole(asked):
    for key in {**answers._TABLE, **asked.rows}:
        trouble = answers.of_key(key, asked, {"kind": "X", "refusal": "Y."})
        assert trouble.why.endswith(".") and "{" not in trouble.why + trouble.todo


@pytest.mark.parametrize(
    "error, once, retry, todo",
    [
        (refusal(429), ONCE, True, "espera unos minutos"),
        (refusal(503), "", True, "espera unos minutos"),
        (refusal(503), ONCE, False, ONCE),
        (refusal(408), ONCE, False, ONCE),
        (exceptions.ReadTimeout(TOKEN), "", True, "conéctate"),
        (exceptions.ReadTimeout(TOKEN), ONCE, False, ONCE),
        (exceptions.ConnectionError(TOKEN), ONCE, False, ONCE),
        (exceptions.ChunkedEncodingError(TOKEN), ONCE, False, ONCE),
        (exceptions.ProxyError(TOKEN), "", True, "corrige o quita"),
        (exceptions.ProxyError(TOKEN), ONCE, False, ONCE),
        (exceptions.SSLError(TOKEN), ONCE, False, "revisa la fecha"),
        (json.JSONDecodeError(TOKEN, "", 0), ONCE, False, "abre cualquier página"),
        (refusal(418, b'{"code": 500, "message": "x"}'), "", True, "espera unos minutos"),
        (OSError(28, TOKEN), "", False, "python -m pip install -U"),
        (RuntimeError(TOKEN), "", False, "python -m pip install -U"),
    ],
)
def test_what_may_be_asked_again(error, once, retry, todo):
    trouble = answers.trouble_of(error, answers.Asked(once=once))
    assert trouble.retry == retry and trouble.todo.startswith((todo, f"escribe: {todo}"))
    assert TOKEN not in trouble.why + trouble.todo


def test_the_server_s_words_are_shown_only_where_they_are_made_safe():
    said = json.dumps({"code": 418, "message": f"a teapot {TOKEN}"}).encode()
    assert "teapot" not in answers.trouble_of(refusal(418, said), answers.Asked()).why
    asked = answers.Asked(hide=lambda text: text.replace(TOKEN, "…"))
    why = answers.trouble_of(refusal(418, said), asked).why
    assert why == "Kaggle responde 418: a teapot …."


def test_the_disk_speaks_as_it_does_everywhere(tmp_path):
    trouble = answers.trouble_of(OSError(28, "x"), answers.Asked(), cache=tmp_path)
    assert trouble.why.startswith(f"No se pudo escribir {tmp_path}: el disco está lleno")
    assert "KAGGLEHUB_CACHE" in trouble.todo


def test_retrying_counts_only_the_tries_that_bring_nothing(monkeypatch, capsys):
    slept, sizes = [], iter([0, 1, 1, 2, 2, 2, 2, 2, 2])
    monkeypatch.setattr(answers, "time", types.SimpleNamespace(sleep=slept.append))
    trouble = answers.Trouble("la red se fue.", "espera", retry=True)

    def fail():
        raise ValueError(TOKEN)

    with pytest.raises(answers.Unanswered, match="^la red se fue.$") as caught:
        answers.retrying(
            fail, lambda error: trouble, lambda t: t.why, tries=2, arrived=lambda: next(sizes)
        )
    assert caught.value.trouble is trouble and caught.value.__suppress_context__
    assert len(slept) == 3
    assert capsys.readouterr().err.count("La red se fue. Otro intento en ") == 3
