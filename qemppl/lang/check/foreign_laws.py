"""How the laws of Stan that are not served, and those of R, BUGS and PyMC, are written in this language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qemppl.ir.model import Size

DENSITY_SUFFIXES = ("_lpdf", "_lpmf", "_lupdf", "_lupmf", "_rng", "_lcdf", "_lccdf", "_cdf")
"""What Stan puts behind the name of a law to make a function of it."""
_SIMPLE = re.compile(r"[\w.]+(\([^()]*\))?")


class _Text(str):
    """The text of an argument; `atom` is in brackets unless it may stand beside any operator."""

    __slots__ = ()

    @property
    def atom(self) -> str:
        return str(self) if _SIMPLE.fullmatch(self) else f"({self})"


@dataclass(frozen=True)
class Rewrite:
    """A law of another notation: its parameters in order, and the law here, with `{parameter}` where one stands.

    declares: the type of its values here, where that differs. note: what else differs. advice: what to write where no law replaces it.
    """

    parameters: tuple[str, ...] = ()
    law: str = ""
    declares: str = ""
    note: str = ""
    advice: str = ""

    def hint(self, arguments: Sequence[str], outcome: str, size: Size) -> str:
        """What to write, with the user's own arguments where their number is right; `size` is that of the outcome."""
        if self.advice:
            return self.advice
        law, declares = self._filled(self.law, arguments), self.declares.replace("[n]", f"[{size}]")
        return f"write `{declares} {outcome} ~ {law};`" if declares else f"write `{law}`"

    def notes(self, arguments: Sequence[str]) -> tuple[str, ...]:
        return (self._filled(self.note, arguments),) if self.note else ()

    def _filled(self, text: str, arguments: Sequence[str]) -> str:
        given = arguments if len(arguments) == len(self.parameters) else self.parameters
        return text.format(**{name: _Text(value) for name, value in zip(self.parameters, given, strict=True)})


def normalised(name: str) -> str:
    """A name without capitals and underscores, in which notations differ."""
    return name.replace("_", "").lower()


def same_but_for_spelling(name: str, laws: Iterable[str]) -> str | None:
    """The law that differs from a name by capitals and underscores only: `StudentT` is `student_t`."""
    return next((law for law in laws if normalised(law) == normalised(name)), None)


def foreign_law(name: str, count: int) -> Rewrite | None:
    """How to write a law of that name and this number of arguments, if another notation has it."""
    other = _OTHER_COUNTS.get(normalised(name))
    return other if other is not None and len(other.parameters) == count else FOREIGN_LAWS.get(normalised(name))


def _law(parameters: str, law: str, declares: str = "", note: str = "") -> Rewrite:
    return Rewrite(tuple(parameters.split()), law, declares, note)


def _advice(text: str) -> Rewrite:
    return Rewrite(advice=text)


_HALF = "real<lower=0>"
_SIMPLEX = "simplex[n]"
_FACTOR = "cholesky_factor_corr[n]"
_PRECISION = "({mu}, 1 / sqrt({sigma}))` if the second argument is a precision, as in BUGS; else `"
_TOTAL = "the number of trials is the sum of the counts, and is not given"
_FROM_ONE = "categories are counted from 1"
_ZERO = "`z` is an enumerated latent: `int<lower=0, upper=1> z ~ bernoulli({psi});`"
_SPLIT = _advice(
    "write scales `vector<lower=0>[n] s`, a correlation `cholesky_factor_corr[n] L ~ lkj_corr_cholesky(2)`, "
    "and `multi_normal_cholesky(mu, diag_pre_multiply(s, L))`"
)
_MIXTURE = _advice(
    "enumerate the component: `int<lower=1, upper=K> z ~ categorical(w);`, and index with it: `normal(mu[z], sigma[z])`"
)
_LINEAR = "{alpha.atom} + dot_product({x}, {beta})"

