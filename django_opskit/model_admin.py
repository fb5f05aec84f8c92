"""Django's ModelAdmin as a type checker wants it: generic there, and not at run time."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin

__all__ = ["AnyModelAdmin"]

if TYPE_CHECKING:
    AnyModelAdmin = admin.ModelAdmin[Any]
else:
    AnyModelAdmin = admin.ModelAdmin
