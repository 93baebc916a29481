"""A model file in plain sentences, for the person who answers for it and did not write it.

Says what is watched, for whom, against which limits and who set them, and what cannot be judged with this file. It
makes no claim about the model itself.
"""

from __future__ import annotations

from store.bins import band_names
from store.durations import format_duration
from store.model_file import AlertWatch, FairnessWatch, Group, Input, InputType, ModelFile, PerformanceWatch, Task

MEASURES = {
    "selection_rate_ratio": "the lowest group's rate of favourable decisions divided by the highest group's",
    "selection_rate_difference": "the gap between groups' rates of favourable decisions",
    "true_positive_rate_difference": "the gap between groups' rates of favourable decisions, among good outcomes",
    "false_positive_rate_difference": "the gap between groups' rates of favourable decisions, among bad outcomes",
    "equalized_odds_difference": "the larger of the two gaps between groups' rates, among good and among bad outcomes",
    "roc_auc": "how well scores rank good above bad (ROC AUC; 0.5 is chance, 1 is perfect)",
    "accuracy": "the share of predictions that turned out right",
    "log_loss": "how far scores are from what happened (log loss; lower is better)",
    "brier": "the mean squared distance of scores from what happened (Brier score; lower is better)",
}


def explain(model: ModelFile) -> list[str]:
    """The file read back, a sentence or two per entry, in the order of the file."""
    return [
        *_who(model),
        *_what(model),
        *_groups(model),
        _reference(model),
        *_limits(model),
        *_alerts(model.watch.alerts),
        *_privacy(model),
        *_retrain(model),
        *_cannot(model),
    ]


def _who(model: ModelFile) -> list[str]:
    title = f" ({model.title})" if model.title else ""
    out = [f"This is version {model.version} of {model.name}{title}."]
    if model.use:
        out.append(f"Its use: {model.use}.")
    owner = " ".join(part for part in (model.owner.team, f"<{model.owner.email}>" if model.owner.email else "") if part)
    out.append(f"It is owned by {owner}." if owner else "Nobody is named as its owner.")
    why = f", because of {model.tier.why}" if model.tier.why else ""
    out.append(f"Its owner puts it in risk tier {model.tier.level} (1 is the highest){why}.")
    return out


def _what(model: ModelFile) -> list[str]:
    columns = model.columns
    kind = {
        Task.BINARY: "decides between two values",
        Task.MULTICLASS: "decides between several values",
        Task.REGRESSION: "predicts a number",
    }[model.task]
    out = []
    if columns.prediction:
        out.append(f"It {kind}; the decision stands in the column {columns.prediction.column}.")
        good = columns.prediction.good or ("1" if model.task is Task.BINARY else None)
        if good is not None:
            means = f", meaning {columns.prediction.good_means}" if columns.prediction.good_means else ""
            out.append(f'The favourable decision is "{good}"{means}.')
    if columns.score:
        out.append(f"Its score stands in the column {columns.score}.")
    out.append(f"It looks at {_count(len(columns.inputs), 'input')}: {'; '.join(map(_input, columns.inputs))}.")
    if columns.outcome:
        out.append(_outcome(model))
    if columns.id is None:
        out.append(
            "No column is named for ids: the log's own are used; where it has none, outcomes cannot be joined later."
        )
    return out


def _input(item: Input) -> str:
    if item.range:
        return f"{item.name} (a number from {item.range[0]:g} to {item.range[1]:g})"
    if item.values:
        return f"{item.name} (one of {', '.join(item.values)}; others are counted together)"
    return {
        InputType.NUMBER: f"{item.name} (a number)",
        InputType.CATEGORY: f"{item.name} (a category)",
        None: f"{item.name} (its kind is taken from the reference)",
    }[item.type]


def _outcome(model: ModelFile) -> str:
    outcome = model.columns.outcome
    assert outcome is not None
    when = f" about {format_duration(outcome.expected_after)} after the decision" if outcome.expected_after else ""
    until = (
        f"; after {format_duration(outcome.give_up_after)} it is no longer waited for" if outcome.give_up_after else ""
    )
    return f"What happened becomes known{when} in the column {outcome.column}{until}."


def _groups(model: ModelFile) -> list[str]:
    columns = model.columns
    out = []
    if columns.groups:
        told = "; ".join(map(_group, columns.groups))
        pairs = ", and in pairs of two" if len(columns.groups) > 1 else ""
        out.append(f"People are compared by {told}{pairs}.")
    else:
        out.append("No groups of people are declared, so nothing is said about fairness.")
    if columns.segments:
        out.append(f"Everything is also looked at by {', '.join(columns.segments)}.")
    if columns.person:
        out.append(f"The column {columns.person} tells persons apart; it is stored only as a salted hash.")
    return out


def _group(group: Group) -> str:
    if group.bands:
        return f"{group.name} in the bands {', '.join(band_names(group.bands))}"
    return f"{group.name} ({', '.join(group.values)})" if group.values else group.name


