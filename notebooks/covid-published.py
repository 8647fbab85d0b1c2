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
# # The published numbers, repeated
#
# *A number is understood when it can be computed again, and when one knows what it would have been
# had it been computed otherwise.*
#
# The paper's tables of May 2020 {cite:p}`modi2020covid` and the numbers of the talk come from one
# method, the conditional Gaussian process {eq}`eq-cgp`, on two releases. The text does not give
# the rule in full. The one below was found by trying, and gives each number of the table of deaths
# and each of its errors exactly, once decimals are cut off:
#
# 1. weekly deaths per day, five control years, the six weeks to 15 February as condition;
# 2. the covariance of probabilistic PCA with two components {eq}`eq-ppca-kernel`, *not* the
#    squared-exponential kernel that the text describes;
# 3. to 28 March, towns with data to that day, scaled by population; for the two weeks after, the
#    fewer towns with data to 11 April, scaled by the ratio of deaths in both sets;
# 4. each week's excess raised to that week's official deaths, where these are more;
# 5. official deaths from 12 April to 9 May added;
# 6. errors added in quadrature over weeks, as if weeks were independent.

# %% tags=["parameters"]
profile = "full"
seed = 0

# %%
from mlsci import report
from mlsci.mortality import excess_pictures as pictures
from mlsci.mortality.may_paper import TABLE_1, TABLE_2, TABLE_2_AGES, TALK
from mlsci.stages import mortality_results as results

nb = report.notebook("covid-published", profile=profile, seed=seed)
published = results.Artefact(nb, "published")
numbers, arrays = published.numbers, published.arrays
regions, ends = numbers["regions"], numbers["week_ends"]
print(published.source)

# %% [markdown]
# ## A year without the pandemic

# %% tags=["hide-input"]
nb.figure(
    pictures.counterfactuals(
        regions,
        arrays["observed"],
        arrays["expected"],
        arrays["expected_deviation"],
        ends,
    ),
    "counterfactuals",
    caption="Deaths a day in the towns with data to 11 April, scaled to the region: control years "
    "(grey), 2020 (red), and what the conditional Gaussian process expects of 2020 from its first "
    "six weeks (blue, with one and two standard deviations)." + published.note,
    alt="Eight panels; in each the red line leaves the blue band upwards in March, in Lombardia to "
    "four times its height.",
)

# %% tags=["hide-input"]
nb.figure(
    pictures.cumulative(
        regions,
        arrays["cumulative"],
        arrays["cumulative_deviation"],
        arrays["official_cumulative"],
        ends[-arrays["cumulative"].shape[1] :],
    ),
    "cumulative",
    caption="Excess since 23 February, with one and two standard deviations from full covariances, "
    "and official COVID-19 deaths." + published.note,
    alt="Eight panels; solid lines rise above dashed ones everywhere, mostly to about twice their "
    "height.",
)

# %% [markdown]
# ## Table 1: deaths by region

# %% tags=["hide-input"]
results.print_table_1(published)

# %% [markdown]
# The published caption says "as of April 11"; the numbers are those of 9 May, official deaths of
# the last four weeks included. Those of Trentino-Alto Adige leave out the province of Bolzano in
# these weeks, which must be an oversight: with it the sum would be higher by its official deaths.

# %% tags=["hide-input"]
for region, (deaths, _) in TABLE_1.items():
    row = numbers["table_1"]["white"][region]
    nb.claim(
        f"covid.table1_{results.slug(region)}",
        row["published"],
        row["published_error"],
        unit="deaths",
        fmt=".1f",
        description=f"deaths in {region} to 9 May by the paper's rule." + published.note,
        **published.against(deaths, within=2, source=f"{results.PAPER}, table 1"),
    )

# %% tags=["hide-input"]
for region, (_, error) in TABLE_1.items():
    nb.claim(
        f"covid.table1_error_{results.slug(region)}",
        numbers["table_1"]["white"][region]["published_error"],
        unit="deaths",
        fmt=".1f",
        description=f"error of the deaths in {region} by the paper's rule." + published.note,
        **published.against(error, within=2, source=f"{results.PAPER}, table 1"),
    )

# %% [markdown]
# ## What the rule does to the numbers
#
# Three of its steps are choices, and their effect can be told.

