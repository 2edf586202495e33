"""python -m benchmarks.performance.report: what was measured as tables in docs/performance.md, and as docs/performance.png."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from benchmarks.performance.cases import ACCURATE, ROOT
from benchmarks.performance.results import Result, load

PAGE, PICTURE = ROOT / "docs" / "performance.md", ROOT / "docs" / "performance.png"
Row = Sequence[str]


class Measurements:
    """Results by case and engine."""

    def __init__(self, results: Sequence[Result]) -> None:
        self._by_key = {(result["case"], result["engine"]): result for result in results}
        self.cases = tuple(dict.fromkeys(result["case"] for result in results))

    def started(self, case: str, engine: str) -> Result | None:
        """None where it was not measured, or failed."""
        result = self._by_key.get((case, engine))
        return None if result is None or "failed" in result else result

    def find(self, case: str, engine: str) -> Result | None:
        """None also where it was stopped."""
        result = self.started(case, engine)
        return None if result is None or result.get("stopped") else result

    def seconds(self, case: str, engine: str) -> float | None:
        """None as for `find`."""
        result = self.find(case, engine)
        return None if result is None else float(result["seconds"])


def number(value: float) -> str:
    """Two or three digits."""
    return f"{value:,.0f}" if value >= 99.5 else f"{value:.3g}" if value >= 9.95 else f"{value:.2g}"


def milliseconds(found: Measurements, case: str, engine: str) -> str:
    seconds = found.seconds(case, engine)
    return "" if seconds is None else number(1e3 * seconds)


def ratio(above: float | None, below: float | None) -> str:
    return "" if above is None or below is None else number(above / below)


def accuracy(found: Measurements) -> tuple[Row, list[Row]]:
    """Seconds to accuracy."""
    head = ("model", "qemppl, s", "worst mean, sd", "NUTS, s", "NUTS / qemppl", "SVI mean-field", "SVI full-rank")
    rows = []
    for case in found.cases:
        own = found.find(case, "fit")
        if own is None:
            continue
        warned = f" ({', '.join(own['warnings'])})" if own["warnings"] else ""
        times = [_peer(found, case, engine) for engine in ("nuts", "svi_mean_field", "svi_full_rank")]
        rows.append(
            (case, number(own["seconds"]), f"{own['error']:.3f}{warned}", times[0], _slower(found, case), *times[1:])
        )
    return head, rows


def _peer(found: Measurements, case: str, engine: str) -> str:
    result = found.started(case, engine)
    if result is None:
        return "-"
    if result.get("stopped"):
        return f"> {number(result['seconds'])}"
    seconds, error = number(result["seconds"]), result["error"]
    return seconds if error <= ACCURATE else f"{error:.2f} sd off after {seconds}"


def _slower(found: Measurements, case: str) -> str:
    own, nuts = found.seconds(case, "fit"), found.started(case, "nuts")
    if own is None or nuts is None:
        return ""
    is_accurate = not nuts.get("stopped") and nuts["error"] <= ACCURATE
    return ("" if is_accurate else "> ") + number(nuts["seconds"] / own)


def iterations(found: Measurements) -> tuple[Row, list[Row]]:
    """An iteration with 30 particles in every group."""
    head = ("model", "qemppl, ms", "plain, ms", "plain / qemppl", "bare kernel, ms", "qemppl / kernel")
    rows = []
    for case in found.cases:
        own, plain, kernel = (found.seconds(case, engine) for engine in ("iteration", "plain", "kernel"))
        cells = [milliseconds(found, case, engine) for engine in ("iteration", "plain", "kernel")]
        rows.append((case, cells[0], cells[1], ratio(plain, own), cells[2], ratio(own, kernel)))
    return head, rows


def groups(found: Measurements) -> tuple[Row, list[Row]]:
    """Microseconds of an iteration by group, at two numbers of particles."""
    head = ("groups", "30 particles, us a group", "64 particles, us a group")
    rows = []
    for count in (1_000, 10_000, 100_000):
        times = [
            found.seconds(f"linear {count:,} x {10 * count:,}", engine) for engine in ("iteration", "iteration:64")
        ]
        rows.append((f"{count:,}", *("" if time is None else number(1e6 * time / count) for time in times)))
    return head, rows


def fits(found: Measurements) -> tuple[Row, list[Row]]:
    """Fits at the planner's particle numbers."""
    head = ("model", "particles", "ms an iteration", "iterations", "replicates", "evidence, s", "MiB", "NUTS, MiB")
    rows = []
    for case in found.cases:
        own, chosen = found.find(case, "fit"), found.find(case, "chosen")
        if own is None or chosen is None:
            continue
        particles = ", ".join(map(str, chosen["particles"].values()))
        arrival = "" if own.get("arrival") is None else number(own["arrival"])
        counts = (str(own["iterations"]), str(own["replicates"]), arrival)
        memory = [_mebibytes(found.find(case, engine)) for engine in ("fit", "nuts")]
        rows.append((case, particles, milliseconds(found, case, "chosen"), *counts, *memory))
    return head, rows


