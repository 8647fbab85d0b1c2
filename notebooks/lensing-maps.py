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
# # From particles to a map
#
# *Light from distant galaxies is bent by all matter on its way to us. A map of that matter, made in
# minutes from nothing but random numbers and a cosmology: what does it look like, and which
# shortcuts show?*
#
# A particle mesh moves matter in eleven steps, copies of the box fill the light cone, and what
# light passes is projected onto the sky {eq}`eq-kappa`. That is MADLens
# {cite:p}`boehm2020madlens`, with two ideas that make so few steps and a coarse mesh enough:
# *sub-evolution*, which takes each particle to its own crossing of the light cone, and *sharpening*
# {eq}`eq-pgd` {cite:p}`dai2018pgd`. Here the same program is written anew, and where it differs
# from the original, this page says so. One difference is the integrator: these maps are BullFrog's
# {cite:p}`rampf2025bullfrog`, which the page on accuracy holds against the original's leapfrog.

# %% tags=["parameters"]
profile = "full"
seed = 0

# %%
from mlsci import report
from mlsci.lensing import pictures
from mlsci.stages.lensing_results import ORIGINAL_MEAN, LensingResults

nb = report.notebook("lensing-maps", profile=profile, seed=seed)
results = LensingResults(nb)
settings = results.settings("talk")
slices, info = results.slices(), results.info
print(
    f"{settings.particles}^3 particles in a box of {settings.box:g} Mpc/h, {settings.stages} stages"
)

# %% [markdown]
# ## One box, three times

# %% tags=["hide-input"]
nb.figure(
    pictures.slabs(
        {"z = 9": slices["slab_0"], "z = 1": slices["slab_1"], "z = 0": slices["slab_2"]},
        info["box"],
        "density / mean",
    ),
    "slabs",
    caption="A slab of the box: at the start, by second-order perturbation theory; half of today's "
    "size; today. Matter leaves voids for filaments, and these for the knots where they meet.",
    alt="Three square pictures in dark red and yellow; faint and even on the left, a net of bright "
    "threads and knots around black voids on the right.",
)

# %% [markdown]
# The box is periodic, and small beside the distance that light travels. So copies of it are turned,
# mirrored, shifted and stacked along the line of sight, each seen at the time when light on its way
# to us passed it.

# %% tags=["hide-input"]
nb.figure(
    pictures.light_cone(
        slices["strip"],
        info["cell"],
        info["degrees"],
        info["box"],
        {z / 10: float(settings.cosmology.distance(1 / (1 + z / 10))) for z in range(1, 10)},
    ),
    "light-cone",
    caption="The same universe along the light cone, from us (left) to the sources: the nearer, "
    "the later, the more clumped. Blue lines are the edges of the field, dotted ones show where "
    "copies of the box meet; structure does not go on there, which is the price of a small box.",
    alt="A wide strip of threads and knots, contrast fading from left to right, with two blue "
    "lines opening from the left like a beam, and white dotted vertical lines at even distances.",
)

# %% [markdown]
# ## The map

# %% tags=["hide-input"]
talk, field = results.kappa("talk", 0)
nb.figure(
    pictures.convergence_maps({"convergence, sources at z = 1": talk}, settings.degrees, columns=1),
    "talk",
    caption="The map of the talk, made anew: all matter in front of galaxies at redshift 1, "
    "weighted by how strongly it lenses. `python -m mlsci.lensing run --integrator bullfrog` makes "
    "it.",
    alt="A large square picture: a dark violet ground with a fine grain, strewn with small bright "
    "yellow spots and a few larger clusters of them.",
)

# %% tags=["hide-input"]
nb.claim(
    "lensing.map_mean",
    float(talk.mean()),
    published=ORIGINAL_MEAN,
    source="maps of MADLens 1.0 (arXiv:2012.07266)",
    fmt=".5f",
    description="Mean of a map of convergence, sources at z = 1; zero for the excess over the mean",
)
nb.claim(
    "lensing.all_matter",
    results.mean_convergence(),
    fmt=".4f",
    description="Convergence of all matter to z = 1, not of its excess over the mean",
)
nb.claim(
    "lensing.boxes_projected",
    results.boxes(False),
    description="How many times a box is projected for this map: each step, those it reaches",
)
nb.claim(
    "lensing.boxes_projected_original",
    results.boxes(True),
    description="How many times it would be by the original's rule",
)
nb.claim(
    "lensing.orientations",
    results.orientations(),
    published=6,
    source="MADLens 1.0, ImageGenerator: the orientations that there are",
    description="Differently turned boxes that the light cone of this map needs",
)

