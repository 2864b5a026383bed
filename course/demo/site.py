"""What the page of a run may ask, and what it is answered.

Each function that a route leads to takes Starlette's request and returns an object, which becomes
JSON, or a `Content`; what it does not do is a `Refusal`. The network itself is the worker's.
"""

import asyncio
import base64
import dataclasses
import functools
import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from course.demo import page
from course.demo.brains import MOST_BYTES, Brains
from course.demo.refusal import Refusal, sentence
from course.demo.worker import Worker
from course.errors import CourseError
from course.export import card as cards
from course.inference import run as inference_run

_MOST_PICTURE = 30_000_000  # bytes; how many pixels, `read_image` decides by the header
_MOST_COLUMNS = 64_000  # bytes


@dataclasses.dataclass
class Content:
    """An answer that is not JSON."""

    body: bytes
    kind: str
    headers: dict = dataclasses.field(default_factory=dict)


def site_of(folder, cases=None):
    """The page of a run; `cases` is a folder with cases of BraTS for a segmentation, or `None`.

    The network begins to load at once, in a thread of its own.
    """
    card = cards.read_run(folder)
    view = page.view_of(card)
    shape = card["inputs"][0]["shape"]
    if cases and view != "brains":
        raise CourseError(
            f"--cases es para una segmentación de BraTS. Llegó: {folder}, {card['task']}.\n"
            "Qué hacer: quita --cases."
        )
    if view == "brains" and "edition" not in card:
        raise CourseError(
            f"{folder}: se esperaba una segmentación de BraTS, con la edición de sus etiquetas."
        )
    if view in ("digits", "signs", "pictures") and (len(shape) != 3 or None in shape):
        raise CourseError(
            f"{folder}: se esperaba una red que recibe una imagen de tamaño fijo. Llegó: {shape}."
        )
    columns = page.columns_of(card) if view == "houses" else ()
    html = page.page(card, None, where="server", columns=columns)
    if view == "brains":
        return _BrainSite(folder, card, html, Brains(card, cases))
    if view == "houses":
        middle = {column["name"]: column["median"] for column in columns}
        return _ColumnSite(folder, card, html, middle)
    return _PictureSite(folder, card, html)


class _Site:
    """What every page asks: itself, and whether the network is awake."""

    def __init__(self, folder, card, html):
        self.folder, self.card = folder, card
        self._html = html.encode()
        # one at a time: a photograph unpacks to 200 MB, a brain to more
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="files")
        self.worker = Worker(self._load)

    def close(self):
        """Begin nothing more."""
        self._beside.shutdown(wait=False, cancel_futures=True)

    def routes(self):
        """What can be asked: `{(method, path): function of the request}`."""
        return {("GET", "/"): self._index, ("GET", "/ready"): self._ready}

    def _load(self):
        """The model and an example of what it takes; in the worker's thread."""
        from course.export.model_file import load_model

        model = load_model(self.folder, self.card)
        return model, self._example(model)

    async def _index(self, request):
        return Content(self._html, "text/html; charset=utf-8")

    async def _ready(self, request):
        """Waits until the network is awake; then which maps it can show."""
        return {"heat": self._heats(await self._model())}

    def _heats(self, model):
        return []

    async def _model(self):
        return await asyncio.shield(asyncio.wrap_future(self.worker.ready))

    async def _in_files(self, function, *given):
        """What a function that reads files returns, run beside the server's thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._beside, functools.partial(function, *given))

    async def _by_the_network(self, function, *given):
        """What `function(*given, model)` returns, run in the network's thread."""
        return await asyncio.wrap_future(self.worker.run(functools.partial(function, *given)))

    async def _answer(self, example):
        import numpy as np

        answer = await asyncio.wrap_future(self.worker.ask(example))
        if not np.isfinite(answer).all():
            raise Refusal(
                422, "La red no da un número para eso.", "The network gives no number for that."
            )
        return {"answer": answer.ravel()}


# ---- pictures