def _mebibytes(result: Result | None) -> str:
    return "" if result is None else f"{result['peak_bytes'] / 2**20:,.0f}"


def profiles(found: Measurements) -> tuple[Row, list[Row]]:
    """Where the time of an iteration goes, in percent."""
    chosen = {case: result for case in found.cases if (result := found.find(case, "chosen"))}
    kinds = [*next(iter(chosen.values()))["profile"]] if chosen else []
    rows = [(case, *(f"{100 * result['profile'][kind]:.0f}" for kind in kinds)) for case, result in chosen.items()]
    return ("model", *kinds), rows


TABLES: dict[str, Callable[[Measurements], tuple[Row, list[Row]]]] = {
    "accuracy": accuracy,
    "iterations": iterations,
    "groups": groups,
    "fits": fits,
    "profiles": profiles,
}
"""By the name that stands in the page: `<!-- table: NAME -->`, the table, `<!-- end -->`."""


def markdown(head: Row, rows: Sequence[Row]) -> str:
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def filled(page: str, found: Measurements, machine: Result) -> str:
    """The page with its tables, and the line about the machine, written anew."""
    for name, table in TABLES.items():
        page = put(page, f"table: {name}", f"\n{markdown(*table(found))}\n")
    versions = ", ".join(f"{name} {machine[name]}" for name in ("torch", "numpyro", "jax") if name in machine)
    return put(
        page, "machine", f"Measured on {machine['date']}, {machine['cpu']}, {machine['threads']} cores; {versions}."
    )


def put(page: str, mark: str, text: str) -> str:
    """The page with another text between `<!-- MARK -->` and `<!-- end -->`."""
    pattern = re.compile(rf"(<!-- {re.escape(mark)} -->\n).*?(\n<!-- end -->)", re.DOTALL)
    return pattern.sub(lambda match: match[1] + text + match[2], page)


def draw(found: Measurements) -> None:
    """Cost of an iteration against rows, groups and particles."""
    import matplotlib.pyplot as plt  # noqa: PLC0415 (tables need no pictures)

    figure, (rows, groups, particles) = plt.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
    linear = {10_000: "linear 1,000 x 10,000", 100_000: "linear 1,000 x 100,000", 1_000_000: "linear 1,000 x 1,000,000"}
    for engine, style in (("iteration", "o-"), ("plain", "s--")):
        _line(rows, found, {count: (case, engine) for count, case in linear.items()}, style, f"linear, {engine}")
    for family in ("linear", "logistic"):
        sizes = {n: (f"{family} {n:,} x {10 * n:,}", "iteration") for n in (100, 1_000, 10_000, 100_000)}
        _line(groups, found, sizes, "o-", family)
    for case in ("preferences", "contraception", "logistic 1,000 x 10,000"):
        for engine, style in (("iteration", "o-"), ("plain", "s--")):
            at = {k: (case, engine if k == 30 else f"{engine}:{k}") for k in (3, 10, 30, 60, 100)}
            _line(particles, found, at, style, f"{case}, {engine}")
    for axes, label in (
        (rows, "rows, 1,000 groups"),
        (groups, "groups of 10 rows"),
        (particles, "particles of every group"),
    ):
        axes.set(xscale="log", yscale="log", xlabel=label, ylabel="ms an iteration")
        axes.legend(fontsize=7, frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(PICTURE, dpi=110)
    plt.close(figure)


def _line(axes: object, found: Measurements, points: dict[int, tuple[str, str]], style: str, label: str) -> None:
    known = {x: seconds for x, key in points.items() if (seconds := found.seconds(*key)) is not None}
    if known:
        axes.plot(list(known), [1e3 * s for s in known.values()], style, label=label, ms=4)  # type: ignore[attr-defined]


def main() -> None:
    results, machine = load()
    found = Measurements(results)
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), found, machine), encoding="utf-8")
    draw(found)


if __name__ == "__main__":
    main()
