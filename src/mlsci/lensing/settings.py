"""What a run is asked to do, and why some runs are refused before they begin."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from mlsci.lensing import integrators
from mlsci.lensing.convergence import reach
from mlsci.lensing.cosmology import A_MIN, Cosmology
from mlsci.lensing.integrators import Integrator
from mlsci.lensing.lightcone import CELLS, Field
from mlsci.lensing.power import Transfer
from mlsci.lensing.sharpening import Sharpening, fitted, published
from mlsci.lensing.sources import Distribution, Source, farthest

GIB = 2.0**30
_PROGRAM = 0.35 * GIB  # of the interpreter, its packages, tables


class RefusedError(ValueError):
    """A run that cannot give what is asked for; the message says what to change."""


@dataclass(frozen=True)
class Settings:
    """One run, from the seed to maps. The default is a field of 6.3 degrees to z = 1.

    Parameters
    ----------
    cosmology
        The universe.
    seed
        Of the initial conditions, and of how boxes are turned.
    box
        Side of the periodic box in Mpc/h.
    particles, boost
        Particles along a side of the lattice (even); cells of the force mesh for each.
    a_start, stages
        The first scale factor, and how often a force is taken from then to today.
    integrator
        Of the steps between: ``"leapfrog"`` or ``"bullfrog"``, see `mlsci.lensing.integrators`.
    degrees, pixels
        Side of the field, and of it in pixels.
    sources
        Redshifts of source planes, or distributions: one map each.
    sharpening
        Parameters of the correction for what the mesh cannot resolve; ``"published"`` for those
        of this configuration (the leapfrog's), ``"fitted"`` for better ones where there are, None
        for none.
    sub_evolution
        Whether each particle is moved to its own crossing of the light cone. If not, all are seen
        as they are half way through a step.
    planes
        Lens planes for ray tracing; 0 for none.
    precision
        Of the force mesh, ``"f4"`` or ``"f8"``.
    transfer
        Where the linear spectrum comes from.

    Raises
    ------
    RefusedError
        For what cannot be; the message tells the mend.
    """

    cosmology: Cosmology = field(default_factory=Cosmology)
    seed: int = 0
    box: float = 256.0
    particles: int = 256
    boost: int = 2
    a_start: float = 0.1
    stages: int = 11
    integrator: Integrator = "leapfrog"
    degrees: float = 6.3
    pixels: int = 1024
    sources: tuple[Source, ...] = (1.0,)
    sharpening: Sharpening | Literal["fitted", "published"] | None = "fitted"
    sub_evolution: bool = True
    planes: int = 0
    precision: Literal["f4", "f8"] = "f4"
    transfer: Transfer = "camb"

    def __post_init__(self) -> None:
        self._check_numbers()
        self._check_light_cone()
        try:
            _ = self.correction
        except LookupError as error:
            raise RefusedError(str(error.args[0])) from error

    @property
    def sky(self) -> Field:
        """The field of the maps."""
        return Field(math.radians(self.degrees), self.pixels)

    @property
    def spacing(self) -> float:
        """Distance of particles on their lattice in Mpc/h."""
        return self.box / self.particles

    @property
    def density(self) -> float:
        """Particles per (Mpc/h)^3."""
        return self.spacing**-3

    @cached_property
    def reach(self) -> float:
        """Distance in Mpc/h to the farthest sources."""
        return reach(self.cosmology, self.sources)

    @property
    def times(self) -> np.ndarray:
        """Scale factors where steps begin and end."""
        return integrators.times(self.integrator, self.a_start, self.stages)

    @property
    def correction(self) -> Sharpening | None:
        """The parameters of the sharpening, or None."""
        if self.sharpening == "published":
            return published(self.stages, self.spacing, self.boost)
        if self.sharpening == "fitted":
            return fitted(self.integrator, self.stages, self.spacing, self.boost)
        return self.sharpening

    # --- refusals -----------------------------------------------------------------------------

    def _check_numbers(self) -> None:
        wrong = {
            "seed must be from 0 to 2147483647": not 0 <= self.seed < 2**31,
            "box must be positive": not (0 < self.box < math.inf),
            "particles must be even and 4 or more": self.particles < 4 or self.particles % 2,
            "boost must be from 1 to 8": not 1 <= self.boost <= 8,
            "stages must be 2 or more": self.stages < 2,
            f"a_start must be between {A_MIN} and 1": not A_MIN <= self.a_start < 1,
            f"integrator must be one of {', '.join(get_args(Integrator))}":
                self.integrator not in get_args(Integrator),
            "degrees must be positive, and below 30: the sky is taken to be flat":
                not 0 < self.degrees < 30,
            "pixels must be 2 or more": self.pixels < 2,
            "planes must not be negative": self.planes < 0,
            "precision must be 'f4' or 'f8'": self.precision not in {"f4", "f8"},
            "sharpening must be 'fitted', 'published', none, or its parameters":
                self.sharpening not in (None, "fitted", "published")
                and not isinstance(self.sharpening, Sharpening),
            "the published sharpening is for the leapfrog: take 'fitted', or parameters":
                self.sharpening == "published" and self.integrator != "leapfrog",
            "there must be a source": not self.sources,
            "sources must have positive redshifts": any(farthest(s) <= 0 for s in self.sources),
            "rays are traced to planes of sources, not to distributions: give redshifts":
                self.planes > 0 and any(isinstance(s, Distribution) for s in self.sources),
        }  # fmt: skip
        for message, is_wrong in wrong.items():
            if is_wrong:
                raise RefusedError(message)

    def _check_light_cone(self) -> None:
        start = 1 / self.a_start - 1
        last = max(farthest(source) for source in self.sources)
        if last > start:
            raise RefusedError(
                f"sources at redshift {last:g} are beyond the light cone, which begins at "
                f"{start:g}: start before a = {1 / (1 + last):.4g}, or take nearer sources"
            )
        seen = (self.sky.width + self.sky.pixel) * self.reach
        if seen > self.box:
            widest = math.degrees(self.box / self.reach / (1 + 1 / self.pixels))
            raise RefusedError(
                f"the field of {self.degrees:g} degrees is {seen:.1f} Mpc/h wide at the source, "
                f"the box {self.box:g}: take at most {math.floor(widest * 100) / 100:g} degrees, "
                f"a box of {math.ceil(seen)} Mpc/h, or nearer sources"
            )

    def memory(self, ranks: int) -> float:
        """Return about how many bytes each of some ranks will take at most."""
        lattice, mesh = self.particles**3 / ranks, (self.boost * self.particles) ** 3 / ranks
        number = 8 if self.precision == "f8" else 4
        copies = 48 if ranks > 1 else 0  # of positions and forces, where the mesh has them
        # Second-order displacements; forces; sharpening, with positions half way and what it adds.
        starting = 48 + 56
        stepping = 48 + copies + (24 if self.integrator == "bullfrog" else 0)
        sharpening = 48 + copies if self.correction or not self.sub_evolution else 0
        steps = lattice * (stepping + sharpening) + mesh * number * 3
        maps = (len(self.sources) + self.planes) * self.pixels**2 * 8.0
        tables = (len(self.sources) + self.planes) * CELLS * 16.0
        return _PROGRAM + max(lattice * starting, steps) + 3 * maps + tables

    def check_memory(self, ranks: int, ranks_here: int) -> str:
        """Return a sentence on the memory that a run needs, or refuse what this machine lacks.

        Parameters
        ----------
        ranks, ranks_here
            In all, and on this machine.
        """
        need, there = self.memory(ranks), available_memory()
        text = f"about {need / GIB:.1f} GiB on each of {ranks} rank{'s' * (ranks > 1)}"
        if there is None:
            return text
        text += f", and {there / GIB:.1f} GiB are free here"
        if need * ranks_here > there:
            raise RefusedError(
                f"the run needs {text} for {ranks_here}: use fewer particles, a smaller boost, "
                "fewer maps, or more machines"
            )
        return text

    # --- as text ------------------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON keeps them."""
        values: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Settings:
        """Return the settings that `to_json` gave.

        Raises
        ------
        RefusedError
            For names that are no settings.
        """
        known = {one.name for one in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise RefusedError(f"no setting is called {', '.join(unknown)}")
        found = dict(values)
        if "cosmology" in found:
            found["cosmology"] = Cosmology(**found["cosmology"])
        if "sources" in found:
            found["sources"] = tuple(
                Distribution(tuple(s["z"]), tuple(s["density"]))
                if isinstance(s, dict)
                else float(s)
                for s in found["sources"]
            )
        if isinstance(found.get("sharpening"), dict):
            found["sharpening"] = Sharpening(**found["sharpening"])
        return cls(**found)


def _source(value: Any) -> Source:
    if isinstance(value, Mapping):
        return Distribution(tuple(value["z"]), tuple(value["density"]))
    return float(value)


def available_memory() -> float | None:
    """Return the bytes that programs can still get on this machine, None where it does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith("MemAvailable:"):
            free = float(line.split()[1]) * 1024
            return min(free, _group_limit() or free)
    return None


def _group_limit() -> float | None:
    """Return what the control group of a container or batch job leaves, None without a limit."""
    group = Path("/sys/fs/cgroup")
    try:
        limit = (group / "memory.max").read_text(encoding="ascii").strip()
        used = float((group / "memory.current").read_text(encoding="ascii"))
        stat = dict(
            line.split()
            for line in (group / "memory.stat").read_text(encoding="ascii").splitlines()
        )
    except (OSError, ValueError):
        return None
    # Cached files are given up when memory is asked for.
    return None if limit == "max" else float(limit) - used + float(stat.get("inactive_file", 0))
