"""A Space's folder to Hugging Face, with its own client: it ends with the address, or says why not.

The whole folder is one commit: a Space never shows half of it.
"""

import json
import pathlib
import re
import ssl
import warnings

from course.datasets.download import answers
from course.demo.space import GRADIO_COST, TAG
from course.errors import CourseError
from course.kaggle import credentials
from course.spanish import count, number
from course.training import place

_TOKENS = "https://huggingface.co/settings/tokens"
_SAVE_IT = 'guárdalo: python -c "import huggingface_hub; huggingface_hub.login()"'
_TRIES = 3
_LONGEST_WAIT_S = 20.0  # who must wait longer is told so, and goes on with something else


def push(folder, name) -> str:
    """Create a Space where there is none, send a folder to it, and say what came of it.

    A Space that the course made before becomes this folder: what is not in it goes. Any other one
    stays as it is. To ask again is safe: what has arrived is not sent twice.

    Args:
        folder: Of `space.build`.
        name: "OWNER/NAME" of the Space.

    Returns:
        The Space's address.

    Raises:
        CourseError: There is no token, the name is not allowed, the Space is someone else's.
        answers.Unanswered: Hugging Face refused or did not answer.
    """
    api, token = signed_in(name)
    paths = sorted(path for path in pathlib.Path(folder).rglob("*") if path.is_file())
    size_mb = sum(path.stat().st_size for path in paths) / 1e6
    gradio = (pathlib.Path(folder) / "app.py").is_file()

    def send():
        if _is_there(api, name):
            print(f"{name} ya existe: se actualiza.")
        else:
            sdk = "gradio" if gradio else "static"  # left out, the client makes one that costs
            api.create_repo(name, repo_type="space", space_sdk=sdk)
            print(f"{name}: Space creado ({sdk}).")
        print(f"Se envían {count(len(paths), 'archivo', 'archivos')}, {number(size_mb, 1)} MB …")
        _commit(api, name, pathlib.Path(folder), paths)
        return f"{api.endpoint}/spaces/{name}"

    asked = _asked(name, gradio, token)
    return answers.retrying(
        lambda: _quietly(send),
        lambda error: _trouble_of(error, asked),
        lambda trouble: (
            f"El Space {name} no se publicó.\nPor qué: {trouble.why}\nQué hacer: {trouble.todo}"
        ),
        tries=_TRIES,
        longest_wait_s=_LONGEST_WAIT_S,
    )


def signed_in(name):
    """Hugging Face's client and this computer's token, for a name that a Space can have.

    Nothing is asked yet: whoever builds before sending comes here first.
    """
    _check_name(name)
    try:
        import huggingface_hub
    except ImportError:
        raise CourseError(
            "El paquete huggingface_hub no está instalado; para publicar un Space hace falta.\n"
            "Qué hacer: python -m pip install huggingface_hub"
        ) from None
    token = huggingface_hub.get_token()
    if not token or not token.isascii():
        what = "está mal copiado: tiene letras que ninguno tiene" if token else "falta"
        raise CourseError(
            f"El token de Hugging Face de este computador {what}.\n"
            f"Qué hacer: crea uno con permiso de escritura (Write) en {_TOKENS} y {_SAVE_IT}; o "
            "ponlo en la variable HF_TOKEN."
        )
    return huggingface_hub.HfApi(token=token), token


def _check_name(name):
    part = "[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
    fits = re.fullmatch(f"{part}/{part}", name) and len(name) <= 96
    if not fits or "--" in name or ".." in name or name.endswith(".git"):
        raise CourseError(
            "--to: se esperaba DUEÑO/NOMBRE, como ana/mis-digitos: letras sin tilde, cifras, "
            "guiones y puntos, nunca dos seguidos ni en un extremo, 96 en total. "
            f"Llegó: {name!r:.120}.\n"
            "Qué hacer: corrígelo; DUEÑO es tu cuenta, como en https://huggingface.co/DUEÑO"
        )


def _is_there(api, name):
    """Whether there is a Space of this name that may be replaced; an error if it may not."""
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        tags = api.repo_info(name, repo_type="space").tags or []
    except RepositoryNotFoundError:
        return False
    # one commit: its making, and nothing sent to it yet
    if TAG in tags or len(api.list_repo_commits(name, repo_type="space")) == 1:
        return True
    raise _Taken


class _Taken(Exception):
    """There is a Space of that name that the course did not make."""


