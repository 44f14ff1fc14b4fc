"""stats - the one test of significance that comparisons need. Pure functions.

Mann-Whitney's U: no assumption about the shape of timings, which are skewed. Exact for small
samples without ties, else the normal approximation with correction for ties and continuity.
"""

import math

EXACT_LIMIT = 20        # both samples together; above, the approximation is good to two digits


def ranks(values):
    """Rank of each value, from 1; equal values share the mean of their ranks."""
    order = sorted(range(len(values)), key=values.__getitem__)
    result = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for i in range(start, end + 1):
            result[order[i]] = (start + end) / 2 + 1
        start = end + 1
    return result


def u_counts(m, n):
    """counts[u] = number of orders of m and n distinct values whose U is u."""
    table = {}

    def count(u, a, b):
        if u < 0:
            return 0
        if a == 0 or b == 0:
            return int(u == 0)
        key = (u, a, b)
        if key not in table:
            table[key] = count(u - b, a - 1, b) + count(u, a, b - 1)
        return table[key]

    return [count(u, m, n) for u in range(m * n + 1)]


def mann_whitney(a, b):
    """Two-sided p that samples @a and @b come from one distribution; 1.0 when either is empty."""
    m, n = len(a), len(b)
    if m == 0 or n == 0:
        return 1.0
    values = list(a) + list(b)
    rank = ranks(values)
    u = sum(rank[:m]) - m * (m + 1) / 2
    u = min(u, m * n - u)
    tied = len(set(values)) < len(values)
    if not tied and m + n <= EXACT_LIMIT:
        counts = u_counts(m, n)
        return min(1.0, 2 * sum(counts[:int(u) + 1]) / sum(counts))
    total = m + n
    ties = sum(t ** 3 - t for t in (values.count(v) for v in set(values)))
    variance = m * n / 12 * (total + 1 - ties / (total * (total - 1)))
    if variance <= 0:
        return 1.0
    z = max(0.0, abs(u - m * n / 2) - 0.5) / math.sqrt(variance)
    return math.erfc(z / math.sqrt(2))


def median(values):
    """Middle value; the mean of the two middle ones of an even number."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
