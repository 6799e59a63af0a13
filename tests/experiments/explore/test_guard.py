"""The page is for this machine, with the token, from our own page."""

import asyncio
from typing import Any

import pytest

from experiments.explore.guard import LARGEST_BODY, Guard, Message

OWN = {"host": "127.0.0.1:8000"}
TOKEN = {"x-tanlu-token": "secret"}


async def inner(scope: Message, receive: Any, send: Any) -> None:
    """Answers with the length of the body."""
    message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(len(message["body"])).encode()})


def ask(
    path: str, headers: dict[str, str], query: str = "", parts: tuple[bytes, ...] = (b"",)
) -> tuple[int, str, dict[str, str]]:
    """Status, text and headers of an answer."""
    sent: list[Message] = []
    waiting = [{"type": "http.request", "body": p, "more_body": i < len(parts) - 1} for i, p in enumerate(parts)]

    async def receive() -> Message:
        return waiting.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "path": path,
        "query_string": query.encode(),
        "headers": [(k.encode(), v.encode()) for k, v in headers.items()],
    }
    asyncio.run(Guard(inner, 8000, "secret")(scope, receive, send))
    back = {k.decode(): v.decode() for k, v in sent[0]["headers"]}
    return sent[0]["status"], sent[1]["body"].decode(), back


@pytest.mark.parametrize(
    ("path", "headers", "query", "status"),
    [
        ("/", OWN, "token=secret", 200),
        ("/", {"host": "localhost:8000"}, "token=secret", 200),
        ("/api/answer", OWN | TOKEN, "", 200),
        ("/api/answer", OWN | TOKEN | {"origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"}, "", 200),
        ("/static/app.css", OWN, "", 200),
        ("/", OWN, "", 403),
        ("/", OWN, "token=Secret", 403),
        ("/", OWN | TOKEN, "token=%FF", 403),
        ("/api/answer", OWN, "token=secret", 403),
        ("/api/answer", OWN | {"x-tanlu-token": ""}, "", 403),
        ("/api/answer", OWN | TOKEN | {"origin": "https://evil.example"}, "", 403),
        ("/api/answer", OWN | TOKEN | {"origin": "null"}, "", 403),
        ("/api/answer", OWN | TOKEN | {"origin": "http://127.0.0.1:8001"}, "", 403),
        ("/api/answer", OWN | TOKEN | {"sec-fetch-site": "cross-site"}, "", 403),
        ("/static/app.js", OWN | {"sec-fetch-site": "same-site"}, "", 403),
        ("/", {"host": "evil.example"}, "token=secret", 421),
        ("/", {"host": "127.0.0.1:8001"}, "token=secret", 421),
        ("/", {}, "token=secret", 421),
        ("/", OWN, "token=secret&x=" + "a" * 10_000_000, 414),
        ("/api/answer", OWN | TOKEN | {"content-length": "10000000"}, "", 413),
    ],
)
def test_who_may_ask(path: str, headers: dict[str, str], query: str, status: int) -> None:
    got, text, back = ask(path, headers, query)
    assert got == status, text
    assert "default-src 'none'" in back["content-security-policy"]
    assert "unsafe" not in back["content-security-policy"]


def test_a_large_body_without_length_is_cut_off() -> None:
    status, text, _ = ask("/api/answer", OWN | TOKEN, parts=(b"x" * 40_000, b"x" * 40_000))
    assert (status, str(LARGEST_BODY) in text) == (413, True)


def test_a_body_in_pieces_arrives_whole() -> None:
    assert ask("/api/answer", OWN | TOKEN, parts=(b"x" * 100, b"y" * 11))[:2] == (200, "111")


@pytest.mark.parametrize("length", ["-1", "a", "1e9"])
def test_an_odd_length_is_refused(length: str) -> None:
    assert ask("/api/answer", OWN | TOKEN | {"content-length": length})[0] == 400
