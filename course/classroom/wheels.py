"""The wheels that another computer needs, named with their sizes and fetched by pip.

pip chooses wheels for another system and Python, but whether a requirement with a condition
(`; sys_platform == "win32"`) holds it asks its own computer. It is told otherwise here.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
from dataclasses import dataclass

import course
from course.errors import CourseError

# what the room is given: the course, its page, and Jupyter for the notebooks
WANTED = "course[classroom]"
# Of what the course needs, published as source alone: pure Python, built here for everyone.
_AS_SOURCE = ("promise",)
# pip's tags of a system's wheels, and how Python calls that system in conditions
_SYSTEMS = {
    "linux": (
        # of glibc up to 2.31, which Ubuntu has since 20.04
        [f"manylinux_2_{minor}_x86_64" for minor in range(31, 4, -1)] + ["manylinux2014_x86_64"],
        {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"},
    ),
    "windows": (
        ["win_amd64"],
        {"sys_platform": "win32", "platform_system": "Windows", "platform_machine": "AMD64"},
    ),
    "mac": (
        ["macosx_12_0_arm64"],
        {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"},
    ),
}
SYSTEMS = tuple(_SYSTEMS)
PYTHONS = ("3.11", "3.12", "3.13")
_PIP = """
import json, sys
from pip._internal.cli.main import main
from pip._vendor.packaging import markers

here, there = markers.default_environment, json.loads(sys.argv[1])
markers.default_environment = lambda: {**here(), **there}
sys.exit(main(sys.argv[2:]))
"""


@dataclass(frozen=True)
class Target:
    """Computers of one system, one of `SYSTEMS`, with one Python, "3.12"."""

    system: str
    python: str

    @property
    def conditions(self):
        """What a requirement's condition is told about these computers."""
        names = {"os_name": "nt" if self.system == "windows" else "posix"}
        version = {"python_version": self.python, "python_full_version": f"{self.python}.0"}
        return {**names, **version, **_SYSTEMS[self.system][1]}

    @property
    def flags(self):
        """pip's, for wheels that these computers take."""
        tags = [flag for tag in _SYSTEMS[self.system][0] for flag in ("--platform", tag)]
        return [*tags, "--python-version", self.python, "--implementation", "cp"]


@dataclass(frozen=True)
class Wheel:
    """A wheel's file name, where it is, with its hash; how large, None where nobody says."""

    name: str
    address: str
    size_bytes: int | None


def here() -> Target:
    """The target that this computer is."""
    system = {"win32": "windows", "darwin": "mac"}.get(sys.platform, "linux")
    return Target(system, f"{sys.version_info.major}.{sys.version_info.minor}")


def build_own(folder):
    """Build the wheels that nobody publishes: the course's, from its checkout, and `_AS_SOURCE`."""
    _pip("wheel", "--quiet", "--no-deps", "-w", folder, course.FOLDER.parent, *_AS_SOURCE)


def plan(target, own) -> list[Wheel]:
    """The wheels that a target needs, of the newest versions that go together.

    Args:
        target: `Target`.
        own: Folder that `build_own` has filled.

    Raises:
        CourseError: pip has no answer, or finds no such wheels.
    """
    from concurrent.futures import ThreadPoolExecutor

    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder, "report.json")
        nowhere = ["--target", pathlib.Path(folder, "nowhere")]
        asked = ["--dry-run", "--ignore-installed", *nowhere, "--report", report]
        asked += [*target.flags, "--only-binary=:all:", "--find-links", own, WANTED]
        _pip("install", "--quiet", *asked, target=target)
        found = [item["download_info"] for item in json.loads(report.read_bytes())["install"]]
    addresses = [_with_hash(item) for item in found]
    with ThreadPoolExecutor(8) as pool:
        sizes = pool.map(_size, addresses)
    return [Wheel(_name(a), a, size) for a, size in zip(addresses, sizes, strict=True)]


def fetch(target, wheels, folder):
    """Bring the wheels that were planned for a target into a folder, and none that is there."""
    missing = [wheel for wheel in wheels if not (folder / wheel.name).exists()]
    own = [wheel for wheel in missing if wheel.address.startswith("file:")]
    for wheel in own:
        shutil.copyfile(_path(wheel.address), folder / wheel.name)
    others = [wheel.address for wheel in missing if wheel not in own]
    if others:
        with tempfile.TemporaryDirectory() as home:  # too many for Windows' command line
            listed = pathlib.Path(home, "wheels.txt")
            listed.write_text("\n".join(others), encoding="utf-8")
            asked = ["--no-deps", "-d", folder, *target.flags, "-r", listed]
            _pip("download", *asked, target=target)


def _with_hash(download):
    hashes = download.get("archive_info", {}).get("hashes", {})
    end = f"#sha256={hashes['sha256']}" if "sha256" in hashes else ""
    return download["url"] + end


def _name(address):
    return urllib.parse.unquote(urllib.parse.urlsplit(address).path).rpartition("/")[2]


def _path(address):
    from urllib.request import url2pathname

    return url2pathname(urllib.parse.urlsplit(address).path)


def _size(address):
    """In bytes, as the server says it; None where it does not."""
    import requests

    if address.startswith("file:"):
        return os.path.getsize(_path(address))
    try:
        answer = requests.head(address, allow_redirects=True, timeout=20)
        answer.raise_for_status()
        return int(answer.headers["Content-Length"])
    except (requests.RequestException, LookupError, ValueError):
        return None


def _pip(*arguments, target=None):
    """Run pip, for another computer where there is a target; it shows what it does by itself."""
    if target:
        command = [sys.executable, "-c", _PIP, json.dumps(target.conditions)]
    else:
        command = [sys.executable, "-m", "pip"]
    verb, *others = map(str, arguments)
    done = subprocess.run(
        [*command, verb, "--disable-pip-version-check", *others],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "ERROR" in line or "Error" in line]
        which = f" para {target.system} con Python {target.python}" if target else ""
        raise CourseError(
            f"pip no pudo reunir los paquetes{which}.\n"
            f"pip dice: {' '.join(said or done.stderr.splitlines()[-1:]):.600}\n"
            "Qué hacer: revisa la conexión y el espacio en el disco, y repite la orden; lo que ya "
            "llegó lo guarda pip. Si falta para un sistema o un Python, prueba con otro."
        )
