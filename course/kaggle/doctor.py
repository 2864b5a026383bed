"""Is this computer ready to push to Kaggle? One line each: "bien", or "falta" and what to do."""

import importlib.metadata
import itertools

from course.datasets import catalog
from course.datasets.download.answers import Unanswered
from course.errors import CourseError
from course.kaggle import client as clients
from course.kaggle import credentials
from course.spanish import number

_TESTED = {"kaggle": "2.2", "kagglehub": "1.0"}


def examine() -> bool:
    """Print what was found; True only if every line is fine.

    No token is shown, and nothing is changed.
    """
    found, ready = credentials.find(), True
    for good, what, said in itertools.chain(_packages(), _credentials(found), _account(found)):
        print(f"{'bien ' if good else 'falta'}  {what}: {said}", flush=True)
        ready = ready and good
    return ready


def _packages():
    for name, tested in _TESTED.items():
        try:
            version = clients.installed() if name == "kaggle" else importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield False, name, f"no está instalado; escribe: python -m pip install {name}"
        except CourseError as error:
            yield False, name, _one_line(error)
        else:
            old = _numbers(version) < _numbers(tested)
            todo = f" es anterior a {tested}; escribe: python -m pip install -U {name}"
            yield not old, name, version + todo * old


def _credentials(found):
    try:
        chosen = credentials.choose(found)
    except CourseError as error:
        yield False, "credencial", _one_line(error)
        return
    yield True, "credencial", str(chosen)
    for credential in found:
        if credential.problem:
            yield False, credential.where, f"{credential.problem} Corrígelo o quítalo."
        if credential.exposed:
            yield False, credential.where, credential.exposed


def _account(found):
    """What only Kaggle can say."""
    if all(credential.problem for credential in found):
        return
    try:
        client = clients.connect()
        quota = client.quota()
    except CourseError as error:
        yield False, "cuenta", _one_line(error)
        return
    yield True, "cuenta", client.owner
    if quota is None:
        yield True, "horas de GPU", "Kaggle no lo dice"
    else:
        until = f"hasta el {quota.renewed:%d/%m, %H:%M} UTC" if quota.renewed else "esta semana"
        said = f"quedan {number(quota.left_h, 1)} de {number(quota.total_h, 0)} {until}"
        none_left = "; envía con --accelerator none, o espera las horas nuevas"
        yield quota.left_h > 0, "horas de GPU", said + none_left * (quota.left_h <= 0)
    for info in map(catalog.get, catalog.names()):
        try:
            newest = client.dataset_version(info.handle)
        except Unanswered as error:
            todo = f"mira {info.homepage}; si cambió de lugar, corrige su handle en datasets.yaml"
            yield False, info.name, f"{error.trouble.why} Qué hacer: {todo}"
        else:
            newer = f" (la más nueva es la {newest})" if newest and newest != info.version else ""
            yield True, info.name, f"se llega a {info.handle}@{info.version}{newer}"


def _one_line(error):
    return " ".join(str(error).split())


def _numbers(version):
    return [int(part) for part in version.split(".")[:2] if part.isdigit()]
