"""Taller 6 as a student runs it, on the sample, on pictures of her own, and on masks."""

import csv
import json
import shutil
import zipfile

import numpy as np
import pytest
from PIL import Image

from course import cli
from tests.lesson_run import LessonRun, course


class TestTaller6(LessonRun):
    lesson = "taller6"
    flags = ("--epochs", "1", "--limit", "60", "--size", "32")

    def test_what_was_looked_at_and_how_it_was_divided_stay_with_the_run(self, folder):
        log = (folder / "log").read_text(encoding="utf-8")
        assert "Mira run/datos.html antes de entrenar." in log
        assert "Esta es la muestra. Con tus imágenes: --source CARPETA" in log
        text = (folder / "run" / "split.csv").read_text(encoding="utf-8-sig")
        rows = list(csv.DictReader(text.splitlines(), delimiter=";"))
        assert len(rows) == 480 and {row["clase"] for row in rows} >= {"seña A", "seña Y"}
        sides = {}
        for row in rows:
            sides.setdefault(row["grupo"], set()).add(row["parte"])
        assert all(len(parts - {"sin usar"}) <= 1 for parts in sides.values())

    def test_its_page_is_tried_with_the_run_s_own_test_pictures(self, folder, monkeypatch, capsys):
        monkeypatch.chdir(folder)
        assert cli.main(["export", "run", "--web", "web"]) == 0
        assert "al azar" not in capsys.readouterr().out
        setup = (folder / "web" / "index.html").read_text(encoding="utf-8")
        assert '"preparation": "square"' in setup and '"view": "pictures"' in setup


def scene(rng, tint):
    """A blot on a wall: no two are twins, and each class has a colour of its own."""
    picture = np.full((40, 56, 3), rng.integers(60, 120), "uint8")
    top, left = rng.integers(2, 20), rng.integers(2, 30)
    picture[top : top + 14, left : left + 18] = tint + rng.integers(-20, 20, (14, 18, 3))
    return picture


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Names with all that a name may have, unequal classes, a broken file; as a zip of a Mac."""
    home, rng = tmp_path_factory.mktemp("own"), np.random.default_rng(0)
    classes = {"níscalo 🍄 ñ": (40, (180, 90, 30)), "boletus, «pie»": (12, (90, 60, 180))}
    with zipfile.ZipFile(home / "mis hongos.zip", "w") as archive:
        for name, (n, tint) in classes.items():
            for number in range(n):
                path = home / "one.png"
                Image.fromarray(scene(rng, tint)).save(path)
                archive.write(path, f"hongos/{name}/foto {number}.png")
        archive.writestr("__MACOSX/hongos/._foto 0.png", b"x")
        archive.writestr(f"hongos/{name}/rota.png", b"no picture")
    return home


@pytest.mark.matrix
def test_a_zip_of_ones_own_with_accents_and_emoji_goes_all_the_way(own, monkeypatch, capsys):
    flags = ("--source", "mis hongos.zip", "--size", "32", "--epochs", "2", "--run-dir", "run")
    done = course(own, "run", "taller6", *flags)
    assert done.returncode == 0, done.stderr
    assert "Glyph" not in done.stderr and "Warning" not in done.stderr
    assert "«boletus, «pie»/rota.png»" in done.stdout and "Clases desiguales" in done.stdout
    assert "Pesos: boletus, «pie» 2," in done.stdout
    card = json.loads((own / "run" / "card.json").read_text(encoding="utf-8"))
    assert card["class_names"] == ["boletus, «pie»", "níscalo 🍄 ñ"]
    assert card["data"]["title"] == "imágenes propias: mis hongos" and not card["data"]["made_up"]
    assert "níscalo 🍄 ñ" in (own / "run" / "report.html").read_text(encoding="utf-8")
    shutil.move(own / "run", own / "corrida ñ")  # a run may move, its pictures may not
    monkeypatch.chdir(own)
    assert cli.main(["evaluate", "corrida ñ"]) == 0
    assert "Atención" not in capsys.readouterr().out
    assert cli.main(["predict", "corrida ñ", "one.png", "--keep", "seen"]) == 0
    assert "boletus, «pie» " in capsys.readouterr().out
    assert np.asarray(Image.open(own / "seen" / "one_red.png")).shape == (32, 32, 3)
    (own / "mis hongos.zip").rename(own / "otro.zip")
    assert cli.main(["evaluate", "corrida ñ"]) == 2
    assert "mis hongos.zip', que aquí no existe" in capsys.readouterr().err


@pytest.fixture(scope="module")
def masked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("masked")
    flags = ("--variant", "masks", "--epochs", "1", "--limit", "40", "--run-dir", "run")
    done = course(folder, "run", "taller6", *flags)
    assert done.returncode == 0, done.stderr
    assert "Dice medio de «255» " in done.stdout
    return folder


@pytest.mark.matrix
def test_masks_are_learnt_and_measured_again(masked, monkeypatch, capsys):
    monkeypatch.chdir(masked)
    card = json.loads((masked / "run" / "card.json").read_text(encoding="utf-8"))
    assert card["task"] == "segmentation" and card["class_names"] == ["fondo", "255"]
    before = card["scores"]["dice_255"]
    assert cli.main(["evaluate", "run"]) == 0
    printed = capsys.readouterr().out
    assert "Atención" not in printed and "Sin comparar" not in printed
    report = json.loads((masked / "run" / "report.json").read_text(encoding="utf-8"))
    assert report["task"] == "masks" and report["n"] == 40
    assert report["scores"]["dice_255"] == pytest.approx(before, abs=1e-6)
    rows = (masked / "run" / "cases.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 41 and rows[1].startswith("imagenes/dígitos ")


@pytest.mark.matrix
def test_what_it_marks_is_kept_in_the_picture_s_own_size(masked, monkeypatch, capsys):
    monkeypatch.chdir(masked)
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 50), "uint8")).save("foto.png")
    assert cli.main(["predict", "run", "foto.png", "--keep", "seen"]) == 0
    assert "foto.png:  «255» " in capsys.readouterr().out
    mask = np.asarray(Image.open("seen/foto_mascara.png"))
    assert mask.shape == (90, 50) and set(np.unique(mask)) <= {0, 255}
    assert np.asarray(Image.open("seen/foto_red.png")).shape == (64, 64, 3)
    assert (masked / "seen" / "foto_respuesta.png").stat().st_size > 5000


@pytest.mark.matrix
def test_masks_have_no_page_and_the_message_says_what_to_do(masked, monkeypatch, capsys):
    monkeypatch.chdir(masked)
    assert cli.main(["export", "run", "--web", "web"]) == 2
    said = capsys.readouterr().err
    assert "La página no sabe mostrar esta red" in said and "predict CORRIDA IMAGEN --keep" in said
    assert cli.main(["predict", "run", "foto.png", "-o", "x.nii.gz"]) == 2
    assert "--keep CARPETA guarda lo que responde" in capsys.readouterr().err
