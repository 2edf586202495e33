from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from qemppl.result.fit import PlateAxis
from qemppl.result.render import (
    COLUMNS,
    MEMBERS_SHOWN,
    csv_text,
    decimals_supported,
    format_error,
    format_number,
    headline,
    json_object,
    print_table,
    summary_table,
    table_text,
)
from qemppl.result.summary import Summary, summarise
from tests.result.fits import estimate, nested_fit, plain_fit


def test_rows_are_named_in_the_order_of_the_model() -> None:
    assert [row.name for row in nested_fit().summary()] == [
        "mu",
        *("a[Hennepin]", "a[Lac qui Parle]", "a[Anoka-Süd]"),
        *("b[Hennepin,1,1]", "b[Hennepin,1,2]", "b[2,1]", "b[2,2]"),
        *("b[Lac qui Parle,1,1]", "b[Lac qui Parle,1,2]", "b[Anoka-Süd,1,1]", "b[Anoka-Süd,1,2]"),
        *("m[1,1]", "m[1,2]", "m[1,3]", "m[2,1]", "m[2,2]", "m[2,3]"),
    ]


def test_rows_carry_the_numbers_of_their_component() -> None:
    fit = nested_fit()
    row = fit.summary()["m[2,1]"]
    m = fit.estimate("m")
    ordered = np.sort(m.draws[:, 1, 0])
    assert (row.mean, row.sd, row.mcse) == (m.mean[1, 0], m.sd[1, 0], m.mcse[1, 0])
    assert row.q5 == pytest.approx(np.interp(0.05 * (len(ordered) - 1), np.arange(len(ordered)), ordered))
    assert row.q50 == pytest.approx(np.median(ordered))


def test_an_unknown_row_or_name_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="theta"):
        nested_fit().summary()["theta"]
    with pytest.raises(KeyError, match="it has mu, a, b, m"):
        nested_fit().draws("theta")


@pytest.mark.parametrize(
    ("value", "mcse", "shown"),
    [
        (4.4127, 0.034, "4.41"),  # two errors are 0.07: the second decimal is the first uncertain one
        (4.4127, 0.06, "4.4"),
        (0.36612, 0.003, "0.366"),
        (12345.6, 30.0, "12350"),
        (12345.6, 80.0, "12300"),
        (12345.6, 0.4, "12345.6"),
        (-1e-9, 3e-12, "-1.000e-09"),
        (1.23456789e20, 1e16, "1.2346e+20"),
        (1e-20, 1e-22, "1.00e-20"),
        (2.0, 0.0, "2"),
        (3.14159, math.nan, "3.142"),
        (math.nan, 0.1, "nan"),
        (0.0, 0.01, "0.00"),
        (1.0, 1e-33, "1"),  # a state that is certain
    ],
)
def test_only_supported_digits_are_shown(value: float, mcse: float, shown: str) -> None:
    assert format_number(value, decimals_supported(mcse)) == shown


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (0.02, "0.020"),
        (0.0349, "0.035"),
        (1.0, "1.0"),
        (31.4, "31"),
        (1.23e-6, "1.2e-06"),
        (0.0, "0"),
        (math.nan, ""),
    ],
)
def test_errors_have_two_digits(error: float, shown: str) -> None:
    assert format_error(error) == shown


def test_the_table_shows_labels_with_brackets_and_markup_as_they_are() -> None:
    fit = plain_fit(estimate("a", "p", (2,), 1), plates=(PlateAxis("p", ("[bold]x[/bold]", "[/]"), labelled=True),))
    text = str(fit.summary())
    assert "a[[bold]x[/bold]]" in text
    assert "a[[/]]" in text
    header, first, *_ = text.splitlines()
    assert header.split() == list(COLUMNS[1:])
    assert len(first.split()) == len(COLUMNS)


def test_a_component_that_is_fixed_has_no_spread() -> None:
    """As the first of a Cholesky factor of correlations: its sd is rounding."""
    one = estimate("a", None, (), 1)
    for array, value in ((one.mean, 1.0), (one.mcse, 1e-33), (one.sd, 2e-24)):
        np.copyto(array, value)
    line = next(line for line in str(plain_fit(one).summary()).splitlines() if line.startswith("a "))
    assert line.split()[1:4] == ["1", "1.0e-33", "0"]


def test_a_narrow_terminal_loses_no_digit() -> None:
    shown = []
    for width in (200, 20):
        console = Console(file=io.StringIO(), width=width, color_system=None, force_terminal=True)
        with console.capture() as capture:
            print_table(console, summary_table(nested_fit().summary()))
        shown.append(capture.get().split())
    assert shown[0] == shown[1]
    assert str(nested_fit().summary()).split() == shown[0]


def test_a_large_plate_is_cut_in_the_table_only() -> None:
    size = MEMBERS_SHOWN + 7
    labels = tuple(str(i) for i in range(size))
    summary = summarise(plain_fit(estimate("a", "p", (size,), 1), plates=(PlateAxis("p", labels),)))
    assert "... 7 more of a" in str(summary)
    assert len(csv_text(summary).splitlines()) == size + 1


def test_json_has_the_promised_keys_and_no_nan() -> None:
    fit = replace(nested_fit(), log_evidence=None, elbo=-math.inf, estimates=(nested_fit().estimate("a"),))
    np.copyto(fit.estimate("a").khat, math.nan)
    content = json.loads(json.dumps(json_object(fit), allow_nan=False))
    assert list(content) == ["log_evidence", "elbo", "iterations", "stop_reason", "seconds", "warnings", "summary"]
    assert content["log_evidence"] is None
    assert content["elbo"] is None
    assert list(content["summary"][0]) == ["name", "mean", "mcse", "sd", "q5", "q50", "q95", "ess", "khat"]
    assert content["summary"][0]["name"] == "a[Hennepin]"
    assert content["summary"][0]["khat"] is None
    assert content["summary"][0]["mean"] == fit.estimate("a").mean[0]
    assert content["warnings"][0]["message"] == "a remark"


def test_csv_quotes_labels_and_keeps_every_digit() -> None:
    label = 'Oslo, "west"\nside'
    fit = plain_fit(estimate("a", "p", (1,), 1), plates=(PlateAxis("p", (label,), labelled=True),))
    np.copyto(fit.estimate("a").khat, math.nan)
    (row,) = csv.DictReader(io.StringIO(csv_text(fit.summary())))
    assert row["name"] == f"a[{label}]"
    assert float(row["mean"]) == fit.estimate("a").mean[0]
    assert row["khat"] == ""


def test_the_headline_says_when_there_is_no_evidence() -> None:
    assert "log evidence -12.25 (mcse 0.034), ELBO -12.5 nats" in headline(nested_fit())
    assert "undefined" in headline(replace(nested_fit(), log_evidence=None))


def test_quantiles_show_only_the_digits_that_the_draws_support() -> None:
    row = replace(
        nested_fit().summary().rows[0], mean=1.23456, sd=1.0, q5=-0.41234, q50=1.23456, q95=2.87654, mcse=1e-5
    )
    text = table_text(Summary((row,), draws=4000))  # the median has the error 1.3 / sqrt(4000) = 0.02
    assert all(shown in text for shown in ("1.23456", " -0.41 ", " 1.23 ", " 2.88 "))
    assert "2.876" not in text
