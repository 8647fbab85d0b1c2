"""The training loop: the algorithm, interruptions, early stopping, and failures that say why."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from mlsci.generative.training import (
    History,
    TrainingConfig,
    TrainingFailedError,
    fit,
    steps_per_epoch,
)

RNG = np.random.default_rng(0)
DATA = RNG.normal([1, -2, 0.5], 1.0, (120, 3)).astype(np.float32)
QUICK = TrainingConfig(epochs=6, batch=30, rate=0.05, warmup=3, average=0.9)


class Interruption(Exception):  # noqa: N818 - what a signal would raise
    """Stands for a kill after an epoch."""


def interrupt_after(epochs: int) -> object:
    lines: list[str] = []

    def log(line: str) -> None:
        lines.append(line)
        if sum(text.startswith("epoch") for text in lines) == epochs:
            raise Interruption

    return log


class Model(tf.Module):
    """Weights that are drawn to the mean of the data, with noise of their own."""

    def __init__(self, start: float = 0.0, noise: float = 0.0) -> None:
        super().__init__()
        self.w = tf.Variable(tf.fill((3,), start))
        self._noise = noise

    def loss(self, x: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        x += self._noise * tf.random.stateless_normal(tf.shape(x), seed)
        return tf.reduce_mean(tf.square(self.w - x))

    def fit(self, config: TrainingConfig, **options: object) -> History:
        return fit(self.loss, [self.w], [DATA], [DATA[:20]], config, **options)


def test_a_quadratic_is_minimised() -> None:
    model = Model()
    config = TrainingConfig(epochs=400, batch=120, rate=0.1, warmup=5, average=0.5)
    history = fit(model.loss, [model.w], [DATA], [DATA], config)
    np.testing.assert_allclose(model.w, DATA.mean(0), atol=1e-3)
    assert history.validation[history.best_epoch] == pytest.approx(DATA.var(0).mean(), rel=1e-4)
    assert len(history.train) == len(history.wall_seconds) == len(history.cpu_seconds) == 400


def test_steps_are_those_of_the_algorithm() -> None:
    """AdamW (arXiv:1711.05101, algorithm 2), its schedule, clip and average, written out."""
    c = TrainingConfig(
        epochs=5, batch=120, rate=0.2, rate_end=0.1, warmup=2, average=0.5, weight_decay=0.1,
        clip=0.7,
    )  # fmt: skip
    start = np.array([[2.0], [-1.0], [0.5]])  # a matrix: vectors do not decay
    w = tf.Variable(start, dtype=tf.float32)
    fit(lambda x, seed: tf.reduce_mean(tf.square(w[:, 0] - x)), [w], [DATA], [DATA], c)

    exact, m, v = start.copy(), np.zeros((3, 1)), np.zeros((3, 1))
    average = exact.copy()
    for t in range(1, 6):
        gradient = 2 / 3 * (exact - DATA.mean(0, dtype=float)[:, None])
        gradient *= min(1, c.clip / np.linalg.norm(gradient))
        share = np.clip((t - 2) / (5 - 2), 0, 1)
        cosine = c.rate_end + (1 - c.rate_end) * (1 + np.cos(np.pi * share)) / 2
        rate = c.rate * min(t / 2, 1, cosine)
        exact -= rate * c.weight_decay * exact
        m, v = 0.9 * m + 0.1 * gradient, 0.99 * v + 0.01 * gradient**2
        exact -= rate * m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.99**t)) + 1e-8)
        average += (1 - min(c.average, (1 + t) / (10 + t))) * (exact - average)
    np.testing.assert_allclose(w, average, rtol=1e-4)


@pytest.mark.parametrize("after", [1, 4])
def test_an_interrupted_run_ends_with_the_same_weights(after: int, tmp_path: Path) -> None:
    whole = Model(noise=0.3)
    history = whole.fit(QUICK)
    path = tmp_path / "work" / "checkpoint.npz"
    with pytest.raises(Interruption):
        Model(noise=0.3).fit(QUICK, checkpoint=path, log=interrupt_after(after))
    resumed = Model(start=5.0, noise=0.3)  # what it starts from must not matter
    lines: list[str] = []
    again = resumed.fit(QUICK, checkpoint=path, log=lines.append)
    assert lines[0] == f"resumed after epoch {after}"
    np.testing.assert_array_equal(resumed.w, whole.w)
    assert (again.train, again.validation) == (history.train, history.validation)
    assert again.best_epoch == history.best_epoch
    assert list(path.parent.iterdir()) == [path]  # no temporary file is left


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    first, second = Model(), Model(start=5.0)
    path = tmp_path / "checkpoint.npz"
    history = first.fit(QUICK, checkpoint=path)
    assert second.fit(QUICK, checkpoint=path) == history
    np.testing.assert_array_equal(second.w, first.w)


def test_a_failed_write_leaves_the_former_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "checkpoint.npz"
    with pytest.raises(Interruption):
        Model().fit(QUICK, checkpoint=path, log=interrupt_after(2))
    before = path.read_bytes()

    def full(file: object, **arrays: np.ndarray) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(np, "savez", full)
        with pytest.raises(OSError, match="no space"):
            Model().fit(QUICK, checkpoint=path)
    assert path.read_bytes() == before
    whole, resumed = Model(), Model(start=5.0)
    whole.fit(QUICK)
    resumed.fit(QUICK, checkpoint=path)
    np.testing.assert_array_equal(resumed.w, whole.w)


def test_a_damaged_or_foreign_checkpoint_is_named(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.npz"
    Model().fit(QUICK, checkpoint=path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(TrainingFailedError, match=r"checkpoint\.npz is damaged .* delete it"):
        Model().fit(QUICK, checkpoint=path)
    path.write_bytes(content)
    other = tf.Variable(tf.zeros(4))
    with pytest.raises(TrainingFailedError, match=r"checkpoint\.npz .* of another model"):
        fit(
            lambda x, seed: tf.reduce_sum(other) + 0 * tf.reduce_sum(x),
            [other], [DATA], [DATA], QUICK, checkpoint=path,
        )  # fmt: skip


def test_early_stopping_keeps_the_best_weights() -> None:
    """The weight passes the validation optimum, 0, on its way to the training optimum, 1."""
    w = tf.Variable(-0.4)
    ones, zeros = np.ones((20, 1), np.float32), np.zeros((5, 1), np.float32)
    config = TrainingConfig(epochs=60, batch=20, rate=0.1, warmup=1, average=0.0, patience=3)
    history = fit(lambda x, seed: tf.reduce_mean(tf.square(w - x)), [w], [ones], [zeros], config)
    assert history.best_epoch == int(np.argmin(history.validation))
    assert len(history.validation) == history.best_epoch + 1 + config.patience
    assert float(w) ** 2 == pytest.approx(min(history.validation), rel=1e-6)
    assert abs(float(w)) < 0.1


def test_validation_is_the_mean_over_all_its_rows() -> None:
    """Batches of validation are of unequal size, and must not weigh the same."""
    w = tf.Variable(0.0)
    x = np.arange(1300, dtype=np.float32)[:, None]
    config = TrainingConfig(epochs=1, batch=1300, rate=1e-9)
    history = fit(lambda x, seed: w + tf.reduce_mean(x), [w], [x], [x], config)
    assert history.validation == [pytest.approx(x.mean(), rel=1e-5)]


def test_every_row_is_seen_once_an_epoch_and_rows_stay_together() -> None:
    w = tf.Variable(0.0)
    x = np.arange(60, dtype=np.float32)
    config = TrainingConfig(epochs=2, batch=20, rate=1e-9)

    def loss(x: tf.Tensor, y: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        return w + tf.reduce_mean(tf.square(x)) + 1e6 * tf.reduce_max(tf.abs(y + x))

    history = fit(loss, [w], [x, -x], [x, -x], config)
    assert history.train == [pytest.approx(np.mean(x**2), rel=1e-6)] * 2


def test_a_loss_that_is_not_finite_ends_the_run_with_its_cause() -> None:
    x = DATA.copy()
    x[7, 1] = np.nan
    model = Model()
    with pytest.raises(TrainingFailedError, match=r"loss is nan in epoch 0: .* NaN in the data"):
        fit(model.loss, [model.w], [x], [DATA], QUICK)


def test_what_cannot_be_trained_is_refused() -> None:
    model = Model()
    with pytest.raises(TrainingFailedError, match="no trainable variables"):
        fit(model.loss, [], [DATA], [DATA], QUICK)
    with pytest.raises(TrainingFailedError, match="empty training or validation data"):
        fit(model.loss, [model.w], [DATA], [DATA[:0]], QUICK)
    with pytest.raises(TrainingFailedError, match="unequal length"):
        fit(model.loss, [model.w], [DATA, DATA[:5]], [DATA, DATA], QUICK)


@pytest.mark.parametrize(
    "values", [{"epochs": 0}, {"batch": 0}, {"rate": 0.0}, {"average": 1.0}, {"average": -0.1}]
)
def test_impossible_schedules_are_refused(values: dict) -> None:
    with pytest.raises(ValueError, match="cannot train with"):
        TrainingConfig(**values)


@pytest.mark.parametrize(("n", "batch", "steps"), [(10, 3, 3), (9, 3, 3), (2, 5, 1)])
def test_steps_of_an_epoch(n: int, batch: int, steps: int) -> None:
    assert steps_per_epoch(n, batch) == steps
