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
# # Against theory
#
# *Eleven steps on a coarse mesh, in a small box that is used again and again: which scales of the
# map can one believe?*
#
# The ruler is the spectrum by Limber's integral {eq}`eq-limber`, with the matter power of halofit
# {cite:p}`takahashi2012halofit` and of HMcode {cite:p}`mead2021hmcode`, which differ by some per
# cent themselves. Maps of several seeds give a mean and its error. Particles add shot noise, white
# at small scales; it is estimated from the masses that were drawn, told apart, and subtracted.

# %% tags=["parameters"]
profile = "full"
seed = 0

# %%
from mlsci import report
from mlsci.lensing import pictures
from mlsci.stages.lensing_results import (
    FINE,
    MODELS,
    ORIGINAL,
    THEORY,
    LensingResults,
    theory_spectrum,
)

nb = report.notebook("lensing-accuracy", profile=profile, seed=seed)
results = LensingResults(nb)
fine, coarse = results.seeds(*FINE), results.seeds("seeds-sharpened")
controlled = results.controlled()
surrogates = len(controlled.twins) + len(controlled.others)
print(f"{len(fine.power)} seeds of {fine.settings.particles}^3 particles, sources at z = 1")
print(f"{surrogates} seeds of coarser surrogates")

# %% [markdown]
# ## Is the ruler straight?
#
# Three public programs agree on halofit's spectrum for this cosmology. So must the one used here.

# %% tags=["hide-input"]
for ell, value in zip(THEORY, theory_spectrum(list(THEORY))):
    nb.claim(
        f"lensing.theory_{ell}",
        value,
        published=THEORY[ell],
        source="CAMB, CCL and CLASS, halofit of Takahashi et al. 2012",
        fmt=".3g",
        description=f"Limber's spectrum of convergence at ell = {ell}, sources at z = 1",
    )

# %% [markdown]
# And a field whose spectrum is known exactly: weak Gaussian waves, which grow linearly, through the
# same light cone. Each field is also summed wave by wave at every pixel and depth, without
# particles. That sum scatters as the measured map does, and its mean is known, so only what the two
# differ by has to be averaged over seeds.

# %% tags=["hide-input"]
nb.figure(
    pictures.ratios(
        results.linear["ell"], results.linear_ratios(), y="measured / predicted", limits=(0.9, 1.1)
    ),
    "linear",
    caption="Spectra of weak fields over Limber's integral, in boxes of the runs below and in "
    "one that holds all lenses, and over the exact prediction for boxes that hold discrete waves "
    "and are cut where they meet. Bands are one standard error.",
    alt="Three curves with bands over multipoles; one lies a few per cent low, two along one.",
)

# %% tags=["hide-input"]
nb.claim(
    "lensing.linear_deviation",
    *results.linear_deviation(),
    target="<= 1",
    unit="%",
    fmt=".2f",
    description="Weak fields through the light cone: mean deviation from the prediction for boxes",
)
for size, large in {"": False, "_large": True}.items():
    box = results.linear["fields"][int(large)]["box"]
    nb.claim(
        f"lensing.linear_deviation_limber{size}",
        *results.linear_deviation("limber", large=large),
        target="<= 1",
        unit="%",
        fmt=".2f",
        description=f"Weak fields through a light cone of boxes of {box:.0f} Mpc/h: mean deviation "
        f"from Limber's integral",
    )

# %% [markdown]
# Against what it should be *in such boxes*, the light cone is right to
# {glue:text}`lensing.linear_deviation`. Against Limber's integral it is off by
# {glue:text}`lensing.linear_deviation_limber`: waves longer than the box are missing, and those
# that a box cuts lose power across the line of sight. It is a property of boxes, not an error of
# the projection, and larger boxes mend it: in one that holds all of these lenses the deviation is
# {glue:text}`lensing.linear_deviation_limber_large`.
#
# ## The spectrum

