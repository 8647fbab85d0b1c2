"""Parameters of the sharpening that were fitted to this program's own light cones.

By `mlsci.lensing.calibration`, half-way between two theories of matter power, as the stage
``lensing/sharpening`` shows. By integrator, then as in `mlsci.lensing.sharpening`: (stages, Mpc/h
between particles, force mesh over lattice).
"""

from __future__ import annotations

FITTED: dict[str, dict[tuple[int, float, int], dict[str, float]]] = {
    "leapfrog": {
        (11, 1.0, 2): {"low": 0.0972892, "high": 5.67245, "alpha0": 0.00227681, "mu": -2.26767},
    },
    "bullfrog": {},
}
