"""The kit for a room without internet: made of tiny wheels, installed where there is no network."""

import functools
import http.server
import os
import re
import subprocess
import sys
import threading
import venv
import zipfile

import pytest

from course import cli
from course.classroom import usb, wheels
from course.classroom.usb import Plan
from course.classroom.wheels import Target, Wheel
from course.datasets import catalog
from course.errors import CourseError
from tests import ROOT
from tests.fakes import write_mnist

HERE = wheels.here()


def tiny(folder, name, version, *requires, tag="py3-none-any"):
    """Write a wheel with nothing in it."""
    about = f"{name.replace('-', '_')}-{version}"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += ["Provides-Extra: classroom"]
    lines += [f"Requires-Dist: {one}" for one in requires]
    with zipfile.ZipFile(folder / f"{about}-{tag}.whl", "w") as archive:
        archive.writestr(f"{about}.dist-info/METADATA", "\n".join(lines) + "\n")
        text = f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n"
        archive.writestr(f"{about}.dist-info/WHEEL", text)
        archive.writestr(f"{about}.dist-info/RECORD", "")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder with a tiny wheel of each package that the course asks for, served by this machine.

    pip knows no other place.
    """
    folder = tmp_path / "index"
    folder.mkdir()
    asked = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    asked = dict(line.split(">=") for line in asked if line and not line.startswith("#"))
    asked |= {"starlette": "0.46", "uvicorn": "0.34", "promise": "2.3"}
    asked |= dict.fromkeys(("for-windows", "for-others", "for-old"), "1.0")
    requires = {
        "tensorflow-datasets": ["promise"],
        "jupyterlab": [
            'for-windows; sys_platform == "win32"',
            'for-others; os_name != "nt"',
            'for-old; python_version < "3.12"',
        ],
    }
    for name, version in (asked | {"jupyterlab": "4.2"}).items():
        if name != "tensorflow":
            tiny(folder, name, version, *requires.get(name, ()))
    for tag in ("win_amd64", "manylinux_2_28_x86_64"):
        for python in ("cp311", "cp312", "cp313"):
            tiny(folder, "tensorflow", asked["tensorflow"], tag=f"{python}-{python}-{tag}")
    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for name in [name for name in os.environ if name.startswith("PIP_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", f"http://127.0.0.1:{server.server_port}/")
        monkeypatch.setenv("PIP_NO_BUILD_ISOLATION", "0")  # pip reads it as: no isolation
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield folder
        server.shutdown()


@pytest.fixture
def made_elsewhere(monkeypatch):
    """The demo and the executed lessons have tests of their own, and take minutes."""

    def render(folder, names):
        for name in (*names, "index"):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.html").write_text("<!doctype html>")

    def export_web(run, folder, fetch):
        assert (run / "model.keras").is_file() and not fetch
        folder.mkdir()
        (folder / "index.html").write_text("<!doctype html>")

    monkeypatch.setattr("course.kaggle.pages.render", render)
    monkeypatch.setattr("course.demo.page.export_web", export_web)


@pytest.mark.skipif(HERE.system != "linux", reason="a tiny TensorFlow for Linux and Windows")
@pytest.mark.usefixtures("index", "made_elsewhere")
def test_a_kit_is_made_and_installed_without_a_network(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["usb", "kit", "--para", HERE.system, "--python", HERE.python, "--si"]
    assert cli.main(words) == 0, capsys.readouterr().err
    kit = tmp_path / "kit"
    assert sorted(os.listdir(kit)) == ["curso", "demo", "index.html", "paginas", "wheels"]
    names = {path.name.partition("-")[0] for path in (kit / "wheels").iterdir()}
    assert {"course", "tensorflow", "promise", "uvicorn", "for_others"} <= names
    assert "for_windows" not in names and ("for_old" in names) == (HERE.python < "3.12")
    page = (kit / "index.html").read_text(encoding="utf-8")
    assert all((kit / link).is_file() for link in re.findall(r'href="([^"]+)"', page))

    # what the page says to type, in an environment where pip knows no place at all
    venv.create(kit / ".venv", with_pip=False)
    python = kit / ".venv" / "bin" / "python"
    (install,) = re.findall(r"^\.venv/bin/python -m pip (install .*)</pre>", page, re.MULTILINE)
    words = install.replace('"', "").split()
    assert "--no-index" in words and words[-1] == wheels.WANTED
    monkeypatch.delenv("PIP_FIND_LINKS")
    pip = [sys.executable, "-m", "pip", "--python", python, *words]
    done = subprocess.run(pip, cwd=kit, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    monkeypatch.delenv("PYTHONPATH", raising=False)
    for place in ("curso", "curso/notebooks"):  # the copy that is there, and the installed one
        command = [python, "-m", "course", "--version"]
        done = subprocess.run(command, cwd=kit / place, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert (kit / "curso" / "kernels" / "taller2_cnn_mnist" / "taller2_cnn_mnist.py").is_file()


def test_another_system_gets_what_it_needs(index, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    tiny(own, "course", "1.0", 'jupyterlab; extra == "classroom"', "tensorflow")
    chosen = wheels.plan(Target("windows", "3.12"), own)
    sizes = {wheel.name: wheel.size_bytes for wheel in chosen}
    files = {path.name: path.stat().st_size for path in (*index.iterdir(), *own.iterdir())}
    assert sizes == {name: files[name] for name in sizes}
    assert sorted(name.partition("-")[0] for name in sizes) == [
        *("course", "for_windows", "jupyterlab", "tensorflow")
    ]
    assert "tensorflow-2.20.0-cp312-cp312-win_amd64.whl" in sizes
    with pytest.raises(CourseError, match="para mac con Python 3.12.*\n.*tensorflow.*\nQué hacer:"):
        wheels.plan(Target("mac", "3.12"), own)


# ---- sizes, licences, places


def planned(**others):
    both = Wheel("both.whl", "https://x/both.whl", 300_000_000)
    only = Wheel("only.whl", "https://x/only.whl", None)
    chosen = {Target("linux", "3.12"): [both], Target("windows", "3.11"): [both, only]}
    return Plan(**{"wheels": chosen, "data": [], "course": {}, **others})


def test_the_size_is_said_first_and_each_wheel_counts_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(usb, "plan", lambda targets, own: planned())
    monkeypatch.setattr(usb, "build", lambda *_: pytest.fail("nobody has said --si"))
    assert cli.main(["usb", str(tmp_path / "kit"), "--para", "linux", "windows"]) == 0
    said = capsys.readouterr().out.replace("\xa0", " ")
    assert "Paquetes para Windows con Python 3.11: 2, 300 MB\nSin repetir: 300 MB" in said
    assert "De 1 no se sabe el tamaño" in said and "pesa unos 300 MB" in said
    assert said.endswith("Para armarlo, repite la orden con --si\n")
    assert not (tmp_path / "kit").exists()


def test_data_go_along_if_their_licence_lets_them_and_they_are_whole(tmp_path, monkeypatch):
    folder = tmp_path / "mnist"
    write_mnist(folder)
    monkeypatch.setattr(usb.inventory, "cached", lambda name: folder if name == "mnist" else None)
    good = [True]
    monkeypatch.setattr(usb.inventory, "check", lambda name: [type("State", (), {"good": good[0]})])
    found = {name: usb._data_set(name) for name in catalog.names()}
    assert {path.name for path in found["mnist"].paths.values()} == set(os.listdir(folder))
    assert found["mnist"].why == ""
    assert found["california"].why.endswith("python -m course data fetch california")
    assert "licencia" in found["brats2020"].why and "licencia" in found["brats2021"].why
    page = usb.page(planned(data=list(found.values())))
    assert "LeCun" in page and "CC BY-SA 3.0" in page and "Menze" not in page
    assert "<section >\n<h2>Los datos" in page and "py -3.12 -m venv" in page
    good[0] = False
    assert usb._data_set("mnist").paths == {} and "dañado" in usb._data_set("mnist").why


def test_x_rays_go_along_once(tmp_path, monkeypatch):
    own = "chest_xray/train/NORMAL/IM-0115-0001.jpeg"
    for name in (own, f"chest_xray/{own}", f"chest_xray/__MACOSX/{own}"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    monkeypatch.setattr(usb.inventory, "cached", lambda name: tmp_path)
    monkeypatch.setattr(usb.inventory, "check", lambda name: [])
    assert usb._data_set("chest_xray").paths == {own: tmp_path / own}


def test_a_kit_goes_where_there_is_nothing_and_where_it_fits(tmp_path, monkeypatch, capsys):
    (tmp_path / "mine.txt").write_text("mine")
    assert cli.main(["usb", str(tmp_path)]) == 2
    assert "no está vacía: queda como está" in capsys.readouterr().err
    usb.check_room(tmp_path / "new" / "kit", planned())
    monkeypatch.setattr(usb.shutil, "disk_usage", lambda path: type("Disk", (), {"free": 299e6}))
    with pytest.raises(CourseError, match="pesa 300.MB.*quedan 299.MB.*\nQué hacer: "):
        usb.check_room(tmp_path / "new", planned())
