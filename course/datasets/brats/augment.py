"""Random changes of an image and its mask together, in 2D and 3D, each drawn from a generator."""

import dataclasses
import itertools

import numpy as np
from scipy import sparse

_LARGEST_ANGLE_DEG = 15.0
_ZOOMS = (0.85, 1.2)
# As spread as in nnU-Net's public trainers: by default brightness and contrast each multiply by
# 0.75 to 1.25, and nnUNetTrainerV2_DA3 also adds a number with a standard deviation of 0.2.
_GAINS = (0.65, 1.35)
_LARGEST_SHIFT = 0.35  # standard deviations of the channel: the image is normalised
_LARGEST_NOISE = 0.1  # the same
_SHARE_TURNED = 0.3  # of the samples: it costs most; the others keep their voxels as they are
_SHARE_NOISY = 0.15
_FLOATS16 = np.arange(2**16, dtype="uint16").view("float16").astype("float32")  # all there are


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """One change: a turn and a zoom in one plane, flips, and new intensities.

    In 3D the plane is one of three, so that a volume costs hardly more than its slices: bilinear
    interpolation is then one sparse matrix times the voxels, for all slices and channels at once.
    Voxels are taken to be as long as wide. The image is interpolated linearly, the mask takes its
    nearest voxel; background, where a channel is 0, stays 0 whatever happens to intensities.

    Example:

    >>> image = np.float32([[[1], [2]], [[3], [4]]])  # (2, 2, 1)
    >>> flipped, mask = Augmentation((2, 2), flips=(True, False))(image, np.uint8(image[..., 0]))
    >>> flipped[..., 0].tolist(), mask.tolist()
    ([[3.0, 4.0], [1.0, 2.0]], [[3, 4], [1, 2]])
    """

    size: tuple  # of what comes out, (H, W) or (D, H, W)
    flips: tuple = (False, False, False)  # for each axis of `size`
    plane: tuple = (0, 1)  # the axes of `size` in which the image is turned and zoomed
    angle_deg: float = 0.0  # from the first axis of the plane towards the second
    zoom: float = 1.0  # larger than 1 enlarges
    gain: np.ndarray | float = 1.0  # what each channel is multiplied by, (C,) or one number
    shift: np.ndarray | float = 0.0  # what is added to it then, the same
    noise: float = 0.0  # standard deviation of the Gaussian noise added in the end
    noise_seed: int = 0

    @classmethod
    def draw(cls, rng, size, channels):
        """Draw a change.

        Left and right, front and back, bottom and top are flipped in half of the samples each:
        no brain lies so, but a tumour's texture knows no direction. Three of ten samples are turned
        by at most 15° and zoomed by 0.85 to 1.2; every channel gets its own gain and shift. Whoever
        makes the generator from (seed, epoch, index) can repeat it.
        """
        planes = list(itertools.combinations(range(len(size)), 2))
        turned, noisy = rng.random(2) < (_SHARE_TURNED, _SHARE_NOISY)
        return cls(
            size=tuple(size),
            flips=tuple((rng.random(len(size)) < 0.5).tolist()),
            plane=planes[rng.integers(len(planes))],
            angle_deg=turned * rng.uniform(-_LARGEST_ANGLE_DEG, _LARGEST_ANGLE_DEG),
            zoom=float(np.exp(turned * rng.uniform(*np.log(_ZOOMS)))),
            gain=rng.uniform(*_GAINS, channels).astype("float32"),
            shift=rng.uniform(-_LARGEST_SHIFT, _LARGEST_SHIFT, channels).astype("float32"),
            noise=noisy * rng.uniform(0, _LARGEST_NOISE),
            noise_seed=int(rng.integers(2**63)),
        )

    @property
    def window(self):
        """What must be cut so that nothing is missing after the turn: a tuple as `size`."""
        window = list(self.size)
        if self._turns:
            reach = np.abs(self._matrix) @ [self.size[axis] - 1 for axis in self.plane]
            for axis, length in zip(self.plane, reach, strict=True):
                window[axis] = max(2, int(np.ceil(length - 1e-6)) + 1)
        return tuple(window)

    def __call__(self, image, labels):
        """Change an image `(*window, C)` and its mask `(*window)` or `(*window, K)`.

        Returns `(image, labels)`: `(*size, C)` float32, and `(*size)` or `(*size, K)` as it came.
        """
        if image.shape[:-1] != self.window:
            raise ValueError(f"Expected an image of {self.window}. Received: {image.shape[:-1]}")
        if self._turns:
            image, labels = self._turned(image, labels)
        return self._flipped(self._intensities(image)), self._flipped(labels)

    @property
    def _turns(self):
        return bool(self.angle_deg) or self.zoom != 1

    @property
    def _matrix(self):
        """From an offset in what comes out to the offset in what goes in."""
        cos, sin = np.cos(np.deg2rad(self.angle_deg)), np.sin(np.deg2rad(self.angle_deg))
        return np.array([[cos, sin], [-sin, cos]]) / self.zoom

    def _turned(self, image, labels):
        size = [self.size[axis] for axis in self.plane]
        window = [image.shape[axis] for axis in self.plane]
        down, across = (np.arange(n, dtype="float32") - (n - 1) / 2 for n in size)
        points = [
            (np.float32(a) * down[:, None] + np.float32(b) * across + np.float32((n - 1) / 2))
            for (a, b), n in zip(self._matrix, window, strict=True)
        ]
        blend, nearest = _bilinear(points, window)
        return (
            _in_plane(image, self.plane, size, lambda voxels: blend @ _float32(voxels)),
            _in_plane(labels, self.plane, size, lambda voxels: voxels.take(nearest, 0)),
        )

    def _flipped(self, array):
        # a slice of step -1 is copied voxel by voxel along the last axis: four times as long
        for axis, n in enumerate(self.size):
            if self.flips[axis]:
                array = array.take(np.arange(n)[::-1], axis)
        return array

    def _intensities(self, image):
        image = _float32(image)  # a copy of its own
        rows = image.reshape(*image.shape[:-2], -1)  # long rows: four times as fast as channels
        inside = rows != 0
        rows *= self._along_a_row(self.gain, image)
        rows += self._along_a_row(self.shift, image)
        if self.noise:
            rng = np.random.default_rng(self.noise_seed)
            rows += np.float32(self.noise) * rng.standard_normal(rows.shape, dtype="float32")
        rows *= inside
        return image

    def _along_a_row(self, values, image):
        return np.tile(np.broadcast_to(np.float32(values), image.shape[-1]), image.shape[-2])


