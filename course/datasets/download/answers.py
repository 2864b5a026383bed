"""What a server and the network answer, as messages that say what to type next; and asking again.

One table serves downloads and pushes, of Kaggle and of Hugging Face. An exception's own text is
never shown as it is: it may hold a signed address or a token.
"""

import contextlib
import gzip
import json
import random
import re
import sys
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

from course import files, spanish
from course.errors import CourseError

_TRIES_AT_ALL = 20  # however much each of them brings


@dataclass(frozen=True)
class Trouble:
    """Why a request failed, what to do about it, and whether asking again can help."""

    why: str
    todo: str
    retry: bool = False
    wait_s: float | None = None  # what the server asked for in Retry-After
    spoiled: bool = False  # the bytes on disk are useless: delete them, then ask again


class Unanswered(CourseError):
    """Kaggle refused or did not answer; `trouble` says whether asking again can help."""

    def __init__(self, text, trouble):
        super().__init__(text)
        self.trouble = trouble


@dataclass(frozen=True)
class Asked:
    """What a request was about, as far as the messages depend on it."""

    rows: dict = field(default_factory=dict)  # of the table, added or otherwise for this request
    again: str = "repite la misma orden."  # the end of most advices
    once: str = ""  # the advice where a request that must not be sent twice may have arrived
    hide: Callable | None = None  # makes the server's words safe to show; None shows none of them
    service: str = "Kaggle"  # who was asked


# (why, what to do) by HTTP status, or by what `_recognised` makes of an exception
_TABLE = {
    429: ("{service} responde 429: demasiadas peticiones{wait}.", "espera unos minutos y {again}"),
    "server": (
        "{service} responde {code}: el servidor tiene problemas{wait}.",
        "espera unos minutos y {again}",
    ),
    "status": ("{service} responde {code}{said}.", "{again}"),
    "ssl": (
        "la conexión segura con {service} no es de confianza: la fecha de este computador está "
        "mal, o la red muestra una página de acceso propia.",
        "revisa la fecha, abre cualquier página en un navegador y {again}",
    ),
    "proxy": (
        "el proxy que nombran https_proxy o http_proxy no nos deja pasar.",
        "corrige o quita esas variables y {again}",
    ),
    "cut": ("la conexión se cortó antes de que llegara todo.", "{again}"),
    "network": (
        "{service} no responde: aquí no hay red, o está bloqueada.",
        "conéctate a internet y {again}",
    ),
    "lost": ("la conexión se cortó antes de la respuesta; el envío puede haber llegado.", ""),
    "no json": (
        "lo que llegó no es una respuesta de {service}; quizá la red muestra una página de acceso "
        "propia.",
        "abre cualquier página en un navegador y {again}",
    ),
    "damaged": (
        "lo que llegó está dañado o no es un archivo comprimido; quizá la red muestra una página "
        "de acceso propia.",
        "abre cualquier página en un navegador y {again}",
    ),
    "disk": (
        "{refusal}",
        "consigue espacio y permisos ahí, o pon otra carpeta en KAGGLEHUB_CACHE, y {again}",
    ),
    "race": (
        "otro proceso borró archivos de la misma caché mientras llegaban.",
        "espera a que el otro termine y {again}",
    ),
    "other": (
        "el cliente de {service} se detuvo con {kind}.",
        "escribe: python -m pip install -U kagglehub kaggle six; después {again}",
    ),
}
_WORTH_ASKING_AGAIN = {429, "server", "proxy", "cut", "network", "race"}