# %% tags=["hide-input"]
nb.figure(
    pictures.side_by_side(
        results.table_1_variants(published), next(iter(results.table_1_variants(published)))
    ),
    "variants",
    caption="Deaths by region as published, by the rule, and with steps of the rule changed one "
    "after the other: no floors and errors from full covariances; then another residual; then the "
    "plain mean of five years." + published.note,
    alt="A row for each region with up to five points and error bars around one; the smooth kernel "
    "has the shortest bars, the five-year mean the longest.",
)

# %% tags=["hide-input"]
country = numbers["country"]["white"]
nb.claim(
    "covid.floors_add",
    country["published"] - country["plain"],
    unit="deaths",
    fmt=",.0f",
    description="what floors at official deaths add, all regions." + published.note,
)
nb.claim(
    "covid.country_deaths",
    country["plain"],
    unit="deaths",
    fmt=",.0f",
    description="deaths to 9 May in all regions, without floors." + published.note,
)
nb.claim(
    "covid.smooth_error_ratio",
    results.mean_error_ratio(numbers, "smooth", "published_error", "published_error"),
    fmt=".2f",
    description="error with the squared-exponential residual over the published one, mean over "
    "regions." + published.note,
)
nb.claim(
    "covid.covariance_error_ratio",
    results.mean_error_ratio(numbers, "white", "plain_error", "published_error"),
    fmt=".2f",
    description="error from full covariances over that added in quadrature, mean over regions."
    + published.note,
)
nb.claim(
    "covid.mean_error_ratio",
    results.mean_error_ratio(numbers, "mean", "plain_error", "published_error"),
    fmt=".2f",
    description="error of the five-year mean, from full covariances, over the published one, mean "
    "over regions." + published.note,
)

# %% [markdown]
# - **Floors can only add.** Where excess and official deaths agree but for noise, the larger of
#   both is too large on average. Over all regions they add {glue:text}`covid.floors_add` deaths to
#   {glue:text}`covid.country_deaths`.
# - **The residual decides the error.** With the smooth kernel of the text in place of the white
#   one, values hardly move, and errors shrink to a fraction {glue:text}`covid.smooth_error_ratio`.
# - **Weeks are not independent.** With covariances between weeks, errors are those of quadrature
#   times {glue:text}`covid.covariance_error_ratio`.
# - **Is any of them right?** The plain mean of five years has errors
#   {glue:text}`covid.mean_error_ratio` times the published ones. Only a back-test can tell which
#   errors are the size that they say: {doc}`covid-backtest`.
#
# ## Table 2: ages

# %% tags=["hide-input"]
nb.figure(
    pictures.age_shares(
        TABLE_2_AGES,
        numbers["table_2"]["left_out"],
        {} if published.synthetic else TABLE_2,
    ),
    "age-shares",
    caption="Share of each age in all deaths (bars), and the published shares (lines)."
    + published.note,
    alt="Two panels of bars that rise with age to the eighties and fall to the nineties; a line "
    "lies on each bar.",
)

# %% tags=["hide-input"]
for region in TABLE_2:
    key = results.slug(region)
    for variant, within in (("left_out", 0.001), ("whole", 0.003)):
        nb.claim(
            f"covid.table2_{variant}_{key}",
            results.worst_of_table_2(numbers, variant)[region],
            fmt=".3f",
            description=f"largest difference from table 2, {region}, shares rounded as there; "
            f"ages 5-9 and 100+ {variant.replace('_', ' ')}." + published.note,
            **published.target(f"<= {within}"),
        )

# %% tags=["hide-input"]
for variant in ("left_out", "whole", "later_bulletin"):
    nb.claim(
        f"covid.table2_raw_{variant}",
        results.raw_difference_of_table_2(numbers, variant),
        fmt=".4f",
        description="largest difference from table 2 over both regions, before rounding; "
        f"{variant.replace('_', ' ')}." + published.note,
    )

# %% [markdown]
# Official deaths, which enter by the floors and by the last four weeks, are split by the ages in
# the bulletins of the institute of health, interpolated to the day of the release. The published
# shares leave out those aged 5 to 9 and 100 and over: without that omission the share of the
# oldest is larger. Before rounding, the largest difference is
# {glue:text}`covid.table2_raw_left_out`, with all ages {glue:text}`covid.table2_raw_whole`. The
# authors split by another source of the same numbers, whose day is not known; with the bulletin of
# 7 May, and their omission, it is {glue:text}`covid.table2_raw_later_bulletin`.
#
# ## The talk's numbers, and what later releases made of them

