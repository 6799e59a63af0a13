"""Who may ask: this machine only, with the token, from our own page; nothing bigger than a state."""

import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

LARGEST_BODY = 65_536
LONGEST_ADDRESS = 4_096
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]


@dataclass(frozen=True)
class Guard:
    """ASGI application around another: refuses what does not come from our own page.

    port: where we listen; token: the secret of this session, in the address of the page and a header of each request.
    """

    app: App
    port: int
    token: str

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer with the reason why not."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        status, reason = self.refusal(scope)
        if status:
            await answer(send, status, reason)
            return
        body = await whole_body(receive)
        if body is None:
            await answer(send, 413, f"the request is larger than {LARGEST_BODY} bytes")
            return
        await self.app(scope, once(body), with_headers(send))

    def refusal(self, scope: Message) -> tuple[int, str]:  # noqa: PLR0911 - one line a reason
        """HTTP status and reason; status 0: nothing to object to."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        own = {f"127.0.0.1:{self.port}", f"localhost:{self.port}"}
        if len(scope["path"]) + len(scope.get("query_string", b"")) > LONGEST_ADDRESS:
            return 414, "the address is too long"
        if headers.get("host") not in own:
            return 421, "this explorer answers to 127.0.0.1 only"
        if "origin" in headers and headers["origin"].removeprefix("http://") not in own:
            return 403, "requests from other pages are refused"
        if headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
            return 403, "requests from other pages are refused"
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdecimal():
            return 400, "the length of the request is not a number"
        if int(length[:20]) > LARGEST_BODY:
            return 413, f"the request is larger than {LARGEST_BODY} bytes"
        if scope["path"].startswith("/static/"):
            return 0, ""
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        given = headers.get("x-tanlu-token", "") if scope["path"] != "/" else query.get("token", [""])[0]
        if not secrets.compare_digest(given.encode(), self.token.encode()):
            return 403, "the token is missing or wrong; use the address that `tanlu explore` printed"
        return 0, ""


async def whole_body(receive: Receive) -> bytes | None:
    """The request's body, None when it is too large."""
    parts, size = [], 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size > LARGEST_BODY:
            return None
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


def once(body: bytes) -> Receive:
    """A receive channel that holds a body that was read already."""
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Message:
        return next(messages, {"type": "http.disconnect"})

    return receive


def with_headers(send: Send) -> Send:
    """Add our headers to every answer."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *HEADERS]}
        await send(message)

    return sent


async def answer(send: Send, status: int, text: str) -> None:
    """A short plain answer."""
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
