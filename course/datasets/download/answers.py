"""What went wrong between us and Kaggle, told so that a student knows what to type next.

An exception's own text is never quoted: it may hold a signed address or a token.
"""

import datetime
import email.utils
import errno
import tarfile
import zipfile
import zlib
from dataclasses import dataclass

from course.errors import CourseError

_AGAIN = "the same command again; what has arrived is kept."


@dataclass(frozen=True)
class Trouble:
    """Why a request failed, what to do about it, and whether asking again can help."""

    why: str
    todo: str = _AGAIN
    retry: bool = False
    wait_s: float | None = None  # what the server asked for in Retry-After
    absent: bool = False  # 404: no such data set, version or file
    spoiled: bool = False  # the bytes on disk are useless: delete them, then ask again


def letter(info, trouble, asked) -> CourseError:
    """The error to raise: what was asked, why it failed, what to type next."""
    lines = [
        f"{info.title} could not be fetched from Kaggle ({info.pinned}).",
        f"Asked for: {asked}.",
        f"Why: {trouble.why}",
        f"Next: {trouble.todo}",
        f"Without Kaggle there {'are two ways' if info.sample else 'is one way'} on:",
    ]
    if info.sample:
        lines += [f"  --source sample   embedded, no download ({info.sample.title})"]
    lines += [
        f"  --source FOLDER   your own copy: download it by hand from {info.homepage}",
        f"                    (licence: {info.licence}) and unzip it into FOLDER",
        '  In a notebook: source = "…".',
    ]
    return CourseError("\n".join(lines))


def diagnose(error, info, cache) -> Trouble:
    """Turn an exception of kagglehub, requests or the disk into a `Trouble`."""
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return _status(error.response.status_code, error.response.headers, info)
    if isinstance(error, requests.RequestException):
        return _network(error, info)
    if isinstance(error, OSError) and not isinstance(error, EOFError | zipfile.BadZipFile):
        return _disk(error, cache)
    return _broken(error, info)


def _status(code, headers, info):
    if code == 401:
        return Trouble(
            "Kaggle answers 401: it does not accept the token or key that this computer sends.",
            "this data set needs none: unset KAGGLE_API_TOKEN, KAGGLE_USERNAME and KAGGLE_KEY and "
            "move ~/.kaggle away; or make a new token at https://www.kaggle.com/settings.",
        )
    if code == 403:
        return Trouble(
            "Kaggle answers 403: the data set is private, or its conditions wait to be accepted.",
            f"sign in at {info.homepage}, accept what it asks for, then {_AGAIN}",
        )
    if code == 404:
        return Trouble(
            "Kaggle answers 404: it has no such data set, version or file.",
            f"look at {info.homepage}; if it has moved or has another version, correct handle and "
            f"version of {info.name} in datasets.yaml.",
            absent=True,
        )
    if code in (408, 429) or code >= 500:
        wait_s = retry_after(headers.get("Retry-After", ""))
        reason = "too many requests" if code == 429 else "the server is in trouble"
        asks = f", come back in {wait_s:.0f} s" if wait_s else ""
        return Trouble(
            f"Kaggle answers {code}: {reason}{asks}.",
            f"wait some minutes, then {_AGAIN}",
            retry=True,
            wait_s=wait_s,
        )
    return Trouble(f"Kaggle answers {code}.", f"look at {info.homepage}, then {_AGAIN}")


def retry_after(text):
    """Seconds of a Retry-After header: a number, or a date; None when there is none."""
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        then = email.utils.parsedate_to_datetime(text)
        return max(0.0, (then - datetime.datetime.now(datetime.UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _network(error, info):
    from requests import exceptions

    if isinstance(error, exceptions.SSLError):
        return Trouble(
            "the secure connection to Kaggle is not trusted: this computer's date is wrong, or the "
            "network shows a login page of its own.",
            f"check the date, open any web page in a browser, then {_AGAIN}",
        )
    if isinstance(error, exceptions.ProxyError):
        why = "the proxy that https_proxy or http_proxy names does not let us through."
        return Trouble(why, f"correct or unset these variables, then {_AGAIN}", retry=True)
    if isinstance(error, exceptions.ChunkedEncodingError):
        return Trouble("the connection was cut before everything had arrived.", retry=True)
    return Trouble(
        "Kaggle does not answer: there is no network here, or it is blocked.",
        f"connect to the internet (in a Kaggle notebook: add {info.handle} under Add Input, or "
        f"turn Internet on under Settings), then {_AGAIN}",
        retry=True,
    )


def _disk(error, cache):
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        why = f"the disk is full below {cache}."
    else:
        why = f"files cannot be kept below {cache} ({error.strerror or type(error).__name__})."
    return Trouble(
        why, "free space or rights there, or set KAGGLEHUB_CACHE to another folder, then " + _AGAIN
    )


def _broken(error, info):
    kind, text = type(error).__name__, str(error)  # the text is looked at, never shown
    unreadable = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError)
    if (
        isinstance(error, unreadable)
        or kind == "DataCorruptionError"
        or "Unsupported archive" in text
    ):
        return Trouble(
            "what arrived is damaged or no archive; perhaps the network shows a login page of its "
            "own.",
            f"open any web page in a browser, then {_AGAIN}",
            spoiled=True,
        )
    if kind == "BackendError":
        why = "the platform could not attach the data set to this notebook."
        return Trouble(why, f"add {info.handle} under Add Input, then {_AGAIN}")
    if kind == "NotFoundError":
        return _status(404, {}, info)
    if "redentials file" in text:
        why = "the file kaggle.json with this computer's Kaggle credentials cannot be read."
        return Trouble(why, f"this data set needs none: move it away, then {_AGAIN}")
    if "is not present" in text:
        why = "the data set that the platform mounted has no such file."
        return Trouble(why, f"compare with the names at {info.homepage}.")
    return Trouble(
        f"kagglehub stopped with {kind}.",
        f"pip install -U kagglehub, then {_AGAIN}",
    )
