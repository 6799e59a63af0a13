"""The local page: what it shows first, and the address that answers while levers move."""

import secrets
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.explore.guard import Guard
from experiments.explore.setting import Setting
from experiments.explore.state import State, checked
from experiments.words.terms import LANGS, Terms
from models.reading.faults import InputError
from models.reading.json_file import parse_json
from models.reading.text import NotUtf8Error, decoded

if TYPE_CHECKING:
    from experiments.explore.live import Live

HERE = Path(__file__).parent
FONTS = HERE.parent / "words" / "fonts"
STATIC = {
    "app.js": (HERE / "static" / "app.js", "text/javascript"),
    "chart.js": (HERE / "static" / "chart.js", "text/javascript"),
    "app.css": (HERE / "static" / "app.css", "text/css"),
    "TanluSans-Regular.otf": (FONTS / "TanluSans-Regular.otf", "font/otf"),
    "TanluSans-Bold.otf": (FONTS / "TanluSans-Bold.otf", "font/otf"),
}


def application(live: "Live", port: int, token: str) -> Guard:
    """The ASGI application of one explorer."""
    from fastapi import FastAPI, Request
    from fastapi.responses import HTMLResponse, JSONResponse, Response
    from jinja2 import Environment, PackageLoader, StrictUndefined

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    pages = Environment(loader=PackageLoader("experiments.explore"), autoescape=True, undefined=StrictUndefined)
    settings: dict[str, Setting] = {lang: Setting(live, Terms(lang)) for lang in LANGS}
    content = {lang: one.data for lang, one in settings.items()}
    ranges = settings["en"].ranges

    @app.get("/")
    def page(lang: str = "en") -> HTMLResponse:
        chosen = settings.get(lang, settings["en"])
        other = "en" if chosen.terms.lang == "zh" else "zh"
        text = pages.get_template("explore.html").render(
            _=chosen.terms, lang=chosen.terms.lang, other=other, token=token, setting=chosen
        )
        return HTMLResponse(text)

    @app.get("/static/{name}")
    def static(name: str) -> Response:
        if name not in STATIC:
            return Response("not found", 404, media_type="text/plain")
        path, kind = STATIC[name]
        return Response(path.read_bytes(), media_type=kind)

    @app.get("/api/setting")
    def setting(lang: str = "en") -> JSONResponse:
        return JSONResponse(content.get(lang, content["en"]))

    @app.post("/api/answer")
    async def answer(request: Request) -> Response:
        from starlette.concurrency import run_in_threadpool

        if request.headers.get("content-type", "").split(";")[0] != "application/json":
            return JSONResponse({"faults": ["content type: allowed is application/json"]}, 415)
        try:
            data = parse_json(decoded(await request.body()), "the request").mapping()
            state = checked(data, live.rules, live.provinces, live.levers, ranges)
        except NotUtf8Error as fault:
            return JSONResponse({"faults": [fault.text]}, 422)
        except InputError as fault:
            return JSONResponse({"faults": fault.faults}, 422)
        return JSONResponse(await run_in_threadpool(live.answer, state))

    return Guard(app, port, token)


def serve(live: "Live", port: int = 0, ready: Callable[[str], Any] = print, lang: str = "en") -> None:
    """Serve until interrupted, on the loopback only; `ready` gets the address, which holds the token.

    port: 0 takes a free one. Raises InputError when the port is taken.
    """
    import uvicorn

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as fault:
        listener.close()
        raise InputError(f"port {port} is taken ({fault.strerror}); choose another with --port, or none") from fault
    number = int(listener.getsockname()[1])
    token = secrets.token_urlsafe(24)
    app = application(live, number, token)
    live.answer(State(rule=live.rules[0]))  # what takes seconds is done before anybody waits for it
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
    )
    ready(f"http://127.0.0.1:{number}/?token={token}{'&lang=zh' if lang == 'zh' else ''}")
    uvicorn.Server(config).run(sockets=[listener])
