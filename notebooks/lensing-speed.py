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
# # What it costs
#
# *A simulation that is run a thousand times, or backwards, should cost seconds. Where does the time
# go, and how much of it can be had back?*
#
# Measured is processor time, the least of three runs, each in a process of its own, by
# `benchmarks/particle_mesh.py`, which anyone can run. "This" is the program of this chapter.

# %% tags=["parameters"]
profile = "full"
seed = 0

# %%
from mlsci import report
from mlsci.lensing import pictures
from mlsci.stages.lensing_speed_results import (
    ORIGINAL,
    ORIGINAL_MEMORY,
    RUNS,
    SpeedResults,
)

nb = report.notebook("lensing-speed", profile=profile, seed=seed)
results = SpeedResults(nb)
print(results.machine)

# %% [markdown]
# ## Whole runs, beside the original

# %% tags=["hide-input"]
nb.figure(
    pictures.bars(results.beside_original(), x="seconds of processor time, one process"),
    "original",
    caption="From the seed to a map of convergence, ten steps, sub-evolved: MADLens, as timed on a "
    "machine of this kind, and this program.",
    alt="Four pairs of horizontal bars on a logarithmic axis; the lower of each pair is shorter by "
    "more than a decade.",
)

# %% tags=["hide-input"]
for name, published in ORIGINAL.items():
    nb.claim(
        f"lensing.cpu_{name.replace('-', '_')}",
        results.run(name)["cpu"],
        published=published,
        source="MADLens 1.0, one process on a machine of this kind",
        unit="s",
        fmt=".3g",
        description=f"Processor time from the seed to a map: {RUNS[name]}",
    )
nb.claim(
    "lensing.times_less_cpu",
    results.times_less("dense"),
    target=">= 12",
    fmt=".1f",
    description=f"Times fewer seconds of processor than the original: {RUNS['dense']}",
)
nb.claim(
    "lensing.times_less_cpu_medium",
    results.times_less("medium"),
    target=">= 12",
    fmt=".1f",
    description=f"Times fewer seconds of processor than the original: {RUNS['medium']}",
)

# %% tags=["hide-input"]
nb.claim(
    "lensing.memory_dense",
    results.memory("dense"),
    published=ORIGINAL_MEMORY,
    source="MADLens 1.0, one process on a machine of this kind, the least of its runs at 128^3",
    unit="GB",
    fmt=".2f",
    description=f"Memory: {RUNS['dense']}",
)
nb.claim(
    "lensing.memory_share",
    results.memory("dense") / ORIGINAL_MEMORY,
    target="<= 0.3334",
    fmt=".2f",
    description=f"Memory over the original's: {RUNS['dense']}",
)
nb.claim(
    "lensing.large_minutes",
    results.run("large")["wall"] / 60,
    target="< 3",
    unit="min",
    fmt=".2f",
    description=f"Time on the clock on two cores: {RUNS['large']}",
)
nb.claim(
    "lensing.large_cpu_minutes",
    results.run("large")["cpu"] / 60,
    unit="min",
    fmt=".2f",
    description=f"Processor time of both ranks: {RUNS['large']}",
)

# %% [markdown]
# The run with 128³ particles that took the original 107 seconds takes
# {glue:text}`lensing.cpu_dense`, {glue:text}`lensing.times_less_cpu` times fewer, in
# {glue:text}`lensing.memory_dense` of memory; sharpened, {glue:text}`lensing.cpu_dense_sharpened`.
# The map of the talk, with 256³ particles, needs {glue:text}`lensing.large_minutes` on two cores,
# of which the program spent {glue:text}`lensing.large_cpu_minutes` of processor time in both
# together. On 64 processes of a supercomputer, 45 to 48 seconds are published
# {cite:p}`boehm2020madlens`.
#
# Where it comes from: boxes are projected only where light is; half of the Fourier transforms are
# saved, since the published gradient of the potential is a finite difference and can be taken on
# the mesh; particles stay in the order of their lattice, so that memory is read in lines; loops
# over them are compiled; and there is no tape, as no derivative is asked for here.
#
# ## One step

