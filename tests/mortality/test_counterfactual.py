"""What holds for every counterfactual model, and for the predictions that models give."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mlsci.mortality.conditional_gp import ConditionalGP
from mlsci.mortality.counterfactual import (
    Calendar,
    Counterfactual,
    DrawnPrediction,
    GaussianPrediction,
    HistoricalMean,
    shared_correlation,
)
from mlsci.mortality.harmonic_regression import HarmonicRegression
from mlsci.mortality.synthetic_control import SyntheticControl
from mlsci.mortality.weekly_trend import WeeklyTrend

REGIONS, YEARS, WEEKS, PRE = 6, 5, 14, 6
DAYS = np.array([7.0, 6.0, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0])
ALL_DAYS = np.array([11.0, 7.0, 7.0, 7.0, 7.0, 7.0, *DAYS])
CALENDAR = Calendar(
    years=np.arange(2015, 2015 + YEARS),
    target=2020,
    days=np.tile(ALL_DAYS, (YEARS, 1)),
    target_days=ALL_DAYS,
)

MODELS: dict[str, Callable[[], Counterfactual]] = {
    "mean": HistoricalMean,
    "ppca": ConditionalGP,
    "smooth": lambda: ConditionalGP("squared-exponential"),
    "control": SyntheticControl,
    "trend": lambda: WeeklyTrend(CALENDAR),
    "harmonic": lambda: HarmonicRegression(CALENDAR),
}


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest) -> Counterfactual:
    return MODELS[request.param]()


def rates(seed: int = 0, groups: int = 2) -> np.ndarray:
    """Rates (groups, regions, years + 1, weeks) that vary together between regions."""
    generator = np.random.default_rng(seed)
    size = generator.uniform(20, 300, (groups, REGIONS, 1, 1))
    season = 1 + 0.2 * np.cos(np.arange(WEEKS) / 6)
    winter = 1 + 0.1 * generator.standard_normal((groups, 1, YEARS + 1, 1))
    noise = 1 + 0.03 * generator.standard_normal((groups, REGIONS, YEARS + 1, WEEKS))
    return size * season * winter * noise


def predict(model: Counterfactual, rates: np.ndarray) -> GaussianPrediction:
    """Learn from all years but the last, predict the last one's later weeks."""
    prediction = model.fit(rates[..., :-1, :]).predict(rates[..., -1, :PRE])
    assert isinstance(prediction, GaussianPrediction)
    return prediction


def test_shapes_and_positive_covariances(model: Counterfactual) -> None:
    p = predict(model, rates())
    assert p.mean.shape == (2, REGIONS, WEEKS - PRE)
    assert p.covariance.shape == (2, REGIONS, WEEKS - PRE, WEEKS - PRE)
    np.testing.assert_array_equal(p.covariance, np.swapaxes(p.covariance, -1, -2))
    least, most = np.linalg.eigvalsh(p.covariance)[..., [0, -1]].reshape(-1, 2).T
    assert (least > -1e-9 * most).all()
    assert p.sample(3, seed=0).shape == (3, 2, REGIONS, WEEKS - PRE)
    assert p.later(1).mean.shape == (2, REGIONS, WEEKS - PRE - 1)


def test_each_series_is_treated_by_itself(model: Counterfactual) -> None:
    all_rates = rates()
    together = predict(model, all_rates)
    alone = predict(model, all_rates[1, 2])
    np.testing.assert_allclose(alone.mean, together.mean[1, 2], rtol=1e-9)
    np.testing.assert_allclose(alone.covariance, together.covariance[1, 2], rtol=1e-6, atol=1e-9)


