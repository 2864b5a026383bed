"""A stand-in for Kaggle on 127.0.0.1, spoken to by the real kagglehub client.

    with KaggleStub() as kaggle:
        kaggle.serve("owner/slug", {"housing.csv": b"..."})
        kaggle.fail(429, times=2, headers={"Retry-After": "1"})
        os.environ.update(kaggle.environment(home))

The stub is also the proxy of every other address: `kaggle.egress` lists whatever tried to leave.
"""

import base64
import collections
import hashlib
import http.server
import io
import json
import re
import sys
import threading
import time
import urllib.parse
import zipfile
from dataclasses import dataclass
from pathlib import Path

from course.datasets import catalog

SIGNATURE = "X-Goog-Signature=s1gnature-secret"
TOKEN = "KGAT_token-secret"


@dataclass(frozen=True)
class Request:
    """What arrived: `name` is GetDataset, DownloadDataset, storage, mount, … or the bare path."""

    method: str
    name: str
    body: dict
    headers: dict


def zip_of(files) -> bytes:
    """A zip of {name: bytes}."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


class KaggleStub:
    """The dataset API, the storage behind it, and the mount services of Kaggle and Colab.

    Attributes:
        requests: every `Request`, in order.
        egress: addresses that a client tried to reach outside; empty proves there was none.
        send_md5: whether storage sends Google's x-goog-hash header.
        ranges: whether storage lets a download resume.
        mount_slug: what the mount services answer; None: the Colab service declines with 404.
    """

    def __init__(self):
        self.requests, self.egress = [], []
        self.send_md5, self.ranges, self.mount_slug = True, True, None
        self._archives = {}  # (handle, version) → bytes or Path
        self._faults = collections.defaultdict(collections.deque)
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.stub = self
        self.port = self._server.server_address[1]

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def serve(self, handle, archive, version=1):
        """Offer a data set: {name: bytes}, the bytes of an archive, or the path of one."""
        self._archives[handle, version] = zip_of(archive) if isinstance(archive, dict) else archive

    def serve_folder(self, folder):
        """Offer every OWNER/SLUG.zip below a folder, as the version that the catalogue pins."""
        pinned = {info.handle: info.version for info in map(catalog.get, catalog.names())}
        for path in sorted(Path(folder).glob("*/*.zip")):
            handle = f"{path.parent.name}/{path.stem}"
            self.serve(handle, path, version=pinned.get(handle, 1))

    def fail(self, status, times=1, headers=None, on="DownloadDataset"):
        """Answer the next requests of this name with a status; the body echoes the token."""
        self._faults[on].extend([("status", status, headers or {})] * times)

    def cut(self, after_bytes, times=1):
        """Close the connection in the middle of the next downloads."""
        self._faults["storage"].extend([("cut", after_bytes, {})] * times)

    def hang(self, seconds, on="DownloadDataset"):
        """Say nothing for a while before the next answer."""
        self._faults[on].append(("hang", seconds, {}))

    def mend(self):
        """Forget the faults that have not happened yet."""
        self._faults.clear()

    def names(self):
        """The names of the requests so far."""
        return [request.name for request in self.requests]

    def environment(self, home) -> dict:
        """Variables that send kagglehub, with a home of its own, here and nowhere else."""
        proxy = f"http://127.0.0.1:{self.port}"
        return {
            "KAGGLE_API_ENVIRONMENT": "LOCALHOST",
            **{name: proxy for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")},
            **{name: "127.0.0.1" for name in ("no_proxy", "NO_PROXY")},
            "HOME": str(home),
            "KAGGLE_CONFIG_DIR": str(Path(home) / ".kaggle"),
            "KAGGLEHUB_CACHE": str(Path(home) / "cache"),
            "KAGGLEHUB_VERBOSITY": "error",
        }

    def archive(self, handle, version):
        data = self._archives[handle, version]
        return data if isinstance(data, bytes) else data.read_bytes()

    def versions(self, handle):
        return sorted(version for name, version in self._archives if name == handle)

    def next_fault(self, name):
        return self._faults[name].popleft() if self._faults[name] else (None, None, {})


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that hung up is part of the play; anything else is a mistake in the stub."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_CONNECT(self):
        self.server.stub.egress.append(self.path)
        self._answer(403, b"")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._serve(json.loads(body or b"{}"))

    def do_GET(self):
        self._serve({})

    def _serve(self, body):
        address = urllib.parse.urlsplit(self.path)
        if address.hostname not in (None, "localhost", "127.0.0.1"):
            self.server.stub.egress.append(self.path)
            return self._answer(403, b"")
        name = _name(address.path)
        self.server.stub.requests.append(Request(self.command, name, body, dict(self.headers)))
        kind, value, headers = self.server.stub.next_fault(name)
        if kind == "status":
            said = {"code": value, "message": f"no: {self.headers.get('Authorization')} {TOKEN}"}
            return self._answer(value, json.dumps(said).encode(), headers)
        if kind == "hang":
            time.sleep(value)
        answer = getattr(self, f"_{name}", None)
        if answer is None:
            return self._answer(404, b"{}")
        return answer(body, address, value if kind == "cut" else None)

    def _GetDataset(self, body, *_):
        versions = self.server.stub.versions(f"{body['ownerSlug']}/{body['datasetSlug']}")
        if not versions:
            return self._answer(404, b"{}")
        return self._json({"currentVersionNumber": versions[-1]})

    def _DownloadDataset(self, body, *_):
        handle = f"{body['ownerSlug']}/{body['datasetSlug']}"
        version = body.get("datasetVersionNumber")
        if version not in self.server.stub.versions(handle):
            return self._answer(404, b"{}")
        file = urllib.parse.quote(body.get("fileName") or "")
        place = f"http://localhost/storage/{handle}/{version}/{file}?{SIGNATURE}"
        return self._answer(302, b"", {"Location": place})

    def _storage(self, body, address, cut):
        owner, slug, version, file = address.path.removeprefix("/storage/").split("/", 3)
        data = self.server.stub.archive(f"{owner}/{slug}", int(version))
        if file:
            try:
                data = zipfile.ZipFile(io.BytesIO(data)).read(urllib.parse.unquote(file))
            except KeyError:
                return self._answer(404, b"{}")
        headers = {"Content-Type": "application/zip"}
        if self.server.stub.send_md5:
            md5 = base64.b64encode(hashlib.md5(data).digest()).decode()
            headers["x-goog-hash"] = f"crc32c=AAAAAA==,md5={md5}"
        if self.server.stub.ranges:
            headers["Accept-Ranges"] = "bytes"
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if not wanted or not self.server.stub.ranges:
            return self._answer(200, data, headers, cut)
        start = int(wanted[1])
        if start >= len(data):
            return self._answer(416, b"no such range", headers)
        headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        return self._answer(206, data[start:], headers, cut)

    def _attach(self, *_):
        slug = self.server.stub.mount_slug
        if slug is None:
            return self._json({"wasSuccessful": False, "errorMessage": f"no {TOKEN}"})
        return self._json({"wasSuccessful": True, "result": {"mountSlug": slug}})

    def _is_supported(self, *_):
        self._answer(404 if self.server.stub.mount_slug is None else 200, b"{}")

    def _mount(self, *_):
        self._json({"slug": self.server.stub.mount_slug})

    def _json(self, value):
        self._answer(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _answer(self, status, data, headers=None, cut=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data if cut is None else data[:cut])
        if cut is not None:
            self.close_connection = True

    def log_message(self, *_):
        """Silent: a test's output is its own."""


def _name(path):
    if path.startswith("/api/v1/"):  # /api/v1/<package>.<Service>/<Method>
        return path.rsplit("/", 1)[-1]
    known = {
        "/kaggle-jwt-handler/AttachDatasourceUsingJwtRequest": "attach",
        "/kagglehub/datasets/is_supported": "is_supported",
        "/kagglehub/datasets/mount": "mount",
    }
    return "storage" if path.startswith("/storage/") else known.get(path, path)
