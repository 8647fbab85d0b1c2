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
# # Are the odds right?
#
# *An error bar is a promise. On data that the model made itself the promise can be checked exactly;
# on real digits it can be counted.*

# %% tags=["parameters"]
profile = "full"
seed = 0

# %%
import numpy as np

from mlsci import report
from mlsci.reconstruction import pictures
from mlsci.stages.deepuq_results import LABELS, METHODS, Results, slug, words

nb = report.notebook("deepuq-calibration", profile=profile, seed=seed)
results = Results(nb)

# %% [markdown]
# ## On the model's own data
#
# Draw $u$ from the prior, decode it, add an error of the model's kind, corrupt it, sample the
# posterior: then the rank of each true coordinate among the draws is uniform {eq}`eq-sbc`, if, and
# only if, the sampler samples the posterior that it says it does. Five hundred data sets under
# the solid mask, which leaves more than one answer for most of them.

# %% tags=["hide-input"]
nb.figure(
    pictures.rank_curves(
        {
            LABELS[m]: results.own("solid-mask", "ranks", m)
            for m in ("laplace", "importance", "smc")
        },
        100 if profile == "full" else 40,
    ),
    "ranks",
    caption="Solid mask, data of the model itself: how many more ranks of the truth lie below a "
    "value than should, a line a latent direction. The band is what chance does to a right "
    "posterior in 95% of directions.",
    alt="Three panels with ten lines each; those of one Gaussian and of importance weights leave "
    "the "
    "grey band, those of particles do not.",
)

# %% tags=["hide-input"]
for name in results.calibrated:
    nb.claim(
        f"deepuq.sbc_p_{slug(name)}",
        results.p_values(name, "smc").min(),
        target="> 0.01",
        fmt=".2g",
        description=f"{words(name)}, own data, SMC: smallest p-value of uniform ranks over latent "
        "directions",
    )
for method in METHODS:
    nb.claim(
        f"deepuq.sbc_p_all_{method}",
        results.all_p_values(method),
        fmt=".2g",
        description=f"Own data, {LABELS[method]}: p-value of the p-values of all directions being "
        "uniform",
    )

# %% [markdown]
# A perfect sampler has the smallest of ten p-values below one in a hundred with a probability of a
# tenth; the particles have {glue:text}`deepuq.sbc_p_solid_mask`. That all ten are uniform has a
# probability of {glue:text}`deepuq.sbc_p_all_smc` for the particles and of
# {glue:text}`deepuq.sbc_p_all_hmc` for chains, on fewer data, which see less; for one Gaussian of
# {glue:text}`deepuq.sbc_p_all_laplace`, for the mixture of Gaussians of
# {glue:text}`deepuq.sbc_p_all_mixture`, and for importance weights of
# {glue:text}`deepuq.sbc_p_all_importance`: a few draws carry all the weight.
#
# ### All directions together
#
# Ranks look at one direction at a time. Regions about random points look at all
# {cite:p}`lemos2023tarp`: a region of credibility $c$ must hold the truth in a share $c$ of the
# data. The points are the truths of all other data. Chance moves the coverage of five hundred data
# by more than a point even so; how far is found by giving one draw of each posterior the place of
# the truth, twenty times.

# %% tags=["hide-input"]
chance = 100 * results.tarp_chance()
nb.figure(
    pictures.calibration(
        results.levels(),
        {LABELS[method]: results.tarp(method) for method in METHODS},
        float(np.quantile(chance, 0.95)),
    ),
    "tarp",
    caption="Expected coverage less credibility, solid mask. The band holds what chance does to "
    "exact posteriors of the same data, in 95% of cases; chains have fewer data.",
    alt="Curves of five methods; those of one Gaussian, of the mixture and of importance weights "
    "leave the grey band by far, that of particles lies within it.",
)

# %% tags=["hide-input"]
nb.claim(
    "deepuq.tarp_deviation",
    100 * results.tarp_deviation("smc"),
    np.median(chance),
    target="<= 2",
    unit="points",
    fmt=".2f",
    description="Own data, solid mask, SMC: largest distance of expected coverage from "
    "credibility; the error is the median of what chance gives exact posteriors",
)
nb.claim(
    "deepuq.tarp_chance",
    100 * (chance <= 2).mean(),
    unit="%",
    fmt=".0f",
    description="Own data, solid mask: share of exact posteriors that chance leaves within two "
    "points",
)
for method in ("laplace", "mixture", "importance"):
    nb.claim(
        f"deepuq.tarp_deviation_{method}",
        100 * results.tarp_deviation(method),
        unit="points",
        fmt=".2f",
        description=f"Own data, solid mask: the same, {LABELS[method]}",
    )

