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
# # The way back
#
# *What would have to change at the beginning for one pixel of the map to change? A million answers
# at once, exact, for the price of three simulations: how?*
#
# Every operation of the simulator has its transpose, written by hand: Fourier transforms, painting
# and reading, exchange between processes, a step in time, sharpening, the crossing of the light
# cone, the lensing kernel. The chain {eq}`eq-vjp` runs through them from the end. Nothing is
# recorded on the way forwards: a leapfrog is its own inverse {cite:p}`li2022pmwd`, so particles go
# back in time with the gradient, through the light cone as well. The gradient is with respect to
# all initial modes, all parameters of the cosmology, and those of the sharpening.
#
# How the power spectrum changes with the cosmology is exact for the analytic transfer function,
# which is evaluated with an imaginary change of each parameter; CAMB's tables are differenced.
# Growth, distances and the factors of kicks and drifts come from differentiated equations that are
# solved together with the equations themselves.

# %% tags=["parameters"]
profile = "full"
seed = 0

# %%
from mlsci import report
from mlsci.lensing import pictures
from mlsci.lensing.adjoint import pictures as more
from mlsci.stages.lensing_gradients_results import (
    JAXPM,
    ORIGINAL,
    ORIGINAL_MEMORY,
    PMWD,
    WORDS,
    GradientResults,
)

nb = report.notebook("grad-derivatives", profile=profile, seed=seed)
results = GradientResults(nb)
print(results.machine)

# %% [markdown]
# ## Exact?
#
# For a linear function $J$ and random vectors, $\langle J v, w \rangle$ and $\langle v, J^\top w
# \rangle$ are one number, computed in two ways.

# %% tags=["hide-input"]
nb.figure(
    pictures.bars(results.dots(), x="relative difference of the two inner products"),
    "dots",
    caption="Dot-product tests of every operation and of whole runs, on one and more processes, "
    "in double precision: the worst over runs with and without sharpening and sub-evolution, with "
    "one and several sources.",
    alt="Groups of horizontal bars on a logarithmic axis, all near the rounding of numbers.",
)

# %% tags=["hide-input"]
for ranks in results.ranks:
    nb.claim(
        f"grad.dot_{ranks}",
        results.worst_dot(ranks),
        target="< 1e-11",
        fmt=".1e",
        description=f"Dot-product tests on {ranks} ranks: the worst of all operations and runs",
    )
nb.claim(
    "grad.reversal_positions",
    results.reversal["positions"],
    target="<= 1e-10",
    fmt=".1e",
    description="Positions after all steps forwards and back: largest error over the box",
)
nb.claim(
    "grad.reversal_momenta",
    results.reversal["momenta"],
    target="<= 1e-10",
    fmt=".1e",
    description="Momenta after all steps forwards and back: largest error over the largest",
)

# %% [markdown]
# The worst of them all, on one process, is {glue:text}`grad.dot_1`. After all steps forwards and
# back, particles are where they began to {glue:text}`grad.reversal_positions` of the box.
#
# Both directions could still be wrong together. So the gradient is held against differences of runs
# that are moved along a direction, by steps of all lengths.

# %% tags=["hide-input"]
nb.figure(
    more.plateaus(results.plateaus(), y="error of the difference", allowed=1e-6),
    "plateaus",
    caption="Central differences of a small run's maps against its exact change, over the length "
    "of the step. To the left they are lost in rounding; to the right particles run over the "
    "edges of cells, pixels and boxes, where a map is not smooth.",
    alt="Curves on logarithmic axes that fall to a billionth at a hundred-thousandth, and jump "
    "up; two dashed ones are higher and ragged.",
)

# %% tags=["hide-input"]
for way in results.ways:
    modes = way not in ("omega_m", "sigma8", "n_s", "h", "w0")
    nb.claim(
        f"grad.difference_{way.replace(',', '').replace(' ', '_')}",
        results.least_difference(way),
        target="<= 1e-6" if modes else "<= 1e-5",
        fmt=".1e",
        description=f"Least error of differences along the direction: {way}",
    )
nb.claim(
    "grad.difference_long",
    results.long_difference("initial modes"),
    fmt=".1e",
    description="Error of the longest difference along initial modes",
)

