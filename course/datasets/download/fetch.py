"""Bring a data set to this machine, once, and be sure that it is the right one."""

import pathlib
import re
import shlex
import warnings

from course.datasets import catalog
from course.datasets.catalog import Content, DatasetInfo, FileInfo
from course.datasets.download import answers, cache
from course.datasets.download.cache import best_place, holds, place
from course.datasets.download.kaggle import download
from course.datasets.download.verify import MISSING, FileState, Memory, same_as
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
    wanted = chosen(info, files)
    if source == "kaggle":
        folder = _from_kaggle(info, wanted, content_of, data_dir, one_by_one=files is not None)
        return folder, {file.path: place(folder, file) for file in wanted}
    paths = {file.path: locate(source, info, file) for file in wanted}
    _refuse_mixed(info, paths)
    return source, paths


def chosen(info: DatasetInfo, files) -> tuple[FileInfo, ...]:
    """The records of the files asked for by any of their names; None asks for all."""
    if files is None:
        return info.files
    if isinstance(files, str) or not files:
        raise CourseError(f"files: se esperaba una lista de nombres de archivos. Llegó: {files!r}.")
    return tuple(_record(info, str(path)) for path in files)


def locate(folder, info, file) -> pathlib.Path:
    """Where a file of a data set lies in a folder: as named, dashed, nested or with .gz.

    Of several the one with the catalogue's bytes, or the first; if they differ it is an error.
    """
    if found := best_place(folder, info, file):
        return found
    raise CourseError(
        f"{folder} no contiene {file.path} de {info.title}.\n"
        f"Se esperaba uno de: {', '.join(file.places)}.\n"
        f"Hay: {_listing(folder)}.\n"
        "Qué hacer: nombra la carpeta que lo contiene, o descárgalo de "
        f"{info.homepage} y descomprímelo."
    )


def _refuse_mixed(info, paths):
    """Compare a folder's files with the catalogue's: no file stands for another, nor few for all.

    A set of one's own, none of whose files is the catalogue's, is nobody's business.
    """
    found = {path: same_as(path, info) for path in paths.values()}
    for name, path in paths.items():
        if found[path] and found[path].path != name:
            raise CourseError(
                f"{path} contiene {found[path].path} de {info.title}, no {name}: sus bytes son los "
                "de aquel.\n"
                "Qué hacer: devuelve a cada archivo su nombre; o usa --source kaggle (en un "
                'cuaderno source = "kaggle"), que trae los verdaderos.'
            )
    others = [path for path, file in found.items() if not file]
    if others and len(others) < len(found):
        names = [file.path for file in found.values() if file]
        warnings.warn(
            f"{', '.join(names)}: son los de {info.title}. {', '.join(map(str, others))}: no, sus "
            "bytes son otros. Se usan juntos, como una copia propia no verificada; si no es lo que "
            "querías, pon en su lugar los verdaderos.",
            UserWarning,
            stacklevel=2,
        )


def _from_kaggle(info, wanted, content_of, data_dir, one_by_one):
    """The folder with these files: mounted, in kagglehub's cache, or downloaded into it.

    All bear the data set's name: they lie under its handle, or have the catalogue's bytes.
    """
    kept = cache.Cache(info, data_dir)
    memory = Memory(kept.memory, content_of)
    for folder in cache.mounted_copies(info, wanted):
        if not _damaged(folder, wanted, memory):
            return folder
    try:
        if _whole_in_cache(info, kept, memory, wanted):
            return kept.folder
        with kept.alone():
            memory = Memory(kept.memory, content_of)  # another process may have filled the cache
            return _from_cache(info, kept, memory, wanted, one_by_one)
    except OSError as error:  # the cache may not be written
        trouble = answers.trouble_of(error, answers.data_set(info), cache=kept.root)
        text = answers.not_fetched(info, trouble, f"sus archivos en {kept.root}")
        raise answers.Unanswered(text, trouble) from error
    except answers.Unanswered as error:
        if not (others := cache.strangers(info, wanted)):
            raise
        text = (
            f"{error}\n  Aquí hay archivos con esos nombres, que no son la copia del catálogo: "
            f"--source {shlex.quote(str(others[0]))}\n"
            f"                     (en un cuaderno: source = {str(others[0])!r})"
        )
        raise answers.Unanswered(text, error.trouble) from None


def _whole_in_cache(info, kept, memory, wanted):
    if not wanted and not (kept.complete.exists() and holds(kept.folder, info, wanted)):
        return False
    return not _damaged(kept.folder, wanted, memory)


def _from_cache(info, kept, memory, wanted, one_by_one):
    """The files in kagglehub's cache; downloaded if one is missing or damaged."""
    if _whole_in_cache(info, kept, memory, wanted):
        return kept.folder
    damaged = _damaged(kept.folder, wanted, memory)
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