# %% tags=["hide-input"]
mean, error = fine.mean()
nb.figure(
    pictures.spectra(
        fine.ell,
        {"maps, mean and error": (mean, error)},
        {
            **{MODELS[model]: power for model, power in fine.theory.items()},
            "shot noise, subtracted": fine.shot.mean() + 0 * fine.ell,
        },
    ),
    "spectrum",
    caption="Spectrum of convergence for sources at redshift 1, sharpened and sub-evolved, with "
    "the error of the mean over seeds, and two theories.",
    alt="Points on two almost coinciding curves over two decades of multipoles, rising, then "
    "levelling off; a dotted line of noise crosses from below at the right.",
)

# %% [markdown]
# ### Chance, and how to be rid of most of it
#
# A field of six degrees, filled by one box again and again, scatters: the error of the mean of a
# few seeds is larger than what is to be found. Coarse runs of the *same* seeds have the same
# clusters at the same places, and cost a fifteenth. By how much the coarse twins of the few seeds
# are off the mean of very many coarse runs is therefore chance, and the fine mean is corrected by
# it: a control variate, as {cite:t}`chartier2021carpool` use for simulations. With $y$ for fine
# runs, $c$ for their twins, $\mu$ for the mean of the other coarse runs,
#
# $$
# \hat y = \bar y - \beta \, (\bar c - \mu),
# $$
#
# where $\beta$ is the slope of the regression of $y$ on $c$, band by band. It does not matter that
# coarse runs lack power, only that they err together. The error is found by leaving out one pair at
# a time, slope and all, and adding that of $\mu$.

# %% tags=["hide-input"]
nb.figure(
    pictures.ratios(
        fine.ell,
        {
            **{f"over {name}": controlled.ratio(model) for model, name in MODELS.items()},
            "over halofit, plain mean": fine.ratio(),
            "plain, with shot noise": fine.ratio(noisy=True),
            "plain, leapfrog and published sharpening": results.published_ratio(),
        },
        y="maps / theory",
        allowed=[(300, 2000, 0.05), (2000, 5000, 0.1)],
        limits=(0.6, 1.4),
    ),
    "ratio",
    caption="The same over theory: the mean controlled by surrogates, and the plain one. Grey "
    "boxes are the goals: five per cent to $\\ell = 2000$, ten to 5000. With the leapfrog and the "
    "published sharpening only one seed was run; its change of that seed is put on the mean.",
    alt="Curves with bands near one, within grey boxes at first, falling or rising at the right "
    "end; the bands of two of them are narrow.",
)

# %% tags=["hide-input"]
for model, name in MODELS.items():
    for low, high, target in ((300, 2000, "<= 5"), (2000, 5000, "<= 10"), (5000, 10000, None)):
        nb.claim(
            f"lensing.controlled_deviation_{high}_{model}",
            *controlled.worst(model, low, high),
            target=target,
            unit="%",
            fmt=".1f",
            description=f"Largest deviation of a band from {name}, {low} < ell < {high}, z = 1: "
            "chance controlled by surrogates",
        )
        nb.claim(
            f"lensing.controlled_excess_{high}_{model}",
            *controlled.excess(model, low, high),
            unit="%",
            fmt=".1f",
            description=f"Mean excess over {name} of all waves, {low} < ell < {high}, z = 1: "
            "chance controlled by surrogates",
        )

# %% tags=["hide-input"]
for model, name in MODELS.items():
    for low, high, target in ((300, 2000, "<= 5"), (2000, 5000, "<= 10"), (5000, 10000, None)):
        nb.claim(
            f"lensing.deviation_{high}_{model}",
            *fine.worst(model, low, high),
            target=target,
            unit="%",
            fmt=".1f",
            description=f"Largest deviation of a band from {name}, {low} < ell < {high}, z = 1: "
            "plain mean of seeds",
        )
        nb.claim(
            f"lensing.excess_{high}_{model}",
            *fine.excess(model, low, high),
            unit="%",
            fmt=".1f",
            description=f"Mean excess over {name} of all waves, {low} < ell < {high}, z = 1: "
            "plain mean of seeds",
        )

