"""Comparing what the records say with what is on the disk, and mending the difference."""

from videoflix.reconcile.at_start import StartReport
from videoflix.reconcile.findings import Finding, Kind
from videoflix.reconcile.presence import NOT_THERE, Presence
from videoflix.reconcile.repair import Repair
from videoflix.reconcile.survey import Survey

__all__ = ["NOT_THERE", "Finding", "Kind", "Presence", "Repair", "StartReport", "Survey"]
