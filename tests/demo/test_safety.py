"""What a stranger may try: another site's page, a file that is no picture, a run that is a trap."""

import http.client
import io
import json
import pickle
import socket
import struct
import time
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
from keras import layers

from course.demo import site
from course.demo.server import _Guard, _listening, _own_names, app_of
from tests.demo import served
from tests.demo.served import WAIT_S

SECRET = "Nobody must read this."


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    run = served.digits_run(tmp_path_factory.mktemp("runs") / "digits")
    (run / "secret.txt").write_text(SECRET)
    return run


@pytest.fixture(scope="module")
def client(digits):
    with served.server(digits) as client:
        yield client


# ---- who asks

STRANGERS = ("evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil", "")
STRANGERS += ("evil.example:80:80", "127.0.0.1:80@evil.example", "[::1].evil.example", "0x7f.1")


@pytest.mark.parametrize("host", STRANGERS)
def test_a_name_that_someone_else_points_here_is_refused(client, host):
    said = client.refused(403, "/", Host=host)
    assert said == "Esta página solo contesta a quien la abre por su propia dirección."


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]", "192.168.1.7"])
def test_own_names_are_let_in(client, name):
    for host in (name, f"{name}:{client.port}"):
        assert client.ask("/", Host=host)[0] == 200
        assert client.ask("/", Host=host, Origin=f"http://{host}")[0] == 200


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://127.0.0.1", "http://localhost:{port}", "file://", "x"],
)
def test_another_sites_page_is_refused_whatever_it_asks(client, origin):
    headers = {"Origin": origin.format(port=client.port)}
    for path, body in (("/", None), ("/ready", None), ("/ask", bytes(784)), ("/prepare", b"x")):
        client.refused(403, path, body, **headers)


def test_nobody_is_told_that_they_may_read_it(client):
    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=WAIT_S)
    connection.request("GET", "/")
    answer = connection.getresponse()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    answer.read()
    connection.close()
    assert not any(name.startswith("access-control") for name in headers)
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store" and "server" not in headers
    connection.request("OPTIONS", "/ask", headers={"Origin": "http://evil.example"})
    assert connection.getresponse().status == 403
    connection.close()


def test_who_listens_to_the_network_still_knows_his_names():
    guard = _Guard(None, _own_names("0.0.0.0"))
    machine = socket.gethostname().encode()
    assert guard._is_own({b"host": machine + b":8000"})
    assert not guard._is_own({b"host": b"evil.example"})


# ---- what is asked for


PATHS = (
    "/secret.txt",
    "/card.json",
    "/model.keras",
    "/../secret.txt",
    "/..%2fsecret.txt",
    "/%2e%2e/%2e%2e/etc/passwd",
    "//etc/passwd",
    "/etc/passwd",
    "/web/main.js",
    "/static/..%5csecret.txt",
    "/brain/..",
)


@pytest.mark.parametrize("path", PATHS)
def test_no_path_leads_to_a_file(client, path):
    client.refused(404, path)


def test_a_route_has_one_method(client):
    client.refused(405, "/ask")
    client.refused(405, "/", b"x")
    client.refused(405, "/ask", b"x", "PUT")


@pytest.fixture(scope="module")
def brains(tmp_path_factory):
    from course.datasets.samples import brains as made_up

    folder = made_up.write_cases(tmp_path_factory.mktemp("c") / "m", 1, seed=3, shape=(20, 28, 24))
    with served.server(served.brains_run(tmp_path_factory.mktemp("r") / "b"), folder) as client:
        yield client


NAMES = (
    "../../x.nii",
    "..%2f..%2fx.nii",
    "%2fetc%2fx.nii",
    "a%00.nii",
    ".hidden.nii",
    "x.txt",
    "x.nii.gz.exe",
    "C:%5cx.nii",
    "x" * 200 + ".nii",
    "%3Cscript%3E.nii",
    "",
)


@pytest.mark.parametrize("name", NAMES)
def test_an_uploaded_name_is_never_a_path(brains, name):
    key = brains.ask("/brain/new", b"")[1]["id"]
    said = brains.refused(422, f"/brain/{key}/file?name={name}", b"x")
    assert said.startswith("Se esperaban archivos NIfTI")


