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
# # Five ways to spoil a digit, and what is left
#
# *Given a model of clean digits and data that were spoiled in a known way, which digits may it have
# been, and with what odds?*
#
# One auto-encoder and one flow are trained on clean training digits, with ten latent dimensions;
# the
# encoder is thrown away. The flow's base is a standard normal, so that the prior of $u$ is exact,
# and {eq}`eq-posterior` is the posterior. Nothing is trained again for a corruption. The model's
# own error is a covariance between pixels, measured on validation digits, and adds to the noise.

# %% tags=["parameters"]
profile = "full"
seed = 0

# %%
import numpy as np
from IPython.display import HTML, display

from mlsci import report
from mlsci.reconstruction import explorer, pictures
from mlsci.stages.deepuq_results import Results

nb = report.notebook("deepuq-reconstruction", profile=profile, seed=seed)
results = Results(nb)
model = results.metrics("model")

# %% tags=["hide-input"]
nb.claim(
    "deepuq.model_error",
    np.sqrt(model["error"]["test"]),
    fmt=".3f",
    description="Root mean square error a pixel of the auto-encoder on test digits, in [0, 1]",
)
nb.claim(
    "deepuq.model_variance",
    100 * model["error"]["test"] / model["variance"],
    unit="%",
    fmt=".3g",
    description="Squared error of the auto-encoder over the variance of test digits",
)
nb.claim(
    "deepuq.flow_log_det_error",
    model["log_det_error"],
    unit="nats",
    fmt=".1g",
    description="Largest error of a flow layer's log-determinant against automatic differentiation",
)

# %% [markdown]
# With codes of ten numbers the auto-encoder leaves an error of {glue:text}`deepuq.model_error` a
# pixel, {glue:text}`deepuq.model_variance` of the variance. The paper takes one tenth for it
# {cite:p}`boehm2019deepuq`; measured on a validation split it is a little more, and far from white.
#
# ## Five corruptions

# %% tags=["hide-input"]
nb.figure(
    pictures.gallery(results.gallery()),
    "gallery",
    caption="The published test digits under the five corruptions. From left to right: the data; "
    "the "
    "highest maximum of the posterior; mean and twice the standard deviation of the clean image, "
    "the model's error included; five draws as the model makes them; the truth. Draws are the "
    "first five, not chosen.",
    alt="Five rows of small pictures of digits. Under the solid mask draws are eights, nines and "
    "between, though the truth is a four; under the sparse mask and under mask and noise they "
    "differ from each other; under noise and blur they hardly differ.",
)

# %% [markdown]
# Where data say enough (noise, blur), all draws are nearly the same digit. Where they do not, draws
# agree where they must, with the pixels that are seen, and differ elsewhere; the mean is none of
# them. That is what a single reconstruction cannot tell. The deviation tells it: under the solid
# mask it is large all over the hidden columns.
#
# ## A four that may be an eight or a nine
#
# The masked four is the paper's example, with three modes that were found from hand-picked starts.
# Here the search starts from draws of the prior, and copies are recognised by their distance. The
# weights of the modes are then given by the evidence of each (its height and its width), by
# importance weights of draws of these Gaussians, by Gaussians that are moved to where their own
# draws say, with the masses that weights of their draws have {cite:p}`seljak2019el2o`, by weights
# of a mixture that is fitted to weighted draws again and again, by chains, and by particles: once
# with these modes among what they start from, and once all the way from the prior, without a word
# of any mode.

# %% tags=["hide-input"]
bimodal = results.arrays("bimodal")
order = ["evidence", "importance", "EL2O", "learnt importance", "HMC", "variational flow",
         "SMC", "SMC from the prior"]  # fmt: skip
