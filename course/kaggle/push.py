"""Push a lesson to Kaggle, ask how it is, read its log, bring its run home: truthfully.

Each function returns only if what it was asked for has happened; everything else is a CourseError.
"""

import sys
import tempfile
from pathlib import Path

from course.errors import CourseError, nearest
from course.kaggle import bundle, lessons, outputs, watch
from course.kaggle.client import connect
from course.kaggle.outputs import page

HOME = Path("runs") / "kaggle"
# Kaggle's names, https://github.com/Kaggle/kaggle-cli/blob/main/docs/kernels.md, February 2026;
# not every account may use each of them
ACCELERATORS = (
    "none",
    *("NvidiaTeslaT4", "NvidiaTeslaT4Highmem", "NvidiaL4", "NvidiaL4X1", "NvidiaTeslaA100"),
    *("NvidiaH100", "NvidiaRtxPro6000", "Tpu1VmV38", "TpuV38", "TpuV5E8", "TpuV6E8"),
)
_LONGEST_S = 12 * 3600  # Kaggle ends every session then


def push(taller, *, form="script", install="packed", accelerator=None, timeout_s=None, wait=False):
    """Build a lesson in the name of the credential's owner, push it, and say what came of it.

    Each push builds in a folder of its own, so that two at once cannot mix: Kaggle gives each a
    version number, and whoever watches the lower one is told that it was replaced.

    `taller`, `form` and `install` are as in `bundle.build`, `accelerator` is one of `ACCELERATORS`;
    with `wait`, it is watched and its run is brought home.
    """
    if accelerator is not None and accelerator not in ACCELERATORS:
        raise CourseError(
            f"--accelerator: se esperaba uno de {', '.join(ACCELERATORS)}. "
            f"Llegó: {accelerator!r:.80}.{nearest(accelerator, ACCELERATORS)}\n"
            f"Qué hacer: --accelerator {lessons.GPU} para la GPU que tienen todas las cuentas, o "
            "no lo pongas: el taller sabe lo que necesita."
        )
    if accelerator is not None and accelerator.startswith("Tpu"):
        # https://github.com/Kaggle/kaggle-cli/issues/1197
        raise CourseError(
            f"--accelerator {accelerator}: lo enviado no usaría la TPU; Kaggle lo ejecuta, sin "
            "decirlo, con la imagen de CPU.\n"
            "Qué hacer: envíalo sin --accelerator, abre su página en Kaggle, pulsa Edit, elige la "
            "TPU en Settings → Accelerator y ejecútalo ahí con Run All."
        )
    if timeout_s is not None and not 0 < timeout_s <= _LONGEST_S:
        raise CourseError(
            f"--timeout: se esperaban segundos, de 1 a {_LONGEST_S} (12 horas). "
            f"Llegó: {timeout_s}.\nQué hacer: corrígelo, o no lo pongas."
        )
    client, kernel, gpu = _signed_in(taller)
    if accelerator is not None:
        gpu = accelerator.startswith("Nvidia")
    with tempfile.TemporaryDirectory() as folder:
        bundle.build(
            client.taller,
            owner=client.owner,
            form=form,
            install=install,
            accelerator=accelerator,
            folder=folder,
        )
        answer = client.save(folder, kernel, timeout_s)
    version = _accepted(client, answer, kernel)
    print(f"Enviado: {kernel}, versión {version}: {page(kernel)}")
    if wait:
        watch.watch(client, kernel, version=version, gpu=gpu)
        _bring_home(client, kernel)
    else:
        print(
            "Para mirarlo y traer su resultado: "
            f"python -m course kernels status {client.taller} --wait"
        )


def status(taller, *, wait=False):
    """Say how the newest session is; with `wait`, watch it and bring its run home."""
    client, kernel, gpu = _signed_in(taller)
    if wait:
        watch.watch(client, kernel, gpu=gpu)
        return _bring_home(client, kernel)
    answer = client.status(kernel)
    version = client.version(kernel)
    named = f", versión {version}" if version else ""
    print(f"{kernel}{named}: {watch.say(answer.status.name)}")
    watch.refuse_bad_end(client, answer, kernel)


def logs(taller):
    """Print the log of the newest session."""
    client, kernel, _ = _signed_in(taller)
    _, log = client.output(kernel)
    if not log:
        state = watch.say(client.status(kernel).status.name)
        raise CourseError(
            f"{kernel}, {state}, no tiene registro: Kaggle lo da cuando termina.\n"
            f"Qué hacer: python -m course kernels status {client.taller} --wait; o míralo en "
            f"{page(kernel)}"
        )
    print(client.hide(outputs.plain(log)).rstrip())


