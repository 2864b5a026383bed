"""Hugging Face's Hub on 127.0.0.1, spoken to by the real huggingface_hub.

    with HubStub() as hub:
        hub.fail(429, on="commit", headers={"RateLimit": '"api";r=0;t=55'})
        hub.spaces["ana/x"].files     # {path: bytes}, as the last commit left them

Addresses, fields and their spelling are those that huggingface_hub 1.27 and 2.4 ask for. Large
files go the way of Git LFS, for HF_HUB_DISABLE_XET=1 leaves no other.
"""

import base64
import collections
import hashlib
import http.server
import json
import re
import sys
import threading
from dataclasses import dataclass, field

TOKEN = "hf_t0kenSecretOfAna"


@dataclass
class Space:
    """A Space: its SDK and, commit by commit, its files."""

    sdk: str
    commits: list = field(default_factory=lambda: [{"README.md": b"---\nsdk: static\n---\n"}])

    @property
    def files(self):
        return self.commits[-1]


class HubStub:
    """What the Hub answers to the account `ana`, who has no paid plan.

    Attributes:
        spaces: name → `Space`.
        requests: names of the requests, in order: info, create, commits, tree, validate-yaml,
            preupload, lfs, storage, commit.
        readmes: what validate-yaml was given.
    """

    def __init__(self):
        self.spaces, self.requests, self.readmes = {}, [], []
        self.storage, self.heads = {}, []
        self._faults = collections.defaultdict(collections.deque)
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.stub = self
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def fail(self, status, on, times=1, headers=None, body=None):
        """Answer the next requests of this name with a status; the body echoes the token."""
        body = body or {"error": f"no: Bearer {TOKEN}"}
        self._faults[on].extend([(status, headers or {}, body)] * times)

    def hang_up(self, on, times=1):
        """Close the line without an answer."""
        self._faults[on].extend([(None, {}, {})] * times)

    def next_fault(self, name):
        return self._faults[name].popleft() if self._faults[name] else None


def git_hash(data, large):
    """What git calls a file's content: of a large one, the sha256 that stands in for it."""
    if data is None:
        return None
    return (
        hashlib.sha256(data).hexdigest()
        if large
        else hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    )


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that hung up is part of the play; anything else is a mistake in the stub."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