# %% tags=["hide-input"]
nb.claim(
    "deepuq.rhat_share",
    100 * results.agreeing(),
    target=">= 99",
    unit="%",
    fmt=".1f",
    description="Own data, solid mask, with R-hat below 1.01 (SMC, four runs of four hundred)",
)
nb.claim(
    "deepuq.rhat_share_several",
    100 * results.agreeing(several=True),
    target=">= 99",
    unit="%",
    fmt=".1f",
    description="The same, data with two modes or more within five nats alone",
)
nb.claim(
    "deepuq.rhat_share_hmc",
    100 * results.agreeing("hmc"),
    unit="%",
    fmt=".1f",
    description="The same by four Hamiltonian chains",
)

# %% tags=["hide-input"]
nb.claim(
    "deepuq.own_coverage",
    *results.own_coverage("solid-mask", "smc", "all", 0.95),
    unit="%",
    fmt=".1f",
    description="Solid mask, own data, SMC: hidden pixels within their 95% intervals",
)
nb.claim(
    "deepuq.own_coverage_bright",
    *results.own_coverage("solid-mask", "smc", "bright", 0.95),
    unit="%",
    fmt=".1f",
    description="The same, pixels whose truth is above 0.1",
)
nb.claim(
    "deepuq.own68_bright",
    *results.own_coverage("solid-mask", "smc", "bright", 0.68),
    unit="%",
    fmt=".1f",
    description="The same, pixels whose truth is above 0.1, 68% intervals",
)
nb.claim(
    "deepuq.own_coverage_predicted",
    *results.own_coverage("solid-mask", "smc", "predicted", 0.95),
    unit="%",
    fmt=".1f",
    description="The same, pixels whose reconstruction is above 0.1",
)

# %% [markdown]
# Particles are off by {glue:text}`deepuq.tarp_deviation`; chance alone gives exact posteriors the
# error that stands beside it, and leaves {glue:text}`deepuq.tarp_chance` of them within the goal of
# two points. One Gaussian is off by
# {glue:text}`deepuq.tarp_deviation_laplace`. Four runs of four hundred particles agree for
# {glue:text}`deepuq.rhat_share` of the data, for {glue:text}`deepuq.rhat_share_several` of those
# with several modes; chains for {glue:text}`deepuq.rhat_share_hmc`: they stay in the mode in which
# they began. What makes the difference is where the particles come from. Scouts from the prior find
# the modes; a mixture of sixteen Gaussians is fitted to them; runs start from it, and leap to draws
# of it, from mode to mode. About the modes alone, Gaussians are too far from the posterior for
# that.
#
# A word on *which* pixels. Of all hidden pixels, intervals of 95% hold
# {glue:text}`deepuq.own_coverage`; of those that *are reconstructed* bright
# {glue:text}`deepuq.own_coverage_predicted`; of those that *are* bright
# {glue:text}`deepuq.own_coverage_bright`, and intervals of 68% hold
# {glue:text}`deepuq.own68_bright` of these. The last are selected by the answer: among bright
# truths are more of those that came out brighter than expected. Even an exact posterior, which this
# is, does not cover them as often as it says.
#
# ## On real digits
#
# Real digits are not draws of the model, and its error is not Gaussian: nothing where the paper is
# blank, and much along the strokes. Where half of the digit is hidden it is larger than where the
# auto-encoder sees all of it, and a posterior that takes it for smaller than it is, is too sure of
# itself. So it is inflated, or not, as is best for the means of twenty validation digits under the
# same corruption. Then three kinds of intervals are compared: of the decoded draws alone; with the
# covariance of the model's error; and with its width calibrated, for each range of brightness and
# of spread of the reconstruction, on a hundred validation digits under the same corruption. Where
# the reconstruction is dark, most truths are exactly black, so that any interval that reaches zero
# holds them; there the log score decides on the width.

# %% tags=["hide-input"]
for name in results.covered:
    nb.claim(
        f"deepuq.inflation_{slug(name)}",
        results.metrics(f"coverage-{name}")["inflation"],
        fmt=".2g",
        description=f"{words(name)}: factor for the model's error that validation digits ask for",
    )

# %% tags=["hide-input"]
parts = {"latent": "latent only", "error": "with the model's error", "calibrated": "calibrated"}
nb.figure(
    pictures.coverage(
        results.coverage_groups(parts, 0.68),
        {"goal": (66, 71)},
        y="test pixels in 68% intervals (%)",
    ),
    "coverage-68",
    caption="Share of hidden active pixels of test digits within their 68% intervals, by "
    "corruption; active: the reconstruction is above a tenth. Green: the goal.",
    alt="Groups of three points; latent-only points lie far below the green band, calibrated "
    "ones in it or near it.",
)

# %% tags=["hide-input"]
nb.figure(
    pictures.coverage(
        results.coverage_groups(parts, 0.95),
        {"goal": (93, 97)},
        y="test pixels in 95% intervals (%)",
    ),
    "coverage-95",
    caption="Share of hidden active pixels of test digits within their 95% intervals, by "
    "corruption; active: the reconstruction is above a tenth. Green: the goal.",
    alt="Groups of three points; latent-only points lie far below the green band, calibrated "
    "ones in it or near it.",
)

