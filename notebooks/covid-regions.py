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
# # Every region, every age
#
# *Averages hide where it happened.*
#
# With the last release, in which nearly all towns have data to the end of June, each region and
# each group of ages can be looked at by itself, without a choice of towns that favours the hardest
# hit. Deaths are scaled to whole regions by population.

# %% tags=["parameters"]
profile = "full"
seed = 0

# %%
from IPython.display import HTML, display

from mlsci import report
from mlsci.mortality import excess_pictures as pictures
from mlsci.mortality import explorer
from mlsci.stages import mortality_results as results

nb = report.notebook("covid-regions", profile=profile, seed=seed)
regions = results.Artefact(nb, "regions")
numbers = regions.numbers
print(regions.source)

# %% [markdown]
# ## A map

# %% tags=["hide-input"]
maps = results.region_maps(regions)
nb.figure(
    pictures.region_maps(maps),
    "map",
    caption="Excess from 23 February to 9 May 2020 by region, a square each: for 100,000 people "
    "(left), and in per cent of the deaths expected (right); conditional Gaussian process. White "
    "is zero." + regions.note,
    alt="Two maps of squares; Lombardia is darkest by far, the other regions of the north are "
    "light red, the south is nearly white.",
)

# %% tags=["hide-input"]
nb.claim(
    "covid.regions_country",
    numbers["excess"][0],
    numbers["error"][0],
    unit="deaths",
    fmt=",.0f",
    description="excess of the whole country, 23 February to 9 May, last release." + regions.note,
)
for region in ("Lombardia", "Veneto", "Sicilia"):
    nb.claim(
        f"covid.regions_relative_{results.slug(region)}",
        maps["per cent of deaths expected"][region] / 100,
        fmt=".2f",
        description=f"excess of {region} over its expected deaths, 23 February to 9 May."
        + regions.note,
    )

# %% [markdown]
# The country as a whole had {glue:text}`covid.regions_country` more than expected. In Lombardia
# the excess is {glue:text}`covid.regions_relative_lombardia` times the deaths expected, in its
# neighbour Veneto {glue:text}`covid.regions_relative_veneto`, in Sicilia
# {glue:text}`covid.regions_relative_sicilia`: the first wave was a matter of provinces.
#
# ## Look for yourself
#
# Choose a region, an age and a model. The two models differ most where influenza was unusual in
# winter, because the Gaussian process carries the beginning of the year on, and the mean does not.

# %% tags=["hide-input"]
display(HTML(explorer.page(results.explored(regions), "covid-explorer")))

# %% [markdown]
# Things to look for: Lombardia at eighty and above, against Lombardia below fifty; the mild
# February of 2020 at ninety and above in all regions; Sicilia, where there is hardly a wave; and
# June, with fewer deaths than usual, as if some of those who died in spring would have died then.

# %%
nb.done()
