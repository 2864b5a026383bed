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
CLOSE_IT = "other users of this computer can read it; type: chmod 600"
_NEW_ONE = (
    f'sign in at {SETTINGS_PAGE}, choose "Generate New Token" under API, and save what it shows '
    "as ~/.kaggle/access_token; then type: python -m course kernels doctor"
)
_EXPECTED = 'expected {"username": "NAME", "key": "…"} and nothing around it.'


@dataclass(frozen=True)
class Credential:
    """One place with something in it.

    Attributes:
        kind: "token", "key" (a user's name and a key) or "login".
        where: the variable or the file, as one would say it.
        path: its file; None for variables.
        owner: the account's name, where the place tells it: a token does not.
        secret: what must never be printed.
        problem: why it cannot be used; None when nothing is wrong with its form.
        kagglehub: whether kagglehub reads it too.
    """

    kind: str
    where: str
    path: Path | None = None
    owner: str | None = None
    secret: str = field(default="", repr=False)
    problem: str | None = None
    kagglehub: bool = True

    @property
    def open_to_others(self) -> bool:
        """Whether other users of this computer can read the file."""
        if self.path is None or os.name == "nt":  # Windows has no such bits
            return False
        return bool(self.path.stat().st_mode & 0o044)


def find() -> list[Credential]:
    """Every credential here, damaged ones included, in the order in which `kaggle` reads them."""
    return [*_tokens(), *_keys(), *_logins()]


def choose(found=None) -> Credential:
    """The credential that `kaggle` will use; a `CourseError` if there is none that can be read."""
    found = find() if found is None else found
    usable = [credential for credential in found if credential.problem is None]
    if usable:
        return usable[0]
    if found:
        raise CourseError(
            "The Kaggle credential on this computer cannot be used.\n"
            + "".join(f"Why: {bad.where}: {bad.problem}\n" for bad in found)
            + f"Next: {_NEW_ONE}"
        )
    raise CourseError(
        "There is no Kaggle credential on this computer.\n"
        "Looked for: the variables KAGGLE_API_TOKEN, KAGGLE_USERNAME and KAGGLE_KEY; the files "
        f"~/.kaggle/access_token, {_config_dir() / 'kaggle.json'} and ~/.kaggle/credentials.json.\n"
        f"Next: {_NEW_ONE}"
    )


def check_owner(owner, where):
    """Refuse, with a `CourseError`, a name that no Kaggle account has: spaces, say, or nothing."""
    if isinstance(owner, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", owner):
        return owner
    raise CourseError(
        f"{where}: expected the name of a Kaggle account, letters, digits and hyphens as in the "
        f"address of your page, https://www.kaggle.com/NAME. Received: {owner!r:.80}. It is not "
        "your first and last name.\nNext: correct it, then type the same command again."
    )


def hide(text, secrets=()) -> str:
    """A text of a server's without what could open an account or a file."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "…")
    text = re.sub(r"\b(KGAT_|Bearer\s+|Basic\s+)\S+", "…", text)
    return re.sub(r"\b(X-Goog-\w+|Signature|token|key)=[^\s&\"']+", "…", text, flags=re.IGNORECASE)


def _tokens():
    value = os.environ.get("KAGGLE_API_TOKEN")
    if value:
        path = Path(value)
        if len(value) < 200 and path.exists():  # a file may be named instead
            yield _token_in(path, "the file that KAGGLE_API_TOKEN names")
        else:
            yield Credential("token", "the variable KAGGLE_API_TOKEN", secret=value)
    for name in ("access_token", "access_token.txt"):  # .txt: Windows adds it
        path = _home() / name
        if path.exists():
            yield _token_in(path, f"~/.kaggle/{name}")


def _token_in(path, where):
    text, problem = _text_of(path)
    if problem is None and not text.strip():
        problem = "the file is empty."
    return Credential("token", where, path, secret=(text or "").strip(), problem=problem)


def _keys():
    name, key = os.environ.get("KAGGLE_USERNAME"), os.environ.get("KAGGLE_KEY")
    if name and key:
        yield Credential("key", "the variables KAGGLE_USERNAME and KAGGLE_KEY", None, name, key)
    elif name or key:
        lone, missing = ("USERNAME", "KEY") if name else ("KEY", "USERNAME")
        problem = f"KAGGLE_{missing} is not set; either both, or neither."
        yield Credential("key", f"the variable KAGGLE_{lone}", secret=key or "", problem=problem)
    for folder, hub in {_config_dir(): False, _hub_dir(): True}.items():
        path = folder / "kaggle.json"
        if path.exists():
            yield _key_in(path, hub)


def _key_in(path, hub):
    found = Credential("key", str(path), path, kagglehub=hub)
    text, problem = _text_of(path)
    if problem:
        return replace(found, problem=problem)
    try:
        content = json.loads(text)
        name, key = content["username"], content["key"]
        if name.strip() and key.strip():
            return replace(found, owner=name, secret=key)
        problem = "one of its two texts is empty"
    except (ValueError, RecursionError):
        problem = "this is not JSON"
    except (LookupError, TypeError, AttributeError):
        problem = "it does not hold these two texts"
    return replace(found, problem=f"{problem}; {_EXPECTED}")


def _logins():
    path = _home() / "credentials.json"
    if not path.exists():
        return
    found = Credential("login", "~/.kaggle/credentials.json", path, kagglehub=False)
    text, problem = _text_of(path)
    try:
        content = json.loads(text or "")
        token = content["refresh_token"]
        yield replace(found, owner=content.get("username"), secret=token, problem=problem)
    except (ValueError, LookupError, TypeError):
        problem = problem or "`kaggle auth login` did not finish writing it; type that again."
        yield replace(found, problem=problem)


def _text_of(path):
    try:
        return path.read_text(encoding="utf-8"), None
    except UnicodeDecodeError:
        return None, "this is no UTF-8 text; save it again as UTF-8."
    except OSError as error:
        return None, f"it cannot be read ({error.strerror})."


def _home():
    return Path.home() / ".kaggle"


def _hub_dir():
    return Path(os.environ.get("KAGGLE_CONFIG_DIR") or _home())


def _config_dir():
    if (
        os.environ.get("KAGGLE_CONFIG_DIR")
        or _home().exists()
        or not sys.platform.startswith("linux")
    ):
        return _hub_dir()
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "kaggle"
