"""The thirteen example models of the language, as text."""

from __future__ import annotations

THIRTEEN: dict[str, str] = {
    "eight_schools": """\
// eight schools
data { plate school; real y[school]; real<lower=0> sigma[school]; }
model { real mu ~ normal(0, 5);  real<lower=0> tau ~ cauchy(0, 5);
  plate school { real theta ~ normal(mu, tau);  y ~ normal(theta, sigma); } }
""",
    "radon": """\
// radon, ragged
data { plate county;  plate house in county by county_idx;  real floor_measure[house];  real log_radon[house]; }
model { real mu_a ~ normal(0, 10);  real mu_b ~ normal(0, 10);
  real<lower=0> s_a ~ normal(0, 1);  real<lower=0> s_b ~ normal(0, 1);  real<lower=0> s_y ~ normal(0, 1);
  plate county { real a ~ normal(mu_a, s_a);  real b ~ normal(mu_b, s_b);
    plate house { log_radon ~ normal(a + b * floor_measure, s_y); } } }
""",
    "logistic": """\
// hierarchical logistic, group- and row-level covariates
data { dim P;  plate district;  plate woman in district by district_id;
  vector[P] x[woman];  real urban[district];  int<lower=0,upper=1> use[woman]; }
model { vector[P] beta ~ normal(0, 2.5);
  joint { real g0 ~ normal(0, 2.5); real g1 ~ normal(0, 1); real<lower=0> tau ~ normal(0, 1); }
  plate district { real a ~ normal(g0 + g1 * urban, tau);
    plate woman { use ~ bernoulli_logit(a + dot_product(x, beta)); } } }
""",
    "counts": """\
// counts with exposure
data { plate site;  plate trap in site by site_id;  int<lower=0> n[trap];  real<lower=0> hours[trap];  real temp[trap]; }
model { real mu ~ normal(0, 2); real<lower=0> s ~ normal(0, 1);  real beta ~ normal(0, 1); real<lower=0> phi ~ gamma(2, 0.1);
  plate site { real a ~ normal(mu, s);
    plate trap { n ~ neg_binomial_2_log(a + beta * temp + log(hours), phi); } } }
generated quantities { plate site { plate trap { int n_rep ~ neg_binomial_2_log(a + beta * temp + log(hours), phi); } } }
""",
    "beta_binomial": """\
// beta-binomial
data { plate hospital;  int<lower=0> n[hospital];  int<lower=0> deaths[hospital]; }
model { real<lower=0,upper=1> m ~ beta(1, 1);  real<lower=0> kappa ~ gamma(2, 0.05);
  plate hospital { real<lower=0,upper=1> p ~ beta(m * kappa, (1 - m) * kappa);  deaths ~ binomial(n, p); } }
generated quantities { real worst = max(p over hospital); }
""",
    "dirichlet_multinomial": """\
// Dirichlet-multinomial
data { dim V;  plate region;  plate survey in region;  array[V] int<lower=0> votes[survey]; }
model { simplex[V] base ~ dirichlet(rep_vector(1, V));  real<lower=0> conc ~ gamma(2, 0.1);
  plate region { simplex[V] share ~ dirichlet(conc * base);  plate survey { votes ~ multinomial(share); } } }
""",
    "mixture": """\
// Gaussian mixture, z enumerated
data { dim K = 2;  plate obs;  real y[obs]; }
model { simplex[K] w ~ dirichlet(rep_vector(5, K));
  joint { ordered[K] mu ~ normal(0, 10);  vector<lower=0>[K] sigma ~ normal(0, 2); }
  plate obs { int<lower=1,upper=K> z ~ categorical(w);  y ~ normal(mu[z], sigma[z]); } }
""",
    "occupancy": """\
// occupancy
data { plate site;  plate visit in site;  real elev[site];  real wind[visit];  int<lower=0,upper=1> seen[visit]; }
model { vector[2] a ~ normal(0, 2);  vector[2] b ~ normal(0, 2);
  plate site { int<lower=0,upper=1> z ~ bernoulli_logit(a[1] + a[2] * elev);
    plate visit { seen ~ bernoulli(z * inv_logit(b[1] + b[2] * wind)); } } }
generated quantities { int n_occupied = sum(z over site); }
""",
    "hidden_markov": """\
// hidden Markov model
data { dim K = 2;  chain t;  real y[t]; }
model { simplex[K] pi0 ~ dirichlet(rep_vector(1, K));  array[K] simplex[K] A ~ dirichlet(rep_vector(1, K));
  positive_ordered[K] mu ~ normal(5, 5);
  chain t { int<lower=1,upper=K> z ~ categorical(A[prev(z)]) init categorical(pi0);  y ~ normal(mu[z], 1); } }
""",
    "local_level": """\
// local level per store, missing outcomes
data { plate store;  chain week in store;  missing real sales[week]; }
model { real<lower=0> q ~ normal(0, 1);  real<lower=0> r ~ normal(0, 1);
  plate store { chain week { real level ~ normal(prev(level), q) init normal(0, 10);  sales ~ normal(level, r); } } }
""",
    "survival": """\
// survival, right-censored
data { dim P;  plate centre;  plate patient in centre by centre_id;
  vector[P] x[patient];  real<lower=0> time[patient];  int<lower=0,upper=1> censored[patient]; }
model { real<lower=0> shape ~ gamma(2, 1);  real b0 ~ normal(0, 5);  real<lower=0> s ~ normal(0, 1);  vector[P] beta ~ normal(0, 1);
  plate centre { real u ~ normal(b0, s);
    plate patient { time ~ weibull(shape, exp(u + dot_product(x, beta))) right_censored(censored); } } }
""",
    "robust_regression": """\
// robust regression
data { dim P;  plate obs;  vector[P] x[obs];  real y[obs]; }
transformed data { plate obs { real y_z = (y - mean(y over obs)) / sd(y over obs); } }
model { joint { real alpha ~ flat();  vector[P] beta ~ normal(0, 2.5); }
  real<lower=0> sigma ~ student_t(3, 0, 10);  real<lower=1> nu ~ gamma(2, 0.1);
  plate obs { y_z ~ student_t(nu, alpha + dot_product(x, beta), sigma); } }
""",
    "item_response": """\
// item response, items as one block latent
data { dim I;  plate person;  plate answer in person by jj;  int<lower=1,upper=I> ii[answer];  int<lower=0,upper=1> y[answer]; }
model { joint { vector<lower=0>[I] disc ~ lognormal(0, 0.5);  vector[I] diff ~ normal(0, 2); }
  plate person { real ability ~ normal(0, 1);
    plate answer { y ~ bernoulli_logit(disc[ii] * (ability - diff[ii])); } } }
""",
}
