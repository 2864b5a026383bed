"""fetch, driven through the real kagglehub client against a stub of Kaggle on 127.0.0.1."""

import email.utils
import gzip
import hashlib
import json
import logging
import os
import random
import subprocess
import sys
import time
import traceback
import types
from pathlib import Path

import numpy as np
import pytest
import requests

import course
from course.datasets import catalog, fetch
from course.datasets.download import answers, inventory, verify
from course.datasets.download.fetch import fetch_files, locate
from course.datasets.download.inventory import cached, check, record
from course.datasets.download.kaggle import guarded
from course.errors import CourseError
from course.spanish import number
from tests.brats_fakes import nifti
from tests.fakes import sign_csv
from tests.kaggle_stub import SIGNATURE, TOKEN, KaggleStub, zip_of

PICTURES = np.zeros((3, 28, 28), "uint8")
PICTURES[:, 0, 0] = 0, 255, 17
TABLE = sign_csv(PICTURES, (3, 5, 3))
OTHER_TABLE = sign_csv(PICTURES[:1], (8,))
SCAN = nifti(np.zeros((2, 3, 4), "int16"))
DIGITS = b"\0\0\x08\x01" + b"\0\0\0\x04" + bytes([7, 2, 1, 2])
FILES = {"table.csv": TABLE, "digits.idx1-ubyte": DIGITS}
NEWLINE = b"\r\n"
MIB = 1 << 20
LARGE = {**FILES, "noise.bin": random.Random(0).randbytes(3 * MIB)}
SECRETS = (TOKEN, SIGNATURE, "k3y-secret", "jwt-secret", "proxy-secret")

CATALOGUE = f"""
tiny:
  title: Tiny
  handle: owner/tiny
  version: 1
  version_seen: mirror, 2026-11-23
  homepage: https://www.kaggle.com/datasets/owner/tiny
  licence: CC0 1.0
  citation: nobody, Tiny, 2026
  sample: {{title: "muestra: inventada", made_up: true, licence: CC0 1.0, citation: nobody}}
  files:
    - path: table.csv
      alternatives: [table/table.csv]
      size_bytes: {len(TABLE)}
      sha256: {hashlib.sha256(TABLE).hexdigest()}
      seen: mirror, 2026-11-23
      content: {{kind: sign, rows: 3, text_bytes: {len(TABLE.replace(NEWLINE, b""))},
                histogram: {{3: 2, 5: 1}}}}
    - path: digits.idx1-ubyte
      alternatives: [digits-idx1-ubyte, digits-idx1-ubyte/digits-idx1-ubyte]
      size_bytes: {len(DIGITS)}
      sha256: {hashlib.sha256(DIGITS).hexdigest()}
      seen: mirror, 2026-11-23
      gz_md5: {hashlib.md5(gzip.compress(DIGITS, mtime=0)).hexdigest()}
      content: {{kind: idx, shape: [4], histogram: {{1: 1, 2: 2, 7: 1}}}}
scans:
  title: Scans
  handle: owner/scans
  version: 1
  version_seen: mirror, 2026-11-23
  homepage: https://www.kaggle.com/datasets/owner/scans
  licence: see the page
  citation: nobody, Scans, 2026
  cases: data/case_*
  files: []
"""


@pytest.fixture
def catalogue(tmp_path, monkeypatch):
    """A catalogue of tiny data sets instead of the course's; returns its path."""
    path = tmp_path / "datasets.yaml"
    path.write_text(CATALOGUE, encoding="utf-8")
    monkeypatch.setattr(course, "beside", lambda name: path)
    return path


@pytest.fixture
def kaggle(tmp_path, monkeypatch):
    """The stub, serving Tiny; afterwards: nothing tried to leave this machine."""
    # kagglehub reads the source of every caller for its User-Agent; under pytest that is slow
    monkeypatch.setattr("kagglehub.clients.search_lib_in_call_stack", lambda name: None)
    for name in list(os.environ):
        if name.startswith(("KAGGLE", "COLAB", "TBE_", "DISABLE_", "COURSE_MOUNT")):
            monkeypatch.delenv(name)
    with KaggleStub() as stub:
        stub.serve("owner/tiny", FILES)
        for name, value in stub.environment(tmp_path / "home").items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("KAGGLE_USERNAME", "someone")
        monkeypatch.setenv("KAGGLE_KEY", "k3y-secret")
        yield stub
    assert stub.egress == []


@pytest.fixture
def waits(monkeypatch):
    """The seconds that fetch would have slept between two tries."""
    slept = []
    monkeypatch.setattr(answers, "time", types.SimpleNamespace(sleep=slept.append))
    return slept


