"""BraTS 2021 comes as one tar: its cases are unpacked one by one, each whole or not at all."""

import os
import re
import shutil
import sys
import tarfile
import zlib
from pathlib import Path, PurePosixPath

from course.errors import CourseError


def unpack(archive, folder=None, n=None, *, layouts=None) -> Path:
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
    if layouts is None:
        from course.datasets.brats_layouts import LAYOUTS as layouts
    archive = Path(archive).expanduser()
    folder = Path(folder).expanduser() if folder else archive.with_suffix("")
    try:
        with tarfile.open(archive) as tar:
            cases = _cases(tar, archive, layouts)
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


def _cases(tar, archive, layouts):
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
        match = next(filter(None, (layout.form.fullmatch(stem) for layout in layouts)), None)
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