# %% tags=["hide-input"]
goals = {(0.68, "predicted"): ">= 66, <= 71", (0.95, "predicted"): ">= 93, <= 97"}
goals |= {(level, "bright"): goal for (level, _), goal in goals.items()}
for name in results.covered:
    for (level, where), target in goals.items():
        nb.claim(
            f"deepuq.cover{100 * level:.0f}_{where}_{slug(name)}",
            *results.coverage(name, "smc", "calibrated", level, where=where),
            target=target,
            unit="%",
            fmt=".1f",
            description=f"{words(name)}: hidden pixels of test digits, {where} above 0.1, in "
            f"{100 * level:.0f}% intervals, calibrated (bright: in truth)",
        )

# %% tags=["hide-input"]
for name in results.covered:
    for part in ("latent", "error"):
        nb.claim(
            f"deepuq.cover95_{part}_{slug(name)}",
            *results.coverage(name, "smc", part, 0.95),
            unit="%",
            fmt=".1f",
            description=f"{words(name)}: reconstructed above 0.1, 95% intervals, {parts[part]}",
        )
    nb.claim(
        f"deepuq.several_modes_{slug(name)}",
        100 * results.many_modes(name),
        unit="%",
        fmt=".0f",
        description=f"{words(name)}: test digits with two modes or more within five nats",
    )

# %% [markdown]
# Under the solid mask the latent posterior alone covers
# {glue:text}`deepuq.cover95_latent_solid_mask`
# where it says 95%, with the model's error {glue:text}`deepuq.cover95_error_solid_mask`, calibrated
# {glue:text}`deepuq.cover95_predicted_solid_mask`. Of pixels selected by their true brightness
# the calibrated intervals hold {glue:text}`deepuq.cover95_bright_solid_mask`: the selection that an
# exact posterior fails, too.
#
# ## Methods side by side

# %% tags=["hide-input"]
nb.figure(
    pictures.scores(
        {
            "95% coverage (%)": {
                LABELS[m]: results.coverage("solid-mask", m, "calibrated", 0.95) for m in METHODS
            },
            "R-hat less one": {
                label: (value - 1, 0) for label, value in results.method_table("rhat").items()
            },
            "effective draws a second": {
                LABELS[m]: (results.effective_rate(m), 0) for m in ("importance", "hmc", "smc")
            },
            "seconds a digit": {LABELS[m]: (results.seconds(m), 0) for m in METHODS},
        },
        log=("R-hat less one", "effective draws a second", "seconds a digit"),
    ),
    "methods",
    caption="Five ways to the posterior, test digits: coverage under the solid mask; and, medians "
    "or "
    "means over all corruptions, agreement of chains, independent draws a second, and time.",
    alt="Four panels of bars; Gaussians are quickest, particles agree best.",
)

# %% tags=["hide-input"]
effective, honest = results.importance_honest()
nb.claim(
    "deepuq.importance_honest",
    100 * honest,
    target=">= 100",
    unit="%",
    fmt=".1f",
    description="Test digits whose importance weights are worth more than 20% of the draws, or "
    "which "
    "are flagged",
)
nb.claim(
    "deepuq.importance_effective",
    100 * effective,
    unit="%",
    fmt=".0f",
    description="Test digits whose importance weights are worth more than 20% of the draws",
)
nb.claim(
    "deepuq.false_alarms",
    100 * results.false_alarms(),
    unit="%",
    fmt=".1f",
    description="Test digits reported as images that the model cannot make (at p < 0.01)",
)
for what in ("negatives", "two digits"):
    nb.claim(
        f"deepuq.flagged_{slug(what)}",
        100 * np.mean(list(results.flagged(what).values())),
        unit="%",
        fmt=".0f",
        description=f"Strange images reported as such, mean over corruptions: {what}",
    )

# %% [markdown]
# Importance weights are worth more than a fifth of the draws for
# {glue:text}`deepuq.importance_effective` of the digits; the others are flagged. Gaussians about
# the
# modes are not the shape of these posteriors.
#
# ## Images that the model cannot make
#
# Negatives of digits, and two digits over each other, have a posterior too, and it is nonsense. The
# misfit tells: it is compared with that of validation digits under the same corruption.
# {glue:text}`deepuq.flagged_negatives` of the negatives are reported and
# {glue:text}`deepuq.flagged_two_digits` of the pairs, against
# {glue:text}`deepuq.false_alarms` of real test digits. What is hidden cannot be reported: under
# the sparse mask a pair looks like a digit.
#
# **How far to trust this.** Calibration uses a hundred validation digits and a hundred test
# digits for each corruption; the errors are over digits, since the pixels of one are not
# independent. Within a range of brightness all pixels share a width: single pixels may still be
# off.

# %%
nb.done()