# %% tags=["hide-input"]
nb.figure(
    pictures.bars(results.parts(), x="nanoseconds a particle, one core"),
    "parts",
    caption="What a step of the particle mesh spends its time on, by the precision of the mesh, "
    "with eight cells of the mesh for each particle.",
    alt="Groups of two horizontal bars; the two transforms, painting and reading are the longest.",
)

# %% tags=["hide-input"]
nb.claim(
    "lensing.step_over_transforms",
    results.over_transforms(),
    target="<= 2.5",
    fmt=".2f",
    description="A step of the particle mesh over its two Fourier transforms, 128^3 in 256^3",
)
nb.claim(
    "lensing.compilation",
    results.compilation,
    unit="s",
    fmt=".1f",
    description="Compiling everything, the first time only; later runs read it from a cache",
)

# %% [markdown]
# A step costs {glue:text}`lensing.step_over_transforms` times its two transforms, which nothing can
# undercut. Compiling takes {glue:text}`lensing.compilation`, once.
#
# ## Beside JaxPM
#
# JaxPM, the successor of FlowPM {cite:p}`modi2021flowpm`, is a particle mesh that is compiled as a
# whole, and differentiable; like pmwd {cite:p}`li2022pmwd` it is made for graphics processors, on
# which it is far faster. Here both run on the same processor, one after the other, with the same
# particles, mesh, steps and precision.

# %% tags=["hide-input"]
print(results.said_of_jaxpm())
nb.figure(
    pictures.bars(results.beside_jaxpm(), x="seconds for ten steps"),
    "jaxpm",
    caption="Ten steps of the particle mesh alone, after compilation: processor time on one core, "
    "and time on the clock on all, where JaxPM was installed.",
    alt="Pairs of horizontal bars on a logarithmic axis, those of this program shorter.",
)

# %% tags=["hide-input"]
for key, ratio, words in results.over_jaxpm():
    nb.claim(key, ratio, target=">= 2", fmt=".1f", description=words)

# %% [markdown]
# ## On many processes

# %% tags=["hide-input"]
nb.figure(
    pictures.curves(results.scaling(), x="ranks", y="seconds for ten steps", log=True),
    "ranks",
    caption="Time on the clock of ten steps on one, two and four ranks. The machine has two "
    "cores, so four ranks can only show what sharing costs.",
    alt="Two lines that fall a little to two ranks and no further, and a straight one below.",
)

# %% tags=["hide-input"]
nb.claim(
    "lensing.speedup_two_ranks",
    results.speedup(),
    fmt=".2f",
    description="Times as fast on two ranks as on one, by the clock",
)
nb.figure(
    pictures.curves(results.predictions((256, 512, 1024)), x="ranks", y="seconds a step", log=True),
    "prediction",
    caption="What a step should take on a cluster, on paper: this machine's processor, and a "
    "network of 100 Gbit/s for each 64 cores, all of which send at once.",
    alt="Three falling lines, one above the other, on logarithmic axes; the lowest turns up at "
    "the right.",
)

# %% tags=["hide-input"]
nb.claim(
    "lensing.predicted_seconds",
    results.predicted(1024, 1024),
    unit="s",
    fmt=".2f",
    description="A step of 1024^3 particles on 1024 cores, predicted",
)
nb.claim(
    "lensing.predicted_network",
    100 * results.network_share(1024, 1024),
    unit="%",
    fmt=".0f",
    description="Share of the network in it",
)
nb.claim(
    "lensing.predicted_bytes",
    results.traffic(1024, 1024).total / 1e6,
    unit="MB",
    fmt=".0f",
    description="What a rank sends for one force in it",
)

# %% [markdown]
# What a rank must send for one force can be counted: two transforms, the rims of its block, and
# particles that have left it. For 1024³ particles on 1024 cores that is
# {glue:text}`lensing.predicted_bytes`, and a step would take
# {glue:text}`lensing.predicted_seconds`, {glue:text}`lensing.predicted_network` of it waiting for
# the network.
#
# ## How far to trust it
#
# Times of the original are of the same kind of machine, but not of the same run as ours. Processor
# time says little about waiting, and nothing about a better machine. The prediction for a cluster
# is on paper: it knows no jitter, no congestion, and no slow disk.

# %% tags=["hide-input"]
nb.done()
