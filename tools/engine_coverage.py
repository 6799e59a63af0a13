"""The coverage table: every construction is run on every back end. `python -m tools.engine_coverage FILE`.

No row is written by hand: its model is run by PySD, NumPy and native code, and the results are compared.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import xarray as xr

from sim.backends import BACKENDS
from sim.errors import SimError
from sim.model import Model
from sim.oracle import Oracle

HEAD = """{UTF-8}
row: r1, r2, r3 ~ ~ |
part: r1, r2 ~ ~ |
other: o1, o2, o3 -> row ~ ~ |
column: c1, c2, c3 ~ ~ |
profile: ptype, ppriority, pwidth, pextra ~ ~ |
x = 3 + Time / 2 ~ ~ |
y = 2 + SIN(Time) ~ ~ |
a[row] = 3, 1, 2 ~ ~ |
b[row] = a[row] * x ~ ~ |
o[other] = 4, 5, 6 ~ ~ |
m[row, column] = 4, 1, 0; 1, 5, 2; 0, 1, 6; ~ ~ |
curve((0,0),(2,1),(4,5)) ~ ~ |
curves[row]((0,0),(2,1),(4,5)) ~ ~ |
"""
TAIL = """
INITIAL TIME = 0 ~ ~ |
FINAL TIME = 8 ~ ~ |
TIME STEP = 0.5 ~ ~ |
SAVEPER = TIME STEP ~ ~ |
"""

# Construction → equations; `z` is compared.
PROBES: dict[str, dict[str, str]] = {
    "Arithmetic and logic": {
        "+ - * /": "z = x + y * x / (y - x)",
        "^ (right to left, -30^x is -(30^x))": "z = -2^y^2 + y^-1",
        "< <= > >= = <>": "z = IF THEN ELSE(x < y, 1, IF THEN ELSE(x >= 5, 2, IF THEN ELSE(x <> 4, 3, 4)))",
        ":AND: :OR: :NOT:": "z = IF THEN ELSE(x > 4 :AND: :NOT: y > 2 :OR: x = 3, 1, 0)",
        "IF THEN ELSE": "z = IF THEN ELSE(x > 4, x, y)",
        "a truth value as a number": "z = (x > 4) * y",
    },
    "Functions": {
        **{f"{name}": f"z = {name}(x / 10)" for name in ("ABS", "EXP", "LN", "SQRT", "SIN", "COS", "TAN", "INTEGER")},
        **{f"{name}": f"z = {name}(x / 10)" for name in ("ARCSIN", "ARCCOS", "ARCTAN", "SINH", "COSH", "TANH")},
        "MIN, MAX": "z = MIN(x, 4) + MAX(x, y)",
        "LOG, GAMMA LN": "z = LOG(x, 10) + GAMMA LN(x)",
        "NPV": "z = NPV(x, 0.1, 0, 1)",
        "SINTEG (min, max, spec; a quant is refused)": "z = SINTEG(x, 0, 0, 9, :NA:, 3, 0.5)",
        "POWER": "z = POWER(x, y)",
        "MODULO, QUANTUM": "z = MODULO(x, 2) + QUANTUM(x, 1.5)",
        "XIDZ, ZIDZ": "z = XIDZ(x, y - y, 7) + ZIDZ(x, y - y) + ZIDZ(x, y)",
        "STEP, RAMP": "z = STEP(3, 2) + RAMP(2, 1, 5)",
        "PULSE, PULSE TRAIN": "z = PULSE(2, 1) + PULSE TRAIN(1, 1, 3, 6)",
        "GET TIME VALUE(0, offset, 0)": "z = GET TIME VALUE(0, 2, 0)",
        "GET TIME VALUE of the calendar or the machine": "z = GET TIME VALUE(2, 0, 1)",
        "RANDOM UNIFORM and its kin": "z = RANDOM UNIFORM(0, 1, 0)",
        "GAME": "z = GAME(x)",
        "A FUNCTION OF (no equation)": "z = A FUNCTION OF(x)",
        ":NA:": "z = IF THEN ELSE(x > 4, :NA:, x)",
    },
    "Stocks, delays and smoothing": {
        "INTEG": "z = INTEG(x - z / 5, 2)",
        "INTEG with subscripts": "z[row] = INTEG(b[row] - z[row] / 5, a[row])",
        "INITIAL": "z = INITIAL(x)",
        "ACTIVE INITIAL": "z = ACTIVE INITIAL(s, x)~~|\ns = INTEG(1, z)",
        "DELAY1, DELAY1I": "z = DELAY1(x, 3) + DELAY1I(x, 3, 1)",
        "DELAY3, DELAY3I": "z = DELAY3(x, 3) + DELAY3I(x, 3, 1)",
        "DELAY3 shorter than its stages": "z = DELAY3(x, 1)",
        "DELAY N": "z = DELAY N(x, 3, 1, 2)",
        "DELAY N with a varying delay time": "z = DELAY N(x, 3 + Time / 8, 1, 2)",
        "DELAY FIXED": "z = DELAY FIXED(x, 2, 1)",
        "DELAY MATERIAL": "z = DELAY MATERIAL(x, 2, 1, 0)",
        "SMOOTH, SMOOTHI": "z = SMOOTH(x, 3) + SMOOTHI(x, 3, 1)",
        "SMOOTH3, SMOOTH3I": "z = SMOOTH3(x, 3) + SMOOTH3I(x, 3, 1)",
        "SMOOTH N": "z = SMOOTH N(x, 3, 1, 4)",
        "TREND": "z = TREND(x, 3, 0.1)",
        "FORECAST": "z = FORECAST(x, 3, 5)",
        "SAMPLE IF TRUE": "z = SAMPLE IF TRUE(y > 2.5, x, 1)",
    },
    "Lookups and data": {
        "lookup variable": "z = curve(x)",
        "LOOKUP EXTRAPOLATE, FORWARD, BACKWARD": "z = LOOKUP EXTRAPOLATE(curve, x) + LOOKUP FORWARD(curve, y) "
        "+ LOOKUP BACKWARD(curve, y)",
        "LOOKUP INVERT": "z = LOOKUP INVERT(curve, y)",
        "lookup with a subscripted argument": "z[row] = curve(b[row])",
        "lookup variable with subscripts": "z[row] = curves[row](b[row])",
        "WITH LOOKUP": "z = WITH LOOKUP(x, ([(0,0)-(10,10)],(0,1),(4,3),(6,2)))",
        "a constant table by row": "z[row, column] = m[row, column] * x",
    },
    "Subscripts": {
        "sum over a subscript": "z[row] = SUM(m[row, column!])",
        "VMIN, VMAX, PROD": "z = VMIN(b[row!]) + VMAX(b[row!]) + PROD(a[row!])",
        "subrange": "z[part] = b[part] * 2",
        "one element": "z = b[r2]",
        "several definitions": "z[r1] = 1~~|\nz[r2] = x~~|\nz[r3] = y",
        ":EXCEPT:": "z[row] :EXCEPT: [r2] = x~~|\nz[r2] = y",
        "a definition that uses another of its own": "z[r1] = x~~|\nz[r2] = z[r1] * 2~~|\nz[r3] = z[r2] * 2",
        "mapping": "z[row] = o[other] * a[row]",
        "a subscript as a number": "z[row] = row * x",
        "ELMCOUNT": "z = ELMCOUNT(row)",
        "a mapped subscript as a number": "z[row] = other * x",
        "elements that follow from each other": "z[r1] = x~~|\nz[late] = z[early] * 2~~|\n"
        "late: r2, r3 -> early~~|\nearly: r1, r2",
        "elements that nothing defines (NaN)": "z[r1] = x~~|\nz[r3] = y",
        "a subscript that is not on the left-hand side": "z[row] = o[other]~~|\nq[column] = a[row]",
    },
    "Rows": {
        "VECTOR ELM MAP": "z[row] = VECTOR ELM MAP(b[r1], a[row] - 1)",
        "VECTOR SELECT": "z = VECTOR SELECT(a[row!], b[row!], 0, 0, 0)",
        "VECTOR SORT ORDER": "z[row] = VECTOR SORT ORDER(b[row], 1)",
        "VECTOR RANK": "z[row] = VECTOR RANK(b[row], 1)",
        "VECTOR REORDER": "z[row] = VECTOR REORDER(b[row], q[row])~~|\nq[row] = VECTOR SORT ORDER(b[row], -1)",
        "INVERT MATRIX": "z[row, column] = INVERT MATRIX(m[row, column], 3)",
        "ALLOCATE BY PRIORITY": "z[row] = ALLOCATE BY PRIORITY(a[row], b[row], 3, 2, x)",
        "ALLOCATE AVAILABLE": "z[row] = ALLOCATE AVAILABLE(a[row], pri[row, ptype], x)~~|\n"
        "pri[row, profile] = 3, 1, 1, 0; 3, 2, 1, 0; 3, 3, 1, 0;",
    },
    "Macros": {
        "macro with a stock": "z = FOLLOW(x, 3)",
        "macro with subscripted arguments": "z[row] = FOLLOW(b[row], 3)",
    },
}
MACRO = """:MACRO: FOLLOW(input, lag)
FOLLOW = INTEG((input - FOLLOW) / lag, input) ~ ~ |
:END OF MACRO:
"""


def rows() -> Iterator[tuple[str, str, list[str]]]:
    """Group, construction, and one verdict for each back end."""
    with tempfile.TemporaryDirectory() as folder:
        for group, probes in PROBES.items():
            for number, (name, equations) in enumerate(probes.items()):
                path = Path(folder, f"{group.split()[0]}{number}.mdl")
                macro = MACRO if "FOLLOW" in equations else ""
                text = HEAD.replace("{UTF-8}\n", "{UTF-8}\n" + macro) + equations + " ~ ~ |\n" + TAIL
                path.write_text(text.replace("~~|", " ~ ~ |"), encoding="utf-8")
                yield group, name, [_verdict(path, backend) for backend in ("numpy", "native")]


def _verdict(path: Path, backend: str) -> str:
    if BACKENDS[backend].available() is not None:
        return "not tried: no compiler"
    try:
        ours = Model.load(path).run(outputs=["z"], backend=backend)["z"]
    except SimError as error:
        return f"refused: {' '.join(str(error).split()).split(': ', 2)[-1]}"
    try:
        theirs = Oracle(path).run(outputs=["z"])["z"]
    except SimError:
        return "runs (PySD does not)"
    return "equal" if _equal(ours, theirs) else "DIFFERS"


def _equal(ours: xr.DataArray, theirs: xr.DataArray) -> bool:
    a, b = ours.transpose(*theirs.dims).to_numpy(), theirs.to_numpy()
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True)


PUBLIC = """## Public models

