"""
What an adapter needs, looked up in the models and in the database.

:func:`propose` guesses an adapter for models that it is shown; :func:`examine` says what is wrong
with one, asks the database how it would look up a reading, and writes the missing migration.
"""

from django_job_automation.services.doctor.examining import Examination, Finding, examine
from django_job_automation.services.doctor.proposing import Proposal, propose

__all__ = ["Examination", "Finding", "Proposal", "examine", "propose"]
