"""NIfTI files: read so that no damaged one passes, written so that none is lost.

Axes. A file stores x, y, z in any order and direction and says which in its affine. The kit's
arrays are always `(D, H, W)`: D from inferior to superior, H from anterior to posterior, W from the
patient's right to left, so that `imshow(image[d])` is a radiologist's view.
"""

import gzip
import logging
import math
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from course import files
from course.errors import CourseError
from course.spanish import count, number

_MOST_VOXELS = 512**3  # of BraTS: 240 × 240 × 155
_SIZES_MM = (0.01, 100.0)  # what a voxel may measure
_SAME = 0.05  # of a voxel: headers hold float32, and tools round
_REPLACE = "el archivo está dañado o es otro: pon en su lugar una copia nueva."
_UNREADABLE = (OSError, EOFError, zlib.error)  # gzip.BadGzipFile is an OSError
_QUIET = logging.Logger("course.nifti", logging.CRITICAL + 1)  # nibabel names what it mends


@dataclass(frozen=True)
class Header:
    """What a file says of itself, checked; axes as stored."""

    path: Path
    raw: object  # nibabel's header, in the file's byte order
    shape: tuple  # three sides, in voxels
    affine: np.ndarray  # 4×4, voxel indices to millimetres

    @property
    def spacing_mm(self):
        """The voxel's size along D, H and W."""
        sizes = _voxel_sizes(self.affine)
        return tuple(float(sizes[axis]) for axis in self._order())

    @property
    def step(self):
        """How far apart two values are that a file of whole numbers can hold; 0 for real ones."""
        if self.raw.get_data_dtype().kind == "f":
            return 0.0
        return abs(self.raw.get_slope_inter()[0] or 1.0)

    @property
    def kit_shape(self):
        """The shape `(D, H, W)`."""
        return tuple(self.shape[axis] for axis in self._order())

    def _order(self):
        """Which stored axis is D, which H, which W."""
        from nibabel import io_orientation

        x_y_z = np.argsort(io_orientation(self.affine)[:, 0])
        return x_y_z[::-1].tolist()


def read_header(path) -> Header:
    """Read what a file says of itself, and none of its voxels.

    It takes a .nii, plain or gzipped, NIfTI-1 or NIfTI-2, of either byte order, with three axes of
    at most 512³ voxels in all; further axes of length 1 are left out. What is cut short, or
    promises what cannot be, is a CourseError.
    """
    path = Path(path)
    if not path.is_file():
        found = "una carpeta" if path.is_dir() else "ningún archivo con ese nombre"
        raise _wrong(path, "un archivo NIfTI (.nii o .nii.gz)", found, "revisa la ruta.")
    try:
        with files.opened(path) as file:
            start = file.read(540)
    except _UNREADABLE as error:
        raise _unreadable(path, error) from error
    header = _checked(_nibabel_header(start, path), path)
    _check_size(header)
    return header


def same_place(one, other) -> str:
    """An empty text when two headers' voxels coincide, otherwise how they differ."""
    if one.shape != other.shape:
        return f"tiene {_sides(other.shape)} vóxeles, no {_sides(one.shape)}"
    corners = np.array(np.meshgrid(*((0, side - 1) for side in one.shape))).reshape(3, -1)
    moved = (one.affine - other.affine)[:3] @ np.vstack([corners, np.ones(8)])
    worst_mm = float(np.sqrt((moved**2).sum(0)).max())
    same = worst_mm <= _SAME * _voxel_sizes(one.affine).min()
    return "" if same else f"está en otro lugar, hasta a {number(worst_mm)} mm"


def is_placed(affine) -> bool:
    """Whether an affine says more than one that is made up for a bare array."""
    return not np.array_equal(np.abs(affine), np.eye(4))


def lost_place(one, other) -> str:
    """What mends a file that has lost its place in the patient and nothing else, or "".

    A program that makes a NIfTI file of an array alone gives it the identity as affine, or, as ITK
    does, the identity with x and y turned round. Any other difference may be in the voxels too.
    """
    if one.shape != other.shape or is_placed(one.affine) == is_placed(other.affine):
        return ""
    good, bad = (one, other) if is_placed(one.affine) else (other, one)
    return f"\nQué hacer: {_mending(bad.path, good.path)}"


