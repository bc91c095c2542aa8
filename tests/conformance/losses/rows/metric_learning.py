"""Losses between embeddings."""

from functools import partial

import numpy as np

from tests.conformance.losses.rows.row import BATCH, NUMBERS, OTHERS, LossRow
from treexlite import losses

_RNG = np.random.default_rng(3)
SAME = np.array([1, 0, 0, 1, 1, 0])
LABELS = np.array([0, 1, 0, 2, 1, 0])
THIRD = _RNG.normal(size=(BATCH, 4)).astype(np.float32)
ZEROS = np.zeros_like(NUMBERS)
EQUAL = np.ones_like(NUMBERS)
COSINE = {"distance": "cosine", "swap": True}
CLIP = {"temperature": 0.5, "symmetric": True}

ROWS = [
    LossRow(
        "Contrastive of embeddings",
        losses.Contrastive,
        SAME,
        (NUMBERS, NUMBERS + 0.3 * OTHERS),
        losses.contrastive,
        awkward=((SAME, (NUMBERS, NUMBERS)),),
    ),
    LossRow(
        "Contrastive of distances",
        partial(losses.Contrastive, margin=0.5),
        SAME,
        np.abs(OTHERS[:, 0]),
        partial(losses.contrastive, margin=0.5),
        awkward=((SAME, ZEROS[:, 0]),),
    ),
    LossRow(
        "Triplet",
        losses.Triplet,
        None,
        (NUMBERS, OTHERS, THIRD),
        losses.triplet,
        awkward=((None, (EQUAL, EQUAL, EQUAL)), (None, (ZEROS, ZEROS, EQUAL))),
    ),
    LossRow(
        "Triplet by cosines",
        partial(losses.Triplet, **COSINE),
        None,
        {"anchor": NUMBERS, "positive": OTHERS, "negative": THIRD},
        partial(losses.triplet, **COSINE),
        awkward=((None, (ZEROS, ZEROS, EQUAL)),),
    ),
    LossRow(
        "TripletHard",
        losses.TripletHard,
        LABELS,
        NUMBERS,
        losses.triplet_hard,
        awkward=((LABELS, EQUAL), (0 * LABELS, NUMBERS), (np.arange(BATCH), NUMBERS)),
        by_example=False,
    ),
    LossRow(
        "TripletSemiHard",
        partial(losses.TripletSemiHard, distance="squared_euclidean"),
        LABELS,
        NUMBERS,
        partial(losses.triplet_semi_hard, distance="squared_euclidean"),
        awkward=((LABELS, EQUAL), (0 * LABELS, NUMBERS), (np.arange(BATCH), NUMBERS)),
        by_example=False,
    ),
    LossRow(
        "InfoNCE",
        losses.InfoNCE,
        None,
        (NUMBERS, OTHERS),
        losses.info_nce,
        awkward=((None, (ZEROS, OTHERS)), (None, (EQUAL, EQUAL))),
        by_example=False,
    ),
    LossRow(
        "InfoNCE both ways",
        partial(losses.InfoNCE, **CLIP, normalize=False),
        None,
        {"query": NUMBERS, "key": OTHERS},
        partial(losses.info_nce, **CLIP, normalize=False),
        awkward=((None, (1e4 * NUMBERS, OTHERS)),),
        by_example=False,
    ),
    LossRow(
        "NTXent",
        losses.NTXent,
        None,
        (NUMBERS, OTHERS),
        losses.nt_xent,
        awkward=((None, (ZEROS, OTHERS)), (None, (EQUAL, EQUAL))),
        by_example=False,
    ),
    LossRow(
        "PairwiseSigmoid",
        losses.PairwiseSigmoid,
        None,
        (NUMBERS, OTHERS),
        losses.pairwise_sigmoid,
        awkward=((None, (ZEROS, OTHERS)), (None, (EQUAL, EQUAL))),
        by_example=False,
    ),
]
