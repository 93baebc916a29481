"""The drift measures of the method set `bailiwick`: what each is held against, and what it needs.

Every measure is an effect, which a limit in the model file means, beside a test of the same name or of its nearest
kin, which tells the effect from chance: `outside` needs both. Limits hold where the model file gives none.
Formulas, conventions and sources: docs/method.md, held complete by a test.
"""

from __future__ import annotations

from dataclasses import dataclass

PSI, JENSEN_SHANNON, HELLINGER, KL = "psi", "jensen_shannon", "hellinger", "kl"
TOTAL_VARIATION, L_INFINITY, CHI_SQUARE, G = "total_variation", "l_infinity", "chi_square", "g"
KS, WASSERSTEIN, MANN_WHITNEY, T, Z = "ks", "wasserstein", "mann_whitney", "t", "z"
ENERGY, CRAMER_VON_MISES, ANDERSON_DARLING = "energy", "cramer_von_mises", "anderson_darling"


@dataclass(frozen=True, slots=True)
class Measure:
    limit: float
    """Where the model file gives none."""
    test: str
    numbers: bool = True
    categories: bool = True
    counts: bool = True
    """Whether it can be had from counts."""
    noisy: bool = False
    """Whether noise on the counts has a known effect on it."""


MEASURES = {
    PSI: Measure(0.1, "chi_square", noisy=True),
    JENSEN_SHANNON: Measure(0.1, "chi_square", noisy=True),
    HELLINGER: Measure(0.1, "chi_square", noisy=True),
    KL: Measure(0.05, "chi_square", noisy=True),
    TOTAL_VARIATION: Measure(0.1, "chi_square", noisy=True),
    L_INFINITY: Measure(0.1, "chi_square", noisy=True),
    CHI_SQUARE: Measure(0.15, "chi_square", noisy=True),
    G: Measure(0.1, "g"),
    KS: Measure(0.1, "ks", categories=False),
    WASSERSTEIN: Measure(0.1, "ks", categories=False),
    MANN_WHITNEY: Measure(0.15, "mann_whitney", categories=False),
    T: Measure(0.2, "t", categories=False),
    Z: Measure(0.1, "z"),
    ENERGY: Measure(0.1, "cramer_von_mises", categories=False, counts=False),
    CRAMER_VON_MISES: Measure(0.1, "cramer_von_mises", categories=False, counts=False),
    ANDERSON_DARLING: Measure(0.2, "anderson_darling", categories=False, counts=False),
}

ALIASES = {
    "js": JENSEN_SHANNON, "jensenshannon": JENSEN_SHANNON, "kl_div": KL, "tvd": TOTAL_VARIATION, "g_test": G,
    "normed_wasserstein": WASSERSTEIN, "t_test": T, "meanshift": T, "mannw": MANN_WHITNEY,
    "anderson": ANDERSON_DARLING, "ed": ENERGY,
}  # fmt: skip
"""Short names, and those of the peers."""

LIMITS = {name: measure.limit for name, measure in MEASURES.items()}
ROWS_ONLY = frozenset(name for name, measure in MEASURES.items() if not measure.counts)


def named(name: str | None) -> str:
    return ALIASES.get(name, name) if name else PSI


def unavailable(name: str, *, number: bool) -> str | None:
    """Why counts of such a column cannot give this measure; None where they can."""
    measure = MEASURES.get(name)
    if measure is None:
        return f"the measure {name} cannot be computed from counts; bailiwick has {', '.join(MEASURES)}"
    if not (measure.numbers if number else measure.categories):
        return f"{name} is a measure of numbers; this column is a category"
    if not measure.counts:
        return f"{name} needs the rows themselves; only counts are at hand"
    if name == Z and number:
        return "z needs the two values of a number themselves; its counts are per bin"
    return None
