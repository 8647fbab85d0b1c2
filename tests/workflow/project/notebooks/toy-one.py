# %% [markdown]
# # A toy notebook

# %% tags=["parameters"]
profile = "smoke"
seed = 5

# %%
# ruff: noqa: E402
import json

import matplotlib.pyplot as plt
import numpy as np

from mlsci import report

nb = report.notebook("toy-one", profile=profile, seed=seed)

# %%
found = json.loads((nb.artefact("toy/sum") / "sum.json").read_text())
nb.claim("toy.steps", found["steps"], target=">= 4", description="How many numbers were added.")
nb.claim("toy.sum", found["sum"], error=0.5, published=1.0, source="Nobody 2020", unit="m")

# %%
draws = np.random.default_rng(seed).normal(size=20)
figure, axes = plt.subplots()
axes.plot(draws)
nb.figure(figure, "walk", caption="Twenty *draws*.", alt="A jagged line about zero.")

# %%
nb.done()
