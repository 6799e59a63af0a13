"""Random models in Vensim's language: subscripts, subranges, mappings, EXCEPT, delays, lookups, macros, test inputs.

Values are kept within ±100 and away from the places where a rounding in the last digit changes a branch: thresholds are
odd decimals, arguments of steep functions are clamped. What PySD is known to do wrong is not generated (see
docs/differences.md): DELAY FIXED reads stocks and the clock only, initial values of smooths are no whole numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import strategies as st

CONTROL = """
FINAL TIME = {final} ~ Month ~ |
INITIAL TIME = {initial} ~ Month ~ |
TIME STEP = {step} ~ Month ~ |
SAVEPER = {save} ~ Month ~ |
"""
MACRO = """:MACRO: CHASE(goal, needed)
CHASE = INTEG((goal - CHASE) / needed + offset, goal * 0.3) ~ ~ |
offset = 0.07 ~ ~ |
:END OF MACRO:
:MACRO: BLEND(x, y)
BLEND = x * 0.4 + y * 0.6 ~ ~ |
:END OF MACRO:
"""

ROWS = ("r1", "r2", "r3", "r4")
RANGES = {
    "row": ROWS,
    "half": ("r1", "r2"),
    "rest": ("r3", "r4"),
    "region": ("g1", "g2", "g3", "g4"),
    "column": ("c1", "c2", "c3"),
}
SUBSCRIPTS = "\n".join(
    f"{name}: {', '.join(elements)}{' -> region' if name == 'row' else ''} ~ ~ |" for name, elements in RANGES.items()
)
BASES = "".join(
    f"base {dim}[{dim}] = {', '.join(f'{0.3 * i + 0.41:.2f}' for i, _ in enumerate(RANGES[dim]))} ~ ~ |\n"
    for dim in ("row", "region", "column")
)
DIMS = ((), (), ("row",), ("column",), ("row", "column"), ("region",), ("column", "region"))


@dataclass
class Variable:
    """What later equations may read."""

    name: str
    dims: tuple[str, ...]
    steady: bool = False  # a stock or the clock: safe as the input of DELAY FIXED
    constant: bool = False


@dataclass
class Model:
    """A model in the making."""

    draw: st.DrawFn
    known: list[Variable] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    tables: list[Variable] = field(default_factory=list)

    def pick(self, *options):
        return self.draw(st.sampled_from(options))

    def number(self, low: float = -3.0, high: float = 5.0) -> str:
        value = self.draw(st.integers(int(low * 100), int(high * 100)))
        return f"{value / 100 + 0.00137:.5f}"

    # References

    def index(self, dim: str, context: tuple[str, ...]) -> str:
        """How a variable's dim is written where the left side has these subscripts."""
        related = {"row": ("row", "half", "rest", "region"), "region": ("region",), "column": ("column",)}[dim]
        here = [one for one in context if one in related]
        if here and self.pick(True, True, True, False):
            return "row" if dim == "row" and here[0] == "region" else here[0]
        return self.pick(*RANGES[dim])

    def read(self, context: tuple[str, ...], *, steady: bool = False, constant: bool = False) -> str:
        fitting = [v for v in self.known if (v.steady or not steady) and (v.constant or not constant)]
        if not fitting:
            return self.number(0.5, 3)
        variable = self.pick(*fitting)
        if not variable.dims:
            return variable.name
        return f"{variable.name}[{', '.join(self.index(dim, context) for dim in variable.dims)}]"

    def reduced(self, context: tuple[str, ...]) -> str:
        """A reduction of an array over one of its dims or over all."""
        arrays = [v for v in self.known if v.dims]
        if not arrays:
            return self.number()
        variable = self.pick(*arrays)
        over = {self.pick(*variable.dims)} if self.pick(True, False) else {*variable.dims}
        subs = []
        for dim in variable.dims:
            if dim in over:
                bang = "half" if dim == "row" and self.pick(True, False, False) else dim
                subs.append(f"{bang}!")
            else:
                subs.append(self.index(dim, context))
        inside = f"{variable.name}[{', '.join(subs)}]"
        function = self.pick("SUM", "SUM", "VMIN", "VMAX", "PROD")
        return f"PROD(0.5 + {inside} / 250)" if function == "PROD" else f"{function}({inside})"

    # Expressions

    def atom(self, context: tuple[str, ...], inner: Callable[[], str] | None = None) -> str:
        del inner
        kind = self.pick("read", "read", "read", "number", "time", "reduced")
        if kind == "read":
            return self.read(context)
        if kind == "reduced":
            return self.reduced(context)
        return self.number() if kind == "number" else "Time"

    def expression(self, context: tuple[str, ...], depth: int = 2) -> str:
        kind = (
            self.pick("atom", "arithmetic", "function", "choice", "guard", "lookup", "input", "macro")
            if depth
            else "atom"
        )
        return str(getattr(self, kind)(context, lambda: self.expression(context, depth - 1)))

    def arithmetic(self, context: tuple[str, ...], inner: Callable[[], str]) -> str:
        return self.pick(
            f"({inner()} {self.pick('+', '-')} {inner()} {self.pick('+', '-')} {self.atom(context)})",
            f"{self.pick('-', '')}({inner()}) * {self.number(-1, 1)}",
            f"({inner()}) / (1.5 + ABS({inner()}))",
            f"(0.1 + ABS({inner()})) ^ {self.pick('0.5', '1.3', '2', '-1')}",
            f"-({inner()} / 20) ^ 2",
            f"SQRT(ABS({inner()}) + 0.01)",
        )

    def choice(self, context: tuple[str, ...], inner: Callable[[], str]) -> str:
        return f"IF THEN ELSE({self.condition(context)}, {inner()}, {inner()})"

    def guard(self, context: tuple[str, ...], inner: Callable[[], str]) -> str:
        del context
        return self.pick(
            f"ZIDZ({inner()}, {self.pick('0', '2.5', 'Time - 1')}) / 10",
            f"XIDZ({inner()}, {self.pick('0', '-1.5')}, {inner()})",
            f"MAX({inner()}, {inner()})",
            f"MIN({inner()}, {inner()})",
        )

    def macro(self, context: tuple[str, ...], inner: Callable[[], str]) -> str:
        return self.pick(f"BLEND({inner()}, {self.atom(context)})", f"BLEND(Time, {inner()})")

    def function(self, context: tuple[str, ...], inner: Callable[[], str]) -> str:
        del context
        argument = inner()
        clamped = f"MAX(-4, MIN(4, {argument}))"
        name = self.pick("SIN", "COS", "EXP", "LN", "TANH", "ARCTAN", "ABS", "INTEGER", "MODULO", "QUANTUM")
        if name == "LN":
            return f"LN(1 + ABS({argument}))"
        if name in ("MODULO", "QUANTUM", "INTEGER"):  # constant steps: a rounding cannot cross one
            second = {"MODULO": ", 3", "QUANTUM": ", 0.7", "INTEGER": ""}[name]
            return f"{name}(Time * 1.37 + 0.123{second}) + {argument}"
        return f"{name}({clamped})"

    def condition(self, context: tuple[str, ...]) -> str:
        one = f"{self.atom(context)} {self.pick('>', '<', '>=', '<=')} {self.number(-2, 4)}"
        other = f"Time {self.pick('>', '<=', '=', '<>')} {self.pick('1', '2.5', '3.25')}"
        return self.pick(one, other, f"{one} :AND: {other}", f"{one} :OR: {other}", f":NOT: ({other})", f":NOT: {one}")

    def lookup(self, context: tuple[str, ...], inner: Callable[[], str]) -> str:
        argument = inner()
        if self.tables and self.pick(True, False):
            table = self.pick(*self.tables)
            subs = f"[{', '.join(self.index(dim, context) for dim in table.dims)}]" if table.dims else ""
            whole = subs in ("", *(f"[{name}]" for name in RANGES))
            return (
                f"{table.name}{subs}({argument if whole else 'Time'})"  # one row at an array: PySD takes its diagonal
            )
        return f"WITH LOOKUP({argument}, ({self.points()}))"

    def points(self) -> str:
        count = self.draw(st.integers(2, 5))
        points, x = [], self.draw(st.integers(-5, 0))
        for _ in range(count):
            points.append(f"({x},{self.number()})")
            x += self.draw(st.integers(1, 4))
        limits = f"[({-10},{-10})-({20},{20})]," if self.pick(True, False) else ""
        return limits + ",".join(points)

    def input(self, context: tuple[str, ...], inner: Callable[[], str]) -> str:
        del inner
        start = self.pick("1", "2.5", "0")
        height = self.pick(self.number(), self.read(context, constant=True))
        return self.pick(
            f"STEP({height}, {start})",
            f"RAMP({height}, {start}, 3)",
            f"PULSE({start}, 1) * {height}",
            f"PULSE TRAIN({start}, 0.5, 1.5, 4.1)",
        )

    def stateful(self, context: tuple[str, ...]) -> str:
        """A right side that remembers: delays, smooths, trends and the like (as a whole equation)."""
        value = self.expression(context, 1) + spread(context)
        over = self.pick("1.5", "2", f"(1.2 + ABS({self.read(context, constant=True)}))")
        start = self.number()
        fixed = self.pick("Time", self.read(context, steady=True))
        return self.pick(
            f"SMOOTH({value}, {over})",
            f"SMOOTHI({value}, {over}, {start})",
            f"SMOOTH3({value}, {over})",
            f"SMOOTH3I({value}, {over}, {start})",
            f"SMOOTH N({value}, {over}, {start}, 2)",
            f"DELAY1({value}, {over})",
            f"DELAY1I({value}, {over}, {start})",
            f"DELAY3({value}, {over})",
            f"DELAY3I({value}, {over}, {start})",
            f"DELAY N({value}, {over}, {start}, {self.pick('1', '2', '4')})",
            f"DELAY FIXED({fixed}, {self.pick('1', '1.5', '0.5')}, {start})",
            f"TREND(150.5 + {value}, {over}, 0.013)",
            f"FORECAST(150.5 + {value}, {over}, 1.7) / 9",
            f"SAMPLE IF TRUE({self.condition(context)}, {value}, {start})",
            f"INITIAL({value})",
            f"ACTIVE INITIAL({value}, {start})",
            *([f"CHASE({value}, 2.5)"] if not context else []),
        )

    # Equations

    def add(self, left: str, right: str) -> None:
        self.lines.append(f"{left} = {right} ~ ~ |")

    def variable(self, number: int) -> None:
        dims = self.pick(*DIMS)
        name = self.pick("flow", "Ünder_score", '"quoted, 名"', "X") + f" {number}"
        name = name.replace('" ', " ").removesuffix('"') + '"' if name.startswith('"') else name
        kind = self.pick("constant", "table", "stock", "stateful", "plain", "plain", "plain")
        if kind == "table":
            self.table(name, dims)
        elif kind == "constant":
            self.constant(name, dims)
        else:
            self.defined(name, dims, kind)

    def constant(self, name: str, dims: tuple[str, ...]) -> None:
        if len(dims) == 2:
            rows, columns = (len(RANGES[dim]) for dim in dims)
            values = " ".join(
                "".join(f"{self.number()}, " for _ in range(columns)).removesuffix(", ") + ";" for _ in range(rows)
            )
        elif dims and self.pick(True, False):
            values = ", ".join(self.number() for _ in RANGES[dims[0]])
        else:
            values = self.number()
        self.add(name + _subs(dims), values)
        self.known.append(Variable(name, dims, constant=True))

    def table(self, name: str, dims: tuple[str, ...]) -> None:
        dims = dims[:1]
        for element in RANGES[dims[0]] if dims else ("",):
            self.lines.append(f"{name}{f'[{element}]' if element else ''}( {self.points()} ) ~ ~ |")
        self.tables.append(Variable(name, dims))

    def defined(self, name: str, dims: tuple[str, ...], kind: str) -> None:
        """A whole definition, or one in parts: by subranges, by elements, with exceptions."""
        parts: list[tuple[tuple[str, ...], str]] = [(dims, "")]
        if "row" in dims:
            rest = dims[1:]
            parts = self.pick(
                parts,
                [(("half", *rest), ""), (("rest", *rest), "")],
                [((element, *rest), "") for element in ROWS],
                [(("row", *rest), f" :EXCEPT: [{', '.join(('r2', *rest))}]"), (("r2", *rest), "")],
                [(("row", *rest), f" :EXCEPT: [{', '.join(('half', *rest))}]"), (("half", *rest), "")],
            )
        elif dims == ("column",):
            parts = self.pick(parts, [(("column",), " :EXCEPT: [c1], [c3]"), (("c1",), ""), (("c3",), "")])
        for subs, excepted in parts:
            context = tuple(sub for sub in subs if sub in RANGES)
            self.add(name + _subs(subs) + excepted, self.right(kind, context))
        self.known.append(Variable(name, dims, steady=kind == "stock"))

    def right(self, kind: str, context: tuple[str, ...]) -> str:
        if kind == "stateful":
            return self.stateful(context)
        body = f"MAX(-100, MIN(100, {self.expression(context)}))"
        if kind == "stock":
            return f"INTEG({body} / 7, {self.pick(self.number(), self.read(context, constant=True))})"
        return body


def spread(context: tuple[str, ...]) -> str:
    """Makes the input of a stateful function depend on every subscript: PySD fails on some that do not."""
    factors = [f"base {'row' if index in ('half', 'rest') else index}[{index}]" for index in context]
    return f" + {' * '.join(factors)}" if factors else ""


def _subs(dims: tuple[str, ...]) -> str:
    return f"[{', '.join(dims)}]" if dims else ""


@st.composite
def models(draw: st.DrawFn) -> str:
    """The text of a model file with 3 to 10 variables."""
    model = Model(draw, [Variable(f"base {dim}", (dim,), constant=True) for dim in ("row", "region", "column")])
    for number in range(draw(st.integers(3, 10))):
        model.variable(number)
    step, save = draw(st.sampled_from([("0.5", "1"), ("0.25", "0.25"), ("1", "1"), ("0.5", "TIME STEP")]))
    initial = draw(st.sampled_from(["0", "-1", "0.5"]))
    control = CONTROL.format(initial=initial, final=draw(st.sampled_from(["3", "4.5"])), step=step, save=save)
    return "\n".join(["{UTF-8}", MACRO, SUBSCRIPTS, BASES, *model.lines]) + control
