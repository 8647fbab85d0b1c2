"""What a run leaves in its folder: maps, their spectra beside theory, and a picture."""

from __future__ import annotations

import io as memory
import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mlsci.lensing import io, shear
from mlsci.lensing.settings import Settings
from mlsci.lensing.simulate import Maps, traced
from mlsci.lensing.spectra import Bands
from mlsci.lensing.statistics import moments, peaks
from mlsci.lensing.theory import MatterPower, convergence_spectrum, matter_power
from mlsci.report import files

BANDS = 16  # of a spectrum, evenly in the logarithm of ell


DISPERSION = 0.26  # of a component of ellipticity: LSST DESC 2018, arXiv:1809.01669


def write(
    folder: Path, settings: Settings, maps: Maps, galaxies: float | None = None
) -> list[Path]:
    """Write ``maps.fits``, ``maps.png`` and ``spectra.json`` into a folder; return the paths.

    The FITS file has one image for each source, KAPPA_0 and so on in the order of the settings,
    and with lens planes what rays suffer: RAYS_0, GAMMA1_0, GAMMA2_0, OMEGA_0.
    """
    images = {f"KAPPA_{i}": kappa for i, kappa in enumerate(maps.kappa)}
    if maps.planes:
        for i, found in enumerate(traced(settings, maps)):
            images[f"RAYS_{i}"] = found.kappa
            images[f"GAMMA1_{i}"], images[f"GAMMA2_{i}"] = found.gamma
            images[f"OMEGA_{i}"] = found.omega
    if settings.precision == "f4":
        images = {name: values.astype(np.float32) for name, values in images.items()}
    header: dict[str, Any] = {
        "SEED": settings.seed,
        "BOX": settings.box,
        "NPART": settings.particles,
        "settings": settings.to_json(),
    }
    for i, noise in enumerate(maps.shot_noise):
        header[f"SHOT{i}"] = float(noise)
    paths = [folder / name for name in ("maps.fits", "spectra.json", "maps.png")]
    io.write_maps(paths[0], images, settings.sky, header)
    files.write_json(paths[1], spectra(settings, maps))
    files.write_bytes(paths[2], picture(settings, maps))
    if galaxies is not None:
        paths.append(folder / "galaxies.h5")
        catalogues = {
            f"SOURCE_{i}": shear.galaxies(kappa, settings.sky, DISPERSION, galaxies, settings.seed)
            for i, kappa in enumerate(maps.kappa)
        }
        about = {"settings": json.dumps(settings.to_json()), "density": galaxies,
                 "dispersion": DISPERSION, "units": "x, y: degrees"}  # fmt: skip
        io.write_catalogues(paths[-1], catalogues, about)
    return paths


def bands(settings: Settings) -> Bands:
    """Return bands from a few waves across the field to two thirds of the finest that it holds."""
    low, high = 4 * 2 * np.pi / settings.sky.width, 2 / 3 * np.pi / settings.sky.pixel
    count = int(np.clip(BANDS, 1, max(1, (high / low - 1) * 2)))
    return Bands(settings.sky, np.geomspace(low, max(high, 2 * low), count + 1))


def spectra(settings: Settings, maps: Maps) -> dict[str, Any]:
    """Return spectra, noise, theory and one-point statistics of each source's map, for JSON."""
    measured = bands(settings)
    powers: dict[str, MatterPower] = {}
    if settings.transfer == "camb":
        z_max = 1 / float(settings.cosmology.scale_factor(settings.reach)) - 1
        powers = {m: matter_power(settings.cosmology, z_max, m) for m in ("takahashi", "mead2020")}
    found = []
    for source, kappa, noise in zip(settings.sources, maps.kappa, maps.shot_noise):
        one = measured.measure(kappa)
        sigma, skewness, kurtosis = moments(kappa)
        theory = {
            model: measured.average(
                partial(convergence_spectrum, settings.cosmology, power, source=source)
            ).tolist()
            for model, power in powers.items()
        }
        found.append({
            "source": source if isinstance(source, float) else "distribution",
            "power": one.power.tolist(), "error": one.error.tolist(), "shot_noise": float(noise),
            "theory": theory, "sigma": sigma, "skewness": skewness, "kurtosis": kurtosis,
            "peaks": len(peaks(kappa)),
        })  # fmt: skip
    return {
        "settings": settings.to_json(), "ell": measured.ell.tolist(),
        "modes": measured.modes.tolist(), "particles_seen": maps.counted, "sources": found,
    }  # fmt: skip


def picture(settings: Settings, maps: Maps) -> bytes:
    """Return a PNG of the maps side by side, with their field in degrees and one colour scale."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    count = len(maps.kappa)
    figure = Figure(figsize=(6.0 * count + 1.0, 5.4), layout="constrained")
    FigureCanvasAgg(figure)
    half = settings.degrees / 2
    for i, (source, kappa) in enumerate(zip(settings.sources, maps.kappa)):
        axes = figure.add_subplot(1, count, i + 1)
        # Voids are wide and shallow, haloes narrow and high: the scale leaves out the highest.
        low, high = np.quantile(kappa, (0.005, 0.995))
        image = axes.imshow(
            kappa, origin="lower", cmap="inferno", vmin=low, vmax=high,
            extent=(-half, half, -half, half),
        )  # fmt: skip
        name = f"z = {source:g}" if isinstance(source, float) else "a distribution"
        axes.set(xlabel="degrees", ylabel="degrees", title=f"convergence, sources at {name}")
        figure.colorbar(image, ax=axes, extend="both", shrink=0.9)
    buffer = memory.BytesIO()
    figure.savefig(buffer, dpi=150, metadata={"Software": None})
    return buffer.getvalue()
