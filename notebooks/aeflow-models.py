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
# # Two models, one weakness
#
# *What do an auto-encoder and a variational auto-encoder learn, and why are samples of the latter
# worse than its own reconstructions?*
#
# Both compress an image $x$ into a short code $z$ and draw the image again from it. The
# auto-encoder (AE) minimises the squared error {eq}`eq-ae` and nothing else. The variational
# auto-encoder (VAE) {cite:p}`kingma2014vae` answers with a distribution of codes and is paid for
# keeping it near a standard normal {eq}`eq-elbo`. Here both have the same two networks: two
# strided convolutions, two residual blocks and one dense layer, and the mirror image of them.

# %% tags=["parameters"]
profile = "full"
seed = 0

# %%
from mlsci import report
from mlsci.generative import pictures
from mlsci.stages.aeflow_results import Results

nb = report.notebook("aeflow-models", profile=profile, seed=seed)
results = Results(nb)
shown = {kind: results.arrays(f"latent-{kind}-d32-s0") for kind in ("ae", "vae")}

# %% [markdown]
# ## Reconstructions are good
#
# Thirty-two numbers are enough to draw a garment again, less its print and texture.

# %% tags=["hide-input"]
nb.figure(
    pictures.image_grids(
        {
            "test images": shown["ae"]["x_test"],
            "auto-encoder": shown["ae"]["x_codes"],
            "VAE": shown["vae"]["x_codes"],
        }
    ),
    "reconstructions",
    caption="Images that no model has seen, and what the two models make of them from 32 "
    "numbers each "
    "(for the VAE, from a draw of its posterior). Shapes survive; fine print does not.",
    alt="Three grids of six by six small grey garments: the originals, and two slightly "
    "smoother copies of each.",
)

# %% tags=["hide-input"]
error_ae = results.spread("ae-d32", lambda m: m["error_test"])
error_vae = results.spread("vae-d32", lambda m: m["error_test"])
nb.claim(
    "aeflow.ae_error",
    *error_ae,
    published=0.00642,
    target="<= 0.00642",
    source="arXiv:2006.05479, reconstruction error of the AE at latent size 32",
    fmt=".5f",
    description="AE, latent size 32: mean squared error a pixel on the test images",
)
nb.claim(
    "aeflow.ae_error_full",
    *error_ae,
    target="<= 0.0060",
    fmt=".5f",
    description="The same error, against the stricter goal for the committed models",
)
nb.claim(
    "aeflow.vae_error",
    *error_vae,
    published=0.00663,
    target="<= 0.00663",
    source="arXiv:2006.05479, reconstruction error of the VAE at latent size 32",
    fmt=".5f",
    description="VAE, latent size 32: mean squared error a pixel on the test images",
)

# %% [markdown]
# The auto-encoder misses a pixel by a mean square of {glue:text}`aeflow.ae_error`, the VAE by
# {glue:text}`aeflow.vae_error` (pixels run from 0 to 1; errors are standard deviations over
# seeds). The talk's paper {cite:p}`boehm2020pae` printed slightly larger values.
#
# ## Training is quick

# %% tags=["hide-input"]
histories = {kind: results.metrics(f"{kind}-d32-s0") for kind in ("ae", "vae")}
ae_curve = histories["ae"]["history"]
minutes = [sum(ae_curve["cpu_seconds"][: k + 1]) / 60 for k in range(len(ae_curve["cpu_seconds"]))]
nb.figure(
    pictures.curves(
        {
            "training images": (minutes, ae_curve["train"]),
            "validation images": (minutes, ae_curve["validation"]),
        },
        x="minutes of one CPU core",
        y="squared error a pixel",
        levels={"published error": 0.00642},
        log_y=True,
        markers=True,
    ),
    "training",
    caption="The auto-encoder's squared error against the time spent, a dot an epoch. The "
    "validation curve belongs to "
    "the running average of the weights, which is what is kept.",
    alt="Two falling curves that flatten and part a little; the lower one crosses a "
    "dashed line marked published error.",
)

# %% tags=["hide-input"]
seconds = results.spread(
    "ae-d32", lambda m: sum(m["history"]["cpu_seconds"]) / len(m["history"]["cpu_seconds"])
)
total = results.spread("ae-d32", lambda m: sum(m["history"]["cpu_seconds"]) / 60)
nb.claim(
    "aeflow.ae_epoch_seconds",
    *seconds,
    unit="s",
    fmt=".3g",
    description="CPU time of one pass over the training images, auto-encoder",
)
nb.claim(
    "aeflow.ae_training_minutes",
    *total,
    unit="min",
    fmt=".3g",
    description="CPU time of the whole training, auto-encoder (wall-clock time on two free cores "
    "is about half)",
)

# %% [markdown]
# One pass over the training images costs {glue:text}`aeflow.ae_epoch_seconds` of CPU, the whole
# training {glue:text}`aeflow.ae_training_minutes`.
#
# ## Samples are not
#
# A VAE promises more than reconstructions: draw $z$ from the prior, decode, and have a new image.
# The grid in the middle does just that.

