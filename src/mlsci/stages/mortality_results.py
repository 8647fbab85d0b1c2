"""What the notebooks of the chapter read from the artefacts of `mlsci.stages.mortality`."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from mlsci.mortality.explorer import Explored
from mlsci.mortality.may_paper import TABLE_1, TABLE_1_BERGAMO, TABLE_2
from mlsci.mortality.supply import WANTED
from mlsci.report.session import Session

PAPER = "Modi et al., medRxiv 2020.04.15.20067074v3"
SECOND_VERSION = "Modi et al., medRxiv 2020.04.15.20067074v2, abstract"
# What figures call the releases, in the order in which they came out.
RELEASES = {
    "march28": "9 April",
    "april4": "16 April",
    "may4_cl1": "4 May, class 1",
    "may4_cl2": "4 May, classes 1-2",
    "june30": "to 30 June",
}
MODELS = {
    ("white", "published"): "the rule, repeated",
    ("white", "plain"): "no floors, covariances",
    ("smooth", "plain"): "the same, PCA + SE",
    ("mean", "plain"): "the same, five-year mean",
}


class Artefact:
    """One artefact: its numbers, its arrays, and what country they are of.

    Attributes
    ----------
    numbers : dict
    arrays : dict of str to ndarray
        Empty where the artefact is numbers alone.
    source : str
        The release, or "synthetic country".
    """

    def __init__(self, session: Session, name: str) -> None:
        folder = session.artefact(f"covid/{name}")
        with (folder / f"{name}.json").open(encoding="utf-8") as f:
            self.numbers: dict[str, Any] = json.load(f)
        self.arrays: dict[str, np.ndarray] = {}
        if (folder / f"{name}.npz").is_file():
            with np.load(folder / f"{name}.npz") as stored:
                self.arrays = {key: stored[key] for key in stored.files}
        self.source: str = self.numbers["source"]
        self.synthetic: bool = self.numbers["synthetic"]
        if self.synthetic != self.source.startswith("synthetic") or self.synthetic == (
            session.profile == "full"
        ):
            raise ValueError(f"{name}: the profile {session.profile} shows {self.source}")

    @property
    def note(self) -> str:
        """What captions and descriptions end with where a country is made up; else nothing."""
        return f" Not real: {self.source}." if self.synthetic else ""

    def against(
        self, published: float, *, within: float | None = None, source: str = PAPER
    ) -> dict[str, Any]:
        """Return what a claim is compared with; nothing where a country is made up.

        Parameters
        ----------
        published : float
            The number in the source.
        within : float, optional
            How near is near enough; no target by default.
        source : str
            Who published it.
        """
        if self.synthetic:
            return {}
        found: dict[str, Any] = {"published": published, "source": source}
        if within is not None:
            found["target"] = f">= {published - within:.12g}, <= {published + within:.12g}"
        return found

    def target(self, target: str) -> dict[str, str]:
        """Return a target for a claim; none where a country is made up."""
        return {} if self.synthetic else {"target": target}


def slug(region: str) -> str:
    """Return a region's name as it is in the keys of claims.

    >>> slug("Emilia-Romagna")
    'emilia_romagna'
    """
    return region.lower().replace("-", "_").replace(" ", "_").replace("'", "_")


def coverage(numbers: dict[str, Any]) -> dict[str, list[float]]:
    """Return the covered share of people by region, by the label of the release."""
    return {label: numbers["releases"][name]["by_region"] for name, label in RELEASES.items()}


def vintages(numbers: dict[str, Any]) -> dict[str, dict[str, tuple[float, float]]]:
    """Return excess and error to 28 March by region, by the label of the release."""
    return {
        label: {region: (v, e) for region, (v, e) in numbers["vintages"][name].items()}
        for name, label in RELEASES.items()
        if name in numbers["vintages"]
    }


def raw_difference_of_table_2(numbers: dict[str, Any], variant: str) -> float:
    """Return the largest difference of a share from table 2, not rounded, over its regions."""
    found = numbers["table_2"][variant]
    return max(float(np.abs(np.subtract(found[r], row)).max()) for r, row in TABLE_2.items())


def talk_over_last(numbers: dict[str, Any]) -> dict[str, float]:
    """Return the talk's excess over that of the last release, by region, largest first."""
    last = numbers["vintages"]["june30"]
    found = {region: value / last[region][0] for region, (value, _) in numbers["talk"].items()}
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def table_1_variants(artefact: Artefact) -> dict[str, dict[str, tuple[float, float]]]:
    """Return deaths and errors by region: published ones where the country is real, and ours."""
    table = artefact.numbers["table_1"]
    ours = {
        label: {r: (table[model][r][what], table[model][r][f"{what}_error"]) for r in TABLE_1}
        for (model, what), label in MODELS.items()
    }
    known = {r: (float(deaths), float(error)) for r, (deaths, error) in TABLE_1.items()}
    return ours if artefact.synthetic else {"published": known} | ours


def worst_of_table_2(numbers: dict[str, Any], variant: str) -> dict[str, float]:
    """Return, by region, the largest difference of a share from table 2, at its three decimals."""
    found = {
        region: np.abs(np.round(numbers["table_2"][variant][region], 3) - shares).max()
        for region, shares in TABLE_2.items()
    }
    return {region: round(float(largest), 3) for region, largest in found.items()}