def data_set(info) -> Asked:
    """A download of a data set: who asks needs no account, and what has arrived is kept."""
    again = "repite la misma orden; lo que ya llegó se conserva."
    no_credential = "estos datos no piden credencial: "
    rows = {
        401: (
            "Kaggle responde 401: no acepta el token o la clave que este computador envía.",
            f"{no_credential}quita KAGGLE_API_TOKEN, KAGGLE_USERNAME y KAGGLE_KEY y aparta "
            "~/.kaggle; o crea un token nuevo en https://www.kaggle.com/settings",
        ),
        403: (
            "Kaggle responde 403: los datos son privados, o sus condiciones están por aceptar.",
            f"entra con tu cuenta en {info.homepage}, acepta lo que pide y {{again}}",
        ),
        404: (
            "Kaggle responde 404: no tiene esos datos, esa versión o ese archivo.",
            f"mira {info.homepage}; si se mudó o tiene otra versión, corrige handle y version de "
            f"{info.name} en datasets.yaml",
        ),
        "status": ("Kaggle responde {code}.", f"mira {info.homepage} y {{again}}"),
        "network": (
            _TABLE["network"][0],
            f"conéctate a internet (en un cuaderno de Kaggle: agrega {info.handle} con Add Input, "
            "o enciende Internet en Settings) y {again}",
        ),
        "no mount": (
            "la plataforma no pudo montar los datos en este cuaderno.",
            f"agrega {info.handle} con Add Input y {{again}}",
        ),
        "not mounted": (
            "los datos que montó la plataforma no tienen ese archivo.",
            f"compara con los nombres en {info.homepage}",
        ),
        "kaggle.json": (
            "el archivo kaggle.json, con la credencial de este computador, no se puede leer.",
            f"{no_credential}aparta ese archivo y {{again}}",
        ),
    }
    if not info.version:  # a student's own: it may be private, and no catalogue has it
        private = (
            "Kaggle responde {code}: no tiene esos datos, o son privados y falta tu credencial.",
            f"mira que {info.handle} esté bien escrito ({info.homepage}); si es privado, crea un "
            "token en https://www.kaggle.com/settings y guárdalo donde dice esa página",
        )
        rows |= {401: private, 403: private, 404: private}
    return Asked(rows, again)


def not_fetched(info, trouble, asked) -> str:
    """The message about a data set that could not be had: what, why, what to type, other ways."""
    lines = [
        f"{info.title} no se pudo traer de Kaggle ({info.pinned}).",
        f"Se pidió: {asked}.",
        f"Por qué: {trouble.why}",
        f"Qué hacer: {trouble.todo}",
        f"Sin Kaggle hay {'dos caminos' if info.sample else 'un camino'}:",
    ]
    if info.sample:
        lines += [f"  --source sample    incluida, sin descargas ({info.sample.title})"]
    lines += [
        f"  --source CARPETA   tu propia copia: descárgala a mano de {info.homepage}",
        f"                     (licencia: {info.licence}) y descomprímela en CARPETA",
        '  En un cuaderno: source = "…".',
    ]
    return "\n".join(lines)


def trouble_of(error, asked, cache=None) -> Trouble:
    """What an exception of kagglehub, kaggle, requests or the disk (of `cache`) means."""
    import requests

    response = getattr(error, "response", None)
    if isinstance(error, requests.HTTPError) and response is not None:
        return of_status(response, asked)
    key = _recognised(error)
    if asked.once and key in ("network", "cut", "proxy"):
        key = "lost"
    words = {"kind": type(error).__name__}
    if isinstance(error, FileNotFoundError) and cache:
        key = "race"  # a disk that refuses says something else
    elif key == "disk" and cache:
        words["refusal"] = str(files.cannot_write(cache, error)).partition("\n")[0]
    elif key == "disk":
        key = "other"
    return of_key(key, asked, words)


