"""The Probabilistic Auto-Encoder: an auto-encoder, a flow of its codes, and the evidence of data.

Three steps. Train an auto-encoder; fit a flow to its codes; integrate over the codes with Laplace's
method. Source: Boehm & Seljak 2020, arXiv:2006.05479. Two variants differ in the first step:

"paper"
    the auto-encoder is trained on the squared error alone;
"map"
    (the talk) it is trained on ``ln p(x | g(z)) + ln N(z; 0, 1)`` at the code ``z = f(x)``: the
    code is the maximum a posteriori under a standard normal prior, and the width of the noise is
    trained along.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Literal, Self, cast, get_args

import numpy as np
import tensorflow as tf

from mlsci.generative.autoencoder import LOG_2PI, AutoEncoder, AutoEncoderConfig
from mlsci.generative.batches import compiled, in_batches
from mlsci.generative.dense_autoencoder import DenseAutoEncoder, DenseAutoEncoderConfig
from mlsci.generative.flows import Flow, FlowConfig
from mlsci.generative.laplace import Laplace, LaplaceExpansion
from mlsci.generative.latent_model import LatentModel
from mlsci.generative.training import History, TrainingConfig, fit
from mlsci.generative.vae import VAE
from mlsci.report import files
from mlsci.report.arrays import write_arrays

FORMAT = 1
Variant = Literal["paper", "map"]
Networks = AutoEncoder | DenseAutoEncoder  # a VAE is an AutoEncoder
KINDS: dict[str, type[Networks]] = {
    kind.__name__: kind for kind in (AutoEncoder, VAE, DenseAutoEncoder)
}
JITTER = 0.05  # noise on the codes the flow learns, in standard deviations of a code
PRIOR_IMAGES = 10  # weight, in data, of the mean variance in the variance of one pixel
AUTOENCODER = TrainingConfig(epochs=15, rate=4e-3, weight_decay=0.05)
FLOW = TrainingConfig(epochs=14, batch=512, rate=2e-3, warmup=200, weight_decay=0.1)


class PAE:
    """A probabilistic auto-encoder of data of any shape.

    Parameters
    ----------
    autoencoder
        Networks, trained or not: `AutoEncoder` for images and maps, `DenseAutoEncoder` for vectors,
        or a `VAE`, whose encoder's means are the codes.
    flow
        Density of the codes, trained or not.
    variant
        "paper" or "map", see above.
    shape
        Of one datum; else that of the networks. Maps ``(h, w)`` are taken as ``(h, w, 1)``.

    Examples
    --------
    >>> import numpy as np
    >>> from mlsci.generative.pae import PAE
    >>> maps = np.random.default_rng(0).normal(5.0, 2.0, (64, 8, 8))
    >>> pae = PAE.for_shape((8, 8), latent=2, variant="map", channels=(4, 4))
    >>> pae.sample(3, seed=0).shape
    (3, 8, 8)
    """

    def __init__(
        self,
        autoencoder: Networks,
        flow: Flow,
        *,
        variant: Variant = "paper",
        shape: tuple[int, ...] | None = None,
    ) -> None:
        if variant not in get_args(Variant):
            raise ValueError(f"unknown variant {variant!r}: use one of {get_args(Variant)}")
        if flow.config.dim != autoencoder.config.latent:
            raise ValueError(
                f"a flow of {flow.config.dim} dimensions does not fit codes of "
                f"{autoencoder.config.latent}"
            )
        self.autoencoder, self.flow, self.variant = autoencoder, flow, variant
        self._inner = _datum_shape(autoencoder)
        self.shape = tuple(shape or self._inner)
        if int(np.prod(self.shape)) != int(np.prod(self._inner)):
            raise ValueError(f"networks for data {self._inner} cannot take {self.shape}")
        self.offset, self.scale = np.zeros(self._inner), np.ones(self._inner)
        self.sigma = np.full(self._inner, 0.1)
        self._encode = compiled(autoencoder.encoder)
        self._decode = compiled(autoencoder.decoder)
        self._expansion: LaplaceExpansion | None = None

    @classmethod
    def for_shape(
        cls,
        shape: tuple[int, ...],
        *,
        latent: int = 32,
        variant: Variant = "paper",
        channels: tuple[int, int] = (32, 64),
        hidden: tuple[int, ...] = (128, 128),
        layers: int = 8,
        components: int = 1,
        seed: int = 0,
    ) -> Self:
        """Return an untrained model for data of one shape.

        Parameters
        ----------
        shape
            ``(h, w)`` or ``(h, w, colours)`` for convolutions, ``(size,)`` for perceptrons.
        latent
            Dimension of the codes.
        variant
            "paper" or "map".
        channels, hidden
            Of the convolutions, and widths of the perceptrons, those of the flow included.
        layers
            Of the flow.
        components
            Gaussians in the flow's base.
        seed
            Of the initial weights.
        """
        networks: Networks
        if len(shape) == 1:
            networks = DenseAutoEncoder(DenseAutoEncoderConfig(shape[0], latent, hidden, seed))
        elif len(shape) in (2, 3):
            image = (*shape, 1)[:3]
            networks = AutoEncoder(AutoEncoderConfig(latent, image, channels, seed=seed))
        else:
            raise ValueError(f"data must be vectors, maps or images, got one datum {shape}")
        flow = Flow(
            FlowConfig(latent, layers=layers, hidden=hidden, components=components, seed=seed)
        )
        return cls(networks, flow, variant=variant, shape=shape)

    def fit(
        self,
        train: np.ndarray,
        validation: np.ndarray,
        *,
        autoencoder: TrainingConfig = AUTOENCODER,
        flow: TrainingConfig = FLOW,
        checkpoints: Path | None = None,
        log: Callable[[str], None] | None = None,
    ) -> tuple[History, History]:
        """Train auto-encoder and flow, and measure the noise; return the two histories.

        Parameters
        ----------
        train, validation
            Data ``(n, *shape)`` of any range; the latter to choose epochs by and to measure the
            noise on, none of it in the former.
        autoencoder, flow
            Schedules.
        checkpoints
            Folder from which an interrupted training is resumed.
        log
            Receives a line an epoch.
        """
        history = self.fit_autoencoder(
            train,
            validation,
            autoencoder,
            checkpoint=checkpoints / "autoencoder.npz" if checkpoints else None,
            log=log,
        )
        return history, self.fit_flow(
            train,
            validation,
            flow,
            checkpoint=checkpoints / "flow.npz" if checkpoints else None,
            log=log,
        )

    def fit_autoencoder(
        self,
        train: np.ndarray,
        validation: np.ndarray,
        config: TrainingConfig = AUTOENCODER,
        *,
        checkpoint: Path | None = None,
        log: Callable[[str], None] | None = None,
    ) -> History:
        """Take the range of the data, and train the networks: the first step alone."""
        train, validation = self._shaped(train), self._shaped(validation)
        self._set_range(train, validation)
        return fit(
            *self._objective(),
            [self._standard(train)],
            [self._standard(validation)],
            config,
            checkpoint=checkpoint,
            log=log,
        )

    def fit_flow(
        self,
        train: np.ndarray,
        validation: np.ndarray,
        config: TrainingConfig = FLOW,
        *,
        checkpoint: Path | None = None,
        log: Callable[[str], None] | None = None,
    ) -> History:
        """Fit the flow to the codes that the auto-encoder has now, and measure the noise."""
        codes = self.encode(train)
        noise = np.broadcast_to(JITTER * codes.std(0), codes.shape)
        history = self.flow.fit(
            codes, self.encode(validation), config, noise=noise, checkpoint=checkpoint, log=log
        )
        self.measure_noise(validation)
        return history

    def measure_noise(self, validation: np.ndarray) -> None:
        """Set `sigma` to the error of each pixel on data that no network was trained on.

        A pixel's variance is averaged with that of all, which counts as a few data more, so that
        no pixel is taken to be without noise.
        """
        x = self._standard(validation)
        squared = np.square(in_batches(self._decode, self._codes(x)) - x)
        variance = squared.mean(0, dtype=np.float64)
        total = len(x) * variance + PRIOR_IMAGES * variance.mean()
        self.sigma = np.sqrt(np.maximum(total / (len(x) + PRIOR_IMAGES), 1e-12))
        self._expansion = None

    def encode(self, x: np.ndarray) -> np.ndarray:
        """Return the codes ``(n, latent)`` of data ``(n, *shape)``."""
        return self._codes(self._standard(x))

    def decode(self, z: np.ndarray) -> np.ndarray:
        """Return the data ``(n, *shape)`` of codes ``(n, latent)``, in the units of the data."""
        z = np.asarray(z, np.float32)
        if z.ndim != 2 or z.shape[1] != self.latent:
            raise ValueError(f"codes must be (n, {self.latent}), got {z.shape}")
        x = in_batches(self._decode, z) * self.scale + self.offset
        return x.reshape(-1, *self.shape).astype(np.float32)

    def reconstruct(self, x: np.ndarray) -> np.ndarray:
        """Return ``decode(encode(x))``."""
        return self.decode(self.encode(x))

    def sample(self, n: int, *, seed: int) -> np.ndarray:
        """Return new data ``(n, *shape)``: codes from the flow, decoded."""
        return self.decode(self.flow.sample(n, seed=seed))

    def log_prob_latent(self, x: np.ndarray) -> np.ndarray:
        """Return ``ln p(z)`` of the codes of data, ``(n,)`` nats: the density of the flow."""
        return self.flow.log_prob(self.encode(x)).astype(np.float64)

    def log_prob(self, x: np.ndarray) -> np.ndarray:
        """Return ``ln p(x)``, ``(n,)`` nats, by Laplace's method; see `laplace` for its parts."""
        return self.laplace(x).log_evidence - self._log_stretch

    def laplace(self, x: np.ndarray) -> Laplace:
        """Expand ``p(x, z)`` about its maximum, which is looked for from the encoder's code.

        Likelihoods are those of the standardised data, in which the networks work.
        """
        if self._expansion is None:
            self._expansion = LaplaceExpansion(self.latent_model())
        standard = self._standard(x)
        return self._expansion(standard, self._codes(standard))

    def outlier_score(self, x: np.ndarray) -> np.ndarray:
        """Return ``-ln p(z)``, ``(n,)``: higher for data unlike those learned."""
        return -self.log_prob_latent(x)

    def latent_model(self) -> LatentModel:
        """Return the joint density of standardised data and codes, for other integrators."""
        return LatentModel.of(self.autoencoder.decoder, self.flow, self.sigma)

    @property
    def latent(self) -> int:
        """Dimension of the codes."""
        return self.autoencoder.config.latent

    def save(self, folder: Path) -> None:
        """Write the model to a folder: networks, flow, noise, and last a list of their hashes."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "pae.json").unlink(missing_ok=True)
        self.autoencoder.save(folder / "autoencoder.npz")
        self.flow.save(folder / "flow.npz")
        arrays = {"offset": self.offset, "scale": self.scale, "sigma": self.sigma}
        write_arrays(folder / "noise.npz", {k: v.astype(np.float32) for k, v in arrays.items()})
        header = {
            "format": FORMAT,
            "autoencoder": type(self.autoencoder).__name__,
            "variant": self.variant,
            "shape": list(self.shape),
            "sha256": {name: files.sha256(folder / name) for name in _PARTS},
        }
        files.write_json(folder / "pae.json", header)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        FileNotFoundError, ValueError
            If there is no such model; if a file is not the one that was saved, or the format newer.
        """
        folder = Path(folder)
        with (folder / "pae.json").open(encoding="utf-8") as f:
            header = json.load(f)
        if header["format"] > FORMAT:
            raise ValueError(
                f"{folder} has format {header['format']}, newer than this mlsci reads: update"
            )
        for name, expected in header["sha256"].items():
            if not (folder / name).is_file() or files.sha256(folder / name) != expected:
                raise ValueError(f"{folder / name} is not the file that was saved: copy it again")
        networks = KINDS[header["autoencoder"]].load(folder / "autoencoder.npz")
        flow = Flow.load(folder / "flow.npz")
        model = cls(
            networks, flow, variant=cast(Variant, header["variant"]), shape=tuple(header["shape"])
        )
        with np.load(folder / "noise.npz") as stored:
            model.offset, model.scale, model.sigma = (
                stored[k].astype(np.float64) for k in ("offset", "scale", "sigma")
            )
        return model

    def _objective(self) -> tuple[Callable[..., tf.Tensor], list[tf.Variable]]:
        """Return the loss of the first step and what it trains."""
        encoder, decoder = self.autoencoder.encoder, self.autoencoder.decoder
        variables = [*encoder.trainable_variables, *decoder.trainable_variables]

        def squared_error(x: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
            del seed  # nothing is random here
            return tf.reduce_mean(tf.square(decoder(encoder(x)[:, : self.latent]) - x))

        if self.variant == "paper":
            return squared_error, variables
        log_sigma = tf.Variable(np.log(0.1), dtype=tf.float32)

        def minus_log_joint(x: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
            """Minus ``ln p(x | g(z)) + ln N(z; 0, 1)``, in nats a pixel."""
            del seed
            z = encoder(x)[:, : self.latent]
            residual = (decoder(z) - x) * tf.exp(-log_sigma)
            prior = 0.5 * tf.reduce_mean(tf.reduce_sum(tf.square(z) + LOG_2PI, -1))
            pixels = float(np.prod(self._inner))
            return (
                0.5 * tf.reduce_mean(tf.square(residual)) + log_sigma + 0.5 * LOG_2PI
                + prior / pixels
            )  # fmt: skip

        return minus_log_joint, [*variables, log_sigma]

    def _set_range(self, train: np.ndarray, validation: np.ndarray) -> None:
        """Map vectors to unit variance, one by one; images and maps, as a whole, to [0, 1]."""
        if len(self._inner) == 1:
            self.offset = train.mean(0, dtype=np.float64)
            spread = train.std(0, dtype=np.float64)
            self.scale = np.where(spread > 0, spread, 1.0)
            return
        low = float(min(train.min(), validation.min()))
        high = float(max(train.max(), validation.max()))
        self.offset = np.full(self._inner, low)
        self.scale = np.full(self._inner, high - low if high > low else 1.0)

    @property
    def _log_stretch(self) -> float:
        return float(np.log(self.scale).sum())

    def _shaped(self, x: np.ndarray) -> np.ndarray:
        x = np.asarray(x, np.float32)
        if x.shape[1:] != self.shape:
            raise ValueError(f"data must be (n, *{self.shape}), got {x.shape}")
        if not np.isfinite(x).all():
            raise ValueError("data hold NaN or infinity: mask or fill these values first")
        return x

    def _standard(self, x: np.ndarray) -> np.ndarray:
        """Return data as the networks take them."""
        inner = self._shaped(x).reshape(-1, *self._inner)
        return ((inner - self.offset) / self.scale).astype(np.float32)

    def _codes(self, standard: np.ndarray) -> np.ndarray:
        return in_batches(self._encode, standard)[:, : self.latent]


_PARTS = ("autoencoder.npz", "flow.npz", "noise.npz")


def _datum_shape(networks: Networks) -> tuple[int, ...]:
    if isinstance(networks, DenseAutoEncoder):
        return (networks.config.size,)
    return tuple(networks.config.image)