@pytest.fixture
def tiny(catalogue, kaggle, waits, tmp_path):
    """Everything together; returns the folder where kagglehub keeps owner/tiny."""
    return tmp_path / "home" / "cache" / "datasets" / "owner" / "tiny"


def message_of(capfd, caplog, *args, **kwargs):
    """The text of the CourseError that fetch ends in; no secret in it, nor in any output."""
    caplog.set_level(logging.DEBUG)
    for name in ("kagglehub", "kagglesdk"):
        logging.getLogger(name).addHandler(caplog.handler)
    with pytest.raises(CourseError) as caught:
        fetch(*args, **kwargs)
    printed = "".join(traceback.format_exception(caught.value)) + "".join(capfd.readouterr())
    for secret in SECRETS:
        assert secret not in printed
        assert secret not in caplog.text
    message = str(caught.value)
    assert "owner/tiny" in message
    assert "https://www.kaggle.com/datasets/owner/tiny" in message
    assert "--source sample" in message and "--source CARPETA" in message
    return message


# ---- the straight road


def test_fetch_downloads_a_pinned_version_with_two_requests(tiny, kaggle):
    folder = fetch("tiny")
    assert folder == tiny / "versions" / "1"
    assert (folder / "table.csv").read_bytes() == TABLE
    assert (folder / "digits.idx1-ubyte").read_bytes() == DIGITS
    assert kaggle.names() == ["DownloadDataset", "storage"]
    assert kaggle.requests[0].body == {
        "ownerSlug": "owner",
        "datasetSlug": "tiny",
        "datasetVersionNumber": 1,
    }


def test_the_second_fetch_asks_nobody_and_reads_no_file(tiny, kaggle, monkeypatch):
    fetch("tiny")
    kaggle.requests.clear()
    monkeypatch.setattr("course.datasets.download.verify.examine", None)
    fetch("tiny")
    assert kaggle.requests == []


