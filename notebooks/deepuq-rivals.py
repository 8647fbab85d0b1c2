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
# # Rivals: trained for one corruption, or not trained at all
#
# *What does the detour through a generative model buy?*
#
# - **Networks for one corruption**: a conditional VAE {cite:p}`sohn2015cvae`, and a conditional
#   flow
#   that learns the posterior of the same generative model {cite:p}`papamakarios2016npe`. Both are
#   trained twice, for the solid mask and for noise, and both are tried on both.
# - **Without a network**: Wiener's filter, with mean and covariance of the training digits, which
#   is
#   the posterior under a Gaussian prior; total variation {cite:p}`rudin1992tv`, its weight chosen
#   on held-back digits; and the training digit whose corrupted version is nearest.
#
# All get the same test digits and the same data.

# %% tags=["parameters"]
profile = "full"
seed = 0

# %%
from mlsci import report
from mlsci.reconstruction import pictures
from mlsci.stages.deepuq_results import Results, slug, words

nb = report.notebook("deepuq-rivals", profile=profile, seed=seed)
results = Results(nb)

# %% tags=["hide-input"]
nb.figure(
    pictures.gallery(results.rival_pictures()),
    "pictures",
    caption="What each makes of the same digits: the first two test digits under the solid mask, "
    "and under noise. Where there are draws, their mean is shown.",
    alt="Four rows of pictures of digits. Networks shown a corruption that they were not trained "
    "for return smears or another digit; the posterior of the generative model does not.",
)

# %% tags=["hide-input"]
nb.figure(
    pictures.scores(
        {words(name): results.scores(name, "squared_error") for name in ("solid-mask", "noise")}
    ),
    "squared-error",
    caption="The mean squared error on test digits: hidden pixels under the mask, all pixels "
    "under noise. Errors "
    "over digits.",
    alt="Two panels of horizontal bars, one for each corruption; bars of networks that were "
    "trained "
    "for the other corruption stick out.",
)

# %% tags=["hide-input"]
nb.figure(
    pictures.scores(
        {words(name): results.scores(name, "log_score") for name in ("solid-mask", "noise")}
    ),
    "log-score",
    caption="The log score a pixel on test digits: hidden pixels under the mask, all pixels under "
    "noise. Errors "
    "over digits.",
    alt="Two panels of horizontal bars, one for each corruption; bars of networks that were "
    "trained "
    "for the other corruption stick out.",
)

# %% tags=["hide-input"]
for name, kind, where, rival in results.matches():
    nb.claim(
        f"deepuq.error_ratio_{kind}_{where}_{slug(name)}",
        *results.error_ratio(name, rival),
        target="<= 1.05" if where == "on" else "< 1",
        fmt=".3f",
        description=f"{words(name)}: squared error of the posterior's mean over that of {rival}",
    )
    nb.claim(
        f"deepuq.log_score_gain_{kind}_{where}_{slug(name)}",
        *results.log_score_gain(name, rival),
        target=">= -0.05" if where == "on" else "> 0",
        unit="nats",
        fmt=".3f",
        description=f"{words(name)}: log score a pixel of the posterior less that of {rival}",
    )

# %% [markdown]
# A ratio below one, and a gain above zero, are for the posterior of the generative model. On the
# corruption that they were trained for the networks must be matched (within five per cent of the
# error, and a twentieth of a nat); off it, beaten.
#
# - Solid mask: the error is {glue:text}`deepuq.error_ratio_cvae_on_solid_mask` of that of the
#   conditional VAE trained for it, {glue:text}`deepuq.error_ratio_cflow_on_solid_mask` of that of
#   the flow; of those trained for noise {glue:text}`deepuq.error_ratio_cvae_off_solid_mask` and
#   {glue:text}`deepuq.error_ratio_cflow_off_solid_mask`.
# - Noise: {glue:text}`deepuq.error_ratio_cvae_on_noise` and
#   {glue:text}`deepuq.error_ratio_cflow_on_noise` of the networks trained for it,
#   {glue:text}`deepuq.error_ratio_cvae_off_noise` and
#   {glue:text}`deepuq.error_ratio_cflow_off_noise` of those trained for the mask.
#
# The log score asks for the right width as well. Under noise the posterior gains
# {glue:text}`deepuq.log_score_gain_cvae_on_noise` over the VAE and
# {glue:text}`deepuq.log_score_gain_cflow_on_noise` over the flow trained for it; under the mask
# {glue:text}`deepuq.log_score_gain_cvae_on_solid_mask` and
# {glue:text}`deepuq.log_score_gain_cflow_on_solid_mask`, the last of which is none within its
# error. (All errors here are of differences, digit by digit.) Under the mask it depends on the
# error that the model is taken to make. With that of the auto-encoder, which sees all of the digit,
# the posterior is too sure that a hidden pixel is blank when it takes the digit for another one,
# and loses whole nats; with the error that validation digits ask for, and a width for dark pixels
# that the score decides on, it does not. The flow gets the same model and the same treatment.
#
# The other way: a new corruption costs a network a new training, and the posterior nothing.

