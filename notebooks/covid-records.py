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
# # From a list of deaths to a table of weeks
#
# *Before anything is modelled: what was counted, where, and when did one know it?*
#
# Istat published deaths by town, day, sex and class of age, for 2020 and for five years before, in
# several releases. A row is a town, a day and a class of age; there is one where somebody died in
# any of the years. Towns reported their deaths of 2020 at different times, so each release has
# towns of its own, and a comparison is fair only if all years are summed over the *same* towns.

# %% tags=["parameters"]
profile = "full"
seed = 0

# %%
from mlsci import report
from mlsci.mortality import record_pictures as pictures
from mlsci.stages import mortality_results as results

nb = report.notebook("covid-records", profile=profile, seed=seed)
records = results.Artefact(nb, "records")
numbers, arrays = records.numbers, records.arrays
print(records.source)

# %% [markdown]
# ## Days and weeks

# %% tags=["hide-input"]
nb.figure(
    pictures.days_and_weeks(
        arrays["days"],
        arrays["daily"],
        arrays["province_rates"],
        arrays["week_days"][-1, : arrays["province_rates"].shape[1]],
    ),
    "days-weeks",
    caption="Deaths a day in those towns of the province of Bergamo that had reported: points are "
    "days (grey: five earlier years), steps are weeks. The first week has eleven days, and that of "
    "29 February has six in common years, so that weeks are compared as deaths a day."
    + records.note,
    alt="Points and steps stay level until the end of February; then those of 2020 rise steeply "
    "to several times the level of the earlier years.",
)

# %% [markdown]
# Weekly tables of this kind were published by others, too. The sums from the towns here and the
# table on which the first version of the paper rested {cite:p}`modi2020covid` must be the same in
# every region, class of age, sex, year and week.

# %% tags=["hide-input"]
nb.claim(
    "covid.records_difference",
    numbers["largest_difference"],
    fmt=".0f",
    unit="deaths",
    description="largest difference between weekly deaths summed from towns and those of the "
    "published table, over all regions, ages, sexes, years and weeks." + records.note,
    **records.target("<= 0"),
)
nb.claim(
    "covid.records_deaths_compared",
    numbers["deaths_compared"],
    fmt=",.0f",
    unit="deaths",
    description="deaths in the table that was compared." + records.note,
)
nb.claim(
    "covid.records_towns_observed",
    numbers["towns_observed"],
    fmt=",.0f",
    unit="towns",
    description="towns with data for 2020 in the first release, to 28 March." + records.note,
)

# %% [markdown]
# They are: of {glue:text}`covid.records_deaths_compared` deaths the largest difference in a cell
# is {glue:text}`covid.records_difference`.
#
# The last release can be held against another compilation, which The Economist's tracker of excess
# deaths published for all regions but Trentino-Alto Adige {cite:p}`economist2020tracker`. It sums
# all ages to weeks of seven days, to 26 May, from an earlier copy of the release. Weeks do not end
# on the same days, so that the sums from 1 January to 23 May are compared; the last week is cut in
# proportion.

# %% tags=["hide-input"]
nb.claim(
    "covid.records_compiled",
    results.compiled_difference(numbers, "ordinary"),
    unit="%",
    fmt=".1f",
    description="largest difference of deaths from 1 January to 23 May, last release over another "
    "compilation, all regions of that, each year of 2015-2019." + records.note,
    **records.target(">= -1, <= 1"),
)
nb.claim(
    "covid.records_compiled_2020",
    results.compiled_difference(numbers, "pandemic"),
    unit="%",
    fmt=".1f",
    description="the same in 2020, where deaths were registered late." + records.note,
)

# %% [markdown]
# In the years before, no region differs by more than {glue:text}`covid.records_compiled`, which is
# what cutting a week in proportion may cost. In 2020 every region of ours has *more*, by up to
# {glue:text}`covid.records_compiled_2020`: deaths that were registered late, and that the earlier
# copy did not have yet.
#
# ## What a release covers

# %% tags=["hide-input"]
nb.figure(
    pictures.coverage(results.coverage(numbers), numbers["regions"]),
    "coverage",
    caption="Share of each region's people in the towns with data for 2020, by release. What is "
    "estimated for a region is scaled up by its inverse." + records.note,
    alt="Dots in a row for each region; early releases cover little outside of the north, "
    "the last one nearly everything.",
)

# %% tags=["hide-input"]
for name in ("march28", "june30"):
    nb.claim(
        f"covid.records_covered_{name}",
        numbers["releases"][name]["covered"],
        fmt=".3f",
        description=f"share of people in covered towns, release {results.RELEASES[name]}."
        + records.note,
    )
nb.claim(
    "covid.records_least_increase",
    numbers["least_increase"],
    fmt=".2f",
    description="smallest increase of deaths in March 2020 over the mean of five years among the "
    "towns of the first release (to 21 or to 28 March, whichever is larger)." + records.note,
)

# %% [markdown]
# The first release covered a share of {glue:text}`covid.records_covered_march28`, the last one
# {glue:text}`covid.records_covered_june30`. Scaling up supposes that towns with data are like
# those without. In the first release they are not: the smallest increase among its
# {glue:text}`covid.records_towns_observed` towns is {glue:text}`covid.records_least_increase`. No
# town with a smaller one is in it. Towns were *chosen by what was to be estimated*, and whatever
# is scaled up from them is too large; {doc}`covid-published` says by how much.
#
# ## Six years

# %% tags=["hide-input"]
nb.figure(
    pictures.years(
        arrays["by_region"].sum(0), arrays["week_days"], numbers["years"], numbers["week_ends"]
    ),
    "years",
    caption="Deaths a day in all towns of the last release. Earlier years differ in January and "
    "February, by influenza, and hardly later." + records.note,
    alt="Grey lines fall from January to June; the red one of 2020 starts low, rises to a peak at "
    "the end of March, and comes back by the middle of May.",
)

# %% [markdown]
# The winters of 2015 and 2017 were bad, that of 2016 mild, and 2020 began like a mild one. Is
# spring to be expected after such a winter as after any other? That question is the whole
# difference between counterfactual models.

# %% tags=["hide-input"]
nb.figure(
    pictures.age_ratios(
        arrays["by_age"], arrays["week_days"], numbers["ages"], numbers["week_ends"]
    ),
    "ages",
    caption="Deaths of 2020 over the mean of five years, by week and age, in all towns of the last "
    "release." + records.note,
    alt="A map of weeks and ages; a red block in March and April for ages above fifty, darkest "
    "above seventy, and blue at young ages in spring.",
)

# %% [markdown]
# Above fifty years of age the first wave stands out. Below thirty fewer died than usual: the
# streets were empty.

# %%
nb.done()
