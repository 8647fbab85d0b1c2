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
# # From a map back to the beginning
#
# *A noisy map with holes in it: which initial conditions, and which universe, may have made it?*
#
# There are as many unknowns as initial modes, and far fewer pixels. Bayes' rule is not afraid of
# that: what the map does not tell stays as uncertain as it was. With white noise of unit variance
# for the modes $z$, and priors for $\Omega_m$ and $\sigma_8$,
#
# $$
# \ln p(z, \theta \mid d) = -\frac{|z|^2}{2} + \ln p(\theta)
#     - \sum_{\text{seen}} \frac{(d - \kappa(z, \theta))^2}{2\sigma^2} ,
# $$
#
# and the gradient of the simulator takes one to its maximum (L-BFGS), and around it, by Hamiltonian
# Monte Carlo. The simulator is an operation of TensorFlow with a gradient of its own, and the
# sampler is TensorFlow Probability's.
#
# Two lessons had to be learned first. Matter that is near is seen as a few single particles, and a
# small change of the initial modes moves those over many pixels; so the nearest part of the light
# cone, which hardly lenses, is left out. And where the light cone goes from one box to the next, a
# particle that leaves the first comes back somewhere else, of which no gradient knows: in a stack
# of boxes the posterior is so rough that most proposals are refused. So here one large box reaches
# from the observer to the sources.
#
# The sampler takes the prior at its word. Its motion under the Gaussian prior alone is a rotation,
# which is followed exactly, and only the likelihood pushes: the length of a step then does not
# depend on how many modes there are that the data do not tell of, which is nearly all.

# %% tags=["parameters"]
profile = "full"
seed = 0

# %%
from mlsci import report
from mlsci.lensing import pictures
from mlsci.lensing.adjoint import pictures as more
from mlsci.stages.lensing_gradients_results import FieldResults

nb = report.notebook("grad-inference", profile=profile, seed=seed)
results = FieldResults(nb)
settings = results.settings
print(f"{settings['particles']}^3 initial modes, {settings['pixels']}^2 pixels")

# %% [markdown]
# ## One map

# %% tags=["hide-input"]
nb.figure(
    more.fields(results.pictures(), settings["degrees"]),
    "maps",
    caption="The true map, what was observed of it, the map of the most probable initial "
    "conditions, and the mean over draws from the posterior. Grey is masked.",
    alt="Four square maps; the second is noisy with two grey holes, the last two are fainter "
    "versions of the first.",
)

# %% tags=["hide-input"]
nb.figure(
    pictures.curves(
        results.agreement_of_maps(), x=r"multipole $\ell$", y="correlation with the true map"
    ),
    "agreement",
    caption="How well maps agree with the true one, by scale, holes included.",
    alt="Two lines that begin high and fall, unsteadily, towards small scales.",
)

# %% tags=["hide-input"]
nb.claim(
    "grad.map_agrees",
    results.correlation("mean"),
    fmt=".2f",
    description="Correlation of the mean map of draws with the true map, masked pixels included",
)
nb.figure(
    pictures.curves(
        results.agreement_of_modes(), x="wave number in h/Mpc", y="correlation with true modes"
    ),
    "modes",
    caption="How well the initial modes themselves are found, by scale.",
    alt="Two lines, small everywhere.",
)

# %% [markdown]
# The map of the mean agrees with the true one to {glue:text}`grad.map_agrees`. The modes in three
# dimensions are another matter: a map has one number where the line of sight has dozens, so most of
# them are hardly known. Only their sum along the line of sight is.
#
# The cosmology was free as well; here is where the chain took it.

# %% tags=["hide-input"]
nb.figure(
    more.traces(results.values, results.found["truth"], (r"$\Omega_m$", r"$\sigma_8$")),
    "parameters",
    caption="The cosmology, draw after draw after a short burn-in; dashed, the truth.",
    alt="Two panels with a line that goes up and down, and a dashed one across.",
)

# %% tags=["hide-input"]
nb.claim(
    "grad.acceptance_joint",
    results.found["acceptance"],
    target="> 0.6",
    fmt=".2f",
    description=f"Acceptance of Hamiltonian Monte Carlo: {settings['particles']}^3 modes and the "
    f"cosmology",
)
nb.claim(
    "grad.draws_per_gradient_joint",
    results.draws_per_gradient_jointly(),
    fmt=".3f",
    description="Effective draws a gradient, median over large-scale modes and the cosmology",
)

# %% [markdown]
# The sampler accepts {glue:text}`grad.acceptance_joint` of its proposals, and a gradient is worth
# {glue:text}`grad.draws_per_gradient_joint` independent draws. The chain is short: it shows that it
# works, and roughly where the posterior is.
#
# ## Are the errors honest?
#
# More maps, each of a universe drawn from the prior, each explained in the same way with the
# cosmology held fixed. Truths should be inside a 95% interval in 95% of all cases, and likewise for
# all others. Chains are short, so intervals are those of Student's distribution for as many draws
# as they are worth.

# %% tags=["hide-input"]
print(f"{len(results.sets)} maps of {results.side}^3 initial modes")
nb.figure(
    pictures.curves(
        results.calibration(), x="what intervals should hold", y="share of truths they hold"
    ),
    "calibration",
    caption="Calibration over all maps: the share of truths inside intervals, for large-scale "
    "modes and for pixels of the map without noise, masked ones included.",
    alt="Three lines close to each other along a diagonal, two of them slightly below.",
)

# %% tags=["hide-input"]
nb.claim(
    "grad.coverage_modes",
    results.inside("modes")[-1],
    results.spread_of_sets("modes"),
    target=">= 0.9",
    fmt=".3f",
    description=f"Large-scale modes inside 95% intervals, over {len(results.sets)} maps of "
    f"{results.side}^3 modes",
)
nb.claim(
    "grad.coverage_pixels",
    results.inside("pixels")[-1],
    results.spread_of_sets("pixels"),
    fmt=".3f",
    description="Pixels of maps without noise inside 95% intervals",
)
nb.claim(
    "grad.acceptance",
    results.acceptance(),
    target="> 0.6",
    fmt=".2f",
    description=f"Acceptance of Hamiltonian Monte Carlo: {results.side}^3 modes, mean over maps",
)
nb.claim(
    "grad.draws_per_gradient",
    results.draws_per_gradient(),
    fmt=".3f",
    description="Effective draws a gradient, median over large-scale modes, cosmology held fixed",
)
nb.claim(
    "grad.least_deviation",
    results.learned("modes"),
    fmt=".2f",
    description="Least deviation of a large-scale mode in draws, median over maps; 1 before the "
    "data",
)

# %% [markdown]
# Of large-scale modes {glue:text}`grad.coverage_modes` are inside, of pixels
# {glue:text}`grad.coverage_pixels`, where the goal was nine of ten; the sampler accepts
# {glue:text}`grad.acceptance` of its proposals, and a gradient is worth
# {glue:text}`grad.draws_per_gradient` draws.
#
# ## How far to trust it
#
# Data were made by the very simulator that explains them: real ones are not. Its steps are few and
# its mesh is coarse. Most single modes are hardly constrained by one map, and easy to cover; the
# pixels are the harder test. A deeper light cone takes either more boxes, which make the posterior
# rough, or one so large that its particles are coarser than the pixels. And chains are short.

# %% tags=["hide-input"]
nb.done()
