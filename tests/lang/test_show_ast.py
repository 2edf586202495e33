from __future__ import annotations

from qemppl.diagnostics.source import Source
from qemppl.lang.syntax.parse import parse
from qemppl.lang.syntax.show_ast import show_ast


def test_every_node_stands_on_a_line_with_its_place() -> None:
    text = "model { real mu ~ normal(0, 2.5);\n  real b = -mu[1]; }"
    assert (
        show_ast(parse(Source("m", text)).program)
        == """\
Program @1:1
  ModelBlock @1:1
    Latent name=mu @1:9
      Type kind=real @1:9
      Law name=normal @1:19
        Argument @1:26
          Number value=0 integer=True @1:26
        Argument @1:29
          Number value=2.5 integer=False @1:29
    Definition name=b @2:3
      Type kind=real @2:3
      Unary operator=- @2:12
        Index @2:13
          Variable name=mu @2:13
          Number value=1 integer=True @2:16
"""
    )


def test_a_long_sum_is_shown() -> None:
    text = "model { real b = " + "+".join(["1"] * 5000) + "; }"
    assert show_ast(parse(Source("m", text)).program).count("Number") == 5000


def test_flags_are_shown_where_they_hold() -> None:
    text = "data { chain t; missing real y[t]; } model { sampled int k ~ poisson(1); }"
    lines = show_ast(parse(Source("m", text)).program).splitlines()
    assert [line.strip().split(" @")[0] for line in lines if "Plate" in line or "Decl" in line or "Latent" in line] == [
        "DataPlate chain name=t",
        "Declaration name=y missing",
        "Latent name=k sampled",
    ]
