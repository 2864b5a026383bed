"""The real `kaggle` client, kept honest: every failure is a message, no token is ever printed."""

import contextlib
import importlib
import io
import os
import sys
from dataclasses import dataclass
from datetime import datetime

from course.datasets.download import answers
from course.errors import CourseError
from course.kaggle import credentials

_TRIES = 4
_LONGEST_WAIT_S = 60.0
_DOCTOR = "python -m course kernels doctor"


@dataclass(frozen=True)
class Quota:
    """The hours of GPU that are left of the week's, and when the week ends, if Kaggle tells."""

    left_h: float
    total_h: float
    renewed: datetime | None


class Client:
    """What the course asks Kaggle for, in the name of the account of a `Credential`.

    `taller` is what to call the lesson in the commands that a message names.
    """

    def __init__(self, api, credential, secrets, taller):
        self.credential, self.taller = credential, taller
        self._api, self._secrets = api, secrets

    @property
    def owner(self) -> str:
        return self._api.config_values.get("username") or ""

    def sign_in(self):
        """Ask Kaggle whose credential this is; importing the client may have done so already."""
        place, values, accepted = self.credential, self._api.config_values, True
        if "auth_method" not in values:
            failed = "No se le pudo preguntar a Kaggle de quién es esta credencial."
            try:
                self._ask(failed, self._api.authenticate)
            except SystemExit:
                accepted = False
        # of a token that it refuses, the client keeps sending it with another credential's name
        hides_another = accepted and place.kind == "token" and "token" not in values
        if hides_another or not accepted:
            more = ", y tapa la otra credencial de este computador" if hides_another else ""
            raise CourseError(
                f"Kaggle no acepta {place}: venció o se retiró{more}.\n"
                f"Qué hacer: quítala, o pon ahí una nueva, de {credentials.SETTINGS_PAGE}"
            )
        credentials.check_owner(self.owner, place.where)

    def hide(self, text) -> str:
        """A text of the server's without a token in it, and not endless."""
        return credentials.hide(text or "", self._secrets).strip()

    def save(self, folder, kernel, timeout_s=None):
        """Push a built folder; returns Kaggle's own answer, which may say no with a code 200."""
        return self._ask(
            f"Kaggle no confirmó el envío de {kernel}.",
            lambda: self._api.kernels_push(str(folder), timeout_s),
            kernel,
            pushing=True,
        )

    def status(self, kernel, tries=_TRIES):
        """The state of the newest session: `.status` and `.failure_message`."""
        return self._kernels(kernel, "su estado", "get_kernel_session_status", tries=tries)

    def version(self, kernel):
        """The number of the newest version, or None where Kaggle does not tell."""
        answer = self._kernels(kernel, "su versión más nueva", "get_kernel")
        return answer.metadata.current_version_number if answer.metadata else None

    def output(self, kernel):
        """Files that the newest session left and its log, from all pages: `(files, log)`.

        A file is a `(name, address)` pair; the address opens the file to whoever reads it.
        """
        files, log, token = [], "", ""
        while True:
            page = self._kernels(
                kernel, "su salida", "list_kernel_session_output", page_token=token, page_size=100
            )
            files += [(file.file_name, file.url) for file in page.files or []]
            log = log or page.log or ""
            token = page.next_page_token
            if not token:
                return files, log

    def quota(self, tries=_TRIES) -> Quota | None:
        """The week's GPU hours, or None where Kaggle does not tell."""
        answer = self._ask("Kaggle no dijo el cupo de GPU.", self._api.quota_view, tries=tries)
        if (gpu := answer.gpu_quota) is None or gpu.total_time_allowed is None:
            return None
        total_s = gpu.total_time_allowed.total_seconds()
        used_s = gpu.time_used.total_seconds() if gpu.time_used else 0.0
        return Quota(max(0.0, total_s - used_s) / 3600, total_s / 3600, answer.quota_refresh_time)

    def dataset_version(self, handle):
        """The newest version of a data set; `answers.Unanswered` if it cannot be reached."""
        types = importlib.import_module("kagglesdk.datasets.types.dataset_api_service")
        request = types.ApiGetDatasetRequest()
        request.owner_slug, request.dataset_slug = handle.split("/")

        def ask():
            with self._api.build_kaggle_client() as client:
                return client.datasets.dataset_api_client.get_dataset(request)

        return self._ask(f"No se puede llegar a {handle}.", ask).current_version_number

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

        return self._ask(f"Kaggle no dijo {wanted}: {kernel}.", ask, kernel, tries=tries)

    def _ask(self, failed, call, kernel="", *, pushing=False, tries=_TRIES):
        """Call until there is an answer, or raise `answers.Unanswered`."""
        asked = _asked(self, kernel, pushing)

        def silent_call():
            with _silent():
                return call()

        return answers.retrying(
            silent_call,
            lambda error: answers.trouble_of(error, asked),
            lambda trouble: f"{failed}\nPor qué: {trouble.why}\nQué hacer: {trouble.todo}",
            tries=tries,
            longest_wait_s=_LONGEST_WAIT_S,
        )


