"""Cases as a lesson asks for them; of Kaggle's a few, file by file: ten are 0.9 GB, all are 7."""

import sys
import tarfile
import warnings

from course import regions
from course.datasets import catalog
from course.datasets.brats import nifti
from course.datasets.brats.case import Case
from course.datasets.brats.find import cases_in, chosen, find_cases
from course.datasets.catalog import Content
from course.datasets.download import cache
from course.datasets.download import fetch as door
from course.datasets.download.answers import Unanswered
from course.errors import CourseError
from course.spanish import count, number

_FEW = 10  # cases, where each has to be downloaded: 0.9 GB
_MB_A_FILE = 240 * 240 * 155 * 2 / 1e6  # 16-bit whole numbers, not compressed


def open_cases(source="kaggle", n=None, modalities=None, *, seed=0) -> list[Case]:
    """Cases as a lesson asks for them: Kaggle's, the made-up ones, or those of a folder.

    Args:
        source: "kaggle", "sample" (made by the kit, no download), or a folder with cases of any
            edition whose files are named as its makers do.
        n: How many, counted from the first. None means all; of Kaggle's, where they are not
            mounted but downloaded, the first 10.
        modalities: Which of flair, t1, t1ce and t2 each case is to have; None means all four.
        seed: Of the made-up cases.

    Returns:
        Cases with these images, in the usual order.

    Raises:
        CourseError: `source` is none of these, or its cases cannot be had.
    """
    source = door.resolve(source, ("kaggle", "sample"))
    if source == "sample":
        from course.datasets.samples import brains

        return find_cases(brains.cases(n or brains.CASES, seed=seed), "2020", modalities)
    if source == "kaggle":
        info = catalog.get("brats2020")
        n = n or (info.case_count if cache.is_mounting() else _FEW)
        return _first(info, n, modalities)
    return find_cases(source, None, modalities)[:n]


def fetch_cases(n, edition="2020", *, modalities=None, data_dir=None) -> list[Case]:
    """The first cases of an edition, fetched from Kaggle; what is already here costs no request.

    Says the size before it starts, goes on where it was interrupted, and checks each file.

    Args:
        n: How many cases, counted from the first.
        edition: "2020"; the others are not on Kaggle file by file.
        modalities: Which of flair, t1, t1ce and t2; None means all four.
        data_dir: As in `fetch`.

    Raises:
        CourseError: Another edition, more cases than there are, or Kaggle cannot be reached: with
            what was asked, why it failed, what to type next.
    """
    return _first(_entry(regions.edition(edition).name), n, modalities, data_dir)


def fetch_named(names, edition="2020", *, modalities=None, data_dir=None) -> list[Case]:
    """These cases of an edition and no others, as `fetch_cases` does it.

    Args:
        names: Of the cases, such as "BraTS20_Training_001".
        edition, modalities, data_dir: As in `fetch_cases`.

    Raises:
        CourseError: As `fetch_cases`, or a name that no case of the edition has.
    """
    info = _entry(regions.edition(edition).name)
    folders = _folders(info)
    unknown = [name for name in names if name not in folders]
    if unknown:
        raise CourseError(
            f"{info.title} no tiene el caso {', '.join(unknown[:5])}{' …' if unknown[5:] else ''}. "
            f"Se esperaban nombres de {min(folders)} a {max(folders)}."
        )
    return _fetch(info, [folders[name] for name in names], modalities, data_dir)


def content_of(path, file) -> Content:
    """What a file of a case, or a tar of cases, holds: no more than that it is whole."""
    if file.content.kind == "nifti":
        nifti.read_header(path)
    elif not tarfile.is_tarfile(path):
        raise CourseError(f"{path}: se esperaba un archivo tar. Llegó: otra cosa.")
    return Content(file.content.kind)


def _first(info, n, modalities, data_dir=None):
    """The first `n` cases of a data set."""
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= info.case_count:
        raise CourseError(
            f"n: se esperaba cuántos casos, de 1 a {number(info.case_count, 0)}. Llegó: {n!r}."
        )
    return _fetch(info, list(_folders(info).values())[:n], modalities, data_dir)


def _fetch(info, folders, modalities, data_dir):
    """The cases of these folders; where the grades cannot be had, a warning."""
    kinds = (*chosen(modalities), "seg")
    files = [path for folder in folders for path in _files(info, folder, kinds)]
    _announce(info, len(folders), files, data_dir)
    root, _ = door.fetch_files(info, content_of=content_of, data_dir=data_dir, files=files)
    try:
        door.fetch_files(info, content_of=content_of, data_dir=data_dir, files=[info.grades])
    except Unanswered as error:  # the cases are worth having without it
        warnings.warn(
            f"{info.grades} no se pudo traer, y sin ella ningún caso tiene grado (HGG, LGG): "
            f"{error.trouble.why}",
            UserWarning,
            stacklevel=2,
        )
    return cases_in([root / folder for folder in folders], info.edition, modalities)


def _entry(edition):
    """The data set of an edition, if its cases can be had one by one."""
    known = map(catalog.get, catalog.names())
    info = next((info for info in known if info.cases and info.edition == edition), None)
    if info and not info.files:
        return info
    if info:
        why = (
            f"es en Kaggle un solo tar de {number(info.case_count, 0)} casos, "
            f"{info.files[0].path}, que viene entero o no viene (unos 13 GB).\n"
            f"Qué hacer: python -m course data fetch {info.name}, y después brats.find_cases con "
            "la carpeta que esa orden nombra"
        )
    else:
        why = (
            "no está en el catálogo de este curso.\n"
            "Qué hacer: descárgalo de sus organizadores, y después "
            f'brats.find_cases("CARPETA", edition="{edition}")'
        )
    raise CourseError(
        f'BraTS {edition} {why}; o brats.fetch_cases(10, edition="2020"), caso por caso.'
    )


def _folders(info):
    """The folder of each case on Kaggle, by the case's name, in their order."""
    counted = range(1, info.case_count + 1)
    folders = [info.cases.replace("*", f"{n:03d}") for n in counted]
    return {folder.rpartition("/")[2]: folder for folder in folders}


def _files(info, folder, kinds):
    """These files of one case, under the names that they have on Kaggle."""
    name = folder.rpartition("/")[2]
    usual = [info.case_file.format(case=name, kind=kind) for kind in kinds]
    return [f"{folder}/{info.case_exceptions.get(file, file)}" for file in usual]


def _announce(info, n, files, data_dir):
    """The size of what is missing, before it is asked for."""
    records, kept = door.chosen(info, files), cache.Cache(info, data_dir)
    if any(cache.mounted_copies(info, records)):
        return
    missing = [path for path in files if not (kept.folder / path).is_file()]
    if not missing:
        return
    if cache.is_mounting():
        how = "los monta la plataforma"
    else:
        here = len(files) - len(missing)
        already = f"; {count(here, 'archivo ya está', 'archivos ya están')} aquí" if here else ""
        size_gb = len(missing) * _MB_A_FILE / 1e3
        how = f"unos {number(size_gb)} GB por descargar en {kept.root}{already}"
    cases, missing = count(n, "caso", "casos"), count(len(missing), "archivo", "archivos")
    print(f"{info.title}, {cases}, {missing}: {how}", file=sys.stderr)
