"""The explorer in a real Chromium: levers move the picture, links restore it, others are refused."""

import json
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from tests.experiments.browser import complaints, requested, resize, start, until

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A running `tanlu explore`."""
    command = [sys.executable, "-m", "experiments.cli", "explore", "--no-browser", "--members", "40"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


@pytest.fixture
def page(chromium: Any, address: str) -> Any:
    """The page, answered once."""
    requested(chromium)
    complaints(chromium)
    chromium.get("about:blank")
    chromium.get(address)
    answered(chromium, 1)
    return chromium


def answered(driver: Any, count: int) -> None:
    """Wait for so many answers since the page was opened."""
    until(lambda: int(driver.execute_script("return document.body.dataset.answers || 0")) >= count, 60)


def answers(driver: Any) -> int:
    """How many answers the page has had."""
    return int(driver.execute_script("return document.body.dataset.answers || 0"))


def move(driver: Any, lever: str, value: float) -> None:
    """Drag a lever's handle."""
    before = answers(driver)
    driver.execute_script(
        """const input = document.getElementById('set-' + arguments[0]); input.value = arguments[1];
        input.dispatchEvent(new Event('input')); input.dispatchEvent(new Event('change'));""",
        lever,
        value,
    )
    answered(driver, before + 1)
    until(lambda: not driver.execute_script("return running || waiting"))


def verdict(driver: Any) -> str:
    """The sentence on the chosen region."""
    return str(driver.find_element("id", "verdict").text)


def test_it_asks_nobody_else(page: Any, address: str) -> None:
    own = "{0.scheme}://{0.netloc}/".format(urlsplit(address))
    assert not [url for url in requested(page) if not url.startswith((own, "data:", "about:"))]
    assert not complaints(page)


def test_a_lever_changes_margin_and_picture(page: Any) -> None:
    weak = (
        move(page, "industrial-retrofit", 0),
        verdict(page),
        page.find_element("id", "chart").get_attribute("innerHTML"),
    )
    strong = (
        move(page, "industrial-retrofit", 100),
        verdict(page),
        page.find_element("id", "chart").get_attribute("innerHTML"),
    )
    assert weak[1] != strong[1]
    assert weak[2] != strong[2]


def test_all_levers_change_the_chance(page: Any) -> None:
    chances = []
    for value in (0, 100):
        for lever in ("industrial-retrofit", "plant-closure", "new-plant-standard", "services-shift"):
            move(page, lever, value)
        chances.append(page.execute_script("return answer.verdicts.chance.slice(0, 30).reduce((a, b) => a + b)"))
    assert chances[1] > chances[0]


def test_a_lever_moves_by_keyboard(page: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    handle = page.find_element("id", "set-plant-closure")
    before, seen = handle.get_attribute("value"), answers(page)
    handle.send_keys(Keys.ARROW_LEFT)
    answered(page, seen + 1)
    assert float(handle.get_attribute("value")) == float(before) - 1
    assert "%" in handle.get_attribute("aria-valuetext").replace("\u202f", "")


def test_a_link_restores_the_state(page: Any, address: str) -> None:
    move(page, "coal-to-gas", 17)
    move(page, "energy-price-growth", 0.03)
    page.find_element("css selector", "[data-province=Hebei]").click()
    until(lambda: "Hebei" in page.find_element("id", "headline").text)
    link, shown = page.current_url, (page.find_element("id", "headline").text, verdict(page))
    second = start()
    try:
        second.get(link)
        answered(second, 1)
        assert (second.find_element("id", "headline").text, verdict(second)) == shown
        assert second.find_element("id", "set-coal-to-gas").get_attribute("value") == "17"
        assert len(second.find_elements("css selector", "#lines li")) == 5  # four lines and the measured dots
    finally:
        second.quit()


def test_two_browsers_at_once_keep_their_own_state(page: Any, address: str) -> None:
    second = start()
    try:
        second.get(address)
        answered(second, 1)
        movers = [threading.Thread(target=move, args=(d, "plant-closure", v)) for d, v in ((page, 5), (second, 95))]
        for mover in movers:
            mover.start()
        for mover in movers:
            mover.join()
        assert page.execute_script("return state.levers['plant closure']") == 0.05
        assert second.execute_script("return state.levers['plant closure']") == 0.95
        assert verdict(page) != verdict(second)
    finally:
        second.quit()


def test_undo_redo_and_reset(page: Any) -> None:
    start_value = page.find_element("id", "set-plant-closure").get_attribute("value")
    move(page, "plant-closure", 33)
    page.find_element("id", "undo").click()
    assert page.find_element("id", "set-plant-closure").get_attribute("value") == start_value
    page.find_element("id", "redo").click()
    assert page.find_element("id", "set-plant-closure").get_attribute("value") == "33"
    page.find_element("id", "reset").click()
    assert page.find_element("id", "set-plant-closure").get_attribute("value") == start_value


@pytest.mark.parametrize(
    "hash_",
    [
        quote('{"r": "<img src=x onerror=alert(1)>", "a": "official"}'),
        quote('{"r": "Hebei", "a": "<script>alert(1)</script>"}'),
        quote('{"r": "Hebei", "a": "official", "l": {"__proto__x": 1}}'),
        "%7B" + "x" * 1_000_000,
        "../../etc/passwd",
    ],
)
def test_a_strange_link_is_refused_as_text(page: Any, address: str, hash_: str) -> None:
    page.get("about:blank")
    page.get(address)
    answered(page, 1)
    page.execute_script("location.hash = arguments[0]", hash_)
    until(lambda: "does not fit" in page.find_element("id", "message").text)
    assert not page.find_elements("css selector", "#message *")
    assert page.execute_script("return state.region") == "Guangdong"


def test_a_wrong_token_is_refused(chromium: Any, address: str) -> None:
    chromium.get(address[:-3] + "xyz")
    assert "token is missing or wrong" in chromium.find_element("css selector", "body").text


def test_another_page_is_refused(chromium: Any, address: str, tmp_path: Any) -> None:
    stranger = tmp_path / "stranger.html"
    stranger.write_text("<title>stranger</title>")
    chromium.get(stranger.as_uri())
    parts = urlsplit(address)
    token = parse_qs(parts.query)["token"][0]
    script = """return fetch(arguments[0], {method: 'POST', headers: {'content-type': 'application/json',
        'x-tanlu-token': arguments[1]}, body: '{"rule": "official"}'}).then(r => r.status, e => e.name)"""
    assert chromium.execute_script(script, f"http://{parts.netloc}/api/answer", token) == "TypeError"
    body = json.dumps({"rule": "official"}).encode()
    headers = {"content-type": "application/json", "x-tanlu-token": token, "origin": "https://evil.example"}
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(f"http://{parts.netloc}/api/answer", body, headers))
    refused.value.close()
    assert refused.value.code == 403


def test_only_the_loopback_listens(address: str) -> None:
    assert urlsplit(address).hostname == "127.0.0.1"


def test_phone_and_chinese(chromium: Any, address: str) -> None:
    resize(chromium, 390, 844, mobile=True)
    try:
        chromium.get(address + "&lang=zh")
        answered(chromium, 1)
        assert chromium.execute_script("return document.documentElement.scrollWidth") <= 390
        assert "省份" in chromium.find_element("id", "sentence").text
        assert "达标概率" in verdict(chromium)
    finally:
        resize(chromium, 1280, 900)
