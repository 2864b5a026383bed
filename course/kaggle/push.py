"""Push a lesson to Kaggle, ask how it is, read its log, bring its run home: truthfully.

Each function returns only if what it was asked for has happened; everything else is a letter.
"""

import json
import sys
import tempfile
from pathlib import Path

from course.errors import CourseError, nearest
from course.kaggle import bundle, credentials, lessons, metadata, outputs, verdict, watch
from course.kaggle.client import connect

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

    Args:
        taller: the lesson's name or the beginning of it.
        form, install: as `bundle.build` takes them.
        accelerator: one of `ACCELERATORS`; None leaves what the lesson asks for.
        timeout_s: end the run after so many seconds, up to 43200.
        wait: watch it, then bring its run home.

    Raises:
        CourseError: it was not pushed, or not as asked; with `wait`, also if it ended badly.
    """
    _check(accelerator, timeout_s)
    client, kernel, gpu = _known(taller)
    with tempfile.TemporaryDirectory() as folder:
        bundle.build(client.taller, owner=client.owner, form=form, install=install, folder=folder)
        if accelerator is not None:
            gpu = _with_accelerator(Path(folder), accelerator)
        answer = client.save(folder, kernel, timeout_s)
    version = verdict.accepted(client, answer, kernel)
    print(f"Pushed {kernel}, version {version}: {verdict.page(kernel)}")
    if wait:
        watch.watch(client, kernel, version=version, gpu=gpu)
        _home(client, kernel)
    else:
        print(
            f"To watch it and bring it home: python -m course kernels status {client.taller} --wait"
        )


def status(taller, *, wait=False):
    """Say how the newest session is; with `wait`, watch it and bring its run home.

    Raises:
        CourseError: there is none, or it ended in an error or was cancelled.
    """
    client, kernel, gpu = _known(taller)
    if wait:
        watch.watch(client, kernel, gpu=gpu)
        return _home(client, kernel)
    answer = client.status(kernel)
    version = client.version(kernel)
    named = f", version {version}" if version else ""
    print(f"{kernel}{named}: {watch.say(answer.status.name)}")
    watch.check(client, answer, kernel)


def logs(taller):
    """Print the log of the newest session.

    Raises:
        CourseError: there is none yet.
    """
    client, kernel, _ = _known(taller)
    _, log = client.output(kernel)
    if log:
        print(client.hide(outputs.plain(log)).rstrip())
        return
    state = client.status(kernel).status.name
    if watch.finished(state):
        raise CourseError(
            f"{kernel} {watch.say(state)} and has left no log.\n"
            f"Next: look at it at {verdict.page(kernel)}"
        )
    raise CourseError(
        f"{kernel} is {watch.say(state)} and has no log yet: Kaggle gives it when the run has "
        f"ended.\nNext: python -m course kernels status {client.taller} --wait; or look on at "
        f"{verdict.page(kernel)}"
    )


def output(taller, folder=None):
    """Bring the newest session's output home: to `folder`, or to runs/kaggle/<taller>.

    Raises:
        CourseError: `folder` has files in it, or the output did not arrive whole.
    """
    client, kernel, _ = _known(taller)
    if folder is not None:
        folder = Path(folder)
        if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
            raise CourseError(
                f"{folder} is there already and not empty; an output never mixes with other "
                "files.\nNext: give another name with -o, or leave -o out."
            )
    state = client.status(kernel).status.name
    if not watch.finished(state):
        raise CourseError(
            f"{kernel} is {watch.say(state)}: its output is not complete yet.\n"
            f"Next: python -m course kernels status {client.taller} --wait"
        )
    if state != "COMPLETE":
        print(f"{kernel} {watch.say(state)}: this is what it wrote until then.")
    _home(client, kernel, folder)


def _check(accelerator, timeout_s):
    if accelerator is not None and accelerator not in ACCELERATORS:
        raise CourseError(
            f"--accelerator: expected one of {', '.join(ACCELERATORS)}. "
            f"Received: {accelerator!r:.80}.{nearest(accelerator, ACCELERATORS)}\n"
            f"Next: --accelerator {metadata.GPU} for the GPU that every account has, or leave it "
            "out: the lesson knows what it needs."
        )
    if timeout_s is not None and not 0 < timeout_s <= _LONGEST_S:
        raise CourseError(
            f"--timeout: expected seconds, 1 to {_LONGEST_S} (12 hours). Received: {timeout_s}.\n"
            "Next: correct it, or leave it out."
        )


def _with_accelerator(folder, accelerator):
    """Write into a built kernel what it shall run on; returns whether that is a GPU."""
    path = folder / metadata.NAME
    about = json.loads(path.read_text(encoding="utf-8"))
    # enable_gpu and enable_tpu are the old way of saying it; Kaggle reads both
    about.pop("machine_shape", None)
    if accelerator != "none":
        about["machine_shape"] = accelerator
    about["enable_gpu"] = accelerator.startswith("Nvidia")
    about["enable_tpu"] = accelerator.startswith("Tpu")
    path.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    return about["enable_gpu"]


def _known(taller):
    """The client, the kernel's "owner/slug", and whether the lesson asks for a GPU."""
    lesson = lessons.find(taller)
    about = metadata.read(lesson)
    client = connect(lesson.stem)
    place = client.credential
    if place.open_to_others:
        print(f"Warning: {place.where}: {credentials.CLOSE_IT} {place.path}", file=sys.stderr)
    return client, f"{client.owner}/{about['id']}", about["enable_gpu"]


def _home(client, kernel, folder=None):
    folder = outputs.bring_home(client, kernel, folder or HOME / client.taller)
    print(f"The output of {kernel} is in {folder}")
    if (folder / "card.json").is_file():
        print(f"To score its run: python -m course evaluate {folder}")