# %% tags=["hide-input"]
for label in ("wiener", "total variation", "nearest"):
    for name in ("solid-mask", "noise"):
        nb.claim(
            f"deepuq.error_ratio_{slug(label)}_{slug(name)}",
            *results.error_ratio(name, label),
            fmt=".3f",
            description=f"{words(name)}: squared error of the posterior's mean over that of "
            f"{label}",
        )
nb.claim(
    "deepuq.training_seconds",
    results.training_seconds(),
    unit="s",
    fmt=".0f",
    description="CPU time of training one amortised network, mean",
)

# %% [markdown]
# ## Speed

# %% tags=["hide-input"]
speed = results.speed()
nb.claim(
    "deepuq.maxima_seconds", speed["maxima"], target="< 60", unit="s", fmt=".0f",
    description="Maxima of a thousand posteriors from ten starts each, one core",
)  # fmt: skip
nb.claim(
    "deepuq.maxima_reached", speed["reached"], unit="%", fmt=".1f",
    description="Climbs that have arrived at a maximum",
)  # fmt: skip
nb.claim(
    "deepuq.images_a_minute", speed["a_minute"], target=">= 20", fmt=".0f",
    description="Digits a minute by the reference sampler (four runs of 400 particles), one core",
)  # fmt: skip
nb.claim(
    "deepuq.effective_a_second", speed["effective_rate"], fmt=".0f",
    description="Effective draws a second by the reference sampler, one core",
)  # fmt: skip
nb.claim(
    "deepuq.one_image_seconds", speed["one"], target="< 3", unit="s", fmt=".2g",
    description="One digit from data to intervals by importance weights, the corruption known "
    "before",
)  # fmt: skip
nb.claim(
    "deepuq.one_reference_seconds", speed["one_reference"], target="< 3", unit="s", fmt=".2g",
    description="The same by the reference sampler",
)  # fmt: skip
nb.claim(
    "deepuq.new_corruption_seconds", speed["compile"], unit="s", fmt=".2g",
    description="One digit under a corruption that was not met before, compiling included",
)  # fmt: skip

# %% [markdown]
# Maxima of a thousand posteriors take {glue:text}`deepuq.maxima_seconds` on one core; the reference
# sampler does {glue:text}`deepuq.images_a_minute` digits a minute,
# {glue:text}`deepuq.effective_a_second` effective draws a second. One digit takes
# {glue:text}`deepuq.one_image_seconds`, or {glue:text}`deepuq.one_reference_seconds` by the
# reference sampler; under a corruption that is new, {glue:text}`deepuq.new_corruption_seconds`,
# most of it for compiling.
#
# ## The talk's table, with numbers for its ticks
#
# :::{list-table} What each way can do.
# :header-rows: 1
# :widths: 40 20 20 20
#
# * -
#   - Classical (Wiener)
#   - Network for the mask (VAE)
#   - Generative model
# * - Squared error under the mask, relative to the last column
#   - {glue:text}`deepuq.inverse_wiener`
#   - {glue:text}`deepuq.inverse_cvae_on`
#   - 1
# * - Squared error under noise, relative to the last column
#   - {glue:text}`deepuq.inverse_wiener_noise`
#   - {glue:text}`deepuq.inverse_cvae_off`
#   - 1
# * - Coverage of 95% intervals under the mask
#   - {glue:text}`deepuq.table_coverage_wiener`
#   - {glue:text}`deepuq.table_coverage_cvae`
#   - {glue:text}`deepuq.table_coverage_posterior`
# * - A new corruption costs
#   - nothing
#   - {glue:text}`deepuq.training_seconds`
#   - {glue:text}`deepuq.new_corruption_seconds`
# :::
#
# Under the mask a Gaussian prior does nearly as well by the squared error of its mean: where
# several
# digits are possible the mean is a smear of all of them, and any smear will do. What it cannot do
# is
# draw one of them.

# %% tags=["hide-input"]
for key, name, label in (
    ("inverse_wiener", "solid-mask", "wiener"),
    ("inverse_cvae_on", "solid-mask", "cvae for solid-mask"),
    ("inverse_wiener_noise", "noise", "wiener"),
    ("inverse_cvae_off", "noise", "cvae for solid-mask"),
):
    nb.claim(
        f"deepuq.{key}",
        1 / results.error_ratio(name, label)[0],
        fmt=".2f",
        description=f"{words(name)}: squared error of {words(label)} over that of the posterior's "
        f"mean",
    )
for label, short in (("wiener", "wiener"), ("cvae for solid-mask", "cvae"), ("posterior",) * 2):
    nb.claim(
        f"deepuq.table_coverage_{short}",
        *results.rival_coverage("solid-mask", label),
        unit="%",
        fmt=".0f",
        description=f"Solid mask, hidden active pixels in 95% intervals: {words(label)}",
    )

# %% [markdown]
# **How far to trust this.** The rivals are small networks, trained for minutes; a larger one would
# do better on its own corruption, and no better on another. All widths, the rivals' too, are
# calibrated on the same held-back digits: under the corruption that is tried for the posterior,
# under that of their training for the networks, which is what they have.

# %%
nb.done()
