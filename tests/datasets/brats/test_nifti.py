"""NIfTI in and out: orientation, damage, and an independent reading of the same bytes."""

import gzip
import struct
import tracemalloc
import warnings

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course.datasets.brats import nifti
from course.datasets.brats.nifti import read_header, same_place
from course.errors import CourseError
from course.spanish import number
from tests import FUZZ
from tests.brats_fakes import LPS, put
from tests.brats_fakes import nifti as nifti_bytes
from tests.fuzzing import one_input

VALUES = np.arange(24, dtype="int16").reshape(2, 3, 4) * 5 - 19
RAS = np.diag([2.0, 3.0, 4.0, 1.0])


def read(path):
    return nifti.read(read_header(path))


def in_kit(values, affine):
    """The values in the kit's orientation, by way of nibabel's own RAS."""
    image = nibabel.Nifti1Image(np.asarray(values, "float64"), affine)
    turned = nibabel.as_closest_canonical(image)
    return turned.get_fdata().transpose(2, 1, 0)[:, ::-1, ::-1]


# ---- what is read


def test_ras_and_lps_with_a_pencil(tmp_path):
    one = np.zeros((2, 3, 4), "uint8")
    one[0, 1, 3] = 9  # x 0, y 1, z 3
    # RAS: x grows to the right, y to the front, so H and W run the other way
    found = read(put(tmp_path / "ras.nii", nifti_bytes(one, RAS)))
    assert found.shape == (4, 3, 2) and found.dtype == "float32"
    assert np.argwhere(found).tolist() == [[3, 1, 1]]
    found = read(put(tmp_path / "lps.nii", nifti_bytes(one, LPS)))
    assert np.argwhere(found).tolist() == [[3, 1, 0]]


def test_spacing_goes_with_the_axes(tmp_path):
    header = read_header(put(tmp_path / "a.nii", nifti_bytes(VALUES, RAS)))
    assert header.spacing_mm == (4.0, 3.0, 2.0) and header.kit_shape == (4, 3, 2)
    pir = [[0, 0, 2.0, 0], [-3.0, 0, 0, 0], [0, -5.0, 0, 0], [0, 0, 0, 1]]  # stored P, I, R
    header = read_header(put(tmp_path / "b.nii", nifti_bytes(VALUES, pir)))
    assert header.spacing_mm == (5.0, 3.0, 2.0) and header.kit_shape == (3, 2, 4)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["u1", "i1", "i2", "u2", "i4", "u4", "f4", "f8"])
@pytest.mark.parametrize("slope, inter", [(0, 0), (1, 0), (0.5, -3), (-2, 0)])
def test_every_kind_of_number(tmp_path, kind, order, slope, inter):
    values = VALUES.clip(0) if kind[0] == "u" else VALUES
    data = nifti_bytes(values.astype(kind), RAS, order=order, slope=slope, inter=inter)
    found = read(put(tmp_path / "a.nii.gz", data))
    np.testing.assert_array_equal(found, in_kit(values * (slope or 1) + inter, RAS))


def test_a_large_whole_number_keeps_its_difference_to_the_intercept(tmp_path):
    values = np.full((1, 1, 3), 2**30, "int32") + np.array([0, 1, 2])
    data = nifti_bytes(values.astype("i4"), slope=1, inter=-(2.0**30))
    assert read(put(tmp_path / "a.nii", data)).ravel().tolist() == [0, 1, 2]


def test_gzip_is_told_by_its_bytes_and_not_by_the_name(tmp_path):
    (tmp_path / "zipped.nii").write_bytes(gzip.compress(nifti_bytes(VALUES)))
    (tmp_path / "plain.nii.gz").write_bytes(nifti_bytes(VALUES))
    np.testing.assert_array_equal(read(tmp_path / "zipped.nii"), read(tmp_path / "plain.nii.gz"))


def test_what_nibabel_writes(tmp_path):
    oblique = np.array(RAS)
    oblique[:3, :3] = [[0.9, -0.3, 0], [0.3, 0.9, 0.1], [0, -0.1, 1.5]]
    for name, form in (("1", nibabel.Nifti1Image), ("2", nibabel.Nifti2Image)):
        image = form(VALUES, oblique)
        image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"hello"))
        nibabel.save(image, tmp_path / f"{name}.nii.gz")
        np.testing.assert_array_equal(read(tmp_path / f"{name}.nii.gz"), in_kit(VALUES, oblique))


def test_a_qform_alone_is_enough(tmp_path):
    image = nibabel.Nifti1Image(VALUES, None)
    image.set_qform(np.array(LPS), 1)
    nibabel.save(image, tmp_path / "a.nii")
    np.testing.assert_array_equal(read(tmp_path / "a.nii"), VALUES.transpose(2, 1, 0))


