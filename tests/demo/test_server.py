"""The server over a real connection: it answers as Keras and `course predict` do."""

import base64
import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import nibabel
import numpy as np
import pytest

from course import explain, inference, metrics, regions
from course.datasets import brats, pictures
from course.datasets.samples import brains as made_up
from course.demo import server
from course.errors import CourseError
from course.export import load
from tests import ROOT
from tests.demo import served


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return served.digits_run(tmp_path_factory.mktemp("runs") / "digits")


@pytest.fixture(scope="module")
def client(digits):
    with served.server(digits) as client:
        yield client


@pytest.fixture(scope="module")
def model(digits):
    return load(digits)[0]


def pixels(seed, n=1):
    return np.random.default_rng(seed).integers(0, 256, (n, 28, 28, 1), "uint8")


def drawing():
    page = np.full((120, 100), 250, "uint8")
    page[20:100, 45:55] = 10
    return page


# ---- pictures


def test_the_page_comes_with_its_card_and_is_not_kept(client):
    status, html = client.ask("/")
    assert status == 200 and b'"where"' in html and b"mnist" in html


def test_it_answers_as_keras_does(client, model):
    images = pixels(0, 20)
    expected = model.predict(images.astype("float32"), verbose=0)
    for image, probabilities in zip(images, expected, strict=True):
        status, content = client.ask("/ask", image.tobytes())
        assert status == 200
        np.testing.assert_allclose(content["answer"], probabilities, atol=1e-6)


def test_of_fifty_at_once_each_gets_its_own_answer(client, model):
    images = pixels(1, 200)
    expected = model.predict(images.astype("float32"), verbose=0)
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda image: client.ask("/ask", image.tobytes()), images))
    np.testing.assert_allclose([said["answer"] for _, said in answers], expected, atol=1e-6)


def test_a_file_is_prepared_as_for_course_predict(client, tmp_path):
    (tmp_path / "page.png").write_bytes(served.png(drawing()))
    expected = pictures.prepare_digit(pictures.read_image(tmp_path / "page.png"))
    assert expected.any()
    status, content = client.ask("/prepare", served.png(drawing()))
    assert status == 200
    assert (content["height"], content["width"], content["channels"]) == (28, 28, 1)
    found = np.frombuffer(base64.b64decode(content["pixels"]), "uint8")
    np.testing.assert_array_equal(found, expected.ravel())


def test_what_is_no_picture_gets_one_sentence(client):
    assert client.refused(422, "/prepare", b"rubbish").startswith("El archivo no es una imagen")
    blank = client.refused(422, "/prepare", served.png(np.full((50, 50), 255, "uint8")))
    assert blank.startswith("El archivo: La imagen parece vacía")
    assert "4×4 píxeles" in client.refused(422, "/prepare", served.png(np.zeros((4, 4), "uint8")))


def heat_of(content):
    return np.frombuffer(base64.b64decode(content["heat"]), "<f4").reshape(28, 28)


