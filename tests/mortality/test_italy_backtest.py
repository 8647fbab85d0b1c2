"""What the back-tests find in Italy's records, where these are at hand."""

from __future__ import annotations

import numpy as np
import pytest

from mlsci.mortality import italy
from mlsci.mortality.backtest import leave_one_year_out, summary
from mlsci.mortality.classical import CLASSICAL

SHOWN = 7  # weeks to 22 February

# nRMSE, coverage of regions' totals by 95% intervals, in percent; computed independently with
# scikit-learn's PCA and plain loops.
KNOWN = {"mean": (9.0, 89), "cgp_white": (11.4, 71)}


def ordinary(last: str = "04-11") -> tuple[np.ndarray, np.ndarray]:
    records = italy.deaths("june30").select(years=range(2015, 2020), weeks=("01-11", last))
    return records.total("age", "sex").deaths[:, 0, 0], records.days


if italy.available():

    @pytest.mark.parametrize("name", KNOWN)
    def test_errors_and_coverage_of_ordinary_springs(name: str) -> None:
        deaths, days = ordinary()
        found = summary(
            leave_one_year_out(
                deaths, days, range(2015, 2020), CLASSICAL[name], pre=SHOWN, first=SHOWN
            )
        )
        nrmse, coverage = KNOWN[name]
        assert 100 * found["nrmse"][0] == pytest.approx(nrmse, abs=0.05)
        assert 100 * found["total_95"][0] == pytest.approx(coverage, abs=0.5)
