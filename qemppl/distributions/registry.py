"""Every law that a model can name."""

from __future__ import annotations

from qemppl.distributions.base import Law
from qemppl.distributions.bernoulli import Bernoulli
from qemppl.distributions.bernoulli_logit import BernoulliLogit
from qemppl.distributions.beta import Beta
from qemppl.distributions.binomial import Binomial
from qemppl.distributions.binomial_logit import BinomialLogit
from qemppl.distributions.cauchy import Cauchy
from qemppl.distributions.exponential import Exponential
from qemppl.distributions.flat import Flat
from qemppl.distributions.gamma import Gamma
from qemppl.distributions.inv_gamma import InvGamma
from qemppl.distributions.lognormal import LogNormal
from qemppl.distributions.neg_binomial_2 import NegBinomial2
from qemppl.distributions.neg_binomial_2_log import NegBinomial2Log
from qemppl.distributions.normal import Normal
from qemppl.distributions.poisson import Poisson
from qemppl.distributions.poisson_log import PoissonLog
from qemppl.distributions.std_normal import StdNormal
from qemppl.distributions.student_t import StudentT
from qemppl.distributions.uniform import Uniform
from qemppl.distributions.weibull import Weibull

_REAL: tuple[Law, ...] = (Normal(), StdNormal(), StudentT(), Cauchy(), Uniform(), Flat())
_POSITIVE: tuple[Law, ...] = (LogNormal(), Gamma(), InvGamma(), Exponential(), Weibull())
_UNIT: tuple[Law, ...] = (Beta(),)
_BINARY: tuple[Law, ...] = (Bernoulli(), BernoulliLogit(), Binomial(), BinomialLogit())
_COUNT: tuple[Law, ...] = (Poisson(), PoissonLog(), NegBinomial2(), NegBinomial2Log())

LAWS: dict[str, Law] = {law.name: law for law in (*_REAL, *_POSITIVE, *_UNIT, *_BINARY, *_COUNT)}
