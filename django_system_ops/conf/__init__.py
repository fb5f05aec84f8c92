"""
The setting ``MANAGEMENT_COMMANDS`` and the variables that go before it; nothing else reads them.

A value comes from the command line, else from its environment variable, else from the setting,
else it is the default. :func:`get_conf` has the last three of them put together, and
:func:`origin_of` says where a value came from.
"""

from django_system_ops.conf.environment import VARIABLES, Variable
from django_system_ops.conf.management_commands import ManagementCommandsSettings, get_conf
from django_system_ops.conf.origins import Origin, origin_of

__all__ = [
    "VARIABLES",
    "ManagementCommandsSettings",
    "Origin",
    "Variable",
    "get_conf",
    "origin_of",
]