# %% tags=["hide-input"]
for region, deaths in TALK.items():
    nb.claim(
        f"covid.talk_{results.slug(region)}",
        *numbers["talk"][region],
        unit="deaths",
        fmt=".0f",
        description=f"excess in {region}, 23 February to 28 March, release of April."
        + published.note,
        **published.against(deaths, within=0.01 * deaths, source="the talk"),
    )

# %% tags=["hide-input"]
nb.figure(
    pictures.vintages(results.vintages(numbers)),
    "vintages",
    caption="The same excess, to 28 March, by the same method, from each release, over that of the "
    "last one." + published.note,
    alt="Lines fall from values up to three in the first two releases to about one in the last "
    "two; Lombardia and Liguria stay near one.",
)

# %% tags=["hide-input"]
for region, ratio in results.talk_over_last(numbers).items():
    nb.claim(
        f"covid.talk_over_last_{results.slug(region)}",
        ratio,
        fmt=".2f",
        description=f"the talk's excess in {region} over that of the last release."
        + published.note,
    )
nb.claim(
    "covid.population_of_2019",
    results.population_change(numbers),
    unit="%",
    fmt=".2f",
    description="change of the talk's excess if it is scaled by the population of 2019 instead of "
    "the census of 2011, largest of its regions." + published.note,
)

# %% [markdown]
# The talk's numbers come out to the digit. In Lombardia they hold: the last release gives the same
# but for a factor {glue:text}`covid.talk_over_last_lombardia`. Elsewhere they were too large, in
# Toscana by a factor {glue:text}`covid.talk_over_last_toscana`. The method is the same; the towns
# are not. Those of April were the ones with a large increase, as {doc}`covid-records` shows, and
# scaling them up by population supposed that the others had it, too. No error bar on a figure of
# that April says so. Which population it is scaled by hardly matters: that of 2019, instead of the
# census of 2011 that the talk used, changes no region by more than
# {glue:text}`covid.population_of_2019`.
#
# ## Who died: two statements of the talk

# %% tags=["hide-input"]
groups = results.young_and_old(numbers)
nb.figure(
    pictures.by_age(groups),
    "by-age",
    caption="Excess from 23 February to 9 May in the whole country, last release, and official "
    "deaths, by age; on the right their ratio. Errors of one standard deviation." + published.note,
    alt="Bars grow with age; the ratio is near one in the fifties and sixties and rises to three "
    "at ninety and more.",
)

# %% tags=["hide-input"]
for age, (excess, error, official) in groups.items():
    key = age.replace(" ", "_").replace("-", "_").replace("+", "_up")
    nb.claim(
        f"covid.excess_age_{key}",
        excess,
        error,
        unit="deaths",
        fmt=".0f",
        description=f"excess, {age} years, to 9 May; official: {official:.0f}." + published.note,
    )

# %% tags=["hide-input"]
for age in ("60-69", "70-79", "80-89", "90+"):
    excess, error, official = groups[age]
    nb.claim(
        f"covid.over_official_{age.replace('-', '_').replace('+', '_up')}",
        excess / official,
        error / official,
        fmt=".2f",
        description=f"excess over official deaths, {age} years, to 9 May." + published.note,
    )

# %% [markdown]
# *Below 50 excess and official deaths agree fairly* (the paper says: below 70). In numbers of
# deaths they do: the excess is {glue:text}`covid.excess_age_below_50`, a few hundred from the
# official count in a country of sixty million. As a ratio they cannot: fewer young people died
# than usual, because they stayed at home, and no excess is left to compare. In the sixties the
# ratio is {glue:text}`covid.over_official_60_69`.
#
# *Above 60 the excess grows with age* beyond the official count: the ratio is
# {glue:text}`covid.over_official_70_79` in the seventies, {glue:text}`covid.over_official_80_89`
# in the eighties, {glue:text}`covid.over_official_90_up` from ninety on. The very old died
# untested.

# %% tags=["hide-input"]
nb.figure(
    pictures.cumulative(
        numbers["ages"]["ages"],
        arrays["age_cumulative"],
        arrays["age_deviation"],
        arrays["age_official"],
        numbers["ages"]["week_ends"],
    ),
    "cumulative-ages",
    caption="Excess since 23 February by age, whole country, last release, with one and two "
    "standard deviations, and official deaths." + published.note,
    alt="Ten panels; below forty the excess falls below zero, in the fifties and sixties it "
    "follows the dashed official line, above it rises far beyond.",
)