def retrying(
    call, trouble_of, message, *, tries=4, first_wait_s=1.0, longest_wait_s=90.0, arrived=int
):
    """Call until it returns, with growing waits, as long as asking again can help.

    Args:
        call: Function without arguments.
        trouble_of: Function of the exception that `call` raised, to a `Trouble`.
        message: Function of the last `Trouble`, to the text of the `Unanswered` that ends it all.
        tries: How many in a row may bring nothing new.
        first_wait_s: Doubled at every try, with jitter: a classroom does not come back all at once.
        longest_wait_s: A server that asks for more in Retry-After is not waited for.
        arrived: Function without arguments, to how many bytes are here.
    """
    idle, reached = 0, arrived()
    for _ in range(_TRIES_AT_ALL):
        try:
            return call()
        except Exception as error:
            trouble = trouble_of(error)
        idle = 0 if arrived() > reached else idle + 1
        reached = max(reached, arrived())
        if trouble.wait_s:
            wait_s = trouble.wait_s + random.uniform(0, 1)
        else:
            wait_s = first_wait_s * 2 ** max(0, idle - 1) * random.uniform(0.5, 1.5)
        if not trouble.retry or idle >= tries or wait_s > longest_wait_s:
            break
        why = trouble.why[0].upper() + trouble.why[1:]
        print(f"{why} Otro intento en {spanish.number(wait_s, 1)} s.", file=sys.stderr)
        time.sleep(wait_s)
    raise Unanswered(message(trouble), trouble) from None  # the cause's text may hold a token


def of_status(response, asked) -> Trouble:
    """The trouble of an answer with a bad status: of requests, or of httpx, which is alike."""
    from urllib3.exceptions import InvalidHeader
    from urllib3.util import Retry

    code, said = response.status_code, ""
    with contextlib.suppress(ValueError, AttributeError, TypeError, OSError):
        body = response.json()
        said = str(body.get("message") or body.get("error") or "")
        code = max(code, int(body.get("code", 0)))  # 4xx where the answer's head says 200
    wait_s = None
    with contextlib.suppress(InvalidHeader):
        wait_s = Retry().get_retry_after(response)
    if reset := re.search(r";t=(\d+)", response.headers.get("RateLimit", "")):  # Hugging Face's
        wait_s = wait_s or float(reset[1])
    words = {
        "code": code,
        "said": f": {asked.hide(said)[:300]}" if said and asked.hide else "",
        "wait": f"; pide volver en {spanish.number(wait_s, 0)} s" if wait_s else "",
    }
    key = "server" if code == 408 or code >= 500 else code
    return of_key(key if key in _TABLE | asked.rows else "status", asked, words, wait_s)


def _recognised(error):
    """The table's key of an exception that is no answer with a status."""
    from requests import exceptions

    kinds = {
        "ssl": exceptions.SSLError,
        "proxy": exceptions.ProxyError,
        "cut": exceptions.ChunkedEncodingError,
        "no json": json.JSONDecodeError,
        "network": exceptions.RequestException,
        "damaged": (zipfile.BadZipFile, gzip.BadGzipFile, tarfile.TarError, zlib.error, EOFError),
        "disk": OSError,
    }
    for key, classes in kinds.items():
        if isinstance(error, classes):
            return key
    # kagglehub's own; the text is looked at, never shown
    kind, text = type(error).__name__, str(error)
    if kind == "DataCorruptionError" or "Unsupported archive" in text:
        return "damaged"
    if "redentials file" in text:
        return "kaggle.json"
    if "is not present" in text:
        return "not mounted"
    known = {"NotFoundError": 404, "BackendError": "no mount"}
    return known.get(kind, "other")


def of_key(key, asked, words, wait_s=None) -> Trouble:
    """A row of the table with its words put in."""
    rows = _TABLE | asked.rows
    known = {"code": key, "said": "", "wait": "", "again": asked.again, "service": asked.service}
    words = known | words
    why, todo = (text.format_map(words) for text in rows[key])
    may_have_arrived = asked.once and key in ("lost", "server")
    return Trouble(
        why,
        asked.once if may_have_arrived else todo,
        retry=key in _WORTH_ASKING_AGAIN and not may_have_arrived,
        wait_s=wait_s,
        spoiled=key == "damaged",
    )
