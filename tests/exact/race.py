"""Closed forms of the race between freeze and layering (equation 4.13), run by `sim.kernels.money.race`.

Money leaves the victim's payment account through L hops; each takes an exponential time.  The police freeze
it once the victim has reported and the order has reached the bank.  Whoever comes first has the money.
"""


def escape_share(hop_rate: float, freeze_rate: float, hops: int) -> float:
    """Probability that money escapes without a victim's delay: (mu / (mu + delta))^L."""
    return (hop_rate / (hop_rate + freeze_rate)) ** hops


def escape_share_after_report(report_rate: float, hop_rate: float, freeze_rate: float, hops: int) -> float:
    """The same with an exponential victim's delay first: [r (mu/(mu+d))^L - d (mu/(mu+r))^L] / (r - d)."""
    r, mu, d = report_rate, hop_rate, freeze_rate
    if r == d:
        return escape_share(mu, d, hops) * (1.0 + d * hops / (mu + d))
    return (r * (mu / (mu + d)) ** hops - d * (mu / (mu + r)) ** hops) / (r - d)
