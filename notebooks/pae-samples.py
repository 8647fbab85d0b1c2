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
# # Samples and reconstructions, in one table
#
# *Is the simple recipe, an auto-encoder and then a flow, as good as its rivals, when all learn from
# the same images with the same networks?*
#
# Each row is one model behind one interface; to add one takes a class and a line. In brackets stand
# the passes over all training images that its auto-encoder has had. Those of the first chapter have
# had ten times as many as those that were trained for the table alone, all by one short schedule on
# one half of the images: compare a row with rows of the same number. Distances are measured in the
# features of the first chapter's classifier, between ten thousand samples and the ten thousand test
# images, and compare only with each other.

# %% tags=["parameters"]
profile = "full"
seed = 0

# %%
from mlsci import report
from mlsci.generative import pictures
from mlsci.stages import aeflow_results
from mlsci.stages.pae import ROWS
from mlsci.stages.pae_results import PAPER, Results

nb = report.notebook("pae-samples", profile=profile, seed=seed)
results = Results(nb)
networks = aeflow_results.Results(nb)
frechet = results.sample_column("frechet")
frechet[ROWS["pixel-flow"].title] = networks.spread(
    "pixelflow", lambda m: float(m["samples"]["frechet"])
)
drawn = results.sampled()

# %% tags=["hide-input"]
nb.figure(
    pictures.image_grids(
        {ROWS[row].title: results.arrays(f"bench-{row}-s0", "shown.npz")["x"] for row in drawn},
        rows=5,
        columns=8,
        panels=2,
    ),
    "samples",
    caption="The first samples of every model of the table; none is hand-picked.",
    alt="Grids of garments, one for each model, of visibly different sharpness.",
)

# %% tags=["hide-input"]
nb.figure(
    pictures.bars(
        dict(sorted(frechet.items(), key=lambda item: -item[1][0])),
        x="Fréchet distance to the test images (lower is better)",
        log=True,
        levels=results.floors(),
    ),
    "frechet",
    caption="Distance of samples from the test images, best last. Error bars: standard deviation "
    "over seeds, or the bootstrap's error where there is one seed. Dashed: the PAE's own "
    "reconstructions of the test images, which no density of its codes can be expected to beat.",
    alt="Horizontal bars on a logarithmic axis, the shortest for densities fitted to codes.",
)

# %% tags=["hide-input"]
ours = frechet[ROWS["pae"].title]
main_flow = networks.spread("latent-vae-d32", aeflow_results.picked("frechet", "mixture_flow"))
best = results.best_rival("frechet", "pae")
for row in drawn:
    nb.claim(
        f"pae.frechet_{row.replace('-', '_')}",
        *frechet[ROWS[row].title],
        fmt=".3g",
        description=f"Fréchet distance of samples to the test images: {ROWS[row].label}",
    )
nb.claim(
    "pae.frechet_vae_main_flow",
    *main_flow,
    fmt=".3g",
    description="Fréchet distance of samples to the test images: VAE with the flow of the first "
    "chapter, which the PAE has too",
)
nb.claim(
    "pae.frechet_behind_best",
    (ours[0] - best[0]) / (ours[1] or best[1] or 1.0),
    target="<= 1",
    fmt=".2f",
    description="Fréchet distance of the PAE minus that of its best rival, in standard errors; "
    "negative if the PAE is best",
)
nb.claim(
    "pae.frechet_over_floor",
    *results.over_floor("pae"),
    target="<= 1.5",
    fmt=".2f",
    description="Fréchet distance of the PAE's samples over that of its reconstructions",
)

# %% tags=["hide-input"]
measures = {
    measure: results.sample_column(measure)
    for measure in ("coverage", "density", "precision", "recall")
}
nb.figure(
    pictures.bars(dict(sorted(measures["coverage"].items(), key=lambda i: -i[1][0])), x="coverage"),
    "coverage",
    caption="Coverage: the share of test images with a sample in their neighbourhood.",
    alt="Horizontal bars between zero and one.",
)

# %% tags=["hide-input"]
told = results.sample_column("told_apart")
nb.figure(
    pictures.bars(
        dict(sorted(told.items(), key=lambda item: -item[1][0])),
        x="accuracy of telling samples from test images",
        levels={"a coin": 0.5},
    ),
    "told-apart",
    caption="How often a perceptron, trained on one half of samples and test images, tells the "
    "other half apart.",
    alt="Horizontal bars from above one half to nearly one, and a dashed line at one half.",
)

# %% tags=["hide-input"]
memorised = results.sample_column("closer_to_training")
for measure, column in {**measures, "told_apart": told, "closer_to_training": memorised}.items():
    nb.claim(
        f"pae.{measure}",
        *column[ROWS["pae"].title],
        fmt=".3f",
        description=f"{measure.replace('_', ' ')}, samples of the PAE",
    )

