"""Parameters of the sharpening that were fitted to this program's own light cones.

By `mlsci.lensing.calibration`, half-way between two theories of matter power, as the stage
``lensing/sharpening`` shows. By integrator, then as in `mlsci.lensing.sharpening`: (stages, Mpc/h
between particles, force mesh over lattice).
"""

from __future__ import annotations

FITTED: dict[str, dict[tuple[int, float, int], dict[str, float]]] = {
    "leapfrog": {},
    "bullfrog": {
        (11, 1.0, 2): {"low": 0.366422, "high": 21426.8, "alpha0": 0.00145448, "mu": -1.39692},
    },
}
