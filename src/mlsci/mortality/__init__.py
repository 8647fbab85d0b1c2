"""Excess mortality: deaths by region, age, sex and week, and what they would have been.

- `records`: deaths on the published week axis, the type that everything else works on;
- `weekly`, `towns`, `populations`, `official`, `march`: readers, `italy`: the data set itself;
- `counterfactual`, the interface of all models; `conditional_gp`, `synthetic_control`,
  `harmonic_regression`, `weekly_trend`, and `classical`, which names them;
- `predictive`, `scores`, `backtest`: how good they were; `simulate`, `recovery`: a known excess;
- `excess`, `rates`: what follows from a prediction; `may_paper`: the published rule.
"""