def mean_error_ratio(numbers: dict[str, Any], model: str, what: str, other: str) -> float:
    """Return how the errors of a model, mean over regions, compare with the published ones.

    Parameters
    ----------
    numbers : dict
        Of the artefact "published".
    model : str
        "white", "smooth" or "mean".
    what, other : str
        The model's error, and the one of the published model that it is divided by.
    """
    rows, base = numbers["table_1"][model], numbers["table_1"]["white"]
    return float(np.mean([rows[r][what] / base[r][other] for r in TABLE_1]))


def young_and_old(numbers: dict[str, Any]) -> dict[str, tuple[float, float, float]]:
    """Return excess, error and official deaths of people below 50 and of each ten years above.

    The errors of ages are added in quadrature.
    """
    found = numbers["ages"]
    young = [k for k, age in enumerate(found["ages"]) if int(age[:2].strip("-+")) < 50]
    groups = {"below 50": young} | {
        age: [k] for k, age in enumerate(found["ages"]) if k not in young
    }
    return {
        label: (
            float(np.sum(np.take(found["excess"], rows))),
            float(np.sqrt(np.sum(np.square(np.take(found["error"], rows))))),
            float(np.sum(np.take(found["official"], rows))),
        )
        for label, rows in groups.items()
    }


def explored(artefact: Artefact) -> Explored:
    """Return the artefact "regions" as the explorer wants it."""
    numbers, arrays = artefact.numbers, artefact.arrays
    names = {"mean": "five-year mean", "white": "conditional Gaussian process"}
    return Explored(
        regions=["all regions", *numbers["regions"][1:]],
        ages=["all ages", *numbers["ages"][1:]],
        week_ends=numbers["week_ends"],
        models=[names[model] for model in numbers["models"]],
        observed=arrays["observed"],
        usual=arrays["usual"],
        expected=arrays["expected"],
        deviation=arrays["deviation"],
        source=artefact.source,
    )


def region_maps(artefact: Artefact) -> dict[str, dict[str, float]]:
    """Return each region's excess for 100,000 people and in per cent of expected deaths."""
    numbers = artefact.numbers
    rows = list(zip(numbers["regions"], numbers["excess"], numbers["expected"],
                    numbers["population"]))[1:]  # fmt: skip
    return {
        "deaths for 100,000 people": {r: 1e5 * x / people for r, x, _, people in rows},
        "per cent of deaths expected": {r: 100 * x / usual for r, x, usual, _ in rows},
    }


def print_table_1(artefact: Artefact) -> None:
    """Print table 1: what was published, the rule of the paper, and without floors."""
    rows = artefact.numbers["table_1"]["white"]
    print(f"{'region':<20} {'published':>13} {'repeated':>13} {'unbiased':>13} {'official':>9}")
    for region, (deaths, error) in TABLE_1.items():
        row = rows[region]
        known = f"{deaths} ± {error}" if not artefact.synthetic else "–"
        official = artefact.numbers["official"][region][1]
        print(
            f"{region:<20} {known:>13} "
            f"{row['published']:>7.0f} ± {row['published_error']:<3.0f} "
            f"{row['plain']:>7.0f} ± {row['plain_error']:<3.0f} {official:>9.0f}"
        )


def bergamo_in_may(artefact: Artefact) -> tuple[str, list[dict[str, Any]]]:
    """Return what to say of the province of Bergamo in table 1, and what to claim.

    Nothing is claimed where no by-town release to 11 April was supplied; then the words say which
    one is wanted.
    """
    found = artefact.numbers["may"]
    deaths, error = TABLE_1_BERGAMO
    if found is None:
        return f"Bergamo in table 1 ({deaths} ± {error}) is not computed: {WANTED}.", []
    towns = f"{found['towns']} of {artefact.numbers['all_towns']} towns"
    words = (
        f"Bergamo, {towns} to 11 April ({found['source']}): "
        f"{found['published']:.0f} ± {found['published_error']:.0f}, "
        f"unbiased {found['plain']:.0f} ± {found['plain_error']:.0f}"
    )
    claim = {
        "key": "covid.bergamo_may",
        "value": found["published"],
        "error": found["published_error"],
        "unit": "deaths",
        "fmt": ".0f",
        "description": f"deaths by COVID-19 to 9 May in the province of Bergamo by the rule of "
        f"table 1, from {towns}, scaled by earlier deaths; {found['source']}." + artefact.note,
        **artefact.against(deaths, within=round(0.01 * deaths)),
    }
    return words, [claim]


def population_change(numbers: dict[str, Any]) -> float:
    """Return by what the population of 2019 changes the talk's excess, the largest, in per cent."""
    found = np.array(list(numbers["talk_population"].values()))
    return 100 * float(found[np.abs(found).argmax()])


def compiled_difference(numbers: dict[str, Any], years: str) -> float:
    """Return the difference from others' sums that is largest in size, over regions and years.

    Parameters
    ----------
    numbers : dict
        Of the artefact "records".
    years : str
        "ordinary" or "pandemic".

    Returns
    -------
    float
        In per cent of theirs, with its sign.
    """
    found = np.ravel(numbers["compiled"][years])
    return 100 * float(found[np.abs(found).argmax()])