# %% [markdown]
# The PAE's samples are {glue:text}`pae.frechet_pae` from the test images,
# {glue:text}`pae.frechet_over_floor` times as far as its reconstructions. The mixture on the same
# codes is at {glue:text}`pae.frechet_ae_mixture`, one Gaussian at
# {glue:text}`pae.frechet_ae_gaussian`, the VAE's prior at {glue:text}`pae.frechet_vae`, the second
# stage of a two-stage VAE at {glue:text}`pae.frechet_two_stage`, a flow on pixels at
# {glue:text}`pae.frechet_pixel_flow`, and linear components at {glue:text}`pae.frechet_pca`. The
# difference to the best rival is {glue:text}`pae.frechet_behind_best` standard errors (below zero,
# the PAE is ahead). A flow of the codes mends a VAE as it does an auto-encoder: with a quick one it
# is at {glue:text}`pae.frechet_vae_flow`, and at {glue:text}`pae.frechet_vae_main_flow` with the
# flow of the first chapter, the one that the PAE has.
#
# Among those of the short schedule a plain auto-encoder with a mixture is at
# {glue:text}`pae.frechet_short`, regularised ones with the same mixture at
# {glue:text}`pae.frechet_rae_gp` (gradient penalty) and {glue:text}`pae.frechet_rae_sn` (spectral
# norms), and the talk's variant with a quick flow at {glue:text}`pae.frechet_map`. The annealed
# beta-VAE is at {glue:text}`pae.frechet_beta_vae`, the VAE with a width a pixel at
# {glue:text}`pae.frechet_full_sigma`, both by their priors. After so short a training neither
# penalty of the regularised ones makes a difference beyond the scatter: what counts is the density
# of the codes.
#
# A perceptron tells the PAE's samples from real images {glue:text}`pae.told_apart` of the time:
# they are good, and they are not real images. Their coverage is {glue:text}`pae.coverage`, their
# density {glue:text}`pae.density`. They have not been learned by heart: a share of
# {glue:text}`pae.closer_to_training` is nearer to a training image than to a test image, where
# one half is what a model would have that knows neither better.
#
# ## Reconstructions

# %% tags=["hide-input"]
errors = results.error_column()
nb.figure(
    pictures.bars(errors, x="mean squared error a pixel, test images", log=True),
    "errors",
    caption="Reconstruction error at latent size thirty-two. Rows that share an auto-encoder share "
    "its error.",
    alt="Horizontal bars; that of principal components is the longest.",
)

# %% tags=["hide-input"]
ae_error = networks.spread("ae-d32", lambda m: m["error_test"])
vae_error = networks.spread("vae-d32", lambda m: m["error_test"])
nb.claim(
    "pae.error_pae",
    *ae_error,
    published=0.00642,
    source=f"{PAPER}, latent size 32",
    target="<= 0.00642",
    fmt=".5f",
    description="Mean squared error a pixel of reconstructions, AE and PAE, latent size 32",
)
nb.claim(
    "pae.error_vae",
    *vae_error,
    published=0.00663,
    source=f"{PAPER}, latent size 32",
    target="<= 0.00663",
    fmt=".5f",
    description="Mean squared error a pixel of reconstructions, VAE, latent size 32",
)

# %% tags=["hide-input"]
for kind, published, source in (
    ("ae", 0.00588, "PAE, latent size 40"),
    ("vae", 0.00624, "VAE, latent size 40: 0.00624 to 0.00660"),
):
    nb.claim(
        f"pae.error_{kind}_d40",
        results.metrics(f"{kind}-d40")["error_test"],
        published=published,
        source=f"{PAPER}, {source}",
        target=f"<= {published}",
        fmt=".5f",
        description=f"Mean squared error a pixel of reconstructions, {kind.upper()}, latent size "
        "40, one seed",
    )

# %% tags=["hide-input"]
beta_vae = networks.metrics("sweep-vae-d32-b4")
nb.claim(
    "pae.error_beta_vae",
    beta_vae["error_test"],
    published=0.01288,
    source=f"{PAPER}, latent size 32",
    target="<= 0.01288",
    fmt=".5f",
    description="Mean squared error a pixel of reconstructions, beta-VAE (beta 4), latent size 32",
)
nb.claim(
    "pae.error_pca",
    *errors[ROWS["pca"].title],
    fmt=".5f",
    description="Mean squared error a pixel of reconstructions, 32 principal components",
)

# %% tags=["hide-input"]
nb.claim(
    "pae.benchmark_hours",
    results.cpu_hours() / 2,
    target="<= 3",
    unit="h",
    fmt=".2g",
    description="Processor time of the table, and of all trained networks that it reads, shared by "
    "two cores",
)

# %% [markdown]
# The auto-encoder's error is {glue:text}`pae.error_pae`, the VAE's {glue:text}`pae.error_vae`, and
# that of a beta-VAE of the first chapter {glue:text}`pae.error_beta_vae`; principal components of
# the same number leave {glue:text}`pae.error_pca`. At latent size forty the auto-encoder's is
# {glue:text}`pae.error_ae_d40`, and the VAE's, by the shorter schedule of the first chapter's
# sweeps, {glue:text}`pae.error_vae_d40`.
#
# The whole table, the networks included, takes {glue:text}`pae.benchmark_hours` on two cores.
#
# **How far to trust this.** Errors are standard deviations over three seeds, but for principal
# components, where it is the bootstrap's; of the flow on pixels the further seeds have been
# measured in the first chapter, by the distance only. The short schedule is fair to its rows among
# each other, and to none of them beside the longer ones. The quick flow has a fraction of the
# parameters, and of the epochs, of the flow of the PAE. The distances are not Inception distances,
# and the classifier that makes the features saw the same training images as the models did.
#
# Who has Inception's weights gets the images as arrays, and the distance of the features that they
# made of them, with
#
# ```bash
# python -m mlsci.stages.pae_features images FOLDER
# python -m mlsci.stages.pae_features distance real.npy fake.npy
# ```

# %% tags=["hide-input"]
nb.done()
