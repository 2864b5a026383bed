"""Is this computer ready to push to Kaggle? One line each: fine, or what to do."""

import importlib.metadata
import itertools

from course.datasets import catalog
from course.errors import CourseError
from course.kaggle import client as clients
from course.kaggle import credentials
from course.kaggle.troubles import Unanswered

_TESTED = {"kaggle": "2.2", "kagglehub": "1.0"}


def examine() -> bool:
    """Print what was found; True only if every line is fine.

    No token is shown, and nothing is changed.
    """
    found, ready = credentials.find(), True
    for good, what, said in itertools.chain(_packages(), _credentials(found), _account(found)):
        print(f"{'fine ' if good else 'to do'}  {what}: {said}", flush=True)
        ready = ready and good
    return ready


def _packages():
    """The two clients; importing kaggle finds out whether it starts at all."""
    for name, tested in _TESTED.items():
        try:
            version = clients.installed() if name == "kaggle" else importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield False, name, "not installed; type: python -m pip install kagglehub"
        except CourseError as letter:
            yield False, name, _one_line(letter)
        else:
            old = _numbers(version) < _numbers(tested)
            todo = f" is older than {tested}; type: python -m pip install -U {name}"
            yield not old, name, version + todo * old


def _credentials(found):
    try:
        chosen = credentials.choose(found)
    except CourseError as letter:
        yield False, "credential", _one_line(letter)
        return
    yield True, "credential for kaggle", f"the {chosen.kind} in {chosen.where}"
    hub = next((c for c in found if c.kagglehub and c.problem is None), None)
    if hub is None:
        # public data sets need none
        yield True, "credential for kagglehub", "none that it reads; the course's data need none"
    elif chosen.owner and hub.owner and chosen.owner != hub.owner:
        said = f"{hub.where} is {hub.owner}, not {chosen.owner}; remove one of them"
        yield False, "credential for kagglehub", said
    else:
        yield True, "credential for kagglehub", f"the {hub.kind} in {hub.where}"
    for credential in found:
        if credential.problem:
            yield False, credential.where, f"{credential.problem} Correct or remove it."
        if credential.open_to_others:
            yield False, credential.where, f"{credentials.CLOSE_IT} {credential.path}"


def _account(found):
    """What only Kaggle can tell."""
    if all(credential.problem for credential in found):
        return
    try:
        client = clients.connect()
        quota = client.quota()
    except CourseError as letter:
        yield False, "account", _one_line(letter)
        return
    yield True, "owner", client.owner
    if quota is None:
        yield True, "GPU hours", "Kaggle does not tell"
    else:
        until = f" until {quota.renewed:%d %B, %H:%M} UTC" if quota.renewed else " this week"
        said = f"{quota.left_h:.1f} of {quota.total_h:.0f} left{until}"
        none_left = "; push with --accelerator none, or wait for the new hours"
        yield quota.left_h > 0, "GPU hours", said + none_left * (quota.left_h <= 0)
    for name in catalog.names():
        info = catalog.get(name)
        try:
            newest = client.dataset_version(info.handle)
        except Unanswered as letter:
            todo = f"look at {info.homepage}; if it has moved, correct its handle in datasets.yaml"
            yield False, name, f"{letter.trouble.why} Next: {todo}"
        else:
            newer = f" (its newest is {newest})" if newest and newest != info.version else ""
            yield True, name, f"{info.handle}@{info.version} can be reached{newer}"


def _one_line(letter):
    return " ".join(str(letter).split())


def _numbers(version):
    return [int(part) for part in version.split(".")[:2] if part.isdigit()]
