"""
Files of a health check, read into typed rows.

Each reader checks what it is given by its content, and says by file, sheet, row and column what is
wrong. Names of columns are compared without case, blanks and signs, in any order.
"""

from django_network_hc.readers.ignores import read_ignored_findings, read_ignored_tests
from django_network_hc.readers.inventories import Inventory, read_inventory
from django_network_hc.readers.names import ReportName, report_name
from django_network_hc.readers.reports import Report, read_report
from django_network_hc.readers.trackers import Tracker, read_tracker

__all__ = [
    "Inventory",
    "Report",
    "ReportName",
    "Tracker",
    "read_ignored_findings",
    "read_ignored_tests",
    "read_inventory",
    "read_report",
    "read_tracker",
    "report_name",
]
