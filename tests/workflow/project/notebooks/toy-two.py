# %% [markdown]
# # Another toy notebook, without artefacts

# %% tags=["parameters"]
profile = "smoke"
seed = 0

# %%
# ruff: noqa: E402
from mlsci import report

nb = report.notebook("toy-two", profile=profile, seed=seed)

# %%
nb.claim("toy.seed", seed)

# %%
nb.done()
