"""The brains that the page may show: made-up ones, those of a folder, uploaded ones.

What the page is given of a volume is small: one byte for each voxel, packed with gzip, which a
browser unpacks by itself. Everything here takes a while and runs beside the server's own thread.
"""

import dataclasses
import gzip
import logging
import re
import secrets
import shutil
import tempfile
import threading
from pathlib import Path

from course import inference, metrics, regions
from course.datasets import brats
from course.datasets.brats import nifti
from course.demo.refusal import Refusal, sentence
from course.errors import CourseError
from course.evaluation.page.volume import grey_levels
from course.inference import run

_LOG = logging.getLogger("course.demo")
MOST_BYTES = 140_000_000  # of a file: 256³ numbers of 8 bytes
_MOST_VOXELS = 256**3  # BraTS has 240 × 240 × 155
_MOST_FILES = 8  # of a case: four modalities and a mask
_MOST_UPLOADS = 4  # kept; the oldest goes
_MADE_UP = 3
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,100}\.nii(\.gz)?")
_EXAMPLE = "BraTS20_Training_001_flair.nii.gz"
_GATE = "up1_attention"  # of all gates the one in the image's own resolution


class Brain:
    """A case and what is known of it so far.

    `state` is "new", "working", and then "done" or "failed"; `progress` that of the segmentation, 0
    to 1. Until uploaded files make a case, `case` is `None`.
    """

    def __init__(self, name="", case=None, folder=None):
        self.name, self.case, self.folder = name, case, folder
        self.state, self.progress, self.error = "new", 0.0, None
        self.volumes_ml = self.dice = None
        self.attention = False  # whether the network that saw it has a gate to show
        self._packed = {}
        self._reading = threading.Lock()

    def about(self):
        """What is known, as the page takes it."""
        about = {"state": self.state, "progress": self.progress, "name": self.name}
        if self.case:
            about |= {
                "shape": nifti.read_header(self._first()).kit_shape,
                "spacing_mm": self.case.spacing_mm,
                "modalities": self.case.modalities,
                "truth": self.case.mask is not None,
            }
        about |= {"volumes_ml": self.volumes_ml, "dice": self.dice, "attention": self.attention}
        return about | (self.error.as_json() if self.error else {"error": None})

    def image(self, modality):
        """A modality as gzip of uint8 `(D, H, W)`; 0 outside the brain."""
        what = f"image {modality}"
        with self._reading:
            if what not in self._packed and self.case and modality in self.case.modalities:
                image, brain, _ = self._read(modality, mask=None)
                self.keep(what, _pack(grey_levels(image, brain)))
        return self.packed(what)

    def truth(self):
        """The expert's mask as gzip of uint8 `(D, H, W)`: 1 WT alone, 2 also TC, 3 also ET."""
        with self._reading:
            if "truth" not in self._packed and self.case and self.case.mask:
                _, _, labels = self._read(self.case.modalities[0], mask=self.case.mask)
                self.keep("truth", _pack(regions.to_regions(labels, self.case.edition).sum(-1)))
        return self.packed("truth")

    def packed(self, what):
        """What is there: "prediction" (as the truth), "attention", "nifti"; or a `Refusal`."""
        if what not in self._packed:
            raise Refusal(404, "Eso no está en este caso.", "This case does not have that.")
        return self._packed[what]

    def keep(self, what, content):
        """Keep something for `packed`."""
        self._packed[what] = content

    def normalised(self):
        """The image as the network takes it, and the true regions `(D, H, W, 3)` or `None`."""
        image, labels = brats.load_case(self.case)
        image = brats.normalize(image, brats.load_brain(self.case, image))
        return image, None if labels is None else regions.to_regions(labels, self.case.edition)

    def failed(self, error):
        """Keep why the network could not see it."""
        self.error, self.state = self._refusal(error), "failed"

    def _refusal(self, error):
        said = "La red no pudo con este caso."
        if isinstance(error, CourseError):
            said = sentence(error, self._first().parent, "El caso")
        return Refusal(422, said, "This case cannot be read, or not be segmented.")

    def _first(self):
        return next(iter(self.case.images.values()))

    def _read(self, modality, mask):
        """One modality, where its brain is, and the labels or `None`."""
        alone = dataclasses.replace(
            self.case, images={modality: self.case.images[modality]}, mask=mask
        )
        try:
            image, labels = brats.load_case(alone)
            return image[..., 0], brats.load_brain(alone, image), labels
        except CourseError as error:
            raise self._refusal(error) from error