Models of others, run from the published file without a change, against the results that Vensim stored beside it. A
series is equal when it differs nowhere by more than 1e-4 of its largest value (Vensim stores single precision).
Of C-LEARN's seven others six differ by at most 5e-4; the seventh is zero but for rounding.

| model | size | against | equal |
|---|---|---|---|
| World3-03 (metasd.com) | 15 stocks, 163 auxiliaries, 55 lookups | Vensim's `SCEN01.VDF`, 401 times | 260 of 260 |
| C-LEARN v77 (Climate Interactive) | 24 stocks, 496 auxiliaries, 6 ranges | `Ref.vdf`, 251 times | 2,937 of 2,944 |
| mark2, housing and the crisis of 2008 (bpowers/simlin) | \
7 stocks, 38 auxiliaries, 4 lookups | `mark2.vdf` and `policy.vdf`, 300 times; \
`integration="rk4"` for the file's automatic steps | 77 of 77 in both |
| Query_file (SDXorg/test-models) | 15 stocks, 57 auxiliaries | Vensim's `output.tab`, 572 times; its \
random numbers given as a parameter | 143 of 143 |
| groupon 3 (metasd.com) | 6 stocks, 35 auxiliaries, 6 data series, a macro | four runs (`groupon3mid.vdf` …), \
121 times, with the constants of each | 84 of 84; 3 more need a data file that is not published |
"""


def table() -> str:
    """The page as Markdown."""
    lines = [
        "# Coverage of the engine",
        "",
        "Made by `python -m tools.engine_coverage`: each row is a small model run by PySD and by the engine; *equal* "
        "means to a relative 1e-9 at every step.",
    ]
    current = ""
    for group, name, verdicts in rows():
        if group != current:
            lines += ["", f"## {group}", "", "| | NumPy | native |", "|---|---|---|"]
            current = group
        cells = " | ".join(one.replace("|", "\\|") for one in verdicts)
        lines.append(f"| `{name}` | {cells} |")
    lines.append(
        "\nAlso covered: data variables, `GET DIRECT/XLS CONSTANTS, DATA, LOOKUPS, SUBSCRIPT`, non-negative "
        "stocks of XMILE, control variables that follow time. "
        "Intended differences: [differences.md](differences.md).\n\n" + PUBLIC
    )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    page = table()
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(page, encoding="utf-8")
    else:
        sys.stdout.write(page)
