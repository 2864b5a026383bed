"""Which files of a folder are cases of BraTS: told by their names, never by their labels."""

import csv
import os
import re
import shutil
import sys
import tarfile
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from course import regions
from course.datasets import catalog
from course.datasets.brats.case import MODALITIES, Case, case, told_of
from course.errors import CourseError

_NIFTI = re.compile(r"\.nii(\.gz)?$")


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
        {kind: kind for kind in (*MODALITIES, "seg")},
        "BraTS20_Training_001_flair.nii",
    ),
    Layout(
        "2021",
        re.compile(r"(?P<case>BraTS2021_\d{5})_(?P<kind>flair|t1|t1ce|t2|seg)"),
        {kind: kind for kind in (*MODALITIES, "seg")},
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
        edition: what the labels mean; None takes it from the names. 2024 is told from 2023, whose
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
            f"Expected a folder with cases of BraTS, or its tar. Received: {folder}\n"
            "There is no such folder."
        )
    found = _files([folder])
    if not found:
        raise CourseError(
            f"{folder} holds no case of BraTS. Expected files named as one of:\n"
            + "".join(f"  {layout.example} (edition {layout.edition})\n" for layout in LAYOUTS)
            + "Files with other names are put together by hand, with the edition of their labels:\n"
            '  brats.case("ana", "2020", {"flair": "f.nii", "t1ce": "c.nii"}, mask="m.nii")'
        )
    return cases_of(found, edition, wanted, folder)


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
        CourseError: it is no tar or cut short, it names places outside, or the disk has no room.
    """
    archive = Path(archive).expanduser()
    folder = Path(folder).expanduser() if folder else archive.with_suffix("")
    try:
        with tarfile.open(archive) as tar:
            cases = _members(tar, archive)
            names = sorted(cases)[:n]
            missing = [name for name in names if not (folder / name).is_dir()]
            if missing:
                _announce(missing, cases, folder)
            for name in missing:
                _unpack_case(tar, cases[name], folder, name)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise CourseError(
            f"{archive}: expected a whole tar. Received: one that cannot be read ({error}).\n"
            "What was unpacked is kept. Put a fresh copy in its place."
        ) from error
    except OSError as error:
        raise CourseError(
            f"{archive} cannot be unpacked into {folder} ({error.strerror or error}).\n"
            "What was unpacked is kept. Next: free space or rights there, or unpack a part of it "
            f'elsewhere: brats.unpack("{archive}", "FOLDER", n=20), then '
            'brats.find_cases("FOLDER").'
        ) from error
    return folder


def cases_in(folders, edition, modalities=None) -> list[Case]:
    """As `find_cases`, of these folders only."""
    return cases_of(_files(folders), edition, chosen(modalities), folders[0].parent)


def cases_of(found, edition, wanted, folder):
    """Make the cases of `_files`, with one warning about those that cannot be used."""
    masked = {_kin(name, files) for name, (_, files) in found.items() if "seg" in files}
    grades, cases, problems = _Grades(), [], []
    for name, (layout, files) in sorted(found.items()):
        needed = (*wanted, "seg") if _kin(name, files) in masked else wanted
        lacking = [kind for kind in needed if kind not in files]
        if lacking:
            problems.append(f"{name} lacks {' and '.join(lacking)}")
            continue
        images = {kind: files[kind] for kind in wanted}
        told = edition or _edition(layout, next(iter(files.values())))
        try:
            grade = grades.of(name, next(iter(files.values())))
            cases.append(case(name, told, images, files.get("seg"), grade=grade))
        except CourseError as error:
            problems.append(f"{name}: {error}" if name not in str(error) else str(error))
    if not cases:
        raise CourseError(
            f"{folder}: of {len(found):,} cases none can be used.\n{told_of(problems)}"
        )
    if problems:
        warnings.warn(
            f"{folder}: {len(problems):,} of {len(found):,} cases cannot be used and are left "
            f"out.\n{told_of(problems)}",
            UserWarning,
            stacklevel=3,
        )
    return cases


def chosen(modalities):
    """The modalities asked for, in the usual order; all four for None."""
    if modalities is None:
        return MODALITIES
    unknown = [kind for kind in modalities if kind not in MODALITIES]
    if unknown or not modalities or isinstance(modalities, str):
        raise CourseError(
            f"modalities: expected some of {', '.join(MODALITIES)}. Received: {modalities!r}"
        )
    return tuple(kind for kind in MODALITIES if kind in modalities)


def _files(folders):
    """Every case's files below the folders: `{name: (layout, {kind: path})}`."""
    odd = {  # BraTS 2020 has one mask under another name
        odd: usual.removesuffix(".nii")
        for usual, odd in catalog.get("brats2020").case_exceptions.items()
    }
    found = {}
    paths = [path for folder in folders for path in folder.rglob("*.nii*") if path.is_file()]
    # of two copies the one that lies higher, and the plain one, which is read faster
    for path in sorted(paths, key=lambda path: (len(path.parts), path.name, path)):
        stem = odd.get(path.name.removesuffix(".gz"), _NIFTI.sub("", path.name))
        for layout in LAYOUTS:
            if match := layout.form.fullmatch(stem):
                _, files = found.setdefault(match["case"], (layout, {}))
                files.setdefault(layout.kinds[match["kind"]], path)
    return found


