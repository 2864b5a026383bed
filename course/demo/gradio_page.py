"""The page of a network inside Gradio: a Space where Keras answers, or an output cell of Colab.

    from course.demo.gradio_page import blocks

    blocks("runs/taller2_cnn_mnist").launch(share=False)

The page and its server are those of `course demo`. Gradio carries each request of the page to the
server within this process; no other port is opened.
"""

import atexit
import base64

from course.errors import CourseError

_FRAME = '<iframe title="La red / The network" allow="camera"></iframe>'
_STYLE = "iframe { display: block; width: 100%; height: 50rem; border: 0 }"
# Gradio does not run a script in a component's HTML, so the page lives in a frame of its own; there
# `fetch` is the one that this defines. Only base64 gets through Gradio's JSON whole.
_CARRIER = """\
const inText = (bytes) => {
  let letters = "";
  for (let i = 0; i < bytes.length; i += 32768)
    letters += String.fromCharCode(...bytes.subarray(i, i + 32768));
  return btoa(letters);
};
const inBytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

window.courseFetch = async (path, options = {}) => {
  const body = new Uint8Array(await new Response(options.body).arrayBuffer());
  const headers = Object.fromEntries(new Headers(options.headers));
  const answer = await server.serve([options.method || "GET", path, headers, inText(body)]);
  return new Response(inBytes(answer.body), { status: answer.status, headers: answer.headers });
};
const frame = element.querySelector("iframe");
frame.addEventListener("load", () => {
  const page = frame.contentDocument.documentElement;
  new ResizeObserver(() => (frame.style.height = `${page.offsetHeight + 1}px`)).observe(page);
  page.addEventListener("click", async (event) => {
    const link = event.target.closest("a[href^='/']"); // to the server: a mask to download
    if (!link) return;
    event.preventDefault();
    const path = link.getAttribute("href");
    const file = await (await window.courseFetch(path)).blob();
    const name = path.split("/").pop();
    Object.assign(document.createElement("a"), {
      href: URL.createObjectURL(file), download: name,
    }).click();
  });
});
window.courseFetch("/")
  .then((answer) => answer.text())
  .then((page) => (frame.srcdoc = page));
"""
_IN_THE_PAGE = "<script>window.fetch = (...asked) => window.parent.courseFetch(...asked)</script>"


def blocks(run):
    """A Gradio app with the page of a run's network; `.launch()` opens it.

    Args:
        run: Folder of a finished run.

    Returns:
        `gradio.Blocks`.

    Raises:
        CourseError: Gradio is missing, or the run is not finished.
    """
    try:
        import gradio
        import httpx
    except ImportError:
        raise CourseError(
            "El paquete gradio no está instalado; para abrir la página en Gradio hace falta.\n"
            'Qué hacer: python -m pip install "gradio>=6.20"; o, sin él: python -m course demo '
            f"{run}"
        ) from None
    from course.demo.server import app_of

    server = app_of(run)
    atexit.register(server.state.site.close)
    inside = httpx.ASGITransport(app=server, raise_app_exceptions=False)
    client = httpx.AsyncClient(transport=inside, base_url="http://127.0.0.1")

    async def serve(asked):
        """One request of the page, `[method, path, headers, body in base64]`, and its answer."""
        method, path, headers, body = asked
        answer = await client.request(
            method, path, headers=headers, content=base64.b64decode(body), timeout=None
        )
        content = answer.content
        if path == "/":
            content = content.replace(b"<head>", b"<head>" + _IN_THE_PAGE.encode(), 1)
        return {
            "status": answer.status_code,
            "headers": {"Content-Type": answer.headers.get("Content-Type", "")},
            "body": base64.b64encode(content).decode(),
        }

    with gradio.Blocks(analytics_enabled=False, fill_width=True) as app:
        gradio.HTML(
            html_template=_FRAME,
            css_template=_STYLE,
            js_on_load=_CARRIER,
            server_functions=[serve],
        )
    return app
