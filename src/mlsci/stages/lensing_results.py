"""What the notebooks of the chapter read from the artefacts of `mlsci.stages.lensing`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mlsci.lensing import io, nbody, original, theory, tiling
from mlsci.lensing.lightcone import Field
from mlsci.lensing.settings import Settings
from mlsci.report.session import Session

Curve = tuple[np.ndarray, np.ndarray | None]
MODELS = {"takahashi": "halofit", "mead2020": "HMcode"}

# Takahashi's halofit by multipole, for sources at z = 1: CAMB, CCL and CLASS agree to 0.1%.
THEORY = {100: 7.96e-9, 464: 1.08e-9, 1000: 4.37e-10, 2154: 1.61e-10, 4642: 4.69e-11,
          10000: 1.06e-11}  # fmt: skip
# What maps of the original have, over that: 128^3 in 256 Mpc/h, one seed, shot noise included.
ORIGINAL = {
    "evolved": {814: 0.90, 1871: 0.74, 2731: 0.66, 3942: 0.69},
    "sharpened": {814: 1.09, 1871: 1.18, 2731: 1.19, 3942: 1.31},
}
ORIGINAL_MEAN = 0.066  # of its maps at z = 1


@dataclass(frozen=True)
class Seeds:
    """Spectra of one source over several seeds, and what their smoothed maps hold.

    Attributes
    ----------
    ell, modes
        ``(bands,)``.
    power
        ``(seeds, bands)`` with shot noise; `shot` ``(seeds,)`` is that of each.
    theory
        Averages over bands, by model.
    edges, found
        Bins of convergence, and histograms by ("values" or "gaussian").
    """

    settings: Settings
    ell: np.ndarray
    modes: np.ndarray
    power: np.ndarray
    shot: np.ndarray
    theory: dict[str, np.ndarray]
    edges: np.ndarray
    found: dict[str, list[dict[str, Any]]]

    @property
    def signal(self) -> np.ndarray:
        """Spectra less their shot noise ``(seeds, bands)``."""
        return self.power - self.shot[:, None]

    def mean(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean spectrum without shot noise, and its error from the seeds' spread."""
        return _mean(self.signal)

    def ratio(self, model: str = "takahashi", noisy: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean over theory and its error; `noisy` with the shot noise left in."""
        return _mean((self.power if noisy else self.signal) / self.theory[model])

    def worst(self, model: str, low: float, high: float) -> tuple[float, float]:
        """Return the largest deviation from theory between two multipoles, in percent, and error.

        In the smallest fields no band lies between them; then it is that of the nearest.
        """
        value, error = self.ratio(model)
        inside = self._between(low, high)
        at = inside[np.argmax(np.abs(value[inside] - 1))]
        return 100 * abs(float(value[at]) - 1), 100 * float(error[at])

    def excess(self, model: str, low: float, high: float) -> tuple[float, float]:
        """Return the mean excess over theory between two multipoles, in percent, and its error.

        Bands count by their modes.
        """
        inside = self._between(low, high)
        weights = self.modes[inside] / self.modes[inside].sum()
        value, error = _mean((self.signal / self.theory[model])[:, inside] @ weights[:, None])
        return 100 * (float(value[0]) - 1), 100 * float(error[0])

    def _between(self, low: float, high: float) -> np.ndarray:
        inside = np.flatnonzero((self.ell > low) & (self.ell < high))
        if len(inside):
            return inside
        return np.array([np.argmin(np.abs(np.log(self.ell / np.sqrt(low * high))))])

    def at(self, ell: float, noisy: bool = False) -> tuple[float, float]:
        """Return the mean over halofit at a multipole, and its error, from the bands around it."""
        value, error = self.ratio(noisy=noisy)
        where = np.log(self.ell)
        return tuple(float(np.interp(np.log(ell), where, one)) for one in (value, error))  # type: ignore[return-value]

    def histogram(self, of: str, kind: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean "density" or "peaks" in each bin of "values" or "gaussian", and error."""
        return _mean(np.array([one[kind] for one in self.found[of]]))

    def moment(self, of: str, which: int) -> tuple[float, float]:
        """Return standard deviation (0), skewness (1) or kurtosis (2) of smoothed maps."""
        value, error = _mean(np.array([[one["moments"][which]] for one in self.found[of]]))
        return float(value[0]), float(error[0])

    def peaks_above(self, of: str, height: float) -> tuple[float, float]:
        """Return how many peaks a square degree are higher than a convergence, and the error."""
        high = self.edges[:-1] >= height - 1e-9
        each = [[np.sum(np.array(one["peaks"])[high])] for one in self.found[of]]
        value, error = _mean(np.array(each))
        return float(value[0]), float(error[0])


@dataclass(frozen=True)
class Steps:
    """Maps of few and of many steps, of the same initial conditions.

    Attributes
    ----------
    stages
        How many scale factors few and many are, both ends counted.
    goal
        Multipole at which a band ends.
    edges, ell
        ``(bands + 1,)`` and ``(bands,)``.
    few, many, cross
        Spectra of the maps and of one with the other, ``(seeds, bands)``.
    """

    stages: tuple[int, int]
    goal: float
    edges: np.ndarray
    ell: np.ndarray
    few: np.ndarray
    many: np.ndarray
    cross: np.ndarray

    def correlation(self) -> Curve:
        """Return the coefficient of correlation by band, and its error where seeds give one."""
        return _mean_if(self.cross / np.sqrt(self.few * self.many))

    def ratio(self) -> Curve:
        """Return the spectrum of few steps over that of many, and its error likewise."""
        return _mean_if(self.few / self.many)

    def least(self) -> tuple[float, float | None]:
        """Return the correlation of the band up to the goal that has the least, and its error."""
        value, error = self.correlation()
        at = int(np.argmin(np.where(self.edges[1:] < self.goal * (1 + 1e-9), value, np.inf)))
        return float(value[at]), None if error is None else float(error[at])


class LensingResults:
    """The chapter's artefacts, read when they are asked for."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def _json(self, name: str, file: str) -> Any:
        folder = self._session.artefact(f"lensing/{name}")
        return json.loads((folder / file).read_text(encoding="utf-8"))

    # --- pictures -----------------------------------------------------------------------------

    @cached_property
    def info(self) -> dict[str, Any]:
        """Sizes of the slices."""
        return dict(self._json("slices", "slices.json"))

    def slices(self) -> dict[str, np.ndarray]:
        """Return densities over the mean: slabs, zooms, and the strip of the light cone."""
        folder = self._session.artefact("lensing/slices")
        with np.load(folder / "slices.npz") as stored:
            return {name: stored[name].astype(float) for name in stored.files}

    def settings(self, name: str) -> Settings:
        """Return the settings of a stage of maps, such as "talk" or "maps-raw"."""
        return Settings.from_json(self._json(name, "spectra.json")["settings"])

    def kappa(self, name: str, source: int = 1) -> tuple[np.ndarray, Field]:
        """Return a map of a stage of maps, and its field."""
        folder = self._session.artefact(f"lensing/{name}")
        maps, field, _ = io.read_maps(folder / "maps.fits")
        return maps[f"KAPPA_{source}"].astype(float), field

    # --- what the original does otherwise ---------------------------------------------------------

    def boxes(self, rule: bool) -> int:
        """Return how many boxes the talk's run projects, or would by the original's rule."""
        settings = self.settings("talk")
        times = self.times(settings)
        return original.boxes_projected(
            settings.cosmology, times, settings.reach, settings.box, rule
        )

    def orientations(self) -> int:
        """Return how many orientations the talk's run needs."""
        settings = self.settings("talk")
        return len(tiling.stack(settings.box, settings.reach, settings.seed).axes)

    @staticmethod
    def times(settings: Settings) -> np.ndarray:
        """Return the scale factors at which steps begin and end."""
        return nbody.linear_steps(settings.a_start, 1.0, settings.stages - 1)

    def drift_errors(self) -> tuple[np.ndarray, np.ndarray]:
        """Return scale factors, and by how much linear growth misplaces, over a step's drift."""
        settings = self.settings("talk")
        times = self.times(settings)
        steps = [np.linspace(a, b, 101) for a, b in zip(times, times[1:])]
        found = [
            original.interpolated_drift(settings.cosmology, a, b, inside)
            for a, b, inside in zip(times, times[1:], steps)
        ]
        return np.concatenate(steps), np.concatenate(found)

    def mean_convergence(self) -> float:
        """Return what all matter, not its excess, would give to the talk's map."""
        return theory.mean_convergence(self.settings("talk").cosmology, 1.0)

    # --- spectra ----------------------------------------------------------------------------------

    def seeds(self, name: str) -> Seeds:
        """Return the spectra over seeds of a stage such as "accuracy"."""
        found = self._json(name, "seeds.json")
        source = found["sources"][0]
        return Seeds(
            Settings.from_json(found["settings"]), np.array(found["ell"]), np.array(found["modes"]),
            np.array(source["power"]), np.array(source["shot_noise"]),
            {model: np.array(values) for model, values in source["theory"].items()},
            np.array(found["edges"]), {key: found[key] for key in ("values", "gaussian")},
        )  # fmt: skip

    def published_ratio(self) -> tuple[np.ndarray, np.ndarray]:
        """Return maps with the published sharpening over halofit, and the error.

        The mean over all seeds, times what the other sharpening changes in the seed that has both:
        that ratio has little scatter.
        """
        fine = self.seeds("accuracy")
        change = self.seeds("published").signal[0] / fine.signal[0]
        value, error = fine.ratio()
        return value * change, error * change

    def variant(self, name: str, source: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return ell, the spectrum without shot noise and halofit of a stage of maps."""
        found = self._json(name, "spectra.json")
        one = found["sources"][source]
        power = np.array(one["power"]) - one["shot_noise"]
        return np.array(found["ell"]), power, np.array(one["theory"]["takahashi"])

    def by_redshift(self) -> dict[str, Curve]:
        """Return the sharpened spectrum over halofit and its error, by the redshift of sources."""
        found = self._json("maps-sharpened", "spectra.json")
        curves: dict[str, Curve] = {}
        for one in found["sources"]:
            base = np.array(one["theory"]["takahashi"])
            power = np.array(one["power"]) - one["shot_noise"]
            curves[f"z = {one['source']:g}"] = (power / base, np.array(one["error"]) / base)
        return curves

    def by_correction(self) -> dict[str, Curve]:
        """Return the spectrum over halofit for z = 1 with no correction, with one, with both."""
        curves: dict[str, Curve] = {}
        for label, name in (
            ("neither", "raw"), ("sub-evolution", "evolved"), ("and sharpening", "sharpened"),
        ):  # fmt: skip
            _, power, base = self.variant(f"maps-{name}", 1)
            curves[label] = (power / base, None)
        return curves

    def steps(self, name: str = "steps") -> Steps:
        """Return maps of few steps against those of many: of "steps", or "steps-fine"."""
        found = self._json(name, "steps.json")
        return Steps(
            (found["stages"][0], found["stages"][1]), found["goal"], np.array(found["edges"]),
            *(np.array(found[key]) for key in ("ell", "few", "many", "cross")),
        )  # fmt: skip

    def budget(self, seeds: Seeds) -> dict[str, np.ndarray]:
        """Return sources of error as shares of the spectrum, at the bands of `seeds`."""
        settings, ell = seeds.settings, seeds.ell
        signal, error = seeds.mean()
        base = seeds.theory["takahashi"]
        coarse = self.seeds("seeds-sharpened")
        raw, evolved = (self.variant(f"maps-{name}", 1) for name in ("raw", "evolved"))
        steps = self.steps()
        nearest = settings.reach / 2  # where matter lenses most
        parts = {
            "seeds: error of the mean": error / signal,
            "shot noise, before it is subtracted": seeds.shot.mean() / base,
            "HMcode, not halofit": seeds.theory["mead2020"] / base - 1,
            "waves cut by boxes": 0.83 * nearest / (ell * settings.box),
            "10 steps, not 40": _at(ell, steps.ell, steps.ratio()[0] - 1),
            "without sub-evolution": _at(ell, raw[0], raw[1] / evolved[1] - 1),
            "half the resolution": _at(ell, coarse.ell, coarse.ratio()[0]) / seeds.ratio()[0] - 1,
        }
        return {label: np.abs(share) for label, share in parts.items()}

    # --- tests at full size -----------------------------------------------------------------------

    @cached_property
    def checks(self) -> dict[str, float]:
        """Comparisons with references, and of runs that must be the same, by name."""
        return dict(self._json("checks", "checks.json"))

    @cached_property
    def linear(self) -> dict[str, Any]:
        """Weak Gaussian fields through the light cone: as `mlsci.stages.lensing_checks` says.

        Fields are in the order of their boxes: small, large.
        """
        found = dict(self._json("linear", "linear.json"))
        fields = [
            {name: np.array(value) for name, value in field.items()} for field in found["fields"]
        ]
        return {"ell": np.array(found["ell"]), "modes": np.array(found["modes"]), "fields": fields,
                "boxes": found["boxes"]}  # fmt: skip

    def linear_ratios(self) -> dict[str, Curve]:
        """Return weak fields' spectra over Limber's integral, and over that for boxes."""
        small, large = self.linear["fields"]
        return {
            f"over Limber's integral, boxes of {small['box']:.0f} Mpc/h": _mean(
                small["measured"] / small["limber"]
            ),
            f"the same, boxes of {large['box']:.0f} Mpc/h": _mean(
                large["measured"] / large["limber"]
            ),
            f"over that for boxes of {small['box']:.0f} Mpc/h": _mean(
                small["measured"] / small["periodic"]
            ),
        }

    def linear_deviation(
        self, against: str = "periodic", large: bool = False
    ) -> tuple[float, float]:
        """Return the mean deviation of weak fields from theory over bands, in percent, and error.

        Bands count by their modes.
        """
        found, modes = self.linear["fields"][int(large)], self.linear["modes"]
        weights = modes / modes.sum()
        value, error = _mean((found["measured"] / found[against]) @ weights[:, None])
        return 100 * abs(float(value[0]) - 1), 100 * float(error[0])

    @cached_property
    def sharpening(self) -> list[dict[str, Any]]:
        """Fits of the sharpening, by configuration: as `mlsci.stages.lensing_checks` says."""
        return list(self._json("sharpening", "sharpening.json")["configurations"])

    def matter_power(self, configuration: int = 0) -> tuple[np.ndarray, dict[str, Curve]]:
        """Return wave numbers, and matter power over theory as the light cone sees it half way."""
        found = self.sharpening[configuration]
        middle = len(found["a"]) // 2
        names = {"raw": "as simulated", "with_published": "published sharpening",
                 "with_fitted": "fitted sharpening"}  # fmt: skip
        curves: dict[str, Curve] = {
            label: (np.array(found[name][middle]), None) for name, label in names.items()
        }
        return np.array(found["k"]), curves


def theory_spectrum(ells: list[int]) -> np.ndarray:
    """Return halofit's spectrum for sources at z = 1 in the default cosmology ``(ells,)``."""
    from mlsci.lensing.cosmology import Cosmology

    cosmology = Cosmology()
    power = theory.matter_power(cosmology, 1.0)
    return theory.convergence_spectrum(cosmology, power, np.array(ells, float), 1.0)


def _mean(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean over the first axis, and its standard error."""
    return values.mean(0), values.std(0, ddof=1) / np.sqrt(len(values))


def _mean_if(values: np.ndarray) -> Curve:
    """Return the mean over the first axis, and its standard error if there are two or more."""
    return _mean(values) if len(values) > 1 else (values[0], None)


def _at(ell: np.ndarray, known: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Interpolate in the logarithm of ell; NaN outside."""
    return np.interp(np.log(ell), np.log(known), values, left=np.nan, right=np.nan)