def connect(taller="TALLER") -> Client:
    """Find the credential and ask Kaggle whose it is; an error where one of them fails."""
    found = credentials.find()
    chosen = credentials.choose(found)
    secrets = [credential.secret for credential in found]
    installed()
    client = Client(sys.modules["kaggle"].api, chosen, secrets, taller)
    client.sign_in()
    return client


def installed():
    """Import the client and return its version; an error if it, or what it needs, is missing."""
    try:
        # importing it looks for credentials at once, prints, and may ask the server
        with _silent():
            return importlib.import_module("kaggle").__version__
    except ImportError as error:
        missing = (error.name or "kaggle").partition(".")[0]
        needs = " (kaggle lo usa sin declararlo)" if missing == "six" else ""
        raise CourseError(
            f"El paquete {missing} no está instalado{needs}; para enviar a Kaggle hace falta.\n"
            "Qué hacer: escribe: python -m pip install kaggle six"
        ) from None
    except OSError as error:
        raise CourseError(
            f"El cliente de Kaggle no puede crear su carpeta ({error.strerror}).\n"
            "Qué hacer: pon en KAGGLE_CONFIG_DIR una carpeta en la que puedas escribir."
        ) from None


def _asked(client, kernel, pushing):
    """What the messages about one request depend on; `kernel` is "" where it is about none.

    A push, had it arrived, would have started a run: only a refusal of one is asked again, never a
    silence.
    """
    owner = kernel.partition("/")[0]
    doctor = f"escribe: {_DOCTOR}"
    absent = (
        "Kaggle responde {code}: no está, o no está abierto para esta cuenta.",
        "búscalo en un navegador, con tu cuenta abierta, en https://www.kaggle.com",
    )
    if kernel:
        absent = (
            "Kaggle responde {code}: no hay ninguno con ese nombre, o es privado y no es tuyo.",
            f"envíalo primero: python -m course kernels push {client.taller}; o busca el nombre en "
            f"https://www.kaggle.com/{owner}/code",
        )
    rows = {
        401: (
            f"Kaggle responde 401: no acepta {client.credential}.",
            f"crea una credencial nueva en {credentials.SETTINGS_PAGE} y ponla ahí; después "
            f"{doctor}",
        ),
        403: absent,
        404: absent,
        409: (
            "Kaggle responde 409: otro kernel tuyo tiene este título, o este se está "
            "guardando{said}.",
            f"cambia de nombre o borra el otro en https://www.kaggle.com/{owner}/code, o espera un "
            "minuto; después {again}",
        ),
        "status": ("Kaggle responde {code}{said}.", doctor),
    }
    if not pushing:
        return answers.Asked(rows, hide=client.hide)
    rows[403] = (
        "Kaggle responde 403: esta cuenta no puede hacer eso.",
        f"mira que {owner or 'el dueño'} sea tu cuenta, y que su teléfono esté verificado en "
        f"{credentials.SETTINGS_PAGE} (la GPU e internet lo piden); después {doctor}",
    )
    rows[404] = (
        "Kaggle responde 404: no encuentra lo que el envío nombra{said}.",
        f"mira que el dueño sea tu cuenta: {_DOCTOR}",
    )
    once = (
        f"mira antes de enviar otra vez: python -m course kernels status {client.taller} dice la "
        "versión más nueva; si ya la conocías, repite la misma orden."
    )
    return answers.Asked(rows, once=once, hide=client.hide)


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
