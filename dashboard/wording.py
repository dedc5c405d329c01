"""Numbers as people read them: short, with their unit, a dash where there is none."""

from datetime import timedelta

NOTHING = "–"


def rate(per_second: float) -> str:
    """Calls a second: "12.3/s", "1.2k/s", "0"."""
    return f"{short(per_second)}/s" if per_second > 0 else "0"


def percent(share: float) -> str:
    """A share of 0 to 1: "4.5 %", "0.02 %", "0 %"."""
    if share <= 0:
        return "0 %"
    value = share * 100
    return f"{value:.0f} %" if value >= 10 else f"{value:.2g} %"


def share(part: float, whole: float) -> float:
    """part / whole, 0 of nothing."""
    return part / whole if whole else 0.0


def milliseconds(value: float) -> str:
    """A latency: "0.84 ms", "12 ms", "1.3 s"."""
    if value <= 0:
        return NOTHING
    if value >= 1000:
        return f"{value / 1000:.2g} s"
    return f"{value:.2g} ms" if value < 10 else f"{value:.0f} ms"


def short(value: float) -> str:
    """Three digits at most, thousands as k and M."""
    for limit, unit in ((1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.3g}{unit}"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def span(duration: timedelta) -> str:
    """A length of time in its largest unit: "45 s", "12 min", "3 h", "9 d"."""
    seconds = duration.total_seconds()
    for unit, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds // unit:.0f} {name}"
    return f"{max(seconds, 0):.0f} s"


def plural(count: int, noun: str) -> str:
    """ "1 service", "3 services"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