# %% [markdown]
# So controlled, the largest deviation of any band up to $\ell = 2000$ is
# {glue:text}`lensing.controlled_deviation_2000_takahashi` from halofit and
# {glue:text}`lensing.controlled_deviation_2000_mead2020` from HMcode; up to 5000 it is
# {glue:text}`lensing.controlled_deviation_5000_takahashi` and
# {glue:text}`lensing.controlled_deviation_5000_mead2020`; up to ten thousand,
# {glue:text}`lensing.controlled_deviation_10000_takahashi` and
# {glue:text}`lensing.controlled_deviation_10000_mead2020`. Errors are those of that band, and the
# largest of several deviations is large by chance already. The two theories differ by nearly as
# much as the goal is wide: maps can agree with both only if they lie between them. Counted over
# all waves of a range, the excess is {glue:text}`lensing.controlled_excess_2000_takahashi` over
# halofit and {glue:text}`lensing.controlled_excess_2000_mead2020` over HMcode up to
# $\ell = 2000$, then {glue:text}`lensing.controlled_excess_5000_takahashi` and
# {glue:text}`lensing.controlled_excess_5000_mead2020` up to 5000. Where a
# cluster is so near that the fine map resolves its core and the twin does not, chance is left, and
# more surrogates do not lessen it.
#
# The plain mean of the same maps says less: {glue:text}`lensing.deviation_2000_takahashi` and
# {glue:text}`lensing.deviation_2000_mead2020` up to $\ell = 2000$,
# {glue:text}`lensing.deviation_5000_takahashi` and {glue:text}`lensing.deviation_5000_mead2020` up
# to 5000, with an excess of {glue:text}`lensing.excess_2000_takahashi` and
# {glue:text}`lensing.excess_2000_mead2020`, then {glue:text}`lensing.excess_5000_takahashi` and
# {glue:text}`lensing.excess_5000_mead2020`. Bands go up and down together there, as the same few
# clusters are in all of them. Beyond 5000 the maps lack power,
# {glue:text}`lensing.controlled_excess_10000_takahashi`: the mesh and few steps make haloes too
# wide, and four numbers of sharpening do not mend that.
#
# ## Where the rest comes from

# %% tags=["hide-input"]
nb.figure(
    pictures.budget(fine.ell, results.budget(fine)),
    "budget",
    caption="How much each choice changes the spectrum, as a share of it: chance, particles, the "
    "theory itself, boxes (estimated), the number of steps, sub-evolution, and particles twice as "
    "far apart, by the leapfrog. Thin lines are five and ten per cent.",
    alt="Seven lines over multipoles on logarithmic axes; some fall and some rise to the right, "
    "where shot noise is the highest.",
)

# %% [markdown]
# At large scales it is chance and the boxes, at small ones the mesh and the particles. Halofit and
# HMcode differ from each other by several per cent, which is as well as the maps can be judged.
#
# ## Sharpening, published and fitted

# %% tags=["hide-input"]
wave_numbers, powers = results.matter_power()
nb.figure(
    pictures.ratios(
        wave_numbers, powers, y="matter power / theory", limits=(0.4, 1.3), x="wave number in h/Mpc"
    ),
    "sharpening",
    caption="Power of matter as the light cone sees it half-way to the sources, over the mean of "
    "halofit and HMcode: as simulated by BullFrog, with the published parameters of sharpening, "
    "which are for the leapfrog, and with ones fitted to this program.",
    alt="Three curves: one falls early, one rises out of the picture, one stays near the line and "
    "falls late.",
)

# %% [markdown]
# What a mesh lacks depends on the program that it is in, so the four numbers of {eq}`eq-pgd` are
# fitted again, to the power which the light cone of *this* program sees, half-way between the two
# theories. Four numbers cannot bring all waves to theory: deviations weigh by what is allowed to
# maps, less for waves that are seen beyond $\ell = 2000$ and hardly beyond 5000. No map is looked
# at for it. The fit has no use for the cut at small scales: $k_s$ ends far beyond the mesh.
#
# ## Each correction, each distance

