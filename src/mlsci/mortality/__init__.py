"""Excess mortality: deaths by region, age, sex and week, and what they would have been.

- `records`: deaths on the published week axis, the type everything else works on;
- `weekly`, `istat`, `official`: readers of the published files.
"""