def _reference(model: ModelFile) -> str:
    reference = model.reference
    if reference.file:
        return f"New rows are compared with those of the file {reference.file}."
    if reference.window:
        return f"New rows are compared with those from {reference.window[0]} up to {reference.window[1]}."
    if reference.version:
        return f"New rows are compared with the reference of version {reference.version}."
    return "New rows are compared with the reference that is ingested for it; until then, drift cannot be judged."


def _limits(model: ModelFile) -> list[str]:
    watch = model.watch
    window = watch.window
    grows = f"a window with fewer than {window.at_least} rows grows backwards, up to {format_duration(window.up_to)}"
    out = [
        f"It is judged every {format_duration(window.every)}; {grows}.",
        f"Drift is judged by the rules of {watch.drift.method_set}.",
    ]
    if watch.drift.season:
        out.append("A window is compared with the same stretch of the four weeks before it, at its own site.")
    if watch.drift.borrow:
        out.append("A site without anything to be compared with is compared with the other sites of the same window.")
    if watch.drift.attribution is not None:
        out.append(f"The NDCG of contributions must be at least {watch.drift.attribution:g}.")
    for name, own in watch.drift.columns:
        measure = f" by {own.measure}" if own.measure else ""
        limit = f", at most {own.at_most:g}" if own.at_most is not None else ""
        out.append(f"Drift of {name} is judged{measure}{limit} (set by {own.source}).")
    out.extend(f"Between groups of {item.of}, {_limit(item)}." for item in watch.fairness)
    out.extend(f"{_capital(_limit(item))}." for item in watch.performance)
    quality = watch.quality
    missing, unseen = (f"{100 * share:.4g} %" for share in (quality.missing, quality.unseen))
    out.append(
        f"At most {missing} of a column may be missing, and at most {unseen} may be values never seen before "
        f"(set by {quality.source})."
    )
    if quality.out_of_range is not None:
        out.append(f"At most {100 * quality.out_of_range:.4g} % of a number may lie outside the range of its bins.")
    if quality.volume is not None:
        out.append(f"A window must hold at least {100 * quality.volume:.4g} % of the rows such windows usually hold.")
    return out


def _alerts(watch: AlertWatch) -> list[str]:
    share = f"{100 * watch.false_discovery_rate:.4g} %"
    outside, of = watch.persistence
    told = (
        "One window outside its limit is an alert."
        if (outside, of) == (1, 1)
        else f"It is an alert when {outside} of the last {of} windows are outside, or one is far beyond the limit."
    )
    ends = "" if watch.clears_at == 1 else f" at {100 * watch.clears_at:.4g} % of the limit or better"
    out = [
        f"{told} Of the drift alerts of a day at most {share} are expected to be made by chance.",
        f"An alert ends when a window is inside{ends}, or three windows running are.",
    ]
    if watch.cool_down:
        out.append(f"What fires again within {format_duration(watch.cool_down)} calls nobody a second time.")
    if watch.owner:
        out.append(f"Alerts belong to {', '.join(f'{who} ({severity})' for severity, who in watch.owner)}.")
    if watch.due:
        told = ", ".join(f"{severity} within {format_duration(time)}" for severity, time in watch.due)
        out.append(f"They should be dealt with in time: {told}.")
    return out


def _limit(item: FairnessWatch | PerformanceWatch) -> str:
    told = MEASURES.get(item.measure, item.measure)
    least = f"at least {item.at_least:g}" if item.at_least is not None else f"at most {item.at_most:g}"
    return f"{told} must be {least} (set by {item.source})"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _privacy(model: ModelFile) -> list[str]:
    privacy = model.privacy
    if privacy is None:
        return ["No privacy budget is named, so no noisy counts can be released for it."]
    unit = "a person's day" if privacy.unit == "user-day" else "a row"
    rows = f", with at most {_count(privacy.contributions, 'row')} counted" if privacy.unit == "user-day" else ""
    rho = f" Each release costs rho = {privacy.rho}." if privacy.rho else ""
    return [f"Noisy counts draw on the budget of {privacy.people}; the unit protected is {unit}{rows}.{rho}"]


def _retrain(model: ModelFile) -> list[str]:
    retrain = model.retrain
    if retrain is None:
        return ["No way of retraining is declared."]
    gate = "; ".join(f"{measure} {rule.replace('_', ' ')} {number:g}" for measure, rule, number in retrain.gate)
    return [
        f"Retraining runs `{retrain.command}` by {retrain.executor} after {_count(retrain.approvals, 'approval')} by "
        f"somebody other than who asked" + (f"; the new version must pass: {gate}." if gate else ".")
    ]


def _cannot(model: ModelFile) -> list[str]:
    """Limits that this file sets and cannot be judged with what it declares."""
    columns, watch = model.columns, model.watch
    out = []
    if watch.performance and not columns.outcome:
        out.append("Limits on performance are set, but no outcome is declared: they cannot be judged.")
    if watch.performance and columns.outcome and not columns.prediction and not columns.score:
        out.append(
            "Limits on performance are set, but neither prediction nor score is declared: they cannot be judged."
        )
    if watch.fairness and not columns.prediction:
        out.append("Limits on fairness are set, but no prediction is declared: they cannot be judged.")
    return out


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
