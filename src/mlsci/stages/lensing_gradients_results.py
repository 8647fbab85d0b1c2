"""What the notebooks on gradients read from `mlsci.stages.lensing_gradients`'s artefacts."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

import numpy as np

from mlsci.lensing.adjoint.fisher import fisher_matrix, score
from mlsci.lensing.adjoint.inference import coverage
from mlsci.lensing.lightcone import Field
from mlsci.lensing.settings import Settings
from mlsci.lensing.spectra import Bands
from mlsci.report.session import Session
from mlsci.stages.lensing_inference import COVERAGE, FIELD, PARTS

Array = np.ndarray
Lines = dict[str, tuple[Array, Array]]

# MADLens 1.0, forward run with its tape and vector-Jacobian product, one process on a machine of
# this kind: seconds of processor time, and GB (10^9 bytes). At 128^3 it does not fit: estimates.
ORIGINAL = {"64": 20.4, "96": 74.3, "128": 185.0}
ORIGINAL_MEMORY = {"64": 3.7, "96": 9.2, "128": 22.0}
# Particle mesh alone, forward and gradient, on a machine of this kind, float32.
PMWD = {"cpu": 37.3, "memory": 5.3}  # 128^3
JAXPM = {"cpu": 4.6, "memory": 2.1}  # 64^3
WORDS = {
    "64": "64³ in 256 Mpc/h", "96": "96³ in 512 Mpc/h", "128": "128³ in 256 Mpc/h",
    "64-f8": "64³, mesh in double precision", "64-sharpened": "64³, sharpened",
    "64-40": "64³, 40 scale factors", "256": "256³, 3 scale factors",
}  # fmt: skip
LEVELS = np.linspace(0.05, 0.95, 19)


def _read(session: Session, name: str, file: str) -> Any:
    return json.loads((session.artefact(f"lensing/{name}") / file).read_text("utf-8"))


class GradientResults:
    """How exact gradients are, what they cost, and two uses."""

    def __init__(self, session: Session) -> None:
        self._session = session

    # --- exactness --------------------------------------------------------------------------------

    @cached_property
    def _checks(self) -> dict[str, Any]:
        found: dict[str, Any] = _read(self._session, "gradients", "gradients.json")
        return found

    @property
    def reversal(self) -> dict[str, float]:
        """How far particles are from their start after all steps forwards and back."""
        return dict(self._checks["reversal"])

    def dots(self) -> dict[str, dict[str, float]]:
        """Return the worst error of dot-product tests over kinds of runs, by operation and ranks.

        Those below 1e-17, as where particles are only sent around, are raised to that.
        """
        found: dict[str, dict[str, float]] = {}
        for ranks, runs in self._checks["dots"].items():
            label = f"{ranks} rank{'s' * (ranks != '1')}"
            for operations in runs.values():
                for name, error in operations.items():
                    worst = found.setdefault(name, {})
                    worst[label] = max(worst.get(label, 1e-17), error)
        return found

    def worst_dot(self, ranks: int | None = None) -> float:
        """Return the worst error of all operations and runs, on some ranks or on any."""
        dots = self._checks["dots"]
        chosen = dots.values() if ranks is None else [dots[str(ranks)]]
        return max(e for runs in chosen for one in runs.values() for e in one.values())

    @property
    def ranks(self) -> list[int]:
        """How many ranks dot-product tests ran on."""
        return [int(ranks) for ranks in self._checks["dots"]]

    @property
    def ways(self) -> list[str]:
        """The directions in which differences were taken."""
        return list(self._checks["differences"])

    def plateaus(self) -> Lines:
        """Return the error of differences over their length, by direction."""
        lengths = np.array(self._checks["lengths"])
        return {
            name: (lengths, np.array(errors))
            for name, errors in self._checks["differences"].items()
        }

    def least_difference(self, way: str) -> float:
        """Return the least error along a direction."""
        return float(min(self._checks["differences"][way]))

    def long_difference(self, way: str) -> float:
        """Return the error of the longest difference."""
        return float(self._checks["differences"][way][0])

    # --- cost -------------------------------------------------------------------------------------

    @cached_property
    def _cost(self) -> dict[str, Any]:
        found: dict[str, Any] = _read(self._session, "gradient-cost", "cost.json")
        return found

    @property
    def machine(self) -> str:
        """The processor and the day, in words."""
        machine = self._cost["machine"]
        return f"{machine['cores']} cores of {machine['cpu']}, {self._cost['measured'][:10]}"

    def run(self, name: str, gradient: bool = True) -> dict[str, Any]:
        """Return `cpu` (s), `memory_mb` and `program_mb` of a run or of its gradient."""
        return next(
            one for one in self._cost["results"]
            if one.get("name") == name and one["gradient"] == gradient
        )  # fmt: skip

    def ratio(self, name: str) -> float:
        """Return the time of a gradient with its run over that of the run."""
        return float(self.run(name)["cpu"] / self.run(name, gradient=False)["cpu"])

    def memory(self, name: str) -> float:
        """Return the memory of a gradient in GB of 10^9 bytes, the program itself included."""
        return float(self.run(name)["memory_mb"]) / 1e3

    def program(self, name: str) -> float:
        """Return the memory of the program before it has these particles in GB, all compiled."""
        return float(self.run(name)["program_mb"]) / 1e3

    def memory_above(self, name: str) -> float:
        """Return what the gradient adds to the program in GB."""
        return self.memory(name) - self.program(name)

    def beside_original(self) -> dict[str, dict[str, float]]:
        """Return seconds by run and program."""
        return {
            WORDS[name]: {
                "MADLens 1.0": ORIGINAL[name], "this, gradient": self.run(name)["cpu"],
                "this, run alone": self.run(name, gradient=False)["cpu"],
            }
            for name in ORIGINAL
        }  # fmt: skip

    def memories(self) -> dict[str, dict[str, float]]:
        """Return GB by run and program."""
        theirs = {name: {"MADLens 1.0": value} for name, value in ORIGINAL_MEMORY.items()}
        return {
            WORDS[name]: {**theirs.get(name, {}), "this": self.memory(name)}
            for name in ("64", "64-40", "96", "128", "256")
        }

    def steps(self, side: int | None = None, of: str = "steps") -> dict[str, Any] | None:
        """Return the cost of steps alone, of JaxPM's if asked; None where it was not measured.

        Of the least side by default.
        """
        found = [one for one in self._cost["results"] if one["of"] == of]
        side = min((one["side"] for one in found), default=0) if side is None else side
        return next((one for one in found if one["side"] == side), None)

    @property
    def largest_side(self) -> int:
        """The largest side for which steps alone were measured."""
        return int(max(one["side"] for one in self._cost["results"] if one["of"] == "steps"))

    # --- forecast ---------------------------------------------------------------------------------

    @cached_property
    def _forecast(self) -> dict[str, Any]:
        found: dict[str, Any] = _read(self._session, "forecast", "forecast.json")
        return found

    @property
    def parameters(self) -> list[str]:
        """The parameters of the forecast."""
        return list(self._forecast["parameters"])

    @property
    def truth(self) -> list[float]:
        """How far the parameters of the other universes are from those of the forecast."""
        return list(self._forecast["truth"].values())

    @property
    def ell(self) -> Array:
        """Multipoles of the bands."""
        return np.array(self._forecast["ell"])

    def _mean_slopes(self, seeds: int | None = None) -> Array:
        return np.mean(self._forecast["slopes"][:seeds], axis=0)

    def slopes(self) -> dict[str, tuple[Array, Array | None]]:
        """Return d ln C / d ln parameter with its error over seeds, by parameter."""
        power = np.mean(self._forecast["spectra"], axis=0)
        each = np.array(self._forecast["slopes"]) / power
        centre = {name: FIDUCIAL[name] for name in self.parameters}
        return {
            name: (
                centre[name] * each[:, i].mean(0),
                centre[name] * each[:, i].std(0, ddof=1) / np.sqrt(len(each)),
            )
            for i, name in enumerate(self.parameters)
        }

    def difference_errors(self) -> Lines:
        """Return the error of slopes from differences, over the exact, by length and parameter."""
        seeds = len(self._forecast["differences"])
        by_steps = np.mean(self._forecast["differences"], axis=0)  # parameter, length, band
        exact = self._mean_slopes(seeds)
        errors = np.linalg.norm(by_steps - exact[:, None], axis=2)
        errors /= np.linalg.norm(exact, axis=1)[:, None]
        lengths = np.array(self._forecast["lengths"])
        return {name: (lengths, error) for name, error in zip(self.parameters, errors)}

    def _covariance(self) -> Array:
        """Return that of bands of noisy maps of one field, for Gaussian modes."""
        total = np.mean(self._forecast["spectra"], axis=0) + self._forecast["noise"]
        return np.diag(2 * total**2 / np.array(self._forecast["modes"]))

    def forecast(self) -> Array:
        """Return the covariance of parameters from exact slopes."""
        return np.linalg.inv(fisher_matrix(self._mean_slopes(), self._covariance()))

    def differenced_forecasts(self, parameter: int) -> list[float]:
        """Return forecasts from differences of each length, over that from exact slopes.

        All with the seeds of the differences.
        """
        differences = np.mean(self._forecast["differences"], axis=0)  # parameter, length, band
        exact = self._mean_slopes(len(self._forecast["differences"]))
        every = [exact, *np.moveaxis(differences, 1, 0)]
        errors = [
            np.linalg.inv(fisher_matrix(slopes, self._covariance()))[parameter, parameter] ** 0.5
            for slopes in every
        ]
        return [float(error / errors[0]) for error in errors[1:]]

    def scores(self) -> Array:
        """Return the compressed maps (seeds, parameters) of other universes."""
        data = np.array(self._forecast["moved"]) - self._forecast["noise"]
        mean = np.mean(self._forecast["spectra"], axis=0)
        return score(data, mean, self._mean_slopes(), self._covariance())

    # --- fitted sharpening ------------------------------------------------------------------------

    @cached_property
    def fit(self) -> dict[str, Any]:
        """The fitted sharpening, and the mismatch on the way."""
        found: dict[str, Any] = _read(self._session, "fit", "fit.json")
        return found

    def fitted_ratios(self) -> dict[str, tuple[Array, Array | None]]:
        """Return spectra of coarse runs over those of finer ones, in universes not fitted."""
        spectra = {name: np.array(values) for name, values in self.fit["spectra"].items()}
        return {
            words: ((spectra[name] / spectra["better"]).mean(0), None)
            for name, words in (
                ("none", "not sharpened"), ("start", "where the fit began"), ("fitted", "fitted"),
            )
        }  # fmt: skip

    def fitted_deviation(self, name: str) -> float:
        """Return the rms deviation of a ratio from 1, over bands, in percent."""
        spectra = {key: np.array(values) for key, values in self.fit["spectra"].items()}
        off = (spectra[name] / spectra["better"]).mean(0) - 1
        return 100 * float(np.sqrt(np.mean(off**2)))


FIDUCIAL = {name: getattr(Settings().cosmology, name) for name in ("omega_m", "sigma8")}


class FieldResults:
    """One map explained, and the coverage over many."""

    def __init__(self, session: Session) -> None:
        self.found: dict[str, Any] = _read(session, "field", "field.json")
        self._params = FIELD[session.profile]
        with np.load(session.artefact("lensing/field") / "maps.npz") as arrays:
            self.maps = {name: arrays[name].astype(float) for name in arrays.files}
        parts = range(PARTS if session.profile == "full" else 2)
        every = [_read(session, f"coverage-{part}", "coverage.json") for part in parts]
        self.sets: list[dict[str, Any]] = [one for part in every for one in part["sets"]]
        self.gradients_of_a_set: int = every[0]["gradients"]
        self.side: int = COVERAGE[session.profile]["settings"]["particles"]

    @property
    def settings(self) -> dict[str, Any]:
        """Of the map."""
        return dict(self._params["settings"])

    @property
    def values(self) -> Array:
        """Draws of the cosmology (draws, parameters)."""
        return np.array(self.found["values"])

    def pictures(self) -> dict[str, Array]:
        """Return truth, data, best state and mean of draws, each less its mean."""
        words = {
            "truth": "truth", "data": "data", "best": "most probable state",
            "mean": "mean of draws",
        }  # fmt: skip
        return {
            label: self.maps[name] - np.nanmean(self.maps[name]) for name, label in words.items()
        }

    def agreement_of_maps(self) -> Lines:
        """Return the correlation with the true map by multipole, by what is compared."""
        width = np.radians(self.settings["degrees"])
        pixels = self.settings["pixels"]
        field = Field(width, pixels)
        edges = np.arange(0.7, pixels / 2, 1.0) * 2 * np.pi / width
        bands = Bands(field, edges)
        true = bands.measure(self.maps["truth"]).power
        found = {}
        for name, label in (("best", "most probable state"), ("mean", "mean of draws")):
            one = bands.measure(self.maps[name]).power
            cross = bands.measure(self.maps["truth"], self.maps[name]).power
            found[label] = (bands.ell, cross / np.sqrt(true * one))
        return found

    def agreement_of_modes(self) -> Lines:
        """Return the correlation of initial modes with the true ones by wave number."""
        k = np.array(self.found["k"])
        return {
            "most probable state": (k, np.array(self.found["best"])),
            "mean of draws": (k, np.array(self.found["mean"])),
        }

    def correlation(self, name: str) -> float:
        """Return that of a map with the true one, pixel by pixel."""
        return float(np.corrcoef(self.maps[name].ravel(), self.maps["truth"].ravel())[0, 1])

    def draws_per_gradient(self) -> float:
        """Return the effective draws a gradient with the cosmology fixed, median over modes."""
        worth = [one["modes"]["independent"] for one in self.sets]
        return float(np.median(worth) / self.gradients_of_a_set)

    def draws_per_gradient_jointly(self) -> float:
        """Return them with the cosmology free, median over modes and parameters."""
        return float(np.median(self.found["independent"]) / self.found["gradients"])

    def inside(self, of: str) -> Array:
        """Return the shares of truths inside intervals of `LEVELS`, for "modes" or "pixels"."""
        offsets = np.concatenate([one[of]["offsets"] for one in self.sets])
        draws = np.concatenate([one[of]["independent"] for one in self.sets])
        return coverage(offsets, np.maximum(draws, 2.0), LEVELS)

    def calibration(self) -> Lines:
        """Return shares of truths inside intervals, over what the intervals should hold."""
        return {
            "large-scale modes": (LEVELS, self.inside("modes")),
            "pixels of maps": (LEVELS, self.inside("pixels")),
            "ideal": (LEVELS, LEVELS),
        }

    def spread_of_sets(self, of: str) -> float:
        """Return the error of the share inside 95% intervals, from the scatter of sets."""
        each = [
            coverage(np.array(one[of]["offsets"]), np.maximum(one[of]["independent"], 2.0),
                     LEVELS[-1:])[0]
            for one in self.sets
        ]  # fmt: skip
        return float(np.std(each, ddof=1) / np.sqrt(len(each)))

    def acceptance(self) -> float:
        """Return the mean acceptance over all sets."""
        return float(np.mean([one["acceptance"] for one in self.sets]))

    def learned(self, of: str) -> float:
        """Return the least deviation of draws, median over sets: of modes, 1 before the data."""
        return float(np.median([min(one[of]["deviations"]) for one in self.sets]))