_SPACE = r"(?P<name>[^/]+/[^/]+?)"
_ROUTES = {
    "create": r"POST /api/repos/create",
    "validate-yaml": r"POST /api/validate-yaml",
    "commits": rf"GET /api/spaces/{_SPACE}/commits/main",
    "tree": rf"GET /api/spaces/{_SPACE}/tree/main",
    "preupload": rf"POST /api/spaces/{_SPACE}/preupload/main",
    "commit": rf"POST /api/spaces/{_SPACE}/commit/main",
    "info": rf"GET /api/spaces/{_SPACE}(/revision/main)?",
    "lfs": rf"POST /spaces/{_SPACE}\.git/info/lfs/objects/batch",
    "storage": r"PUT /storage/(?P<name>\w+)",
}


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        stub, asked = self.server.stub, f"{self.command} {self.path.partition('?')[0]}"
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        found = ((name, re.fullmatch(route, asked)) for name, route in _ROUTES.items())
        name, match = next((pair for pair in found if pair[1]), (asked, None))
        stub.requests.append(name)
        fault = stub.next_fault(name)
        if fault and fault[0] is None:
            self.close_connection = True
        elif fault:
            self._answer(fault[0], fault[2], fault[1])
        elif match is None:
            self._answer(404, {"error": "no such address"})
        elif name != "storage" and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            said = "Invalid credentials in Authorization header"
            self._answer(401, {"error": said}, {"X-Error-Message": said})
        else:
            getattr(self, "_" + name.replace("-", "_"))(match.groupdict().get("name"), body)

    do_POST = do_PUT = do_GET

    def do_CONNECT(self):
        """As a proxy, it lets nobody through."""
        self.server.stub.requests.append("CONNECT")
        self._answer(403, {})

    def _create(self, _, body):
        asked, stub = json.loads(body), self.server.stub
        owner, name = asked["organization"], f"{asked['organization']}/{asked['name']}"
        assert asked["type"] == "space"
        if owner != "ana":
            said = f"You don't have the rights to create a space under the namespace {owner!r}"
            return self._answer(403, {"error": said}, {"X-Error-Message": said})
        if asked["sdk"] != "static":
            return self._answer(402, {"error": "Subscribe to PRO to host Gradio Spaces"})
        stub.spaces[name] = Space(asked["sdk"])
        self._answer(200, {"url": f"{stub.address}/spaces/{name}", "name": name})

    def _info(self, name, _):
        if space := self._space(name):
            front = space.files.get("README.md", b"").decode().split("---")[1]
            tags = re.findall("^- (.+)$", front, re.MULTILINE)
            known = {"id": name, "sha": "0" * 40, "private": False, "tags": tags}
            self._answer(200, {**known, "siblings": [{"rfilename": one} for one in space.files]})

    def _commits(self, name, _):
        if space := self._space(name):
            date = "2026-11-27T00:00:00.000Z"
            known = {"authors": [{"user": "ana"}], "date": date, "title": "x", "message": ""}
            self._answer(200, [{"id": "0" * 40, **known} for _ in space.commits])

    def _tree(self, name, _):
        if space := self._space(name):
            self._answer(
                200,
                [
                    {"type": "file", "path": path, "size": len(data), "oid": "0" * 40}
                    for path, data in space.files.items()
                ],
            )

    def _validate_yaml(self, _, body):
        import yaml

        text = json.loads(body)["content"]
        self.server.stub.readmes.append(text)
        front = yaml.safe_load(text.split("---\n")[1])
        short = len(front.get("short_description", "")) <= 60
        if short and set(front) >= {"title", "sdk"} and all(map(str, front.values())):
            return self._answer(200, {"errors": [], "warnings": []})
        self._answer(400, {"errors": [{"message": "invalid"}], "warnings": []})

    def _preupload(self, name, body):
        space = self._space(name)
        if not space:
            return
        large = (".keras", ".png")
        modes = [
            {
                "path": one["path"],
                "uploadMode": "lfs" if one["path"].endswith(large) else "regular",
                "shouldIgnore": False,
                "oid": git_hash(space.files.get(one["path"]), one["path"].endswith(large)),
            }
            for one in json.loads(body)["files"]
        ]
        self._answer(200, {"files": modes})

    def _lfs(self, name, body):
        storage = f"{self.server.stub.address}/storage/"
        objects = [
            {**one, "actions": {"upload": {"href": storage + one["oid"]}}}
            for one in json.loads(body)["objects"]
        ]
        self._answer(200, {"transfer": "basic", "objects": objects})

    def _storage(self, oid, body):
        assert hashlib.sha256(body).hexdigest() == oid
        self.server.stub.storage[oid] = body
        self._answer(200, {})

    def _commit(self, name, body):
        space = self._space(name)
        if not space:
            return
        files = dict(space.files)
        for line in body.splitlines():
            item = json.loads(line)
            value, kind = item["value"], item["key"]
            if kind == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif kind == "lfsFile":
                files[value["path"]] = self.server.stub.storage[value["oid"]]
            elif kind == "deletedFile":
                del files[value["path"]]
            else:
                self.server.stub.heads.append(value["summary"])
        space.commits.append(files)
        address = f"{self.server.stub.address}/spaces/{name}/commit/{'1' * 40}"
        self._answer(200, {"success": True, "commitUrl": address, "commitOid": "1" * 40})

    def _space(self, name):
        space = self.server.stub.spaces.get(name)
        if space is None:
            self._answer(404, {"error": "Not found"}, {"X-Error-Code": "RepoNotFound"})
        return space

    def _answer(self, status, value, headers=None):
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        """Silent: a test's output is its own."""
