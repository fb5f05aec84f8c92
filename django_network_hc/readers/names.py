"""What a report's name says: the network, and the day."""

import re
from datetime import date, datetime
from pathlib import PurePath
from typing import NamedTuple

from django_network_hc.engine.names import is_network_name
from django_network_hc.exceptions import InputError

__all__ = ["ReportName", "report_name"]

_NAME = re.compile(r"(?P<network>.+)_reports_(?P<day>\d{8})\.xlsx", re.IGNORECASE)


class ReportName(NamedTuple):
    """The network and the day of a report."""

    network: str
    day: date


def report_name(file: str) -> ReportName:
    """
    Return what the name of a report says.

    Raises:
        InputError: it is not {Network}_Reports_YYYYMMDD.xlsx.
    """
    name = PurePath(file).name
    if name.startswith("~$"):
        raise InputError(name, "this is the lock of an open workbook: close it, and give the file.")
    found = _NAME.fullmatch(name)
    if found is None or not found["network"].strip():
        raise InputError(name, "a report is called {Network}_Reports_YYYYMMDD.xlsx.")
    if not is_network_name(found["network"]):
        raise InputError(
            name,
            "a network is called by up to 100 letters, digits, blanks and -_.()+&, and begins with "
            "a letter or digit: files are called after it.",
        )
    try:
        day = datetime.strptime(found["day"], "%Y%m%d").date()  # noqa: DTZ007
    except ValueError:
        raise InputError(name, f"{found['day']} is no day: write it as YYYYMMDD.") from None
    return ReportName(found["network"].strip(), day)
