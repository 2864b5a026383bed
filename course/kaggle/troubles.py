"""What went wrong between us and Kaggle's kernels, told so that one knows what to type next."""

import json

from course.datasets.download.answers import Trouble, retry_after
from course.errors import CourseError
from course.kaggle.credentials import SETTINGS_PAGE

_DOCTOR = "python -m course kernels doctor"
_NO_JSON = Trouble(
    "what arrived is no answer of Kaggle's; perhaps the network shows a login page of its own.",
    "open any web page in a browser, then the same command again.",
)


class Unanswered(CourseError):
    """Kaggle refused or did not answer; `trouble` says whether asking again can help."""

    def __init__(self, text, trouble):
        super().__init__(text)
        self.trouble = trouble


def diagnose(error, client, kernel, *, pushing) -> Trouble:
    """Turn an exception of the client into a `Trouble`.

    Args:
        error: what was raised.
        client: a `course.kaggle.client.Client`, which hides secrets.
        kernel: "owner/slug"; "" for a request that is about none.
        pushing: whether the request, had it arrived, would have started a run: then only a
            refusal is asked again, never a silence.
    """
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return _status(error, client, kernel, pushing)
    if isinstance(error, json.JSONDecodeError):
        return _NO_JSON
    if isinstance(error, requests.RequestException):
        return _network(error, client, pushing)
    if isinstance(error, ValueError):  # the client does not like what was built
        return _refused(error, client)
    return Trouble(
        f"the kaggle client stopped with {type(error).__name__}.",
        "type: python -m pip install -U kaggle six, then the same command again.",
    )


def _status(error, client, kernel, pushing):
    code, said = _answer(error.response)
    owner, said = kernel.partition("/")[0], client.hide(said)[:300]
    if code == 401:
        return Trouble(
            f"Kaggle answers 401: it does not accept the {client.credential.kind} in "
            f"{client.credential.where}.",
            f"make a new one at {SETTINGS_PAGE} and put it there; then type: {_DOCTOR}",
        )
    if code == 403 and pushing:
        return Trouble(
            "Kaggle answers 403: this account may not do that.",
            f"see that {owner or 'the owner'} is your account, and that its telephone number is "
            f"verified at {SETTINGS_PAGE} (GPU and internet need it); then type: {_DOCTOR}",
        )
    if code == 404 and pushing:
        return Trouble(
            f"Kaggle answers 404: it does not find what the push names. It says: {said}",
            f"see that the owner is your account: {_DOCTOR}",
        )
    if code in (403, 404) and kernel:
        return Trouble(
            f"Kaggle answers {code}: there is none of this name, or it is private and not yours.",
            f"push it first: python -m course kernels push {client.taller}; or look for the name "
            f"at https://www.kaggle.com/{owner}/code",
            absent=True,
        )
    if code in (403, 404):
        return Trouble(
            f"Kaggle answers {code}: it is not there, or not open to this account.",
            "look for it in a browser, signed in at https://www.kaggle.com",
        )
    if code == 409:
        return Trouble(
            "Kaggle answers 409: another kernel of yours has this title, or this one is being "
            f"saved. It says: {said}",
            f"rename or delete that one at https://www.kaggle.com/{owner}/code, or wait a minute; "
            "then the same command again.",
        )
    if code in (408, 429) or code >= 500:
        reason = "too many requests" if code == 429 else "the server is in trouble"
        again = code == 429 or not pushing
        todo = "wait some minutes, then the same command again." if again else _look_first(client)
        wait_s = retry_after(error.response.headers.get("Retry-After", ""))
        asks = f", come back in {wait_s:.0f} s" if wait_s else ""
        return Trouble(f"Kaggle answers {code}: {reason}{asks}.", todo, retry=again, wait_s=wait_s)
    return Trouble(f"Kaggle answers {code}: {said}.", f"type: {_DOCTOR}")


def _answer(response):
    """`(code, what the server says)`; the body may say 4xx where the answer's head says 200."""
    code, said = response.status_code, ""
    try:
        body = response.json()
        code, said = max(code, int(body["code"])), str(body["message"])
    except (ValueError, LookupError, TypeError):
        pass
    return code, said or "nothing more"


def _network(error, client, pushing):
    from requests import exceptions

    if isinstance(error, exceptions.SSLError):
        return Trouble(
            "the secure connection to Kaggle is not trusted: this computer's date is wrong, or the "
            "network shows a login page of its own.",
            "check the date, open any web page in a browser, then the same command again.",
        )
    never_left = "NewConnectionError" in repr(error) or "NameResolutionError" in repr(error)
    if pushing and not never_left:
        why = "the connection was cut before Kaggle answered; the push itself may have arrived."
        return Trouble(why, _look_first(client))
    return Trouble(
        "Kaggle does not answer: there is no network here, or it is blocked.",
        "connect to the internet (and see that https_proxy and http_proxy, if they are set, name "
        "a proxy that works), then the same command again.",
        retry=True,
    )


def _look_first(client):
    return (
        f"look before you push again: python -m course kernels status {client.taller} names the "
        "newest version; if that is one you knew, type the same command again."
    )


def _refused(error, client):
    return Trouble(
        f"the kaggle client refuses: {client.hide(str(error))[:300]}",
        f"build it again and look at it: python -m course kernels build {client.taller}",
    )
