"""Start a built Gradio Space as Hugging Face does, and draw for it: `make test-gradio`.

    python tests/demo/gradio_space.py FOLDER

It runs in the environment that the Space's own requirements.txt made, without pytest and without
this checkout: what the Space needs is in its folder or the test fails.
"""

import base64
import http.server
import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.request

import numpy as np

WAIT_S = 180


class Outside(http.server.BaseHTTPRequestHandler):
    """The proxy of all that is not this machine: it writes down who is called, and refuses."""

    called = []

    def do_CONNECT(self):
        self.called.append(self.path)
        self.send_error(403)

    do_GET = do_POST = do_HEAD = do_CONNECT

    def log_message(self, *_):
        pass


def drawn():
    """Two digits as the page sends them, 28×28 grey levels: a ring and a stroke."""
    down, across = np.mgrid[:28, :28] - 13.5
    ring = abs(np.hypot(down, across * 1.3) - 8) < 1.6
    stroke = (abs(across) < 1.6) & (abs(down) < 9)
    return {"0": np.uint8(ring * 255), "1": np.uint8(stroke * 255)}


class Gradio:
    """What the page's frame does: each request goes through Gradio's endpoint for its component."""

    def __init__(self, address):
        self.address = address
        config = json.load(urllib.request.urlopen(f"{address}/config"))
        (self.component,) = (one for one in config["components"] if "serve" in one_functions(one))

    def ask(self, method, path, headers=None, body=b""):
        """The answer of the page's server: `(status, bytes)`."""
        asked = {
            "data": [method, path, headers or {}, base64.b64encode(body).decode()],
            "component_id": self.component["id"],
            "fn_name": "serve",
            "session_hash": "test",
        }
        request = urllib.request.Request(
            f"{self.address}/gradio_api/component_server",
            json.dumps(asked).encode(),
            {"Content-Type": "application/json"},
        )
        answer = json.load(urllib.request.urlopen(request, timeout=WAIT_S))
        return answer["status"], base64.b64decode(answer["body"])


def one_functions(component):
    return component["props"].get("server_fns") or component.get("server_fns") or []


def started(folder, proxy):
    """The Space's process, and the address that it prints."""
    where = {name: proxy for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")}
    near = {name: "127.0.0.1,localhost" for name in ("no_proxy", "NO_PROXY")}
    quiet = {"GRADIO_ANALYTICS_ENABLED": "False", "PYTHONUNBUFFERED": "1"}
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    process = subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=folder,
        env=kept | where | near | quiet,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said = []
    threading.Timer(WAIT_S, process.kill).start()
    for line in process.stdout:
        said.append(line)
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            threading.Thread(target=process.stdout.read, daemon=True).start()
            return process, found[0]
    raise SystemExit("The Space did not start:\n" + "".join(said))


def main(folder):
    proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Outside)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    began = time.monotonic()
    process, address = started(folder, f"http://127.0.0.1:{proxy.server_address[1]}")
    try:
        space = Gradio(address)
        print(f"open after {time.monotonic() - began:.1f} s")
        status, page = space.ask("GET", "/")
        assert status == 200 and b"window.parent.courseFetch" in page, page[:300]
        raw = {"Content-Type": "application/octet-stream"}
        for digit, picture in drawn().items():
            status, body = space.ask("POST", "/ask", raw, picture.tobytes())
            answer = json.loads(body)["answer"]
            print(f"drawn {digit}, read {int(np.argmax(answer))} with {max(answer):.1%}")
            assert status == 200 and abs(sum(answer) - 1) < 1e-3
            assert str(int(np.argmax(answer))) == digit
        print(f"first answers after {time.monotonic() - began:.1f} s")
        times_ms = []
        for _ in range(100):
            asked = time.perf_counter()
            space.ask("POST", "/ask", raw, picture.tobytes())
            times_ms.append(1000 * (time.perf_counter() - asked))
        print(
            f"an answer: {np.median(times_ms):.1f} ms, 95 % in {np.quantile(times_ms, 0.95):.1f} ms"
        )
        status, body = space.ask("POST", "/ask", raw, b"rubbish")
        assert 400 <= status < 500 and json.loads(body)["error"]
        assert not Outside.called, Outside.called
        print("nothing outside was called")
    finally:
        process.kill()


if __name__ == "__main__":
    main(sys.argv[1])
    os._exit(0)  # the timer and the proxy need not be waited for
