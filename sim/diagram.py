"""Stock-and-flow pictures of a model file, one per group, as Graphviz text; Graphviz draws them.

A stock is a box; a flow is a valve on a pipe into or out of it (from a cloud where no stock of the picture is its
source); a term of a stock's equation that is not a variable is a valve without a name. Other variables are words; thin
arrows lead from a variable to those that read it. A variable of another group is grey, in angle brackets. Constants
are left out.
"""

from __future__ import annotations

import shutil
import subprocess
import textwrap
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from sim.errors import SimError
from sim.source import Element, Source, flow_terms, read, reference

LABEL_WIDTH = 19  # characters a line
NOT_DRAWN = ("constant", "control", "lookup")
TIMEOUT = 120  # seconds in which Graphviz lays out a view
NO_GRAPHVIZ = (
    "Graphviz's `dot` is not installed, so that only .dot files were written: "
    "install it (Debian and Ubuntu: apt-get install graphviz) and run this again for SVG"
)

# Looks of the nodes and edges, in Graphviz's words.
HEAD = """  rankdir=LR; size="11.2,7.7"; ratio=compress; ranksep=0.35; nodesep=0.12; labelloc=t; fontname="DejaVu Sans";
  node [fontname="DejaVu Sans", fontsize=9, margin="0.05,0.03", height=0.2];
  edge [color="#7d93ad", penwidth=0.6, arrowsize=0.5];
"""
STYLES = {
    "stock": 'shape=box, style=filled, fillcolor="#eef3f8", height=0.45, margin="0.12,0.08"',
    "valve": 'shape=hexagon, color="#5b6b7a"',
    "variable": "shape=plaintext",
    "shadow": 'shape=plaintext, fontcolor="#8a8a8a"',
}
CLOUD = 'shape=circle, style=filled, color="#d7dde4", label="", width=0.18'
PIPE = 'color="#5b6b7a:#ffffff:#5b6b7a", penwidth=1.4, weight=8'


@dataclass(frozen=True, slots=True)
class Pipe:
    """A flow: from `source` through `valve` to `target`; None is a cloud. `valve` is a node of the picture."""

    valve: str
    source: str | None
    target: str | None


@dataclass(frozen=True, slots=True)
class DiagramView:
    """The content of one picture.

    Attributes:
        name: the group.
        labels: node → words; stocks, valves, variables and shadows.
        kinds: node → stock, valve, variable or shadow.
        pipes: the flows.
        arrows: (variable, variable that reads it).
    """

    name: str
    labels: Mapping[str, str]
    kinds: Mapping[str, str]
    pipes: tuple[Pipe, ...]
    arrows: tuple[tuple[str, str], ...]


def views(model: str | Path | Source) -> list[DiagramView]:
    """A view for every group that has anything but constants.

    Raises:
        ModelError: the file cannot be read.
    """
    source = model if isinstance(model, Source) else read(model)
    found = [_view(source, group) for group in source.groups]
    return [view for view in found if view.labels]


def graphviz() -> str | None:
    """The path of Graphviz's `dot`, None where it is not installed."""
    return shutil.which("dot")


