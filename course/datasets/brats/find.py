"""Which files of a folder are cases of BraTS, by their names and never by their labels."""

import csv
import functools
import os
import re
import shutil
import sys
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from course import files, regions
from course.datasets import catalog
from course.datasets.brats.case import MODALITIES, Case, case, chosen, leave_out
from course.errors import CourseError
from course.spanish import count, number

_NIFTI = re.compile(r"\.nii(\.gz)?$")
_SAME = {kind: kind for kind in (*MODALITIES, "seg")}


@dataclass(frozen=True)
class Layout:
    """How one edition names its files: `form` has the groups case and kind."""

    edition: str
    form: re.Pattern
    kinds: dict  # as in the file's name → modality, or seg
    example: str


LAYOUTS = (
    Layout(
        "2020",
        re.compile(r"(?P<case>BraTS20_[A-Za-z]+_\d{3})_(?P<kind>flair|t1|t1ce|t2|seg)"),
        _SAME,
        "BraTS20_Training_001_flair.nii",
    ),
    Layout(
        "2021",
        re.compile(r"(?P<case>BraTS2021_\d{5})_(?P<kind>flair|t1|t1ce|t2|seg)"),
        _SAME,
        "BraTS2021_00000_flair.nii.gz",
    ),
    Layout(
        "2023",  # and 2024, see _edition
        re.compile(r"(?P<case>BraTS-(GLI|SSA)-\d{5}-\d{3})-(?P<kind>t2f|t1n|t1c|t2w|seg)"),
        {"t2f": "flair", "t1n": "t1", "t1c": "t1ce", "t2w": "t2", "seg": "seg"},
        "BraTS-GLI-00000-000-t2f.nii.gz",
    ),
)


def find_cases(folder, edition=None, modalities=None) -> list[Case]:
    """The cases below a folder, by the names that the editions give their files.

    A tar of BraTS 2021 in the folder, or given in its place, is unpacked beside itself first
    (`brats.unpack` unpacks a part of it, or to another disk). Cases that lack a file, or whose
    files do not belong together, are named in one warning; the rest is returned. Where the cases
    beside it have a mask, a case without one lacks it; validation cases have none.

    Args:
        folder: anything that holds cases, at any depth, or one case's own folder.
        edition: what the labels mean; None takes it from the names. 2024 differs from 2023, whose
            files are named alike, by a folder called BraTS2024….
        modalities: which of flair, t1, t1ce and t2 are needed; None means all four.

    Returns:
        Cases in the order of their names.

    Raises:
        CourseError: there is no such folder, or not one whole case in it.
    """
    folder = Path(folder).expanduser()
    wanted = chosen(modalities)
    if edition is not None:
        edition = regions.edition(edition).name
    if folder.is_file() and folder.name.endswith(".tar"):
        folder = unpack(folder)
    elif folder.is_dir():
        for archive in sorted(folder.glob("*.tar")):
            unpack(archive)
    else:
        raise CourseError(
            f"Se esperaba una carpeta con casos de BraTS, o su .tar. Llegó: {folder}, que no "
            "existe.\nQué hacer: revisa la ruta."
        )
    found = _files([folder])
    if not found:
        examples = (f"  {layout.example} (edición {layout.edition})" for layout in LAYOUTS)
        raise CourseError(
            f"{folder} no tiene ningún caso de BraTS. Se esperaban archivos con nombres como:\n"
            + "\n".join(examples)
            + "\nQué hacer: si los tuyos se llaman de otra manera, nómbralos uno a uno, con la "
            "edición de sus etiquetas:\n"
            '  brats.case("ana", "2020", {"flair": "f.nii", "t1ce": "c.nii"}, mask="m.nii")'
        )
    return _cases(found, edition, wanted, folder)


def cases_in(folders, edition, modalities=None) -> list[Case]:
    """As `find_cases`, of these folders only."""
    return _cases(_files(folders), edition, chosen(modalities), folders[0].parent)


def unpack(archive, folder=None, n=None) -> Path:
    """Unpack the cases of a tar; those that are there already are not unpacked again.

    Only regular files whose names are those of a case are written, each into the folder of its
    case, whatever path the archive gives it.

    Args:
        archive: such as BraTS2021_Training_Data.tar.
        folder: where the cases go; None makes a folder of the archive's name beside it.
        n: only the first so many cases; None means all (of 2021: 1,251, about 13 GB).

    Returns:
        The folder.

    Raises:
        CourseError: it is no tar or cut short, or the disk has no room.
    """
    archive = Path(archive).expanduser()
    folder = Path(folder).expanduser() if folder else archive.with_suffix("")
    try:
        with tarfile.open(archive) as tar:
            cases = _members(tar)
            missing = [name for name in sorted(cases)[:n] if not (folder / name).is_dir()]
            if missing:
                _announce(archive, [cases[name] for name in missing], folder)
            for name in missing:
                with files.whole_folder(folder / name) as part:
                    for file, member in cases[name].items():
                        with open(part / file, "wb") as out:
                            shutil.copyfileobj(tar.extractfile(member), out, 1 << 20)
    except CourseError as error:  # no room, or a folder that is only to be read, as Kaggle's
        raise CourseError(
            f'{error}\nO desempaqueta una parte en otra carpeta: brats.unpack("{archive}", '
            '"CARPETA", n=20) y después brats.find_cases("CARPETA").'
        ) from error
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise CourseError(
            f"{archive}: se esperaba un .tar entero. Llegó: uno que no se puede leer ({error}).\n"
            "Qué hacer: pon en su lugar una copia nueva. Lo que ya se desempaquetó se queda."
        ) from error
    return folder


