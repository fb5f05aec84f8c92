"""Networks with their nodes, cases and rules, and the health checks that change them."""

from django_network_hc.models.cases import Case
from django_network_hc.models.ignoring import IgnoreRule
from django_network_hc.models.networks import Network, Node, NodeRun
from django_network_hc.models.sessions import HealthCheckSession, SessionFile
from django_network_hc.models.stock import InventoryItem

__all__ = [
    "Case",
    "HealthCheckSession",
    "IgnoreRule",
    "InventoryItem",
    "Network",
    "Node",
    "NodeRun",
    "SessionFile",
]
