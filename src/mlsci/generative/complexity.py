"""Size of an image after lossless compression, an outlier score that needs no training.

Source: Serra et al. 2020, arXiv:1909.11480.
"""

from __future__ import annotations

import zlib

import numpy as np


def compressed_nats(x: np.ndarray) -> np.ndarray:
    """Return the length of each image's compressed bytes, ``(n,)`` in nats.

    The filter of PNG that subtracts the pixel above, then DEFLATE (RFC 2083, 1951), without headers
    of a file.

    Parameters
    ----------
    x
        Images ``(n, h, w, ...)`` in [0, 1].
    """
    grey = np.round(255 * np.clip(x, 0, 1)).astype(np.uint8)
    above = np.zeros_like(grey)
    above[:, 1:] = grey[:, :-1]
    filtered = grey - above  # modulo 256, as PNG does
    sizes = [len(zlib.compress(image.tobytes(), 9)) for image in filtered]
    return 8 * np.log(2) * np.array(sizes, np.float64)


def complexity_corrected(log_prob: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return ``ln p(x)`` plus the compressed size, ``(n,)`` nats: higher for the typical.

    Minus the score S of Serra et al.: the likelihood is forgiven what is due to simplicity.
    """
    return log_prob + compressed_nats(x)
