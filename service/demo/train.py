"""The branch's own training: it runs beside the branch's rows, reads `job.json` and leaves `outcome.json`.

Two things change against the version at work. The model is trained anew, on the branch's own decisions whose outcome
is known, from the inputs alone: neither the old score nor sex goes in. And one cut-off holds for everybody, set so that
of the loans granted no larger share goes unpaid than before; what that costs in approvals is measured and told.

Days are split in order: the first three fifths train, the next fifth sets the cut-off, the last fifth only measures,
the decisions that were made against those the new version would have made. Nothing is random: the same rows give the
same outcome.
"""

from __future__ import annotations

import hashlib
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

JOB, OUTCOME = "job.json", "outcome.json"
SKEWED = ("income", "loan_amount")
GROUP = "sex"
Z = 1.959963984540054
"""Two-sided 95 %."""
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Measured = dict[str, Any]


def main(folder: Path) -> None:
    job = json.loads((folder / JOB).read_text(encoding="utf-8"))
    columns = job["model_file"]["columns"]
    rows = known_rows(folder, columns)
    training, choosing, held_out = in_three(rows, columns["time"])
    print(f"{len(rows):,} decisions with known outcome; {len(training):,} train, {len(held_out):,} measure")
    model = pipeline(columns["inputs"])
    names = [column["name"] for column in columns["inputs"]]
    outcome, decision = columns["outcome"]["column"], columns["prediction"]["column"]
    model.fit(training[names], training[outcome])
    cut = cut_off(model.predict_proba(choosing[names])[:, 1], good(choosing, outcome), granted=good(choosing, decision))
    after = model.predict_proba(held_out[names])[:, 1]
    repaid, groups = good(held_out, outcome), held_out[GROUP].to_numpy()
    old = (held_out[columns["score"]].to_numpy(dtype=np.float64), good(held_out, decision))
    artifact = keep(folder, f"{job['model']}-{job['next_version']}.pickle", model, cut)
    document = {
        "schema": "bailiwick/outcome/1",
        "version": job["next_version"],
        "metrics": {"before": metrics(*old, repaid, groups), "after": metrics(after, after >= cut, repaid, groups)},
        "groups": {"before": rates(old[1], groups), "after": rates(after >= cut, groups)},
        "measured_on": {
            "rows": len(held_out),
            "from": held_out[columns["time"]].min().isoformat(),
            "to": held_out[columns["time"]].max().isoformat(),
            "trained_on": len(training),
        },
        "cut_off": round(cut, 6),
        "inputs": names,
        "artifact": artifact,
    }
    (folder / OUTCOME).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def known_rows(folder: Path, columns: dict[str, Any]) -> pd.DataFrame:
    """The branch's decisions whose outcome is known, in the order of their time."""
    decisions = pd.concat([pd.read_parquet(path) for path in sorted(folder.glob("days-*.parquet"))])
    outcomes = pd.concat([pd.read_csv(path) for path in sorted(folder.glob("outcomes-*.csv"))])
    known = decisions.merge(outcomes, on=columns["id"], validate="one_to_one")
    return known.sort_values([columns["time"], columns["id"]], ignore_index=True)


def in_three(rows: pd.DataFrame, time: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Three fifths, one fifth, one fifth of the days, in order."""
    days = rows[time].dt.floor("D")
    present = sorted(days.unique())
    first, second = present[len(present) * 3 // 5], present[len(present) * 4 // 5]
    return rows[days < first], rows[(days >= first) & (days < second)], rows[days >= second]


def pipeline(inputs: list[dict[str, Any]]) -> Pipeline:
    """Standardised numbers (amounts of money as logarithms) and one column per category, into a logistic regression."""
    numbers = [column["name"] for column in inputs if column["type"] == "number" and column["name"] not in SKEWED]
    categories = [column["name"] for column in inputs if column["type"] == "category"]
    money = make_pipeline(FunctionTransformer(np.log), StandardScaler())
    return make_pipeline(
        ColumnTransformer(
            [
                ("money", money, list(SKEWED)),
                ("numbers", StandardScaler(), numbers),
                ("categories", OneHotEncoder(handle_unknown="ignore"), categories),
            ]
        ),
        LogisticRegression(max_iter=1000),
    )


def good(rows: pd.DataFrame, column: str) -> Bools:
    return np.asarray(rows[column].to_numpy() == 1)


def cut_off(chance: Floats, repaid: Bools, *, granted: Bools) -> float:
    """The lowest cut-off at which no larger share of the loans granted goes unpaid than of those that were granted."""
    order = np.argsort(-chance, kind="stable")
    unpaid = np.cumsum(~repaid[order]) / np.arange(1, len(order) + 1)
    bearable = np.flatnonzero(unpaid <= np.mean(~repaid[granted]))
    return float(chance[order[bearable[-1] if len(bearable) else 0]])


# -- what is told, each figure with its 95 % interval ---------------------------------------------------------------


def metrics(score: Floats, granted: Bools, repaid: Bools, groups: npt.NDArray[Any]) -> dict[str, Measured]:
    return {
        "roc_auc": roc_auc(score, repaid),
        "accuracy": share(granted == repaid),
        "approval_rate": share(granted),
        "unpaid_among_granted": share(~repaid[granted]),
        "selection_rate_ratio": ratio(granted[groups == "F"], granted[groups == "M"]),
    }


def rates(granted: Bools, groups: npt.NDArray[Any]) -> dict[str, Measured]:
    return {f"{GROUP}={name}": share(granted[groups == name]) for name in sorted(set(groups))}


def share(hits: Bools) -> Measured:
    """A share with Wilson's interval."""
    n, p = len(hits), float(np.mean(hits))
    middle, width = p + Z * Z / (2 * n), Z * float(np.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n)))
    low, high = ((middle + sign * width) / (1 + Z * Z / n) for sign in (-1, 1))
    return {"value": round(p, 6), "interval": [round(low, 6), round(high, 6)], "n": n}


def ratio(one: Bools, other: Bools) -> Measured:
    """A ratio of two shares with Katz's interval on the logarithm."""
    p, q = float(np.mean(one)), float(np.mean(other))
    width = Z * float(np.sqrt((1 - p) / (p * len(one)) + (1 - q) / (q * len(other))))
    low, high = (p / q * float(np.exp(sign * width)) for sign in (-1, 1))
    return {"value": round(p / q, 6), "interval": [round(low, 6), round(high, 6)], "n": len(one) + len(other)}


def roc_auc(score: Floats, repaid: Bools) -> Measured:
    """The area under the ROC curve with DeLong's interval, from the places that each row takes among the others."""
    hits, misses = np.sort(score[repaid]), np.sort(score[~repaid])
    below = (np.searchsorted(misses, hits, "left") + np.searchsorted(misses, hits, "right")) / (2 * len(misses))
    above = 1 - (np.searchsorted(hits, misses, "left") + np.searchsorted(hits, misses, "right")) / (2 * len(hits))
    value = float(np.mean(below))
    width = Z * float(np.sqrt(np.var(below, ddof=1) / len(hits) + np.var(above, ddof=1) / len(misses)))
    interval = [round(max(0.0, value - width), 6), round(min(1.0, value + width), 6)]
    return {"value": round(value, 6), "interval": interval, "n": len(score)}


def keep(folder: Path, name: str, model: Pipeline, cut: float) -> dict[str, str]:
    content = pickle.dumps({"pipeline": model, "cut_off": cut})
    (folder / name).write_bytes(content)
    return {"file": name, "sha256": hashlib.sha256(content).hexdigest()}


if __name__ == "__main__":
    main(Path.cwd())