@pytest.mark.parametrize("key", ["..", "%2e%2e", "0", "99", "x" * 500, "..%2f..", "1%00"])
def test_an_id_is_looked_up_and_nothing_else(brains, key):
    for path in (f"/brain/{key}", f"/brain/{key}/image/flair", f"/brain/{key}/mask.nii.gz"):
        brains.refused(404, path)
    assert brains.ask(f"/brain/{key}/file?name=x.nii", b"x")[0] in (404, 409)
    brains.refused(404, "/brain/1/image/..")
    brains.refused(404, "/brain/1/mask/nifti-")


# ---- how much


def test_too_long_a_body_is_refused_after_it_was_sent(client, monkeypatch):
    said = client.refused(413, "/ask", bytes(785))
    assert "se esperaban como mucho" in said
    client.refused(413, "/ask", bytes(3_000))
    monkeypatch.setattr(site, "_MOST_PICTURE", 1000)
    assert client.refused(413, "/prepare", bytes(1001)).endswith("0,001 MB.")
    assert client.refused(422, "/ask", bytes(783)).endswith("Llegó: 783.")


def test_a_body_without_end_is_cut_off(client):
    with socket.create_connection(("127.0.0.1", client.port), timeout=WAIT_S) as endless:
        endless.sendall(
            b"POST /ask HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        piece = b"1000\r\n" + bytes(4096) + b"\r\n"
        end = time.monotonic() + WAIT_S
        with pytest.raises(OSError):  # the server has answered and closed
            while time.monotonic() < end:
                endless.sendall(piece)
    assert client.ask("/ask", bytes(784))[0] == 200


def png_header(width, height):
    """A PNG that promises so many pixels and holds next to nothing."""

    def chunk(kind, content):
        crc = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"")), chunk(b"IEND", b"")]
    )


def test_a_picture_of_too_many_pixels_is_refused_by_its_header(client):
    for sides in ((20_000, 20_000), (60_000, 60_000)):
        said = client.refused(422, "/prepare", png_header(*sides))
        assert "millones" in said


def nifti(shape, content=b""):
    """A NIfTI header that promises so many voxels."""
    import nibabel

    header = nibabel.Nifti1Header()
    header.set_data_shape(shape)
    header.set_data_dtype("uint8")
    header.set_sform(np.diag([1.0, 1, 1, 1]), 1)
    header["vox_offset"], header["magic"] = 352, b"n+1"
    return header.binaryblock + bytes(4) + content


def test_a_volume_of_too_many_voxels_is_refused_by_its_header(brains):
    import gzip

    def sent(content, name="BraTS20_Training_001_t1.nii"):
        key = brains.ask("/brain/new", b"")[1]["id"]
        return brains.ask(f"/brain/{key}/file?name={name}", content)

    bomb = gzip.compress(nifti((300, 300, 300), bytes(300**3)), 9)  # 27 kB
    status, said = sent(bomb, "BraTS20_Training_001_t1.nii.gz")
    assert status == 413 and "256×256×256" in said["error"]
    assert sent(nifti((30_000, 30_000, 30_000)))[0] == 422
    assert sent(nifti((64, 64, 64)))[0] == 422  # it promises more than it holds


# ---- rubbish


def rubbish():
    rng = np.random.default_rng(0)
    yield b""
    yield b"\x00" * 5000
    yield rng.bytes(50_000)
    yield b"%PDF-1.7 ..."
    yield b"<svg onload=alert(1)>"
    yield png_header(50, 50)
    yield pickle.dumps({"x": 1})
    yield b"\x89PNG\r\n\x1a\n" + rng.bytes(300)
    yield b"\xff\xd8\xff\xe0" + rng.bytes(300)
    yield b"GIF89a" + rng.bytes(300)


def test_ten_rubbish_uploads_at_once_get_one_sentence_each(client):
    with ThreadPoolExecutor(10) as pool:
        said = list(pool.map(lambda body: client.refused(422, "/prepare", body), rubbish()))
    assert len(said) == 10 and all(one.startswith("El archivo ") for one in said)
    assert client.ask("/ask", bytes(784))[0] == 200


