"""What four MRI sequences show of a brain: contrast, coil, blur and noise of one examination."""

import numpy as np
from scipy import ndimage

TISSUES = ("csf", "grey", "white", "spots", "oedema", "solid", "necrosis", "enhancing", "vessels")
# how bright each is, in the order of TISSUES, where 1 is white matter on T1
_BRIGHT = {
    "flair": (0.17, 0.88, 0.70, 1.20, 1.12, 1.00, 0.58, 0.95, 0.45),
    "t1": (0.24, 0.70, 1.00, 0.82, 0.70, 0.53, 0.40, 0.66, 0.50),
    "t1ce": (0.24, 0.72, 1.00, 0.82, 0.70, 0.53, 0.40, 1.45, 1.55),
    "t2": (1.75, 0.96, 0.70, 1.12, 1.20, 1.48, 1.62, 1.08, 0.35),
}
_VARIES = (0.03, 0.03, 0.03, 0.08, 0.08, 0.07, 0.09, 0.10, 0.10)  # from case to case


def spots(space, anatomy, age, rng):
    """White matter that shines on FLAIR and is no tumour, as share of each voxel.

    Caps around the ventricles and spots in the depth, as elder people have them.
    """
    amount = max(age - 0.25 + rng.normal(0, 0.2), 0)
    if amount < 0.1:
        return np.zeros_like(anatomy.white)
    caps = space.covered(anatomy.ventricle_mm - 5 * amount * (1 + 0.8 * space.noise(rng, 12)))
    deep = space.covered(6 * (2.9 - amount - space.noise(rng, 5)))
    return np.maximum(caps, deep) * anatomy.white


def scan(space, anatomy, tumour, spots, rng):
    """Take the pictures: modality → int16 `(D, H, W)`, 0 outside the brain, at least 1 inside."""
    parts = _mixture(anatomy, tumour, spots)
    parts[1:3] *= 1 + 0.03 * space.noise(rng, 4)  # no tissue is even
    parts[4:8] *= 1 + 0.07 * space.noise(rng, 9)
    pictures = {}
    for modality, bright in _BRIGHT.items():
        bright = bright * (1 + np.array(_VARIES) * rng.standard_normal(len(TISSUES)))
        bright = 0.7 + rng.uniform(0.85, 1.15) * (bright - 0.7)  # contrast
        picture = np.tensordot(bright.clip(0.05).astype("float32"), parts, 1)
        picture *= np.exp(rng.uniform(0.03, 0.11) * space.noise(rng, 60))  # the coil's reach
        blur = np.full(3, 0.4)
        blur[rng.integers(3)] = rng.uniform(0.4, 1.0)  # slices are thicker than pixels
        picture = ndimage.gaussian_filter(picture, blur)
        picture = _rician(picture, rng.uniform(0.02, 0.05), rng) * rng.uniform(250, 900)
        pictures[modality] = (np.rint(picture).clip(1, 32767) * anatomy.inside).astype("int16")
    return pictures


def _mixture(anatomy, tumour, spots):
    """Shares of each voxel in the order of TISSUES, float32 `(9, D, H, W)`: each later one takes
    its place from those before it."""
    layers = (
        (anatomy.csf, anatomy.grey, anatomy.white),
        (spots,),
        (tumour.oedema, tumour.solid, tumour.necrosis, tumour.enhancing),
        (anatomy.vessels * (1 - tumour.solid - tumour.necrosis),),
    )
    parts = np.empty((len(TISSUES), *spots.shape), "float32")
    filled = 0
    for layer in layers:
        parts[:filled] *= 1 - sum(layer)
        for share in layer:
            parts[filled] = share
            filled += 1
    return parts


def _rician(picture, sigma, rng):
    """The magnitude of a signal with normal noise in both of its channels."""
    real, imaginary = (sigma * rng.standard_normal(picture.shape, "float32") for _ in range(2))
    return np.hypot(picture + real, imaginary)
