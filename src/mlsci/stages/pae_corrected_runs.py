"""What the rows of the benchmark's table compute that forgive the likelihood what is simplicity."""

from __future__ import annotations

from typing import Any

from mlsci.generative.input_complexity import ComplexityCorrected
from mlsci.report import files
from mlsci.report.seal import Job
from mlsci.stages.aeflow_runs import Clock
from mlsci.stages.pae_bench_runs import build, detections
from mlsci.stages.pae_runs import outsiders, splits


def benchmark(job: Job) -> None:
    """Score outliers with the evidence of a row's model, corrected by the complexity of images."""
    p, x = job.params, splits(job.params["images"])
    with Clock() as clock:
        model = ComplexityCorrected(build(job, x))
        model.fit(x["train"], x["validation"], work=job.work, seed=job.seed)
    result: dict[str, Any] = {"build": clock.record}
    with Clock() as clock:
        sets = outsiders(p, x["test"], job.seed)
        result["detection"] = detections(model, sets, p["sizes"])
    result["scoring"] = clock.record
    files.write_json(job.out / "metrics.json", result)
