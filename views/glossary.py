"""What the words in tables mean, for reports; the long form is `docs/glossary.md`."""

from collections.abc import Iterable

DEFINITIONS = {
    "λ": "the price of a wrong answer in units of cost; stage 0's mean cost is 1.",
    "early-stop rate": "share of samples whose answer comes from a stage before the last.",
    "baseline": "the last stage alone, on the same samples, seed by seed.",
    "accuracy": "k/n; where there are several seeds, they are averaged per sample first.",
    "quality retention": "accuracy ÷ baseline accuracy; it can be above 1.",
    "item retention": "share of the baseline's right answers that stay right.",
    "speedup": "Σ baseline time ÷ Σ our time over the same samples, predictor time included; a ratio of sums. Where "
    "answers have no times it is the same ratio of costs, and the column 'speedup in' says so.",
    "cost accuracy": "1 − |predicted − measured| ÷ measured, on the run's totals.",
    "improvement factor": "speedup with ÷ speedup without.",
    "effect size": "for paired right/wrong outcomes the risk difference, unless the row names another.",
    "d_z": "of log-latency: the mean over samples of ln(our time ÷ baseline time) over its standard deviation; "
    "negative where ours is faster.",
    "least detectable difference": "the least accuracy difference that a two-sided McNemar test on so many samples "
    "finds with a power of 80 % at the run's significance level, given how often the two differ; samples in clusters "
    "count for samples ÷ design effect.",
    "attainable margin": "the highest retention that a one-sided test on so many samples shows, with the same power "
    "and level, where both are equally accurate.",
    "head read": "the last event that the computation had read of each stream of the log, by its sequence number.",
    "nature": "measured: generated in this run; recorded: read from a record of another time and place; simulated: "
    "drawn by a simulator.",
    "basis": "measured: those stages ran for that condition; replayed: computed from answers that another pass of the "
    "same run had logged.",
}
ANCHORS = {"λ": "λ-lambda", "nature": "nature-measured-recorded-simulated", "basis": "basis-measured-replayed"}


def anchor(term: str) -> str:
    """The place of `term` in `docs/glossary.md`."""
    return ANCHORS.get(term, term.replace(" ", "-"))


def within(column: str) -> list[tuple[str, str]]:
    """The terms that the name of a column holds, each with its definition: `baseline_accuracy` holds two."""
    words = f" {column.replace('lambda', 'λ').replace('_', ' ')} "
    found = [term for term in DEFINITIONS if f" {term.replace('-', ' ').replace('_', ' ')} " in words]
    return [(term, DEFINITIONS[term]) for term in found]


def used(terms: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """The definitions of `terms`, each once, in the glossary's order."""
    wanted = set(terms)
    return tuple((term, text) for term, text in DEFINITIONS.items() if term in wanted)