def _members(tar):
    """The members of each case: `{case: {file name: member}}`."""
    cases = {}
    for member in tar:
        name = PurePosixPath(member.name).name
        stem = _NIFTI.sub("", name)
        match = next(filter(None, (layout.form.fullmatch(stem) for layout in LAYOUTS)), None)
        if match and stem != name and member.isfile():
            cases.setdefault(match["case"], {})[name] = member
    tar.fileobj.seek(tar.offset)
    if tar.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):  # how every tar ends
        raise tarfile.ReadError("está cortado")
    return cases


def _announce(archive, cases, folder):
    """Print what is about to be unpacked, or raise CourseError where it has no room."""
    size_mb = sum(member.size for members in cases for member in members.values()) / 1e6
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free_mb = shutil.disk_usage(there).free / 1e6
    if size_mb > free_mb:
        raise CourseError(
            f"{archive} no cabe en {folder}: se esperaban {number(size_mb, 0)} MB libres. "
            f"Llegó: {number(free_mb, 0)} MB.\nQué hacer: libera espacio y repite lo mismo."
        )
    what = count(len(cases), "caso", "casos")
    print(f"Desempaquetando {what}, {number(size_mb, 1)} MB, en {folder}", file=sys.stderr)


def _files(folders):
    """Every case's files below the folders: `{name: (layout, {kind: path})}`."""
    odd = {  # BraTS 2020 has one mask under another name
        odd: usual.removesuffix(".nii")
        for usual, odd in catalog.get("brats2020").case_exceptions.items()
    }
    found = {}
    paths = [path for folder in folders for path in _nifti_below(folder)]
    # of two copies the one that lies higher, and the plain one, which is read faster
    for path in sorted(paths, key=lambda path: (len(path.parts), path.name, path)):
        stem = odd.get(path.name.removesuffix(".gz"), _NIFTI.sub("", path.name))
        for layout in LAYOUTS:
            if match := layout.form.fullmatch(stem):
                _, kinds = found.setdefault(match["case"], (layout, {}))
                kinds.setdefault(layout.kinds[match["kind"]], path)
    return found


def _nifti_below(top):
    """The NIfTI files below a folder, but for what another process is writing."""
    for home, folders, names in os.walk(top):
        folders[:] = [name for name in folders if not name.endswith(files.UNFINISHED)]
        paths = (Path(home, name) for name in names if _NIFTI.search(name))
        yield from (path for path in paths if path.is_file())


def _cases(found, edition, wanted, folder):
    """Make the cases of `_files`, with one warning about those that cannot be used."""
    masked = {_kin(name, kinds) for name, (_, kinds) in found.items() if "seg" in kinds}
    grades = functools.cache(_grades)  # each table is read once
    cases, problems = [], []
    for name, (layout, kinds) in sorted(found.items()):
        needed = (*wanted, "seg") if _kin(name, kinds) in masked else wanted
        lacking = [kind for kind in needed if kind not in kinds]
        if lacking:
            problems.append(f"{name}: le falta {' y '.join(lacking)}")
            continue
        images = {kind: kinds[kind] for kind in wanted}
        first = next(iter(kinds.values()))
        grade = grades(first.parent.parent).get(name)
        own = edition or _edition(layout, first)
        try:
            cases.append(case(name, own, images, kinds.get("seg"), grade=grade))
        except CourseError as error:
            problems.append(f"{name}: {error}" if name not in str(error) else str(error))
    leave_out(problems, len(found), "usar", folder, stacklevel=4)
    return cases


def _kin(name, kinds):
    """What the cases of one part have in common: the folder above theirs, names but for digits."""
    first = next(iter(kinds.values()))
    home = first.parent.parent if first.parent.name == name else first.parent
    return home, re.sub(r"\d", "", name)


def _edition(layout, path):
    newer = re.search(r"brats[-_ ]?2024", str(path.absolute().parent), re.IGNORECASE)
    return "2024" if layout.edition == "2023" and newer else layout.edition


def _grades(folder):
    """HGG or LGG of each case, by the name_mapping.csv that lies beside the cases of 2020."""
    try:
        table = (folder / "name_mapping.csv").read_text(encoding="utf-8", errors="replace")
        rows = list(csv.DictReader(table.splitlines()))
    except (OSError, csv.Error):
        return {}
    grades = {row.get("BraTS_2020_subject_ID"): row.get("Grade") for row in rows}
    return {name: grade for name, grade in grades.items() if grade in ("HGG", "LGG")}
