"""Operations on whole rows in C; they match those in `numpy_vector_ops`. One member at a time: rows are short."""

from __future__ import annotations

from collections.abc import Mapping

TEXT = """
INLINE int before(double a, double b) { return a < b || (b != b && a == a); }  /* NaN last, as NumPy sorts */
APART void argsort(long n, const double *v, long *order) {  /* stable */
  for (long i = 0; i < n; i++) {
    long j = i;
    for (; j > 0 && before(v[i], v[order[j - 1]]); j--) order[j] = order[j - 1];
    order[j] = i;
  }
}
APART void sort_order(long n, const double *v, const double *direction, double *out) {
  long order[n];
  argsort(n, v, order);
  for (long i = 0; i < n; i++) out[i] = (double)order[direction[i] > 0 ? i : n - 1 - i];
}
APART void rank(long n, const double *v, const double *direction, double *out) {
  double order[n];
  long place[n];
  sort_order(n, v, direction, order);
  argsort(n, order, place);
  for (long i = 0; i < n; i++) out[i] = (double)place[i] + 1;
}
APART void reorder(long n, const double *v, const double *order, double *out) {
  for (long i = 0; i < n; i++) out[i] = order[i] > -1 && order[i] < n ? v[(long)order[i]] : __builtin_nan("");
}
APART void inverse(long n, const double *v, double *out) {  /* Gauss-Jordan with row exchange */
  double a[n * n];
  memcpy(a, v, sizeof a);
  for (long i = 0; i < n * n; i++) out[i] = i / n == i % n;
  for (long c = 0; c < n; c++) {
    long best = c;
    for (long r = c + 1; r < n; r++) if (fabs(a[r * n + c]) > fabs(a[best * n + c])) best = r;
    const double pivot = a[best * n + c];
    if (pivot == 0 || pivot != pivot) { for (long i = 0; i < n * n; i++) out[i] = __builtin_nan(""); return; }
    for (long j = 0; j < n; j++) {
      const double x = a[best * n + j], y = out[best * n + j];
      a[best * n + j] = a[c * n + j]; out[best * n + j] = out[c * n + j];
      a[c * n + j] = x / pivot; out[c * n + j] = y / pivot;
    }
    for (long r = 0; r < n; r++) if (r != c && a[r * n + c] != 0) {
      const double f = a[r * n + c];
      for (long j = 0; j < n; j++) { a[r * n + j] -= f * a[c * n + j]; out[r * n + j] -= f * out[c * n + j]; }
    }
  }
}
/* Supply goes to the highest priority first; the next one joins when the first has received its distance to it. */
APART void by_priority(long n, const double *request, const double *priority, const double *width,
                       const double *supply, double *out) {
  double left = supply[0], total = 0, r[n], p[n], got[n], key[n];
  long chosen[n], order[n], active[n], count = 0;
  int valid = width[0] > 0 && left >= 0;
  for (long i = 0; i < n; i++) { total += request[i]; valid &= request[i] >= 0; }
  for (long i = 0; i < n; i++) out[i] = valid ? (left >= total ? request[i] : 0) : __builtin_nan("");
  if (!valid || left >= total || left == 0) return;
  for (long i = 0; i < n; i++) if (request[i] != 0) { chosen[count] = i; key[count++] = -priority[i]; }
  argsort(count, key, order);
  for (long i = 0; i < count; i++) {
    r[i] = request[chosen[order[i]]]; p[i] = -key[order[i]]; got[i] = 0; active[i] = i == 0;
  }
  long last = 0;
  for (long round = 0; left > 0 && round < 16 * n + 16; round++) {
    double sum = 0, top = __builtin_inf();
    for (long i = 0; i < count; i++) if (active[i]) sum += r[i];
    for (long i = 0; i < count; i++) if (active[i]) top = lesser((r[i] - got[i]) / (r[i] / sum), top);
    double dx = left < top ? left : top, start = __builtin_inf();
    if (last + 1 < count) {
      const double gap = (p[last] - p[last + 1]) / width[0];
      const double share = active[last] ? r[last] / sum : 0;
      start = ((gap < 1 ? gap : 1) * r[last] - got[last]) / share;
      if (start < dx) dx = start;
    }
    for (long i = 0; i < count; i++) if (active[i]) got[i] += r[i] / sum * dx;
    if (last + 1 < count && fabs(dx - start) <= 1e-16 + 1e-10 * fabs(start)) active[++last] = 1;
    if (dx == top) for (long i = 0; i < count; i++) if (got[i] == r[i]) active[i] = 0;
    left -= dx;
  }
  for (long i = 0; i < count; i++) out[chosen[order[i]]] = got[i];
}
"""

# Operation → the C function: (length of a row along the inner axes, arguments..., result).
FUNCTIONS: Mapping[str, str] = {
    "sort order": "sort_order",
    "rank": "rank",
    "reorder": "reorder",
    "inverse": "inverse",
    "allocate by priority": "by_priority",
}