class _PictureSite(_Site):
    """A classifier of pictures."""

    def routes(self):
        return super().routes() | {
            ("POST", "/ask"): self._ask,
            ("POST", "/prepare"): self._prepare,
            ("POST", "/heat"): self._heat,
        }

    def _example(self, model):
        import keras
        import numpy as np

        example = np.zeros(self.card["inputs"][0]["shape"], "float32")
        answers = keras.ops.convert_to_numpy(model(example[None], training=False))
        inference_run.check_probabilities(answers, self.folder)
        return example

    def _heats(self, model):
        """What can be shown of where the network looks; Grad-CAM needs a convolution."""
        from course.explain.layers import convolutions

        try:
            convolutions(model)
        except ValueError:
            return ["occlusion"]
        return ["grad_cam", "occlusion"]

    async def _ask(self, request):
        pixels = await self._pixels(request)
        return await self._answer(pixels.astype("float32"))

    async def _pixels(self, request):
        """The body as a picture that the network takes, uint8 `(height, width, channels)`."""
        import numpy as np

        height, width, channels = self.card["inputs"][0]["shape"]
        size = height * width * channels
        body = await _body(request, size)
        if len(body) != size:
            raise Refusal(
                422,
                f"Se esperaba una imagen de {size} números. Llegó: {len(body)}.",
                f"Expected a picture of {size} numbers. Received: {len(body)}.",
            )
        return np.frombuffer(body, "uint8").reshape(height, width, channels)

    async def _prepare(self, request):
        """A picture file as the network takes it."""
        body = await _body(request, _MOST_PICTURE)
        pixels = await self._in_files(self._prepared, body)
        height, width, channels = pixels.shape
        text = base64.b64encode(pixels).decode()
        return {"pixels": text, "height": height, "width": width, "channels": channels}

    def _prepared(self, body):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "picture")
            path.write_bytes(body)
            try:
                return inference_run.prepared(path, self.card)
            except CourseError as error:
                raise Refusal(
                    422,
                    sentence(error, path, "El archivo"),
                    "The network cannot be shown that file: expected one PNG or JPG with something "
                    "to see in it, from 8×8 to 64 million pixels.",
                ) from error

    async def _heat(self, request):
        """Where the network looks for a class, float32 of the picture's size, 0 to 1."""
        kind, target = (request.query_params.get(key, "") for key in ("kind", "class"))
        known = [str(number) for number in range(len(self.card["class_names"]))]
        if kind not in self._heats(await self._model()) or target not in known:
            raise Refusal(
                422,
                "Esta red no puede mostrar eso.",
                "This network cannot show that.",
            )
        pixels = await self._pixels(request)
        heat = await self._by_the_network(_heat, pixels, kind, int(target))
        return {"heat": base64.b64encode(heat.astype("<f4")).decode()}


def _heat(pixels, kind, target, model):
    """A map of the picture's size, 0 to 1; in the network's thread."""
    import numpy as np
    from scipy import ndimage

    from course import explain

    if kind == "grad_cam":
        heat = explain.grad_cam(model, pixels, target)
    else:  # of a picture of 28 pixels a patch of 7, in steps of 2
        side = min(pixels.shape[:2])
        patch, stride = (max(1, round(side / parts)) for parts in (4, 14))
        heat = explain.occlusion(model, pixels, target, patch=patch, stride=stride)
    zoom = [whole / part for whole, part in zip(pixels.shape, heat.shape, strict=False)]
    heat = ndimage.zoom(heat, zoom, order=1, mode="nearest", grid_mode=True)
    return np.clip(heat / max(heat.max(), 1e-9), 0, 1)


# ---- columns


class _ColumnSite(_Site):
    """A regression of raw columns."""

    def routes(self):
        return super().routes() | {("POST", "/ask"): self._ask}

    def __init__(self, folder, card, html, middle):
        self._middle = middle
        super().__init__(folder, card, html)

    def _example(self, model):
        return self._columns(self._middle)

    async def _ask(self, request):
        body = await _body(request, _MOST_COLUMNS)
        try:
            example = self._columns(json.loads(body))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            names = ", ".join(item["name"] for item in self.card["inputs"])
            raise Refusal(
                422,
                f"Se esperaba un valor para cada una de estas columnas: {names}.",
                f"Expected a value for each of these columns: {names}.",
            ) from error
        return await self._answer(example)

    def _columns(self, given):
        """Columns as the network takes them: words, or numbers with NaN for what is missing."""
        import numpy as np

        example = {}
        for item in self.card["inputs"]:
            value = given[item["name"]]
            if item["dtype"] == "string":
                if not isinstance(value, str) or len(value) > 200:
                    raise ValueError(f"Expected a word. Received: {value!r:.80}")
            elif value is None:
                value = np.nan
            elif isinstance(value, bool) or not abs(value) < 1e30:
                raise ValueError(f"Expected a number. Received: {value!r:.80}")
            dtype = None if item["dtype"] == "string" else item["dtype"]
            example[item["name"]] = np.array([value], dtype)
        return example