_STAN = {
    "half_normal": _law("sigma", "normal(0, {sigma})", _HALF),
    "half_cauchy": _law("sigma", "cauchy(0, {sigma})", _HALF),
    "half_student_t": _law("nu sigma", "student_t({nu}, 0, {sigma})", _HALF),
    "half_flat": _law("", "flat()", _HALF),
    "truncated_normal": _advice("write `normal(mu, sigma)`, and the bounds in the declaration"),
    "lkj_corr": _law("eta", "lkj_corr_cholesky({eta})", _FACTOR),
    "wishart": _SPLIT,
    "inv_wishart": _SPLIT,
    "multi_student_t": _advice(
        "write a scale mixture: `real<lower=0> u ~ gamma(nu / 2, nu / 2);`, then `multi_normal_cholesky(mu, L / sqrt(u))`"
    ),
    "multi_normal_prec": _advice("give the covariance, or its Cholesky factor: `multi_normal_cholesky(mu, L)`"),
    "neg_binomial": _law("alpha beta", "neg_binomial_2({alpha.atom} / {beta.atom}, {alpha})"),
    "multinomial_logit": _law("eta", "multinomial(softmax({eta}))"),
    "pareto": _advice(
        "the log of a pareto is exponential: define `real u = log(y / y_min);` in `transformed data`, and write `u ~ exponential(alpha);`"
    ),
    "rayleigh": _law("sigma", "weibull(2, {sigma.atom} * sqrt(2))"),
    "inv_chi_square": _law("nu", "inv_gamma({nu.atom} / 2, 0.5)"),
    "scaled_inv_chi_square": _law("nu sigma", "inv_gamma({nu.atom} / 2, {nu.atom} / 2 * square({sigma}))"),
    "bernoulli_logit_glm": _law("x alpha beta", f"bernoulli_logit({_LINEAR})"),
    "binomial_logit_glm": _law("n x alpha beta", f"binomial_logit({{n}}, {_LINEAR})"),
    "poisson_log_glm": _law("x alpha beta", f"poisson_log({_LINEAR})"),
    "neg_binomial_2_log_glm": _law("x alpha beta phi", f"neg_binomial_2_log({_LINEAR}, {{phi}})"),
    "normal_id_glm": _law("x alpha beta sigma", f"normal({_LINEAR}, {{sigma}})"),
    "ordered_logistic_glm": _law("x beta c", "ordered_logistic(dot_product({x}, {beta}), {c})"),
    "categorical_logit_glm": _law("x alpha beta", "categorical_logit({alpha.atom} + {beta.atom} * {x.atom})"),
}

_R_AND_BUGS = {
    "dnorm": _law("mu sigma", f"normal{_PRECISION}normal({{mu}}, {{sigma}})"),
    "dlnorm": _law("mu sigma", f"lognormal{_PRECISION}lognormal({{mu}}, {{sigma}})"),
    "dt": _law("mu tau nu", "student_t({nu}, {mu}, 1 / sqrt({tau}))"),
    "dgamma": _law("alpha beta", "gamma({alpha}, {beta})"),
    "dbeta": _law("alpha beta", "beta({alpha}, {beta})"),
    "dunif": _law("alpha beta", "uniform({alpha}, {beta})"),
    "dexp": _law("beta", "exponential({beta})"),
    "dcauchy": _law("mu sigma", "cauchy({mu}, {sigma})"),
    "dlogis": _law("mu sigma", "logistic({mu}, {sigma})"),
    "dweib": _law("v lambda", "weibull({v}, {lambda.atom}^(-1 / {v.atom}))"),
    "dweibull": _law("alpha sigma", "weibull({alpha}, {sigma})"),
    "dchisq": _law("nu", "chi_square({nu})"),
    "dchisqr": _law("nu", "chi_square({nu})"),
    "ddexp": _law("mu tau", "laplace({mu}, 1 / {tau.atom})"),
    "dflat": _law("", "flat()"),
    "dbern": _law("theta", "bernoulli({theta})"),
    "dbin": _law("theta n", "binomial({n}, {theta})"),
    "dbinom": _law("n theta", "binomial({n}, {theta})"),
    "dpois": _law("lambda", "poisson({lambda})"),
    "dgeom": _law("theta", "geometric({theta})"),
    "dnegbin": _law("p r", "neg_binomial_2({r.atom} * (1 - {p.atom}) / {p.atom}, {r})"),
    "dnbinom": _law("r p", "neg_binomial_2({r.atom} * (1 - {p.atom}) / {p.atom}, {r})"),
    "dcat": _law("theta", "categorical({theta})"),
    "dmulti": _law("theta n", "multinomial({theta})", note=_TOTAL),
    "dmultinom": _law("n theta", "multinomial({theta})", note=_TOTAL),
    "ddirch": _law("alpha", "dirichlet({alpha})", _SIMPLEX),
    "ddirich": _law("alpha", "dirichlet({alpha})", _SIMPLEX),
    "dmnorm": _advice("give the covariance, not the precision: `multi_normal(mu, Sigma)`"),
    "dwish": _SPLIT,
}

