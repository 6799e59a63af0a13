"""The fixed parts of the C text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sim.compiler.codegen.memory_layout import MemoryLayout
from sim.compiler.plan.program import Program

# The vector versions of exp, log, pow, sin and cos agree with the scalar ones to 4 units in the last place.
HEAD = """
#define W %(W)d
#include <stdlib.h>
#include <string.h>
#if W %% 8 == 0  /* regions start at multiples of W doubles */
#define ALIGNED(x) __builtin_assume_aligned(x, 64)
#else
#define ALIGNED(x) x
#endif
#ifdef VECTOR_MATH
#define VECTOR __attribute__((simd("notinbranch"), const))
#else
#define VECTOR
#endif
VECTOR double exp(double); VECTOR double log(double); VECTOR double pow(double, double);
VECTOR double sin(double); VECTOR double cos(double);
double sqrt(double); double fabs(double); double trunc(double); double rint(double); double floor(double);
double fmod(double, double); double tan(double); double asin(double); double acos(double); double atan(double);
double sinh(double); double cosh(double); double tanh(double); double lgamma(double);
/* noipa: GCC 12 took a nest whose stores it had rewritten to absolute addresses for one without effects */
#if defined(__GNUC__) && !defined(__clang__)
#define APART static __attribute__((noipa))
#else
#define APART static __attribute__((noinline))
#endif
#define INLINE static inline __attribute__((always_inline))
INLINE double lesser(double a, double b) { return a < b || a != a ? a : b; }
INLINE double greater(double a, double b) { return a > b || a != a ? a : b; }
INLINE double quantum(double a, double b) { return b < 1e-6 ? a : b * trunc(a / b); }
INLINE double xidz(double a, double b, double x) { const double q = a / b; return fabs(b) < 1e-6 ? x : q; }
INLINE double remainder_(double a, double b) {
  const double r = fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
"""

OPERATIONS: Mapping[str, str] = {
    "add": "{} + {}",
    "sub": "{} - {}",
    "mul": "{} * {}",
    "div": "{} / {}",
    "pow": "pow({}, {})",
    "minimum": "lesser({}, {})",
    "maximum": "greater({}, {})",
    "neg": "-{}",
    "abs": "fabs({})",
    "exp": "exp({})",
    "ln": "log({})",
    "sqrt": "sqrt({})",
    "sin": "sin({})",
    "cos": "cos({})",
    "tan": "tan({})",
    "arcsin": "asin({})",
    "arccos": "acos({})",
    "arctan": "atan({})",
    "sinh": "sinh({})",
    "cosh": "cosh({})",
    "tanh": "tanh({})",
    "integer": "trunc({})",
    "round": "rint({})",
    "gamma ln": "lgamma({})",
    "quantum": "quantum({}, {})",
    "modulo": "{0} - quantum({0}, {1})",
    "remainder": "remainder_({}, {})",
    "zidz": "xidz({}, {}, 0.0)",
    "xidz": "xidz({}, {}, {})",
    "lt": "{} < {}",
    "le": "{} <= {}",
    "gt": "{} > {}",
    "ge": "{} >= {}",
    "eq": "{} == {}",
    "ne": "{} != {}",
    "and": "{} & {}",
    "or": "{} | {}",
    "not": "!{}",
    "select": "{} ? {} : {}",
    "number": "{} ? 1.0 : 0.0",
    "truth": "{} != 0",
}

PARAMETERS = (
    "double *restrict w, double *restrict s, double *restrict n, double *restrict p, "
    "const double *restrict uc, const double *restrict us, const long k, const long lo, const long hi"
)
ARGUMENTS = "w, s, n, p, uc, us + k * US, k, lo, hi"


def function(name: str, lines: Sequence[str]) -> str:
    """A nest as a separate function, so that compile time grows with their number only."""
    aligned = [f"{region} = ALIGNED({region});" for region in "wsnp"]
    return "\n".join((f"APART void {name}({PARAMETERS}) {{", *aligned, *lines, "}"))


def member_loop(lines: Sequence[str]) -> list[str]:
    """The innermost loop, over the members of a block; they do not depend on each other."""
    return ["#pragma GCC ivdep", "for (int m = 0; m < W; m++) {", *lines, "}"]


MAIN = """
/* members first..last-1 of `members`; mc (cells, members), ms (steps, cells, members), out (saves, cells, members);
   elements lo..hi-1 of the dim that may be run in part; the others stay NaN%(kept)s */
int run(long first, long last, long members, long steps, const int *saved, const double *uc, const double *us,
        const double *mc, const double *ms, double *out, const volatile int *stop, long lo, long hi%(parameters)s) {
  const long cells = %(w)dL + 2 * %(s)dL + steps * %(p)dL + 1;
  double *const work = aligned_alloc(64, (sizeof(double) * cells * W + 63) / 64 * 64);
  if (!work) return 1;
  double *w = work, *p = work + %(w)dL * W + 2 * %(s)dL * W;
  int code = 0;
  for (long b = first; b < last && !code; b += W) {
    double *s = work + %(w)dL * W, *n = s + %(s)dL * W;
    long lane[W];
    for (int m = 0; m < W; m++) lane[m] = b + m < last ? b + m : last - 1;
    for (long i = 0; i < (%(w)dL + 2 * %(s)dL) * W; i++) work[i] = __builtin_nan("");
    for (long c = 0; c < MC; c++) for (int m = 0; m < W; m++) w[c * W + m] = mc[c * members + lane[m]];
    for (long k = 0; k < steps; k++) {
      for (long c = 0; c < MS; c++)
        for (int m = 0; m < W; m++) w[(MC + c) * W + m] = ms[(k * MS + c) * members + lane[m]];
      if (k == 0) {%(before)s%(start)s%(after)s
      %(step)s
      if (saved[k] >= 0) {
        double *o = out + saved[k] * OUT * members;
        const int valid = last - b < W ? (int)(last - b) : W;
        save(o, w, s, uc, us + k * US, members, b, valid);
      }
      double *const swap = s; s = n; n = swap;
    }
    if (*stop) code = 2;
  }
  free(work);
  return code;
}
"""

# What a kernel has more that can begin in the middle of a run; others keep their text.
RESUMES = {
    "kept": """; kept: the states of a single block at the
   beginning of step `keep` (0: none), written, or with `resume` read, and then no step before it is run or saved""",
    "parameters": """, long keep,
        double *kept, long resume""",
    "before": "\n        ",
    "after": """
        if (keep && resume) {
          memcpy(s, kept, sizeof(double) * %(s)dL * W);
          k = keep - 1;
          continue;
        }
      } else if (k == keep && !resume) memcpy(kept, s, sizeof(double) * %(s)dL * W);""",
}
WHOLE = {"kept": "", "parameters": "", "before": " ", "after": " }"}

SAVE = """
/* what is saved: cells, row of the output, offset in its region (0 w, 1 s, 2 uc, 3 us) */
static const struct { long cells, row, offset; int region; } SAVED[] = {%s};
APART void save(double *o, const double *w, const double *s, const double *uc, const double *us, const long members,
                 const long b, const int valid) {
  for (int i = 0; i < %d; i++) {
    const int region = SAVED[i].region;
    const double *from = (region == 0 ? w : region == 1 ? s : region == 2 ? uc : us);
    const long lanes = region < 2 ? W : 1;
    from += SAVED[i].offset * lanes;
    for (long c = 0; c < SAVED[i].cells; c++) {
      double *to = o + (SAVED[i].row + c) * members + b;
      for (int m = 0; m < valid; m++) to[m] = from[c * lanes + (lanes == 1 ? 0 : m)];
    }
  }
}
"""


def main(program: Program, layout: MemoryLayout, calls: Sequence[Sequence[str]], resumes: bool) -> str:
    """The function that runs blocks of members through all stages; resumes: it can begin in the middle of a run."""
    cells = {slot: program.slots[slot].size for slot in range(len(program.slots))}
    counts = {
        "US": layout.sizes["us"],
        "MC": sum(cells[slot] for slot in layout.const),
        "MS": sum(cells[slot] for slot in layout.moving),
        "OUT": sum(cells[slot] for slot in program.outputs),
    }
    saved, row = [], 0
    for slot in program.outputs:
        region, offset = layout.place[slot]
        saved.append(f"{{{cells[slot]}, {row}, {offset}, {('w', 's', 'uc', 'us').index(region)}}}")
        row += cells[slot]
    more = {name: text % layout.sizes for name, text in (RESUMES if resumes else WHOLE).items()}
    text = MAIN % {
        **more,
        **layout.sizes,
        "start": "\n".join(call for stage in calls[:3] for call in stage),
        "step": "\n".join(calls[3]),
    }
    names = [f"#define {name} {count}L" for name, count in counts.items()]
    return "\n".join((*names, SAVE % (", ".join(saved), len(saved)), text))
