"""Where this computer keeps its Kaggle credentials, as the two clients look for them.

`kaggle` pushes kernels, `kagglehub` downloads data; they do not read the same places. In order:

    1  KAGGLE_API_TOKEN, ~/.kaggle/access_token[.txt]              both: a token
    2  KAGGLE_USERNAME with KAGGLE_KEY, kaggle.json                both: a name and a key
    3  ~/.kaggle/credentials.json                                  kaggle only: `kaggle auth login`

kaggle.json lies in KAGGLE_CONFIG_DIR or ~/.kaggle; on Linux kaggle also looks in ~/.config/kaggle,
if ~/.kaggle does not exist. Read from kaggle 2.2.4 and kagglehub 1.0.2.
"""

import json
import os
import re
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from course.errors import CourseError

SETTINGS_PAGE = "https://www.kaggle.com/settings"
_NEW_ONE = (
    f'entra en {SETTINGS_PAGE}, elige "Generate New Token" en API y guarda lo que muestra como '
    "~/.kaggle/access_token; después: python -m course kernels doctor"
)
_EXPECTED = 'no es lo que se esperaba: {"username": "NOMBRE", "key": "…"} y nada alrededor.'
_KINDS = {"token": "el token", "key": "la clave", "login": "la sesión"}


@dataclass(frozen=True)
class Credential:
    """One place with something in it; as text it is what one would call it, without the secret.

    Attributes:
        kind: "token", "key" (a user's name and a key) or "login".
        where: The variable or the file, in Spanish.
        path: Its file; None for variables.
        owner: The account's name, where the place says it: a token does not.
        secret: What must never be printed.
        problem: Why it cannot be used, in Spanish; None when nothing is wrong with its form.
        kagglehub: Whether kagglehub reads it too.
    """

    kind: str
    where: str
    path: Path | None = None
    owner: str | None = None
    secret: str = field(default="", repr=False)
    problem: str | None = None
    kagglehub: bool = True

    def __str__(self):
        return f"{_KINDS[self.kind]} de {self.where}"

    @property
    def exposed(self) -> str:
        """What to do where other users of this computer can read the file; otherwise ""."""
        # Windows has no such bits
        if self.path is None or os.name == "nt" or not self.path.stat().st_mode & 0o044:
            return ""
        return f"otros usuarios de este computador lo pueden leer; escribe: chmod 600 {self.path}"


def find() -> list[Credential]:
    """Every credential here, damaged ones included, in the order in which `kaggle` reads them."""
    return [*_tokens(), *_keys(), *_logins()]


def choose(found) -> Credential:
    """The credential of those that `find` returned that `kaggle` will use.

    Raises:
        CourseError: There is none, or none that can be read.
    """
    for credential in found:
        if credential.problem is None:
            return credential
    if found:
        raise CourseError(
            "La credencial de Kaggle de este computador no se puede usar.\n"
            + "".join(f"Por qué: {bad.where}: {bad.problem}\n" for bad in found)
            + f"Qué hacer: {_NEW_ONE}"
        )
    raise CourseError(
        "No hay ninguna credencial de Kaggle en este computador.\n"
        "Se buscó: las variables KAGGLE_API_TOKEN, KAGGLE_USERNAME y KAGGLE_KEY; los archivos "
        f"~/.kaggle/access_token, {_config_dir() / 'kaggle.json'} y ~/.kaggle/credentials.json.\n"
        f"Qué hacer: {_NEW_ONE}"
    )


def check_owner(owner, where):
    """Return a name that a Kaggle account may have.

    Raises:
        CourseError: No account has it: there are spaces in it, say, or nothing.
    """
    if isinstance(owner, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", owner):
        return owner
    raise CourseError(
        f"{where}: se esperaba el nombre de una cuenta de Kaggle, letras, cifras y guiones como en "
        f"la dirección de tu página, https://www.kaggle.com/NOMBRE. Llegó: {owner!r:.80}. No es tu "
        "nombre y apellido.\nQué hacer: corrígelo y repite la misma orden."
    )


def hide(text, secrets=()) -> str:
    """A text of a server's without what could open an account or a file."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "…")
    text = re.sub(r"\b(KGAT_|Bearer\s+|Basic\s+)\S+", "…", text)
    return re.sub(r"\b(X-Goog-\w+|Signature|token|key)=[^\s&\"']+", "…", text, flags=re.IGNORECASE)


# ---- the places, one by one


def _tokens():
    value = os.environ.get("KAGGLE_API_TOKEN")
    if value and len(value) < 200 and Path(value).exists():  # a file may be named instead
        yield _token_in(Path(value), "el archivo que nombra KAGGLE_API_TOKEN")
    elif value:
        yield Credential("token", "la variable KAGGLE_API_TOKEN", secret=value)
    for name in ("access_token", "access_token.txt"):  # .txt: Windows adds it
        path = _home() / name
        if path.exists():
            yield _token_in(path, f"~/.kaggle/{name}")


def _token_in(path, where):
    text, problem = _text_of(path)
    if problem is None and not text.strip():
        problem = "el archivo está vacío."
    return Credential("token", where, path, secret=text.strip(), problem=problem)


def _keys():
    name, key = os.environ.get("KAGGLE_USERNAME"), os.environ.get("KAGGLE_KEY")
    if name and key:
        yield Credential("key", "las variables KAGGLE_USERNAME y KAGGLE_KEY", None, name, key)
    elif name or key:
        lone, missing = ("USERNAME", "KEY") if name else ("KEY", "USERNAME")
        problem = f"falta KAGGLE_{missing}; o están las dos, o ninguna."
        yield Credential("key", f"la variable KAGGLE_{lone}", secret=key or "", problem=problem)
    for folder, hub in {_config_dir(): False, _hub_dir(): True}.items():
        path = folder / "kaggle.json"
        if path.exists():
            yield _key_in(Credential("key", str(path), path, kagglehub=hub))


def _key_in(found):
    text, problem = _text_of(found.path)
    if problem:
        return replace(found, problem=problem)
    try:
        content = json.loads(text)
        name, key = content["username"], content["key"]
        good = name.strip() and key.strip()
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        good = False  # nothing of the file is quoted: the key may stand anywhere in it
    if not good:
        return replace(found, problem=_EXPECTED)
    return replace(found, owner=name, secret=key)


def _logins():
    path = _home() / "credentials.json"
    if not path.exists():
        return
    found = Credential("login", "~/.kaggle/credentials.json", path, kagglehub=False)
    text, problem = _text_of(path)
    try:
        content = json.loads(text)
        token = content["refresh_token"]
        yield replace(found, owner=content.get("username"), secret=token)
    except (ValueError, LookupError, TypeError):
        problem = problem or "`kaggle auth login` no terminó de escribirlo; escríbelo otra vez."
        yield replace(found, problem=problem)


def _text_of(path):
    """`(text, None)`, or `("", why it cannot be read)`."""
    try:
        return path.read_text(encoding="utf-8"), None
    except UnicodeDecodeError:
        return "", "no es texto en UTF-8; guárdalo otra vez como UTF-8."
    except OSError as error:
        return "", f"no se puede leer ({error.strerror})."


def _home():
    return Path.home() / ".kaggle"


def _hub_dir():
    return Path(os.environ.get("KAGGLE_CONFIG_DIR") or _home())


def _config_dir():
    chosen = os.environ.get("KAGGLE_CONFIG_DIR") or _home().exists()
    if chosen or not sys.platform.startswith("linux"):
        return _hub_dir()
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "kaggle"
