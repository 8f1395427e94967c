"""Figures as people read them.

Belongs here: numbers, days and names in words. Does not: where they come from.
"""

from datetime import date, datetime
from decimal import Decimal

Number = Decimal | int | float

NO_VALUE = "\N{EN DASH}"


def amount(value: Number | None) -> str:
    """`1,234.50`; the currency is said once, beside the figure."""
    return NO_VALUE if value is None else _signed(f"{value:,.2f}")


def count(value: Number | None) -> str:
    return NO_VALUE if value is None else _signed(f"{value:,.0f}")


def share(value: Number | None) -> str:
    """A share of 0 to 1 in percent: `43.8 %`."""
    return NO_VALUE if value is None else _signed(f"{value * 100:.1f} %")


def decimal(value: Number | None) -> str:
    return NO_VALUE if value is None else _signed(f"{value:,.1f}")


def figure(value: Number | None, unit: str) -> str:
    """A metric by its unit, as gold.metrics names it."""
    return {"amount": amount, "count": count, "share": share}[unit](value)


def change(now: Number | None, before: Number | None, unit: str) -> str | None:
    """`+12.4 %`, for a share `+1.2 points`; None where there is nothing to compare with."""
    if now is None or before is None:
        return None
    if unit == "share":
        return _signed(f"{(now - before) * 100:+.1f} points")
    return _signed(f"{(now - before) / before * 100:+.1f} %") if before else None


def day(value: date | None) -> str:
    return NO_VALUE if value is None else f"{value.day} {value:%b %Y}"


def month(value: date) -> str:
    return f"{value:%b %Y}"


def instant(value: datetime | None) -> str:
    return NO_VALUE if value is None else f"{day(value)}, {value:%H:%M} UTC"


def seconds(value: int | None) -> str:
    if value is None:
        return NO_VALUE
    return f"{value} s" if value < 120 else f"{value / 60:.0f} min"


def plain(code: str | None) -> str:
    """`order_status_unknown` as words."""
    return NO_VALUE if code is None else code.replace("_", " ")


def _signed(text: str) -> str:
    return text.replace("-", "\N{MINUS SIGN}")