# %% tags=["hide-input"]
ell = results.variant("maps-raw", 1)[0]
nb.figure(
    pictures.ratios(ell, results.by_correction(), y="map / halofit", limits=(0.3, 1.5)),
    "corrections",
    caption="One seed, sources at redshift 1, with neither correction, with sub-evolution, and "
    "with both.",
    alt="Three lines over multipoles; two fall together to the right, the third stays near one.",
)

# %% tags=["hide-input"]
nb.figure(
    pictures.ratios(ell, results.by_redshift(), y="map / halofit", limits=(0.3, 1.7)),
    "redshifts",
    caption="The same seed, both corrections, by the distance of the sources; bands are the error "
    "of one map with Gaussian waves. Near sources see small structures under large angles: there "
    "the mesh shows at smaller multipoles.",
    alt="Four lines with bands near one that fall away at the right, the nearest source first.",
)

# %% [markdown]
# ## Resolution, beside the original

# %% tags=["hide-input"]
plain = results.seeds("seeds-evolved")
nb.figure(
    pictures.ratios(
        coarse.ell,
        {"128³, sub-evolved": plain.ratio(noisy=True), "and sharpened": coarse.ratio(noisy=True)},
        y="maps / halofit, with shot noise",
        limits=(0.4, 1.8),
        points={
            "original, one seed": (list(ORIGINAL["evolved"]), list(ORIGINAL["evolved"].values())),
            "and sharpened, one seed": (
                list(ORIGINAL["sharpened"]),
                list(ORIGINAL["sharpened"].values()),
            ),
        },
    ),
    "coarse",
    caption="Particles twice as far apart, leapfrog and published sharpening, means over seeds, "
    "with their shot noise; and the original in the same configuration, one seed (crosses).",
    alt="Two curves with bands, one falling to the right and then rising, one above; crosses and "
    "plusses near them.",
)

# %% tags=["hide-input"]
for name, seeds in (("evolved", plain), ("sharpened", coarse)):
    for at, value in ORIGINAL[name].items():
        nb.claim(
            f"lensing.coarse_{name}_{at}",
            *seeds.at(at, noisy=True),
            published=value,
            source="MADLens 1.0, 128^3 particles in 256 Mpc/h, one seed",
            fmt=".2f",
            description=f"128^3, {name}: spectrum with its shot noise over halofit, ell = {at}",
        )

# %% [markdown]
# Without sharpening, a mesh of this coarseness lacks a third of the power at $\ell = 2731$:
# {glue:text}`lensing.coarse_evolved_2731`; with it, {glue:text}`lensing.coarse_sharpened_2731`.
#
# ## Ten forces or forty
#
# FastPM's leapfrog is exact to first order of perturbation theory. BullFrog
# {cite:p}`rampf2025bullfrog`, which a run can choose instead, is exact to second order, so that its
# early steps can be longer than the late ones. It tells the velocities at both ends of a step, so
# that the light cone meets particles on a parabola through them, where it has a straight line of
# the leapfrog's. What is dear of either is the force, and the same number is given to both.

