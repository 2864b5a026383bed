"""Where this computer keeps its Kaggle credentials, in the order in which `kaggle` looks for them.

    1  KAGGLE_API_TOKEN, ~/.kaggle/access_token[.txt]              a token
    2  KAGGLE_USERNAME with KAGGLE_KEY, kaggle.json                a name and a key
    3  ~/.kaggle/credentials.json                                  `kaggle auth login`

kaggle.json lies in KAGGLE_CONFIG_DIR or ~/.kaggle; on Linux in ~/.config/kaggle, if ~/.kaggle does
not exist. Read from kaggle 2.2.4.
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
_EXPECTED = {
    "token": "el archivo está vacío.",
    "key": 'no es lo que se esperaba: {"username": "NOMBRE", "key": "…"} y nada alrededor.',
    "login": "`kaggle auth login` no terminó de escribirlo; escríbelo otra vez.",
}
_KINDS = {"token": "el token", "key": "la clave", "login": "la sesión"}


@dataclass(frozen=True)
class Credential:
    """One place with something in it; as text it is what one would call it, without the secret."""

    kind: str  # "token", "key" (a user's name and a key) or "login"
    where: str  # the variable or the file, in Spanish
    path: Path | None = None
    owner: str | None = None  # a token does not say it
    secret: str = field(default="", repr=False)
    problem: str | None = None  # why it cannot be used, in Spanish

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
    """The credential that `kaggle` will use; an error if there is none that can be read."""
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
    """Return a name that a Kaggle account may have; an error if no account has it."""
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
        yield _in_file("token", "el archivo que nombra KAGGLE_API_TOKEN", Path(value))
    elif value:
        yield Credential("token", "la variable KAGGLE_API_TOKEN", secret=value)
    for name in ("access_token", "access_token.txt"):  # .txt: Windows adds it
        path = _home() / name
        if path.exists():
            yield _in_file("token", f"~/.kaggle/{name}", path)


def _keys():
    name, key = os.environ.get("KAGGLE_USERNAME"), os.environ.get("KAGGLE_KEY")
    if name and key:
        yield Credential("key", "las variables KAGGLE_USERNAME y KAGGLE_KEY", None, name, key)
    elif name or key:
        lone, missing = ("USERNAME", "KEY") if name else ("KEY", "USERNAME")
        problem = f"falta KAGGLE_{missing}; o están las dos, o ninguna."
        yield Credential("key", f"la variable KAGGLE_{lone}", secret=key or "", problem=problem)
    path = _config_dir() / "kaggle.json"
    if path.exists():
        yield _in_file("key", str(path), path, secret="key")


def _logins():
    path = _home() / "credentials.json"
    if path.exists():
        yield _in_file("login", "~/.kaggle/credentials.json", path, secret="refresh_token")


def _in_file(kind, where, path, secret=None):
    """The credential in a file: all of its text, or the JSON key that `secret` names."""
    found = Credential(kind, where, path)
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text) if secret else {secret: text.strip()}
        if not content[secret].strip() or (kind == "key" and not content["username"].strip()):
            return replace(found, problem=_EXPECTED[kind])
        return replace(found, owner=content.get("username"), secret=content[secret])
    except OSError as error:
        return replace(found, problem=f"no se puede leer ({error.strerror}).")
    except UnicodeDecodeError:
        return replace(found, problem="no es texto en UTF-8; guárdalo otra vez como UTF-8.")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return replace(found, problem=_EXPECTED[kind])  # nothing is quoted: it may be the key


def _home():
    return Path.home() / ".kaggle"


def _config_dir():
    if chosen := os.environ.get("KAGGLE_CONFIG_DIR"):
        return Path(chosen)
    if _home().exists() or not sys.platform.startswith("linux"):
        return _home()
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "kaggle"
