# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # How a year would have gone on
#
# *Five years of a region, fourteen weeks each: what do they say about a sixth of which only the
# beginning is known?*
#
# The years are taken as draws of one Gaussian process with the mean $\mu$ and the covariance $K$ of
# weekly deaths; a year's first weeks are its condition {eq}`eq-cgp`. All is in $K$, and five years
# are few for it.

# %% tags=["parameters"]
profile = "full"
seed = 0

# %%
import json

import numpy as np

from mlsci import report
from mlsci.mortality import counterfactual_pictures as pictures

nb = report.notebook("covid-counterfactual", profile=profile, seed=seed)
folder = nb.artefact("covid/kernel")
found = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
arrays = dict(np.load(folder / "arrays.npz"))
control, year, ends = arrays["rates"][:-1], arrays["rates"][-1], found["week_ends"]
later = len(arrays["mean_white"])
names = {"white": "PPCA", "smooth": "PCA + SE"}
print(found["region"], "-", found["source"])

# %% [markdown]
# ## Two components
#
# Most of what made one winter differ from another follows two patterns. How much of each a year has
# is its place in a plane.

# %% tags=["hide-input"]
nb.figure(
    pictures.components(
        arrays["directions"], arrays["scores"], found["years"][:-1], ends, found["source"]
    ),
    "components",
    caption="The two principal components of five years of weekly deaths in one region (left), "
    "and what each year has of them (right).",
    alt="Left, two curves over the weeks from January to April; right, five points with the names "
    "of years in a plane.",
)

# %% tags=["hide-input"]
nb.claim(
    "covid.kernel_explained",
    100 * found["explained"],
    unit="%",
    fmt=".0f",
    description="Lombardia, share of the variance between years that two components explain",
)
nb.claim(
    "covid.kernel_length",
    found["length"],
    unit="weeks",
    fmt=".2f",
    description="Lombardia, most likely length scale of what two components leave",
)
nb.claim(
    "covid.kernel_noise",
    found["noise"] / found["likeliest_noise"],
    fmt=".2f",
    description="Width of PPCA's noise as in the published numbers, over the most likely one",
)

# %% [markdown]
# They explain {glue:text}`covid.kernel_explained` of the variance. The rest must be given a form,
# and the two that were used differ much.
#
# ## Two kernels

# %% tags=["hide-input"]
nb.figure(
    pictures.kernels(
        {
            "sample covariance": np.cov(control.T),
            names["white"]: arrays["kernel_white"],
            names["smooth"]: arrays["kernel_smooth"],
        },
        len(ends) - later,
        ends,
        found["source"],
    ),
    "kernels",
    caption="Covariance between weeks: of the five years as they are, and as the two models have "
    "it. The grey lines part the weeks that a prediction is conditioned on from those that it "
    "predicts. The blocks off the diagonal are what January can say of March.",
    alt="Three square maps in red and blue, dark red at the upper left, faint at the lower right; "
    "the middle one has a strong diagonal, the right one a faint one.",
)

# %% [markdown]
# With a white residual every week has noise of its own. With a squared-exponential one neighbouring
# weeks share it; its most likely length scale is {glue:text}`covid.kernel_length`, so that little
# is shared. The difference that matters is the size: the noise that common implementations of
# probabilistic PCA take is {glue:text}`covid.kernel_noise` times the most likely one, because they
# divide what is left by the number of left-over years and not by that of weeks
# {cite:p}`tipping1999ppca`.
#
# ## Years that never were

# %% tags=["hide-input"]
nb.figure(
    pictures.draws(
        {names[name]: arrays[f"draws_{name}"] for name in names}, control, ends, found["source"]
    ),
    "draws",
    caption="The five control years, and years drawn from the two models, about their mean (blue). "
    "A model is believable if its years could be mistaken for real ones.",
    alt="Three panels of falling curves; PPCA's are more jagged than the control years, those of "
    "the smooth kernel about as smooth.",
)

# %% [markdown]
# PPCA's years are more restless than real ones from week to week, those of the smooth kernel as
# restless as real ones. Neither is wider than five winters were.
#
# ## The beginning as a condition

# %% tags=["hide-input"]
nb.figure(
    pictures.continued(
        {
            names[name]: pictures.Continued(
                arrays[f"mean_{name}"], arrays[f"covariance_{name}"], arrays[f"later_draws_{name}"]
            )
            for name in names
        },
        control,
        year,
        ends,
        found["source"],
    ),
    "continued",
    caption="A year with an epidemic (red, cut off where it leaves the picture), the control years "
    "(grey), and how the year would have gone on from its first seven weeks: mean, one and two "
    "standard deviations, and draws.",
    alt="Two panels; a red line follows the grey ones until the end of February and then rises "
    "steeply, while a blue band goes on falling.",
)

# %% [markdown]
# After a mild winter both models expect a spring close to the mean. What differs is the band, and
# with it the error of every number that follows. For a first wave like Lombardia's either is narrow
# beside the excess; in regions that were hit less it decides whether there was an excess at all.
# Whether the bands are honest can be found out in years without an epidemic.

# %% tags=["hide-input"]
nb.done()
