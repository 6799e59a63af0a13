"""Stock-and-flow pictures: what they hold, that nothing overlaps, that the same model gives the same bytes."""

from pathlib import Path

import numpy as np
import pytest

from sim import diagram
from sim.layout import Item, place

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


def test_no_two_nodes_share_a_cell():
    names = [f"n{i}" for i in range(40)]
    rng = np.random.default_rng(3)
    edges = [(names[a], names[b]) for a, b in rng.integers(40, size=(60, 2))]
    items = [Item(("n0", "n1", "n2"), ((0, 0), (1, 0), (2, 0))), *(Item.single(name) for name in names[3:])]
    at = place(items, edges, (9, 9), rng, moves=3000)
    assert len({*at.values()}) == len(names)
    assert all(0 <= c < 9 and 0 <= r < 9 for c, r in at.values())
    assert [at["n1"][0] - at["n0"][0], at["n2"][0] - at["n0"][0]] == [1, 2]


def test_annealing_shortens_the_arrows():
    names = [f"n{i}" for i in range(30)]
    edges = [(names[i], names[(i * 7 + 3) % 30]) for i in range(30)]
    items = [Item.single(name) for name in names]

    def total(at):
        return sum(np.hypot(*np.subtract(at[a], at[b])) for a, b in edges)

    loose = place(items, edges, (8, 8), np.random.default_rng(1), moves=1)
    tight = place(items, edges, (8, 8), np.random.default_rng(1), moves=8000)
    assert total(tight) < 0.6 * total(loose)


def test_a_grid_that_is_too_small_is_refused():
    with pytest.raises(ValueError, match="too small"):
        place([Item.single("a"), Item.single("b")], [], (1, 1), np.random.default_rng(0))


def test_the_order_of_nodes_does_not_follow_the_hashing_of_names(tmp_path):
    path = tmp_path / "many.mdl"
    path.write_text("{UTF-8}\n" + "".join(f"s{n} = INTEG(-s{n} / 4, 9) ~ ~ |\n" for n in range(8)), encoding="utf-8")
    (view,) = diagram.views(path)
    valves = [node for node, kind in view.kinds.items() if kind == "valve"]
    assert valves == [f"into s{n}" for n in range(8)]


def test_files_are_written_and_repeat(tmp_path):
    first = diagram.write(MODELS / "units" / "sound.mdl", tmp_path / "a")
    second = diagram.write(MODELS / "units" / "sound.mdl", tmp_path / "b")
    assert [file.name for file in first] == ["economy.svg", "economy.png"]
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]
    drawing = first[0].read_text(encoding="utf-8")
    assert all(word in drawing for word in ("capital", "investment", "depreciation", "Economy"))


def test_words_stay_inside_their_cells(view):
    """At the page's size no label is wider than a cell: readable means not overlapping."""
    figure = diagram.draw(view, np.random.default_rng(1))
    renderer = figure._get_renderer()
    boxes = [text.get_window_extent(renderer) for text in figure.axes[0].texts if text.get_text()]
    overlaps = [
        (a, b)
        for i, a in enumerate(boxes)
        for b in boxes[i + 1 :]
        if a.x0 < b.x1 and b.x0 < a.x1 and a.y0 < b.y1 and b.y0 < a.y1
    ]
    assert overlaps == []


def test_names_that_look_like_mathematics_or_markup_are_words(tmp_path):
    path = tmp_path / "hostile.mdl"
    path.write_text('{UTF-8}\n"$x^2$ <b> & \\"y\\"" = Time ~ ~ |\n', encoding="utf-8")
    (file,) = diagram.write(path, tmp_path / "out", formats=("svg",))
    assert "&lt;b&gt; &amp;" in file.read_text(encoding="utf-8")
