"""Noise on counts that leave a site: OpenDP's discrete Gaussian over one vector. The one file that meets OpenDP.

A release adds independent noise to every cell, signed and unclipped, so that merging stays a sum. Its zCDP loss is
what OpenDP's own map says of it, never more than was asked for; the measurement's JSON is kept, so that anyone with
OpenDP recomputes the loss. Truncation to the declared contributions, and charging the ledger, come before this and
elsewhere. The noise has no seed, on purpose: a release that can be repeated protects nobody.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from importlib.metadata import version
from math import ceil, inf, isqrt, nextafter, sqrt
from typing import Any

import numpy as np

from store.errors import BadInput
from store.summary import Counts

MECHANISM = "discrete gaussian"
LARGEST = 1 << 62
"""Counts beyond this could leave 64 bits with their noise, where OpenDP saturates."""
USEFUL_ROWS_PER_CELL = 7
"""n >= 7 x bins x sigma keeps the noise floor of a PSI under 0.02 (B sigma / n <= sqrt(0.02))."""


@dataclass(frozen=True)
class NoisyCounts:
    values: Counts
    """Signed; a cell may be negative."""
    scale: float
    """Standard deviation of the noise in each cell."""
    loss: float
    """zCDP loss by OpenDP's map, rounded up by OpenDP; never above the rho that was asked for."""
    mechanism_json: str
    opendp_version: str

    @property
    def variance(self) -> float:
        return self.scale**2


@dataclass(frozen=True, slots=True)
class Utility:
    """Whether a release could tell anything about drift, decided before any budget is spent."""

    enough: bool
    n: int
    needed: int

    @property
    def sentence(self) -> str:
        verdict = "is enough" if self.enough else "is too few: use longer blocks or fewer bins, or do not release"
        return f"{self.n:,} rows {verdict}; {self.needed:,} are needed for the noise to stay below what is looked for"


def utility(n: int, *, bins: int, sigma: float) -> Utility:
    """`n` should be an expected or already released number of rows: the true one is itself private."""
    needed = ceil(USEFUL_ROWS_PER_CELL * bins * sigma)
    return Utility(n >= needed, n, needed)


def scale_for(*, squared_l2: Fraction, rho: Fraction) -> float:
    """sigma with sigma^2 = L2^2 / (2 rho), rounded up."""
    if squared_l2 <= 0 or rho <= 0:
        raise BadInput(
            f"a release needs a positive sensitivity and loss, not {squared_l2} and {rho}",
            advice="Give rho as decimal text or a fraction, such as 0.01 or 1/100.",
        )
    squared = squared_l2 / (2 * rho)
    scale = sqrt(squared)
    while Fraction(scale) ** 2 < squared:
        scale = nextafter(scale, inf)
    return scale


def release(counts: Counts, *, squared_l2: Fraction, rho: Fraction) -> NoisyCounts:
    """The counts with noise. Raises BadInput for what is no vector of 64-bit integers; charge the ledger first."""
    from opendp.mod import serialize

    _admit(counts)
    scale = scale_for(squared_l2=squared_l2, rho=rho)
    sensitivity = _root_up(squared_l2)
    for _ in range(64):
        measurement = _gaussian(len(counts), scale)
        loss = float(measurement.map(sensitivity))
        if Fraction(loss) <= rho:
            break
        # OpenDP rounds every step of its map up; a scale larger by a hair brings the answer under what was asked for.
        scale *= 1 + 2.0**-50
    else:
        raise BadInput(f"OpenDP's map does not come down to {rho}", advice="Give a larger rho.")
    values = np.asarray(measurement(counts.tolist()), dtype=np.int64)
    mechanism = serialize(measurement)  # type: ignore[no-untyped-call]  # OpenDP gives it no types
    return NoisyCounts(values, scale, loss, mechanism, version("opendp"))


def loss_of(mechanism_json: str, *, squared_l2: Fraction) -> float:
    """The zCDP loss of a stored mechanism, computed again by OpenDP: what an auditor asks of a ledger entry.

    The mechanism is rebuilt from its size and scale alone: a document from elsewhere names no function here.
    """
    advice = "Ask the site for its ledger again."
    try:
        document = json.loads(mechanism_json)
        options = document["__kwargs__"]
        domain = options["input_domain"]["__kwargs__"]
        size, scale, kind = int(domain["size"]), float(options["scale"]), domain["atom_domain"]["__kwargs__"]["T"]
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"not a stored mechanism: {error!r}", advice=advice) from error
    if document["__function__"] != "make_gaussian" or kind != "i64" or not 0 < scale < inf or size < 1:
        raise BadInput("the stored mechanism is no discrete Gaussian over 64-bit integers", advice=advice)
    return float(_gaussian(size, scale).map(_root_up(squared_l2)))


def _admit(counts: Counts) -> None:
    if counts.ndim != 1 or counts.dtype != np.int64 or not len(counts):
        raise BadInput("counts to release must be one vector of 64-bit integers", advice="Concatenate the sections.")
    if int(np.abs(counts).max()) > LARGEST:
        raise BadInput("a count is too large to carry noise in 64 bits", advice="Release shorter blocks.")


def _root_up(squared: Fraction) -> float:
    """The smallest float whose square is at least `squared`, exactly where it is a whole square."""
    if squared.denominator == 1 and isqrt(squared.numerator) ** 2 == squared.numerator:
        return float(isqrt(squared.numerator))
    root = sqrt(squared)
    while Fraction(root) ** 2 < squared:
        root = nextafter(root, inf)
    return root


def _gaussian(size: int, scale: float) -> Any:
    """The measurement. OpenDP's modules one by one: its prelude would bring scikit-learn along."""
    from opendp.domains import atom_domain, vector_domain
    from opendp.measurements import make_gaussian
    from opendp.metrics import l2_distance
    from opendp.mod import enable_features

    enable_features("contrib")
    return make_gaussian(vector_domain(atom_domain(T="i64"), size=size), l2_distance(T=float), scale)