def test_heat_is_that_of_explain(client, model):
    image = pixels(2)[0]
    assert client.ask("/ready") == (200, {"heat": ["grad_cam", "occlusion"]})
    status, content = client.ask("/heat?kind=occlusion&class=3", image.tobytes())
    expected = explain.occlusion(model, image, 3)
    assert status == 200 and expected.max() > 0
    np.testing.assert_allclose(heat_of(content), (expected / expected.max()).clip(0), atol=1e-4)
    maps = [explain.grad_cam(model, image, target) for target in range(10)]
    target, small = next((k, one) for k, one in enumerate(maps) if one.any())
    heat = heat_of(client.ask(f"/heat?kind=grad_cam&class={target}", image.tobytes())[1])
    assert heat.min() >= 0 and heat.max() == pytest.approx(1, abs=1e-6)
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    side = 28 / small.shape[0]
    assert small[int(row // side), int(column // side)] == small.max()


@pytest.mark.parametrize("query", ["kind=grad_cam&class=10", "kind=x&class=1", "kind=grad_cam", ""])
def test_heat_of_no_class_is_refused(client, query):
    client.refused(422, f"/heat?{query}", pixels(0).tobytes())


def test_a_network_without_convolutions_is_only_covered(tmp_path):
    import keras
    from keras import layers

    from course.export import export

    model = keras.Sequential(
        [keras.Input((28, 28, 1)), layers.Flatten(), layers.Dense(10, "softmax")]
    )
    card = json.loads((served.digits_run(tmp_path / "cnn") / "card.json").read_text())
    given = {key: card[key] for key in ("task", "class_names", "data", "preparation")}
    export(model, tmp_path / "mlp", card=given)
    with served.server(tmp_path / "mlp") as client:
        assert client.ask("/ready")[1] == {"heat": ["occlusion"]}
        client.refused(422, "/heat?kind=grad_cam&class=1", pixels(0).tobytes())


# ---- columns


def test_houses(tmp_path):
    run = served.houses_run(tmp_path / "run")
    with served.server(run) as client:
        page = client.ask("/")[1]
        assert b'"name": "median_income"' in page and b'"words": ["<1H' not in page
        names = [one["name"] for one in load(run)[1]["inputs"]]
        middle = {name: "INLAND" if name == "ocean_proximity" else 2.5 for name in names}

        def price(**given):
            return client.ask("/ask", json.dumps({**middle, **given}).encode())[1]["answer"]

        assert price(median_income=4) == [pytest.approx(9.5)]
        assert price(ocean_proximity="ISLAND") == [pytest.approx(15)]
        assert price(ocean_proximity="MARTE") == [pytest.approx(5)]
        assert client.ask("/ready")[1] == {"heat": []}
        wrong = [{}, [], {**middle, "latitude": "x"}, {**middle, "latitude": True}]
        wrong += [{**middle, "latitude": 1e308}, {**middle, "ocean_proximity": 3}]
        for given in wrong:
            body = json.dumps(given).encode()
            assert "longitude, median_income" in client.refused(422, "/ask", body)
        for body in (b"", b"{", b"[" * 60_000, b"\xff\xfe"):
            client.refused(422, "/ask", body)
        nothing = json.dumps({**middle, "latitude": None}).encode()  # NaN in, NaN out
        assert client.refused(422, "/ask", nothing) == "La red no da un número para eso."


# ---- brains


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cases") / "made"
    return made_up.write_cases(folder, 2, seed=3, shape=(20, 28, 24))


@pytest.fixture(scope="module")
def brain_run(tmp_path_factory):
    return served.brains_run(tmp_path_factory.mktemp("runs") / "brains")


@pytest.fixture(scope="module")
def brain_client(brain_run, cases):
    with served.server(brain_run, cases) as client:
        yield client


def volume(content, shape):
    return np.frombuffer(gzip.decompress(content), "uint8").reshape(shape)


def until_done(client, key):
    end = time.monotonic() + served.WAIT_S
    while (about := client.ask(f"/brain/{key}")[1])["state"] == "working":
        assert time.monotonic() < end
        time.sleep(0.05)
    return about


def test_a_brain_from_the_list_to_its_mask(brain_client, brain_run, cases, tmp_path):
    _, listed = brain_client.ask("/brain/cases")
    assert [one["name"] for one in listed] == ["BraTS20_Sintetico_001", "BraTS20_Sintetico_002"]
    key = listed[1]["id"]
    about = brain_client.ask(f"/brain/{key}")[1]
    assert about["state"] == "new" and about["shape"] == [20, 28, 24] and about["truth"]
    case = brats.find_cases(cases)[1]
    assert about["spacing_mm"] == [pytest.approx(mm) for mm in case.spacing_mm]
    brain_client.refused(404, f"/brain/{key}/mask/prediction")

    assert brain_client.ask(f"/brain/{key}/segment", b"")[0] == 200
    about = until_done(brain_client, key)
    assert about["state"] == "done" and about["progress"] == 1 and about["error"] is None
    assert about["attention"]

    model, _ = load(brain_run)
    image, labels = brats.load_case(case)
    brain = brats.load_brain(case, image)
    normal = brats.normalize(image, brain)
    seen = inference.in_brain(
        inference.to_labels(inference.predict_volume(model, normal), "2020"), normal
    )
    masks = regions.to_regions(seen, "2020")
    truth = regions.to_regions(labels, "2020")
    assert masks.any() and not masks.all()  # or the test would show nothing
    for i, name in enumerate(regions.REGIONS):
        ml = metrics.volume_ml(masks[..., i], case.spacing_mm)
        assert about["volumes_ml"][name] == pytest.approx(ml)
        dice = metrics.dice_score(truth[..., i], masks[..., i])
        assert about["dice"][name] == pytest.approx(dice)
    shape = about["shape"]
    found = volume(brain_client.ask(f"/brain/{key}/mask/prediction")[1], shape)
    np.testing.assert_array_equal(found, masks.sum(-1))
    found = volume(brain_client.ask(f"/brain/{key}/mask/truth")[1], shape)
    np.testing.assert_array_equal(found, truth.sum(-1))
    found = volume(brain_client.ask(f"/brain/{key}/image/t1ce")[1], shape)
    assert (found > 0).tolist() == brain.tolist()
    inside = image[..., 2][brain]
    low, high = np.percentile(inside, [0.5, 99.5])
    assert (found[brain] == 255).sum() == (inside >= high - (high - low) / 508).sum()
    attention = volume(brain_client.ask(f"/brain/{key}/mask/attention")[1], shape)
    assert attention.any() and not attention[~brain].any()

    status, content = brain_client.ask(f"/brain/{key}/mask.nii.gz")
    (tmp_path / "mask.nii.gz").write_bytes(content)
    mask, over = nibabel.load(tmp_path / "mask.nii.gz"), nibabel.load(case.images["flair"])
    assert mask.shape == over.shape and (mask.affine == over.affine).all()
    again = brats.case("x", "2020", case.images, tmp_path / "mask.nii.gz")
    np.testing.assert_array_equal(brats.load_case(again)[1], seen)


def uploaded(client, folder, names=None):
    key = client.ask("/brain/new", b"")[1]["id"]
    for path in sorted(folder.iterdir()):
        if names is None or any(name in path.name for name in names):
            assert client.ask(f"/brain/{key}/file?name={path.name}", path.read_bytes())[0] == 200
    return key


def test_an_uploaded_case(brain_client, cases):
    folder = cases / "BraTS20_Sintetico_001"
    key = uploaded(brain_client, folder)
    assert brain_client.ask(f"/brain/{key}")[1]["state"] == "new"
    brain_client.ask(f"/brain/{key}/segment", b"")
    about = until_done(brain_client, key)
    assert about["state"] == "done" and about["name"] == folder.name and set(about["dice"])
    listed = brain_client.ask("/brain/1/segment", b"")[1]
    until_done(brain_client, "1")
    one, other = (brain_client.ask(f"/brain/{k}/mask/prediction")[1] for k in (key, "1"))
    assert listed["name"] == folder.name and one == other
    more = brain_client.refused(409, f"/brain/{key}/file?name=BraTS20_Training_001_t1.nii", b"")
    assert more.startswith("Este caso ya no recibe archivos")


def test_what_is_missing_in_an_upload_is_named(brain_client, cases):
    key = uploaded(brain_client, cases / "BraTS20_Sintetico_001", ["flair", "t1ce"])
    said = brain_client.refused(422, f"/brain/{key}/segment", b"")
    assert said.startswith("Lo que subiste: ") and "le falta t1 y t2" in said
    key = brain_client.ask("/brain/new", b"")[1]["id"]
    said = brain_client.refused(422, f"/brain/{key}/segment", b"")
    assert "BraTS20_Training_001_flair" in said
    said = brain_client.refused(422, f"/brain/{key}/file?name=mi%20cerebro.nii", b"x")
    assert "nombres de BraTS" in said
    rubbish = f"/brain/{key}/file?name=BraTS20_Training_001_t1.nii"
    assert brain_client.refused(422, rubbish, b"rubbish" * 99).startswith("BraTS20_Training_001_t1")


def test_a_case_that_cannot_be_segmented_says_why(brain_client, cases):
    """A t1 that is the same everywhere: its header is good, its voxels are not."""
    folder = cases / "BraTS20_Sintetico_001"
    key = uploaded(brain_client, folder, ["flair", "t1ce", "t2"])
    path = folder / "BraTS20_Sintetico_001_t1.nii"
    image = nibabel.load(path)
    flat = nibabel.Nifti1Image(np.zeros(image.shape, "int16"), image.affine, image.header)
    brain_client.ask(f"/brain/{key}/file?name={path.name}", flat.to_bytes())
    brain_client.ask(f"/brain/{key}/segment", b"")
    about = until_done(brain_client, key)
    assert about["state"] == "failed" and "/" not in about["error"].partition(".nii")[0]
    assert "se esperaba una imagen" in about["error"] and about["error_en"]
    brain_client.refused(422, f"/brain/{key}/image/t1")


def test_only_the_last_uploads_are_kept(brain_client):
    keys = [brain_client.ask("/brain/new", b"")[1]["id"] for _ in range(6)]
    statuses = [brain_client.ask(f"/brain/{key}")[0] for key in keys]
    assert statuses == [404, 404, 200, 200, 200, 200]


def test_without_a_folder_brains_are_made_up(brain_run, monkeypatch):
    usual = made_up.write_cases

    def small(folder, n, seed):
        return usual(folder, n, seed, (20, 28, 24))

    monkeypatch.setattr(made_up, "write_cases", small)
    with served.server(brain_run) as client:
        names = [one["name"] for one in client.ask("/brain/cases")[1]]
        assert names == [f"BraTS20_Sintetico_00{n}" for n in (1, 2, 3)]


def test_cases_are_for_brains_only(digits, tmp_path):
    with pytest.raises(CourseError, match="--cases es para una segmentación"):
        server.app_of(digits, cases=tmp_path)


# ---- the address, the end


def test_a_port_in_use_gives_way_to_the_next(capsys):
    with server._listening("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with server._listening("127.0.0.1", port) as second:
            assert port < second.getsockname()[1] < port + 20
            address = server._say(second, "127.0.0.1", port)
    shown = capsys.readouterr().out
    assert f"El puerto {port} está ocupado" in shown and address in shown
    assert "Quien esté en tu red" not in shown


def test_an_answer_goes_out_at_once_on_a_kept_connection():
    """Whether the connections that come in have Nagle's algorithm off, which asyncio leaves on."""
    with server._listening("127.0.0.1", 0) as listening:
        with socket.create_connection(listening.getsockname()):
            with listening.accept()[0] as accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_who_listens_to_the_network_is_told_so(capsys):
    with server._listening("0.0.0.0", 0) as listening:
        assert server._say(listening, "0.0.0.0", 0).startswith("http://127.0.0.1:")
    assert "Quien esté en tu red puede abrirla también" in capsys.readouterr().out


def test_an_address_of_another_machine_is_one_sentence():
    with pytest.raises(CourseError, match="esa dirección no es de este equipo"):
        server._listening("203.0.113.5", 8000)


def test_without_starlette_there_is_a_line_to_type(digits, monkeypatch):
    monkeypatch.setitem(sys.modules, "starlette", None)
    with pytest.raises(CourseError, match="python -m pip install"):
        server.serve(digits)


def served_alone(run, *more, **environment):
    command = [sys.executable, "-m", "course", "demo", str(run), "--port", "0", *more]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def test_it_opens_at_once_without_a_display_and_ends_quietly(digits):
    with served_alone(digits, DISPLAY="", WAYLAND_DISPLAY="") as process:
        line = process.stdout.readline()
        assert line.startswith("La página está en http://127.0.0.1:")
        client = served.Client(int(line.partition("127.0.0.1:")[2].partition("/")[0]))
        assert client.ask("/")[0] == 200
        assert client.ask("/ready")[0] == 200
        assert client.ask("/ask", pixels(0).tobytes())[0] == 200
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=served.WAIT_S)
    assert (process.returncode, out, err) == (0, "\nCerrada.\n", "")


def test_a_network_that_does_not_load_ends_it_with_one_sentence(digits, tmp_path):
    card = (digits / "card.json").read_text()
    (tmp_path / "card.json").write_text(card)
    (tmp_path / "model.keras").write_bytes(b"no network")
    with served_alone(tmp_path) as process:
        out, err = process.communicate(timeout=served.WAIT_S)
    assert process.returncode == 2 and "Traceback" not in err
    assert "no es un modelo que Keras" in err


def test_a_socket_is_closed_at_the_end(digits):
    with served.server(digits) as client:
        port = client.port
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", port))