def write(model: str | Path | Source, folder: str | Path) -> list[Path]:
    """Write every view of a model into `<group>.dot` and, where Graphviz is installed, `<group>.svg`.

    Returns:
        The files written; the same model and the same Graphviz give the same bytes.

    Raises:
        ModelError: the file cannot be read.
        SimError: Graphviz fails.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    program, written = graphviz(), list[Path]()
    for view in views(model):
        file = folder / f"{reference(view.name).replace('/', '_')}.dot"
        file.write_text(dot_text(view), encoding="utf-8")
        written.append(file)
        if program is not None:
            written.append(_draw(program, file))
    return written


def dot_text(view: DiagramView) -> str:
    """A view in Graphviz's language. Nodes are numbered, so that names of a model file are words only.

    >>> (view,) = views("docs/sir.mdl")
    >>> dot_text(view).splitlines()[0]
    'digraph {'
    """
    number = {node: f"n{i}" for i, node in enumerate(view.kinds)}
    lines = [f"digraph {{\n  label={_quoted(view.name)};", HEAD.rstrip()]
    lines += [
        f"  {number[node]} [label={_quoted(view.labels[node])}, {STYLES[kind]}];" for node, kind in view.kinds.items()
    ]
    for i, pipe in enumerate(view.pipes):
        ends = [
            number[end] if end is not None else f"c{i}{side}" for end, side in ((pipe.source, "a"), (pipe.target, "b"))
        ]
        lines += [f"  {end} [{CLOUD}];" for end in ends if end.startswith("c")]
        lines.append(f"  {ends[0]} -> {number[pipe.valve]} [{PIPE}, dir=none];")
        lines.append(f"  {number[pipe.valve]} -> {ends[1]} [{PIPE}];")
    lines += [f"  {number[cause]} -> {number[effect]};" for cause, effect in view.arrows]
    return "\n".join((*lines, "}", ""))


def _quoted(words: str) -> str:
    """A text between Graphviz's quotes, without its escapes and entities."""
    plain = words.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
    return '"' + plain.replace("\n", "\\n") + '"'


def _draw(program: str, file: Path) -> Path:
    picture = file.with_suffix(".svg")
    command = [program, "-Tsvg", "-o", str(picture), str(file)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SimError(f"Graphviz did not draw {file}: {error}") from error
    if done.returncode:
        raise SimError(f"Graphviz did not draw {file}: {done.stderr.strip()[:500]}")
    return picture


def _view(source: Source, group: str) -> DiagramView:
    mine = {
        name: element
        for name, element in source.elements.items()
        if element.group == group and element.kind not in NOT_DRAWN
    }
    pipes = _pipes(mine)
    valves = [pipe.valve for pipe in pipes]
    kinds = {name: "stock" if element.kind == "stock" else "variable" for name, element in mine.items()}
    kinds |= dict.fromkeys(valves, "valve")
    arrows = [
        (cause, effect)
        for name, element in mine.items()
        for effect, causes in _effects(name, element, valves)
        for cause in causes
        if cause != effect and cause in source.elements and source.elements[cause].kind not in NOT_DRAWN
    ]
    kinds |= {cause: "shadow" for cause, _ in arrows if cause not in kinds}
    labels = {name: _label(source, name, kind) for name, kind in kinds.items()}
    return DiagramView(group, labels, kinds, tuple(pipes), tuple(dict.fromkeys(arrows)))


def _pipes(mine: Mapping[str, Element]) -> list[Pipe]:
    """Every flow that stocks of the view add or take, and a nameless valve for what else their equations hold."""
    ends: dict[str, dict[int, str]] = {}
    for name, element in mine.items():
        for part in element.parts if element.kind == "stock" else ():
            terms = flow_terms(part.node)
            if not all(term in mine and mine[term].kind == "flow" for _, term in terms):
                terms = []
            for sign, term in terms or [(1, f"into {name}")]:
                ends.setdefault(term, {}).setdefault(sign, name)
    return [Pipe(valve, by_sign.get(-1), by_sign.get(1)) for valve, by_sign in ends.items()]


def _effects(name: str, element: Element, valves: Collection[str]) -> list[tuple[str, list[str]]]:
    """(what is acted on, what acts): a stock is acted on through its valves only."""
    if element.kind != "stock":
        return [(name, list(element.reads))]
    valve = f"into {name}"
    return [(valve, [one for one in element.reads if one != name])] if valve in valves else []


def _label(source: Source, name: str, kind: str) -> str:
    if name not in source.elements:
        return ""
    words = "\n".join(textwrap.wrap(source.elements[name].name.strip('"'), LABEL_WIDTH))
    return f"<{words}>" if kind == "shadow" else words