# %% tags=["hide-input"]
resolution = {"": "128³", "_fine": "256³"}
stage = {"": "steps", "_fine": "steps-fine"}
few = {
    (name, end): results.steps(stage[end], name)
    for name in ("leapfrog", "bullfrog")
    for end in resolution
}
more = results.steps(stage["_fine"], "bullfrog, more")
forces, many = few["leapfrog", ""].forces
label = {"leapfrog": "leapfrog", "bullfrog": "BullFrog"}
nb.figure(
    pictures.ratios(
        more.ell,
        {f"{label[name]}, {resolution[end]}": one.correlation() for (name, end), one in few.items()}
        | {f"BullFrog, 256³, {more.forces[0]} forces": more.correlation()},
        y=f"correlation with maps of {many} forces",
        limits=(0.9, 1.005),
        allowed=[(300, 2000, 0.01)],
    ),
    "steps",
    caption=f"Correlation of maps of {forces} forces with those of {many} of the leapfrog, and of "
    f"{more.forces[0]}: same initial conditions, no sharpening; means over "
    f"{len(more.few)} seeds at the full resolution and {len(few['leapfrog', ''].few)} at half of "
    "it, with their errors. The grey box is the goal.",
    alt="Lines that fall from one with the multipole; BullFrog's stay above the leapfrog's.",
)

# %% tags=["hide-input"]
nb.figure(
    pictures.ratios(
        more.ell,
        {f"{label[name]}, {resolution[end]}": one.ratio() for (name, end), one in few.items()}
        | {f"BullFrog, 256³, {more.forces[0]} forces": more.ratio()},
        y=f"spectrum over that of {many} forces",
        limits=(0.8, 1.05),
    ),
    "steps-power",
    caption="Spectra of the same maps. Few steps make haloes too wide; the sharpening is there to "
    "mend that.",
    alt="Lines by resolution and integrator; the leapfrog's at the full one falls lowest.",
)

# %% tags=["hide-input"]
for (name, end), one in few.items():
    start = "lensing.steps" if name == "leapfrog" else "lensing.bullfrog"
    nb.claim(
        f"{start}_correlation{end}",
        *one.least(),
        target=">= 0.99",
        fmt=".4f",
        description=f"Least correlation of maps of {forces} forces of the {label[name]} with those "
        f"of {many} of the leapfrog, bands to ell = 2000, {resolution[end]}, seeds: {len(one.few)}",
    )
    nb.claim(
        f"{start}_correlation_whole{end}",
        *one.whole(),
        fmt=".4f",
        description="Correlation of the same maps, with all waves up to ell = 2000 at once, "
        f"{resolution[end]}",
    )
    nb.claim(
        f"{start}_reach{end}",
        one.reach(0.99),
        fmt=".0f",
        description=f"Multipole to which the same maps correlate by 0.99, {resolution[end]}",
    )
nb.claim(
    "lensing.forces_correlation",
    *more.least(),
    fmt=".4f",
    description=f"Least correlation of maps of {more.forces[0]} forces of BullFrog with those of "
    f"{many} of the leapfrog, bands to ell = 2000, 256³, seeds: {len(more.few)}",
)

# %% [markdown]
# One of the bands ends at $\ell = 2000$. Of those up to it, the one with the least correlation has
# {glue:text}`lensing.steps_correlation` with particles two megaparsecs apart and
# {glue:text}`lensing.steps_correlation_fine` at the full resolution, where ninety-nine hundredths
# were the goal; the leapfrog reaches that up to $\ell =$ {glue:text}`lensing.steps_reach` and
# {glue:text}`lensing.steps_reach_fine`. BullFrog has {glue:text}`lensing.bullfrog_correlation` and
# {glue:text}`lensing.bullfrog_correlation_fine`, and ninety-nine hundredths up to
# {glue:text}`lensing.bullfrog_reach` and {glue:text}`lensing.bullfrog_reach_fine`; with half as
# many forces again the least is {glue:text}`lensing.forces_correlation` at the full resolution.
# Maps as wholes, with all waves up to there, correlate by
# {glue:text}`lensing.steps_correlation_whole` and
# {glue:text}`lensing.steps_correlation_whole_fine` (leapfrog), and by
# {glue:text}`lensing.bullfrog_correlation_whole` and
# {glue:text}`lensing.bullfrog_correlation_whole_fine` (BullFrog). On large scales few steps move
# matter to the right place. Smaller clumps, of which finer particles show more, form a little
# elsewhere and too wide. It is the setting `integrator` of a run; the maps of this chapter are
# BullFrog's. The leapfrog's steps can be undone and have derivatives, which the last part of the
# chapter is about.
#
# ## Beyond the spectrum