def test_prediction_scales_with_the_rates(model: Counterfactual) -> None:
    """Over-dispersed counts scale too, where the dispersion is well above Poisson's."""
    some = 10 * rates()
    once, thrice = predict(model, some), predict(model, 3 * some)
    np.testing.assert_allclose(thrice.mean, 3 * once.mean, rtol=1e-6)
    np.testing.assert_allclose(thrice.covariance, 9 * once.covariance, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(thrice.shared, once.shared, rtol=1e-9)


@pytest.mark.filterwarnings("ignore:Perfect separation")
def test_constant_years_are_continued(model: Counterfactual) -> None:
    """Years without any difference leave nothing to learn but their mean."""
    flat = np.broadcast_to(30.0, (3, YEARS + 1, WEEKS))
    p = predict(model, flat)
    np.testing.assert_allclose(p.mean, 30, rtol=1e-9)
    if not isinstance(model, HarmonicRegression):  # whose noise is Poisson's at least
        assert p.nation(DAYS).deviation < 1e-3


def test_order_of_control_years_matters_to_trends_alone(model: Counterfactual) -> None:
    some = rates()
    shuffled = np.concatenate([some[..., [3, 0, 4, 1, 2], :], some[..., -1:, :]], axis=-2)
    same = np.allclose(predict(model, some).mean, predict(model, shuffled).mean, rtol=1e-6)
    assert same != isinstance(model, WeeklyTrend | HarmonicRegression)


def test_series_of_zeros_have_finite_predictions(model: Counterfactual) -> None:
    some = rates()
    some[0, 1] = 0
    p = predict(model, some)
    np.testing.assert_allclose(p.mean[0, 1], 0, atol=1e-12)
    assert np.isfinite(p.nation(DAYS).deviation).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r[..., :1, :], "control years"),
        (lambda r: r[0, 0, 0], "years, weeks"),
        (lambda r: np.where(r > r.mean(), np.nan, r), "missing"),
        (lambda r: r - r.mean(), "negative"),
    ],
)
def test_wrong_control_years_are_refused(
    model: Counterfactual, change: Callable[[np.ndarray], np.ndarray], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        model.fit(change(rates()))


def test_wrong_first_weeks_are_refused(model: Counterfactual) -> None:
    some = rates()[..., :-1, :]
    fitted = model.fit(some)
    with pytest.raises(ValueError, match="do not fit"):
        fitted.predict(some[0, :, 0, :PRE])
    with pytest.raises(ValueError, match="none is left"):
        fitted.predict(some[:, :, 0])
    with pytest.raises(ValueError, match="missing"):
        fitted.predict(np.full((2, REGIONS, PRE), np.nan))


@pytest.mark.parametrize("name", ["mean", "ppca", "smooth", "control"])
def test_memory_between_weeks_is_what_conditioning_lives_on(name: str) -> None:
    """Control years shuffled anew in each week keep their mean and lose their memory."""
    some = rates(groups=1)
    generator = np.random.default_rng(1)
    order = generator.permuted(np.tile(np.arange(YEARS), (WEEKS, 1)), axis=1)
    shuffled = np.stack([some[..., order[w], w] for w in range(WEEKS)], axis=-1)
    pre = 1.1 * some[..., -1, :PRE]
    one, other = (MODELS[name]().fit(r).predict(pre).mean for r in (some[..., :-1, :], shuffled))
    assert np.allclose(one, other) == (name == "mean")


@pytest.mark.parametrize("model", [WeeklyTrend(CALENDAR), HarmonicRegression(CALENDAR)])
def test_years_must_be_those_of_the_calendar(model: Counterfactual) -> None:
    with pytest.raises(ValueError, match="calendar"):
        model.fit(rates())


def test_draws_have_the_distributions_that_are_told(model: Counterfactual) -> None:
    p = predict(model, rates(groups=1))
    drawn = DrawnPrediction(p.sample(20_000, seed=1))
    np.testing.assert_allclose(drawn.mean, p.mean, rtol=0.01)
    for ours, theirs in (
        (p.weekly(DAYS), drawn.weekly(DAYS)),
        (p.total(DAYS), drawn.total(DAYS)),
        (p.nation(DAYS), drawn.nation(DAYS)),
    ):
        np.testing.assert_allclose(theirs.mean, ours.mean, rtol=0.01)
        np.testing.assert_allclose(theirs.deviation, ours.deviation, rtol=0.04)
    assert (p.sample(5, seed=3) == p.sample(5, seed=3)).all()
    assert (drawn.sample(5, seed=3) == drawn.sample(5, seed=3)).all()
    assert drawn.later(2).mean.shape == (1, REGIONS, WEEKS - PRE - 2)


def test_shared_correlation_of_known_anomalies() -> None:
    generator = np.random.default_rng(0)
    size = generator.uniform(1, 9, (REGIONS, 1, 1))
    common = generator.standard_normal((1, 400, WEEKS))
    own = generator.standard_normal((REGIONS, 400, WEEKS))
    for c in (0.0, 0.4, 0.8):
        anomalies = size * (np.sqrt(c) * common + np.sqrt(1 - c) * own)
        np.testing.assert_allclose(shared_correlation(anomalies), c, atol=0.03)
    np.testing.assert_allclose(shared_correlation(size * common), 1, rtol=1e-9)
    assert shared_correlation(np.zeros((REGIONS, 5, WEEKS))) == 0
    assert shared_correlation(own[:1]) == 0


def test_a_nation_is_between_independence_and_unison() -> None:
    p = predict(HistoricalMean(), rates())
    parts = p.total(DAYS).deviation
    ends = [
        GaussianPrediction(p.mean, p.covariance, np.full(2, c)).nation(DAYS).deviation
        for c in (0.0, 1.0)
    ]
    np.testing.assert_allclose(ends[0], np.sqrt((parts**2).sum(-1)))
    assert (ends[1] <= parts.sum(-1) * (1 + 1e-9)).all()
    assert (ends[0] < p.nation(DAYS).deviation).all()
    assert (p.nation(DAYS).deviation < ends[1]).all()
