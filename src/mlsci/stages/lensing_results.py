"""What the notebooks of the chapter read from the artefacts of `mlsci.stages.lensing`."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

import numpy as np

from mlsci.lensing import integrators, io, original, theory, tiling
from mlsci.lensing.lightcone import Field
from mlsci.lensing.settings import Settings
from mlsci.report.session import Session
from mlsci.stages.lensing import PARTS
from mlsci.stages.lensing_ensembles import Controlled, Curve, Seeds, Steps, mean_and_error

# The stages with the seeds of which the mean is held to theory.
FINE = ("accuracy", "accuracy-more")
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
        return original.boxes_projected(
            settings.cosmology, _even_steps(settings), settings.reach, settings.box, rule
        )

    def orientations(self) -> int:
        """Return how many orientations the talk's run needs."""
        settings = self.settings("talk")
        return len(tiling.stack(settings.box, settings.reach, settings.seed).axes)

    def drift_errors(self) -> tuple[np.ndarray, np.ndarray]:
        """Return scale factors, and by how much linear growth misplaces, over a step's drift."""
        settings = self.settings("talk")
        times = _even_steps(settings)
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

    def seeds(self, *names: str) -> Seeds:
        """Return the spectra over seeds of a stage such as "accuracy", or of several."""
        each = [self._json(name, "seeds.json") for name in names]
        sources, first = [found["sources"][0] for found in each], each[0]
        return Seeds(
            Settings.from_json(first["settings"]), np.array(first["ell"]), np.array(first["modes"]),
            np.concatenate([one["power"] for one in sources]),
            np.concatenate([one["shot_noise"] for one in sources]),
            {model: np.array(values) for model, values in sources[0]["theory"].items()},
            np.array(first["edges"]),
            {key: [one for found in each for one in found[key]] for key in ("values", "gaussian")},
        )  # fmt: skip

    def controlled(self) -> Controlled:
        """Return the seeds of `FINE` with their surrogates."""
        fine = self.seeds(*FINE)
        powers: dict[int, np.ndarray] = {}
        for part in range(len(PARTS[self._session.profile]) - 1):
            found = self._json(f"surrogates-{part}", "surrogates.json")
            signal = np.array(found["power"]) - np.array(found["shot_noise"])[:, None]
            powers.update(zip(found["seeds"], signal))
        first = fine.settings.seed
        twins = [powers.pop(seed) for seed in range(first, first + len(fine.power))]
        return Controlled(fine, np.array(twins), np.array(list(powers.values())))

    def published_ratio(self) -> tuple[np.ndarray, np.ndarray]:
        """Return maps with the published sharpening over halofit, and the error.

        The mean over all seeds, times what the other sharpening changes in the seed that has both:
        that ratio has little scatter.
        """
        fine = self.seeds(*FINE)
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

    def steps(self, name: str, few: str) -> Steps:
        """Return maps of few steps against those of many: of a stage, "steps" or "steps-fine".

        The few are "leapfrog", "bullfrog", or of the finer stage "bullfrog, more".
        """
        found = self._json(name, "steps.json")
        one = found["few"][few]
        return Steps(
            (one["forces"], found["forces"]), found["goal"], np.array(found["edges"]),
            *(np.array(values) for values in (found["ell"], one["power"], found["many"],
                                              one["cross"])),
        )  # fmt: skip

    def budget(self, seeds: Seeds) -> dict[str, np.ndarray]:
        """Return sources of error as shares of the spectrum, at the bands of `seeds`."""
        settings, ell = seeds.settings, seeds.ell
        signal, error = seeds.mean()
        base = seeds.theory["takahashi"]
        coarse, same = self.seeds("seeds-sharpened"), self.seeds(FINE[0])  # of the same waves
        raw, evolved = (self.variant(f"maps-{name}", 1) for name in ("raw", "evolved"))
        steps = self.steps("steps-fine", settings.integrator)
        nearest = settings.reach / 2  # where matter lenses most
        parts = {
            "seeds: error of the mean": error / signal,
            "shot noise, before it is subtracted": seeds.shot.mean() / base,
            "HMcode, not halofit": seeds.theory["mead2020"] / base - 1,
            "waves cut by boxes": 0.83 * nearest / (ell * settings.box),
            f"{steps.forces[0]} forces, not {steps.forces[1]}": _at(
                ell, steps.ell, steps.ratio()[0] - 1
            ),
            "without sub-evolution": _at(ell, raw[0], raw[1] / evolved[1] - 1),
            "half the resolution, by the leapfrog": _at(ell, coarse.ell, coarse.ratio()[0])
            / same.ratio()[0]
            - 1,
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

    def linear_spectra(self, large: bool = False) -> np.ndarray:
        """Return spectra of weak fields ``(seeds, bands)``, of which the mean has little scatter.

        The exact mean for such boxes and what particles change: the same field summed without them
        scatters as the measured one does.
        """
        found = self.linear["fields"][int(large)]
        return np.asarray(found["periodic"] + found["measured"] - found["direct"])

    def linear_ratios(self) -> dict[str, Curve]:
        """Return weak fields' spectra over Limber's integral, and over that for boxes."""
        small, large = self.linear["fields"]
        few, many = self.linear_spectra(large=True), self.linear_spectra()
        return {
            f"over Limber's integral, boxes of {small['box']:.0f} Mpc/h": mean_and_error(
                many / small["limber"]
            ),
            f"the same, boxes of {large['box']:.0f} Mpc/h": mean_and_error(few / large["limber"]),
            f"over that for boxes of {small['box']:.0f} Mpc/h": mean_and_error(
                many / small["periodic"]
            ),
        }

    def linear_deviation(
        self, against: str = "periodic", large: bool = False
    ) -> tuple[float, float]:
        """Return the mean deviation of weak fields from theory over bands, in percent, and error.

        Bands count by their modes.
        """
        found, modes = self.linear["fields"][int(large)], self.linear["modes"]
        each = self.linear_spectra(large) / found[against]
        value, error = mean_and_error(each @ (modes / modes.sum())[:, None])
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


def _even_steps(settings: Settings) -> np.ndarray:
    """Return the scale factors of as many forces by the leapfrog, as the original takes them."""
    return integrators.times("leapfrog", settings.a_start, settings.stages)


def theory_spectrum(ells: list[int]) -> np.ndarray:
    """Return halofit's spectrum for sources at z = 1 in the default cosmology ``(ells,)``."""
    from mlsci.lensing.cosmology import Cosmology

    cosmology = Cosmology()
    power = theory.matter_power(cosmology, 1.0)
    return theory.convergence_spectrum(cosmology, power, np.array(ells, float), 1.0)


def _at(ell: np.ndarray, known: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Interpolate in the logarithm of ell; NaN outside."""
    return np.interp(np.log(ell), np.log(known), values, left=np.nan, right=np.nan)