# %% tags=["hide-input"]
nb.figure(
    pictures.histograms(
        fine.edges,
        {
            "maps": fine.histogram("values", "density"),
            "Gaussian, same spectrum": fine.histogram("gaussian", "density"),
        },
        x="convergence, smoothed over one arc minute",
        y="probability density",
    ),
    "one-point",
    caption="How often a value occurs in smoothed maps, beside Gaussian maps of the same spectra. "
    "What a spectrum does not tell: few deep voids, many high peaks.",
    alt="Two step curves; the Gaussian one a parabola, the other skewed with a long tail to the "
    "right.",
)

# %% tags=["hide-input"]
nb.figure(
    pictures.histograms(
        fine.edges,
        {
            "maps": fine.histogram("values", "peaks"),
            "Gaussian, same spectrum": fine.histogram("gaussian", "peaks"),
        },
        x="convergence of the peak, smoothed over one arc minute",
        y="peaks a square degree and bin",
    ),
    "peaks",
    caption="Peaks of smoothed maps by height. High ones are clusters of galaxies.",
    alt="Two step curves; the Gaussian one ends early, the other goes on to ten times its width.",
)

# %% tags=["hide-input"]
for of, name in (("values", "maps"), ("gaussian", "Gaussian maps of the same spectra")):
    nb.claim(
        f"lensing.skewness_{of}",
        *fine.moment(of, 1),
        fmt=".2f",
        description=f"Skewness of convergence smoothed over one arc minute: {name}",
    )
    nb.claim(
        f"lensing.peaks_{of}",
        *fine.peaks_above(of, 0.05),
        fmt=".2f",
        description=f"Peaks a square degree with smoothed convergence above 0.05: {name}",
    )

# %% [markdown]
# Of peaks higher than one twentieth, a square degree has {glue:text}`lensing.peaks_values`, and
# {glue:text}`lensing.peaks_gaussian` in Gaussian maps of the same spectra; the skewness is
# {glue:text}`lensing.skewness_values` against {glue:text}`lensing.skewness_gaussian`. That is what
# the last part of this chapter is after, and why it wants derivatives of maps, not of spectra.
#
# ## Tests of parts

# %% tags=["hide-input"]
found = results.checks
for name, target, words in (
    ("growth1", "<= 1e-4", "First-order growth, largest relative error"),
    ("growth2", "<= 1e-4", "Second-order growth, largest relative error"),
    ("second_order", "<= 1e-4", "Second-order displacements of crossing waves, largest error"),
    ("power_z9", ">= 0.99, <= 1.01", "Power of the largest waves over linear theory at z = 9"),
    ("power_z0", ">= 0.99, <= 1.01", "Power of the largest waves over linear theory at z = 0"),
    ("momentum", "<= 1e-6", "Sum of all momenta over that of their sizes"),
    ("ranks_f4", "<= 1e-5", "Difference of maps made on several ranks and on one, float32"),
    ("ranks_f8", "<= 1e-12", "Difference of maps made on several ranks and on one, float64"),
    ("resumed", "<= 1e-5", "Difference of a map whose run was killed and resumed"),
    ("killed_left", "<= 0", "Half-written files that a killed run left"),
):
    nb.claim(f"lensing.{name}", found[name], target=target, fmt=".3g", description=words)

# %% [markdown]
# ## How far to trust it
#
# Theory is a fit to other simulations, good to some per cent; deviations below that say nothing.
# The field is flat, light runs straight (Born's approximation; rays through lens planes are in the
# library), and baryons, which matter beyond $\ell = 3000$, are not there. A box of 256 Mpc/h lacks
# what is larger. Each seed makes its own universe, but the copies of one box in a light cone are
# not independent of each other: maps scatter more than their number of waves would have it.

# %% tags=["hide-input"]
nb.done()
