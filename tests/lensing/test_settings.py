"""Runs that cannot be are refused before they begin, with what to change."""

from __future__ import annotations

import dataclasses
import json
import math
import re

import pytest

from mlsci.lensing.cosmology import Cosmology
from mlsci.lensing.fitted import FITTED
from mlsci.lensing.settings import RefusedError, Settings, available_memory
from mlsci.lensing.sharpening import Sharpening
from mlsci.lensing.sources import Distribution


def test_the_default_is_the_field_of_the_talk():
    settings = Settings()
    assert (settings.box, settings.degrees, settings.sources) == (256.0, 6.3, (1.0,))
    assert settings.correction == Sharpening(**FITTED["leapfrog"][11, 1.0, 2])
    before = dataclasses.replace(settings, sharpening="published")
    assert before.correction == Sharpening(0.358152, 6.453695, 0.00302657, -2.30719)
    other = dataclasses.replace(settings, integrator="bullfrog")
    assert other.correction == Sharpening(**FITTED["bullfrog"][11, 1.0, 2])
    assert settings.reach == pytest.approx(2300.6, abs=0.1)


@pytest.mark.parametrize(
    ("wrong", "mend"),
    [
        ({"degrees": 6.5}, "at most 6.36 degrees, a box of 262 Mpc/h"),
        ({"sources": (1.0, 1.2)}, "nearer sources"),
        ({"sources": (9.5,), "degrees": 1.0}, "start before a = 0.09524"),
        ({"sources": ()}, "must be a source"),
        ({"sources": (0.0,)}, "positive redshifts"),
        ({"particles": 255, "sharpening": None}, "even"),
        ({"particles": 100}, "no sharpening is known"),
        ({"sharpening": "published", "boost": 4}, "no sharpening is known"),
        ({"sharpening": "best"}, "sharpening must be"),
        ({"sharpening": "published", "integrator": "bullfrog"}, "for the leapfrog"),
        ({"integrator": "euler"}, "one of leapfrog, bullfrog"),
        ({"boost": 0}, "boost"),
        ({"stages": 1}, "stages"),
        ({"seed": -1}, "seed"),
        ({"box": math.inf}, "box"),
        ({"pixels": 1}, "pixels"),
        ({"degrees": 40.0, "box": 2000.0}, "flat"),
        ({"planes": 5, "sources": (Distribution((0.2, 0.5), (1.0, 1.0)),)}, "give redshifts"),
    ],
)
def test_what_cannot_be_is_refused(wrong, mend):
    with pytest.raises(RefusedError, match=re.escape(mend)):
        Settings(**wrong)


def test_the_advice_given_is_enough():
    with pytest.raises(RefusedError) as refused:
        Settings(degrees=10.0)
    degrees, box = re.findall(r"most ([\d.]+) degrees, a box of (\d+)", str(refused.value))[0]
    Settings(degrees=float(degrees))
    Settings(degrees=10.0, box=float(box), sharpening=None)


def test_memory_grows_with_all_that_takes_it_and_falls_with_ranks():
    plain = Settings()
    assert plain.memory(2) < plain.memory(1)
    assert Settings(sharpening=None).memory(1) < plain.memory(1)
    assert Settings(precision="f8").memory(1) > plain.memory(1)
    assert Settings(planes=50).memory(4) > plain.memory(4)
    other = Settings(sharpening=None, integrator="bullfrog")
    assert other.memory(1) > Settings(sharpening=None).memory(1)
    large = Settings(particles=8192, sharpening=None)
    if available_memory() is not None:
        with pytest.raises(RefusedError, match="use fewer particles"):
            large.check_memory(1, 1)
    assert "2 ranks" in Settings(particles=16, sharpening=None).check_memory(2, 2)


def test_settings_survive_json():
    settings = Settings(
        cosmology=Cosmology(w0=-0.9),
        sources=(0.5, Distribution((0.1, 0.5, 0.9), (0.0, 2.0, 0.0))),
        sharpening=Sharpening(1.0, 2.0, 0.01, -2.0),
        seed=3,
    )
    assert Settings.from_json(json.loads(json.dumps(settings.to_json()))) == settings
    with pytest.raises(RefusedError, match="partikel"):
        Settings.from_json({"partikel": 3})
