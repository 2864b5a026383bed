"""The real `kaggle` client, kept honest: every failure is a letter, no token is ever printed."""

import contextlib
import importlib
import io
import os
import random
import sys
import time
from dataclasses import dataclass
from datetime import datetime

from course.errors import CourseError
from course.kaggle import credentials, troubles

_TRIES = 4
_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 60.0


@dataclass(frozen=True)
class Quota:
    """The hours of GPU that are left of the week's, and when the week ends, if Kaggle tells."""

    left_h: float
    total_h: float
    renewed: datetime | None


class Client:
    """What the course asks Kaggle for, in a Kaggle account's name.

    Attributes:
        owner: the account's name.
        credential: the `course.kaggle.credentials.Credential` in use.
        taller: what to call the lesson in the commands that a letter names.
    """

    def __init__(self, api, credential, secrets, taller):
        self.credential, self.taller = credential, taller
        self._api, self._secrets = api, secrets

    @property
    def owner(self) -> str:
        return self._api.config_values.get("username") or ""

    def sign_in(self):
        """Ask Kaggle whose credential this is; importing the client may have done so already."""
        place = self.credential
        if "auth_method" not in self._api.config_values:
            try:
                self._ask(
                    "Kaggle cannot be asked whose credential this is.", self._api.authenticate
                )
            except SystemExit:
                raise CourseError(
                    f"Kaggle does not accept the {place.kind} in {place.where}: it has expired or "
                    f"was withdrawn.\nNext: put a new one there, from {credentials.SETTINGS_PAGE}"
                ) from None
        if place.kind == "token" and "token" not in self._api.config_values:
            # the client then takes the other credential's name, but goes on sending the token
            raise CourseError(
                f"Kaggle does not accept the token in {place.where}: it has expired or was "
                "withdrawn, and it hides this computer's other credential.\nNext: remove it, or "
                f"put a new one there, from {credentials.SETTINGS_PAGE}"
            )
        credentials.check_owner(self.owner, place.where)

    def hide(self, text) -> str:
        """A text of the server's without a token in it, and not endless."""
        return credentials.hide(text or "", self._secrets).strip()

    def save(self, folder, kernel, timeout_s=None):
        """Push a built folder; returns Kaggle's own answer, which may say no with a code 200."""
        return self._ask(
            f"Kaggle did not confirm the push of {kernel}.",
            lambda: self._api.kernels_push(str(folder), timeout_s),
            kernel,
            safe=False,  # a second push is a second run
        )

    def status(self, kernel, tries=_TRIES):
        """The state of the newest session: `.status` and `.failure_message`."""
        return self._kernels(kernel, "its state", "get_kernel_session_status", tries=tries)

    def version(self, kernel):
        """The number of the newest version, or None where Kaggle does not tell."""
        answer = self._kernels(kernel, "its newest version", "get_kernel")
        return answer.metadata.current_version_number if answer.metadata else None

    def output(self, kernel):
        """Files that the newest session left and its log, from all pages: `(files, log)`.

        A file is a `(name, address)` pair; the address opens the file to whoever reads it.
        """
        files, log, token, seen = [], "", "", set()
        while True:
            page = self._kernels(
                kernel, "its output", "list_kernel_session_output", page_token=token, page_size=100
            )
            files += [(file.file_name, file.url) for file in page.files or []]
            log = log or page.log or ""
            token = page.next_page_token
            if not token or token in seen:
                return files, log
            seen.add(token)

    def quota(self, tries=_TRIES) -> Quota | None:
        """The week's GPU hours, or None where Kaggle does not tell."""
        told = self._ask("Kaggle did not tell the GPU quota.", self._api.quota_view, tries=tries)
        if (gpu := told.gpu_quota) is None or gpu.total_time_allowed is None:
            return None
        total_s = gpu.total_time_allowed.total_seconds()
        used_s = gpu.time_used.total_seconds() if gpu.time_used else 0.0
        return Quota(max(0.0, total_s - used_s) / 3600, total_s / 3600, told.quota_refresh_time)

    def dataset_version(self, handle):
        """The newest version of a data set; `troubles.Unanswered` if it cannot be reached."""
        types = importlib.import_module("kagglesdk.datasets.types.dataset_api_service")
        request = types.ApiGetDatasetRequest()
        request.owner_slug, request.dataset_slug = handle.split("/")

        def ask():
            with self._api.build_kaggle_client() as client:
                return client.datasets.dataset_api_client.get_dataset(request)

        return self._ask(f"{handle} cannot be reached.", ask).current_version_number

    def _kernels(self, kernel, wanted, method, tries=_TRIES, **fields):
        """One request of the kernels' service about a kernel that should exist."""
        types = importlib.import_module("kagglesdk.kernels.types.kernels_api_service")
        request = getattr(types, f"Api{method.title().replace('_', '')}Request")()
        request.user_name, request.kernel_slug = kernel.split("/")
        for name, value in fields.items():
            setattr(request, name, value)

        def ask():
            with self._api.build_kaggle_client() as client:
                return getattr(client.kernels.kernels_api_client, method)(request)

        return self._ask(f"Kaggle did not tell {wanted}: {kernel}.", ask, kernel, tries=tries)

    def _ask(self, failed, call, kernel="", *, safe=True, tries=_TRIES):
        """Call until there is an answer; what cannot be healed by asking again is a letter."""
        for attempt in range(1, tries + 1):
            try:
                with _silent():
                    return call()
            except Exception as error:
                trouble = troubles.diagnose(error, self, kernel, pushing=not safe)
            wait_s = trouble.wait_s or _FIRST_WAIT_S * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)
            if not trouble.retry or attempt == tries or wait_s > _LONGEST_WAIT_S:
                break
            print(f"{trouble.why} Trying again in {wait_s:.1f} s.", file=sys.stderr)
            time.sleep(wait_s)
        raise troubles.Unanswered(
            f"{failed}\nWhy: {trouble.why}\nNext: {trouble.todo}", trouble
        ) from None  # the cause's text may hold a token


def connect(taller="TALLER") -> Client:
    """Find the credential, and ask Kaggle whose it is.

    Raises:
        CourseError: the client is not installed, there is no credential, or Kaggle refuses it.
    """
    found = credentials.find()
    chosen = credentials.choose(found)
    secrets = [credential.secret for credential in found]
    installed()
    client = Client(sys.modules["kaggle"].api, chosen, secrets, taller)
    client.sign_in()
    return client


def installed():
    """Import the client and return its version; a letter if it, or what it needs, is missing."""
    try:
        # importing it looks for credentials at once, prints, and may ask the server
        with _silent():
            return importlib.import_module("kaggle").__version__
    except ImportError as error:
        missing = (error.name or "kaggle").partition(".")[0]
        needs = " (kaggle imports it without declaring it)" if missing == "six" else ""
        raise CourseError(
            f"The package {missing} is not installed{needs}; pushing to Kaggle needs it.\n"
            "Next: type: python -m pip install kaggle six"
        ) from None
    except OSError as error:
        raise CourseError(
            f"The Kaggle client cannot make its folder ({error.strerror}).\n"
            "Next: set KAGGLE_CONFIG_DIR to a folder that you can write to."
        ) from None


@contextlib.contextmanager
def _silent():
    """The client prints what students cannot use; with VERBOSE set also the token."""
    from course.datasets.download.kaggle import guarded

    verbose = {name: os.environ.pop(name, None) for name in ("VERBOSE", "VERBOSE_OUTPUT")}
    try:
        with guarded(), contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        os.environ.update({name: value for name, value in verbose.items() if value is not None})