def test_what_is_cached_works_offline_in_a_fresh_process_and_without_tensorflow(tiny, catalogue):
    fetch("tiny")
    program = (
        "import pathlib, sys, course; from course.datasets import catalog;"
        f"course.beside = lambda name: pathlib.Path({str(catalogue)!r});"
        "from course.datasets import fetch; print(fetch('tiny'));"
        "print([m for m in ('tensorflow', 'keras', 'numpy', 'kagglehub') if m in sys.modules])"
    )
    nobody = {**os.environ, "http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
    run = subprocess.run(
        [sys.executable, "-c", program], env=nobody, capture_output=True, text=True, check=True
    )
    assert run.stdout.splitlines() == [str(tiny / "versions" / "1"), "[]"]


def test_data_dir_says_where_to_keep_the_files(tiny, kaggle, tmp_path):
    before = os.environ["KAGGLEHUB_CACHE"]
    folder = fetch("tiny", data_dir=tmp_path / "elsewhere")
    assert folder == tmp_path / "elsewhere" / "datasets" / "owner" / "tiny" / "versions" / "1"
    assert os.environ["KAGGLEHUB_CACHE"] == before
    assert not tiny.exists()
    assert cached("tiny") is None
    assert cached("tiny", data_dir=tmp_path / "elsewhere") == folder


def test_files_fetches_only_those(tiny, kaggle):
    folder = fetch("tiny", files=["table.csv"])
    assert sorted(p.name for p in folder.iterdir()) == ["table.csv"]
    assert kaggle.requests[0].body["fileName"] == "table.csv"
    kaggle.requests.clear()
    fetch("tiny", files=["table.csv"])
    assert kaggle.requests == []
    fetch("tiny")  # now all of them
    assert (folder / "digits.idx1-ubyte").read_bytes() == DIGITS


def test_an_unlisted_file_or_no_file_at_all_is_refused_before_any_request(tiny, kaggle):
    with pytest.raises(
        CourseError, match=r"ningún archivo 'tabel.csv'.\nSe esperaba: table.csv, digits"
    ):
        fetch("tiny", files=["tabel.csv"])
    for nothing in ([], "table.csv"):
        with pytest.raises(CourseError, match="se esperaba una lista de nombres"):
            fetch("tiny", files=nothing)
    with pytest.raises(CourseError, match="ningún archivo '../x.nii'"):
        fetch("scans", files=["../x.nii"])
    assert kaggle.requests == []


def test_a_case_that_no_entry_lists_is_checked_by_its_header(tiny, kaggle):
    name, table = "data/case_1/case_1_t1.nii", "data/grades.csv"
    files = {name: SCAN, "data/case_2/case_2_t1.nii": b"no scan", table: b"name,grade\r\n"}
    kaggle.serve("owner/scans", files)
    folder = fetch("scans", files=[name, table])
    assert (folder / name).read_bytes() == SCAN
    with pytest.raises(CourseError, match="case_2_t1.nii: se esperaba .*NIfTI"):
        fetch("scans", files=["data/case_2/case_2_t1.nii"])
    # no hash is known of either: one is cut short, the other is empty
    for damaged, left in ((name, SCAN[:-1]), (table, b"")):
        (folder / damaged).write_bytes(left)
        kaggle.requests.clear()
        fetch("scans", files=[damaged])
        assert (folder / damaged).read_bytes() == files[damaged]
        assert kaggle.names() == ["DownloadDataset", "storage"]
    kaggle.requests.clear()
    fetch("scans")
    assert fetch("scans") == folder
    assert kaggle.names() == ["DownloadDataset", "storage"]


def test_the_stub_notices_whatever_tries_to_leave(tmp_path, monkeypatch):
    with KaggleStub() as stub:
        for name, value in stub.environment(tmp_path).items():
            monkeypatch.setenv(name, value)
        with pytest.raises(requests.exceptions.ProxyError):
            requests.get("https://www.kaggle.com/api", timeout=5)
        assert requests.get("http://example.org/x", timeout=5).status_code == 403
        assert stub.egress == ["www.kaggle.com:443", "http://example.org/x"]
        assert stub.requests == []


def test_nobody_else_s_use_of_requests_is_touched(tiny, kaggle):
    from kagglesdk.kaggle_http_client import KaggleHttpClient

    send, start = requests.Session.send, KaggleHttpClient._init_session
    with guarded():
        assert requests.Session.send is send
        client = KaggleHttpClient()
        with client, requests.Session() as own:
            for scheme in ("http://x", "https://x"):
                assert type(client._session.get_adapter(scheme)).__name__ == "Patient"
                assert type(own.get_adapter(scheme)) is requests.adapters.HTTPAdapter
    assert KaggleHttpClient._init_session is start


# ---- what is healed


@pytest.mark.parametrize("one_by_one", [False, True])
@pytest.mark.parametrize("damage", ["truncated", "deleted", "emptied", "other bytes"])
def test_a_damaged_extracted_file_is_noticed_and_fetched_again(tiny, kaggle, damage, one_by_one):
    folder = fetch("tiny")
    path = folder / "table.csv"
    if damage == "deleted":
        path.unlink()
    else:
        path.write_bytes({"truncated": TABLE[:-6], "emptied": b""}.get(damage, TABLE[::-1]))
    kaggle.requests.clear()
    fetch("tiny", files=["table.csv"] if one_by_one else None)
    assert path.read_bytes() == TABLE
    assert kaggle.names() == ["DownloadDataset", "storage"]


def test_a_good_second_copy_replaces_a_damaged_one_without_a_request(tiny, kaggle):
    kaggle.serve("owner/tiny", {**FILES, "table/table.csv": TABLE})
    folder = fetch("tiny")
    (folder / "table.csv").write_bytes(b"")
    kaggle.requests.clear()
    fetch("tiny")
    assert kaggle.requests == []
    found = fetch_files(catalog.get("tiny"), content_of=inventory.content_of)
    assert found[1]["table.csv"] == folder / "table" / "table.csv"


def test_a_failed_heal_leaves_the_good_files(tiny, kaggle, capfd, caplog):
    folder = fetch("tiny")
    (folder / "table.csv").unlink()
    kaggle.fail(403)
    message_of(capfd, caplog, "tiny")
    assert (folder / "digits.idx1-ubyte").read_bytes() == DIGITS


@pytest.mark.parametrize("extra", [0, 5000])
def test_the_archive_that_wedges_kagglehub_for_good_is_deleted(tiny, kaggle, extra, capfd):
    kaggle.send_md5 = False
    tiny.mkdir(parents=True)
    size = len(zip_of(FILES)) + extra  # as large as the real one, or larger: kagglehub appends
    (tiny / "1.archive").write_bytes(b"x" * size)
    folder = fetch("tiny")
    assert (folder / "table.csv").read_bytes() == TABLE
    assert not (tiny / "1.archive").exists()
    assert "1.archive está dañado" in capfd.readouterr().err


def test_a_corrupt_zip_of_the_right_size_is_fetched_again(tiny, kaggle):
    kaggle.send_md5 = False
    tiny.mkdir(parents=True)
    spoiled = bytearray(zip_of(FILES))
    spoiled[45] ^= 0xFF  # in the first file's deflated bytes: still a zip, its CRC is wrong
    (tiny / "1.archive").write_bytes(spoiled)
    assert (fetch("tiny") / "table.csv").read_bytes() == TABLE


def test_wrong_bytes_with_an_md5_are_fetched_again(tiny, kaggle):
    tiny.mkdir(parents=True)
    (tiny / "1.archive").write_bytes(b"x" * 10)
    assert (fetch("tiny") / "table.csv").read_bytes() == TABLE


def test_a_page_instead_of_an_archive_is_fetched_twice_and_no_more(tiny, kaggle, capfd, caplog):
    kaggle.send_md5 = False
    kaggle.serve("owner/tiny", b"<html>please log in to this network</html>")
    message = message_of(capfd, caplog, "tiny")
    assert "está dañado o no es un archivo comprimido" in message and "página de acceso" in message
    assert kaggle.names().count("DownloadDataset") == 2


def test_a_cut_download_goes_on_where_it_stopped(tiny, kaggle, waits):
    kaggle.serve("owner/tiny", LARGE)
    kaggle.cut(after_bytes=5 * MIB // 2)  # kagglehub writes whole MiB
    assert (fetch("tiny") / "table.csv").read_bytes() == TABLE
    ranges = [r.headers.get("Range") for r in kaggle.requests if r.name == "storage"]
    assert ranges == [None, None, f"bytes={2 * MIB}-"]
    assert len(waits) == 1


def test_a_download_that_is_cut_at_every_mib_arrives_all_the_same(tiny, kaggle):
    kaggle.serve("owner/tiny", {**FILES, "noise.bin": random.Random(0).randbytes(8 * MIB)})
    kaggle.cut(after_bytes=3 * MIB // 2, times=8)
    assert (fetch("tiny") / "table.csv").read_bytes() == TABLE


def test_a_download_that_always_breaks_ends(tiny, kaggle, waits, capfd, caplog):
    kaggle.ranges = False
    kaggle.cut(after_bytes=100, times=99)
    message = message_of(capfd, caplog, "tiny")
    assert "la conexión se cortó" in message
    assert kaggle.names().count("DownloadDataset") <= 5


def test_a_download_cut_in_one_run_is_resumed_in_the_next(tiny, kaggle, capfd, caplog):
    kaggle.serve("owner/tiny", LARGE)
    kaggle.cut(after_bytes=3 * MIB // 2)
    kaggle.cut(after_bytes=0, times=9)
    assert "lo que ya llegó se conserva" in message_of(capfd, caplog, "tiny")
    assert (tiny / "1.archive").stat().st_size == MIB
    kaggle.mend()
    fetch("tiny")
    assert kaggle.requests[-1].headers.get("Range") == f"bytes={MIB}-"


def test_one_large_file_is_resumed_too(tiny, kaggle, catalogue, capfd, caplog):
    noise = LARGE["noise.bin"]
    catalogue.write_text(CATALOGUE.replace("  files: []", f"""  files:
    - path: noise.bin
      sha256: {hashlib.sha256(noise).hexdigest()}
      seen: mirror, 2026-11-23
"""))  # fmt: skip
    kaggle.serve("owner/scans", LARGE)
    kaggle.cut(after_bytes=3 * MIB // 2)
    kaggle.cut(after_bytes=0, times=9)
    with pytest.raises(
        CourseError, match="noise.bin, para guardarlo en .*\nPor qué: la conexión se cortó"
    ):
        fetch("scans", files=["noise.bin"])
    kaggle.mend()
    assert (fetch("scans", files=["noise.bin"]) / "noise.bin").read_bytes() == noise
    assert kaggle.requests[-1].headers.get("Range") == f"bytes={MIB}-"


def test_429_is_asked_again_after_the_seconds_it_names(tiny, kaggle, waits, capfd):
    kaggle.fail(429, headers={"Retry-After": "7"})
    fetch("tiny")
    assert 7 <= waits[0] <= 8 and len(waits) == 1
    assert kaggle.names() == ["DownloadDataset", "DownloadDataset", "storage"]
    assert "Kaggle responde 429: demasiadas peticiones" in capfd.readouterr().err


def test_retry_after_may_be_a_date(tiny, kaggle, waits):
    kaggle.fail(503, headers={"Retry-After": email.utils.formatdate(time.time() + 20, usegmt=True)})
    fetch("tiny")
    assert 17 <= waits[0] <= 21.5


def test_retry_after_of_an_hour_is_said_not_slept(tiny, kaggle, waits, capfd, caplog):
    kaggle.fail(429, headers={"Retry-After": "3600"})
    message = message_of(capfd, caplog, "tiny")
    assert "429" in message and "volver en 3600 s" in message
    assert waits == [] and kaggle.names() == ["DownloadDataset"]


def test_500_is_retried_with_growing_jittered_waits_and_then_ends(
    tiny, kaggle, waits, capfd, caplog
):
    kaggle.fail(500, times=99)
    message = message_of(capfd, caplog, "tiny")
    assert "Kaggle responde 500" in message and "espera unos minutos" in message
    assert kaggle.names() == ["DownloadDataset"] * 4
    for wait, middle in zip(waits, (1, 2, 4), strict=True):
        assert middle / 2 <= wait <= middle * 1.5


def test_500_once_is_healed(tiny, kaggle):
    kaggle.fail(500, on="storage")
    assert (fetch("tiny") / "table.csv").read_bytes() == TABLE


# ---- what ends in a message


@pytest.mark.parametrize(
    "status, words",
    [
        (401, ["401", "no acepta el token", "quita KAGGLE_API_TOKEN"]),
        (403, ["403", "condiciones están por aceptar", "en https://www.kaggle.com/"]),
        (404, ["404", "no tiene esos datos, esa versión", "datasets.yaml"]),
        (418, ["Kaggle responde 418"]),
    ],
)
def test_a_refusal_is_not_asked_again(tiny, kaggle, waits, capfd, caplog, status, words):
    kaggle.fail(status)
    message = message_of(capfd, caplog, "tiny")
    assert [word for word in words if word not in message] == []
    assert kaggle.names().count("DownloadDataset") == 1 and waits == []


def test_a_wrong_version_is_named(tiny, kaggle, catalogue, capfd, caplog):
    catalogue.write_text(CATALOGUE.replace("version: 1", "version: 9", 1))
    catalog._cached.cache_clear()
    kaggle.serve("owner/tiny", FILES, version=3)
    message = message_of(capfd, caplog, "tiny")
    assert "no tiene esos datos, esa versión" in message and "corrige handle y version" in message
    assert kaggle.names() == ["DownloadDataset"]


def test_no_network_ends_soon(tiny, kaggle, waits, monkeypatch, capfd, caplog):
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "TEST")  # localhost:7777, where nobody listens
    monkeypatch.setenv("no_proxy", "localhost")
    monkeypatch.setenv("NO_PROXY", "localhost")
    message = message_of(capfd, caplog, "tiny")
    assert "aquí no hay red" in message and "conéctate a internet" in message
    assert len(waits) == 3 and kaggle.requests == []


def test_a_network_that_says_nothing_does_not_hang(tiny, kaggle, waits, monkeypatch):
    monkeypatch.setattr("course.datasets.download.kaggle._TIMEOUTS_S", (1, 0.2))
    kaggle.hang(0.5)
    assert (fetch("tiny") / "table.csv").read_bytes() == TABLE
    assert kaggle.names() == ["DownloadDataset", "DownloadDataset", "storage"]


def test_a_proxy_that_is_not_there_is_named(tiny, kaggle, monkeypatch, capfd, caplog):
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://someone:proxy-secret@127.0.0.1:9")
    assert "el proxy que nombran https_proxy" in message_of(capfd, caplog, "tiny")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is full")
def test_a_full_disk_is_named(tiny, kaggle, waits, capfd, caplog):
    tiny.mkdir(parents=True)
    (tiny / "1.archive").symlink_to("/dev/full")
    message = message_of(capfd, caplog, "tiny")
    assert "el disco está lleno" in message and str(tiny.parents[2]) in message
    assert "KAGGLEHUB_CACHE" in message
    assert kaggle.names() == ["DownloadDataset", "storage"] and waits == []


def test_a_cache_that_is_a_file_is_named(tiny, kaggle, tmp_path, capfd, caplog):
    (tmp_path / "taken").write_text("")
    message = message_of(capfd, caplog, "tiny", data_dir=tmp_path / "taken")
    assert "No se pudo escribir" in message and str(tmp_path / "taken") in message


def test_a_broken_kaggle_json_is_named(tiny, kaggle, monkeypatch, tmp_path, capfd, caplog):
    monkeypatch.delenv("KAGGLE_KEY")
    (tmp_path / "home" / ".kaggle").mkdir(parents=True)
    (tmp_path / "home" / ".kaggle" / "kaggle.json").write_text('{"key": "k3y-secret"')
    message = message_of(capfd, caplog, "tiny")
    assert "kaggle.json" in message and kaggle.requests == []


def test_a_file_that_differs_in_content_is_fetched_twice_then_named(tiny, kaggle, capfd, caplog):
    kaggle.serve("owner/tiny", {**FILES, "table.csv": TABLE.replace(b"5,255", b"3,255")})
    message = message_of(capfd, caplog, "tiny")
    assert "table.csv: 3 está 3 veces, no 2" in message
    assert "python -m course data verify tiny --record" in message
    assert kaggle.names().count("storage") == 2


def test_a_file_that_the_archive_lacks_is_not_fetched_again(tiny, kaggle, capfd, caplog):
    kaggle.serve("owner/tiny", {"table.csv": TABLE})
    assert "digits.idx1-ubyte: falta" in message_of(capfd, caplog, "tiny")
    assert kaggle.names().count("storage") == 1


# ---- hashes: a mirror's is settled by content, Kaggle's is not


def test_line_endings_differ_from_the_mirror_one_warning_and_no_more(tiny, kaggle):
    kaggle.serve("owner/tiny", {**FILES, "table.csv": TABLE.replace(b"\r\n", b"\n")})
    with pytest.warns(UserWarning, match="otros bytes .* coincide: cuántas filas") as warned:
        folder = fetch("tiny")
    assert len(warned) == 1
    assert fetch("tiny") == folder  # a second warning would be an error here
    assert kaggle.names().count("storage") == 1


def test_a_hash_seen_at_kaggle_is_binding(tiny, kaggle, catalogue, capfd, caplog):
    catalogue.write_text(CATALOGUE.replace("      seen: mirror", "      seen: kaggle"))
    catalog._cached.cache_clear()
    kaggle.serve("owner/tiny", {**FILES, "table.csv": TABLE.replace(b"\r\n", b"\n")})
    assert f"{number(len(TABLE) - 4, 0)} bytes, no {number(len(TABLE), 0)}" in message_of(
        capfd, caplog, "tiny"
    )


def test_a_new_hash_in_the_catalogue_is_compared_at_once(tiny, kaggle, catalogue):
    fetch("tiny")
    other = hashlib.sha256(b"other").hexdigest()
    catalogue.write_text(CATALOGUE.replace(hashlib.sha256(TABLE).hexdigest(), other))
    catalog._cached.cache_clear()
    with pytest.warns(UserWarning, match="Solo se comparó, y coincide: cuántas filas"):
        fetch("tiny")


def test_record_prints_a_block_that_the_catalogue_takes(tiny, kaggle, catalogue):
    kaggle.serve("owner/tiny", {**FILES, "table.csv": TABLE.replace(b"\r\n", b"\n")})
    with pytest.warns(UserWarning):
        fetch("tiny")
    block = record("tiny")
    assert "seen: kaggle, 20" in block and "#" not in block
    head, rest = CATALOGUE.split("  files:\n", 1)
    head = "\n".join(line for line in head.splitlines() if "version" not in line)
    catalogue.write_text(f"{head}\n{block}\n{rest[rest.index('scans:') :]}")
    catalog._cached.cache_clear()
    info = catalog.get("tiny")
    lf = TABLE.replace(b"\r\n", b"\n")
    assert info.files[0].sha256 == hashlib.sha256(lf).hexdigest()
    assert info.files[0].size_bytes == len(lf)
    assert info.files[0].content.histogram == {3: 2, 5: 1}
    assert fetch("tiny")  # nothing to warn about any more


def test_check_and_record_look_at_the_disk_only(tiny, kaggle):
    with pytest.raises(
        CourseError, match="No hay nada de Tiny.*\nQué hacer: python -m course data fetch"
    ):
        check("tiny")
    folder = fetch("tiny")
    kaggle.requests.clear()
    assert [(v.path.name, v.how, v.good) for v in check("tiny")] == [
        ("table.csv", "sha256", True),
        ("digits.idx1-ubyte", "sha256", True),
    ]
    (folder / "digits.idx1-ubyte").write_bytes(DIGITS[:-1])
    (folder / "table.csv").unlink()
    assert [v.problem for v in check("tiny")] == [
        "falta",
        "su cabecera promete 4 bytes de etiquetas. Llegó: 3",
    ]
    with pytest.raises(CourseError, match="no contiene table.csv"):
        record("tiny")
    assert kaggle.requests == []


def test_cases_that_no_entry_lists_are_checked_by_their_headers(tiny, tmp_path):
    with pytest.raises(CourseError, match="No hay nada de Scans"):
        check("scans")
    folder = tmp_path / "home" / "cache" / "datasets" / "owner" / "scans" / "versions" / "1"
    put(folder, {"data/case_1/t1.nii": SCAN, "data/case_2/t1.nii": b"no scan"})
    good, bad = check("scans")
    assert (good.path.parent.name, good.how, good.problem) == ("case_1", "forma", "")
    assert (bad.path.parent.name, bad.how) == ("case_2", "forma") and "NIfTI" in bad.problem
    with pytest.raises(CourseError, match="no enumera los archivos de Scans"):
        record("scans")


# ---- mounts: Kaggle and Colab


@pytest.fixture
def inside_kaggle(tiny, kaggle, monkeypatch, tmp_path):
    """A Kaggle notebook: a mount root, the attach service, its tokens. Returns the root."""
    root = tmp_path / "input"
    root.mkdir()
    monkeypatch.setenv("KAGGLE_CACHE_MOUNT_FOLDER", str(root))
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Interactive")
    monkeypatch.setenv("KAGGLE_DATA_PROXY_URL", f"http://127.0.0.1:{kaggle.port}")
    monkeypatch.setenv("KAGGLE_DATA_PROXY_TOKEN", "proxy-secret")
    monkeypatch.setenv("KAGGLE_USER_SECRETS_TOKEN", "jwt-secret")
    monkeypatch.setenv("COURSE_MOUNT_LIMIT_S", "0.3")
    return root


def put(folder, files=FILES):
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


@pytest.mark.parametrize("below", ["tiny", "datasets/owner/tiny", "datasets/owner/tiny/v/1"])
def test_inside_kaggle_an_added_input_is_found_without_a_request(inside_kaggle, kaggle, below):
    put(inside_kaggle / "another", {"table.csv": OTHER_TABLE, "x": b""})
    mounted = put(inside_kaggle / below)
    assert fetch("tiny") == mounted
    assert cached("tiny") == mounted
    assert kaggle.requests == []


def test_inside_kaggle_another_file_of_the_same_name_is_not_taken(inside_kaggle, kaggle):
    other = {**FILES, "table.csv": OTHER_TABLE}
    put(inside_kaggle / "a-data-set-of-somebody", other)
    mounted = put(inside_kaggle / "z-where-it-lies")
    assert fetch("tiny") == mounted


def test_inside_kaggle_kagglehub_is_asked_to_mount(inside_kaggle, kaggle, monkeypatch):
    kaggle.mount_slug = "late/tiny"
    send = KaggleStub.next_fault

    def mounts_when_asked(stub, name):
        put(inside_kaggle / "late" / "tiny")
        return send(stub, name)

    monkeypatch.setattr(KaggleStub, "next_fault", mounts_when_asked)
    assert fetch("tiny") == inside_kaggle / "late" / "tiny"
    assert kaggle.names() == ["attach"]
    assert kaggle.requests[0].body["datasetRef"]["VersionNumber"] == "1"


def test_a_mount_that_never_appears_ends_in_a_message(inside_kaggle, kaggle, capfd, caplog):
    kaggle.mount_slug = "never"
    began = time.monotonic()
    message = message_of(capfd, caplog, "tiny")
    assert time.monotonic() - began < 5
    assert "ninguna carpeta apareció en 0,3 s" in message
    assert "Add Input" in message and "COURSE_MOUNT_LIMIT_S" in message
    assert kaggle.names() == ["attach"]


def test_a_kaggle_that_will_not_attach_ends_in_a_message(inside_kaggle, kaggle, capfd, caplog):
    message = message_of(capfd, caplog, "tiny")
    assert "no pudo montar los datos" in message and "Add Input" in message


def test_a_mount_with_other_files_is_named(inside_kaggle, kaggle, capfd, caplog):
    kaggle.mount_slug = "tiny"
    put(inside_kaggle / "tiny", {**FILES, "table.csv": OTHER_TABLE})
    message = message_of(capfd, caplog, "tiny")
    assert "table.csv: tiene 1 filas, no 3" in message
    assert kaggle.names() == ["attach"]


@pytest.fixture
def inside_colab(tiny, kaggle, monkeypatch, tmp_path):
    root = tmp_path / "input"
    root.mkdir()
    monkeypatch.setenv("COLAB_CACHE_MOUNT_FOLDER", str(root))
    monkeypatch.setenv("TBE_RUNTIME_ADDR", f"127.0.0.1:{kaggle.port}")
    monkeypatch.setenv("COURSE_MOUNT_LIMIT_S", "0.3")
    return root


def test_when_colab_declines_to_mount_the_files_are_downloaded(inside_colab, kaggle):
    assert (fetch("tiny") / "table.csv").read_bytes() == TABLE
    assert kaggle.names() == ["is_supported", "DownloadDataset", "storage"]


def test_colab_s_own_trouble_is_retried_then_named(inside_colab, kaggle, capfd, caplog):
    kaggle.fail(500, on="is_supported", times=99)
    assert "responde 500" in message_of(capfd, caplog, "tiny")
    assert kaggle.names() == ["is_supported"] * 4


def test_a_colab_mount_that_never_appears_ends_in_a_message(inside_colab, kaggle, capfd, caplog):
    kaggle.mount_slug = "never"
    assert "DISABLE_COLAB_CACHE=1" in message_of(capfd, caplog, "tiny")
    assert kaggle.names() == ["is_supported", "mount"]


# ---- a folder of one's own


@pytest.mark.parametrize(
    "name",
    [
        "digits.idx1-ubyte",
        "digits-idx1-ubyte",
        "digits-idx1-ubyte/digits-idx1-ubyte",
        "digits.idx1-ubyte.gz",
        "digits-idx1-ubyte.gz",
        "digits-idx1-ubyte/digits-idx1-ubyte.gz",
    ],
)
def test_a_folder_of_one_s_own_may_have_any_form(catalogue, kaggle, tmp_path, name):
    mine = put(tmp_path / "mine", {"table/table.csv": TABLE, name: DIGITS})
    assert fetch("tiny", source=mine) == mine
    assert fetch("tiny", source=str(mine)) == mine
    _, found = fetch_files(catalog.get("tiny"), mine, content_of=None)
    assert found["digits.idx1-ubyte"] == mine / name
    assert found["table.csv"] == mine / "table" / "table.csv"
    assert kaggle.requests == []


def test_a_folder_without_the_files_says_what_is_there(catalogue, tmp_path):
    mine = put(tmp_path / "mine", {"notes.txt": b"", "table.csv": TABLE})
    with pytest.raises(CourseError) as caught:
        fetch("tiny", source=mine)
    assert "Se esperaba uno de: digits.idx1-ubyte, digits-idx1-ubyte, d" in str(caught.value)
    assert "Hay: notes.txt, table.csv." in str(caught.value)
    assert fetch("tiny", source=mine, files=["table.csv"]) == mine
    with pytest.raises(CourseError, match="Aquí no hay una carpeta con ese nombre"):
        fetch("tiny", source=tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CourseError, match="Hay: nada, está vacía"):
        fetch("tiny", source=tmp_path / "empty")


@pytest.mark.parametrize("name", ["sample", "kaggle", "tfds"])
def test_a_folder_of_one_s_own_may_have_the_name_of_a_source(
    catalogue, kaggle, tmp_path, monkeypatch, name
):
    mine = put(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    for source in (f"./{name}", Path(name), mine, str(mine)):
        assert fetch("tiny", source=source).absolute() == mine
    assert kaggle.requests == []
    for named in ("sample", "tfds"):  # they have no files to fetch
        with pytest.raises(CourseError, match=f"se esperaba kaggle, o una carpeta.*'{named}'"):
            fetch("tiny", source=named)


def test_a_memory_that_cannot_be_read_or_written_only_costs_time(tiny, kaggle):
    folder = fetch("tiny")
    note = tiny / "1.verified.json"
    assert set(json.loads(note.read_text())) == {str(folder / name) for name in FILES}
    note.write_text("{ not json")
    assert fetch("tiny") == folder
    note.unlink()
    note.mkdir()
    assert fetch("tiny") == folder


# ---- the real archives


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["mnist", "sign_mnist", "california"])
def test_the_real_archives_are_fetched_and_verified(kaggle, tmp_path, name):
    if "COURSE_TEST_DATA" not in os.environ:
        pytest.skip("COURSE_TEST_DATA does not name the folder of the real data")
    kaggle.serve_folder(Path(os.environ["COURSE_TEST_DATA"]) / "kaggle")
    folder = fetch(name)
    assert [(v.how, v.problem) for v in check(name)] == [("sha256", "")] * len(
        catalog.get(name).files
    )
    assert kaggle.names() == ["DownloadDataset", "storage"]
    for file in catalog.get(name).files:  # what the mirror's hash stands for holds by content too
        path = locate(folder, catalog.get(name), file)
        assert verify.disagreement(path, file, inventory.content_of) == ""