def test_ten_rubbish_volumes_at_once_get_one_sentence_each(brains):
    key = brains.ask("/brain/new", b"")[1]["id"]
    path = f"/brain/{key}/file?name=BraTS20_Training_001_t"

    def send(numbered):
        number, body = numbered
        return brains.ask(f"{path}{number}.nii", body)

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(send, enumerate(rubbish())))
    for status, said in answers:  # 413: more than a case has were there at the same moment
        begins = {413: "Un caso tiene como mucho", 422: "BraTS20_Training_001_t"}[status]
        assert said["error"].startswith(begins) and said["error_en"]
    assert "BraTS20_Training_001_flair" in brains.refused(422, f"/brain/{key}/segment", b"")


def test_what_is_no_http_hurts_nobody(client):
    for sent in (b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"A" * 100_000, b""):
        with socket.create_connection(("127.0.0.1", client.port), timeout=WAIT_S) as raw:
            raw.sendall(sent)
    assert client.ask("/ask", bytes(784))[0] == 200


def test_a_failure_of_ours_is_one_sentence_and_its_details_stay_here(client, monkeypatch, caplog):
    def broken(*given):
        raise RuntimeError("/etc/secret is broken")

    monkeypatch.setattr(site.inference_run, "prepared", broken)
    said = client.refused(500, "/prepare", b"x")
    assert said == "Algo falló en el servidor; la terminal que lo abrió dice qué."
    assert "/etc/secret is broken" in caplog.text


# ---- a run from a stranger


def changed(run, folder, **card):
    """The run with another card."""
    folder.mkdir()
    (folder / "model.keras").write_bytes((run / "model.keras").read_bytes())
    given = {**json.loads((run / "card.json").read_text()), **card}
    (folder / "card.json").write_text(json.dumps(given))
    return folder


def test_a_model_that_carries_code_is_not_loaded(digits, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = changed(digits, tmp_path / "run")
    code = layers.Lambda(lambda x: __import__("pathlib").Path("ran").touch() or x)
    model = keras.Sequential([keras.Input((28, 28, 1), name="pixels"), layers.Flatten(), code])
    model.save(run / "model.keras")
    (tmp_path / "ran").unlink()  # it ran when it was made
    assert "trae código (Lambda)" in refused_by_its_network(run)
    assert not (tmp_path / "ran").exists()


def refused_by_its_network(run):
    """What the page is told by a server whose network does not load."""
    app = app_of(run)
    error = app.state.site.worker.ready.exception(WAIT_S)
    app.state.site.close()
    return str(error)


class Trap:
    """Pickled, it writes a file when it is unpacked."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


def test_a_pickled_array_in_a_model_is_not_unpacked(digits, tmp_path):
    run = changed(digits, tmp_path / "run")
    file = io.BytesIO()
    np.save(file, np.array([Trap(tmp_path / "ran")], dtype=object), allow_pickle=True)
    spoiled = tmp_path / "spoiled.keras"
    with zipfile.ZipFile(run / "model.keras") as old, zipfile.ZipFile(spoiled, "w") as new:
        for name in old.namelist():
            new.writestr(name, file.getvalue() if name.endswith(".h5") else old.read(name))
        new.writestr("model.weights.npz", file.getvalue())
    spoiled.replace(run / "model.keras")
    assert "no es un modelo que Keras" in refused_by_its_network(run)
    assert not (tmp_path / "ran").exists()


def test_a_path_in_a_card_is_text(digits, tmp_path):
    data = {"dataset": "../../etc", "source": "/etc", "title": "../../../etc/passwd"}
    data |= {"made_up": False, "variant": None}
    outside = changed(digits, tmp_path / "run", name="../../secret.txt", data=data)
    with served.server(outside) as client:
        status, html = client.ask("/")
        assert status == 200 and b"../../../etc/passwd" in html
        assert b"root:" not in html and SECRET.encode() not in html
        assert client.ask("/ask", bytes(784))[0] == 200


def test_markup_in_a_class_name_stays_text(tmp_path):
    bad = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    names = [bad, *map(str, range(1, 10))]
    run = served.digits_run(tmp_path / "run", class_names=names, name=bad)
    with served.server(run) as client:
        html = client.ask("/")[1].decode()
    assert "<img src=x" not in html and "<script>alert" not in html
    _, _, setup = html.partition('<script type="application/json" id="setup">')
    assert json.loads(setup.partition("</script>")[0])["card"]["class_names"][0] == bad


def test_a_taken_port_is_never_shared():
    with _listening("127.0.0.1", 0) as first, pytest.raises(OSError), socket.socket() as other:
        other.bind(first.getsockname())
