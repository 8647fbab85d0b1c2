"""Frechet distances in a feature space of a user's own: Inception's, whose weights are not here.

``python -m mlsci.stages.pae_features images FOLDER`` writes the test images, and samples and
reconstructions of the book's probabilistic auto-encoder, as arrays of bytes ``(n, 28, 28)``. The
user's network turns each into features ``(n, d)``, and
``python -m mlsci.stages.pae_features distance real.npy fake.npy`` prints their distance. With the
features of Inception's last pooling layer that is the FID (Heusel et al. 2017, arXiv:1706.08500).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mlsci.generative.quality import frechet_distance
from mlsci.report import paths


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the two commands, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m mlsci.stages.pae_features", description=__doc__
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("images").add_argument("folder", type=Path)
    distance = commands.add_parser("distance")
    distance.add_argument("real", type=Path)
    distance.add_argument("fake", type=Path)
    options = parser.parse_args(arguments)
    try:
        if options.command == "images":
            from mlsci.stages.aeflow import IMAGES
            from mlsci.stages.aeflow_runs import images

            write_images(paths.derived("full"), images(IMAGES["full"], "test")[0], options.folder)
        else:
            real, fake = (read_features(path) for path in (options.real, options.fake))
            print(f"{frechet_distance(real, fake):.4g}")
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def write_images(store: Path, test: np.ndarray, folder: Path) -> None:
    """Write test images, samples and reconstructions of the first seed's model to a folder."""
    from mlsci.generative.autoencoder import AutoEncoder
    from mlsci.generative.flows import Flow
    from mlsci.stages.aeflow_runs import as_bytes

    networks = AutoEncoder.load(store / "aeflow/ae-d32-s0/model.npz")
    flow = Flow.load(store / "aeflow/latent-ae-d32-s0/mixture_flow.npz")
    arrays = {
        "test": test,
        "samples": networks.decode(flow.sample(len(test), seed=0)),
        "reconstructions": networks.reconstruct(test),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, x in arrays.items():
        np.save(folder / f"{name}.npy", as_bytes(x))


def read_features(path: Path) -> np.ndarray:
    """Return the features ``(n, d)`` of an .npy file, in double precision.

    Raises
    ------
    ValueError
        If it holds something else, or no more vectors than dimensions, whose covariance would not
        have full rank.
    """
    x = np.load(path, allow_pickle=False)
    if x.ndim != 2 or len(x) <= x.shape[1]:
        raise ValueError(
            f"{path} holds an array {x.shape}: give features (n, d), a vector an image, n above d"
        )
    return np.asarray(x, np.float64)


if __name__ == "__main__":
    sys.exit(main())