def _float32(image):
    """A copy in float32. float16 is looked up, which takes half as long as NumPy's conversion."""
    if image.dtype == "float16":
        return _FLOATS16.take(image.view("uint16"))
    return np.array(image, "float32", order="C")


def _bilinear(points, window):
    """What interpolates a plane at `points` (rows, columns), and the pixels nearest to them."""
    (row, down), (column, across) = (
        _split(axis.ravel(), n) for axis, n in zip(points, window, strict=True)
    )
    corner = row * window[1] + column
    columns = np.stack([corner, corner + 1, corner + window[1], corner + window[1] + 1], axis=1)
    both = down * across
    right = across - both
    weights = np.stack([1 - down - right, right, down - both, both], axis=1)
    starts = np.arange(0, columns.size + 1, 4, dtype="int32")
    matrix = sparse.csr_array(
        (weights.ravel(), columns.ravel(), starts), shape=(len(corner), window[0] * window[1])
    )
    return matrix, corner + (down > 0.5) * window[1] + (across > 0.5)


def _split(points, n):
    """The pixel before each point, and how far behind it the point is, 0 to 1."""
    before = points.clip(0, n - 2).astype("int32")
    return before, (points - before.astype("float32")).clip(0, 1)


def _in_plane(array, plane, size, resample):
    """Resample two axes of an array: `resample` maps `(pixels of the plane, the rest)`."""
    front = np.moveaxis(array, plane, (0, 1))
    rest = front.shape[2:]
    changed = resample(front.reshape(front.shape[0] * front.shape[1], -1))
    return np.moveaxis(changed.reshape(*size, *rest), (0, 1), plane)
