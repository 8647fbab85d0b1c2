"""One training loop for every model, which can be interrupted and resumed.

AdamW with warm-up and a half cosine of the rate, averaged weights, early stopping.
"""

from __future__ import annotations

import os
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import tensorflow as tf

Loss = Callable[..., tf.Tensor]


class TrainingFailedError(RuntimeError):
    """The loss became NaN or infinite, or the arguments cannot be trained on."""


@dataclass(frozen=True)
class TrainingConfig:
    """Schedule of `fit`.

    Attributes
    ----------
    epochs
        Largest number of passes over the data.
    batch
        Images or vectors a step.
    rate
        Peak learning rate, reached after `warmup` steps.
    rate_end
        Share of the peak that is left at the end, after a half cosine.
    warmup
        Steps of the linear rise.
    average
        Decay per step of the exponential moving average of the weights, which is what is kept; 0
        for none.
    weight_decay
        Decoupled weight decay of AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101).
    clip
        Largest global norm of the gradient.
    patience
        Epochs without a better validation loss before stopping.
    seed
        Of the order of the data and of the noise that the loss draws.
    """

    epochs: int = 30
    batch: int = 128
    rate: float = 1e-3
    rate_end: float = 0.01
    warmup: int = 500
    average: float = 0.999
    weight_decay: float = 0.0
    clip: float = 10.0
    patience: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch < 1 or self.rate <= 0 or not 0 <= self.average < 1:
            raise ValueError(
                f"cannot train with {self}: epochs and batch must be positive, the rate above 0, "
                "the average in [0, 1)"
            )


@dataclass
class History:
    """What happened, an entry an epoch: losses and seconds.

    Attributes
    ----------
    train
        Mean loss of the epoch's steps.
    validation
        Loss of the averaged weights on the validation data.
    wall_seconds, cpu_seconds
        Time taken, validation included.
    best_epoch
        Index of the epoch whose weights are kept; -1 before the first.
    """

    train: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    wall_seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    best_epoch: int = -1

    def as_dict(self) -> dict[str, list[float] | int]:
        """Return plain lists, for JSON."""
        return asdict(self)


