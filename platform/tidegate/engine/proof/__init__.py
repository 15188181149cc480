"""The decision procedure behind the checker: which documents make which rules true, found exactly
where the conditions are comparisons of independent facts with constants.
"""
