"""The oracle: our `evidently-0.7` against Evidently itself, on columns that meet each of its rules and corners."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitors.method_sets import judge_rows
from store.model_file import ColumnDrift
from store.result import Status

pd = pytest.importorskip("pandas")
pytest.importorskip("evidently", reason="comes with the extra `hub`")
pytestmark = pytest.mark.filterwarnings("ignore")  # Evidently's own warnings are not ours to mend

NAMES = {
    "K-S p_value": "ks_p",
    "Wasserstein distance (normed)": "normed_wasserstein",
    "Jensen-Shannon distance": "jensen_shannon",
    "chi-square p_value": "chi_square_p",
    "Z-test p_value": "z_p",
}


def columns(n: int, *, seed: int, moved: float) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    holes = rng.normal(moved, 2, n)
    holes[:: max(n // 40, 2)] = np.nan
    endless = rng.normal(size=n)
    endless[3], endless[4] = np.inf, -np.inf
    texts = rng.choice(["a", "b", "c", "d"], n, p=[0.4, 0.3, 0.2 - moved / 10, 0.1 + moved / 10]).astype(object)
    texts[:: max(n // 25, 2)] = None
    return {
        "normal": rng.normal(moved, 1, n),
        "skewed": rng.lognormal(10, 1 + moved / 5, n),
        "ties": rng.integers(0, 9, n).astype(float),
        "whole": rng.integers(0, 100_000, n),
        "rounded": np.round(rng.normal(moved / 5, 1, n), 1),
        "five": rng.choice([1.0, 2.0, 3.0, 4.0, 5.0], n),
        "four": rng.choice([0.5, 1.5, 2.5, 3.5], n, p=[0.25 + moved / 20, 0.25 - moved / 20, 0.25, 0.25]),
        "flag": rng.choice([0, 1], n, p=[0.7 - moved / 20, 0.3 + moved / 20]),
        "constant": np.full(n, 7.0),
        "holes": holes,
        "endless": endless,
        "tiny": rng.normal(0, 1e-7, n) + moved * 1e-5,
        "shifted": rng.normal(0, 1, n) + 3 * moved,
        "texts": texts,
        "two": rng.choice(["no", "yes"], n, p=[0.6, 0.4]),
        "one": np.full(n, "same", dtype=object),
        "many": np.array([f"v{i}" for i in rng.zipf(1.6, n) % 60], dtype=object),
        "new": rng.choice(["x", "y"] if not moved else ["x", "y", "z"], n),
    }


def more_columns(n: int, *, seed: int, moved: float) -> dict[str, Any]:
    """Eighteen others: heavy ties and tails, whole numbers far out, gaps of every size, few and many categories."""
    rng = np.random.default_rng(seed)
    mostly_zero = np.where(rng.random(n) < 0.9, 0.0, rng.exponential(1 + moved, n))
    nearly_empty = np.full(n, np.nan)
    nearly_empty[: max(n // 10, 12)] = rng.normal(moved, 1, max(n // 10, 12))
    gaps = rng.choice([10.0, 20.0, 30.0, np.nan], n)
    flag_gaps = rng.choice(np.array(["no", "yes", None], dtype=object), n, p=[0.5 - moved / 10, 0.4 + moved / 10, 0.1])
    return {
        "cauchy": rng.standard_cauchy(n) + moved,
        "uniform": rng.random(n) * (1 + moved / 4),
        "two peaks": np.where(rng.random(n) < 0.5, rng.normal(-3, 1, n), rng.normal(3 + moved, 1, n)),
        "mostly zero": mostly_zero,
        "nearly empty": nearly_empty,
        "gaps in few": gaps,
        "six": rng.choice([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], n),
        "huge": rng.integers(2**60, 2**61, n),
        "negative": -rng.gamma(2 + moved, 3, n),
        "money": np.round(rng.lognormal(3 + moved / 10, 1, n), 2),
        "counts": rng.poisson(3 + moved, n),
        "rare flag": (rng.random(n) < 0.02 + moved / 50).astype(int),
        "truth": rng.random(n) < 0.5 + moved / 20,
        "flag with gaps": flag_gaps,
        "three": rng.choice(["low", "mid", "high"], n, p=[0.2, 0.3 + moved / 10, 0.5 - moved / 10]),
        "empty text": rng.choice(np.array(["", "a", " a"], dtype=object), n),
        "codes": np.array([f"{code:03d}" for code in rng.integers(0, 300, n)], dtype=object),
        "accents": rng.choice(np.array(["é", "日本", "a'b", 'q"'], dtype=object), n),
    }


def kinds_of(frame: Any) -> dict[str, str]:
    return {name: "number" if frame[name].dtype.kind in "fi" else "category" for name in frame.columns}


@pytest.mark.parametrize(("n", "m"), [(999, 700), (1_000, 1_400), (1_001, 900), (5_000, 3_001), (2_500, 2_500)])
def test_ours_is_theirs(n: int, m: int) -> None:
    from monitors.evidently import drift_preset

    reference = pd.DataFrame(columns(n, seed=1, moved=0.0) | more_columns(n, seed=3, moved=0.0))
    current = pd.DataFrame(columns(m, seed=2, moved=0.4) | more_columns(m, seed=4, moved=0.4))
    kinds = kinds_of(reference)
    theirs = drift_preset(reference, current, kinds=kinds)
    assert len(theirs) == len(kinds) == 36
    for name, peer in theirs.items():
        ours = judge_rows("evidently-0.7", reference[name].tolist(), current[name].tolist(), kind=kinds[name])
        assert ours.measure == NAMES[peer.measure], name
        assert ours.value == pytest.approx(peer.value, rel=1e-9, abs=1e-9), name
        assert ours.limit == peer.limit and (ours.status is Status.OUTSIDE) == peer.drifted, name


def test_the_command_reads_parquet_and_writes_html(tmp_path: Path) -> None:
    reference = pd.DataFrame({"x": np.arange(200.0), "c": ["a", "b"] * 100})
    reference.to_parquet(tmp_path / "reference.parquet")
    (reference.assign(x=reference["x"] + 90)).to_parquet(tmp_path / "current.parquet")
    request = {
        "reference": str(tmp_path / "reference.parquet"),
        "current": str(tmp_path / "current.parquet"),
        "kinds": {"x": "number", "c": "category"},
        "html": str(tmp_path / "report.html"),
        "note": "drawn from <counts>",
    }
    (tmp_path / "request.json").write_text(json.dumps(request))
    root = Path(__file__).parents[2]
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "monitors.evidently", str(tmp_path / "request.json")],
        capture_output=True, text=True, cwd=root, check=True, timeout=300,
    )  # fmt: skip
    answer = json.loads(ran.stdout)
    assert answer["columns"]["x"]["drifted"] and not answer["columns"]["c"]["drifted"]
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<html" in page[:200].lower()
    assert "drawn from &lt;counts&gt;</p>" in page.split("<body", 1)[1][:500]


def test_importing_the_file_does_not_import_evidently() -> None:
    script = "import sys, monitors.evidently as e; print('evidently' in sys.modules, 'pandas' in sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=Path(__file__).parents[2], check=True
    )
    assert ran.stdout.split() == ["False", "False"]


OTHERS = {
    "number": {
        "hellinger": "hellinger", "kl": "kl_div", "psi": "psi", "jensen_shannon": "jensenshannon", "ks": "ks",
        "wasserstein": "wasserstein", "energy": "ed", "cramer_von_mises": "cramer_von_mises", "t": "t_test",
        "mann_whitney": "mannw", "anderson_darling": "anderson",
    },
    "category": {
        "hellinger": "hellinger", "kl": "kl_div", "psi": "psi", "jensen_shannon": "jensenshannon",
        "chi_square": "chisquare", "g": "g_test",
    },
}  # fmt: skip


@pytest.mark.parametrize(("kind", "measure"), [(kind, name) for kind, names in OTHERS.items() for name in names])
def test_measures_that_are_asked_for_by_name(kind: str, measure: str) -> None:
    """Evidently's own functions, at its own thresholds, on columns without gaps."""
    from evidently.legacy.calculations.stattests import get_stattest
    from evidently.legacy.core import ColumnType

    their_kind = ColumnType.Numerical if kind == "number" else ColumnType.Categorical
    before, after = columns(800, seed=3, moved=0.0), columns(800, seed=4, moved=0.4)
    names = ("normal", "skewed", "shifted", "tiny") if kind == "number" else ("four", "two", "five")
    for name in names:
        sides = pd.Series(before[name]), pd.Series(after[name])
        theirs = get_stattest(*sides, their_kind, OTHERS[kind][measure])(*(s.copy() for s in sides), their_kind, None)
        given = [side.tolist() for side in sides]
        ours = judge_rows("evidently-0.7", *given, kind=kind, override=ColumnDrift(measure=measure))
        assert ours.value == pytest.approx(theirs.drift_score, rel=1e-9, abs=1e-12), name
        assert (ours.status is Status.OUTSIDE) == theirs.drifted, name
        assert ours.limit == theirs.actual_threshold