def test_out_is_filled_in_place(tmp_path):
    header = read_header(put(tmp_path / "a.nii", nifti_bytes(VALUES, RAS)))
    image = np.full((4, 3, 2, 2), -1, "float32")
    nifti.read(header, image[..., 1])
    np.testing.assert_array_equal(image[..., 1], in_kit(VALUES, RAS))
    assert (image[..., 0] == -1).all()


# ---- what is not


def changed(at, form, *values):
    data = bytearray(nifti_bytes(VALUES))
    struct.pack_into(form, data, at, *values)
    return bytes(data)


NAN = np.where(VALUES == 1, np.nan, VALUES).astype("f4")
INFINITE = np.where(VALUES == 1, 1e300, VALUES).astype("f8")  # in float32
GZ = gzip.compress(nifti_bytes(VALUES), mtime=0)
DAMAGED = {
    "empty": (b"", "un archivo vacío"),
    "text": (b"Grade,BraTS\r\n" * 100, "otro formato"),
    "short": (nifti_bytes(VALUES)[:200], "otro formato o una cabecera dañada"),
    "pair": (changed(344, "4s", b"ni1\0"), "una mitad de una pareja .hdr y .img"),
    "cut": (nifti_bytes(VALUES)[:-1], "uno cortado, de 399 bytes"),
    "longer": (nifti_bytes(VALUES) + b"\0", "más bytes"),
    "gz cut": (GZ[:-9], "no se puede leer"),
    "gz cut in the header": (GZ[:40], "no se puede leer"),
    "gz checksum": (GZ[:-8] + b"\0\0\0\0" + GZ[-4:], "no se puede leer"),
    "gz of nothing": (gzip.compress(b""), "un archivo vacío"),
    "4D": (nifti_bytes(np.zeros((2, 3, 4, 2), "i2")), "4 (2 × 3 × 4 × 2).\nQué hacer: guarda cada"),
    "2D": (nifti_bytes(np.zeros((2, 3), "i2")), "un volumen de tres ejes. Llegó: 2 (2 × 3)"),
    "no voxels": (nifti_bytes(VALUES, dim=(2, 0, 4)), "una cabecera que dice 2 × 0 × 4"),
    "negative": (nifti_bytes(VALUES, dim=(2, -3, 4)), "una cabecera que dice 2 × -3 × 4"),
    "complex": (nifti_bytes(VALUES.astype("c8")), "números enteros o reales"),
    "no type": (changed(70, "h", 77), "la cabecera de un archivo NIfTI"),
    "nan": (nifti_bytes(NAN), "NaN o infinito en 1\u00a0vóxel"),
    "infinite": (nifti_bytes(INFINITE), "NaN o infinito en 1\u00a0vóxel"),
    "metres": (nifti_bytes(VALUES, units=1), "unidades de código 1"),
    "nowhere": (nifti_bytes(VALUES, sform=0), "no dice cómo está puesto en el paciente"),
    "huge voxels": (nifti_bytes(VALUES, np.diag([1, 1, 1e4, 1])), "1 × 1 × 1e+04"),
    "flat": (nifti_bytes(VALUES, np.ones((4, 4))), "ejes que casi coinciden"),
    "nan affine": (changed(280, "f", np.nan), "una matriz afín con vóxeles"),
    "offset": (changed(108, "f", 1e9), "cortado"),
    "nan offset": (changed(108, "f", np.nan), "la cabecera de un archivo NIfTI"),
    "negative offset": (changed(108, "f", -352), "se esperaba"),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_is_one_message(tmp_path, name):
    data, words = DAMAGED[name]
    path = tmp_path / "scan.nii"
    path.write_bytes(data)
    with pytest.raises(CourseError) as caught:
        read(path)
    assert str(path) in str(caught.value) and words in str(caught.value)
    assert "Llegó: " in str(caught.value) and path.read_bytes() == data
    assert str(caught.value).count("Qué hacer: ") == 1  # one piece of advice, and the right one


def test_a_gzip_is_known_to_be_cut_by_its_header_alone(tmp_path):
    path = put(tmp_path / "scan.nii.gz", nifti_bytes(VALUES))
    assert read_header(path).shape == VALUES.shape
    whole = path.read_bytes()
    for size in (len(whole) - 1, len(whole) - 8, len(whole) // 2):
        path.write_bytes(whole[:size])
        with pytest.raises(CourseError, match="no se puede leer"):
            read_header(path)
    path.write_bytes(gzip.compress(nifti_bytes(VALUES)[:-1]))
    with pytest.raises(CourseError, match="uno cortado, de 399 bytes"):
        read_header(path)


def test_a_gzip_of_several_parts_is_whole(tmp_path):
    data = nifti_bytes(VALUES)
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(data[:360]) + gzip.compress(data[360:]))
    np.testing.assert_array_equal(read(tmp_path / "a.nii.gz"), read(put(tmp_path / "b.nii", data)))


def test_what_is_no_file(tmp_path):
    (tmp_path / "scan.nii").mkdir()
    with pytest.raises(
        CourseError, match="scan.nii: se esperaba un archivo NIfTI .*Llegó: una carpeta"
    ):
        read_header(tmp_path / "scan.nii")
    with pytest.raises(CourseError, match="none.nii: .*Llegó: ningún archivo"):
        read_header(tmp_path / "none.nii")


@pytest.mark.parametrize("sides", [(30_000, 30_000, 30_000), (512, 512, 512)])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_a_header_that_claims_too_much_is_refused_before_memory_is_taken(tmp_path, name, sides):
    path = put(tmp_path / name, nifti_bytes(VALUES, dim=sides))
    tracemalloc.start()
    with pytest.raises(CourseError, match=" × ".join(number(side, 0) for side in sides)):
        read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_same_place(tmp_path):
    def header(name, affine, array=VALUES):
        return read_header(put(tmp_path / name, nifti_bytes(array, affine)))

    moved, rounded = np.array(RAS), np.array(RAS)
    moved[0, 3] += 2  # one voxel
    rounded[:3, :3] *= 1 + 1e-6
    first = header("a.nii", RAS)
    assert same_place(first, header("b.nii", rounded)) == ""
    assert same_place(first, header("c.nii", moved)) == "está en otro lugar, hasta a 2,00 mm"
    turned = header("d.nii", np.diag([-2, 3, 4, 1]))
    assert "en otro lugar" in same_place(first, turned)
    other = header("e.nii", RAS, VALUES[:, :, :3])
    assert same_place(first, other) == "tiene 2 × 3 × 3 vóxeles, no 2 × 3 × 4"


# ---- what is written


@st.composite
def affines(draw):
    """A signed permutation of the axes with sizes of its own: each of the 48 orientations."""
    matrix = np.zeros((4, 4))
    for axis, to in enumerate(draw(st.permutations(range(3)))):
        matrix[to, axis] = draw(st.sampled_from([-1, 1])) * draw(st.sampled_from([0.5, 1, 3]))
    matrix[:3, 3] = draw(st.lists(st.integers(-200, 200), min_size=3, max_size=3))
    matrix[3, 3] = 1
    return matrix


@given(affine=affines(), shape=st.tuples(*[st.integers(1, 4)] * 3), order=st.sampled_from("<>"))
@settings(max_examples=60 * FUZZ, deadline=None)
def test_labels_come_back_where_they_were(tmp_path_factory, affine, shape, order):
    folder = tmp_path_factory.mktemp("back")
    labels = np.random.default_rng(0).integers(0, 5, shape).astype("uint8")
    path = put(folder / "in.nii", nifti_bytes(labels, affine, order=order))
    found = read(path)
    np.testing.assert_array_equal(found, in_kit(labels, affine))
    written = nibabel.load(nifti.write_labels(found, read_header(path), folder / "out.nii"))
    np.testing.assert_array_equal(np.asanyarray(written.dataobj), labels)
    np.testing.assert_array_equal(written.affine, affine)


@pytest.mark.parametrize("form", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_what_is_written_keeps_the_header_and_no_scale(tmp_path, form):
    like = form(VALUES.astype("f4"), RAS)
    like.set_qform(RAS, 1)
    like.header.set_xyzt_units("mm", "sec")
    like.header["cal_max"] = 400
    like.header.set_slope_inter(2, 5)
    nibabel.save(like, tmp_path / "like.nii")
    labels = np.full((4, 3, 2), 4, "uint8")
    header = read_header(tmp_path / "like.nii")
    path = nifti.write_labels(labels, header, tmp_path / "new" / "mask.nii.gz")
    found = nibabel.load(path)
    assert type(found) is form and found.get_data_dtype() == "uint8"
    assert (np.asanyarray(found.dataobj) == 4).all()
    assert found.header.get_xyzt_units() == ("mm", "sec")
    assert (found.header["sform_code"], found.header["qform_code"]) == (2, 1)
    assert found.header["cal_max"] == 0
    np.testing.assert_array_equal(found.get_qform(), RAS)


def test_a_full_disk_costs_neither_the_old_file_nor_leaves_a_half_one(tmp_path, monkeypatch):
    like = put(tmp_path / "like.nii", nifti_bytes(VALUES))
    old = put(tmp_path / "mask.nii", b"old")

    def full(self, data):
        with open(self, "wb") as file:
            file.write(data[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(CourseError, match="No se pudo escribir .*mask.nii: el disco está lleno"):
        nifti.write_labels(np.zeros((4, 3, 2), "uint8"), read_header(like), old)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["like.nii", "mask.nii"]
    assert old.read_bytes() == b"old"


@pytest.mark.parametrize("name", ["mask.png", "mask", "folder.nii", "like.nii/mask.nii"])
def test_a_place_where_no_mask_can_be(tmp_path, name):
    like = put(tmp_path / "like.nii", nifti_bytes(VALUES))
    (tmp_path / "folder.nii").mkdir()
    with pytest.raises(
        CourseError, match="se esperaba un nombre que termina en|No se pudo escribir"
    ):
        nifti.write_labels(np.zeros((4, 3, 2), "uint8"), read_header(like), tmp_path / name)
    assert like.read_bytes() == nifti_bytes(VALUES)


def test_labels_of_another_shape(tmp_path):
    like = put(tmp_path / "like.nii", nifti_bytes(VALUES))
    with pytest.raises(ValueError, match=r"Expected labels of shape \(4, 3, 2\)"):
        nifti.write_labels(np.zeros((2, 3, 4), "uint8"), read_header(like), tmp_path / "mask.nii")


# ---- bytes changed, lost, added


def by_hand(data):
    """The values that a .nii file holds, by the places of the standard."""
    order = "<" if data[:4] == struct.pack("<i", 348) else ">"
    rank, *sides = struct.unpack_from(order + "8h", data, 40)
    assert 3 <= rank <= 7 and set(sides[3:rank]) <= {1}  # further axes of 1 are left out
    sides = sides[:3]
    (code,) = struct.unpack_from(order + "h", data, 70)
    offset, slope, inter = struct.unpack_from(order + "3f", data, 108)
    kinds = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4",
             1024: "i8", 1280: "u8"}  # fmt: skip
    stored = np.frombuffer(data[int(offset) :], np.dtype(order + kinds[code]))
    values = stored.astype("float64").reshape(sides, order="F")
    if slope and np.isfinite(slope):
        values = values * slope + inter
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        affine = nibabel.Nifti1Header(data[:348]).get_best_affine()
    return in_kit(values, affine)


@st.composite
def mutated(draw, data):
    """Up to three places overwritten, cut or added to; most often in the header."""
    out = bytearray(data)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.one_of(st.integers(0, min(355, len(out))), st.integers(0, len(out))))
        new = draw(st.one_of(st.binary(max_size=4), st.integers(0, 7).map(lambda n: bytes([n]))))
        lost = draw(st.sampled_from([len(new)] * 4 + [0, 1, 40]))
        out[at : at + lost] = new
    return bytes(out)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "scan.nii"


def answer(path, data):
    """What is read of these bytes, or None for an error message."""
    path.write_bytes(data)
    form = "NIfTI in gzip" if data[:2] == b"\x1f\x8b" else "NIfTI"
    try:
        with one_input(form):
            return read(path)
    except CourseError as error:
        assert str(path) in str(error) and "Llegó: " in str(error)
        return None
    finally:
        assert [found.name for found in path.parent.iterdir()] == [path.name]


def agrees(found, data):
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(found, by_hand(data), rtol=1e-5, atol=1e-30)


@pytest.mark.parametrize("order", ["<", ">"])
def test_mutated_files(path, order):
    good = nifti_bytes(VALUES, RAS, order=order, slope=0.5, inter=2)

    @given(data=mutated(good))
    @settings(max_examples=300 * FUZZ, deadline=None)
    def check(data):
        found = answer(path, data)
        if found is not None:
            agrees(found, data)
        else:
            assert data != good

    check()


def test_mutated_gzip(path):
    good = nifti_bytes(VALUES, RAS)

    @given(data=mutated(gzip.compress(good, mtime=0)))
    @settings(max_examples=300 * FUZZ, deadline=None)
    def check(data):
        found = answer(path, data)
        if found is not None:  # only gzip's own header, its time or name, can change unnoticed
            agrees(found, good)

    check()


def test_mutated_inside_a_good_gzip(path):
    @given(data=mutated(nifti_bytes(VALUES, RAS)))
    @settings(max_examples=200 * FUZZ, deadline=None)
    def check(data):
        plain, zipped = answer(path, data), answer(path, gzip.compress(data, 1))
        assert (plain is None) == (zipped is None)
        if plain is not None:
            np.testing.assert_array_equal(plain, zipped)

    check()
