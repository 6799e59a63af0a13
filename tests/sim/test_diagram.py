"""Stock-and-flow pictures: their content; the same model gives the same bytes."""

from pathlib import Path

import pytest

from sim import diagram

MODELS = Path(__file__).parent / "models"


@pytest.fixture(scope="module")
def view():
    (view,) = diagram.views(MODELS / "stocks.mdl")
    return view


def test_stocks_valves_and_words(view):
    kinds = {kind: {node for node, one in view.kinds.items() if one == kind} for kind in set(view.kinds.values())}
    assert kinds["stock"] == {"prey", "predators", "chained"}
    assert kinds["valve"] == {"births", "catches", "growth", "losses", "into chained"}
    assert "predators_at_start" not in view.kinds


def test_pipes_join_what_the_equations_say(view):
    pipes = {pipe.valve: (pipe.source, pipe.target) for pipe in view.pipes}
    assert pipes["births"] == (None, "prey")
    assert pipes["catches"] == ("prey", None)
    assert pipes["into chained"] == (None, "chained")


def test_arrows_are_what_is_read_by_what(view):
    assert {("prey", "births"), ("predators", "catches"), ("catches", "growth"), ("prey", "into chained")} <= {
        *view.arrows
    }
    assert not any(effect in ("prey", "predators") for _, effect in view.arrows), "a stock changes by its flows only"


def test_a_flow_between_two_stocks_is_one_pipe(tmp_path):
    path = tmp_path / "chain.mdl"
    body = "a = INTEG(-move, 9) ~ ~ |\nb = INTEG(move, 1) ~ ~ |\nmove = a / 4 ~ ~ |\n"
    path.write_text("{UTF-8}\n" + body, encoding="utf-8")
    (view,) = diagram.views(path)
    assert [(pipe.valve, pipe.source, pipe.target) for pipe in view.pipes] == [("move", "a", "b")]


def test_a_variable_of_another_group_is_a_shadow(tmp_path):
    stars = "*" * 20
    group = "{0}\n\t.{1}\n{0}~\n\t\t\n\t|\n"
    body = group.format(stars, "Farm") + "level = INTEG(grow, 1) ~ ~ |\ngrow = level * rain ~ ~ |\n"
    body += group.format(stars, "Sky") + "rain = Time ~ ~ |\n"
    path = tmp_path / "groups.mdl"
    path.write_text("{UTF-8}\n" + body, encoding="utf-8")
    farm, sky = diagram.views(path)
    assert (farm.name, sky.name) == ("Farm", "Sky")
    assert farm.kinds["rain"] == "shadow"
    assert farm.labels["rain"] == "<rain>"
    assert sky.kinds == {"rain": "variable"}


def test_the_order_of_nodes_does_not_follow_the_hashing_of_names(tmp_path):
    path = tmp_path / "many.mdl"
    path.write_text("{UTF-8}\n" + "".join(f"s{n} = INTEG(-s{n} / 4, 9) ~ ~ |\n" for n in range(8)), encoding="utf-8")
    (view,) = diagram.views(path)
    valves = [node for node, kind in view.kinds.items() if kind == "valve"]
    assert valves == [f"into s{n}" for n in range(8)]


def test_dot_is_always_written_and_repeats(tmp_path, monkeypatch):
    monkeypatch.setattr(diagram, "graphviz", lambda: None)
    first = diagram.write(MODELS / "units" / "sound.mdl", tmp_path / "a")
    second = diagram.write(MODELS / "units" / "sound.mdl", tmp_path / "b")
    assert [file.name for file in first] == ["economy.dot"]
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]
    drawing = first[0].read_text(encoding="utf-8")
    assert all(word in drawing for word in ("capital", "investment", "depreciation", "Economy"))


@pytest.mark.skipif(diagram.graphviz() is None, reason="Graphviz is not installed")
def test_graphviz_draws_every_word(view, tmp_path):
    dot, drawing = diagram.write(MODELS / "stocks.mdl", tmp_path)
    assert (dot.suffix, drawing.suffix) == (".dot", ".svg")
    text = drawing.read_text(encoding="utf-8")
    words = {word for label in view.labels.values() for word in label.split("\n") if word}
    assert [word for word in words if f">{word}<" not in text] == []


def test_names_that_look_like_mathematics_or_markup_are_words(tmp_path):
    path = tmp_path / "hostile.mdl"
    path.write_text('{UTF-8}\n"$x^2$ <b> & \\"y\\"" = Time ~ ~ |\n', encoding="utf-8")
    (view,) = diagram.views(path)
    assert r'[label="$x^2$ <b> &amp; \\\"y\\", ' in diagram.dot_text(view)
    if diagram.graphviz() is not None:
        drawing = diagram.write(path, tmp_path / "out")[1].read_text(encoding="utf-8")
        assert "&lt;b&gt; &amp;" in drawing
