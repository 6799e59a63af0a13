"""C text from a program. Every name in it is made of letters of ours and numbers; nothing comes from a model file.

Members run innermost in blocks of W. `w` holds values (cells, W), `s` and `n` the present and next states, `p` what
histories recorded (steps, cells, W); `uc` and `us` are uniform inputs, one for the run and one per step.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.compiler.codegen import c_templates, c_vector_ops
from sim.compiler.codegen.kernel import Unsupported
from sim.compiler.codegen.loop_fusion import Nest, alone, fuse, written_out
from sim.compiler.codegen.memory_layout import MemoryLayout
from sim.compiler.codegen.numpy_backend import slopes
from sim.compiler.codegen.separable import separable_dim
from sim.compiler.ir import Along, Apply, Expr, Interp, Number, Read, Recall, Reduce, Refs, Vector, walk
from sim.compiler.plan.program import Program, Statement

START = {"sum": 0.0, "product": 1.0, "minimum": math.inf, "maximum": -math.inf}
UPDATE = {"sum": "{} + {}", "product": "{} * {}", "minimum": "lesser({}, {})", "maximum": "greater({}, {})"}
CHAIN = 12  # points up to which a lookup compares with each abscissa; above it searches


@dataclass(frozen=True, slots=True)
class CSource:
    """C text and the layout that its caller needs.

    Attributes:
        ranged: the dim of which a run may compute a range of elements only, if there is one.
    """

    text: str
    layout: MemoryLayout
    ranged: str = ""


def generate_c(program: Program, width: int, resumes: bool = False) -> CSource:
    """The C text of a program for blocks of `width` members; resumes: it can begin in the middle of a run.

    Raises:
        Unsupported: an operation that C lacks here.
    """
    nests = [fuse(stage, program.sizes) for stage in program.stages]
    layout = MemoryLayout.of(program, _registers(program, nests))
    ranged = "" if program.single else separable_dim(program)
    writer = _CWriter(program, layout, ranged)
    calls = [[writer.nest(nest) for nest in stage] for stage in nests]
    body = c_templates.main(program, layout, calls, resumes)
    rows = c_vector_ops.TEXT if any(isinstance(one.expr, Vector) for stage in program.stages for one in stage) else ""
    text = "\n".join((c_templates.HEAD % {"W": width}, rows, *writer.tables.values(), *writer.functions, body))
    return CSource(text, layout, ranged)


def _registers(program: Program, nests: Iterable[Sequence[Nest]]) -> set[int]:
    """Value slots that are read only in the nest that writes them."""
    home: dict[int, set[int]] = {}
    for number, nest in enumerate(nest for stage in nests for nest in stage):
        for one in nest.statements:
            places = [one.slot] if one.target == "value" else []
            for node in _nodes(one.expr):
                if isinstance(node, Read | Recall):
                    places.append(node.slot)
            for slot in places:
                home.setdefault(slot, set()).add(number)
    kept = {*program.outputs, *program.states, *program.histories, *(one.slot for one in program.inputs)}
    whole = {
        one.slot
        for stage in nests
        for nest in stage
        for one in nest.statements
        if one.target == "value" and not alone(one, program.sizes)
    }
    return {slot for slot, numbers in home.items() if len(numbers) == 1 and slot in whole and slot not in kept}


def _nodes(expr: Expr) -> Iterable[Expr]:
    return walk(expr)


class _CWriter:
    """Functions and tables of one C file."""

    def __init__(self, program: Program, layout: MemoryLayout, ranged: str) -> None:
        self.program, self.layout, self.ranged = program, layout, ranged
        self.functions: list[str] = []
        self.tables: dict[object, str] = {}
        self.names: dict[object, str] = {}

    def nest(self, nest: Nest) -> str:
        """Write a nest as a function; the text that calls it."""
        name = f"f{len(self.functions)}"
        first = nest.statements[0]
        inner = first.expr.over if isinstance(first.expr, Vector) else ()
        loops = {axis: f"i{number}" for number, axis in enumerate(nest.axes) if axis not in inner}
        heads = [self._loop(axis, index) for axis, index in loops.items()]
        if isinstance(first.expr, Vector):
            body = self._rows(first, first.expr, loops)
        elif isinstance(first.expr, Reduce) and not written_out(first.expr, self.program.sizes):
            body = self._reduction(first, first.expr, loops)
        else:
            body = _LoopBody(self, loops).members(nest.statements)
        if first.mask is not None:
            body = [f"if ({self._mask(first, loops)}) {{", *body, "}"]
        self.functions.append(c_templates.function(name, [*heads, *body, "}" * len(heads)]))
        return f"{name}({c_templates.ARGUMENTS});"

    def _loop(self, axis: str, index: str) -> str:
        if axis == self.ranged:
            return f"for (long {index} = lo; {index} < hi; {index}++) {{"
        return f"for (long {index} = 0; {index} < {self.program.sizes[axis]}; {index}++) {{"

    def _mask(self, one: Statement, loops: dict[str, str]) -> str:
        assert one.mask is not None
        index = "0"
        for axis, size in zip(one.axes, one.mask.shape, strict=True):
            index = f"({index}) * {size} + {loops[axis]}"
        return f"{self.table(one.mask.astype(np.int8), 'signed char')}[{index}]"

    def _reduction(self, one: Statement, node: Reduce, loops: dict[str, str]) -> list[str]:
        """An accumulator over the inner loops, adding in the order of the elements."""
        inner = {axis: f"j{number}" for number, axis in enumerate(node.over)}
        body = _LoopBody(self, {**loops, **inner})
        value = body.value(node.body)
        store = _LoopBody(self, loops).address(one.slot, one.refs, one.target)
        return [
            "double a[W];",
            *c_templates.member_loop([f"a[m] = {literal(START[node.op])};"]),
            *(self._loop(axis, index) for axis, index in inner.items()),
            *body.before,
            *c_templates.member_loop([*body.lines, f"a[m] = {UPDATE[node.op].format('a[m]', value)};"]),
            "}" * len(inner),
            *c_templates.member_loop([f"{store}[m] = a[m];"]),
        ]

    def _rows(self, one: Statement, node: Vector, loops: dict[str, str]) -> list[str]:
        """Rows are gathered from all members, worked on one by one, and scattered."""
        if node.op not in c_vector_ops.FUNCTIONS or one.mask is not None:
            raise Unsupported(f"native kernels do not have the row operation {node.op!r}")
        inner = {axis: f"j{number}" for number, axis in enumerate(node.over)}
        sizes = [self.program.sizes[axis] for axis in node.over]
        if node.op == "inverse" and sizes[0] != sizes[1]:
            raise Unsupported(f"INVERT MATRIX needs a square matrix, got {sizes[0]} x {sizes[1]}")
        cells, where = int(np.prod(sizes)), "0"
        for index, size in zip(inner.values(), sizes, strict=True):
            where = f"({where}) * {size} + {index}"
        heads, tails = [self._loop(axis, index) for axis, index in inner.items()], "}" * len(inner)
        body = _LoopBody(self, {**loops, **inner})
        values = [body.value(arg) for arg in node.args]
        body.lines += [f"x{number}[m][{where}] = {value};" for number, value in enumerate(values)]
        names = ", ".join(f"x{number}[m]" for number in range(len(values)))
        store = _LoopBody(self, {**loops, **inner}).address(one.slot, one.refs, one.target)
        return [
            *(f"static _Thread_local double x{number}[W][{cells}];" for number in range(len(values))),
            f"static _Thread_local double y[W][{cells}];",
            *heads,
            *body.before,
            *c_templates.member_loop(body.lines),
            tails,
            f"for (int m = 0; m < W; m++) {c_vector_ops.FUNCTIONS[node.op]}({sizes[0]}, {names}, y[m]);",
            *heads,
            *c_templates.member_loop([f"{store}[m] = y[m][{where}];"]),
            tails,
        ]

    def table(self, values: NDArray[np.generic], kind: str) -> str:
        """The name of a constant array; equal arrays are written once."""
        key = (kind, values.tobytes())
        if key not in self.names:
            self.names[key] = name = f"T{len(self.names)}"
            items = ", ".join(literal(float(v)) if kind == "double" else str(int(v)) for v in values.reshape(-1))
            self.tables[key] = f"static const {kind} {name}[] = {{{items}}};"
        return self.names[key]


class _LoopBody:
    """The inside of a nest: statements over one member `m`, each shared node computed once."""

    def __init__(self, writer: _CWriter, loops: dict[str, str]) -> None:
        self.writer, self.loops = writer, loops
        self.before: list[str] = []  # the same for all members, therefore before the loop over them
        self.lines: list[str] = []
        self.made: dict[int, str] = {}
        self.written: dict[int, str] = {}

    def members(self, statements: Sequence[Statement]) -> list[str]:
        """The loop over members around statements."""
        place = self.writer.layout.place
        for one in statements:
            value = self.value(one.expr)
            if one.target == "value":
                self.written[one.slot] = value
            if one.slot in place:
                self.lines.append(f"{self.address(one.slot, one.refs, one.target)}[m] = {value};")
        return [*self.before, *c_templates.member_loop(self.lines)]

    def value(self, node: Expr) -> str:
        """A C expression for a node: a literal or a name already defined."""
        if isinstance(node, Number):
            return literal(node.value)
        if id(node) not in self.made:
            self.made[id(node)] = self._define(node)
        return self.made[id(node)]

    def _define(self, node: Expr) -> str:
        if isinstance(node, Read) and node.slot in self.written:
            return self.written[node.slot]
        text = self._text(node)
        name = f"t{len(self.lines)}"
        self.lines.append(f"const {'_Bool' if node.type == 'bool' else 'double'} {name} = {text};")
        return name

    def _text(self, node: Expr) -> str:
        if isinstance(node, Read):
            return self._load(node.slot, node.refs)
        if isinstance(node, Apply):
            if node.op == "pow" and isinstance(node.args[1], Number) and node.args[1].value == 2:
                base = self.value(node.args[0])
                return f"{base} * {base}"
            return c_templates.OPERATIONS[node.op].format(*(self.value(arg) for arg in node.args))
        if isinstance(node, Interp):
            return self._lookup(node)
        if isinstance(node, Recall):
            return self._recall(node)
        if isinstance(node, Reduce):
            return self._terms(node)
        raise Unsupported(f"a {type(node).__name__.lower()} inside an expression")

    def _terms(self, node: Reduce) -> str:
        """A short reduction term by term, in the order of the elements."""
        result = literal(START[node.op])
        kept, loops = self.made, self.loops
        for point in itertools.product(*(range(self.writer.program.sizes[axis]) for axis in node.over)):
            self.made, self.loops = dict(kept), {**loops, **dict(zip(node.over, map(str, point), strict=True))}
            result = self._name("const double", UPDATE[node.op].format(result, self.value(node.body)))
        self.made, self.loops = kept, loops
        return result

    def _load(self, slot: int, refs: Refs) -> str:
        region, offset = self.writer.layout.place[slot]
        index = self._index(slot, refs)
        if region in ("uc", "us"):
            return self._shared("double", f"{region}[{offset} + {index}]")
        return f"{region}[({offset} + {index}) * W + m]"

    def address(self, slot: int, refs: Refs, target: str) -> str:
        """Where the members of a cell are stored."""
        region, offset = self.writer.layout.place[slot]
        region = {"value": region, "next": "n", "record": "p"}[target]
        base = f"({region} + k * {self.writer.layout.sizes['p']}L * W)" if target == "record" else region
        return f"({base} + ({offset} + {self._index(slot, refs)}) * W)"

    def _index(self, slot: int, refs: Refs) -> str:
        text = "0"
        for ref, size in zip(refs, self.writer.program.slots[slot].shape, strict=True):
            part = str(ref) if isinstance(ref, int) else self._position(ref)
            text = part if text == "0" else f"({text}) * {size} + {part}"
        return text

    def _position(self, ref: Along) -> str:
        index = self.loops[ref.axis]
        if ref.map is None:
            return index
        first = ref.map[0]
        if ref.map == tuple(range(first, first + len(ref.map))):
            return f"({index} + {first})"
        return f"{self.writer.table(np.array(ref.map), 'int')}[{index}]"

    def _recall(self, node: Recall) -> str:
        lag, start = self.value(node.lag), self.value(node.start)
        _, offset = self.writer.layout.place[node.slot]
        size = self.writer.layout.sizes["p"]
        where = f"(({size}L * (k - (long){lag}) + {offset} + {self._index(node.slot, node.refs)}) * W + m)"
        return f"{lag} <= (double)k ? p[{where}] : {start}"

    def _lookup(self, node: Interp) -> str:
        table = self.writer.program.tables[node.table]
        at = self._clamped(self.value(node.arg), table.x, table.rule)
        row = "0"
        for ref, size in zip(node.refs, table.y.shape[:-1], strict=True):
            row = f"({row}) * {size} + {ref if isinstance(ref, int) else self._position(ref)}"
        points = len(table.x)
        row = self._shared("long", f"({row}) * {points}")
        y, slope = (self.writer.table(values, "double") for values in (table.y, slopes(table)))
        if points <= CHAIN:
            at_x, at_y, at_slope = self._chain(at, table.x, (y, slope), row)
        else:
            x = self.writer.table(table.x, "double")
            piece = self._search(at, points, x)
            at_x, at_y, at_slope = f"{x}[{piece}]", f"{y}[{row} + {piece}]", f"{slope}[{row} + {piece}]"
        if table.rule == "hold_backward":
            return f"{at} == {at} ? {at_y} : {at}"
        return f"{at_slope} * ({at} - {at_x}) + {at_y}"

    def _clamped(self, at: str, x: NDArray[np.float64], rule: str) -> str:
        if rule == "extrapolate":
            return at
        low = self._name("const double", f"{at} < {literal(x[0])} ? {literal(x[0])} : {at}")
        return self._name("const double", f"{low} > {literal(x[-1])} ? {literal(x[-1])} : {low}")

    def _shared(self, kind: str, text: str) -> str:
        name = f"u{len(self.before)}"
        self.before.append(f"const {kind} {name} = {text};")
        return name

    def _name(self, kind: str, text: str) -> str:
        name = f"t{len(self.lines)}"
        self.lines.append(f"{kind} {name} = {text};")
        return name

    def _chain(self, at: str, x: NDArray[np.float64], tables: tuple[str, str], row: str) -> tuple[str, str, str]:
        """The piece by comparing with every abscissa: no branch, no gather."""
        found = (literal(x[0]), *(self._shared("double", f"{table}[{row}]") for table in tables))
        for i in range(1, len(x)):
            above = self._name("const _Bool", f"{at} >= {literal(x[i])}")
            here = (literal(x[i]), *(self._shared("double", f"{table}[{row} + {i}]") for table in tables))
            old = found
            found = tuple(
                self._name("const double", f"{above} ? {new} : {was}") for new, was in zip(here, old, strict=True)
            )
        return found[0], found[1], found[2]

    def _search(self, at: str, points: int, x: str) -> str:
        """The piece by halving, without branches."""
        piece = self._name("long", "0")
        step = 1 << (points - 1).bit_length()
        while step > 1:
            step >>= 1
            probe = self._name("const long", f"{piece} + {step} < {points} ? {piece} + {step} : {points - 1}")
            self.lines.append(f"{piece} = {at} >= {x}[{probe}] ? {probe} : {piece};")
        return piece


def literal(value: float) -> str:
    """A double, exactly."""
    if math.isnan(value):
        return '__builtin_nan("")'
    if math.isinf(value):
        return "__builtin_inf()" if value > 0 else "(-__builtin_inf())"
    text = float(value).hex()
    return f"({text})" if text.startswith("-") else text
