"""One case of a segmentation in the page itself: packed small, walked through by volume.js.

Greys and masks travel as one byte for each voxel, in gzip and base64; a browser unpacks them by
itself. Most of what an image weighs is its noise: it travels in 64 greys, which look like 256.
"""

import base64
import gzip
import hashlib
import json
from html import escape
from pathlib import Path

import numpy as np

MOST = 1_950_000  # characters of a packed case; viewer and all, a page grows by less than 2 MB
_GREYS = (64, 32, 16, 8)  # tried in this order until the first modality has room
_WINDOW = (0.5, 99.5)  # percentiles of the brain that become black and white
_FOLDER = Path(__file__).parent


def packed(image, masks, *, name, modalities, spacing_mm):
    """Pack a case as the JSON text that volume.js takes.

    Args:
        image: `(D, H, W, C)`, 0 outside the brain, any intensities inside.
        masks: Dict from "truth" and "prediction" to regions `(D, H, W, 3)`, 0 or 1, one inside the
            other, in the order WT, TC, ET.
        name: Of the case.
        modalities: C names; the first is sure to travel, the others as far as there is room.
        spacing_mm: A voxel's sides along D, H and W.

    Returns:
        Text of at most `MOST` characters; "" if not even the first modality has room, in 8 greys.

    Example:

    >>> image, mask = np.ones((2, 4, 4, 1)), np.zeros((2, 4, 4, 3))
    >>> text = packed(image, {"truth": mask}, name="1", modalities=["flair"],
    ...               spacing_mm=(1, 1, 1))
    >>> sorted(json.loads(text)["data"])
    ['image/flair', 'mask/truth']
    """
    brain = np.any(image, axis=-1)
    data = {f"mask/{which}": _as_text(regions.sum(-1)) for which, regions in masks.items()}
    room = MOST - sum(map(len, data.values())) - 1000  # for the names
    shown = []
    for greys in _GREYS:
        for channel, modality in enumerate(modalities):
            text = _as_text(grey_levels(image[..., channel], brain, greys))
            if len(text) > room:
                break
            room -= len(text)
            data[f"image/{modality}"] = text
            shown.append(modality)
        if shown:
            break
    if not shown:
        return ""
    about = {
        "name": str(name),
        "shape": list(brain.shape),
        "spacing_mm": [float(side) for side in spacing_mm],
        "modalities": shown,
        "left_out": [modality for modality in modalities if modality not in shown],
        "masks": list(masks),
    }
    return json.dumps({**about, "data": data})


def grey_levels(channel, brain, greys=255):
    """A modality as uint8 `(D, H, W)`: 0 outside the brain, inside so many greys from 1 to 255."""
    inside = channel[brain]
    grey = np.zeros(brain.shape, "uint8")
    if inside.size:
        low, high = np.percentile(inside, _WINDOW)
        share = np.clip((inside - low) / max(high - low, 1e-6), 0, 1)
        grey[brain] = np.rint(1 + 254 * np.rint(share * (greys - 1)) / (greys - 1))
    return grey


def _as_text(array):
    return base64.b64encode(gzip.compress(array.astype("uint8").tobytes(), 6, mtime=0)).decode()


# ---- on the page


def section(report):
    """A report's case with its viewer as HTML."""
    about = json.loads(report.case)
    which = f": de los {report.n} casos, el de Dice intermedio" if report.n > 2 else ""
    left_out = ""
    if about["left_out"]:
        names = ", ".join(about["left_out"]).upper()
        left_out = f" Para que la página pese poco, no están aquí: {escape(names)}."
    text = report.case.replace("<", r"\u003c")  # no tag, whatever the case is called
    return (
        "<h2>Un caso por dentro</h2>"
        f"<p>{escape(about['name'])}{which}. Pasa por los cortes y compara los bordes de la verdad "
        f"con los de la red.{left_out}</p>"
        '<div id="volume"><p class="banner">Para recorrer el caso hace falta JavaScript: abre este '
        "informe en un navegador que lo permita. Todo lo demás se lee igual.</p></div>"
        f'<script type="application/json" id="case">{text}</script>'
        f"<script>{_script()}</script>"
    )


def style():
    """The viewer's CSS."""
    return _read("volume.css")


def policy():
    """What the page's Content-Security-Policy says of scripts: this one, no other."""
    digest = base64.b64encode(hashlib.sha256(_script().encode()).digest()).decode()
    return f"; script-src 'sha256-{digest}'"


def _script():
    return _read("volume.js") + "showPackedCase();\n"


def _read(name):
    return (_FOLDER / name).read_text(encoding="utf-8")
