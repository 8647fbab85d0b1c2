"""Two stages: numbers, and a slow sum over them that goes on from its checkpoint."""

import json
import os
import time
from pathlib import Path

import numpy as np

from mlsci.report.seal import Job, Stage

SOURCES = ("toy/model.py",)
STAGES = (
    Stage(
        "toy/numbers",
        "toystages:numbers",
        {"smoke": {"size": 8, "seed": 1}, "full": {"size": 32, "seed": 1}},
        SOURCES,
    ),
    Stage(
        "toy/sum",
        "toystages:total",
        {"smoke": {"steps": 4}, "full": {"steps": 8}},
        SOURCES,
        inputs=("toy/numbers",),
    ),
)


def _note(job: Job) -> None:
    """Tell the test that the stage has run."""
    with (Path(os.environ["MLSCI_HOME"]) / "runs.log").open("a") as log:
        log.write(f"{job.stage.name} {job.profile}\n")


def numbers(job: Job) -> None:
    _note(job)
    # TOY_NOISE stands for a machine that rounds in another way.
    noise = float(os.environ.get("TOY_NOISE", "0"))
    values = np.random.default_rng(job.seed).normal(size=job.params["size"]) + noise
    np.save(job.out / "numbers.npy", values)


def total(job: Job) -> None:
    _note(job)
    values = np.load(job.input("toy/numbers") / "numbers.npy")
    checkpoint = job.work / "checkpoint.json"
    state = json.loads(checkpoint.read_text()) if checkpoint.exists() else {"step": 0, "sum": 0.0}
    for step in range(state["step"], job.params["steps"]):
        print(f"step {step}", flush=True)
        state = {"step": step + 1, "sum": state["sum"] + float(values[step])}
        part = checkpoint.with_suffix(".part")
        part.write_text(json.dumps(state))
        part.replace(checkpoint)
        time.sleep(float(os.environ.get("TOY_PAUSE", "0")))
    (job.out / "sum.json").write_text(json.dumps({"sum": state["sum"], "steps": state["step"]}))