# %% [markdown]
# On its plateau, a difference along the initial modes agrees with the gradient to
# {glue:text}`grad.difference_initial_modes`; along $\Omega_m$ to
# {glue:text}`grad.difference_omega_m`. The longest step is off by
# {glue:text}`grad.difference_long`: whoever tests a gradient of particles with steps like that will
# believe it wrong.
#
# ## What it costs

# %% tags=["hide-input"]
nb.figure(
    pictures.bars(results.beside_original(), x="seconds of processor time, one process"),
    "cost",
    caption="A run and its gradient, to be compared with a run of MADLens and its vector-Jacobian "
    "product on a machine of this kind; at 128³ that does not fit into memory, and is an "
    "estimate.",
    alt="Groups of three horizontal bars on a logarithmic axis, the first of each the longest by "
    "far.",
)

# %% tags=["hide-input"]
for name, published in ORIGINAL.items():
    estimated = ", an estimate" if name == "128" else ""
    nb.claim(
        f"grad.cpu_{name}",
        results.run(name)["cpu"],
        published=published,
        source=f"MADLens 1.0, one process on a machine of this kind{estimated}",
        unit="s",
        fmt=".3g",
        description=f"Processor time of a run and its gradient: {WORDS[name]}",
    )
    nb.claim(
        f"grad.times_less_cpu_{name}",
        published / results.run(name)["cpu"],
        target=">= 7",
        fmt=".1f",
        description=f"Times fewer seconds of processor than the original: {WORDS[name]}",
    )
for name in ("64", "64-f8", "64-sharpened", "96", "128"):
    nb.claim(
        f"grad.over_run_{name.replace('-', '_')}",
        results.ratio(name),
        target="<= 3.5",
        fmt=".2f",
        description=f"Time of a gradient with its run, over that of the run: {WORDS[name]}",
    )

# %% [markdown]
# With its run, a gradient takes {glue:text}`grad.over_run_128` times as long as the run alone at
# 128³, {glue:text}`grad.over_run_64` at 64³. No tape can do that: each step back needs the force
# again, and its transpose, four Fourier transforms where a step forwards has two.

# %% tags=["hide-input"]
nb.figure(
    pictures.bars(results.memories(), x="GB"),
    "memory",
    caption="Memory of a gradient, the program itself included: 40 scale factors need what 11 "
    "need.",
    alt="Pairs of horizontal bars on a logarithmic axis; where there are two, the upper is ten "
    "times longer or more.",
)

# %% tags=["hide-input"]
for name, published in ORIGINAL_MEMORY.items():
    estimated = ", the lower end of an estimate" if name == "128" else ""
    nb.claim(
        f"grad.memory_{name}",
        results.memory(name),
        published=published,
        source=f"MADLens 1.0, one process on a machine of this kind{estimated}",
        unit="GB",
        fmt=".2f",
        description=f"Memory of a gradient: {WORDS[name]}",
    )
    nb.claim(
        f"grad.times_less_memory_{name}",
        published / results.memory(name),
        target=">= 20",
        fmt=".1f",
        description=f"Times less memory than the original: {WORDS[name]}",
    )
    nb.claim(
        f"grad.times_less_above_{name}",
        published / results.memory_above(name),
        fmt=".0f",
        description=f"The same, without what the program takes before it has particles: "
        f"{WORDS[name]}",
    )
nb.claim(
    "grad.memory_program",
    results.program("64"),
    unit="GB",
    fmt=".2f",
    description="Memory of the program before it has particles: Python, packages, compiled loops",
)
nb.claim(
    "grad.times_less_program",
    ORIGINAL_MEMORY["64"] / results.program("64"),
    fmt=".1f",
    description="Times less memory than the original that the program alone is: 64³ in 256 Mpc/h",
)

# %% tags=["hide-input"]
nb.claim(
    "grad.memory_of_steps",
    results.memory("64-40") / results.memory("64"),
    target="<= 1.02",
    fmt=".3f",
    description="Memory of a gradient through 40 scale factors over that through 11",
)
nb.claim(
    "grad.memory_256",
    results.memory("256") / 1.073741824,
    target="<= 24",
    unit="GiB",
    fmt=".2f",
    description="Memory of a gradient of 256^3 particles; it does not depend on the steps, 2 here",
)