nb.figure(
    pictures.modes(
        bimodal["data"],
        bimodal["truth"],
        bimodal["modes/measured"][:6],
        {label: results.mode_weights("measured", label) for label in order},
    ),
    "modes",
    caption="Modes of the posterior of the masked four, highest first, and their weights by "
    "eight methods; grey is the reference.",
    alt="A row of a half-hidden digit, a four, and pictures of modes; below, groups of bars, "
    "nearly the same for both kinds of particles, a proposal that learns, and a flow.",
)

# %% tags=["hide-input"]
reference = results.mode_weights("measured", "SMC from the prior")
for label in order[:-1]:
    nb.claim(
        f"deepuq.mode_weights_{label.lower().replace(' ', '_')}",
        np.abs(results.mode_weights("measured", label) - reference).max(),
        target="<= 0.05",
        fmt=".3f",
        description=f"Masked four: largest difference between mode weights by {label} and by "
        "particles from the prior",
    )
flow = results.metrics("bimodal")["measured"]["methods"]["variational flow"]
exact = results.metrics("bimodal")["measured"]["methods"]["SMC from the prior"]["log_evidence"]
nb.claim(
    "deepuq.variational_gap", exact - flow["bound"], unit="nats", fmt=".2f",
    description="Masked four: evidence by particles less the bound that a flow reaches",
)  # fmt: skip
left_out = results.mode_weights("measured", "variational flow") < 0.1 * reference
nb.claim(
    "deepuq.variational_left_out", reference[left_out].max(initial=0), fmt=".3f",
    description="Masked four: weight, by particles, of the heaviest mode that a flow gives less "
    "than a tenth of it",
)  # fmt: skip
nb.claim(
    "deepuq.variational_pareto", flow["pareto"], fmt=".2f",
    description="Masked four: shape of the tail of the weights of a flow's draws; above 0.7 it is "
    "flagged",
)  # fmt: skip

# %% tags=["hide-input"]
nb.claim(
    "deepuq.modes_honest", 100 * results.modes_honest("measured"), target=">= 100", unit="%",
    fmt=".0f",
    description="Masked four: methods whose mode weights are within 0.05 of the reference, or "
    "which raise a flag",
)  # fmt: skip
nb.claim(
    "deepuq.modes_rhat_hmc", results.metrics("bimodal")["measured"]["methods"]["HMC"]["rhat"],
    fmt=".2f", description="Masked four: R-hat of four Hamiltonian chains",
)  # fmt: skip
moved = results.metrics("bimodal")["measured"]["methods"]["EL2O"]
nb.claim(
    "deepuq.el2o_effective", moved["effective"], fmt=".0f",
    description="Masked four: draws of the Gaussians of EL2O that the weights which would make "
    "them the posterior's are worth",
)  # fmt: skip
white = np.sort(results.mode_weights("white", "SMC from the prior"))[::-1]
for k, published in enumerate((0.683, 0.244, 0.074)):
    nb.claim(
        f"deepuq.published_mode_{k + 1}",
        np.append(white, [0, 0, 0])[k],
        published=published,
        source="Boehm, Lanusse & Seljak 2019, arXiv:1910.10046, section 4",
        fmt=".3f",
        description=f"Masked four, white model error 0.1: weight of mode {k + 1}, by weight",
    )

# %% tags=["hide-input"]
odds = results.digit_odds("measured", "SMC from the prior")
laplace = results.digit_odds("measured", "Laplace")
for digit, name in ((4, "four"), (8, "eight"), (9, "nine")):
    nb.claim(
        f"deepuq.{name}",
        odds[digit],
        fmt=".2f",
        description="Masked four, particles from the prior: share of draws whose nearest training "
        f"digit is {digit}",
    )
    nb.claim(
        f"deepuq.{name}_laplace",
        laplace[digit],
        fmt=".2f",
        description="The same by one Gaussian about the highest maximum",
    )

