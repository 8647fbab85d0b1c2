"""Score a user's own images as strangers, with the probabilistic auto-encoders of the book.

``python -m mlsci.stages.pae_strangers images_evaluation.zip`` prints the AUROC of each score, mean
and standard deviation over the seeds. The models are those under ``data/derived``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mlsci.generative.user_images import read_images
from mlsci.report import paths
from mlsci.stages.aeflow_results import mean_and_deviation
from mlsci.stages.pae import AEFLOW_SEEDS

# arXiv:2006.05479: density of the PAE, reconstruction error of the AE, for Omniglot.
PUBLISHED = {"ln p(z)": 0.981, "reconstruction": 0.916}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m mlsci.stages.pae_strangers", description=__doc__
    )
    parser.add_argument("images", type=Path, help="archive or folder of pictures, .npy or .npz")
    options = parser.parse_args(arguments)
    try:
        strangers = read_images(options.images)
    except (FileNotFoundError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    from mlsci.stages.aeflow import IMAGES
    from mlsci.stages.aeflow_runs import images

    test = images(IMAGES["full"], "test")[0]
    found = auroc_of_strangers(paths.derived("full"), test, strangers)
    print(f"{len(strangers):,} strangers, {len(test):,} test images; AUROC")
    for score, (value, spread) in found.items():
        print(f"{score:16} {value:.3f} +- {spread or 0:.3f}  (published: {PUBLISHED[score]})")
    return 0


def auroc_of_strangers(
    store: Path, test: np.ndarray, strangers: np.ndarray, seeds: Sequence[int] = AEFLOW_SEEDS
) -> dict[str, tuple[float, float | None]]:
    """Return AUROC by score, mean and deviation over `seeds`, of models under `store`."""
    from mlsci.generative.autoencoder import AutoEncoder
    from mlsci.generative.flows import Flow
    from mlsci.generative.outliers import auroc

    each: dict[str, list[float]] = {score: [] for score in PUBLISHED}
    for seed in seeds:
        networks = AutoEncoder.load(store / f"aeflow/ae-d32-s{seed}/model.npz")
        flow = Flow.load(store / f"aeflow/latent-ae-d32-s{seed}/mixture_flow.npz")
        scores = []
        for x in (test, strangers):
            z = networks.encode(x)
            error = np.square(networks.decode(z) - x).sum((1, 2, 3), dtype=np.float64)
            scores.append({"ln p(z)": flow.log_prob(z), "reconstruction": -error})
        for score, values in each.items():
            values.append(auroc(scores[0][score], scores[1][score]))
    return {score: mean_and_deviation(values) for score, values in each.items()}


if __name__ == "__main__":
    sys.exit(main())
