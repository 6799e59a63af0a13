"""The page is one inert file: hostile words stay text, scripts go by their hash, nothing is fetched."""

import base64
import hashlib
import json
import re

import pytest

from experiments.explore import Members
from experiments.explore.content import texts_used
from experiments.explore.page import html, inert
from experiments.words.terms import table
from tests.experiments.explore.conftest import HOSTILE


@pytest.fixture(scope="module")
def page(held: Members) -> str:
    """The page of a study with a hostile title."""
    return html(held)


def data_of(page: str) -> str:
    """The inert block."""
    return page.split('id="data">', maxsplit=1)[1].split("</script>", maxsplit=1)[0]


def test_hostile_words_stay_data(page: str) -> None:
    assert page.count("<script") == 3
    assert page.count("</script>") == 3
    assert json.loads(data_of(page))["study"]["title"]["en"] == HOSTILE
    assert not re.search("[<>&]", inert({"<a>": "&"}))


def test_the_policy_admits_our_script_alone(page: str) -> None:
    script = re.search(r"<script>(.*?)</script>", page, re.DOTALL)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert script
    assert policy
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    parts = dict(part.strip().split(" ", 1) for part in policy[1].split(";"))
    assert parts["script-src"] == f"'sha256-{digest}' 'wasm-unsafe-eval'"
    assert parts["default-src"] == "'none'"


def test_nothing_is_fetched_and_the_file_is_small(page: str) -> None:
    outside = page.replace(data_of(page), "")
    assert not re.search(r"(?:src|href)=\"(?!#|data:)", outside)
    assert len(page) < 1.5e6


def test_every_text_is_in_both_languages(page: str) -> None:
    assert set(texts_used()) <= set(table())
    data = json.loads(data_of(page))
    assert set(data["texts"]["en"]) == set(data["texts"]["zh"]) == set(texts_used())
    levers = [lever for package in data["packages"] for lever in package["levers"]]
    assert len(levers) == 21
    assert all(re.search("[一-鿿]", lever["meaning"]["zh"]) for lever in levers)