class Brains:
    """The cases of one server.

    Args:
        card: The segmentation run's card.
        folder: With cases of BraTS; `None` makes up three, other ones than those of `--source
            sample`.

    Raises:
        CourseError: The folder holds no case.
    """

    def __init__(self, card, folder=None):
        self._card = card
        self._listed = None if folder is None else self._found(folder)
        self._home = tempfile.TemporaryDirectory(prefix="course-demo-", ignore_cleanup_errors=True)
        self._uploads = {}

    def close(self):
        """Remove what was uploaded and made up."""
        self._home.cleanup()

    def listed(self):
        """The cases to choose from: `{id: Brain}`."""
        if self._listed is None:
            from course.datasets.samples import brains

            folder = Path(tempfile.mkdtemp(dir=self._home.name))  # an earlier try may have failed
            self._listed = self._found(brains.write_cases(folder / "cases", _MADE_UP, seed=1))
        return self._listed

    def _found(self, folder):
        cases = brats.find_cases(folder, modalities=self._card["modalities"])
        return {str(n): Brain(case.name, case) for n, case in enumerate(cases, 1)}

    def find(self, key):
        """The brain of an id; a `Refusal` if there is none."""
        brain = self._uploads.get(key) or self.listed().get(key)
        if brain is None:
            raise Refusal(
                404,
                "Ese caso ya no está: elige otro o súbelo de nuevo.",
                "That case is no longer here: choose another, or upload it again.",
            )
        return brain

    # ---- uploaded files

    def new(self):
        """Room for one case's files: its id."""
        idle = [key for key, brain in self._uploads.items() if brain.state != "working"]
        for old in idle[: max(0, len(self._uploads) + 1 - _MOST_UPLOADS)]:
            shutil.rmtree(self._uploads.pop(old).folder, ignore_errors=True)
        key = secrets.token_hex(8)
        self._uploads[key] = Brain(folder=Path(tempfile.mkdtemp(dir=self._home.name)))
        return key

    def place(self, key, name):
        """Where an uploaded file of this name is to be written; a `Refusal` if nowhere."""
        brain = self._uploads.get(key)
        if brain is None or brain.state != "new":
            raise Refusal(
                409,
                "Este caso ya no recibe archivos: empieza otro.",
                "This case takes no more files: begin another.",
            )
        if not _NAME.fullmatch(name):
            raise Refusal(
                422,
                f"Se esperaban archivos NIfTI con los nombres de BraTS, como {_EXAMPLE}.",
                f"Expected NIfTI files with BraTS' names, such as {_EXAMPLE}.",
            )
        if len(list(brain.folder.iterdir())) >= _MOST_FILES:
            raise Refusal(
                413,
                f"Un caso tiene como mucho {_MOST_FILES} archivos.",
                f"A case has at most {_MOST_FILES} files.",
            )
        return brain.folder / name

    def check(self, path):
        """Raise a `Refusal` and remove an uploaded file that is no volume, or too large a one."""
        try:
            depth, height, width = nifti.read_header(path).kit_shape
        except CourseError as error:
            path.unlink(missing_ok=True)
            raise Refusal(
                422,
                sentence(error, path.parent),
                f"{path.name} is no NIfTI file that can be read: it is damaged or another format.",
            ) from error
        if depth * height * width > _MOST_VOXELS:
            path.unlink()
            raise Refusal(
                413,
                f"{path.name} tiene demasiados vóxeles: se esperaban como mucho 256×256×256.",
                f"{path.name} has too many voxels: expected at most 256×256×256.",
            )

    def gather(self, brain):
        """Make a case of the files that were uploaded; nothing changes where there is one."""
        if brain.case:
            return
        wanted = self._card["modalities"]
        try:
            cases = brats.find_cases(brain.folder, modalities=wanted)
        except CourseError as error:
            raise Refusal(
                422,
                sentence(error, brain.folder, "Lo que subiste"),
                f"The uploaded files are not one whole case: expected {', '.join(wanted)} of one "
                f"patient, with BraTS' names, such as {_EXAMPLE}.",
            ) from error
        if len(cases) > 1:
            raise Refusal(
                422,
                f"Se esperaban los archivos de un solo caso. Llegó: {len(cases)}.",
                f"Expected the files of one case. Received: {len(cases)}.",
            )
        brain.case, brain.name = cases[0], cases[0].name

    # ---- in the network's thread

    def segment(self, brain, model):
        """Let the network see a whole brain; what comes of it, or the error, is in the brain."""

        def done(share):
            brain.progress = share

        try:
            image, truth = brain.normalised()
            spacing_mm = brain.case.spacing_mm
            masks = run.masks_in(model, image, self._card, spacing_mm, progress=done)
            brain.volumes_ml = run.volumes_of(masks, spacing_mm)
            if truth is not None:
                brain.dice = {
                    name: metrics.dice_score(truth[..., i], masks[..., i])
                    for i, name in enumerate(regions.REGIONS)
                }
            brain.keep("prediction", _pack(masks.sum(-1)))
            brain.keep("nifti", self._as_file(brain.case, masks))
            brain.attention = _has_gate(model)
            brain.state = "done"
        except Exception as error:
            if not isinstance(error, CourseError):
                _LOG.exception("a brain could not be segmented")
            brain.failed(error)

    def _as_file(self, case, masks):
        """The mask as a file that lies exactly over the case's images."""
        labels = regions.from_regions(masks, case.edition)
        with tempfile.TemporaryDirectory(dir=self._home.name) as folder:
            return brats.save_mask(case, labels, Path(folder, "mask.nii.gz")).read_bytes()

    def attend(self, brain, model):
        """The finest attention gate's map as gzip of uint8 `(D, H, W)`, 255 for 1."""
        import keras
        import numpy as np

        try:
            return brain.packed("attention")
        except Refusal:
            if brain.case is None or not _has_gate(model):
                raise
        image, _ = brain.normalised()
        gate = keras.Model(model.inputs, model.get_layer(_GATE).output)
        seen = inference.predict_volume(gate, image, patch=self._card["patch"])[..., 0]
        brain.keep("attention", _pack(np.rint(255 * seen * image.any(-1))))
        return brain.packed("attention")


def _has_gate(model):
    return _GATE in [layer.name for layer in model.layers]


def _pack(array):
    return gzip.compress(array.astype("uint8").tobytes(), 1, mtime=0)
