"""Bring a data set to this machine, once, and be sure that it is the right one."""

from pathlib import Path

from course.datasets import catalog
from course.datasets.download import answers, find, mounts
from course.datasets.download.cache import Shelf
from course.datasets.download.find import locate
from course.datasets.download.inventory import cached, check, record
from course.datasets.download.kaggle import download
from course.datasets.download.verify import MISSING, Memory, Verdict

__all__ = ["cached", "check", "fetch", "locate", "record"]


def fetch(name, *, data_dir=None, source="kaggle", files=None) -> Path:
    """The folder that holds a data set's files, verified; fetched from Kaggle if need be.

    What is already there and was verified before costs no request. A truncated or deleted file is
    noticed and fetched again. Inside Kaggle and Colab the mounted data set is used.

    Args:
        name: a name of the catalogue, such as "mnist".
        data_dir: where to keep the files, as KAGGLEHUB_CACHE; None means that variable, or
            ~/.cache/kagglehub.
        source: "kaggle", or a folder with a copy of your own: its files are looked up, nothing is
            downloaded, and what they hold is checked by whoever reads them.
        files: only these files, a list of their names; None means all of them.

    Returns:
        The folder; `locate` finds each file in it.

    Raises:
        CourseError: with what was asked, why it failed, what to type next.
    """
    info = catalog.get(name)
    wanted = find.wanted(info, files)
    if source != "kaggle":
        return find.own_folder(info, source, wanted)
    shelf = Shelf(info, data_dir)
    memory = Memory(shelf.memory)
    for folder in mounts.candidates(info):
        if find.holds(folder, info, wanted) and not _damage(folder, wanted, memory):
            return folder
    try:
        return _from_shelf(info, shelf, memory, wanted, one_by_one=files is not None)
    except OSError as error:  # the cache may not be written
        trouble = answers.diagnose(error, info, shelf.cache)
        raise answers.letter(info, trouble, f"its files in {shelf.cache}") from error


def _from_shelf(info, shelf, memory, wanted, one_by_one):
    """The files in kagglehub's cache; downloaded if one is missing or damaged."""
    damaged = _damage(shelf.folder, wanted, memory)
    there = wanted or shelf.complete.exists() and find.holds(shelf.folder, info, wanted)
    if there and not damaged:
        return shelf.folder
    for _ in range(2):  # what arrives damaged is fetched once more, not for ever
        shelf.forget(verdict.path for verdict in damaged)
        damaged = _damage(shelf.folder, wanted, memory)
        if wanted and not damaged:  # a second copy of the file was good
            return shelf.folder
        for path in [v.path.as_posix() for v in damaged] if one_by_one else [None]:
            folder = download(info, shelf, path)
        damaged = _damage(folder, wanted, memory)
        if not damaged:
            return folder
        if folder != shelf.folder or all(v.problem == MISSING for v in damaged):
            break
    raise _wrong(info, folder, damaged)


def _damage(folder, wanted, memory):
    """What is missing or wrong, as verdicts whose paths are relative to the folder.

    One good copy of a file is enough, if it is the one that `locate` finds: the first.
    """
    damaged = []
    for file in wanted:
        path = find.place(folder, file)
        verdict = memory.verdict(path, file) if path else Verdict(folder / file.path, "", MISSING)
        if not verdict.good:
            damaged.append(Verdict(verdict.path.relative_to(folder), "", verdict.problem))
    return damaged


def _wrong(info, folder, damaged):
    first, others = damaged[0], len(damaged) - 1
    trouble = answers.Trouble(
        f"what came is not what datasets.yaml describes: {first.path}: {first.problem}"
        f"{f', and {others} more' if others else ''}. It may be another version.",
        f"compare {folder} with {info.homepage}; if the data set was renewed there, correct "
        f"version under {info.name} in datasets.yaml; this shows what came: "
        f"python -m course data verify {info.name} --record",
    )
    return answers.letter(info, trouble, "files as described in datasets.yaml")