def _commit(api, name, folder, paths):
    """Send the files, and take away what the Space has beside them, all in one commit."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    sent = {path.relative_to(folder).as_posix(): path for path in paths}
    there = set(api.list_repo_files(name, repo_type="space"))
    gone = sorted(there - sent.keys() - {".gitattributes"})
    api.create_commit(
        name,
        [CommitOperationAdd(path_in_repo=where, path_or_fileobj=sent[where]) for where in sent]
        + [CommitOperationDelete(path_in_repo=where) for where in gone],
        commit_message="python -m course space push",
        repo_type="space",
    )


def _quietly(send):
    """Run it without the client's English lines, and without the minutes that it waits by itself.

    `answers.retrying` says in Spanish what it waits for.
    """
    import huggingface_hub
    from huggingface_hub.utils import disable_progress_bars, hf_raise_for_status

    def refused_at_once(response):
        if response.status_code in (408, 429) or response.status_code >= 500:
            response.read()  # what it says comes after its head
            hf_raise_for_status(response)

    huggingface_hub.logging.set_verbosity_error()
    disable_progress_bars()
    client = huggingface_hub.get_session()
    hooks = client.event_hooks
    client.event_hooks = hooks | {"response": [*hooks["response"], refused_at_once]}
    try:
        with warnings.catch_warnings(action="ignore"):
            return send()
    finally:
        client.event_hooks = hooks


# ---- what Hugging Face's answers mean


def _asked(name, gradio, token):
    """What the messages about a Space depend on."""
    owner = name.partition("/")[0]
    say = "Hugging Face responde"
    free = (f"{say} 402: {GRADIO_COST}", "repite la misma orden sin --gradio")
    paid = (
        f"{say} 402: esta cuenta no tiene permitido otro Space{{said}}.",
        "mira qué incluye tu plan en https://huggingface.co/settings/billing",
    )
    rows = {
        400: (f"{say} 400: no acepta lo que se le pide{{said}}.", "corrige eso y {again}"),
        401: (
            f"{say} 401: no acepta el token de este computador: venció, se retiró o está mal "
            "copiado.",
            f"crea otro con permiso de escritura (Write) en {_TOKENS} y {_SAVE_IT}; después "
            "{again}",
        ),
        402: free if gradio else paid,
        403: (
            f"{say} 403: este token no puede escribir en {owner}.",
            f"mira que {owner} sea tu cuenta o una organización tuya, y que el token tenga permiso "
            f"de escritura (Write): {_TOKENS}; después {{again}}",
        ),
        404: (
            f"{say} 404: no encuentra {owner} o {name}.",
            f"abre https://huggingface.co/{owner} en un navegador, corrige --to y {{again}}",
        ),
        409: (
            f"{say} 409: otra operación con {name} está en marcha.",
            "espera un minuto y {again}",
        ),
        413: (f"{say} 413: es demasiado grande.", "publica una red más pequeña."),
        "taken": (
            f"{name} ya existe y no lo publicó este programa: queda como está.",
            "da otro nombre con --to; o borra ese Space antes, en sus Settings.",
        ),
        "offline": (
            "la variable HF_HUB_OFFLINE prohíbe usar la red.",
            f"escribe: {place.how_to_unset('HF_HUB_OFFLINE')}; después {{again}}",
        ),
        "other": (
            "el cliente de Hugging Face se detuvo con {kind}.",
            "escribe: python -m pip install -U huggingface_hub; después {again}",
        ),
    }
    return answers.Asked(
        rows, hide=lambda text: credentials.hide(text, [token]), service="Hugging Face"
    )


def _trouble_of(error, asked):
    """What an exception of the client means: its status, or what stands in its chain of causes."""
    chain = [error]
    while cause := chain[-1].__cause__ or chain[-1].__context__:
        chain.append(cause)
    for one in chain:
        response = getattr(one, "response", None)
        if response is not None:
            return answers.of_status(response, asked)
    keys = filter(None, map(_recognised, reversed(chain)))  # the deepest knows best
    return answers.of_key(next(keys, "other"), asked, {"kind": type(error).__name__})


def _recognised(error):
    """The table's key of an exception; by name, for the client changed from httpx to httpx2."""
    names = {kind.__name__ for kind in type(error).__mro__}
    kinds = {
        "taken": isinstance(error, _Taken),
        "offline": "OfflineModeIsEnabled" in names,
        "ssl": isinstance(error, ssl.SSLError),
        "proxy": "ProxyError" in names,
        "no json": isinstance(error, json.JSONDecodeError),
        "cut": bool(names & {"ReadError", "WriteError", "RemoteProtocolError"}),
        "network": "TransportError" in names,
    }
    return next((key for key, holds in kinds.items() if holds), None)
