"""Global sensitivity: screening, replicated Sobol' indices, hit and miss, and given, correlated samples.

Order of use (Saltelli et al. 2019): `screen` with a dummy input → `sobol` on the survivors → `target` for hit and miss
→ fix what is called irrelevant and confirm on fresh runs. Every function samples *and* analyses, so a design can not be
analysed as another; a posterior, whose inputs are correlated, goes to `given_data`.
"""