# %% [markdown]
# Convergence is the *excess* of matter, so the mean of a map should vanish over many. Ours is
# {glue:text}`lensing.map_mean`. Maps of the original have about as much as all matter would give,
# {glue:text}`lensing.all_matter`: its mean was not subtracted. No spectrum notices; a histogram or
# a threshold for peaks does.
#
# Other things that reading the original's source brought to light, and that are otherwise here:
#
# - In each step it projects every box from the light front out to the *source*, since a `max`
#   stands where a `min` is meant: {glue:text}`lensing.boxes_projected_original` projections for
#   this map instead of {glue:text}`lensing.boxes_projected`. What is too far is then masked, so the
#   map is right, and most of the work is for nothing.
# - Boxes are turned by right angles only, in one order, without mirrors or shifts: six
#   orientations, where this light cone needs {glue:text}`lensing.orientations`. When they run out,
#   a line is printed, and the first comes again, in line with itself. Here a box is also mirrored
#   and shifted at random, so that none comes twice.
# - Which step a particle belongs to is told by where it *started* on the lattice; where it is
#   drawn, by where it is, wrapped into the box. One that has left the box through a face is drawn a
#   whole box away. Here every particle is counted once, in the tile and the step where light meets
#   it; a lattice at rest gives the exact mean of the sky, which is one of the tests.
# - Growth within a step is interpolated linearly.

# %% tags=["hide-input"]
nb.figure(
    pictures.curves(
        {"linear in the logarithm of a": results.drift_errors()},
        x="scale factor a",
        y="misplaced, over the step's drift",
    ),
    "drift",
    caption="By how much linear interpolation of growth, exact at the ends and the middle of each "
    "step, misplaces a particle, in units of the step's whole drift. Light from sources at "
    "redshift 1 comes from the right half only.",
    alt="A line of ten arches, two for each step, high on the left and flat towards the right.",
)

# %% tags=["hide-input"]
scale, missed = results.drift_errors()
nb.claim(
    "lensing.drift_error_original",
    100 * float(abs(missed).max()),
    unit="%",
    fmt=".1f",
    description="Linear interpolation of growth, the largest error over the step's drift",
)
nb.claim(
    "lensing.drift_error_original_seen",
    100 * float(abs(missed[scale > 0.5]).max()),
    unit="%",
    fmt=".2f",
    description="The same within the light cone of sources at z = 1",
)

# %% [markdown]
# The error is at most {glue:text}`lensing.drift_error_original` of a drift, in the very first step;
# after redshift 1, where our light comes from, {glue:text}`lensing.drift_error_original_seen`. So
# it is small; but exact growth costs nothing, as it is a table that is read for each particle
# anyway.
#
# ## What the two ideas do

# %% tags=["hide-input"]
variants = {"neither": "raw", "sub-evolution": "evolved", "and sharpening": "sharpened"}
maps = {label: results.kappa(f"maps-{name}")[0] for label, name in variants.items()}
width = results.settings("maps-raw").degrees
part = len(maps["neither"]) // 4
nb.figure(
    pictures.convergence_maps(
        {label: kappa[:part, :part] for label, kappa in maps.items()}, width / 4
    ),
    "variants",
    caption="The same corner of the same sky, sources at redshift 1. Without sub-evolution all "
    "particles are seen as they are half-way through a step; the eye can hardly tell. Sharpening "
    "puts back into haloes what the mesh has smeared out.",
    alt="Three square maps with the same bright spots; in the third they are smaller and brighter.",
)

# %% tags=["hide-input"]
nb.figure(
    pictures.slabs(
        {"as simulated": slices["zoom_raw"], "sharpened": slices["zoom_sharpened"]},
        info["zoom"],
        "density / mean",
    ),
    "zoom",
    caption="A part of the slab today, before and after sharpening. Particles move a fraction of a "
    "cell of the mesh, down a potential that is filtered to the scales which the mesh loses.",
    alt="Two square pictures of the same bright knots and threads, tighter in the right one.",
)

# %% [markdown]
# ## Sources near and far

# %% tags=["hide-input"]
redshifts = results.settings("maps-sharpened").sources
nb.figure(
    pictures.convergence_maps(
        {f"z = {z:g}": results.kappa("maps-sharpened", i)[0] for i, z in enumerate(redshifts)},
        width,
        columns=2,
    ),
    "sources",
    caption="One sky, four distances of the sources, made in one pass over the particles. The "
    "farther the galaxies, the more matter lies in front of them, and the smaller it looks.",
    alt="Four square maps in two rows in one scale of colours; contrast grows from the first to "
    "the last, the same bright spots return.",
)

# %% tags=["hide-input"]
for i, z in enumerate(redshifts):
    nb.claim(
        f"lensing.sigma_z{round(10 * z)}",
        float(results.kappa("maps-sharpened", i)[0].std()),
        fmt=".4f",
        description=f"Standard deviation of the map for sources at z = {z:g}",
    )

# %% [markdown]
# The standard deviation of these maps grows from {glue:text}`lensing.sigma_z5` for the nearest
# sources to {glue:text}`lensing.sigma_z20` for the farthest.
#
# ## How far to trust it
#
# Pictures show that nothing is grossly wrong: no seams where boxes or steps meet, no grid, no
# structure that repeats itself. Whether the maps are *right*, the next section asks.

# %% tags=["hide-input"]
nb.done()