# %% [markdown]
# By their nearest training digits, {glue:text}`deepuq.four` of the draws are fours,
# {glue:text}`deepuq.nine` nines and {glue:text}`deepuq.eight` eights: what is seen, a short bend at
# the left, does not tell which, and few fours are written with it. One Gaussian has
# {glue:text}`deepuq.four_laplace`, {glue:text}`deepuq.nine_laplace` and
# {glue:text}`deepuq.eight_laplace`. The weights by evidence alone are off by up to
# {glue:text}`deepuq.mode_weights_evidence`: a Gaussian is not the shape of a mode. Importance
# weights of their draws are off by {glue:text}`deepuq.mode_weights_importance`, though there are
# twenty times as many as a proposal that learns gets, whose weights are off by
# {glue:text}`deepuq.mode_weights_learnt_importance`: the tails of the weights are too heavy for any
# number. Gaussians that are moved to where their own draws say (*EL2O*) have masses that are off by
# {glue:text}`deepuq.mode_weights_el2o`. They are flagged, too: a mode is bent more than any
# Gaussian is, and the weights that would make their draws the posterior's are worth
# {glue:text}`deepuq.el2o_effective` draws, of as many as importance weights have. Chains, which do
# not cross, are off by {glue:text}`deepuq.mode_weights_hmc`. Particles that are told of the modes
# and particles that are not differ by {glue:text}`deepuq.mode_weights_smc`.
#
# A flow that is fitted by variational inference, and told of no modes, is off by
# {glue:text}`deepuq.mode_weights_variational_flow`: the likelihood is raised step by step, and the
# heavy modes keep their weights. Its bound ends {glue:text}`deepuq.variational_gap` below the
# evidence. The heaviest mode that it leaves out has a weight of
# {glue:text}`deepuq.variational_left_out`; the weights of its draws have a tail of shape
# {glue:text}`deepuq.variational_pareto`, and beyond seven tenths it is flagged.
#
# The goal, one twentieth, is asked of each: Gaussians about the maxima, weighted or not, and chains
# do not reach it. None of them may say so of itself without a warning: each result either has
# weights within the goal or raises a flag, {glue:text}`deepuq.modes_honest` of the methods here.
# Chains are flagged as their $\widehat R$ is {glue:text}`deepuq.modes_rhat_hmc`; Gaussians and the
# flow by the weights that would make their draws the posterior's, and one Gaussian by the modes
# that it leaves out. What is used unless another method is asked for, `method="smc"`, is within the
# goal, and not flagged.
#
# With the published white error the three heaviest modes have the weights
# {glue:text}`deepuq.published_mode_1`, {glue:text}`deepuq.published_mode_2` and
# {glue:text}`deepuq.published_mode_3`; the paper's stand beside them in the
# {doc}`table of claims <../claims>`. The model is another one, so that only the kind of answer can
# agree, not its numbers.

# %% tags=["hide-input"]
labels = ("Laplace", "mixture", "HMC", "SMC from the prior")
clouds = {label: bimodal[f"u/measured/{label}"].astype(float) for label in labels}
widest = np.sort(np.argsort(-clouds["SMC from the prior"].var(0))[:4])
nb.figure(
    pictures.corner(clouds, widest.tolist()),
    "corner",
    caption="Draws of the posterior of the masked four in the four latent directions in which it "
    "is "
    "widest, by four methods. One Gaussian covers one of the clouds.",
    alt="A triangle of scatter plots with several clouds each; points of the one Gaussian lie in "
    "one "
    "cloud, those of the other methods in all.",
)

# %% [markdown]
# ## Drag it yourself
#
# More and more columns hidden, or more and more noise: the posterior is the same model's every
# time. All pictures are computed beforehand and are in this page.

# %% tags=["hide-input"]
display(HTML(explorer.page(results.explored(), "deepuq-explorer")))

# %% [markdown]
# Things to look for: with two columns hidden, the deviation is little more than the model's error;
# with
# fourteen columns hidden the first digit begins to be two; with nearly all hidden, or noise above
# one, the draws are draws from the prior: any digit.

# %%
nb.done()
