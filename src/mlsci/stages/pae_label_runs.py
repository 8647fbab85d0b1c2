"""What the rows of the benchmark's table compute whose models learn from labels."""

from __future__ import annotations

from typing import Any

from mlsci.generative.persistence import config_from_dict
from mlsci.generative.training import TrainingConfig
from mlsci.generative.vib import BottleneckConfig, BottleneckRival, InformationBottleneck
from mlsci.report import files
from mlsci.report.seal import Job
from mlsci.stages.aeflow_runs import Clock, images
from mlsci.stages.pae_bench_runs import detections
from mlsci.stages.pae_runs import outsiders


def benchmark(job: Job) -> None:
    """Train an information bottleneck, and score outliers with it."""
    p = job.params
    x = {split: images(p["images"], split) for split in ("train", "validation", "test")}
    model = InformationBottleneck(
        config_from_dict(BottleneckConfig, p["settings"]["model"] | {"seed": job.seed})
    )
    with Clock() as clock:
        model.fit(
            x["train"],
            x["validation"],
            config_from_dict(TrainingConfig, p["settings"]["training"] | {"seed": job.seed}),
            checkpoint=job.work / "bottleneck.npz",
            log=print,
        )
    result: dict[str, Any] = {"build": clock.record}
    pixels, labels = x["test"]
    found = model.log_prob_labels(pixels).argmax(-1)
    result["accuracy"] = float((found == labels).mean())
    with Clock() as clock:
        sets = outsiders(p, pixels, job.seed)
        result["detection"] = detections(BottleneckRival(model), sets, p["sizes"])
    result["scoring"] = clock.record
    files.write_json(job.out / "metrics.json", result)
