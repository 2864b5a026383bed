"""Kaggle's kernels on 127.0.0.1, spoken to by the real `kaggle` client.

    with KernelsStub("ana") as kaggle:
        kaggle.states = ["QUEUED", "RUNNING", "COMPLETE"]
        kaggle.outputs = {"runs/x/card.json": b"{}"}
        kaggle.fail(429, on="SaveKernel", headers={"Retry-After": "1"})

Addresses, fields and their spelling are those that kagglesdk 0.1.37 asks for.
"""

import base64
import json
import re
import urllib.parse

from tests.kaggle_stub import SIGNATURE, KaggleStub, _Handler

KEY, TOKEN = "k3y-secret", "KGAT_t0ken-secret"
PAGE_SIZE = 2  # small, so that three files need two pages


class KernelsStub(KaggleStub):
    """The kernels' API, the storage of outputs, and who a token belongs to.

    Attributes:
        owner: the account that `KEY` and `TOKEN` open.
        states: the states that GetKernelSessionStatus tells, one a request; the last one stays.
        failure: the reason that it tells with them.
        outputs: {name: bytes} of the newest session, listed in pages of `PAGE_SIZE`.
        log: the log as Kaggle keeps it, a JSON list as text.
        error: what SaveKernel says in its answer, with code 200.
        invalid: data sets that SaveKernel does not take.
        ref: where SaveKernel keeps the push; None where it was asked to.
        bodies: {name: bytes} that storage sends in place of an output, with code 200.
        gpu_used_s: seconds of the week's 30 GPU hours.
        hang_ups: {request: times} that the line goes dead after the request has arrived.
        page: the request that a login page answers, with code 200.
        pushes: how many have arrived, and so the newest version's number.
    """

    def __init__(self, owner="ana"):
        super().__init__()
        self._server.RequestHandlerClass = _KernelsHandler
        self.owner, self.states, self.failure = owner, ["COMPLETE"], None
        self.outputs, self.log, self.bodies = {}, "", {}
        self.error, self.invalid, self.ref = "", [], None
        self.gpu_used_s, self.pushes, self.hang_ups = 8.5 * 3600, 0, {}
        self.page = None

    def pushed(self):
        """The body of the newest SaveKernel."""
        return [request.body for request in self.requests if request.name == "SaveKernel"][-1]


class _KernelsHandler(_Handler):
    def _serve(self, body):
        known = self._who() is not None
        if self.path.find("/storage/") < 0 and "IntrospectToken" not in self.path and not known:
            if "/api/v1/" in self.path:
                return self._refuse(401, "Unauthenticated")
        return super()._serve(body)

    def _answer(self, status, data, headers=None, cut=None):
        name, left = self.path.rsplit("/", 1)[-1], self.server.stub.hang_ups
        if left.get(name):
            left[name] -= 1
            self.close_connection = True
            return
        if name == self.server.stub.page:
            data = b"<html>sign in</html>"
        super()._answer(status, data, headers, cut)

    def _who(self):
        said = self.headers.get("Authorization", "")
        basic = {f"{self.server.stub.owner}:{KEY}", f"someone:{KEY}"}
        if said.startswith("Basic "):
            return base64.b64decode(said[6:]).decode() in basic or None
        return said == f"Bearer {TOKEN}" or None

    def _IntrospectToken(self, body, *_):
        if body.get("token") != TOKEN:
            return self._refuse(404, "no such token")
        self._json({"active": True, "username": self.server.stub.owner})

    def _SaveKernel(self, body, *_):
        stub = self.server.stub
        if len(body["text"].encode()) >= 1_000_000:
            return self._refuse(400, "The source exceeds the limit of 1 MB")
        stub.pushes += not stub.error
        ref = stub.ref or body["slug"]
        self._json(
            {
                "ref": "/" + ref,
                "url": f"https://www.kaggle.com/code/{ref}",
                "versionNumber": None if stub.error else stub.pushes,
                "error": stub.error,
                "invalidTags": [],
                "invalidDatasetSources": stub.invalid,
                "invalidCompetitionSources": [],
                "invalidKernelSources": [],
                "invalidModelSources": [],
                "kernelId": 1,
            }
        )

    def _GetKernel(self, body, *_):
        if self._mine(body):
            metadata = {"ref": f"{body['userName']}/{body['kernelSlug']}", "id": 1}
            metadata["currentVersionNumber"] = self.server.stub.pushes
            self._json({"metadata": metadata, "blob": {"slug": body["kernelSlug"]}})

    def _GetKernelSessionStatus(self, body, *_):
        if self._mine(body):
            states = self.server.stub.states
            state = states.pop(0) if len(states) > 1 else states[0]
            self._json({"status": state, "failureMessage": self.server.stub.failure})

    def _ListKernelSessionOutput(self, body, *_):
        if not self._mine(body):
            return
        names, start = list(self.server.stub.outputs), int(body.get("pageToken") or 0)
        files = [
            {
                "fileName": name,
                "url": f"http://localhost/storage/kernel/{urllib.parse.quote(name)}?{SIGNATURE}",
            }
            for name in names[start : start + PAGE_SIZE]
        ]
        more = str(start + PAGE_SIZE) if start + PAGE_SIZE < len(names) else ""
        self._json({"files": files, "log": self.server.stub.log, "nextPageToken": more})

    def _GetAcceleratorQuotaStatistics(self, *_):
        quota = {"timeUsed": f"{self.server.stub.gpu_used_s:.3f}s", "totalTimeAllowed": "108000s"}
        self._json({"quotaRefreshTime": "2026-11-28T00:00:00Z", "gpuQuota": quota})

    def _storage(self, body, address, cut):
        found = re.fullmatch("/storage/kernel/(.+)", address.path)
        if not found:
            return super()._storage(body, address, cut)
        stub, name = self.server.stub, urllib.parse.unquote(found[1])
        if name in stub.bodies:
            return self._answer(200, stub.bodies[name])
        self._answer(200, stub.outputs[name], {}, cut)

    def _mine(self, body):
        """Kaggle answers 403, not 404, for a kernel that there is not."""
        stub = self.server.stub
        if body["userName"] == stub.owner and stub.pushes:
            return True
        self._refuse(403, "Permission 'kernels.get' was denied")
        return False

    def _refuse(self, code, message):
        said = json.dumps({"code": code, "message": message}).encode()
        self._answer(code, said, {"Content-Type": "application/json"})
