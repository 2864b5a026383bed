"""A zip of pictures, opened where it can do no harm."""

import hashlib
import pathlib
import shutil
import zipfile

from course import files
from course.datasets.download import cache
from course.datasets.folders.find import PICTURES, TABLES, is_dust
from course.errors import CourseError
from course.spanish import number

_MOST_FILES = 500_000
_LEAST_GB = 2  # so much may come out of any zip; of a larger one a hundred times its size


def unpack(path) -> pathlib.Path:
    """Take the pictures and tables out of a zip, once, into a folder beside kagglehub's downloads.

    Raises:
        CourseError: It is damaged, locked, would write outside its folder, or would fill the disk;
            nothing is written then.
    """
    path = pathlib.Path(path).absolute()
    status = path.stat()
    seen = repr((str(path), status.st_size, status.st_mtime_ns))
    # its name stays: it is what the reports call the pictures
    home = cache.root() / "unpacked" / hashlib.sha256(seen.encode()).hexdigest()[:12] / path.stem
    if not home.is_dir():
        try:
            with zipfile.ZipFile(path) as archive:
                wanted = _wanted(archive, path)
                with files.whole_folder(home) as part:
                    for name, member in wanted.items():
                        place = part.joinpath(*name.split("/"))
                        place.parent.mkdir(parents=True, exist_ok=True)
                        while place.exists():  # a disk that knows no difference by case
                            place = place.with_stem(f"{place.stem} (2)")
                        with archive.open(member) as source, open(place, "wb") as target:
                            shutil.copyfileobj(source, target, 1 << 20)
        # RuntimeError: a password; NotImplementedError: a way of packing that Python does not know
        except (zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError) as error:
            raise CourseError(
                f"{path} está dañado, tiene contraseña o no es un zip ({error}).\n"
                "Qué hacer: ábrelo tú, y nombra la carpeta que sale de él."
            ) from error
    return home


def _wanted(archive, path):
    """Name → member of what is to be taken out.

    Raises:
        CourseError: The zip is not to be trusted.
    """
    wanted, total = {}, 0
    for member in archive.infolist():
        name = member_name(member)
        parts = name.split("/")
        if name.startswith("/") or ":" in parts[0] or ".." in parts:
            raise _refused(path, f"contiene {name!r}, que quedaría fuera de la carpeta")
        if member.is_dir() or any(map(is_dust, parts)):
            continue
        if pathlib.PurePosixPath(name).suffix.lower() in PICTURES | TABLES:
            wanted[name] = member
            total += member.file_size
    most = max(_LEAST_GB * 10**9, 100 * path.stat().st_size)
    if total > most or len(wanted) > _MOST_FILES:
        raise _refused(
            path, f"daría {number(total / 1e9, 1)} GB en {number(len(wanted), 0)} archivos"
        )
    return wanted


def member_name(member):
    """The name as its maker meant it, with "/"; zips of Windows and Mac do not say how it reads."""
    name = member.filename
    if not member.flag_bits & 0x800:  # not marked as UTF-8: zipfile took it for CP437
        try:
            name = name.encode("cp437").decode("utf-8")
        except UnicodeError:
            name = name.encode("cp437").decode("cp850")
    return name.replace("\\", "/")


def _refused(path, why):
    return CourseError(
        f"{path} {why}. No se ha sacado nada.\n"
        "Qué hacer: pide otra copia a quien lo hizo; si confías en él, ábrelo tú y nombra la "
        "carpeta que sale de él."
    )
