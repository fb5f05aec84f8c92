"""
Workbooks, written: styles, charts, comments and small sheets by XlsxWriter, long tables by us.

A tracker of a large network has four million cells. XlsxWriter needs half a minute for them; a
table needs no more of it than a first row, from which the styles of the others are taken.
"""

from django_network_hc.workbooks.books import Book
from django_network_hc.workbooks.tables import Column, Kind, Table

__all__ = ["Book", "Column", "Kind", "Table"]
