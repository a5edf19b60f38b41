"""The classical rival: logistic regression on counts of 6-mers and gapped 3+3-mers, both strands as one.

A feature is a pair of 3-mers at a distance (0 makes the plain 6-mer); a pair and its reverse complement are the same
feature. Counts are divided by the square root of their mean, so that rare k-mers are not drowned by common ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags, hstack
from sklearn.linear_model import LogisticRegression

GAPS = (0, 1, 2, 3, 4)
PENALTIES = (1e-5, 3e-5, 1e-4, 3e-4)
_TRIMERS = 64


def _collapsed() -> NDArray[np.int64]:
    """Feature number (0-2,079) of each ordered pair of 3-mers (4,096), the same for both strands."""
    letters = np.stack(np.meshgrid(*[range(4)] * 6, indexing="ij"), axis=-1).reshape(-1, 6)
    place = 4 ** np.arange(5, -1, -1)
    forward = letters @ place
    turned = (3 - letters[:, ::-1]) @ place
    return np.unique(np.minimum(forward, turned), return_inverse=True)[1]


def features(codes: NDArray[np.uint8]) -> csr_matrix:
    """Counts (n, 2,080 for each gap) of known bases A, C, G, T (n, length)."""
    number = _collapsed()
    size = int(number.max()) + 1
    wide = codes.astype(np.int64)
    trimers = wide[:, :-2] * 16 + wide[:, 1:-1] * 4 + wide[:, 2:]
    blocks = []
    for gap in GAPS:
        pairs = number[trimers[:, : -3 - gap] * _TRIMERS + trimers[:, 3 + gap :]]
        rows = np.arange(0, pairs.size + 1, pairs.shape[1])
        block = csr_matrix((np.ones(pairs.size, np.float32), pairs.ravel(), rows), shape=(len(codes), size))
        block.sum_duplicates()
        blocks.append(block)
    return hstack(blocks, format="csr")


class GappedKmers:
    """Fit on positives and negatives, with the penalty that does best on held-out rows."""

    def fit(self, codes: NDArray[np.uint8], labels: NDArray[np.int8], validation: NDArray[np.bool_]) -> GappedKmers:
        """Choose the penalty by AUROC on the `validation` rows, fitting on the others."""
        from tfbs_hub.metrics import auroc

        counts = features(codes)
        mean = np.asarray(counts[~validation].mean(axis=0)).ravel()
        self._scale = diags(1 / np.sqrt(np.maximum(mean, 1e-6)))
        scaled = counts @ self._scale
        best = -1.0
        for penalty in PENALTIES:
            model = LogisticRegression(C=penalty, max_iter=300).fit(scaled[~validation], labels[~validation])
            value = auroc(labels[validation], model.decision_function(scaled[validation]))
            if value > best:
                best, self._model, self.penalty = value, model, penalty
        return self

    def score(self, codes: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Decision values (n,); strands need no averaging."""
        return self._model.decision_function(features(codes) @ self._scale)