def output(taller, folder=None):
    """Bring the newest session's output home: to `folder`, or to runs/kaggle/<taller>."""
    client, kernel, _ = _signed_in(taller)
    if folder is not None:
        folder = Path(folder)
        empty = folder.is_dir() and not any(folder.iterdir())
        # the shell would go on in the folder that the new one replaces
        if folder.exists() and (not empty or folder.samefile(Path.cwd())):
            raise CourseError(
                "-o: se esperaba una carpeta nueva o vacía, y no esa en la que estás: un resultado "
                f"nunca se mezcla con otros archivos. Llegó: {folder}, que ya existe.\n"
                "Qué hacer: da otro nombre con -o, o no lo pongas."
            )
    state = client.status(kernel).status.name
    if not watch.finished(state):
        raise CourseError(
            f"{kernel}, {watch.say(state)}: su resultado todavía no está completo.\n"
            f"Qué hacer: python -m course kernels status {client.taller} --wait"
        )
    if state != "COMPLETE":
        print(f"{kernel}, {watch.say(state)}: esto es lo que escribió hasta entonces.")
    _bring_home(client, kernel, folder)


def _signed_in(taller):
    """The client, the kernel's "owner/slug", and whether the lesson asks for a GPU."""
    lesson = lessons.find(taller)
    about = lessons.metadata(lesson)
    client = connect(lesson.stem)
    if advice := client.credential.exposed:
        print(f"Aviso: {client.credential.where}: {advice}", file=sys.stderr)
    return client, f"{client.owner}/{about.id}", about.enable_gpu


def _bring_home(client, kernel, folder=None):
    folder = outputs.bring_home(client, kernel, folder or HOME / client.taller)
    print(f"El resultado de {kernel} está en {folder}")
    if (folder / "card.json").is_file():
        print(f"Para evaluarlo otra vez: python -m course evaluate {folder}")


# ---- what Kaggle's answer to a push means: it says no, or half of a yes, with a code 200 too


def _accepted(client, answer, kernel):
    """The version number of a push that did all it was asked for."""
    if answer.error:
        raise CourseError(
            f"{kernel} no se envió.\nPor qué: Kaggle dice: {client.hide(answer.error)[:300]}\n"
            f"Qué hacer: {_todo(answer.error, client.taller)}"
        )
    got = "/".join((answer.ref or answer.url).strip("/").split("/")[-2:])
    if got.lower() != kernel.lower():
        raise CourseError(
            f"Kaggle guarda lo enviado en otra dirección: se pidió {kernel}, llegó {got}.\n"
            "Por qué: otro kernel tenía ese nombre, o el título no da esa dirección. Aun así se "
            f"ejecuta allí.\nQué hacer: bórralo en {page(got)}, mira que title e id de "
            f"{client.taller} concuerden en su {lessons.METADATA}, y envíalo otra vez."
        )
    wrong = {
        "conjuntos de datos": answer.invalid_dataset_sources,
        "competiciones": answer.invalid_competition_sources,
        "kernels": answer.invalid_kernel_sources,
        "modelos": answer.invalid_model_sources,
    }
    named = "; ".join(f"{what}: {', '.join(names)}" for what, names in wrong.items() if names)
    if named:
        raise CourseError(
            f"{kernel}, versión {answer.version_number}, se envió, pero se ejecuta sin lo que "
            f"Kaggle no acepta: {client.hide(named)[:300]}.\nQué hacer: detenlo en "
            f"{page(kernel)}; abre la página de eso con tu cuenta (tal vez pide aceptar sus "
            "condiciones), corrige su handle en datasets.yaml si cambió, y envíalo otra vez."
        )
    if not answer.version_number:
        raise CourseError(
            f"Kaggle recibió {kernel}, pero sin darle un número de versión: nada dice que se "
            f"ejecute.\nQué hacer: mira {page(kernel)}"
        )
    return answer.version_number


def _todo(said, taller):
    said = said.lower()
    if "session count" in said:
        return "espera a que termine otro de tus kernels, o detenlo en Kaggle; y envíalo otra vez"
    if "quota" in said or "hours" in said:
        return (
            "mira cuándo vuelven las horas de la semana: python -m course kernels doctor; o sin "
            f"GPU: python -m course kernels push {taller} --accelerator none"
        )
    if "not found" in said:
        return "mira que el dueño sea tu cuenta: python -m course kernels doctor"
    return "python -m course kernels doctor dice si la cuenta está en orden."
