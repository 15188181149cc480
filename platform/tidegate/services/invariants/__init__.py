"""What must hold whatever failed: I1–I12 as queries over one tenant, each naming the rows that break it.

Run after every fault test and by `tidegate doctor --invariants`. A row that is under way right now (a call out, a job
about to run) breaks nothing: what has a time limit is looked at only after it.
"""