def steps_per_epoch(n: int, batch: int) -> int:
    """Return the number of full batches in n examples; at least one."""
    return max(1, n // batch)


def fit(
    loss: Loss,
    variables: Sequence[tf.Variable],
    train: Sequence[np.ndarray],
    validation: Sequence[np.ndarray],
    config: TrainingConfig,
    *,
    checkpoint: Path | None = None,
    log: Callable[[str], None] | None = None,
) -> History:
    """Minimise a loss; leave the best averaged weights in `variables`.

    Parameters
    ----------
    loss
        ``loss(*batch, seed)`` -> scalar tensor; `seed` is a ``(2,)`` int32 tensor for stateless
        random numbers, its first entry negative in validation.
    variables
        What to train.
    train, validation
        Arrays with a common first axis; a batch has the same rows of each.
    config
        The schedule.
    checkpoint
        File that is rewritten after every epoch (to a temporary name, then renamed) and resumed
        from when it exists: the same weights come out as without the interruption.
    log
        Receives one line an epoch.

    Returns
    -------
    History
        Losses and times, epoch by epoch, those before an interruption included.

    Raises
    ------
    TrainingFailedError
        For no variables, empty data, a loss that is not finite, or a checkpoint that is damaged or
        of another model.
    """
    if not variables:
        raise TrainingFailedError("nothing to train: the model has no trainable variables")
    n, n_validation = len(train[0]), len(validation[0])
    if min(n, n_validation) < 1 or any(len(a) != n for a in train):
        raise TrainingFailedError("empty training or validation data, or arrays of unequal length")
    loop = _Loop(loss, variables, train, validation, config)
    history = History()
    if checkpoint is not None and checkpoint.exists():
        history = loop.restore(checkpoint)
        if log:
            log(f"resumed after epoch {len(history.train)}")
    for epoch in range(len(history.train), config.epochs):
        if epoch - 1 - history.best_epoch >= config.patience:
            break
        wall, cpu = time.perf_counter(), time.process_time()
        values = {"training": loop.epoch(epoch), "validation": loop.validate()}
        for name, value in values.items():
            if not np.isfinite(value):
                raise TrainingFailedError(
                    f"the {name} loss is {value} in epoch {epoch}: lower the rate ({config.rate}) "
                    f"or the gradient clip ({config.clip}), or look for NaN in the data"
                )
        history.train.append(values["training"])
        history.validation.append(values["validation"])
        if history.best_epoch < 0 or history.validation[-1] < min(history.validation[:-1]):
            history.best_epoch = epoch
            loop.keep()
        history.wall_seconds.append(time.perf_counter() - wall)
        history.cpu_seconds.append(time.process_time() - cpu)
        if checkpoint is not None:
            loop.save(checkpoint, history)
        if log:
            log(
                f"epoch {epoch + 1}/{config.epochs} loss {history.train[-1]:.5f} validation "
                f"{history.validation[-1]:.5f} ({history.wall_seconds[-1]:.1f} s)"
            )
    loop.finish()
    return history


class _Loop:
    """State of `fit`: optimiser, average, best weights."""

    def __init__(
        self,
        loss: Loss,
        variables: Sequence[tf.Variable],
        train: Sequence[np.ndarray],
        validation: Sequence[np.ndarray],
        config: TrainingConfig,
    ) -> None:
        self.variables = list(variables)
        self.config = config
        self.train = [tf.constant(a) for a in train]
        self.n = len(train[0])
        self.steps = steps_per_epoch(self.n, config.batch)
        self.average = [tf.Variable(v, trainable=False) for v in self.variables]
        self.moments = [
            [tf.Variable(tf.zeros_like(v), trainable=False) for v in self.variables]
            for _ in range(2)
        ]
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.best = [v.numpy() for v in self.variables]
        batch = min(config.batch, self.n)

        # Without autograph, which reads the source files again while it runs.
        @tf.function(autograph=False)
        def epoch(order: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
            def step(k: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
                rows = tf.ensure_shape(order[k * batch : (k + 1) * batch], (batch,))
                examples = [tf.gather(a, rows) for a in self.train]
                with tf.GradientTape() as tape:
                    value = loss(*examples, tf.stack([seed, k]))
                self._adam(tape.gradient(value, self.variables))
                return k + 1, total + value

            start = (tf.constant(0), tf.constant(0.0))
            _, total = tf.while_loop(
                lambda k, _: k < self.steps, step, start, parallel_iterations=1
            )
            return total / tf.cast(self.steps, tf.float32)

        self._epoch = epoch
        self._loss = tf.function(loss, reduce_retracing=True, autograph=False)
        size = max(1, min(1000, len(validation[0])))
        self.validation = [
            [tf.constant(a[i : i + size]) for a in validation]
            for i in range(0, len(validation[0]), size)
        ]

    def _rate(self) -> tf.Tensor:
        c = self.config
        step = tf.cast(self.step, tf.float32)
        warm = step / max(1, c.warmup)
        total = max(1, c.epochs * self.steps - c.warmup)
        fraction = tf.clip_by_value((step - c.warmup) / total, 0.0, 1.0)
        cosine = c.rate_end + (1 - c.rate_end) * 0.5 * (1 + tf.cos(np.pi * fraction))
        return c.rate * tf.minimum(tf.minimum(warm, 1.0), cosine)

    def _adam(self, gradients: Sequence[tf.Tensor]) -> None:
        """Step AdamW with beta = (0.9, 0.99), and the running average of the weights.

        Source: Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2.
        """
        c = self.config
        gradients, _ = tf.clip_by_global_norm(gradients, c.clip)
        self.step.assign_add(1)
        t = tf.cast(self.step, tf.float32)
        rate = self._rate()
        # A young average forgets its start faster (as in tf.train.ExponentialMovingAverage).
        decay = tf.minimum(c.average, (1.0 + t) / (10.0 + t))
        for v, g, m, s, a in zip(
            self.variables, gradients, *self.moments, self.average, strict=True
        ):
            if c.weight_decay and v.shape.rank > 1:
                v.assign_sub(rate * c.weight_decay * v)
            tf.raw_ops.ResourceApplyAdam(
                var=v.handle,
                m=m.handle,
                v=s.handle,
                beta1_power=0.9**t,
                beta2_power=0.99**t,
                lr=rate,
                beta1=0.9,
                beta2=0.99,
                epsilon=1e-8,
                grad=g,
            )
            a.assign_add((1 - decay) * (v - a))

    def epoch(self, epoch: int) -> float:
        rng = np.random.default_rng([self.config.seed, epoch])
        order = tf.constant(rng.permutation(self.n), tf.int32)
        return float(self._epoch(order, tf.constant(self._seed(epoch), tf.int32)))

    def _seed(self, epoch: int) -> int:
        return (self.config.seed * 1_000_003 + epoch * 7919) % (2**31 - 1)

    def validate(self) -> float:
        now = self._swap(self.average)
        values = [
            float(self._loss(*batch, tf.constant([-1, k], tf.int32))) * len(batch[0])
            for k, batch in enumerate(self.validation)
        ]
        self._swap(now)
        return float(np.sum(values) / sum(len(b[0]) for b in self.validation))

    def _swap(self, values: Sequence[tf.Variable | np.ndarray]) -> list[np.ndarray]:
        old = [v.numpy() for v in self.variables]
        for v, value in zip(self.variables, values, strict=True):
            v.assign(value)
        return old

    def keep(self) -> None:
        self.best = [a.numpy() for a in self.average]

    def finish(self) -> None:
        self._swap(self.best)

    def _state(self) -> list[tf.Variable]:
        return [*self.variables, *self.average, *self.moments[0], *self.moments[1], self.step]

    def save(self, path: Path, history: History) -> None:
        arrays = {f"state{i}": v.numpy() for i, v in enumerate(self._state())}
        arrays |= {f"best{i}": v for i, v in enumerate(self.best)}
        arrays |= {f"history_{k}": np.asarray(v) for k, v in history.as_dict().items()}
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        with temporary.open("wb") as f:
            np.savez(f, **arrays)
        temporary.replace(path)

    def restore(self, path: Path) -> History:
        try:
            with path.open("rb") as f, np.load(f) as stored:
                for i, v in enumerate(self._state()):
                    v.assign(stored[f"state{i}"])
                self.best = [stored[f"best{i}"] for i in range(len(self.variables))]
                values = {name: stored[f"history_{name}"].tolist() for name in asdict(History())}
        except (zipfile.BadZipFile, EOFError, KeyError, ValueError) as error:
            raise TrainingFailedError(
                f"the checkpoint {path} is damaged or of another model ({error}): delete it to "
                "train from the start"
            ) from error
        return History(**values)