def _kin(name, files):
    """What the cases of one part have in common: the folder above theirs, names but for digits."""
    first = next(iter(files.values()))
    home = first.parent.parent if first.parent.name == name else first.parent
    return home, re.sub(r"\d", "", name)


def _edition(layout, path):
    newer = re.search(r"brats[-_ ]?2024", str(path.absolute().parent), re.IGNORECASE)
    return "2024" if layout.edition == "2023" and newer else layout.edition


class _Grades:
    """HGG or LGG by the name_mapping.csv that lies beside the cases of 2020."""

    def __init__(self):
        self._tables = {}

    def of(self, name, path):
        home = path.parent.parent
        if home not in self._tables:
            self._tables[home] = _table(home / "name_mapping.csv")
        return self._tables[home].get(name)


def _table(path):
    try:
        with open(path, newline="", encoding="utf-8", errors="replace") as file:
            rows = list(csv.DictReader(file))
    except (OSError, csv.Error):
        return {}
    grades = {row.get("BraTS_2020_subject_ID"): row.get("Grade") for row in rows}
    return {name: grade for name, grade in grades.items() if grade in ("HGG", "LGG")}


def _members(tar, archive):
    """The members of each case: `{case: {file name: member}}`."""
    cases = {}
    for member in tar:
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts or "\\" in member.name:
            raise CourseError(
                f"{archive}: expected files below the archive's own folder. Received: "
                f"{member.name!r}, which leads outside.\nNothing was unpacked: this is not the "
                "archive that the organisers made."
            )
        stem = re.sub(r"\.nii(\.gz)?$", "", path.name)
        match = next(filter(None, (layout.form.fullmatch(stem) for layout in LAYOUTS)), None)
        if match and stem != path.name and member.isfile():
            cases.setdefault(match["case"], {})[path.name] = member
    tar.fileobj.seek(tar.offset)
    if tar.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):  # how every tar ends
        raise tarfile.ReadError("it is cut short")
    return cases


def _announce(missing, cases, folder):
    size = sum(member.size for name in missing for member in cases[name].values())
    print(f"Unpacking {len(missing):,} cases, {size / 1e6:,.1f} MB, into {folder}", file=sys.stderr)
    there = folder
    while not there.exists():
        there = there.parent
    free = shutil.disk_usage(there).free
    if size > free:
        raise OSError(28, f"{size / 1e6:,.0f} MB are needed, {free / 1e6:,.0f} MB are free")


def _unpack_case(tar, members, folder, name):
    temporary = folder / f".{name}.{os.getpid()}.tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    try:
        for file, member in members.items():
            with open(temporary / file, "wb") as out:
                shutil.copyfileobj(tar.extractfile(member), out, 1 << 20)
        temporary.rename(folder / name)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