# %% [markdown]
# Memory does not grow with the number of steps ({glue:text}`grad.memory_of_steps`), and 256³
# particles take {glue:text}`grad.memory_256`. Steps back work in place: beside particles, momenta
# and their cotangents there is no further array of their size, only a mesh and its transform.
#
# The goal was twenty times less than the original. It is {glue:text}`grad.times_less_memory_128`
# times less at 128³, {glue:text}`grad.times_less_memory_96` at 96³, but only
# {glue:text}`grad.times_less_memory_64` at 64³. The program takes
# {glue:text}`grad.memory_program` before it has a single particle: Python and its packages, and
# most of all the compiler of its loops. That alone is {glue:text}`grad.times_less_program` times
# less than the original, so at 64³ the goal is out of reach of this program. What the gradient adds
# to it is {glue:text}`grad.times_less_above_64` times less.
#
# ### Beside other differentiable particle meshes
#
# Steps alone, from positions to the gradient with respect to them, without initial conditions, maps
# or cosmology. pmwd's figures are published ones of a processor like this; JaxPM runs here where it
# is installed.

# %% tags=["hide-input"]
large, small = results.steps(results.largest_side), results.steps()
nb.claim(
    "grad.steps_over_pmwd",
    PMWD["cpu"] / large["cpu"],
    target=">= 2",
    fmt=".1f",
    description="Times as fast as pmwd: steps of 128^3 particles and their gradient",
)
nb.claim(
    "grad.steps_memory_over_pmwd",
    large["memory_mb"] / 1e3 / PMWD["memory"],
    target="<= 0.3334",
    fmt=".2f",
    description="Memory over that of pmwd: steps of 128^3 particles and their gradient",
)
theirs = results.steps(of="jaxpm") or {"cpu": JAXPM["cpu"], "memory_mb": 1e3 * JAXPM["memory"]}
print("JaxPM was measured here" if results.steps(of="jaxpm") else "JaxPM: figures of another day")
nb.claim(
    "grad.steps_over_jaxpm",
    theirs["cpu"] / small["cpu"],
    target=">= 2",
    fmt=".1f",
    description="Times as fast as JaxPM: steps of 64^3 particles and their gradient",
)
nb.claim(
    "grad.steps_memory_over_jaxpm",
    small["memory_mb"] / theirs["memory_mb"],
    target="<= 0.3334",
    fmt=".2f",
    description="Memory over that of JaxPM: steps of 64^3 particles and their gradient",
)

# %% [markdown]
# That is {glue:text}`grad.steps_over_jaxpm` times as fast as JaxPM, and
# {glue:text}`grad.steps_over_pmwd` times as fast as pmwd, on a processor: both are made for others.
#
# ## Forecasts without differences
#
# What will maps tell of the cosmology? The answer is in the slopes of what is measured, here of
# spectra, with parameters. From differences of runs they depend on the length of the step; exact
# ones have none.

# %% tags=["hide-input"]
nb.figure(
    more.plateaus(results.difference_errors(), y="error of slopes"),
    "slopes",
    caption="Slopes of spectra from differences of the same runs, against the exact ones. With "
    "the cosmology, particles move over the edges of pixels and boxes. One that is near weighs "
    "much, and spoils a short step as well as a long one, if it crosses.",
    alt="Two curves over the length of the step: a few per cent at long steps, a high peak at a "
    "short one, far less at the shortest.",
)

# %% tags=["hide-input"]
exact = results.forecast()
for i, name in enumerate(results.parameters):
    nb.claim(
        f"grad.forecast_{name}",
        exact[i, i] ** 0.5,
        fmt=".3g",
        description=f"Forecast of the error of {name}, other parameters free, from exact slopes",
    )
    ratios = results.differenced_forecasts(i)
    nb.claim(
        f"grad.forecast_least_{name}",
        min(ratios),
        fmt=".3f",
        description=f"The least forecast for {name} from differences, over the exact",
    )
    nb.claim(
        f"grad.forecast_most_{name}",
        max(ratios),
        fmt=".3f",
        description=f"The largest forecast for {name} from differences, over the exact",
    )

