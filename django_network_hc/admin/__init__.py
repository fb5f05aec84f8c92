"""The app in Django's admin."""

from django_network_hc.admin.cases import CaseAdmin
from django_network_hc.admin.networks import NetworkAdmin
from django_network_hc.admin.records import InventoryItemAdmin, NodeAdmin
from django_network_hc.admin.rules import IgnoreRuleAdmin
from django_network_hc.admin.sessions import HealthCheckSessionAdmin

__all__ = [
    "CaseAdmin",
    "HealthCheckSessionAdmin",
    "IgnoreRuleAdmin",
    "InventoryItemAdmin",
    "NetworkAdmin",
    "NodeAdmin",
]
