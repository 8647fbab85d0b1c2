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
# if, the sampler samples the posterior that it says it does. Five hundred data sets under
# every corruption; shown is the solid mask, which leaves more than one answer for most of them.

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
nb.claim(
    "deepuq.sbc_p_least",
    min(results.p_values(name, "smc").min() for name in results.calibrated),
    fmt=".2g",
    description="Own data, SMC: smallest p-value of uniform ranks over directions and corruptions",
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
# tenth; the particles have {glue:text}`deepuq.sbc_p_solid_mask` under the solid mask, and
# {glue:text}`deepuq.sbc_p_least` as the smallest of all corruptions and directions, of which there
# are so many that chance often leaves one as small. That all are uniform has a
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
chance = {name: 100 * results.tarp_chance(name) for name in results.calibrated}
nb.figure(
    pictures.calibration(
        results.levels(),
        {LABELS[method]: results.own("solid-mask", "tarp", method) for method in METHODS},
        float(np.quantile(chance["solid-mask"], 0.95)),
    ),
    "tarp",
    caption="Expected coverage less credibility, solid mask. The band holds what chance does to "
    "exact posteriors of the same data, in 95% of cases; chains have fewer data.",
    alt="Curves of five methods; those of one Gaussian, of the mixture and of importance weights "
    "leave the grey band by far, that of particles lies within it.",
)

# %% tags=["hide-input"]
nb.figure(
    pictures.calibration(
        results.levels(),
        {words(name): results.own(name, "tarp", "smc") for name in results.calibrated},
        float(np.quantile(np.concatenate(list(chance.values())), 0.95)),
    ),
    "tarp-corruptions",
    caption="Expected coverage less credibility of the reference sampler, by corruption. The band "
    "holds what chance does to exact posteriors, in 95% of cases.",
    alt="A curve for each corruption; all of them stay within the grey band or at its edge.",
)

# %% tags=["hide-input"]
for name in results.calibrated:
    nb.claim(
        f"deepuq.tarp_deviation_{slug(name)}",
        100 * results.tarp_deviation(name, "smc"),
        np.median(chance[name]),
        target="<= 2",
        unit="points",
        fmt=".2f",
        description=f"{words(name)}, own data, SMC: largest distance of expected coverage from "
        "credibility; the error is the median of what chance gives exact posteriors",
    )
    nb.claim(
        f"deepuq.tarp_chance_{slug(name)}",
        100 * (chance[name] <= 2).mean(),
        unit="%",
        fmt=".0f",
        description=f"{words(name)}, own data: share of exact posteriors that chance leaves within "
        "two points",
    )
for method in ("laplace", "mixture", "importance"):
    nb.claim(
        f"deepuq.tarp_deviation_{method}",
        100 * results.tarp_deviation("solid-mask", method),
        unit="points",
        fmt=".2f",
        description=f"Own data, solid mask: the same, {LABELS[method]}",
    )

# %% tags=["hide-input"]
for name in results.calibrated:
    nb.claim(
        f"deepuq.rhat_share_{slug(name)}",
        100 * results.agreeing(name),
        target=">= 99",
        unit="%",
        fmt=".1f",
        description=f"{words(name)}, own data, with R-hat below 1.01 (SMC, four runs of four "
        "hundred)",
    )
    nb.claim(
        f"deepuq.rhat_several_{slug(name)}",
        100 * results.agreeing(name, several=True),
        target=">= 99",
        unit="%",
        fmt=".1f",
        description=f"{words(name)}: the same, data with two modes or more within five nats alone",
    )
nb.claim(
    "deepuq.rhat_share_hmc",
    100 * results.agreeing("solid-mask", "hmc"),
    unit="%",
    fmt=".1f",
    description="Own data, solid mask, with R-hat below 1.01 by four Hamiltonian chains",
)

# %% tags=["hide-input"]
for where, key in (("all", ""), ("bright", "_bright"), ("predicted", "_predicted")):
    nb.claim(
        f"deepuq.own_coverage{key}",
        *results.own_coverage("solid-mask", "smc", where, 0.95),
        unit="%",
        fmt=".1f",
        description="Solid mask, own data, SMC: hidden pixels within their 95% intervals, "
        f"{where} (bright: in truth above 0.1; predicted: as reconstructed)",
    )
for name in results.calibrated:
    for level in (0.68, 0.95):
        nb.claim(
            f"deepuq.own{100 * level:.0f}_bright_{slug(name)}",
            *results.own_coverage(name, "smc", "bright", level),
            unit="%",
            fmt=".1f",
            description=f"{words(name)}, own data, SMC: hidden pixels whose truth is above 0.1, "
            f"within their {100 * level:.0f}% intervals",
        )
own68 = [results.own_coverage(name, "smc", "bright", 0.68)[0] for name in results.calibrated]
for key, value in (("least", min(own68)), ("most", max(own68))):
    nb.claim(
        f"deepuq.own68_{key}", value, unit="%", fmt=".1f",
        description=f"Own data, SMC, truth above 0.1, 68% intervals: {key} of all corruptions",
    )  # fmt: skip

# %% [markdown]
# Under the solid mask particles are off by {glue:text}`deepuq.tarp_deviation_solid_mask`; chance
# alone gives exact posteriors the error that stands beside it, and leaves
# {glue:text}`deepuq.tarp_chance_solid_mask` of them within the goal of two points. One Gaussian is
# off by {glue:text}`deepuq.tarp_deviation_laplace`. Four runs of four hundred particles agree for
# {glue:text}`deepuq.rhat_share_solid_mask` of the data, for
# {glue:text}`deepuq.rhat_several_solid_mask` of those with several modes; chains for
# {glue:text}`deepuq.rhat_share_hmc`: they stay in the mode in which
# they began. What makes the difference is where the particles come from. Scouts from the prior find
# the modes; a mixture of sixteen Gaussians is fitted to them; runs start from it, and leap to draws
# of it, from mode to mode. About the modes alone, Gaussians are too far from the posterior for
# that. The numbers of the other corruptions stand in the {doc}`table of claims <../claims>`.
#
# A word on *which* pixels. Of all hidden pixels, intervals of 95% hold
# {glue:text}`deepuq.own_coverage`; of those that *are reconstructed* bright
# {glue:text}`deepuq.own_coverage_predicted`; of those that *are* bright
# {glue:text}`deepuq.own_coverage_bright`, and intervals of 68% hold
# {glue:text}`deepuq.own68_bright_solid_mask` of these. The last are selected by the answer: among
# bright truths are more of those that came out brighter than expected. Even an exact posterior,
# which this is, does not cover them as often as it says.
#
# ## On real digits
#
# Real digits are not draws of the model, and its error is not Gaussian: nothing where the paper is
# blank, and much along the strokes. Where half of the digit is hidden it is larger than where the
# auto-encoder sees all of it, and a posterior that takes it for smaller than it is, is too sure of
# itself. So it is inflated, or not, as is best for the means of sixty validation digits under
# the same corruption. Then three kinds of intervals are compared: of the decoded draws alone; with
# the covariance of the model's error; and with its width calibrated, for each range of brightness
# and of spread of the reconstruction, on three hundred validation digits under the same corruption.
# Where the reconstruction is dark, most truths are exactly black, so that any interval that reaches
# zero holds them; there the log score decides on the width. Not only the width is calibrated: grey
# values end at black and at white, so that some errors have lighter tails than a Gaussian's, and
# others, of a stroke that is missed, far heavier ones. One of Pearson's symmetric distributions is
# chosen with the width, the pair whose intervals of 68% and of 95% hold what they say.

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
            f"{100 * level:.0f}% intervals, calibrated{results.reference(name, where, level)}",
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
# {glue:text}`deepuq.cover95_predicted_solid_mask`.
#
# ### Selected by the truth
#
# Which pixels are active can also be read from the truth. Of those the calibrated intervals of 95%
# hold {glue:text}`deepuq.cover95_bright_solid_mask` under the solid mask, and intervals of 68%
# {glue:text}`deepuq.cover68_bright_solid_mask`. The goal is asked of these rows, too, and where
# they miss it they are shown as missed. But there the right posterior misses it as well, under
# every corruption: of the model's own images, whose posterior is exact, intervals of 68% hold
# {glue:text}`deepuq.own68_bright_solid_mask` of the pixels that are bright in truth, and
# {glue:text}`deepuq.own68_least` to {glue:text}`deepuq.own68_most` over the corruptions; the goal
# begins at 66. The answer has selected what is counted: among bright truths are more of those that
# came out brighter than expected. So the goal is a goal for pixels that are active in the
# *reconstruction*, where a posterior that is right reaches it; selected by the truth, what an exact
# posterior holds is the figure to compare with, and stands beside each row in the
# {doc}`table of claims <../claims>`.

# %% tags=["hide-input"]
nb.figure(
    pictures.coverage(
        {
            words(name): {
                "test digits, active as reconstructed": results.coverage(
                    name, "smc", "calibrated", 0.68
                ),
                "test digits, bright in truth": results.coverage(
                    name, "smc", "calibrated", 0.68, where="bright"
                ),
                "own images, exact, bright in truth": results.own_coverage(
                    name, "smc", "bright", 0.68
                ),
            }
            for name in results.calibrated
        },
        {"goal": (66, 71)},
        y="pixels in 68% intervals (%)",
    ),
    "coverage-bright",
    caption="Share of hidden pixels within their 68% intervals: of test digits, those that are "
    "active in the reconstruction, and those that are bright in truth; of images of the model's "
    "own, of which the posterior is exact, those that are bright in truth. Green: the goal.",
    alt="Groups of three points; the first lies in the green band, and the third, of the exact "
    "posterior, below it.",
)

# %% [markdown]
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

# %% [markdown]
# Importance weights are worth more than a fifth of the draws for
# {glue:text}`deepuq.importance_effective` of the digits; the others are flagged. Gaussians about
# the
# modes are not the shape of these posteriors.
#
# ## Images that the model cannot make
#
# Negatives of digits, digits upside down, the upper half of one on the lower half of another, two
# digits over each other, and garments have a posterior too, and it is nonsense. Each result carries
# a p-value that tells: two discrepancies of the posterior {cite:p}`gelman1996ppc` are ranked among
# those of validation digits under the same corruption. One is the misfit, all whitened residuals
# squared; the other the excess, what is in the data and not in the expected data, smoothed over a
# pixel, so that noise averages out and a stroke does not. The p-value of both together is
# conformal {cite:p}`bates2023conformal`: digits like those held back have one of a twentieth or
# less in a twentieth of cases, and this raises the flag. Both discrepancies were chosen on
# validation digits. Here each posterior stands by its highest maximum, so that thousands of images
# cost little.

# %% tags=["hide-input"]
kinds = results.stranger_kinds()
reported = {kind: results.reported(kind) for kind in kinds}
nb.figure(
    pictures.coverage(
        {
            words(name): {kind: reported[kind][name] for kind in kinds}
            for name in reported["digits"]
        },
        {"false alarms": (0, 5)},
        y="reported (%)",
    ),
    "strangers",
    caption="Share of strange images that are reported as ones that the model cannot make, by "
    "corruption and by kind; and of test digits that are, which should be a twentieth (green). At "
    "the right nothing is hidden and nothing blurred.",
    alt="Groups of points for each corruption; negatives are all reported, garments mostly, pairs "
    "of digits seldom under the masks and mostly where nothing is hidden; digits lie at the green "
    "band.",
)

# %% tags=["hide-input"]
nb.claim(
    "deepuq.false_alarms",
    *results.reported_mean("digits"),
    unit="%",
    fmt=".1f",
    description="Test digits reported as images that the model cannot make (at p <= 0.05), mean "
    "over corruptions",
)
for kind in (k for k in kinds if k != "digits"):
    for by, key in (("both", ""), ("misfit", "_by_misfit")):
        nb.claim(
            f"deepuq.flagged_{slug(kind)}{key}",
            *results.reported_mean(kind, by),
            unit="%",
            fmt=".0f",
            description=f"{kind}, reported as strange (p <= 0.05), mean over corruptions"
            + (": by the misfit alone" if key else ""),
        )
    nb.claim(
        f"deepuq.seen_{slug(kind)}",
        *results.reported(kind)["none"],
        unit="%",
        fmt=".0f",
        description=f"{kind}, reported as strange (p <= 0.05) where nothing is hidden",
    )
# %% tags=["hide-input"]
for kind in ("digits", "two digits"):
    nb.claim(
        f"deepuq.misfit_{slug(kind)}",
        results.misfit_ratio(kind, "none"),
        fmt=".2f",
        description=f"{kind} with nothing hidden: median misfit over that of validation digits",
    )

# %% [markdown]
# {glue:text}`deepuq.flagged_negatives` of the negatives are reported,
# {glue:text}`deepuq.flagged_upside_down` of the digits upside down,
# {glue:text}`deepuq.flagged_two_halves` of the halves and {glue:text}`deepuq.flagged_two_digits` of
# the pairs, against {glue:text}`deepuq.false_alarms` of real test digits; by the misfit alone it
# would be {glue:text}`deepuq.flagged_two_digits_by_misfit` of the pairs. What limits this is what
# is hidden. Where nothing is, {glue:text}`deepuq.seen_two_digits` of the pairs are reported: their
# misfit is {glue:text}`deepuq.misfit_two_digits` times that of validation digits in the median. A
# pair that is not reported there is an image that this model makes as well as it makes a digit, one
# that looks like an eight, say; a pair that is reported there and not under a corruption left no
# trace in the data: behind the solid mask, or in a twentieth of the pixels, it is a digit.
#
# ## Garments
#
# Nothing in all this knows that images are of digits. A model of the same size is trained on
# garments {cite:p}`xiao2017fashion`, its error measured on validation garments, and two hundred
# test garments are reconstructed under two of the corruptions.

# %% tags=["hide-input"]
nb.figure(
    pictures.gallery(results.garment_pictures()),
    "garments",
    caption="The first two test garments under each of two corruptions: the data, mean and twice "
    "the standard deviation of the clean image with the calibrated error, three draws as the model "
    "makes them, the truth.",
    alt="Rows of small pictures of a boot and a pullover; draws complete what is hidden, in "
    "different ways under the mask.",
)

# %% tags=["hide-input"]
garments = results.metrics("garments")["model"]
nb.claim(
    "deepuq.garment_model_variance",
    100 * garments["error"]["test"] / garments["variance"],
    unit="%",
    fmt=".3g",
    description="Squared error of the auto-encoder over the variance of test garments",
)
for name in results.worn:
    for level, target in ((0.68, ">= 66, <= 71"), (0.95, ">= 93, <= 97")):
        nb.claim(
            f"deepuq.garment_cover{100 * level:.0f}_{slug(name)}",
            *results.garment_coverage(name, "calibrated", level),
            target=target,
            unit="%",
            fmt=".1f",
            description=f"{words(name)}: hidden pixels of test garments, reconstructed above 0.1, "
            f"in {100 * level:.0f}% intervals, calibrated",
        )
        nb.claim(
            f"deepuq.garment_latent{100 * level:.0f}_{slug(name)}",
            *results.garment_coverage(name, "latent", level),
            unit="%",
            fmt=".1f",
            description="The same, latent only",
        )
    found = results.garments(name)
    nb.claim(
        f"deepuq.garment_error_{slug(name)}",
        found["squared_error"][0] / found["mean_image"],
        found["squared_error"][1] / found["mean_image"],
        fmt=".3f",
        description=f"{words(name)}: squared error of hidden pixels of test garments over that of "
        "the mean garment",
    )

# %% [markdown]
# Codes of ten numbers leave {glue:text}`deepuq.garment_model_variance` of the variance of garments.
# Under the solid mask the latent posterior alone covers
# {glue:text}`deepuq.garment_latent95_solid_mask` where it says 95% and
# {glue:text}`deepuq.garment_latent68_solid_mask` where it says 68%; calibrated, the intervals hold
# {glue:text}`deepuq.garment_cover95_solid_mask` and {glue:text}`deepuq.garment_cover68_solid_mask`.
# The squared error of hidden pixels is {glue:text}`deepuq.garment_error_solid_mask` of that of
# the mean garment. Each interval and its goal, those under noise included, stands in the
# {doc}`table of claims <../claims>`; what misses its goal is marked as missed there. Garments are
# grey more often than digits, and their errors end at black and at white: with the tails of a
# Gaussian no width gets both levels right, which is why the tails are calibrated as well.
#
# **How far to trust this.** Calibration uses three hundred validation digits and two hundred test
# digits for each corruption; the errors are over digits, since the pixels of one are not
# independent. Within a range of brightness all pixels share a width: single pixels may still be
# off. Widths without tails of their own had been counted on some of these test digits before tails
# were added, so that the digits are not quite unseen; what the tails should be, validation digits
# said. Where the model's error is inflated, sixty digits hardly tell by how much it should be.

# %%
nb.done()