# ---- brains


class _BrainSite(_Site):
    """A segmentation of BraTS."""

    def __init__(self, folder, card, html, brains):
        self._brains = brains
        super().__init__(folder, card, html)
        self._beside.submit(brains.listed)  # made-up brains take seconds

    def close(self):
        super().close()
        self._brains.close()

    def routes(self):
        return super().routes() | {
            ("GET", "/brain/cases"): self._cases,
            ("POST", "/brain/new"): self._new,
            ("POST", "/brain/{id}/file"): self._file,
            ("POST", "/brain/{id}/segment"): self._segment,
            ("GET", "/brain/{id}"): self._about,
            ("GET", "/brain/{id}/image/{modality}"): self._image,
            ("GET", "/brain/{id}/mask/{which}"): self._mask,
            ("GET", "/brain/{id}/mask.nii.gz"): self._nifti,
        }

    def _example(self, model):
        return None  # no answer of one piece: `segment` asks

    async def _cases(self, request):
        listed = await self._in_files(self._brains.listed)
        return [{"id": key, "name": brain.name} for key, brain in listed.items()]

    async def _new(self, request):
        return {"id": self._brains.new()}

    async def _file(self, request):
        """One NIfTI file of a case, checked by its header."""
        name = request.query_params.get("name", "")
        path = self._brains.place(request.path_params["id"], name)
        try:
            with open(path, "wb") as file:
                async for piece in _pieces(request, MOST_BYTES):
                    file.write(piece)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        await self._in_files(self._brains.check, path)
        return {"name": name}

    async def _brain(self, request):
        return await self._in_files(self._brains.find, request.path_params["id"])

    async def _segment(self, request):
        """Begin; `GET /brain/{id}` tells how far it is."""
        brain = await self._brain(request)
        if brain.state == "new":
            await self._in_files(self._brains.gather, brain)
            brain.state = "working"
            self.worker.run(functools.partial(self._brains.segment, brain))
        return await self._in_files(brain.about)

    async def _about(self, request):
        brain = await self._brain(request)
        return await self._in_files(brain.about)

    async def _image(self, request):
        brain = await self._brain(request)
        return _packed(await self._in_files(brain.image, request.path_params["modality"]))

    async def _mask(self, request):
        brain, which = await self._brain(request), request.path_params["which"]
        if which == "truth":
            return _packed(await self._in_files(brain.truth))
        if which == "attention":
            return _packed(await self._by_the_network(self._brains.attend, brain))
        return _packed(brain.packed(which))

    async def _nifti(self, request):
        """The mask as a file that lies exactly over the case's images."""
        brain = await self._brain(request)
        content = brain.packed("nifti")
        name = f'attachment; filename="{brain.case.name}_mask.nii.gz"'
        return Content(content, "application/gzip", {"Content-Disposition": name})


def _packed(content):
    return Content(content, "application/gzip")


# ---- what is sent here


async def _pieces(request, most):
    """The body piece by piece; a `Refusal` at its end if it is longer than `most` bytes.

    What is too long is read on for a while and thrown away: a browser shows the answer only when it
    has sent all.
    """
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size <= most:
            yield piece
        elif size > 4 * most:
            break
    if size > most:
        limit = f"{most / 1e6:.3g}".replace(".", ",")
        raise Refusal(
            413,
            f"Es demasiado grande: se esperaban como mucho {limit} MB.",
            f"That is too large: expected at most {most / 1e6:.3g} MB.",
        )


async def _body(request, most):
    return b"".join([piece async for piece in _pieces(request, most)])
