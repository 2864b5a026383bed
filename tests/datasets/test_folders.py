"""One's own pictures, as students bring them: what is read, what is left out and told."""

import os
import shutil
import struct
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFilter

from course.datasets import folders
from course.datasets.batches import Batches
from course.datasets.folders import archive, reading
from course.errors import CourseError
from tests.kaggle_stub import KaggleStub

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "cache"))


def scene(height=24, width=24):
    """A picture like no other: smooth, as photographs are."""
    noise = Image.fromarray(RNG.integers(0, 256, (height // 4, width // 4), "uint8"))
    return noise.resize((width, height), Image.Resampling.BICUBIC)


def put(path, image=None, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    (image or scene()).save(path, **options)
    return path


def classes(home, **counts):
    for name, count in counts.items():
        for number in range(count):
            put(home / name / f"{number}.png")
    return home


def kinds(record):
    return {fault.kind: fault.files for fault in record.faults}


# ---- a folder for each class


def test_any_format_and_any_name(tmp_path):
    home = classes(tmp_path / "mis fotos", **{"café ☕": 3})
    for suffix in ("jpg", "WEBP", "bmp", "tiff"):
        put(home / "Ñandú" / f"ave {suffix}.{suffix}")
    put(home / "Ñandú" / "color.png", scene().convert("RGBA"))
    levels = np.full((24, 24), 60000, "uint16")
    levels[:12] = 3  # white is 65535
    put(home / "Ñandú" / "dieciséis.png", Image.fromarray(levels))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side
    put(home / "Ñandú" / "de lado.jpg", scene(24, 48), exif=exif)
    record = folders.read(home, size=12, color=True)
    assert record.kind == "classes" and record.class_names == ("café ☕", "Ñandú")
    assert np.bincount(record.labels).tolist() == [3, 7] and len(record) == 10
    assert record.images.shape == (10, 12, 12, 3) and isinstance(record.images, np.memmap)
    rows = {name: row for row, name in enumerate(record.files)}
    assert record.sizes[rows["Ñandú/de lado.jpg"]].tolist() == [48, 24]
    assert record.images[rows["Ñandú/dieciséis.png"], [0, 11], 0, 0].tolist() == [0, 233]
    assert record.origin.title == "imágenes propias: mis fotos" and not record.origin.stands_in
    assert kinds(record).keys() == {"few", "sizes"}
    assert str(record).startswith("10\u00a0imágenes, 2\u00a0clases, de 3 a 7 de cada una — ")


def test_what_is_left_out_is_told_and_the_rest_goes_on(tmp_path):
    home = classes(tmp_path / "todo", gatos=4, perros=4, raros=2)
    broken = put(home / "gatos" / "rota.png")
    broken.write_bytes(broken.read_bytes()[:-30])
    (home / "gatos" / "mentira.jpg").write_text("no soy una foto")
    (home / "perros" / "leeme.txt").write_text("hola")
    (home / "perros" / "Thumbs.db").write_text("")
    put(home / "perros" / "1.PNG")
    put(home / "__MACOSX" / "gatos" / "._0.png")
    put(home / ".ipynb_checkpoints" / "0-checkpoint.png")
    put(home / "suelta.png")
    (home / "vacía").mkdir()
    for name in "abc":  # whoever stands in the folder has the runs there too
        put(home / "runs" / "taller6_proyecto" / "figures" / f"{name}.png")
    (home / "runs" / "taller6_proyecto" / "checkpoints").mkdir()
    (home / "runs" / "taller6_proyecto" / "settings.json").write_text("{}")
    record = folders.read(home, size=12)
    assert record.class_names == ("gatos", "perros")
    assert record.files == tuple(f"gatos/{i}.png" for i in range(4)) + (
        "perros/0.png", "perros/1.PNG", "perros/2.png", "perros/3.png",
    )  # fmt: skip
    told = kinds(record)
    assert {kind: told[kind] for kind in told if kind not in ("few", "unreadable")} == {
        "accident": (".ipynb_checkpoints", "__MACOSX"),
        "hidden": ("perros/Thumbs.db",),
        "other": ("perros/leeme.txt",),
        "case": ("perros/1.png",),
        "loose": ("suelta.png",),
        "run": ("runs/taller6_proyecto",),
        "empty": ("vacía",),
        "too few": ("raros/0.png", "raros/1.png"),
    }
    bad = [fault for fault in record.faults if fault.kind == "unreadable"]
    assert [fault.files for fault in bad] == [("gatos/mentira.jpg",), ("gatos/rota.png",)]
    assert "gatos/mentira.jpg no es una imagen" in bad[0].what and "PNG" in bad[0].todo
    assert all(fault.what and fault.todo for fault in record.faults)


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_in_a_circle_and_a_huge_picture(tmp_path):
    home = classes(tmp_path / "todo", gatos=3, perros=3)
    (home / "perros" / "otra vez").symlink_to(home)
    content = (huge := put(home / "perros" / "enorme.png")).read_bytes()
    header = content[12:16] + struct.pack(">II", 30_000, 30_000) + content[24:29]
    checksum = struct.pack(">I", zlib.crc32(header))
    huge.write_bytes(content[:12] + header + checksum + content[33:])
    told = kinds(record := folders.read(home, size=12))
    assert len(record) == 6 and told["circle"] == ("perros/otra vez",)
    assert told["unreadable"] == ("perros/enorme.png",)
    assert "178 millones de píxeles" in str(record)


def test_parts_made_by_others_are_joined_and_one_folder_more_is_no_matter(tmp_path):
    classes(tmp_path / "kaggle" / "archive" / "train", gato=3, perro=4)
    classes(tmp_path / "kaggle" / "archive" / "Test", gato=2, perro=1)
    record = folders.read(tmp_path / "kaggle", size=12)
    assert record.class_names == ("gato", "perro") and np.bincount(record.labels).tolist() == [5, 5]
    assert record.files[0] == "Test/gato/0.png" and "parts" in kinds(record)


def test_what_teaches_nothing_is_one_message(tmp_path, monkeypatch):
    (tmp_path / "vacía").mkdir()
    (empty := tmp_path / "rotas" / "x").mkdir(parents=True)
    (empty / "a.png").write_bytes(b"")
    one, flat = classes(tmp_path / "una", gatos=5), tmp_path / "sueltas"
    put(flat / "a.png")
    many = classes(tmp_path / "muchas", **{f"c{i}": 3 for i in range(4)})
    monkeypatch.setattr(reading, "_MOST_CLASSES", 3)
    for source, words in {
        tmp_path / "vacía": "no hay ninguna imagen",
        one: "dos clases con 3 imágenes cada una. Llegó: 1.clase; con tantas imágenes, «gatos»",
        flat: "nada dice qué muestra cada una",
        many: "a lo más 3 clases. Llegó: 4",
        tmp_path / "no está": "que aquí no existe",
        put(tmp_path / "foto.png"): "que es un archivo",
        " ": "que aquí no existe",
        empty.parent: "imagen que no se puede leer: «x/a.png». x/a.png no es una imagen",
    }.items():
        with pytest.raises(CourseError, match=f"(?s){words}.*Qué hacer: "):
            folders.read(source, size=12)
    with pytest.raises(CourseError, match="se esperaba None o 'masks'. Llegó: 'otra'"):
        folders.read("sample", variant="otra")


# ---- a table


def test_a_table_in_latin_1_with_semicolons(tmp_path):
    home = tmp_path / "estudio"
    for name in "abcdefgh":
        put(home / "img" / f"niño {name}.png")
    lines = ["Archivo;Diagnóstico;Paciente"]
    for name, label, patient in zip("abcdef", ["sí", "no"] * 3, "112233", strict=True):
        lines.append(f"img\\niño {name}.png;{label};p{patient}")
    lines += ["niño g;sí;", "nadie.png;no;p9", "niño h.png;sí;p4", "niño h.png;no;p4"]
    (home / "datos.csv").write_bytes("\r\n".join(lines).encode("latin-1"))
    record = folders.read(home, size=12)
    assert record.kind == "table" and record.class_names == ("no", "sí")
    assert record.files == tuple(f"img/niño {name}.png" for name in "abcdefg")
    assert record.patients == ("p1", "p1", "p2", "p2", "p3", "p3", "")
    assert record.groups.tolist() == [0, 0, 1, 1, 2, 2, 3]
    told = kinds(record)
    assert told["no file"] == ("nadie.png",) and told["torn"] == ("img/niño h.png",)


def test_a_table_of_nothing_here_and_two_tables(tmp_path):
    home = classes(tmp_path / "estudio", img=3)
    (home / "a.csv").write_text("file,label\nx.png,1\n")
    with pytest.raises(CourseError, match=r"(?s)ninguna de sus 1 líneas.*«x.png».*Qué hacer"):
        folders.read(home, size=12)
    (home / "b.csv").write_text("file,label\n0.png,1\n")
    with pytest.raises(CourseError, match="2 tablas de imágenes: «a.csv» y «b.csv»"):
        folders.read(home, size=12)
    (home / "b.csv").write_text("file,label\n0.png\n")
    with pytest.raises(CourseError, match=r"b.csv: se esperaba .*Llegó: la línea 2, con 1 valores"):
        folders.read(home, size=12)
    (home / "b.csv").write_text("file,label\nimg/0.png,sí\n0.png,no\n")
    (home / "a.csv").unlink()
    with pytest.raises(CourseError, match="ninguna de sus 2 líneas"):
        folders.read(home, size=12)
    (home / "b.csv").write_text("nada,de eso\n1,2\n")
    classes(home, otra=3)
    assert kinds(folders.read(home, size=12))["table"] == ("b.csv",)


# ---- masks


def test_pictures_and_their_masks(tmp_path):
    home = tmp_path / "células"
    mask = np.zeros((8, 16), "uint8")
    mask[2:6, 4:12] = 255
    for name in "abcde":
        put(home / "Imágenes" / f"{name}.jpg", scene(8, 16))
        put(home / "Máscaras" / f"{name}_mask.png", Image.fromarray(mask))
    painted = Image.fromarray(mask).convert("P")
    # a palette's place is what counts, not its colour
    painted.putpalette([level for place in range(256) for level in (place // 2, 9, 255 - place)])
    put(home / "Máscaras" / "c_mask.png", painted)
    put(home / "Máscaras" / "d_mask.png", Image.fromarray(mask[:, :12]))
    put(home / "Máscaras" / "e_mask.png", Image.fromarray(mask // 255 * 77))
    put(home / "Imágenes" / "f.jpg", scene(8, 16))
    record = folders.read(home, size=8)
    assert record.kind == "masks" and record.labels is None
    assert [name[-5:] for name in record.files] == ["a.jpg", "b.jpg", "c.jpg"]
    assert record.class_names == ("fondo", "255")
    # 8×16 becomes 4×8, in rows 2 to 5 of 8
    wanted = np.zeros((8, 8), "uint8")
    wanted[3:5, 2:6] = 1
    assert record.masks.shape == (3, 8, 8, 1) and (record.masks[..., 0] == wanted).all()
    told = kinds(record)
    assert told["mask size"] == ("Máscaras/d_mask.png",)
    assert told["mask values"] == ("Máscaras/e_mask.png",)
    assert told["alone"] == ("Imágenes/f.jpg",)
    assert len(folders.read(home, size=8, mask_values=(0, 77, 255))) == 4
    put(home / "Máscaras" / "a_mask.png", scene(8, 16).resize((32, 64)).resize((16, 8)))
    told = kinds(folders.read(home, size=8, mask_values=(0, 77, 255)))
    assert told["unreadable"] == ("Máscaras/a_mask.png",)


def test_masks_that_teach_nothing(tmp_path):
    home = tmp_path / "células"
    for name in "abc":
        put(home / "images" / f"{name}.png")
        put(home / "masks" / f"{name}.png", Image.new("L", (24, 24)))
    with pytest.raises(CourseError, match=r"Llegó: 3, sin nada marcado.\nQué hacer: .*marca lo"):
        folders.read(home, size=16)
    for name in "abc":
        put(home / "masks" / f"{name}.png", scene().resize((6, 6)).resize((24, 24)))
    with pytest.raises(CourseError, match=r"(?s)Llegó: 0.*3.imágenes que.*otra vez como PNG"):
        folders.read(home, size=16)


# ---- a zip, Kaggle


def zipped(path, files, flag=0x800):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(name, content)
    if not flag:  # as Windows makes them: the names in its old code page, and no word about it
        content = path.read_bytes().replace("ñ".encode(), b"\xa4\x00")
        path.write_bytes(content)
    return path


def bytes_of(home):
    return {p.relative_to(home).as_posix(): p.read_bytes() for p in home.rglob("*.png")}


def test_a_zip_is_opened_once_and_without_its_dust(tmp_path):
    files = bytes_of(classes(tmp_path / "plano", **{"año": 3, "mes": 3}))
    inside = {f"fotos/{name}": content for name, content in files.items()}
    path = zipped(tmp_path / "fotos.zip", {**inside, "__MACOSX/x/._0.png": b"", "a.exe": b"MZ"})
    record = folders.read(path, size=12)
    assert record.class_names == ("año", "mes") and len(record) == 6
    assert record.origin.title == "imágenes propias: fotos" and not kinds(record).get("accident")
    assert not list(tmp_path.rglob("*.exe"))
    assert (folders.read(path, size=12).images == record.images).all()


def test_names_of_windows_and_of_mac(tmp_path):
    for raw in ("año.png".encode("cp850"), "año.png".encode()):
        member = zipfile.ZipInfo(raw.decode("cp437"))
        assert archive.member_name(member) == "año.png"


def test_a_zip_that_does_harm_writes_nothing(tmp_path, monkeypatch):
    picture = put(tmp_path / "a.png").read_bytes()
    for name in ("../fuera.png", "/fuera.png", "C:/fuera.png", "a/../../fuera.png"):
        path = zipped(tmp_path / "malo.zip", {"gatos/0.png": picture, name: picture})
        with pytest.raises(CourseError, match=r"(?s)quedaría fuera de la carpeta.*Qué hacer"):
            folders.read(path, size=12)
    monkeypatch.setattr(archive, "_LEAST_GB", 0)
    bomb = zipped(tmp_path / "bomba.zip", {"gatos/0.bmp": bytes(5_000_000)})
    with pytest.raises(CourseError, match=r"bomba.zip daría 0,0 GB en 1 archivos. No se ha sacado"):
        folders.read(bomb, size=12)
    (tmp_path / "roto.zip").write_bytes(bomb.read_bytes()[:-9])
    with pytest.raises(CourseError, match="dañado, tiene contraseña o no es un zip"):
        folders.read(tmp_path / "roto.zip", size=12)
    assert not (tmp_path / "cache").exists() or not list((tmp_path / "cache").rglob("*.*"))


def test_a_data_set_of_one_s_own_on_kaggle(tmp_path, monkeypatch):
    monkeypatch.setattr("kagglehub.clients.search_lib_in_call_stack", lambda name: None)
    for name in list(os.environ):
        if name.startswith(("KAGGLE", "COLAB", "TBE_", "DISABLE_")):
            monkeypatch.delenv(name)
    with KaggleStub() as kaggle:
        kaggle.serve("ana/mis-fotos", bytes_of(classes(tmp_path / "x", a=3, b=3)), version=4)
        for name, value in kaggle.environment(tmp_path / "home").items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("course.datasets.download.answers.time.sleep", lambda seconds: None)
        record = folders.read("ana/mis-fotos", size=12)
        assert len(record) == 6 and record.origin.handle == "ana/mis-fotos"
        kaggle.fail(500, times=99, on="GetDataset")
        assert len(folders.read("ana/mis-fotos", size=12)) == 6  # what came before
        kaggle.mend()
        with pytest.raises(CourseError, match=r"(?s)404.*son privados.*mira que ana/otras esté"):
            folders.read("ana/otras", size=12)
        assert kaggle.egress == []
        kaggle.fail(500, times=99, on="GetDataset")
        classes(tmp_path / "input" / "datasets" / "eva" / "suyas" / "fotos", c=3, d=3)
        monkeypatch.setenv("KAGGLE_CACHE_MOUNT_FOLDER", str(tmp_path / "input"))
        assert folders.read("eva/suyas", size=12).class_names == ("c", "d")  # and nobody is asked


def test_a_folder_below_the_pictures_is_a_patient_s(tmp_path):
    home, mask = tmp_path / "piel", np.zeros((24, 24), "uint8")
    mask[4:9, 4:9] = 255
    for patient in range(4):
        for number in range(3):
            inner = f"paciente {patient}/{number}.png"
            put(home / "train" / "imagenes" / inner)
            put(home / "train" / "mascaras" / inner, Image.fromarray(mask))
    record = folders.read(home, size=16)
    assert len(set(record.groups.tolist())) == 4
    assert record.patients[:4] == (*["paciente 0"] * 3, "paciente 1")
    assert "4\u00a0carpetas con imágenes, cada una" in str(record)
    shutil.move(home / "train" / "imagenes" / "paciente 0" / "0.png", home / "train" / "imagenes")
    shutil.move(home / "train" / "mascaras" / "paciente 0" / "0.png", home / "train" / "mascaras")
    assert folders.read(home, size=16).patients[:2] == ("", "paciente 0")


# ---- twins, and the split


def test_twins_are_found_whatever_their_size_and_class(tmp_path):
    home = classes(tmp_path / "todo", gatos=5, perros=5)
    original = scene(96, 160)
    put(home / "gatos" / "x.png", original)
    put(home / "gatos" / "y.jpg", original.resize((80, 48)), quality=70)
    put(home / "perros" / "z.png", original.filter(ImageFilter.GaussianBlur(1)))
    for name in "uv":  # pale, others, as wide: the black around them makes no twins
        put(home / "perros" / f"{name}.png", scene(24, 48).point(lambda level: 180 + level // 8))
    record = folders.read(home, size=32)
    twins = {f for f, n in zip(record.files, record.twins, strict=True) if n == record.twins[5]}
    assert twins == {"gatos/x.png", "gatos/y.jpg", "perros/z.png"}
    assert len(set(record.twins.tolist())) == len(record) - 2
    told = kinds(record)
    assert set(told["twins"]) == set(told["torn twins"]) == twins


def test_a_class_written_in_two_ways_and_masks_among_the_pictures(tmp_path):
    home = classes(tmp_path / "todo", **{"Sano": 3, "sano ": 4, "sáno": 3})
    put(home / "Sano" / "2_mask_1.png")
    put(home / "Sano" / "otra_mask.png")
    record = folders.read(home, size=16)
    assert kinds(record)["masks"] == ("Sano/2_mask_1.png",) and len(record) == 11
    assert "Clases con casi el mismo nombre: «Sano», «sano » y «sáno»." in str(record)
    assert str(record).splitlines()[0].endswith("de 3 a 4 de cada una — imágenes propias: todo")


def test_twins_of_two_patients_are_told(tmp_path):
    home, one, two = tmp_path / "estudio", scene(), scene()
    pictures = [("ana", one), ("ana", scene()), ("eva", one), ("luz", two), ("luz", two), ("", two)]
    pictures += [("ivo", scene()), ("leo", scene()), ("noé", scene())]
    rows = ["file,label,patient"]
    for number, (patient, image) in enumerate(pictures):
        put(home / f"{number}.png", image)
        rows.append(f"{number}.png,{'sí' if number < 6 else 'no'},{patient}")
    (home / "t.csv").write_text("\n".join(rows), "utf-8")
    record = folders.read(home, size=16)
    assert kinds(record)["shared twins"] == ("0.png", "2.png")  # not those of luz and of nobody
    assert record.groups.tolist() == [0, 0, 0, 1, 1, 1, 2, 3, 4]


def test_a_patient_and_twins_join_what_they_touch():
    twins = np.array([0, 1, 1, 2, 3])
    assert reading._joined(twins, ["ana", "ana", None, "eva", None]).tolist() == [0, 0, 0, 1, 2]
    assert reading._joined(twins, [None] * 5).tolist() == twins.tolist()


@pytest.fixture(scope="module")
def hands(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KAGGLEHUB_CACHE", str(tmp_path_factory.mktemp("cache")))
        return folders.read("sample", size=16)


def test_the_split_keeps_groups_whole_and_is_written_down(hands, tmp_path):
    sides = folders.split(hands, test=0.25, validation=0.15, seed=3)
    assert sorted(np.concatenate(sides)) == list(range(480))
    shares = [len(rows) / 480 for rows in sides]
    assert shares == pytest.approx([0.6, 0.15, 0.25], abs=0.02)
    for rows in sides:
        assert set(hands.labels[rows]) == set(range(8))
    train, validation, test = (set(hands.groups[rows].tolist()) for rows in sides)
    assert train.isdisjoint(validation) and test.isdisjoint(train | validation)
    path = tmp_path / "run" / "split.csv"
    folders.save_split(sides, hands, path)
    first = path.read_text(encoding="utf-8-sig").splitlines()[:2]
    assert first[0] == "archivo;parte;clase;grupo"
    assert first[1].startswith("seña A/000.png;") and first[1].endswith(";seña A;0")
    again = folders.load_split(hands, path)
    assert all(np.array_equal(a, b) for a, b in zip(sides, again, strict=True))
    folders.save_split(sides, hands, path)  # as a resumed run does
    with pytest.raises(CourseError, match=r"(?s)split.csv: .*empezó la corrida. Llegó: otro.*nuev"):
        folders.save_split(folders.split(hands, seed=4), hands, path)
    few = folders.split(hands, test=0.25, validation=0.15, seed=3, limit=40)
    assert [len(rows) for rows in few] == [40] * 3 and set(few.train) < set(sides.train)
    assert set(hands.labels[few.train]) == set(range(8))
    folders.save_split(few, hands, tmp_path / "few.csv")
    again = folders.load_split(hands, tmp_path / "few.csv")
    assert all(np.array_equal(a, b) for a, b in zip(few, again, strict=True))
    path.write_text(path.read_text(encoding="utf-8").replace("seña A/000", "otra"), "utf-8")
    with pytest.raises(CourseError, match=r"faltan «otra.png»; sobran «seña A/000.png»"):
        folders.load_split(hands, path)
    with pytest.raises(ValueError, match="Expected test and validation above 0"):
        folders.split(hands, test=0.7, validation=0.3)


def test_a_class_of_twins_alone_cannot_be_divided(tmp_path):
    home, one = classes(tmp_path / "todo", perros=5), scene()
    for number in range(5):
        put(home / "gatos" / f"{number}.png", one)
    with pytest.raises(CourseError, match="«gatos» tiene imágenes distintas para 1 de 3 partes"):
        folders.split(folders.read(home, size=16))


def test_batches_serve_one_side_without_copying_the_others(hands):
    train = folders.split(hands).train
    batches = Batches(hands.images, hands.labels, 32, seed=0, rows=train)
    assert batches.examples == len(train) and len(batches) == -(-len(train) // 32)
    assert np.shares_memory(batches.inputs, hands.images)
    served = np.concatenate([batches[i][0] for i in range(len(batches))])
    order = np.random.default_rng((0, 0)).permutation(train)
    assert (served == hands.images[order]).all()


# ---- the sample and the page


def test_the_sample_with_masks_divides_and_marks_ink(tmp_path):
    record = folders.read("sample", size=64, variant="masks")
    assert record.origin.stands_in and record.origin.variant == "masks"
    assert len(record) == 240 and record.class_names == ("fondo", "255")
    ink = record.masks == 1
    assert record.images[ink].min() > 100 and 0.01 < ink.mean() < 0.2
    assert all(len(side) > 15 for side in folders.split(record))
    text = folders.report(record, tmp_path / "datos.html").read_text(encoding="utf-8")
    assert "en naranja" in text and "Lo que la prueba podrá decir" not in text
    with pytest.raises(CourseError, match="no está vacía"):
        folders.sample(tmp_path)


def test_the_page_shows_what_was_found_and_trusts_no_name(tmp_path):
    home = classes(tmp_path / "to<b>do", **{"ga&tos": 12, "perros": 4})
    put(home / "perros" / "<script>alert(1)<.png") if os.name != "nt" else None
    one = scene()
    put(home / "perros" / "x.png", one)
    put(home / "ga&tos" / "y.png", one)
    (home / "perros" / "rota.jpg").write_bytes(b"")
    record = folders.read(home, size=24)
    path = folders.report(record, tmp_path / "run" / "datos.html")
    text = path.read_text(encoding="utf-8")
    assert "<script" not in text and "<b>do" not in text and "ga&amp;tos" in text
    assert "http" not in text.replace("http-equiv", "")
    for words in ("rota.jpg", "con distinta clase", "Clases desiguales", "Con menos de 50"):
        assert (words in text) == (words != "Clases desiguales")
    # 19 pictures, 18 different: a fifth are 4; 1 - 0.05^(1/4) = 53 %
    assert "Una quinta parte son 4\u00a0imágenes distintas" in text and "53\u00a0%" in text
    assert len(text) < 200_000


def test_the_page_has_all_names_of_what_cannot_be_read(tmp_path):
    home = classes(tmp_path / "fotos", gatos=3, perros=3)
    for number in range(8):
        (home / "gatos" / f"rota & {number}.jpg").write_bytes(b"")
    record = folders.read(home, size=24)
    text = folders.report(record, tmp_path / "datos.html").read_text(encoding="utf-8")
    sentence, _, rest = text.partition("<summary>Todos los nombres</summary>")
    assert "rota &amp; 4.jpg" in sentence and "rota &amp; 5.jpg" not in sentence
    names = rest.partition("</details>")[0]
    assert all(f"«gatos/rota &amp; {number}.jpg»" in names for number in range(8))
    assert text.count("<details>") == 1
