"""Every law that a model can name."""

from __future__ import annotations

from qemppl.distributions.base import Law
from qemppl.distributions.bernoulli import Bernoulli
from qemppl.distributions.bernoulli_logit import BernoulliLogit
from qemppl.distributions.beta import Beta
from qemppl.distributions.beta_binomial import BetaBinomial
from qemppl.distributions.beta_proportion import BetaProportion
from qemppl.distributions.binomial import Binomial
from qemppl.distributions.binomial_logit import BinomialLogit
from qemppl.distributions.categorical import Categorical
from qemppl.distributions.categorical_logit import CategoricalLogit
from qemppl.distributions.cauchy import Cauchy
from qemppl.distributions.chi_square import ChiSquare
from qemppl.distributions.dirichlet import Dirichlet
from qemppl.distributions.discrete_range import DiscreteRange
from qemppl.distributions.exponential import Exponential
from qemppl.distributions.flat import Flat
from qemppl.distributions.gamma import Gamma
from qemppl.distributions.geometric import Geometric
from qemppl.distributions.gumbel import Gumbel
from qemppl.distributions.hypergeometric import Hypergeometric
from qemppl.distributions.inv_gamma import InvGamma
from qemppl.distributions.laplace import Laplace
from qemppl.distributions.lkj_corr_cholesky import LkjCorrCholesky
from qemppl.distributions.logistic import Logistic
from qemppl.distributions.lognormal import LogNormal
from qemppl.distributions.multi_normal import MultiNormal
from qemppl.distributions.multi_normal_cholesky import MultiNormalCholesky
from qemppl.distributions.multinomial import Multinomial
from qemppl.distributions.neg_binomial_2 import NegBinomial2
from qemppl.distributions.neg_binomial_2_log import NegBinomial2Log
from qemppl.distributions.normal import Normal
from qemppl.distributions.ordered_logistic import OrderedLogistic
from qemppl.distributions.poisson import Poisson
from qemppl.distributions.poisson_log import PoissonLog
from qemppl.distributions.skew_normal import SkewNormal
from qemppl.distributions.std_normal import StdNormal
from qemppl.distributions.student_t import StudentT
from qemppl.distributions.uniform import Uniform
from qemppl.distributions.von_mises import VonMises
from qemppl.distributions.weibull import Weibull

_REAL: tuple[Law, ...] = (Normal(), StdNormal(), StudentT(), Cauchy(), Uniform(), Flat())
_LOCATED: tuple[Law, ...] = (Logistic(), Laplace(), Gumbel(), SkewNormal(), VonMises())
_POSITIVE: tuple[Law, ...] = (LogNormal(), Gamma(), InvGamma(), Exponential(), Weibull(), ChiSquare())
_UNIT: tuple[Law, ...] = (Beta(), BetaProportion())
_BINARY: tuple[Law, ...] = (Bernoulli(), BernoulliLogit(), Binomial(), BinomialLogit())
_COUNT: tuple[Law, ...] = (Poisson(), PoissonLog(), NegBinomial2(), NegBinomial2Log(), Geometric())
_BOUNDED: tuple[Law, ...] = (BetaBinomial(), Hypergeometric(), DiscreteRange())
_VECTOR: tuple[Law, ...] = (Dirichlet(), MultiNormal(), MultiNormalCholesky(), LkjCorrCholesky(), Multinomial())
_CATEGORY: tuple[Law, ...] = (Categorical(), CategoricalLogit(), OrderedLogistic())

_NUMBERS = (*_REAL, *_LOCATED, *_POSITIVE, *_UNIT, *_BINARY, *_COUNT, *_BOUNDED)
LAWS: dict[str, Law] = {law.name: law for law in (*_NUMBERS, *_VECTOR, *_CATEGORY)}

ALIASES: dict[str, str] = {"double_exponential": "laplace"}
"""Other names of laws."""
