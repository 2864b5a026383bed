"""The page of a run, served from this machine: Keras answers.

Here stands how it is served and who may ask; what may be asked is in `site`. Nothing is served from
the disk: every answer is made by a function.
"""

import contextlib
import errno
import ipaddress
import logging
import os
import socket
import sys
import threading
import webbrowser
from pathlib import Path

import course
from course import files
from course.demo.refusal import Refusal, sentence
from course.demo.site import Content, site_of
from course.errors import CourseError

_LOG = logging.getLogger("course.demo")
DIGITS = course.FOLDER / "demo" / "digits"  # the network that the package brings
PORT = 8000
_PORTS = 20  # tried, from the one that was asked for
_AT_ONCE = 200  # connections


def serve(run=None, host="127.0.0.1", port=PORT, open_browser=True, cases=None):
    """Serve the page of a run until Ctrl-C.

    Args:
        run: Folder of a finished run; `None` means the network that the package brings.
        host: Address to listen at. The default lets nobody in but this machine.
        port: Integer; where it is taken, the next free one.
        open_browser: Open the page in the browser, where there is one.
        cases: Folder with cases of BraTS, for a segmentation; `None` makes some up.

    Raises:
        CourseError: Starlette or uvicorn is missing, the run is not finished or cannot be loaded,
            the address cannot be listened at.
    """
    _uvicorn()
    # before the network begins to load: what is printed meanwhile is held back
    with _listening(host, port) as listening:
        app = app_of(run or DIGITS, cases=cases, host=host)
        server = server_of(app)

        def stop_if_it_failed(ready):
            server.should_exit = server.should_exit or ready.exception() is not None

        with contextlib.closing(app.state.site) as site:
            address = _say(listening, host, port)
            site.worker.ready.add_done_callback(stop_if_it_failed)
            if open_browser and _has_display():
                threading.Thread(target=webbrowser.open, args=[address], daemon=True).start()
            with contextlib.suppress(KeyboardInterrupt):
                server.run(sockets=[listening])
            if site.worker.ready.done():
                site.worker.ready.result()  # raises what it failed with
    print("\nCerrada.")


def app_of(run, *, cases=None, host="127.0.0.1"):
    """The page of a run and all that it asks, as an ASGI application.

    The network begins to load at once, in a thread of its own.
    """
    _uvicorn()
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.routing import Route

    site = site_of(Path(run), cases)
    routes = [
        Route(path, _endpoint(function), methods=[method])
        for (method, path), function in site.routes().items()
    ]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(_Guard, names=_own_names(host))],
        exception_handlers={404: _no_such_route, 405: _no_such_route},
    )
    app.state.site = site
    return app


def server_of(app):
    """A uvicorn server of such an application, which prints nothing but errors."""
    uvicorn = _uvicorn()
    return uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            log_level="error",
            lifespan="off",
            ws="none",
            server_header=False,
            limit_concurrency=_AT_ONCE,
            timeout_graceful_shutdown=2,
        )
    )


def _uvicorn():
    try:
        import starlette  # noqa: F401
        import uvicorn
    except ImportError as error:
        raise CourseError(
            f"El paquete {error.name} no está instalado; para abrir la página hace falta.\n"
            'Qué hacer: python -m pip install "starlette>=0.46" "uvicorn>=0.34"'
        ) from None
    return uvicorn


# ---- the address


def _listening(host, port):
    """A socket that listens at the port, or at the next free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for tried in range(port, min(port + _PORTS, 2**16)) if port else [0]:
        try:
            listening = socket.create_server((host, tried), family=family)
            # an answer's head and body are two packets: the second would wait 40 ms for the first
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return listening
        except OSError as error:
            reason = error
            if error.errno != errno.EADDRINUSE:
                break
    why = _REFUSALS.get(reason.errno, "esa dirección no es de este equipo")
    raise CourseError(
        f"La página no se puede abrir en {host}, puerto {port}: {why}.\n"
        "Qué hacer: sin --host la abre solo este equipo; con --port 8080 usa otro puerto."
    ) from reason


_REFUSALS = {
    errno.EADDRINUSE: f"ese puerto y los {_PORTS - 1} siguientes están ocupados",
    errno.EACCES: "ese puerto es solo del administrador",
}


def _say(listening, host, port):
    """Print where the page is; returns its address on this machine."""
    taken = listening.getsockname()[1]
    if port not in (0, taken):
        print(f"El puerto {port} está ocupado: se usa el {taken}.")
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    address = f"http://{f'[{here}]' if ':' in here else here}:{taken}/"
    print(f"La página está en {address}  (Ctrl-C la cierra)", flush=True)
    if not _is_loopback(here) or here != host:
        print("Quien esté en tu red puede abrirla también, con la dirección de este equipo.")
    return address


def _has_display():
    """Whether a browser would have a window; a text browser would take over the terminal."""
    return sys.platform in ("win32", "darwin") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )


# ---- who may ask


def _own_names(host):
    """Names by which this machine may be called."""
    name = socket.gethostname().lower()
    return {"localhost", host.lower(), name, f"{name}.local"}


def _is_address(name):
    try:
        return bool(ipaddress.ip_address(name.strip("[]")))
    except ValueError:
        return False


def _is_loopback(name):
    return name == "localhost" or (_is_address(name) and ipaddress.ip_address(name).is_loopback)


class _Guard:
    """Lets through only what the page itself asks.

    Another site's page can send requests to 127.0.0.1, but not without its own name in Origin. And
    it can have its own name point to 127.0.0.1 (DNS rebinding): then that name is in Host. A number
    there is no name of anybody's.
    """

    def __init__(self, app, names):
        self.app, self.names = app, names

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http" and not self._is_own(dict(scope["headers"])):
            refusal = Refusal(
                403,
                "Esta página solo contesta a quien la abre por su propia dirección.",
                "This page only answers who opens it at its own address.",
            )
            return await _refused(refusal)(scope, receive, send)
        await self.app(scope, receive, send)

    def _is_own(self, headers):
        host = headers.get(b"host", b"").decode("latin-1").lower()
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        origin = headers.get(b"origin", b"").decode("latin-1").lower()
        return (name in self.names or _is_address(name)) and (
            origin in ("", f"http://{host}", f"https://{host}")
        )


# ---- answers


_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "frame-ancestors 'self'",
}


def _endpoint(function):
    """A route of Starlette's that answers with what the function returns, or with its refusal."""
    from starlette.requests import ClientDisconnect
    from starlette.responses import JSONResponse, Response

    async def endpoint(request):
        try:
            given = await function(request)
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception as error:
            return _refused(_as_refusal(error))
        if isinstance(given, Content):
            headers = {**_HEADERS, **given.headers}
            return Response(given.body, media_type=given.kind, headers=headers)
        return JSONResponse(files.plain(given), headers=_HEADERS)

    return endpoint


def _as_refusal(error):
    """What the page is told of an error; what else there is to say goes to the log."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, CourseError):
        return Refusal(422, sentence(error), "The network could not answer that.")
    _LOG.error("a request failed", exc_info=error)
    return Refusal(
        500,
        "Algo falló en el servidor; la terminal que lo abrió dice qué.",
        "Something failed in the server; the terminal that opened it says what.",
    )


def _refused(refusal):
    from starlette.responses import JSONResponse

    headers = dict(_HEADERS)
    if refusal.status == 413:  # whoever sends without end would go on for ever
        headers["Connection"] = "close"
    return JSONResponse(refusal.as_json(), status_code=refusal.status, headers=headers)


def _no_such_route(request, error):
    return _refused(
        Refusal(error.status_code, "Esta página no tiene eso.", "This page does not have that.")
    )