def _mending(path, image):
    """How a file made of an array alone gets the affine of the image that the array was made on."""
    ending = ".nii.gz" if path.name.endswith(".gz") else ".nii"
    new = path.with_name(f"{path.name.removesuffix(ending)}_con_lugar{ending}")
    return (
        f"{path.name} parece hecho de un arreglo, sin la matriz afín de su imagen. Solo si ese "
        "arreglo tiene los vóxeles en el orden de la imagen (el de np.asarray(img.dataobj)), "
        "escríbelo otra vez, en Python, con la matriz de ella:\n"
        "    import os, nibabel as nib, numpy as np\n"
        f"    img, seg = nib.load({str(image)!r}), nib.load({str(path)!r})\n"
        f"    nib.save(nib.Nifti1Image(np.asanyarray(seg.dataobj), img.affine), {str(new)!r})\n"
        f"    os.replace({str(new)!r}, {str(path)!r})\n"
        "Si no lo sabes, búscalo donde se hizo: con otro orden quedaría en otro lugar, sin aviso."
    )


def content(path):
    """What a NIfTI file holds, in short: the bytes, unpacked, and their CRC-32.

    gzip has both in its last eight bytes, so that a packed file costs next to nothing. What those
    do not say as the header promises is read.
    """
    header = read_header(path)
    promised = header.raw.get_data_offset() + _voxel_bytes(header)
    try:
        with files.opened(path) as file:
            if isinstance(file, gzip.GzipFile):
                with open(path, "rb") as packed:
                    packed.seek(-8, os.SEEK_END)
                    checksum, size = struct.unpack("<II", packed.read())
                if size == promised:
                    return [size, checksum]
            size = checksum = 0
            while piece := file.read(1 << 20):
                size, checksum = size + len(piece), zlib.crc32(piece, checksum)
            return [size, checksum]
    except _UNREADABLE as error:
        raise _unreadable(path, error) from error


def read(header, out=None):
    """Read a file's voxels, slice by slice, scaled: float32 `(D, H, W)`, into `out` if it is given.

    A file that is cut, longer than its header says, or holds NaN or infinity is a CourseError.
    """
    from nibabel.arrayproxy import ArrayProxy

    if out is None:
        out = np.empty(header.kit_shape, "float32")
    stored = _as_stored(out, header.affine)  # the same memory, seen in the file's axes
    bad = 0
    try:
        # NumPy warns of what becomes infinite: it is counted here
        with files.opened(header.path) as file, np.errstate(all="ignore"):
            voxels = ArrayProxy(file, header.raw)
            for index in range(header.shape[2]):
                plane = voxels[:, :, index].astype("float32", copy=False)
                bad += plane.size - np.count_nonzero(np.isfinite(plane))
                stored[:, :, index] = plane
            longer = bool(file.read(1))  # reading the end, gzip compares its checksum
    except (*_UNREADABLE, ValueError) as error:  # ValueError: nibabel's, of too few bytes
        raise _unreadable(header.path, error) from error
    if longer:
        raise _wrong(header.path, "un archivo con los vóxeles de su cabecera", "uno con más bytes")
    if bad:
        found = f"NaN o infinito en {count(bad, 'vóxel', 'vóxeles')}"
        raise _wrong(header.path, "un volumen de números", found)
    return out


def write_labels(labels, like, path) -> Path:
    """Write a mask, uint8 `(D, H, W)`, that lies exactly over the file of the header `like`.

    Shape, affine, axes and units are that file's. The path ends in .nii or .nii.gz; what was there
    stays until the new file is whole.
    """
    import nibabel

    path = Path(path)
    stored = _as_stored(np.asarray(labels, "uint8"), like.affine)
    if stored.shape != like.shape:
        raise ValueError(
            f"Expected labels of shape {like.kit_shape}. Received: shape {np.shape(labels)}"
        )
    if not path.name.endswith((".nii", ".nii.gz")):
        expected = "un nombre que termina en .nii o .nii.gz"
        raise _wrong(path, expected, path.name, "ponle otro nombre a la máscara.")
    raw = like.raw.as_byteswapped("<")
    raw.set_data_dtype("uint8")
    raw.set_slope_inter(1, 0)
    raw["cal_min"] = raw["cal_max"] = 0
    raw.set_intent("none")
    kind = {348: nibabel.Nifti1Image, 540: nibabel.Nifti2Image}[raw.sizeof_hdr]
    data = kind(stored, None, raw).to_bytes()
    files.write(path, gzip.compress(data, 6, mtime=0) if path.name.endswith(".gz") else data)
    return path


def _nibabel_header(start, path):
    """nibabel's own header, of a file's first bytes and in its byte order."""
    import nibabel

    for form in (nibabel.Nifti1Header, nibabel.Nifti2Header):
        size = form.sizeof_hdr
        order = {size.to_bytes(4, name): name for name in ("little", "big")}.get(start[:4])
        if not order or len(start) < size:
            continue
        raw = form(start[:size], order, check=False)
        if raw["magic"] == form.pair_magic:
            pair = "una mitad de una pareja .hdr y .img"
            raise _wrong(path, "un archivo NIfTI", pair, "guarda las dos como un solo .nii.")
        if raw["magic"] == form.single_magic:
            return raw
    found = "otro formato o una cabecera dañada" if start else "un archivo vacío"
    raise _wrong(path, "un archivo NIfTI", found)


