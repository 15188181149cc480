"""Backups that are checked when they are made, and restored so that nothing is asked of a carrier twice."""
