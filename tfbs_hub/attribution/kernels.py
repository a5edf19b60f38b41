"""A bank of detectors slid over a sequence whose ends are joined, for all shifts at once: loops in machine code.

Detectors come in blocks of `LANES`, the last axis of every array here, so that a processor works on a block at a time.
A *placement* is a detector laid over the sequence. All responses are grown from the left, one base at a time:

    rows[t, j] = rows[t - 1, j - 1] + what base t adds to column j

is the response of the placement whose column j lies on base t, as if there were nothing to the right of t. With
j = width - 1 the whole detector has been seen; with less, it hangs over the end of a window that ends after t. So one
addition a response serves every window. What hangs over a window's beginning is the same of the sequence and the
detectors read backwards (`mirrored`), of which only the bases that such placements reach are given.

The stretch of bases that all shifts together see has `window + cuts - 1` bases; cut s is the window from s.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tfbs_hub.attribution.compiled import compiled, inlined

__all__ = ["LANES", "carry_back", "encode", "pool"]

LANES: Final = 16
"""Detectors in a block: as many numbers as the widest processors add at once."""

_NOTHING: Final = np.float32(0)

Array = NDArray[np.float32]
Codes = NDArray[np.uint8]


@compiled
def encode(x: Array, codes: Codes) -> bool:
    """Fill codes (batch, length) from one-hot (batch, 4, length); False if a position is no base and not unknown."""
    for row in range(len(x)):
        for t in range(x.shape[2]):
            ones, quarters, code = 0, 0, 4
            for base in range(4):
                value = x[row, base, t]
                if value == 1:
                    ones, code = ones + 1, base
                elif value == 0.25:
                    quarters += 1
                elif value != 0:
                    return False
            if not ((ones == 1 and quarters == 0) or (ones == 0 and quarters == 4)):
                return False
            codes[row, t] = code
    return True


@compiled
def _grow(bases: Codes, columns: Array, bias: Array, rows: Array) -> None:
    """Fill rows (bases, columns * LANES) with responses.

    Args:
        columns: (5, columns * LANES), what each letter adds.
        bias: (LANES,), comes with the first column.
    """
    rows[0] = columns[bases[0]]
    rows[0, :LANES] += bias
    for t in range(1, len(bases)):
        letter, here, before = columns[bases[t]], rows[t], rows[t - 1]
        # In loops: an expression of arrays would make a new one, which takes longer than the additions.
        for lane in range(LANES):
            here[lane] = letter[lane] + bias[lane]
        # Slices, not sums of indices: those might be negative, and are then not added several at a time.
        longer, added = here[LANES:], letter[LANES:]
        for i in range(len(longer)):
            longer[i] = before[i] + added[i]


@compiled
def _gather(rows: Array, columns: Array, gradients: Array) -> None:
    """The way back of `_grow`: from gradients of responses, used up, added to those of bases (bases, 4)."""
    of_a, of_c, of_g, of_t = columns[0], columns[1], columns[2], columns[3]
    for t in range(len(rows) - 1, -1, -1):
        here = rows[t]
        if t + 1 < len(rows):
            after = rows[t + 1, LANES:]
            for i in range(len(after)):
                here[i] += after[i]
        a, c, g, u = _NOTHING, _NOTHING, _NOTHING, _NOTHING
        for i in range(len(here)):
            a += here[i] * of_a[i]
            c += here[i] * of_c[i]
            g += here[i] * of_g[i]
            u += here[i] * of_t[i]
        gradients[t, 0] += a
        gradients[t, 1] += c
        gradients[t, 2] += g
        gradients[t, 3] += u


@inlined
def _note(responses: Array, first: int, pooled: Array, argmax: NDArray[np.int32]) -> None:
    """Take one placement of every detector of a block into account.

    Args:
        responses: (LANES,).
        first: index of the first of them.
        pooled: (4, LANES), so far: the strongest response, the second strongest, the sum of those above 0, and the
            least distance of any from 0.
        argmax: (LANES,), index of the strongest.
    """
    best, second, summed, closest = pooled[0], pooled[1], pooled[2], pooled[3]
    for lane in range(LANES):
        response, strongest = responses[lane], best[lane]
        second[lane] = max(second[lane], min(response, strongest))
        argmax[lane] = first + lane if response > strongest else argmax[lane]
        best[lane] = max(response, strongest)
        summed[lane] += max(response, _NOTHING)
        closest[lane] = min(closest[lane], abs(response))


@inlined
def _pool_window(
    cut: int, cuts: int, rows: Array, back: Array, core: tuple[int, int], pooled: Array, argmax: NDArray[np.int32]
) -> None:
    """Take into account what the window from `cut` sees and the core, which all windows see, does not.

    Args:
        rows, back: (bases, columns, LANES).
        core: first and last (exclusive) end base of the placements in the core.
    """
    stretch, width = rows.shape[:2]
    span = width - 1
    for t in range(cut + span, core[0]):
        _note(rows[t, span], (t * width + span) * LANES, pooled, argmax)
    for t in range(core[1], core[1] + cut):
        _note(rows[t, span], (t * width + span) * LANES, pooled, argmax)
    end, start = cut + stretch - cuts, cuts - 1 - cut + span - 1
    for j in range(span):
        _note(rows[end, j], (end * width + j) * LANES, pooled, argmax)
        _note(back[start, j], (stretch * width + start * span + j) * LANES, pooled, argmax)


@compiled
def pool(
    bases: Codes,
    mirrored: Codes,
    columns: Array,
    mirrored_columns: Array,
    bias: Array,
    tolerance: Array,
    cuts: int,
    best: Array,
    mean: Array,
    argmax: NDArray[np.int32],
    unsure: NDArray[np.bool_],
    averages: bool,
) -> None:
    """Every detector's strongest response, and its mean response above 0, in every window.

    Args:
        bases: (batch, stretch), values 0 to 4.
        mirrored: (batch, cuts + width - 2), the last bases of the stretch read backwards.
        columns: (blocks, 5, width * LANES), what A, C, G, T and an unknown base add to a response.
        mirrored_columns: (blocks, 5, (width - 1) * LANES), of the detectors read backwards.
        bias: (blocks, LANES).
        tolerance: (detectors,), responses that differ by less may be equal.
        cuts: number of windows.
        best, mean: (batch, cuts, detectors), are filled.
        argmax: (batch, cuts, detectors), is filled with the index of the strongest response, for `carry_back`.
        unsure: (batch, cuts), is filled: rounding could decide there which response is the strongest or above 0.
        averages: whether means count for `unsure`.
    """
    batch, stretch = bases.shape
    width, reach = columns.shape[2] // LANES, mirrored.shape[1]
    rows, back = np.empty((stretch, width, LANES), np.float32), np.empty((reach, width - 1, LANES), np.float32)
    flat_rows, flat_back = rows.reshape(stretch, -1), back.reshape(reach, -1)
    core, core_argmax = np.empty((4, LANES), np.float32), np.empty(LANES, np.int32)
    pooled, lane_argmax = np.empty((4, LANES), np.float32), np.empty(LANES, np.int32)
    places = np.float32(stretch - cuts + width)
    low, high = cuts + width - 2, stretch - cuts + 1
    unsure[:] = False
    for row in range(batch):
        for block in range(len(columns)):
            _grow(bases[row], columns[block], bias[block], flat_rows)
            _grow(mirrored[row], mirrored_columns[block], bias[block], flat_back)
            core[:2], core[2], core[3], core_argmax[:] = -np.inf, 0, np.inf, -1
            for t in range(low, high):
                _note(rows[t, width - 1], (t * width + width - 1) * LANES, core, core_argmax)
            first = block * LANES
            for cut in range(cuts):
                pooled[:], lane_argmax[:] = core, core_argmax
                _pool_window(cut, cuts, rows, back, (low, high), pooled, lane_argmax)
                doubt = unsure[row, cut]
                for lane in range(LANES):
                    top, margin = pooled[0, lane], tolerance[first + lane]
                    tied = top > 0 and pooled[1, lane] >= top - margin
                    doubt |= tied or abs(top) < margin or (averages and pooled[3, lane] < margin)
                    best[row, cut, first + lane] = top
                    mean[row, cut, first + lane] = pooled[2, lane] / places
                    argmax[row, cut, first + lane] = lane_argmax[lane]
                unsure[row, cut] = doubt


@inlined
def _keep_above_0(responses: Array, gradients: Array) -> None:
    """Replace responses (columns, LANES) that are above 0 by gradients (LANES,), and the others by 0."""
    for j in range(len(responses)):
        part = responses[j]
        for lane in range(LANES):
            # A product, because half of all responses are above 0, and no processor foresees which.
            part[lane] = gradients[lane] * np.float32(part[lane] > 0)


@compiled
def _spread(of_mean: Array, rows: Array, back: Array, cuts: int) -> None:
    """Put gradients of responses in the place of the responses, given those of the sums of responses above 0.

    Args:
        of_mean: (cuts, LANES).
        rows, back: (bases, columns, LANES).
    """
    (stretch, width), seen = rows.shape[:2], np.zeros(LANES, np.float32)
    span, window = width - 1, stretch - cuts + 1
    for t in range(stretch):
        # The windows from t - window + 1 to t - span see the placement that ends at base t.
        if span <= t < span + cuts:
            seen += of_mean[t - span]
        if t >= window:
            seen -= of_mean[t - window]
        if t >= span:
            _keep_above_0(rows[t, span:], seen)
        else:
            rows[t, span:] = 0
        if t >= window - 1:
            _keep_above_0(rows[t, :span], of_mean[t - window + 1])
        else:
            rows[t, :span] = 0
    for t in range(len(back)):
        if t >= span - 1:
            _keep_above_0(back[t], of_mean[cuts - 1 - (t - span + 1)])
        else:
            back[t] = 0


@compiled
def carry_back(
    bases: Codes,
    mirrored: Codes,
    columns: Array,
    mirrored_columns: Array,
    bias: Array,
    of_best: Array,
    of_mean: Array,
    argmax: NDArray[np.int32],
    gradients: Array,
) -> None:
    """From gradients of what `pool` gave to gradients of the bases, summed over the windows.

    Args:
        bases, mirrored, columns, mirrored_columns, bias, argmax: as of `pool`.
        of_best, of_mean: (batch, cuts, detectors).
        gradients: (batch, stretch, 4), is filled.
    """
    (batch, stretch), cuts = bases.shape, of_best.shape[1]
    width, reach = columns.shape[2] // LANES, mirrored.shape[1]
    rows, back = np.empty((stretch, width, LANES), np.float32), np.empty((reach, width - 1, LANES), np.float32)
    flat_rows, flat_back = rows.reshape(stretch, -1), back.reshape(reach, -1)
    all_rows, all_back = rows.reshape(-1), back.reshape(-1)
    of_sum, backwards = np.empty((cuts, LANES), np.float32), np.empty((reach, 4), np.float32)
    places = np.float32(stretch - cuts + width)
    gradients[:] = 0
    for row in range(batch):
        backwards[:] = 0
        for block in range(len(columns)):
            lanes = slice(block * LANES, (block + 1) * LANES)
            _grow(bases[row], columns[block], bias[block], flat_rows)
            _grow(mirrored[row], mirrored_columns[block], bias[block], flat_back)
            of_sum[:] = of_mean[row, :, lanes] / places
            _spread(of_sum, rows, back, cuts)
            for cut in range(cuts):
                for detector in range(lanes.start, lanes.stop):
                    index = argmax[row, cut, detector]
                    if index < all_rows.size:
                        all_rows[index] += of_best[row, cut, detector]
                    else:
                        all_back[index - all_rows.size] += of_best[row, cut, detector]
            _gather(flat_rows, columns[block], gradients[row])
            _gather(flat_back, mirrored_columns[block], backwards)
        for t in range(reach):
            for base in range(4):
                gradients[row, reach - 1 - t, base] += backwards[t, base]
