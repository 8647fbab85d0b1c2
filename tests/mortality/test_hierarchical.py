"""Predictions of the hierarchical model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mlsci.mortality.counterfactual import Calendar, DrawnPrediction
from mlsci.mortality.hierarchical import HierarchicalMortality, Inference, infer
from mlsci.mortality.hierarchical_calibration import calibrate, rank
from mlsci.mortality.hierarchical_likelihood import HierarchicalLikelihood
from mlsci.mortality.hierarchical_prior import NAMES, Layout
from mlsci.mortality.records import AGES as AGE_CLASSES
from mlsci.mortality.simulate import simulate

REGIONS, AGES = ("Lombardia", "Piemonte", "Veneto"), ("70-79", "80-89", "90+")
WEEKS, PRE, YEARS = 8, 4, 4
DAYS = np.array([[11, 7, 7, 7, 7, 7, 7, 6]] * YEARS)
QUICK = Inference(points=64, draws=600)


def model() -> HierarchicalMortality:
    calendar = Calendar(np.arange(2015, 2015 + YEARS), 2019, DAYS, DAYS[0])
    return HierarchicalMortality(calendar, REGIONS, AGES, QUICK)


def constant_rates() -> np.ndarray:
    level = np.outer([10.0, 20.0, 15.0], [4.0, 1.0, 2.0])
    return np.broadcast_to(level[:, :, None, None], (3, 3, YEARS, WEEKS)).copy()


@pytest.fixture(scope="module")
def flat() -> DrawnPrediction:
    """Predicted weeks of a country in which every day is the same."""
    rates = constant_rates()
    return model().fit(rates).predict(rates[:, :, 0, :PRE])


def test_constant_daily_deaths_give_flat_weeks(flat: DrawnPrediction) -> None:
    prediction, rates = flat, constant_rates()
    assert prediction.draws.shape == (QUICK.draws, 3, 3, WEEKS - PRE)
    expected = rates[:, :, 0, PRE:]
    # Poisson noise of the mean of the draws, and a little for what is not known.
    error = np.sqrt(expected / DAYS[0, PRE:] / QUICK.draws)
    assert (np.abs(prediction.mean - expected) < 5 * error + 0.01 * expected).all()


def test_draws_are_whole_deaths(flat: DrawnPrediction) -> None:
    deaths = flat.draws * DAYS[0, PRE:]
    np.testing.assert_allclose(deaths, np.round(deaths), atol=1e-9)


@pytest.mark.parametrize("seed", [0, 1])
def test_draws_depend_on_the_seed_alone(seed: int, flat: DrawnPrediction) -> None:
    rates = constant_rates()
    fitted = replace(model(), inference=replace(QUICK, seed=seed)).fit(rates)
    again = fitted.predict(rates[:, :, 0, :PRE])
    assert np.array_equal(again.draws, flat.draws) == (seed == QUICK.seed)


def test_an_epidemic_in_the_first_weeks_raises_the_next_and_mostly_the_old() -> None:
    rates = constant_rates() * 10
    pre = rates[:, :, 0, :PRE] * np.exp(0.2 * np.array([0.6, 1.0, 1.3]))[:, None, None]
    raised = model().fit(rates).predict(pre).mean / rates[:, :, 0, PRE:]
    assert (raised[:, :, 0] > 1.01).all()
    assert (raised[:, :, 0] > raised[:, :, -1]).all()
    assert (raised[2] > raised[0]).all()


def test_one_region_s_weeks_tell_about_the_others() -> None:
    rates = constant_rates() * 10
    pre = rates[:, :, 0, :PRE].copy()
    pre[:, 0] *= 1.15
    fitted = model().fit(rates)
    changed, before = fitted.predict(pre).mean, fitted.predict(rates[:, :, 0, :PRE]).mean
    ratio = (changed.sum(0) / before.sum(0))[:, 0]
    assert ratio[0] > 1.02, "its own weeks tell most"
    assert ratio[0] > ratio[1] > 1
    assert ratio[0] > ratio[2] > 1


def test_growth_from_year_to_year_is_continued() -> None:
    growth = np.exp(0.03 * np.arange(YEARS))[:, None]
    rates = constant_rates() * 20 * growth
    pre = rates[:, :, -1, :PRE] * np.exp(0.03)
    posterior = model().fit(rates).posterior(pre)
    following = posterior.predict().mean.sum() / rates[:, :, -1, PRE:].sum()
    assert 1.01 < following < 1.05


def test_rates_of_other_regions_or_years_are_refused() -> None:
    with pytest.raises(ValueError, match="here 3 ages and 3 regions"):
        model().fit(np.ones((3, 2, YEARS, WEEKS)))
    with pytest.raises(ValueError, match="give them the same"):
        model().fit(np.ones((3, 3, YEARS + 1, WEEKS)))
    with pytest.raises(ValueError, match="none is left"):
        model().fit(constant_rates()).predict(np.ones((3, 3, WEEKS)))


def test_ranks_of_draws_from_the_same_distribution_are_uniform() -> None:
    generator = np.random.default_rng(3)
    draws = generator.poisson(2.0, (4000, 300)).astype(float)
    ranks = rank(draws, generator.poisson(2.0, 300).astype(float), generator)
    assert ranks.mean() == pytest.approx(0.5, abs=4 / np.sqrt(12 * 300))
    assert ranks.std() == pytest.approx(1 / np.sqrt(12), abs=0.03)


SMALL = Layout(
    macro=np.array([0, 0, 1]),
    decades=np.array([-1.0, 0.0, 1.0]),
    middle=np.append(0.0, 9 / 7 + np.arange(7)),
    years=np.arange(2015, 2020),
    baseline=(3.0, 0.5, 0.5, 0.2),
)


def test_hyperparameters_are_learned_from_data() -> None:
    """Strong waves in the data move the posterior to strong waves; weak ones, to weak ones."""
    days = np.vstack([DAYS, DAYS[:1]]).astype(float)
    likelihood = HierarchicalLikelihood(SMALL)
    generator = np.random.default_rng(0)
    modes = []
    for size in (0.02, 0.4):
        wave = size * generator.standard_normal((5, 1, 1, 1)) * np.exp(-SMALL.middle / 4)
        deaths = generator.poisson(np.exp(5 + wave) * days[:, None, None], SMALL.shape)
        counts = deaths.astype(float)
        counts[-1, :, :, PRE:] = np.nan
        modes.append(infer(likelihood, counts, days, QUICK).hyper.mean[NAMES.index("wave")])
    assert modes[1] - modes[0] > 1


@pytest.mark.slow
def test_the_excess_of_a_synthetic_country_is_recovered() -> None:
    country = simulate(5, n_weeks=14)
    areas = ("Piemonte", "Lombardia", "Veneto", "Toscana", "Puglia", "Sicilia")
    ages = {"0-69": AGE_CLASSES[:15], "70-79": AGE_CLASSES[15:17], "80+": AGE_CLASSES[17:]}
    records = country.deaths.select(regions=areas).age_bins(ages).total("sex")
    deaths, shown = records.deaths[:, :, 0].swapaxes(0, 1), 7
    calendar = Calendar(np.array(records.years[:-1]), 2020, records.days[:-1], records.days[-1])
    rates = deaths / records.days
    fitted = HierarchicalMortality(calendar, areas, records.ages, QUICK).fit(rates[:, :, :-1])
    days = records.days[-1, shown:]
    expected = fitted.predict(rates[:, :, -1, :shown]).draws * days
    excess = deaths[:, :, -1, shown:] - expected
    which = [country.ordinary.regions.index(region) for region in areas]
    true = country.injected[which].sum((1, 2))[:, shown:]  # (regions, weeks)
    nation = excess.sum((1, 2, 3))
    assert abs(nation.mean() - true.sum()) < 3 * nation.std()
    assert nation.mean() == pytest.approx(true.sum(), rel=0.1)
    region = excess.sum((1, 3))
    assert (np.abs(region.mean(0) - true.sum(1)) < 3.5 * region.std(0)).all()


@pytest.mark.slow
def test_simulated_truths_are_where_their_posteriors_say() -> None:
    days = np.vstack([DAYS, DAYS[:1]]).astype(float)
    ranks = calibrate(SMALL, days, WEEKS - PRE, 60, Inference(points=64, draws=300, seed=4))
    n = len(ranks.nation)
    assert np.median(ranks.pareto_k) < 0.7
    for name, values in (("hyper", ranks.hyper), ("nation", ranks.nation[:, None])):
        # Uniform ranks have mean 1/2 and variance 1/12; 4 standard errors for 16 columns.
        assert np.abs(values.mean(0) - 0.5).max() < 4 / np.sqrt(12 * n), name
        assert np.abs(values.var(0) * 12 - 1).max() < 4 * np.sqrt(0.8 / n), name
    inside = np.abs(ranks.week - 0.5) < 0.475
    assert inside.mean() == pytest.approx(0.95, abs=0.03)
    assert (np.abs(ranks.region - 0.5) < 0.475).mean() == pytest.approx(0.95, abs=0.05)