# %% tags=["hide-input"]
nb.figure(
    pictures.image_grids(
        {
            "test images": shown["vae"]["x_test"],
            "VAE, codes from the prior": shown["vae"]["x_prior"],
            "VAE, codes of images": shown["vae"]["x_codes"],
        }
    ),
    "prior-samples",
    caption="The same decoder, twice. Codes drawn from the prior decode into ghosts and "
    "crossbreeds; codes drawn from the "
    "posteriors of real images decode into garments.",
    alt="Three grids: crisp garments, a grid with many smeared or merged shapes, and a "
    "grid of clean garments.",
)

# %% tags=["hide-input"]
prior = results.spread("latent-vae-d32", lambda m: m["samples"]["prior"]["frechet"])
aggregated = results.spread("latent-vae-d32", lambda m: m["samples"]["codes"]["frechet"])
floor = results.metrics("classifier")
nb.claim(
    "aeflow.frechet_prior",
    *prior,
    fmt=".3g",
    description="Fréchet distance to the test images: VAE, codes from the prior",
)
nb.claim(
    "aeflow.frechet_aggregated",
    *aggregated,
    fmt=".3g",
    description="Fréchet distance to the test images: VAE, codes from the aggregated posterior",
)
nb.claim(
    "aeflow.frechet_training",
    floor["training_images"]["frechet"],
    fmt=".3g",
    description="Fréchet distance to the test images: real training images (the floor)",
)
nb.claim(
    "aeflow.classifier_accuracy",
    floor["accuracy"],
    fmt=".3f",
    description="Test accuracy of the classifier in whose feature space distances are measured",
)

# %% [markdown]
# In numbers: the Fréchet distance {eq}`eq-frechet` to the test images is
# {glue:text}`aeflow.frechet_prior` for codes from the prior and
# {glue:text}`aeflow.frechet_aggregated` for codes of images. For scale, real training images
# score {glue:text}`aeflow.frechet_training`. (The features are the spatial means of the last
# convolutional layer, as in the usual FID, but of a classifier of the same images, with an accuracy
# of {glue:text}`aeflow.classifier_accuracy`.) The decoder is innocent, then: it is fed
# codes that it has never seen.
#
# ## The gap between the prior and the codes
#
# The talk's picture of the trouble: the same plane of the latent space, three times.

# %% tags=["hide-input"]
kl = sorted(results.metrics("latent-vae-d32-s0")["kl"], reverse=True)
active = results.spread("latent-vae-d32", lambda m: sum(v > 0.1 for v in m["kl"]))
plane = results.widest_plane("vae")
nb.figure(
    pictures.latent_planes(
        {
            "prior": shown["vae"]["z_prior"],
            "encoded images": shown["vae"]["z_codes"],
            "samples of a flow": shown["vae"]["z_mixture_flow"],
        },
        plane,
    ),
    "latent-plane",
    caption="Codes of the VAE in the two latent directions that carry most information. The "
    "prior fills the plane; the "
    "images do not; a flow fitted to the codes follows them.",
    alt="Three scatter plots: a round cloud, a cloud with clumps and empty bays, and a "
    "cloud with the same clumps and bays.",
)

# %% [markdown]
# The encoded images, all together called the *aggregated posterior*, leave holes where the prior
# puts a good part of its mass. Nothing in the objective forbids it: the bound pays for each
# image's posterior alone.
#
# ## Directions that fall asleep
#
# The other known weakness, posterior collapse {cite:p}`bowman2016sentences,lucas2019collapse`,
# can be seen in how many nats each latent direction carries. A direction whose posterior equals
# the prior carries none, and the decoder ignores it.

# %% tags=["hide-input"]
nb.figure(
    pictures.curves(
        {"VAE": (range(1, len(kl) + 1), kl)},
        x="latent direction, in order",
        y="mean KL divergence from the prior [nats]",
        levels={"counted as asleep below": 0.1},
        markers=True,
    ),
    "collapse",
    caption="Information in each latent direction of the VAE, in falling order. Directions "
    "below the dashed line have "
    "collapsed onto the prior.",
    alt="A falling row of dots from a few nats on the left towards smaller values on the "
    "right, with a dashed line near zero.",
)

# %% tags=["hide-input"]
nb.claim(
    "aeflow.active_directions",
    *active,
    fmt=".3g",
    description="Latent directions (of 32) of the VAE with a mean KL divergence above a tenth of "
    "a nat",
)

# %% [markdown]
# Of 32 directions {glue:text}`aeflow.active_directions` stay awake at $\beta = 1$; the section on
# tuning shows how the number falls as $\beta$ grows.
#
# **How far to trust this.** The distances depend on the feature space, so only their ratios and
# order mean anything. The models are small; a larger VAE has better reconstructions but the same
# gap, since the gap is in the objective.

# %% tags=["hide-input"]
nb.done()