# %% [markdown]
# ## When: the count follows the deaths

# %% tags=["hide-input"]
nb.figure(
    pictures.lags(numbers["lag"]),
    "lags",
    caption="Two parameters a region: by how many days official deaths come after the excess, and "
    "excess deaths for one official death." + published.note,
    alt="Two panels with a row for each region; most lags are between two and six days, most "
    "factors between one and a half and two.",
)

# %% tags=["hide-input"]
lag, lag_error, factor, factor_error = numbers["lag"]["Lombardia"]
nb.claim(
    "covid.lag_lombardia",
    lag,
    lag_error,
    unit="days",
    fmt=".1f",
    description="official deaths after excess, Lombardia." + published.note,
)
nb.claim(
    "covid.missed_lombardia",
    factor,
    factor_error,
    fmt=".2f",
    description="excess deaths for one official death, Lombardia, lag taken out." + published.note,
)
nb.claim(
    "covid.missed_country",
    country["plain"] / numbers["official_country"][1],
    fmt=".2f",
    description="deaths over official deaths, all regions, 9 May, no floors." + published.note,
)

# %% [markdown]
# In Lombardia the count came {glue:text}`covid.lag_lombardia` later, and for one official death
# there were {glue:text}`covid.missed_lombardia` in excess. Over the whole country and to 9 May the
# ratio is {glue:text}`covid.missed_country`; it is smaller, because official deaths after 11 April
# are on both sides.
#
# ## How deadly

# %% tags=["hide-input"]
found = numbers["rates"]["Lombardia"]
nb.claim(
    "covid.pfr_lombardia",
    *found["population_fatality"],
    fmt=".5f",
    description="deaths over population, Lombardia, to 9 May." + published.note,
)
nb.claim(
    "covid.ifr_bound_lombardia",
    *found["infection_fatality_bound"],
    fmt=".5f",
    description="lower bound of the infection fatality rate, Lombardia." + published.note,
    **published.against(0.0084, source=results.SECOND_VERSION),
)
nb.claim(
    "covid.infected_lombardia",
    found["infected"][0],
    fmt=".3f",
    description="share infected, Lombardia, by the Diamond Princess; 95%: "
    f"{found['infected'][1]:.2f} to {found['infected'][2]:.2f}." + published.note,
    **published.against(0.23, source=results.SECOND_VERSION),
)

# %% tags=["hide-input"]
province = results.Artefact(nb, "bergamo")
bergamo = province.numbers
nb.claim(
    "covid.bergamo_march28",
    *bergamo["excess"],
    unit="deaths",
    fmt=".0f",
    description=f"excess in the province of Bergamo to 28 March, from {bergamo['towns']} of "
    f"{bergamo['all_towns']} towns, scaled by earlier deaths." + province.note,
)
nb.claim(
    "covid.bergamo_march",
    bergamo["march_excess"] or bergamo["excess"][0],
    unit="deaths",
    fmt=".0f",
    description="excess in the province of Bergamo in March over the five-year mean, from the "
    "table of March by town, not scaled." + province.note,
)

# %% tags=["hide-input"]
words, claims = results.bergamo_in_may(province)
print(words)
for claim in claims:
    nb.claim(**claim)

# %% [markdown]
# Of all people of Lombardia a share {glue:text}`covid.pfr_lombardia` had died by 9 May. About
# {glue:text}`covid.infected_lombardia` of them had been infected, if those over seventy there were
# as vulnerable as those on the Diamond Princess, where eleven of 330 died. A bound that needs no
# ship: the infected are no larger a share than the positive ones among the tested, at its highest.
# Then at least {glue:text}`covid.ifr_bound_lombardia` of the infected died. The published bound is
# higher, since it divides by the share of positive tests of April, which had fallen by then.
#
# In the province of Bergamo the excess was {glue:text}`covid.bergamo_march28` to 28 March; a table
# of nearly all its towns has {glue:text}`covid.bergamo_march` for all of March. The published 6285
# to 9 May rest on a release with its towns to 11 April, which Istat replaced and nobody offers any
# more. Who has kept it gets the number: the line above says where to put the file.

# %%
nb.done()
