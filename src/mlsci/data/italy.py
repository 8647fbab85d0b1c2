"""Italy's deaths, 2015 to 2020: the files, who kept them, and their hashes.

Istat replaced its releases by later ones at the same address, so each file is fetched from the
repository that kept it, at one commit.
"""

from __future__ import annotations

from urllib.parse import quote

_KEPT = {
    "bccp": ("bccp/covid-19-data", "e14f56cc021f5e5ca4705fd357957e112724e495"),
    "emazep": (
        "emazep/Machine-readable-Covid-19-ISS-data",
        "c7ad411dbe23ebe1cf78ea047b80236be64fcf31",
    ),
    "UBESP-DCTV": ("UBESP-DCTV/mortality_veneto", "9c8cc7089e42c954df686afcb642dc4e2a0601b5"),
    "thegitofdaniel": (
        "thegitofdaniel/covid-excess-deaths-italy",
        "d5ef4191a0008cb946b2050d9bc9a79e42b2d1ce",
    ),
    "TheEconomist": (
        "TheEconomist/covid-19-excess-deaths-tracker",
        "ee092b9f5c5eef590c541753257cfc6c683b79b6",
    ),
}

# Name here; who kept it, and where; sha256 of the content.
_FILES = (
    (
        "march28_regional_population_fraction.tsv",
        "bccp",
        "data/Italy/march28_total_deaths_2015-2020/regional_population_fraction.tsv",
        "d1b3aa5bda1a73bf7cb3f2ce42b08ae86d7731c44b3718a242fdee892d69843f",
    ),
    (
        "march28_regional_weekly_age_sex.tsv",
        "bccp",
        "data/Italy/march28_total_deaths_2015-2020/regional_historic_mortality_fine.tsv",
        "169663ee37b0acb44238d9255ac0f5eeb1f01a71f6029cdbfa8d6c34102624c1",
    ),
    (
        "april4_regional_weekly_age_sex.tsv",
        "bccp",
        "data/Italy/april4_total_deaths_2015-2020/regional_historic_mortality_fine.tsv",
        "a04e9136a7dbee52706b104307ca147853d89cbcb96ad07efd0ec2fd406d2803",
    ),
    (
        "april4_regional_population_fraction.tsv",
        "bccp",
        "data/Italy/april4_total_deaths_2015-2020/regional_population_fraction.tsv",
        "4d7e922f2da6232b67d488ccc24f98457ba979b7d411d40a2eb340e4167bea5b",
    ),
    (
        "april4_regional_population_fraction_2019.tsv",
        "bccp",
        "data/Italy/april4_total_deaths_2015-2020/regional_population_fraction_01012019.tsv",
        "983bc4fe7de0dc0e1ac732fc4d6cd98f2e40b0b7939b89db543d3185ec9aedf5",
    ),
    (
        "may4_regional_weekly_age_sex_cl1.tsv",
        "bccp",
        "data/Italy/may4_total_deaths_2015-2020/regional_historic_mortality_cl1.tsv",
        "024510adcbff07377a9ed8b7e3b3a27937713e7096e45ac9a6f7822ff4793733",
    ),
    (
        "may4_regional_weekly_age_sex_cl2.tsv",
        "bccp",
        "data/Italy/may4_total_deaths_2015-2020/regional_historic_mortality_cl2.tsv",
        "1c9301d8a2de54831debab76d16d27fa6e5f58658038f70ed781cc871a844acb",
    ),
    (
        "may4_regional_population_fraction_cl1.tsv",
        "bccp",
        "data/Italy/may4_total_deaths_2015-2020/regional_population_fraction_cl1.tsv",
        "eeedb93b2556262e9bc0c4be007f04e0ab085a5360fe5ecbaa8a5e30c15e56d4",
    ),
    (
        "may4_regional_population_fraction_cl2.tsv",
        "bccp",
        "data/Italy/may4_total_deaths_2015-2020/regional_population_fraction_cl2.tsv",
        "de110f27eef2c46310e05e2cc849893dd411d1b1e620e28b7a4f0abed363a695",
    ),
    (
        "june30_regional_weekly_age_sex.tsv",
        "bccp",
        "data/Italy/upto_june_end/regional_historic_mortality.tsv",
        "51a130b3d8ba8244f7ed552c68f5a9d3c0756fd6b995599c9af4b86d7c06191b",
    ),
    (
        "june30_regional_population_fraction.tsv",
        "bccp",
        "data/Italy/upto_june_end/regional_population_fraction.tsv",
        "251789cc0de9c712f54f4b1b5342b70b227492f58b9c073b3add46fc0c0ea814",
    ),
    (
        "population_by_region_age10.tsv",
        "bccp",
        "data/Italy/regional_pop_dist_bybin.tsv",
        "4645f9f46bbbf8eb4cb619f9846d2783c24c92ce7096a6ab31a4337a3c77063d",
    ),
    (
        "protezione_civile_regional_daily.tsv",
        "bccp",
        "data/Italy/covid-19-data/regional_daily.tsv",
        "421a509c5a6abf470582d22fafdea404b13224da0f0f43b6535f6c92fec1cd49",
    ),
    (
        "iss_covid_deaths_by_age_sex.csv",
        "emazep",
        "data/italy_cases_deaths_by_age_sex.csv",
        "3a2f8d9a11cf0b4332de953e7f0f7ed6580a6a79f48ee3642a766ba04678c7bb",
    ),
    (
        "comune_giorno_20200409.rds",
        "UBESP-DCTV",
        "raw-data/comune_giorno.rds",
        "166db97cce86fba35b4c328577872b0b89533f330383ad28ba95dbae4f375b9c",
    ),
    (
        "istat_tavola_31marzo_6866_comuni.xlsx",
        "thegitofdaniel",
        "data/Tavola riepilogativa_31MARZO_6.866COMUNI.xlsx",
        "bffc4dd5a812265e3939675b8973b9e296b222361f436fb4ce538bef68b0498b",
    ),
    (
        "economist_italy_regional_weekly_2015_20200630.csv",
        "TheEconomist",
        "output-data/historical-deaths/italy_weekly_deaths.csv",
        "7f5e93bfca5eb75736f2f1300fc4959895a389f2d75d3e07337709ae268e9721",
    ),
)


def _address(keeper: str, path: str) -> str:
    repository, commit = _KEPT[keeper]
    return f"https://raw.githubusercontent.com/{repository}/{commit}/{quote(path)}"


def files() -> list[tuple[str, str, str]]:
    """Return name, sha256 of the content and address of each file."""
    return [(name, sha256, _address(keeper, path)) for name, keeper, path, sha256 in _FILES]
