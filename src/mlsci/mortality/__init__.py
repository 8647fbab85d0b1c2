"""Excess mortality: deaths by region, age, sex and week, and what they would have been.

- `records`: deaths on the published week axis, the type that everything else works on;
- `weekly`, `towns`, `populations`, `official`, `march`: readers, `italy`: the data set itself;
- `counterfactual` and the models behind its interface; `backtest`, `simulate`;
- `excess`, `rates`: what follows from a prediction; `may_paper`: the published rule.
"""
