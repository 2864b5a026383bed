"""Bring a data set to this machine, once, and be sure that it is the right one."""

import pathlib
import re

from course.datasets import catalog
from course.datasets.catalog import Content, DatasetInfo, FileInfo
from course.datasets.download import answers, cache
from course.datasets.download.kaggle import download
from course.datasets.download.verify import MISSING, FileState, Memory
from course.errors import CourseError, nearest


def resolve(source, choices):
    """Tell a named source, one of `choices`, from a folder, which is returned as a `pathlib.Path`.

    A name wins over a folder of the same name; `./sample` is the folder.
    """
    expected = f"source: se esperaba {', '.join(choices)}, o una carpeta con tu propia copia."
    if catalog.is_named(source):
        if source in choices:
            return source
        raise CourseError(f"{expected} Llegó: {source!r}.")
    try:
        folder = pathlib.Path(source).expanduser()
    except (TypeError, RuntimeError) as error:  # RuntimeError: a ~name that nobody here has
        raise CourseError(f"{expected} Llegó: {source!r}.") from error
    if str(source).strip() and folder.is_dir():
        return folder
    if folder.is_file():
        raise CourseError(
            f"{expected} Llegó: {source}, que es un archivo.\n"
            "Qué hacer: nombra la carpeta donde está; si es un archivo comprimido, descomprímelo."
        )
    hint = nearest(source, choices) or " Aquí no hay una carpeta con ese nombre."
    raise CourseError(f"{expected} Llegó: {source!r}.{hint}")


def fetch_files(info: DatasetInfo, source="kaggle", *, content_of, data_dir=None, files=None):
    """What `course.datasets.fetch` does, for a record, a resolved source and a reader in hand.

    Returns `(folder, {FileInfo.path: where the file lies})`.
    """
    wanted, folder = chosen(info, files), source
    if source == "kaggle":
        folder = _from_kaggle(info, wanted, content_of, data_dir, one_by_one=files is not None)
    return folder, {file.path: locate(folder, info, file) for file in wanted}


def chosen(info: DatasetInfo, files) -> tuple[FileInfo, ...]:
    """The records of the files asked for by any of their names; None asks for all."""
    if files is None:
        return info.files
    if isinstance(files, str) or not files:
        raise CourseError(f"files: se esperaba una lista de nombres de archivos. Llegó: {files!r}.")
    return tuple(_record(info, str(path)) for path in files)


def locate(folder, info, file) -> pathlib.Path:
    """Where a file of a data set lies in a folder: as named, dashed, nested or with .gz."""
    if found := place(folder, file):
        return found
    raise CourseError(
        f"{folder} no contiene {file.path} de {info.title}.\n"
        f"Se esperaba uno de: {', '.join(file.places)}.\n"
        f"Hay: {_listing(folder)}.\n"
        "Qué hacer: nombra la carpeta que lo contiene, o descárgalo de "
        f"{info.homepage} y descomprímelo."
    )


def place(folder, file) -> pathlib.Path | None:
    """The first of a file's places that is there."""
    return next((folder / p for p in file.places if (folder / p).is_file()), None)


def holds(folder, info, wanted) -> bool:
    """Are all these files there? Where none are listed (BraTS), is there any case?"""
    if wanted:
        return all(place(folder, file) for file in wanted)
    return any(folder.glob(info.cases))


def _from_kaggle(info, wanted, content_of, data_dir, one_by_one):
    """The folder with these files: mounted, in kagglehub's cache, or downloaded into it."""
    kept = cache.Cache(info, data_dir)
    memory = Memory(kept.memory, content_of)
    for folder in cache.mounted(info):
        if holds(folder, info, wanted) and not _damaged(folder, wanted, memory):
            return folder
    try:
        return _from_cache(info, kept, memory, wanted, one_by_one)
    except OSError as error:  # the cache may not be written
        trouble = answers.trouble_of(error, answers.data_set(info), cache=kept.root)
        text = answers.not_fetched(info, trouble, f"sus archivos en {kept.root}")
        raise answers.Unanswered(text, trouble) from error


def _from_cache(info, kept, memory, wanted, one_by_one):
    """The files in kagglehub's cache; downloaded if one is missing or damaged."""
    damaged = _damaged(kept.folder, wanted, memory)
    there = wanted or kept.complete.exists() and holds(kept.folder, info, wanted)
    if there and not damaged:
        return kept.folder
    for _ in range(2):  # what arrives damaged is fetched once more, not for ever
        kept.forget(state.path for state in damaged)
        damaged = _damaged(kept.folder, wanted, memory)
        if wanted and not damaged:  # a second copy of the file was good
            return kept.folder
        for path in [state.path.as_posix() for state in damaged] if one_by_one else [None]:
            folder = download(info, kept, path)
        damaged = _damaged(folder, wanted, memory)
        if not damaged:
            return folder
        if folder != kept.folder or all(state.problem == MISSING for state in damaged):
            break
    raise _not_as_described(info, folder, damaged)


def _damaged(folder, wanted, memory):
    """What is missing or wrong, as states whose paths are relative to the folder.

    One good copy of a file is enough, if it is the one that `locate` finds: the first.
    """
    damaged = []
    for file in wanted:
        path = place(folder, file)
        state = memory.state(path, file) if path else FileState(folder / file.path, "", MISSING)
        if not state.good:
            damaged.append(FileState(state.path.relative_to(folder), "", state.problem))
    return damaged


def _not_as_described(info, folder, damaged):
    first, others = damaged[0], len(damaged) - 1
    trouble = answers.Trouble(
        f"lo que llegó no es lo que describe datasets.yaml: {first.path}: {first.problem}"
        f"{f', y {others} más' if others else ''}. Puede ser otra versión.",
        f"compara {folder} con {info.homepage}; si ahí renovaron los datos, corrige version de "
        f"{info.name} en datasets.yaml. Esto muestra lo que llegó: "
        f"python -m course data verify {info.name} --record",
    )
    text = answers.not_fetched(info, trouble, "archivos como los describe datasets.yaml")
    return answers.Unanswered(text, trouble)


def _record(info, path):
    for file in info.files:
        if path in file.places:
            return file
    leaves = re.search(r"^/|\\|(^|/)\.\.(/|$)", path)
    if info.cases and not leaves:  # the cases of BraTS are too many to list
        nifti = path.endswith((".nii", ".nii.gz"))
        return FileInfo(path, content=Content("nifti") if nifti else None)
    known = ", ".join(file.path for file in info.files)
    raise CourseError(
        f"{info.title} no tiene ningún archivo {path!r}.\nSe esperaba: {known or info.cases}."
    )


def _listing(folder, most=12):
    paths = [*folder.glob("*"), *folder.glob("*/*")]
    names = [str(path.relative_to(folder)) for path in paths[:most]]
    more = f" y {len(paths) - most} más" if len(paths) > most else ""
    return ", ".join(sorted(names)) + more if names else "nada, está vacía"