def _checked(raw, path):
    """The header, with each of its promises checked."""
    try:
        raw.check_fix(_QUIET, error_level=40)
        shape = tuple(int(side) for side in raw.get_data_shape())
        affine = np.asarray(raw.get_best_affine(), "float64")
        dtype = raw.get_data_dtype()
        raw.get_data_offset()  # these two raise where they are no numbers
        raw.get_slope_inter()
    except Exception as error:  # of nibabel, of NumPy: each damage has its own
        raise _wrong(path, "la cabecera de un archivo NIfTI", str(error)) from error
    axes = int(raw["dim"][0])  # the standard has up to 7
    if 3 < axes <= 7 and set(shape[3:]) == {1}:
        shape = shape[:3]
        raw.set_data_shape(shape)
    if len(shape) != 3:
        advice = "guarda cada volumen en su propio archivo." if len(shape) > 3 else _REPLACE
        raise _wrong(path, "un volumen de tres ejes", f"{len(shape)} ({_sides(shape)})", advice)
    if min(shape) < 1 or math.prod(shape) > _MOST_VOXELS:
        most = f"un volumen de {number(_MOST_VOXELS, 0)} vóxeles como mucho"
        raise _wrong(path, most, f"una cabecera que dice {_sides(shape)}")
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        expected = "un volumen de números enteros o reales, de 8 bytes como mucho"
        raise _wrong(path, expected, f"{dtype}")
    if not raw["sform_code"] > 0 and not raw["qform_code"] > 0:
        lost = "ni sform ni qform: no dice cómo está puesto en el paciente"
        raise _wrong(path, "una matriz afín", lost, _mending(path, "IMAGEN.nii.gz"))
    units = int(raw["xyzt_units"]) & 7
    if units not in (0, 2):  # unknown, millimetres
        raise _wrong(path, "un volumen medido en milímetros", f"unidades de código {units}")
    sizes = _voxel_sizes(affine) if np.isfinite(affine).all() else np.zeros(3)
    if not (sizes.min() >= _SIZES_MM[0] and sizes.max() <= _SIZES_MM[1]):
        found = " × ".join(f"{size:.4g}" for size in sizes)
        raise _wrong(path, "una matriz afín con vóxeles de 0,01 a 100 mm", found)
    if abs(np.linalg.det(affine[:3, :3] / sizes)) < 0.1:  # 1 for a rotation
        raise _wrong(path, "una matriz afín con tres ejes", "ejes que casi coinciden")
    return Header(path, raw, shape, affine)


def _check_size(header):
    """Compare with what lies on the disk, before any memory is taken."""
    offset = header.raw.get_data_offset()
    promised = offset + _voxel_bytes(header)
    try:
        size = _unpacked_size(header.path, promised)
    except _UNREADABLE as error:
        raise _unreadable(header.path, error) from error
    if offset < 348 or size < promised:
        expected = f"un archivo de {_sides(header.shape)} vóxeles y {number(promised, 0)} bytes"
        raise _wrong(header.path, expected, f"uno cortado, de {number(size, 0)} bytes")


def _voxel_bytes(header):
    return math.prod(header.shape) * header.raw.get_data_dtype().itemsize


def _unpacked_size(path, promised):
    """How many bytes a file holds, those that gzip packed into it.

    gzip's last four bytes say so. Where they do not say what was promised, the file is cut, or has
    parts, and is read to its end.
    """
    with files.opened(path) as file:
        if not isinstance(file, gzip.GzipFile):
            return os.path.getsize(path)
        with open(path, "rb") as packed:
            packed.seek(-4, os.SEEK_END)
            said = int.from_bytes(packed.read(), "little")
        return said if said == promised else file.seek(0, os.SEEK_END)


def _as_stored(array, affine):
    """An array `(D, H, W)` seen in a file's own axes; a view, no copy."""
    from nibabel import orientations

    kit = orientations.axcodes2ornt(("S", "P", "L"))  # where D, H and W of the kit's arrays end
    change = orientations.ornt_transform(kit, orientations.io_orientation(affine))
    return orientations.apply_orientation(array, change)


def _voxel_sizes(affine):
    return np.sqrt((affine[:3, :3] ** 2).sum(0))


def _sides(shape):
    return " × ".join(number(side, 0) for side in shape)


def _unreadable(path, error):
    return _wrong(path, "un archivo NIfTI entero", f"no se puede leer ({error})")


def _wrong(path, expected, received, advice=_REPLACE):
    return CourseError(f"{path}: se esperaba {expected}. Llegó: {received}.\nQué hacer: {advice}")
