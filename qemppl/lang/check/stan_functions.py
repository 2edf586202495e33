"""Functions of Stan, R and Python that have another name or form here: what to write instead, with the user's own arguments."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set

from qemppl.lang.check.rewriting import one_line
from qemppl.lang.check.scope import BlockName
from qemppl.lang.syntax import ast

_REWRITES = {
    "fabs": "abs({0})",
    "Phi_approx": "Phi({0})",
    "std_normal_cdf": "Phi({0})",
    "inv_sqrt": "inv(sqrt({0}))",
    "inv_square": "inv(square({0}))",
    "inv_cloglog": "1 - exp(-exp({0}))",
    "log_inv_logit": "-log1p_exp(-{0})",
    "log1m_inv_logit": "-log1p_exp({0})",
    "log1m_exp": "log1m(exp({0}))",
    "log_softmax": "log(softmax({0}))",
    "log10": "log({0}) / log(10)",
    "log2": "log({0}) / log(2)",
    "exp2": "2 ^ {0}",
    "cbrt": "{0} ^ (1 / 3)",
    "tan": "sin({0}) / cos({0})",
    "sinh": "(exp({0}) - exp(-{0})) / 2",
    "cosh": "(exp({0}) + exp(-{0})) / 2",
    "tgamma": "exp(lgamma({0}))",
    "lfactorial": "lgamma({0} + 1)",
    "log_factorial": "lgamma({0} + 1)",
    "round": "floor({0} + 0.5)",
    "step": "{0} >= 0",
    "int_step": "{0} > 0",
    "variance": "square(sd({0}))",
    "var": "square(sd({0}))",
    "std": "sd({0})",
    "stdev": "sd({0})",
    "prod": "exp(sum(log({0})))",
    "product": "exp(sum(log({0})))",
    "norm2": "sqrt(dot_product({0}, {0}))",
    "dot_self": "dot_product({0}, {0})",
    "to_vector": "{0}",
    "to_row_vector": "{0}'",
    "to_array_1d": "{0}",
    "to_int": "{0}",
    "rep_array": "rep_vector({0}, {1})",
    "rep_row_vector": "rep_vector({0}, {1})'",
    "if_else": "{0} ? {1} : {2}",
    "multiply_log": "{0} * log({1})",
    "lmultiply": "{0} * log({1})",
    "lbeta": "lgamma({0}) + lgamma({1}) - lgamma({0} + {1})",
    "lchoose": "lgamma({0} + 1) - lgamma({1} + 1) - lgamma({0} - {1} + 1)",
    "binomial_coefficient_log": "lgamma({0} + 1) - lgamma({1} + 1) - lgamma({0} - {1} + 1)",
    "fdim": "fmax({0} - {1}, 0)",
    "fmod": "{0} % {1}",
    "divide": "{0} / {1}",
    "multiply": "{0} * {1}",
    "add": "{0} + {1}",
    "subtract": "{0} - {1}",
    "elt_multiply": "{0} .* {1}",
    "elt_divide": "{0} ./ {1}",
    "squared_distance": "sum(square({0} - {1}))",
    "distance": "sqrt(sum(square({0} - {1})))",
    "fma": "{0} * {1} + {2}",
    "quad_form": "{1}' * {0} * {1}",
    "tcrossprod": "{0} * {0}'",
    "crossprod": "{0}' * {0}",
    "multiply_lower_tri_self_transpose": "{0} * {0}'",
    "row": "{0}[{1}]",
    "col": "{0}'[{1}]",
    "pi": "3.141592653589793",
    "e": "exp(1)",
    "sqrt2": "sqrt(2)",
    # of R and Python
    "plogis": "inv_logit({0})",
    "expit": "inv_logit({0})",
    "sigmoid": "inv_logit({0})",
    "qlogis": "logit({0})",
    "pnorm": "Phi({0})",
    "ln": "log({0})",
    "logsumexp": "log_sum_exp({0})",
    "softplus": "log1p_exp({0})",
    "cumsum": "cumulative_sum({0})",
    "ifelse": "{0} ? {1} : {2}",
    "where": "{0} ? {1} : {2}",
    "pmin": "fmin({0}, {1})",
    "pmax": "fmax({0}, {1})",
    "power": "{0} ^ {1}",
    "dot": "dot_product({0}, {1})",
    "inner": "dot_product({0}, {1})",
    "matmul": "{0} * {1}",
    "rep": "rep_vector({0}, {1})",
}
"""By name; `{0}` is the text of the first argument. With another number of arguments there is no rewrite."""
_ADVICE = {
    **dict.fromkeys(
        ("rows", "cols", "size", "num_elements", "dims", "length", "nrow", "ncol", "len"),
        "sizes have names: write the `dim` or the number that the declaration gives",
    ),
    **dict.fromkeys(
        ("append_row", "append_col", "append_array", "segment", "head", "tail", "sub_col", "sub_row", "block"),
        "vectors are neither cut nor joined: declare the parts as they are used, and pick components with an index",
    ),
    **dict.fromkeys(
        ("c", "list", "array", "vector", "matrix", "to_matrix"),
        "a list of numbers is no expression here: declare it in `data`",
    ),
}
"""What to do without functions that nothing replaces."""
_DENSITY = re.compile(r"(?P<law>\w+?)_(?P<kind>lpdf|lpmf|lupdf|lupmf|cdf|lcdf|lccdf|log|ccdf_log|cdf_log|rng)$")
_PLACE = re.compile(r"\{(\d)\}")


def rewrite(node: ast.Apply, laws: Set[str], block: BlockName) -> str | None:
    """How to write, in a block, what a function of Stan or R means; None if it is none that is known."""
    name = node.function.text
    texts = [one_line(argument.span) for argument in node.arguments]
    if (density := _density(name, texts, laws, block)) is not None:
        return density
    if name in _ADVICE:
        return _ADVICE[name]
    if name == "log_mix":
        share = texts[0] if texts else "p"
        return f"write the mixture with a discrete latent, `int<lower=0, upper=1> z ~ bernoulli({share});`, and `z ? a : b`"
    template = _REWRITES.get(name)
    if template is None or len(texts) != 1 + max(map(int, _PLACE.findall(template)), default=-1):
        return None
    return f"write `{_filled(template, node.arguments)}`"


def _filled(template: str, arguments: Sequence[ast.Expression]) -> str:
    """The template with the texts of arguments, in brackets where an operator beside them could tear them apart."""

    def fill(place: re.Match[str]) -> str:
        argument = arguments[int(place[1])]
        text = " ".join(argument.span.text.split())
        before, after = template[: place.start()].rstrip()[-1:], template[place.end() :].lstrip()[:1]
        is_whole = before in "(," and after in ",)"
        return text if is_whole or not isinstance(argument, ast.Binary | ast.Conditional | ast.Unary) else f"({text})"

    return _PLACE.sub(fill, template)


def _density(name: str, texts: list[str], laws: Set[str], block: BlockName) -> str | None:
    """What stands for `normal_lpdf(y, mu, s)` and `normal_rng(mu, s)`."""
    match = _DENSITY.match(name)
    if match is None or match["law"] not in laws:
        return None
    law = match["law"]
    if match["kind"] == "rng":
        return f"declare the draw in `generated quantities`, `real x ~ {law}({', '.join(texts)});`, and write `x`"
    is_density = match["kind"] in {"lpdf", "lpmf", "lupdf", "lupmf", "log"}
    if is_density and block == "generated quantities":
        return "leave it out: a fit has the log likelihood of every observation"
    if is_density and texts:
        return f"state the law: `{texts[0]} ~ {law}({', '.join(texts[1:])});`"
    outcome = f"{texts[0]} ~ {law}({', '.join(texts[1:])})" if texts else f"y ~ {law}(...)"
    return (
        f"a cdf truncates an observation or censors it: `{outcome} T[lower, upper];`, `{outcome} right_censored(flag);`"
    )