# %% [markdown]
# One field of 36 square degrees, one plane of sources, Gaussian modes with noise: the errors of
# $\Omega_m$ and $\sigma_8$ would be {glue:text}`grad.forecast_omega_m` and
# {glue:text}`grad.forecast_sigma8`, which are large because the two are hard to tell apart. By
# differences, the first comes out between {glue:text}`grad.forecast_least_omega_m` and
# {glue:text}`grad.forecast_most_omega_m` times that, depending on the step.
#
# The same slopes *compress*: of all bands only as many numbers are kept as there are parameters,
# the score, which loses nothing to first order (Alsing and Wandelt 2018, arXiv:1712.00012). Tried
# on maps of another universe:

# %% tags=["hide-input"]
scores = results.scores()
nb.figure(
    more.ellipses(
        {"forecast": exact},
        scores,
        results.truth,
        (r"$\Delta\Omega_m$", r"$\Delta\sigma_8$"),
    ),
    "scores",
    caption="Each point is a noisy map of another universe, compressed to two numbers; the "
    "ellipses should hold 68% and 95% of them.",
    alt="A cloud of points along a narrow tilted ellipse, with a cross in it.",
)

# %% tags=["hide-input"]
spread = scores.std(0, ddof=1)
for i, name in enumerate(results.parameters):
    nb.claim(
        f"grad.score_{name}",
        scores[:, i].mean() - results.truth[i],
        spread[i] / len(scores) ** 0.5,
        fmt=".3f",
        description=f"Mean of compressed maps less the truth: {name}",
    )
    nb.claim(
        f"grad.score_spread_{name}",
        spread[i] / exact[i, i] ** 0.5,
        spread[i] / exact[i, i] ** 0.5 / (2 * len(scores)) ** 0.5,
        fmt=".2f",
        description=f"Scatter of compressed maps over the forecast: {name}",
    )

# %% [markdown]
# They scatter {glue:text}`grad.score_spread_omega_m` times as much as was forecast for Gaussian
# modes.
#
# ## Sharpening for a mesh that nobody has calibrated
#
# Parameters of the sharpening are published for some meshes. For particles 4 Mpc/h apart there are
# none. A gradient has the derivatives with all four at once, so they are fitted to the spectra of
# runs with eight times as many particles and the same initial conditions.

# %% tags=["hide-input"]
nb.figure(
    pictures.ratios(
        results.fit["ell"],
        results.fitted_ratios(),
        y="over runs with 8 times the particles",
        limits=(0.5, 1.3),
    ),
    "fitted",
    caption="Spectra without shot noise, of universes that the fit has not seen, over those of "
    "finer runs of the same ones.",
    alt="Three lines over multipoles; one falls to a half, the fitted one stays near one.",
)

# %% tags=["hide-input"]
trace = results.fit["trace"]
nb.claim(
    "grad.fit_gain",
    trace[0] / trace[-1],
    fmt=".1f",
    description="Mismatch of spectra before the fit over that after it",
)
for name, words in (("none", "not sharpened"), ("fitted", "sharpened as fitted")):
    nb.claim(
        f"grad.fit_deviation_{name}",
        results.fitted_deviation(name),
        unit="%",
        fmt=".1f",
        description=f"Rms deviation of spectra from those of finer runs, unseen universes: {words}",
    )

# %% [markdown]
# The mismatch falls by {glue:text}`grad.fit_gain`; in new universes, the deviation from finer runs
# goes from {glue:text}`grad.fit_deviation_none` to {glue:text}`grad.fit_deviation_fitted`.
#
# ## How far to trust it
#
# A gradient is exact for *this* map: of the mass that is counted, in the box where it is counted.
# When a particle crosses from one box of the light cone into the next, it appears elsewhere, and no
# derivative of one map knows of that. Times of the original are of the same kind of machine, not of
# the same run. The forecast takes the modes of a spectrum to be Gaussian and independent.

# %% tags=["hide-input"]
nb.done()