_PYTHON = {
    "t": _law("nu mu sigma", "student_t({nu}, {mu}, {sigma})"),
    "student": _law("nu mu sigma", "student_t({nu}, {mu}, {sigma})"),
    "norm": _law("mu sigma", "normal({mu}, {sigma})"),
    "gaussian": _law("mu sigma", "normal({mu}, {sigma})"),
    "lnorm": _law("mu sigma", "lognormal({mu}, {sigma})"),
    "unif": _law("alpha beta", "uniform({alpha}, {beta})"),
    "bern": _law("theta", "bernoulli({theta})"),
    "binom": _law("n theta", "binomial({n}, {theta})"),
    "exp": _law("beta", "exponential({beta})"),
    "pois": _law("lambda", "poisson({lambda})"),
    "cat": _law("theta", "categorical({theta})", note=_FROM_ONE),
    "dir": _law("alpha", "dirichlet({alpha})", _SIMPLEX),
    "mvn": _law("mu Sigma", "multi_normal({mu}, {Sigma})"),
    "mv_normal": _law("mu Sigma", "multi_normal({mu}, {Sigma})"),
    "multivariate_normal": _law("mu Sigma", "multi_normal({mu}, {Sigma})"),
    "inverse_gamma": _law("alpha beta", "inv_gamma({alpha}, {beta})"),
    "negative_binomial": _law("mu phi", "neg_binomial_2({mu}, {phi})"),
    "nbinom": _law("mu phi", "neg_binomial_2({mu}, {phi})"),
    "chi_squared": _law("nu", "chi_square({nu})"),
    "discrete_uniform": _law("lower upper", "discrete_range({lower}, {upper})"),
    "lkj": _law("eta", "lkj_corr_cholesky({eta})", _FACTOR),
    "lkj_cholesky_cov": _SPLIT,
    "zero_inflated_poisson": _law("psi mu", "poisson(z * {mu.atom})", note=_ZERO),
    "zip": _law("psi mu", "poisson(z * {mu.atom})", note=_ZERO),
    "zero_inflated_binomial": _law("psi n p", "binomial({n}, z * {p.atom})", note=_ZERO),
    "zero_inflated_negative_binomial": _law("psi mu phi", "neg_binomial_2(z * {mu.atom}, {phi})", note=_ZERO),
    "zinb": _law("psi mu phi", "neg_binomial_2(z * {mu.atom}, {phi})", note=_ZERO),
    "mixture": _MIXTURE,
    "normal_mixture": _MIXTURE,
}

_OTHER_COUNTS = {
    "halfnormal": _law("mu sigma", "normal({mu}, {sigma})", _HALF),
    "halfcauchy": _law("mu sigma", "cauchy({mu}, {sigma})", _HALF),
    "halfstudentt": _law("nu mu sigma", "student_t({nu}, {mu}, {sigma})", _HALF),
    "t": _law("nu", "student_t({nu}, 0, 1)"),
    "student": _law("nu", "student_t({nu}, 0, 1)"),
    "lkjcorr": _law("n eta", "lkj_corr_cholesky({eta})", _FACTOR),
    "lkj": _law("n eta", "lkj_corr_cholesky({eta})", _FACTOR),
}
"""Those that are also written with another number of arguments."""
FOREIGN_LAWS = {normalised(name): rewrite for name, rewrite in (_STAN | _R_AND_BUGS | _PYTHON).items()}
"""By normalised name."""
